//! Replaces a file that other programs may write at the same time.
//!
//! Concurrent arl processes exclude each other with a lock. Other programs do not know that lock. So arl
//! exchanges the new file with the old one in one step, and then compares the old one with the version that
//! the new one was made from. If they differ, it exchanges the files back and starts over.

use std::convert::Infallible;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, OFlags, RenameFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::in_place;
use super::temporary::{self, chown_to, sibling_path};
use crate::{files, links};

/// How long arl waits for another arl while the file does not change.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(5);
/// The AWS CLI truncates a file and then writes it. If reads at this interval return the same bytes, the
/// file is complete.
const READ_INTERVAL: Duration = Duration::from_millis(3);
/// How often arl starts over because another program wrote in between.
const MAX_ATTEMPTS: usize = 10;
/// How many reads in a row must agree, because a writer may be interrupted halfway.
const STABLE_READS: usize = 3;
/// How many reads must agree that the file is empty, because a writer may just have truncated it. They take
/// half a second.
const STABLE_READS_EMPTY: usize = 160;
/// How many reads arl makes before it gives up on a file that never settles.
const MAX_READS: usize = 1000;

/// The result of [`update`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// It created the file.
    Created,
    /// It replaced the file.
    Changed,
    /// It wrote into the file, which could not be replaced.
    ChangedInPlace,
    /// The file had the desired contents already.
    Unchanged,
}

/// Why a file was not changed.
#[derive(Debug)]
pub enum UpdateError<E> {
    /// `edit` failed.
    Edit(E),
    /// A system call failed.
    Io(io::Error),
    /// Another arl holds the lock, or another program keeps writing.
    Busy(&'static str),
    /// The path is not a regular file.
    NotAFile,
}

impl<E: fmt::Display> fmt::Display for UpdateError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edit(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Busy(reason) => f.write_str(reason),
            Self::NotAFile => f.write_str("it is not a regular file"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for UpdateError<E> {}

impl<E> From<io::Error> for UpdateError<E> {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Which permissions a file has after [`update`]. A new file has mode 0600 either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMode {
    /// Mode 0600: the file holds secrets.
    Private,
    /// The mode that the file has already.
    Keep,
}

/// Replaces a file with what `edit` makes of its bytes, in one step.
///
/// A file that cannot be replaced, such as a mount point, is written in place.
///
/// It follows symbolic links. It creates a missing file, with its directory (mode 0700). A program that
/// opened the old file before the exchange and writes to it more than 3 milliseconds later loses its changes.
///
/// # Errors
/// `edit` fails, a system call fails, or other programs keep writing. The file is then unchanged.
pub fn update<E>(
    path: &Path,
    mode: FileMode,
    edit: impl Fn(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<UpdateOutcome, UpdateError<E>> {
    let path = &links::resolve(path)?;
    // Check this before creating a lock beside the path, because arl must not create one in /dev.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(UpdateError::NotAFile);
    }
    let directory = path.parent().ok_or(UpdateError::NotAFile)?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let lock = lock_for_update(&sibling_path(path, "arl.lock"), path)?;
    if lock.is_held {
        temporary::remove_all(path);
    }
    let temporary = temporary::name_beside(path);
    for _ in 0..MAX_ATTEMPTS {
        let before = read_stable(path)?;
        let old = before.as_ref().map_or(&[][..], |bytes| bytes.as_slice());
        let after = Zeroizing::new(edit(old).map_err(UpdateError::Edit)?);
        if before.as_ref().is_some_and(|before| **before == *after) {
            return Ok(UpdateOutcome::Unchanged);
        }
        if before.is_none() && after.is_empty() {
            return Ok(UpdateOutcome::Unchanged);
        }
        let metadata = fs::metadata(path).ok();
        let permissions = match (mode, &metadata) {
            (FileMode::Keep, Some(metadata)) => metadata.mode() & 0o777,
            (FileMode::Private, _) | (_, None) => 0o600,
        };
        let owner = metadata
            .or_else(|| fs::metadata(directory).ok())
            .map(|metadata| (metadata.uid(), metadata.gid()));
        let before = before.as_ref().map(|bytes| bytes.as_slice());
        let in_place = || before.map(|before| in_place::write(path, before, &after, permissions));
        let replaced = match temporary::write(&temporary, &after, permissions, owner) {
            Ok(()) => exchange(&temporary, path, before, in_place)?,
            Err(error) => {
                let _ = fs::remove_file(&temporary);
                write_in_place(error, in_place)?
            }
        };
        match replaced {
            Replaced::No => {}
            Replaced::InPlace => return Ok(UpdateOutcome::ChangedInPlace),
            Replaced::Yes => {
                sync_directory(path);
                return Ok(if before.is_some() { UpdateOutcome::Changed } else { UpdateOutcome::Created });
            }
        }
    }
    Err(UpdateError::Busy("another program keeps writing to it"))
}

/// Removes a file while no other arl process writes it, and returns what it contained. If the lock is not
/// available, it removes the file anyway.
///
/// # Errors
/// The file cannot be read or removed, or a link of another user leads to it.
pub(crate) fn remove(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let target = links::resolve(path)?;
    let _lock = lock_for_update::<Infallible>(&sibling_path(&target, "arl.lock"), &target);
    let text = files::read(&target, files::MAX_CONFIG).map(Zeroizing::new)?;
    fs::remove_file(path)?;
    temporary::remove_all(&target);
    Ok(text)
}

/// Removes what an [`update`] that was killed has left beside the file: a new version, or after the exchange
/// the old one. It may contain secrets. While another process writes the file, this does nothing.
pub fn remove_leftover(path: &Path) {
    let Ok(path) = links::resolve(path) else { return };
    if temporary::exists(&path)
        && let Ok(lock) = open_lock(&sibling_path(&path, "arl.lock"))
        && lock.try_lock().is_ok()
    {
        temporary::remove_all(&path);
    }
}

/// Whether the new version of a file is in place.
enum Replaced {
    /// The new version has replaced the file.
    Yes,
    /// The new version was written into the file.
    InPlace,
    /// Another program has changed the file.
    No,
}

impl Replaced {
    fn from_bool(is_replaced: bool) -> Self {
        if is_replaced { Self::Yes } else { Self::No }
    }
}

/// Writes a file in place if the error says that this is the only way.
fn write_in_place(
    error: io::Error,
    in_place: impl FnOnce() -> Option<io::Result<bool>>,
) -> io::Result<Replaced> {
    match in_place::is_needed(&error).then(in_place).flatten() {
        None => Err(error),
        Some(written) => Ok(if written? { Replaced::InPlace } else { Replaced::No }),
    }
}

/// Replaces the file with the temporary one, if the file still contains `before`. It removes the temporary
/// file, unless that is now the only copy of another program's version.
fn exchange(
    temporary: &Path,
    path: &Path,
    before: Option<&[u8]>,
    in_place: impl FnOnce() -> Option<io::Result<bool>>,
) -> io::Result<Replaced> {
    let result = match before {
        None => create_exclusively(temporary, path).map(Replaced::from_bool),
        Some(before) => match rustix::fs::renameat_with(CWD, temporary, CWD, path, RenameFlags::EXCHANGE) {
            Ok(()) => return verify_or_roll_back(temporary, path, before).map(Replaced::from_bool),
            Err(Errno::NOENT) => Ok(Replaced::No),
            // The file system cannot exchange files: compare once more, as late as possible, and rename.
            Err(error) if is_unsupported(error) => match files::read(path, files::MAX_CONFIG) {
                Ok(now) if now == before => match fs::rename(temporary, path) {
                    Ok(()) => Ok(Replaced::Yes),
                    Err(error) => write_in_place(error, in_place),
                },
                Ok(_) => Ok(Replaced::No),
                Err(error) => Err(error),
            },
            Err(error) => write_in_place(error.into(), in_place),
        },
    };
    // After a rename it no longer exists.
    let _ = fs::remove_file(temporary);
    result
}

/// Makes a new name survive a power failure. Not every file system supports that, so errors are ignored.
fn sync_directory(path: &Path) {
    let _ = path.parent().map(|directory| File::open(directory).and_then(|directory| directory.sync_all()));
}

/// Moves the temporary file to a path where no file exists yet.
fn create_exclusively(temporary: &Path, path: &Path) -> io::Result<bool> {
    let result = match rustix::fs::renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE) {
        Err(error) if is_unsupported(error) => fs::hard_link(temporary, path),
        other => other.map_err(io::Error::from),
    };
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Compares the file that the exchange moved away with `before`, and exchanges the files back if they differ.
///
/// It compares twice: a program that opened the file before the exchange may truncate and write it only now,
/// because both had to wait for the journal of the file system, or for a processor.
fn verify_or_roll_back(temporary: &Path, path: &Path, before: &[u8]) -> io::Result<bool> {
    let is_unchanged = || {
        let replaced = files::read(temporary, files::MAX_CONFIG).map(Zeroizing::new);
        replaced.is_ok_and(|replaced| replaced.as_slice() == before)
    };
    if is_unchanged() && {
        std::thread::sleep(READ_INTERVAL);
        is_unchanged()
    } {
        fs::remove_file(temporary)?;
        return Ok(true);
    }
    // Another program wrote in between. Put its version back; the caller then edits that one.
    rustix::fs::renameat_with(CWD, temporary, CWD, path, RenameFlags::EXCHANGE)?;
    fs::remove_file(temporary)?;
    Ok(false)
}

fn is_unsupported(error: rustix::io::Errno) -> bool {
    [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP].contains(&error)
}

/// The lock of a file that arl updates.
struct UpdateLock {
    _file: File,
    /// Whether this process holds it. `false` if the file system has no locks: then the exchange still keeps
    /// the file whole, but one of two edits at the same moment may be lost.
    is_held: bool,
}

/// Locks out other arl processes that write the file. The kernel releases the lock when its holder dies.
/// While the file keeps changing, the other processes make progress, so this one keeps waiting.
fn lock_for_update<E>(path: &Path, target: &Path) -> Result<UpdateLock, UpdateError<E>> {
    let open = || match open_lock(path) {
        // No file can be made beside the target, so the target itself is the lock.
        Err(error) if in_place::is_needed(&error) && target.exists() => {
            in_place::open(target).map(|file| (file, target))
        }
        opened => opened.map(|file| (file, path)),
    };
    let ((mut file, mut name), mut reopened) = (open()?, 0);
    let state = || {
        fs::metadata(target).map(|metadata| (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())).ok()
    };
    let (mut waited, mut last) = (Duration::ZERO, state());
    loop {
        match file.try_lock() {
            // Another program may have removed the lock file. Then other processes lock another one.
            Ok(()) if reopened < MAX_ATTEMPTS && !is_file_at(&file, name) => {
                (file, name) = open()?;
                reopened += 1;
            }
            Ok(()) => return Ok(UpdateLock { is_held: is_file_at(&file, name), _file: file }),
            Err(TryLockError::WouldBlock) if waited < LOCK_TIMEOUT => {
                std::thread::sleep(LOCK_POLL_INTERVAL);
                let now = state();
                waited = if now == last { waited + LOCK_POLL_INTERVAL } else { Duration::ZERO };
                last = now;
            }
            Err(TryLockError::WouldBlock) => {
                return Err(UpdateError::Busy("another arl process has been writing to it for 10 s"));
            }
            Err(TryLockError::Error(_)) => return Ok(UpdateLock { _file: file, is_held: false }),
        }
    }
}

/// Whether an open file still has this name.
fn is_file_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// Opens the lock file, or creates it.
///
/// The directory may belong to another user, who can put anything under this name. So this follows no link,
/// accepts only a regular file without other hard links, and changes the owner only of a file that it has
/// created.
fn open_lock(path: &Path) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(flags);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            let owner = path.parent().and_then(|directory| fs::metadata(directory).ok());
            // The owner of the directory must be able to lock later. The file is empty, so it cannot leak
            // anything.
            chown_to(&file, owner.map(|metadata| (metadata.uid(), metadata.gid())))?;
            return Ok(file);
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let is_plain = |metadata: &fs::Metadata| metadata.is_file() && metadata.nlink() == 1;
    // Look at the name before opening it, because opening some devices has side effects.
    if is_plain(&fs::symlink_metadata(path)?) {
        let file = options.open(path)?;
        if is_plain(&file.metadata()?) {
            return Ok(file);
        }
    }
    Err(io::Error::other(format!("`{}` is in the way: it is not a regular file", path.display())))
}

/// Reads the file until several reads agree. Returns `None` if it does not exist.
fn read_stable<E>(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, UpdateError<E>> {
    let read = || match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(UpdateError::Io(error)),
        Ok(metadata) if !metadata.is_file() => Err(UpdateError::NotAFile),
        Ok(_) => match files::read(path, files::MAX_CONFIG) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(UpdateError::Io(error)),
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        },
    };
    let mut last = read()?;
    let mut stable_reads = 1;
    for _ in 0..MAX_READS {
        let Some(bytes) = &last else { return Ok(None) };
        if stable_reads >= if bytes.is_empty() { STABLE_READS_EMPTY } else { STABLE_READS } {
            return Ok(last);
        }
        std::thread::sleep(READ_INTERVAL);
        let next = read()?;
        stable_reads = if next == last { stable_reads + 1 } else { 1 };
        last = next;
    }
    Err(UpdateError::Busy("another program keeps writing to it"))
}
