//! Caches sessions in files that only their owner can read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use super::credential_cache::{CacheFuture, CredentialCache};
use super::entry::{self, SessionSummary};
use super::private_dir;
use super::private_file::{self, is_stored, is_temporary};
use super::single_flight::SingleFlight;
use super::store::SessionStore;

/// The largest entry in bytes: a token may have 64 KiB, and the facts contain the policy.
const MAX_ENTRY: u64 = 512 * 1024;
/// How many files one sweep checks.
const MAX_SWEEP: usize = 256;
/// The age at which a temporary file must be a leftover of a process that died.
const ORPHAN_AGE: Duration = Duration::from_secs(60);
/// Sweeps skip younger entries, because every session lasts at least 15 minutes.
const MIN_SESSION_LIFETIME: Duration = Duration::from_secs(14 * 60);
/// The subdirectory with the entries. Its name changes with the layout of the files.
const LAYOUT_DIR: &str = "v1";
/// The subdirectory with the locks.
const LOCK_DIR: &str = "locks";

/// Caches each session in a file of mode 0600, named by its key, in a directory of mode 0700.
///
/// A file is replaced as a whole or not at all. It counts as missing, and is replaced, if it belongs to
/// another user, is readable by others, is a link, is too large, is damaged, or belongs to another request.
///
/// Processes that use the same directory and need the same session at the same time make one call: the others
/// wait for its session. If that call fails, they make their own calls, all at once.
///
/// The program `arl` has the same cache in `~/.cache/arl` (macOS: `~/Library/Caches/arl`). The two share a
/// session if both assume the role with the same access key, in one step, in the same STS region and with the
/// same parameters. Then `arl assume ROLE` in a shell and this cache in a program need only one MFA code
/// between them.
///
/// The files are small, and they are read and written synchronously.
#[derive(Debug, Clone)]
pub struct JsonFileCache {
    directory: PathBuf,
    single_flight: SingleFlight,
}

impl JsonFileCache {
    /// Creates a cache in this directory. The directory is created when the first session is stored.
    pub fn new(directory: impl AsRef<Path>) -> Self {
        let directory = directory.as_ref();
        let single_flight = SingleFlight::new(directory.join(LOCK_DIR));
        Self { directory: directory.join(LAYOUT_DIR), single_flight }
    }

    /// Sets where processes lock a session while they request it. It defaults to `locks` in the cache's
    /// directory. The program `arl` uses `$XDG_RUNTIME_DIR/arl` if that variable is set.
    #[must_use]
    pub fn lock_directory(self, directory: impl Into<PathBuf>) -> Self {
        Self { single_flight: SingleFlight::new(directory), ..self }
    }

    /// Removes expired entries. Checks at most [`MAX_SWEEP`] files, so that no call pays for thousands of
    /// them.
    fn remove_expired(&self, now: SystemTime) {
        let Ok(mut paths) = private_dir::entries(&self.directory) else { return };
        paths.retain(|path| is_stored(path) || is_temporary(path));
        // Begin at another part of a large cache each time.
        let start = now.duration_since(UNIX_EPOCH).unwrap_or_default().subsec_micros() as usize;
        let count = paths.len().max(1);
        paths.rotate_left(start % count);
        for path in paths.into_iter().take(MAX_SWEEP) {
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            // Treat a modification time in the future as age zero.
            let age = metadata
                .modified()
                .ok()
                .and_then(|modified| now.duration_since(modified).ok())
                .unwrap_or_default();
            let is_expired = if is_temporary(&path) {
                age > ORPHAN_AGE
            } else {
                age > MIN_SESSION_LIFETIME
                    && read_file(&path)
                        .and_then(|text| entry::summarize(&text))
                        .is_none_or(|entry| entry.expiration <= now)
            };
            if is_expired {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

impl CredentialCache for JsonFileCache {
    fn get<'a>(&'a self, key: &'a str) -> CacheFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.load(key).map(|entry| entry.to_vec())) })
    }

    fn put<'a>(&'a self, key: &'a str, entry: Vec<u8>, expires_in: Duration) -> CacheFuture<'a, ()> {
        Box::pin(async move { Ok(self.save(key, &Zeroizing::new(entry), expires_in)?) })
    }

    fn single_flight(&self) -> Option<&SingleFlight> {
        Some(&self.single_flight)
    }
}

impl SessionStore for JsonFileCache {
    fn load(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        let path = self.directory.join(name);
        if is_stored(&path) { read_file(&path) } else { None }
    }

    fn save(&self, name: &str, entry: &[u8], _: Duration) -> io::Result<()> {
        let path = self.directory.join(name);
        if !is_stored(&path) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a key has 64 hexadecimal digits"));
        }
        let with_path = |error: io::Error| {
            io::Error::new(error.kind(), format!("{error} (in `{}`)", self.directory.display()))
        };
        private_dir::ensure_private(&self.directory).map_err(with_path)?;
        // A file cannot replace a directory.
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(&path)?;
        }
        let now = private_file::replace(&path, entry).map_err(with_path)?;
        self.remove_expired(now);
        Ok(())
    }

    fn list(&self, now: SystemTime, at_most: usize) -> io::Result<Vec<SessionSummary>> {
        let paths = private_dir::entries(&self.directory)?.into_iter();
        let listed = paths.filter_map(|path| entry::summarize(&read_file(&path)?));
        Ok(listed.filter(|session| session.expiration > now).take(at_most).collect())
    }

    fn remove(&self, is_wanted: &dyn Fn(&SessionSummary) -> bool) -> io::Result<usize> {
        let mut removed = 0;
        for path in private_dir::entries(&self.directory)?.into_iter().filter(|path| is_stored(path)) {
            if read_file(&path)
                .and_then(|entry| entry::summarize(&entry))
                .is_some_and(|entry| is_wanted(&entry))
            {
                match fs::remove_file(&path) {
                    Ok(()) => removed += 1,
                    // Another process removed it first.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(removed)
    }

    fn clear(&self) -> io::Result<usize> {
        let (mut cleared, mut failed) = (0, None);
        for path in private_dir::entries(&self.directory)? {
            let counts = is_stored(&path);
            if !counts && !is_temporary(&path) {
                continue;
            }
            match fs::remove_file(&path) {
                Ok(()) => cleared += usize::from(counts),
                // Another process removed it first.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(cleared), Err)
    }
}

fn read_file(path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    private_file::read(path, MAX_ENTRY)
}
