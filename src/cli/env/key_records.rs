//! The directory with the records of stored keys. A record says which keychain has a key, and does not
//! contain the key.

use std::path::PathBuf;

use arl::internal::{KeyName, records_directory};

use crate::cli::env::vars;

/// Returns the directory of the records, if there is a home directory.
pub(crate) fn directory() -> Option<PathBuf> {
    records_directory(&|name| vars::get(name))
}

/// Returns the names of all records.
pub(crate) fn recorded_names() -> Vec<KeyName> {
    let entries = directory().and_then(|directory| std::fs::read_dir(directory).ok());
    let names = entries.into_iter().flatten().flatten();
    names.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json")?.parse().ok()).collect()
}
