//! Where sessions are kept.

use std::io;
use std::time::SystemTime;

use super::entry::{CachedSession, ListedSession};
use super::key::CacheKey;

/// Where sessions are kept.
pub trait CredentialCache: std::fmt::Debug + Send + Sync {
    /// The session that was kept under this key; `None` if there is none, or it cannot be trusted.
    fn read(&self, key: &CacheKey, now: SystemTime) -> Option<CachedSession>;

    /// Keeps a session.
    ///
    /// # Errors
    /// The place refuses. What was kept before under this key is then still there, whole.
    fn write(&self, key: &CacheKey, session: &CachedSession, now: SystemTime) -> io::Result<()>;

    /// What is kept and not over, without its secrets; no more than so many.
    ///
    /// # Errors
    /// The place cannot be read.
    fn list(&self, now: SystemTime, at_most: usize) -> io::Result<Vec<ListedSession>>;

    /// Forgets everything; how many sessions there were.
    ///
    /// # Errors
    /// Something could not be taken away.
    fn clear(&self) -> io::Result<usize>;
}
