//! The synchronous interface of caches. The CLI uses it so that a call with a cached session starts no async
//! runtime.

use std::io;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::entry::{self, CachedSession, SessionSummary};
use super::key::CacheKey;

/// Stores sealed sessions by name.
#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "the CLI uses the rest"))]
pub trait SessionStore: std::fmt::Debug + Send + Sync {
    /// Returns the entry with this name. Returns `None` if there is none, or if others could have written it.
    fn load(&self, name: &str) -> Option<Zeroizing<Vec<u8>>>;

    /// Stores an entry, which expires after `expires_in`.
    ///
    /// # Errors
    /// The entry cannot be stored. An entry that was stored under this name before is then still intact.
    fn save(&self, name: &str, entry: &[u8], expires_in: Duration) -> io::Result<()>;

    /// Lists at most `at_most` sessions that have not expired, without their secrets.
    ///
    /// # Errors
    /// The cache cannot be read.
    fn list(&self, now: SystemTime, at_most: usize) -> io::Result<Vec<SessionSummary>>;

    /// Removes all sessions and returns their number.
    ///
    /// # Errors
    /// A session could not be removed.
    fn clear(&self) -> io::Result<usize>;

    /// Removes the sessions for which `is_wanted` returns true, and returns their number.
    ///
    /// # Errors
    /// As [`SessionStore::clear`].
    fn remove(&self, is_wanted: &dyn Fn(&SessionSummary) -> bool) -> io::Result<usize>;

    /// Returns the session with this key. Returns `None` if there is none, or if it cannot be trusted.
    fn read(&self, key: &CacheKey) -> Option<CachedSession> {
        entry::decode(key, &self.load(&key.file_name())?)
    }

    /// Stores a session.
    ///
    /// # Errors
    /// As [`SessionStore::save`].
    fn write(&self, key: &CacheKey, session: &CachedSession, now: SystemTime) -> io::Result<()> {
        self.save(&key.file_name(), entry::encode(key, session).as_bytes(), session.expires_in(now))
    }
}
