//! Sessions kept from one call to the next.
//!
//! An entry belongs to everything that decides the answer, repeats it, and is compared with it on reading;
//! anything else that is found in its place is a miss. Nothing here knows STS or a terminal.

mod entry;
mod file;
mod flight;
mod key;
#[cfg(target_os = "linux")]
mod keyring;
mod margin;
mod source_key;

use std::io;
use std::time::SystemTime;

pub use entry::{CachedSession, ListedSession};
pub use file::JsonFileCache;
pub use flight::{Flight, Flying, Patience, SingleFlight};
pub use key::{CacheKey, KeyedHop};
#[cfg(target_os = "linux")]
pub use keyring::KeyringCache;
pub use margin::{Margin, Reader};
pub use source_key::{SourceKey, Surroundings};

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
