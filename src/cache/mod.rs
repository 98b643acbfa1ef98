//! Sessions kept from one call to the next.
//!
//! An entry belongs to everything that decides the answer, repeats it, and is compared with it on reading;
//! anything else that is found in its place is a miss. Nothing here knows STS or a terminal.

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

pub use entry::{CachedSession, ListedSession};
pub use file::JsonFileCache;
pub use freshness::{Margin, Reader};
pub use key::{CacheKey, KeyedHop};
#[cfg(target_os = "linux")]
pub use keyring::KeyringCache;
pub use single_flight::{Flight, Flying, Patience, SingleFlight};
pub use source_key::{SourceKey, Surroundings};
pub use store::CredentialCache;
