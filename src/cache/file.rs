//! Sessions in files that only their owner can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use super::entry::{self, CachedSession, ListedSession};
use super::key::CacheKey;
use super::private_dir::{self, open_flags};
use super::store::CredentialCache;

/// The longest entry: a token may have 64 KiB, and the facts repeat a policy.
const MAX_ENTRY: u64 = 512 * 1024;
/// How many files one sweep looks at.
const SWEPT: usize = 256;
/// A temporary file of this age was left by somebody who died.
const ORPHANED: Duration = Duration::from_secs(60);
/// No session of STS ends sooner after it was kept.
const SHORTEST: Duration = Duration::from_secs(14 * 60);
/// Entries of another layout live in a directory of their own.
const DIRECTORY: &str = "v1";
const TEMPORARY: &str = ".tmp";

/// Keeps each session in a file of mode 0600, named by its key, below a directory of mode 0700.
///
/// A file is replaced as a whole or not at all. One that belongs to somebody else, that others may read, that
/// is a link, too large, damaged, or of another request, counts as missing and is replaced.
#[derive(Debug, Clone)]
pub struct JsonFileCache {
    directory: PathBuf,
}

impl JsonFileCache {
    /// A cache below this directory, which is made when something is kept.
    pub fn new(directory: impl AsRef<Path>) -> Self {
        Self { directory: directory.as_ref().join(DIRECTORY) }
    }

    fn path(&self, key: &CacheKey) -> PathBuf {
        self.directory.join(key.name())
    }

    /// Creates the directory, and takes away what others may do in it.
    fn prepare(&self) -> io::Result<()> {
        match private_dir::ensure(&self.directory)? {
            mode if mode & 0o077 == 0 => Ok(()),
            _ => fs::set_permissions(&self.directory, fs::Permissions::from_mode(0o700)),
        }
    }

    fn replace(&self, path: &Path, text: &str, now: SystemTime) -> io::Result<()> {
        let nanos = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let temporary = path.with_extension(format!("{}-{nanos:x}{TEMPORARY}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        // Neither the file nor the directory is synced: an entry is sealed, so one that a power failure has damaged
        // is a miss.
        let written = file.write_all(text.as_bytes()).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            // What remains is swept later.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Takes away what is over, looking at no more than [`SWEPT`] files, so that no call pays for thousands.
    fn sweep(&self, now: SystemTime) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        let mut paths: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| is_entry(path) || is_temporary(path))
            .collect();
        // Another part of a large cache each time.
        let start = now.duration_since(UNIX_EPOCH).unwrap_or_default().subsec_micros() as usize;
        let count = paths.len().max(1);
        paths.rotate_left(start % count);
        for path in paths.into_iter().take(SWEPT) {
            let Ok(found) = fs::symlink_metadata(&path) else { continue };
            // A time that is still to come is nobody's age.
            let age =
                found.modified().ok().and_then(|made| now.duration_since(made).ok()).unwrap_or_default();
            let is_over = if is_temporary(&path) {
                age > ORPHANED
            } else {
                age > SHORTEST
                    && read_file(&path)
                        .and_then(|text| entry::list(&text))
                        .is_none_or(|entry| entry.expiration <= now)
            };
            if is_over {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

impl CredentialCache for JsonFileCache {
    fn read(&self, key: &CacheKey, _: SystemTime) -> Option<CachedSession> {
        entry::read(key, &read_file(&self.path(key))?)
    }

    fn write(&self, key: &CacheKey, session: &CachedSession, now: SystemTime) -> io::Result<()> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("{error} (in `{}`)", self.directory.display()))
        };
        self.prepare().map_err(named)?;
        let path = self.path(key);
        // A directory cannot be replaced by a file.
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(&path)?;
        }
        self.replace(&path, &entry::write(key, session), now).map_err(named)?;
        self.sweep(now);
        Ok(())
    }

    fn list(&self, now: SystemTime, at_most: usize) -> io::Result<Vec<ListedSession>> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let listed = entries.flatten().filter_map(|found| entry::list(&read_file(&found.path())?));
        Ok(listed.filter(|session| session.expiration > now).take(at_most).collect())
    }

    fn clear(&self) -> io::Result<usize> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries?,
        };
        let (mut cleared, mut failed) = (0, None);
        for path in entries.flatten().map(|entry| entry.path()) {
            let counts = is_entry(&path);
            if !counts && !is_temporary(&path) {
                continue;
            }
            match fs::remove_file(&path) {
                Ok(()) => cleared += usize::from(counts),
                // Somebody else was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(cleared), Err)
    }
}

/// Whether the name is a key's; nothing else in the directory is ours to touch.
fn is_entry(path: &Path) -> bool {
    let name = path.file_name().map(OsStrExt::as_bytes).unwrap_or_default();
    name.len() == 64 && name.iter().all(u8::is_ascii_hexdigit)
}

/// Whether the name is one that [`JsonFileCache::replace`] makes.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().map(OsStrExt::as_bytes).unwrap_or_default();
    name.get(..64).is_some_and(|key| key.iter().all(u8::is_ascii_hexdigit))
        && name.ends_with(TEMPORARY.as_bytes())
}

/// The file's bytes, if it is a plain one of ours that nobody else may read.
fn read_file(path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    let file = OpenOptions::new().read(true).custom_flags(open_flags()).open(path).ok()?;
    let found = file.metadata().ok()?;
    let is_ours = found.is_file()
        && found.uid() == rustix::process::geteuid().as_raw()
        && found.mode() & 0o077 == 0
        && found.len() <= MAX_ENTRY;
    if !is_ours {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(found.len()).ok()? + 1));
    file.take(MAX_ENTRY).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
