//! Opens the keychain, and reads and writes arl's records of stored keys.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

use arl::internal::{KeyName, KeyRecord, KeyStore, KeyStoreError, StoreName, StoredKey, files};

use crate::cli::env::context::Context;
use crate::cli::env::key_records::{directory, recorded_names};
use crate::cli::env::vars;
use crate::cli::plan::hints::keychain_hints;
use crate::cli::ui::error::{CliError, parse_value};

/// The store, and the directory of the records.
pub(crate) struct Keychain {
    pub(crate) store: KeyStore,
    pub(crate) directory: Option<PathBuf>,
}

/// Parses the name of a stored key.
pub(crate) fn parse_name(text: &str) -> Result<KeyName, CliError> {
    parse_value("the name of a key", text)
}

/// Returns the stored key of this name, as a source reads it.
pub(crate) fn stored_key(name: &KeyName) -> Result<StoredKey, CliError> {
    let record_file = directory().map(|directory| KeyRecord::file(&directory, name));
    Ok(StoredKey { name: name.clone(), store: chosen_store()?, record_file })
}

/// Returns the record of this name.
pub(crate) fn record(name: &KeyName) -> Option<KeyRecord> {
    KeyRecord::parse(&files::read(&KeyRecord::file(&directory()?, name), files::MAX_DOCUMENT).ok()?)
}

/// Returns the other names under which a key is stored too, according to the records.
pub(crate) fn other_names(name: &KeyName, access_key_id: &str) -> Vec<KeyName> {
    let is_same = |other: &KeyName| {
        other != name && record(other).is_some_and(|record| record.access_key_id == access_key_id)
    };
    recorded_names().into_iter().filter(is_same).collect()
}

fn chosen_store() -> Result<Option<StoreName>, CliError> {
    vars::get(vars::ARL_KEY_STORE).map(|store| parse_value("ARL_KEY_STORE", &store)).transpose()
}

/// Returns the error for a failure of the keychain.
pub(crate) fn keychain_failed(what: impl Into<String>, error: KeyStoreError) -> CliError {
    let hints = keychain_hints(&error);
    CliError::new(what).caused_by(error).hints(hints)
}

impl Keychain {
    /// Opens the chosen store, else that of the record, else the first that answers.
    pub(crate) async fn open(name: Option<&KeyName>) -> Result<Self, CliError> {
        let recorded = name.and_then(record).map(|record| record.store);
        let store = KeyStore::open(chosen_store()?.or(recorded).as_ref())
            .await
            .map_err(|error| keychain_failed("could not find a keychain", error))?;
        Ok(Self { store, directory: directory() })
    }

    /// Writes the record of a key. Returns a message if that fails. The failure is not fatal: without a
    /// record, sessions of the key are not cached.
    pub(crate) fn write_record(&self, name: &KeyName, access_key_id: &str, arn: &str) -> Result<(), String> {
        let Some(directory) = &self.directory else { return Err("there is no home directory".into()) };
        let record = KeyRecord {
            access_key_id: access_key_id.to_owned(),
            arn: arn.to_owned(),
            store: self.store.name().clone(),
            stored_at: humantime::format_rfc3339_seconds(Context::now()).to_string(),
        };
        record.write(directory, name).map_err(|error| format!("`{}`: {error}", directory.display()))
    }

    /// Removes the record of a key.
    pub(crate) fn remove_record(&self, name: &KeyName) {
        if let Some(directory) = &self.directory {
            // If this fails, `arl keys list` shows the key as missing.
            let _ = KeyRecord::remove(directory, name);
        }
    }

    /// Locks the name for changes. The kernel releases the lock when its holder dies.
    pub(crate) fn lock(&self, name: &KeyName) -> Result<Option<File>, CliError> {
        let Some(directory) = &self.directory else { return Ok(None) };
        let failed = |error: std::io::Error| {
            CliError::new(format!("could not lock the key `{name}`"))
                .caused_by(format!("`{}`: {error}", directory.display()))
        };
        let file = KeyRecord::open_lock(directory, name).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {
                Err(CliError::new(format!("another arl process is changing the key `{name}`"))
                    .hint("try again when it has finished"))
            }
            // The file system has no locks.
            Err(TryLockError::Error(_)) => Ok(None),
        }
    }
}
