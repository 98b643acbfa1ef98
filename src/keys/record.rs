//! Records of stored keys: files outside of the keychain, without a secret.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde_json::{Map, Value, json};

use super::name::{KeyName, StoreName};
use crate::links;

/// The version of the format.
const VERSION: u64 = 1;

/// Which key is stored under a name. With it arl finds a cached session without unlocking the keychain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The access key ID.
    pub access_key_id: String,
    /// The ARN of the user that the key belongs to. Empty if it is not known.
    pub arn: String,
    /// The store that holds the key.
    pub store: StoreName,
    /// When the key was stored, as `2026-01-02T03:04:05Z`. Empty if it is not known.
    pub stored_at: String,
}

/// Returns the directory of the records: `arl/keys` in `$XDG_STATE_HOME`, else in `~/.local/state`.
pub fn records_directory(var: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("arl/keys"))
}

impl KeyRecord {
    /// Returns the file of a record.
    pub fn file(directory: &Path, name: &KeyName) -> PathBuf {
        directory.join(format!("{name}.json"))
    }

    /// Reads a record. `None` if it is damaged.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_slice(text).ok()?;
        let text = |name: &str| Some(object.get(name)?.as_str()?.to_owned());
        let record = Self {
            access_key_id: text("access_key_id")?,
            arn: text("arn")?,
            store: text("store")?.parse().ok()?,
            stored_at: text("stored_at")?,
        };
        (object.get("version")?.as_u64()? == VERSION).then_some(record)
    }

    /// Replaces the record in one step.
    ///
    /// # Errors
    /// The directory cannot be created, or the file cannot be written.
    pub fn write(&self, directory: &Path, name: &KeyName) -> io::Result<()> {
        let Self { access_key_id, arn, store, stored_at } = self;
        let text = json!({
            "version": VERSION, "access_key_id": access_key_id, "arn": arn, "store": store.as_str(),
            "stored_at": stored_at,
        });
        ensure(directory)?;
        let temporary = directory.join(format!(".{name}.tmp"));
        // A process that was killed may have left one.
        let _ = fs::remove_file(&temporary);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(format!("{text}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(temporary, Self::file(directory, name))
    }

    /// Removes the record.
    ///
    /// # Errors
    /// There is no record, it cannot be removed, or a link of another user leads to its directory.
    pub fn remove(directory: &Path, name: &KeyName) -> io::Result<()> {
        links::check_directories(directory)?;
        fs::remove_file(Self::file(directory, name))
    }

    /// Opens the file that a process locks while it changes the key.
    ///
    /// # Errors
    /// The directory cannot be created, or the file is a link or cannot be opened.
    pub fn open_lock(directory: &Path, name: &KeyName) -> io::Result<File> {
        ensure(directory)?;
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
        options.open(directory.join(format!(".{name}.lock")))
    }
}

/// Creates the directory of the records, if it is not there.
fn ensure(directory: &Path) -> io::Result<()> {
    links::check_directories(directory)?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}
