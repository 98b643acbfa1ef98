//! Long-term keys in the system's keychain.
//!
//! arl has no cryptography of its own. It reaches the keychain through the credential helpers of Docker:
//! `docker-credential-osxkeychain`, `-secretservice`, `-pass` and others of the same protocol.

mod entry;
mod helper;
mod name;
mod record;
mod store;

pub use entry::Rotation;
pub use helper::HelperError;
pub use name::{KeyName, StoreName};
pub use record::{KeyRecord, records_directory};
pub use store::{KeyStore, KeyStoreError, StoredKey};
