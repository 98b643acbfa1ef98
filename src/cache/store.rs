//! The interface of caches.

use std::io;
use std::time::SystemTime;

use super::entry::{CachedSession, SessionSummary};
use super::key::CacheKey;

/// A cache of sessions.
pub trait CredentialCache: std::fmt::Debug + Send + Sync {
    /// Returns the session with this key. Returns `None` if there is none, or if it cannot be trusted.
    fn read(&self, key: &CacheKey, now: SystemTime) -> Option<CachedSession>;

    /// Stores a session.
    ///
    /// # Errors
    /// The session cannot be stored. A session that was stored under this key before is then still intact.
    fn write(&self, key: &CacheKey, session: &CachedSession, now: SystemTime) -> io::Result<()>;

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
}
