//! Keys in the keychain, which a profile names with `arl_keys`.

use super::error::SourceError;
use crate::error::Error;
use crate::keys::{KeyName, KeyRecord, StoredKey, records_directory};
use crate::profiles::Section;

/// The keys that name another source and so exclude `arl_keys`. `credential_process` is not among them,
/// because through it other programs get the same stored key.
const OTHER_SOURCES: [&str; 6] = [
    "web_identity_token_file",
    "sso_account_id",
    "sso_role_name",
    "login_session",
    "aws_access_key_id",
    "aws_secret_access_key",
];

/// Returns the keychain's key that a profile names with `arl_keys`, if it names one.
pub(super) fn of_profile(
    var: &dyn Fn(&str) -> Option<String>,
    name: &str,
    section: &Section<'_>,
) -> Result<Option<StoredKey>, SourceError> {
    let Some(key) = section.get_non_empty("arl_keys") else { return Ok(None) };
    let invalid = |reason: String| SourceError::Profile { name: name.to_owned(), reason };
    // Programs that do not know `arl_keys` would use the other source, and act as another identity.
    if let Some(other) = OTHER_SOURCES.into_iter().find(|other| section.get(other).is_some()) {
        return Err(invalid(format!("has both `arl_keys` and `{other}`; remove one of them")));
    }
    let key =
        key.parse().map_err(|error: Error| invalid(format!("has an invalid `arl_keys`: it {error}")))?;
    named(var, key).map(Some)
}

/// Returns the stored key of this name, with its store and its record.
pub(super) fn named(var: &dyn Fn(&str) -> Option<String>, name: KeyName) -> Result<StoredKey, SourceError> {
    let store = var("ARL_KEY_STORE").filter(|store| !store.is_empty());
    let store = store.map(|store| store.parse()).transpose();
    let store = store.map_err(|error: Error| SourceError::Environment(format!("ARL_KEY_STORE {error}")))?;
    let record_file = records_directory(var).map(|directory| KeyRecord::file(&directory, &name));
    Ok(StoredKey { name, store, record_file })
}

/// Returns the keychain's key that a role profile starts from, if it names one with `arl_keys`.
pub(super) fn of_role(
    var: &dyn Fn(&str) -> Option<String>,
    name: &str,
    section: &Section<'_>,
) -> Result<Option<StoredKey>, SourceError> {
    let Some(key) = of_profile(var, name, section)? else { return Ok(None) };
    let is_other = |other: &&str| section.get(other).is_some_and(|source| source != name);
    match ["source_profile", "credential_source"].into_iter().find(is_other) {
        None => Ok(Some(key)),
        Some(other) => Err(SourceError::Profile {
            name: name.to_owned(),
            reason: format!("has both `arl_keys` and `{other}`; remove one of them"),
        }),
    }
}
