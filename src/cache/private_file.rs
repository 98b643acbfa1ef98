//! Files that must belong to this user alone, replaced as a whole.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::private_dir::open_flags;

/// The end of the names of temporary files.
const TEMP_SUFFIX: &str = ".tmp";
/// Makes the names of temporary files unique within the process.
static TEMP_COUNT: AtomicU32 = AtomicU32::new(0);

/// Replaces a file of mode 0600 and returns the time by the clock of the file system. The name must have no
/// extension.
///
/// # Errors
/// A system call fails. The file is then as before.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<SystemTime> {
    let count = TEMP_COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{count:x}{TEMP_SUFFIX}", std::process::id()));
    let create = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
    let mut file = match create() {
        // A process with the same ID died before this one started.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&temporary)?;
            create()?
        }
        file => file?,
    };
    // Neither the file nor the directory is synced: entries are sealed, so one that a power failure damages
    // is a miss.
    let written = file.write_all(content).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // If this fails too, a later sweep removes the file.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    file.metadata()?.modified()
}

/// Reads a file of at most `max` bytes, if it is a regular file of this user that others cannot read.
pub(crate) fn read(path: &Path, max: u64) -> Option<Zeroizing<Vec<u8>>> {
    let file = OpenOptions::new().read(true).custom_flags(open_flags()).open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let is_private = metadata.is_file()
        && metadata.uid() == rustix::process::geteuid().as_raw()
        && metadata.mode() & 0o077 == 0
        && metadata.len() <= max;
    if !is_private {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).ok()? + 1));
    file.take(max).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Whether a file's name is one under which arl stores an entry: 64 hexadecimal digits. arl leaves the other
/// files in its directories alone.
pub(crate) fn is_stored(path: &Path) -> bool {
    let name = path.file_name().map(OsStrExt::as_bytes).unwrap_or_default();
    name.len() == 64 && name.iter().all(u8::is_ascii_hexdigit)
}

/// Whether a file's name is that of a temporary file, which [`replace`] creates before it stores an entry.
pub(crate) fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().map(OsStrExt::as_bytes).unwrap_or_default();
    name.get(..64).is_some_and(|key| key.iter().all(u8::is_ascii_hexdigit))
        && name.ends_with(TEMP_SUFFIX.as_bytes())
}
