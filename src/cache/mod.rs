//! Caches sessions between runs.
//!
//! A cache entry contains everything that decides which session STS returns. Reading compares all of it, and
//! treats any difference as a miss. [`JsonFileCache`] exists only on Unix and [`KeyringCache`] only on Linux;
//! everything else in this crate builds everywhere.

pub(crate) mod credential_cache;
pub(crate) mod entry;
#[cfg(unix)]
mod file;
pub(crate) mod freshness;
pub(crate) mod key;
#[cfg(all(target_os = "linux", feature = "keyring"))]
mod keyring;
#[cfg(unix)]
pub(crate) mod lock_note;
#[cfg(unix)]
pub(crate) mod private_dir;
#[cfg(unix)]
pub(crate) mod private_file;
#[cfg(unix)]
pub(crate) mod single_flight;
#[cfg(feature = "cli")]
pub(crate) mod source_facts;
pub(crate) mod source_key;
#[cfg(unix)]
pub(crate) mod store;

pub use credential_cache::{CacheFuture, CredentialCache};
#[cfg(unix)]
pub use file::JsonFileCache;
#[cfg(all(target_os = "linux", feature = "keyring"))]
pub use keyring::KeyringCache;
