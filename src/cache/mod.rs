//! Caches sessions between calls.
//!
//! A cache entry contains everything that decides which session STS returns. Reading compares it, and treats
//! any difference as a miss.

mod entry;
mod file;
mod freshness;
mod key;
#[cfg(target_os = "linux")]
mod keyring;
mod lock_note;
mod private_dir;
mod single_flight;
mod source_key;
mod store;

pub use entry::{CachedSession, SessionSummary};
pub use file::JsonFileCache;
pub use freshness::{Consumer, FreshnessPolicy};
pub use key::{CacheKey, CacheKeyHop};
#[cfg(target_os = "linux")]
pub use keyring::KeyringCache;
pub use single_flight::{Acquired, LeaderLock, SingleFlight, WaitBudget};
pub use source_key::{SourceEnvironment, SourceKey};
pub use store::CredentialCache;
