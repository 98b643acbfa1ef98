//! Stored keys in a keychain: chooses the helper, and reads and writes the entries.

use std::fmt;
use std::fs::TryLockError;
use std::path::{Path, PathBuf};

use super::entry::{Rotation, decode_keys, decode_rotation, encode_keys, encode_rotation};
use super::helper::{Helper, HelperError};
use super::name::{KeyName, StoreName};
use super::record::KeyRecord;
use crate::credentials::Credentials;
use crate::files;
use crate::secret::Secret;

/// The prefixes of the entries' URLs. The helper for macOS accepts only URLs with a host, and Docker never
/// asks for a host in `.invalid` (RFC 2606).
const KEYS_URL: &str = "https://arl.invalid/keys/";
const ROTATIONS_URL: &str = "https://arl.invalid/rotations/";

/// A stored key as a source of credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The name of the key.
    pub name: KeyName,
    /// The store that the user chose. `None`: the store in the record, else the first one that answers.
    pub store: Option<StoreName>,
    /// The file with the key's [`KeyRecord`]. `None` if there is no directory for records.
    pub record_file: Option<PathBuf>,
}

impl StoredKey {
    /// Asks the keychain for the key, and corrects its record if another program has replaced the key.
    ///
    /// # Errors
    /// No store answers, or the store does not have the key.
    pub async fn get(&self) -> Result<Credentials, KeyStoreError> {
        let text = self.record_file.as_deref().and_then(|file| files::read(file, files::MAX_DOCUMENT).ok());
        let record = text.and_then(|text| KeyRecord::parse(&text));
        let store =
            KeyStore::open(self.store.as_ref().or(record.as_ref().map(|record| &record.store))).await?;
        let keys = store
            .get(&self.name)
            .await?
            .ok_or_else(|| KeyStoreError::NotFound { store: store.name.clone(), name: self.name.clone() })?;
        let is_recorded = |record: &KeyRecord| record.access_key_id == keys.access_key_id();
        if !record.as_ref().is_some_and(is_recorded)
            && let Some(directory) = self.record_file.as_deref().and_then(Path::parent)
        {
            self.record(&store, &keys, directory).await;
        }
        Ok(keys)
    }

    /// Writes the record of a key. The key works without a record; sessions are then not cached. Another
    /// process that holds the lock writes the record itself.
    async fn record(&self, store: &KeyStore, keys: &Credentials, directory: &Path) {
        let Ok(lock) = KeyRecord::open_lock(directory, &self.name) else { return };
        if matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
            return;
        }
        // Another process may have replaced or removed the key before this one got the lock.
        let now = store.get(&self.name).await;
        if !now.is_ok_and(|now| now.is_some_and(|now| now.access_key_id() == keys.access_key_id())) {
            return;
        }
        let record = KeyRecord {
            access_key_id: keys.access_key_id().to_owned(),
            arn: String::new(),
            store: store.name.clone(),
            stored_at: String::new(),
        };
        let _ = record.write(directory, &self.name);
        drop(lock);
    }
}

/// Why a key could not be read from the keychain or stored there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStoreError {
    /// No store answers. Holds the name of each and what is wrong with it.
    NoStore(Vec<(String, String)>),
    /// A helper program failed.
    Helper {
        /// The store.
        store: StoreName,
        /// What is wrong.
        error: HelperError,
    },
    /// The store holds nothing under this name.
    NotFound {
        /// The store.
        store: StoreName,
        /// The name of the key.
        name: KeyName,
    },
    /// The entry under this name was not written by arl.
    Foreign {
        /// The store.
        store: StoreName,
        /// The name of the key.
        name: KeyName,
    },
    /// Reading the entry back did not return what arl had stored.
    NotKept(StoreName),
}

impl fmt::Display for KeyStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStore(stores) => {
                f.write_str("found no keychain that works")?;
                stores.iter().try_for_each(|(store, reason)| write!(f, "; {store}: {reason}"))
            }
            Self::Helper { store, error } => write!(f, "{}: {error}", store.program()),
            Self::NotFound { store, name } => write!(f, "{store} has no key `{name}`"),
            Self::Foreign { store, name } => {
                write!(f, "{store} has an entry `{name}` that arl did not write")
            }
            Self::NotKept(store) => write!(f, "{store} does not return the key that arl stored there"),
        }
    }
}

impl std::error::Error for KeyStoreError {}

/// A key store.
#[derive(Debug, Clone)]
pub struct KeyStore {
    name: StoreName,
    helper: Helper,
}

impl KeyStore {
    /// Opens the chosen store, else the first that answers.
    ///
    /// # Errors
    /// No store was chosen and none answers.
    pub async fn open(chosen: Option<&StoreName>) -> Result<Self, KeyStoreError> {
        if let Some(name) = chosen {
            return Ok(Self { name: name.clone(), helper: Helper::new(name) });
        }
        let mut failures = Vec::new();
        for known in StoreName::KNOWN {
            let Ok(name) = known.parse::<StoreName>() else { continue };
            let helper = Helper::new(&name);
            match helper.list().await {
                Ok(_) => return Ok(Self { name, helper }),
                Err(error) => failures.push((name.program(), error.to_string())),
            }
        }
        Err(KeyStoreError::NoStore(failures))
    }

    /// Returns the name of the store.
    pub fn name(&self) -> &StoreName {
        &self.name
    }

    /// Returns the key of this name.
    ///
    /// # Errors
    /// The helper fails, or the entry is not one of arl's.
    pub async fn get(&self, name: &KeyName) -> Result<Option<Credentials>, KeyStoreError> {
        let Some(secret) = self.read(KEYS_URL, name).await? else { return Ok(None) };
        decode_keys(&secret).map(Some).ok_or_else(|| self.foreign(name))
    }

    /// Creates or replaces the key of this name, and reads it back.
    ///
    /// # Errors
    /// The helper fails, or reading back does not return the same key.
    pub async fn put(&self, name: &KeyName, keys: &Credentials) -> Result<(), KeyStoreError> {
        self.write(KEYS_URL, name, &encode_keys(keys)).await
    }

    /// Removes the key of this name. Returns whether there was one.
    ///
    /// # Errors
    /// The helper fails, or the key is still there.
    pub async fn remove(&self, name: &KeyName) -> Result<bool, KeyStoreError> {
        self.erase(KEYS_URL, name).await
    }

    /// Returns the rotation of this key that has begun, if any.
    ///
    /// # Errors
    /// As [`KeyStore::get`].
    pub async fn rotation(&self, name: &KeyName) -> Result<Option<Rotation>, KeyStoreError> {
        let Some(secret) = self.read(ROTATIONS_URL, name).await? else { return Ok(None) };
        decode_rotation(&secret).map(Some).ok_or_else(|| self.foreign(name))
    }

    /// Stores the state of a rotation, and reads it back.
    ///
    /// # Errors
    /// As [`KeyStore::put`].
    pub async fn put_rotation(&self, name: &KeyName, rotation: &Rotation) -> Result<(), KeyStoreError> {
        self.write(ROTATIONS_URL, name, &encode_rotation(rotation)).await
    }

    /// Removes the entry of a rotation. Returns whether there was one.
    ///
    /// # Errors
    /// As [`KeyStore::remove`].
    pub async fn remove_rotation(&self, name: &KeyName) -> Result<bool, KeyStoreError> {
        self.erase(ROTATIONS_URL, name).await
    }

    /// Returns the names of all keys, in order.
    ///
    /// # Errors
    /// The helper fails.
    pub async fn names(&self) -> Result<Vec<KeyName>, KeyStoreError> {
        let urls = self.helper.list().await.map_err(|error| self.failed(error))?;
        // The helper for the Secret Service writes `Registry credentials for` before the URL.
        let name = |url: &String| url.split_once(KEYS_URL)?.1.parse().ok();
        let mut names: Vec<KeyName> = urls.iter().filter_map(name).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    async fn read(&self, base: &str, name: &KeyName) -> Result<Option<Secret>, KeyStoreError> {
        // The user name is always the key's name. With two user names, some stores would keep two entries
        // under one URL.
        let found = self.helper.get(&format!("{base}{name}"), name.as_str()).await;
        found.map_err(|error| self.failed(error))
    }

    async fn write(&self, base: &str, name: &KeyName, secret: &Secret) -> Result<(), KeyStoreError> {
        let stored = self.helper.store(&format!("{base}{name}"), name.as_str(), secret).await;
        stored.map_err(|error| self.failed(error))?;
        match self.read(base, name).await? {
            Some(found) if found == *secret => Ok(()),
            _ => Err(KeyStoreError::NotKept(self.name.clone())),
        }
    }

    async fn erase(&self, base: &str, name: &KeyName) -> Result<bool, KeyStoreError> {
        // Helpers answer differently about an entry that does not exist, so this looks before and after.
        if self.read(base, name).await?.is_none() {
            return Ok(false);
        }
        self.helper.erase(&format!("{base}{name}")).await.map_err(|error| self.failed(error))?;
        match self.read(base, name).await? {
            None => Ok(true),
            Some(_) => Err(self.failed(HelperError::Unexpected("the entry that it erased is still there"))),
        }
    }

    fn failed(&self, error: HelperError) -> KeyStoreError {
        KeyStoreError::Helper { store: self.name.clone(), error }
    }

    fn foreign(&self, name: &KeyName) -> KeyStoreError {
        KeyStoreError::Foreign { store: self.name.clone(), name: name.clone() }
    }
}
