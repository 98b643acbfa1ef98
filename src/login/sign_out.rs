//! Ends sign-ins, and removes what the AWS CLI caches for them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::error::LoginError;
use super::token_store::TokenStore;
use crate::links;
use crate::profiles;
use crate::source::{SsoToken, cache_file_name, read_sso_file};
use crate::sts::{IdentityCenter, StsError};

/// A role of a sign-in, as the AWS CLI caches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedCliRole<'a> {
    /// `sso_account_id`.
    pub account_id: &'a str,
    /// `sso_role_name`.
    pub role_name: &'a str,
    /// `Ok` with the name of the session, or `Err` with the start URL of a profile without a session.
    pub session: Result<&'a str, &'a str>,
}

/// Removes a token file and then ends its sign-in, so that a network failure leaves no token behind. Returns
/// the service's error if it did not end the sign-in.
///
/// # Errors
/// The file cannot be removed. The sign-in has ended anyway.
pub async fn sign_out(
    center: Option<&IdentityCenter>,
    path: &Path,
    token: &SsoToken,
) -> Result<Option<StsError>, LoginError> {
    // Another process may have renewed the token since the caller read it.
    let (renewed, not_removed) = match profiles::remove(path) {
        Ok(text) => (SsoToken::parse(&text), None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (None, None),
        Err(error) => (None, Some(LoginError::TokenFile(path.to_owned(), error.to_string()))),
    };
    let ended = match center {
        Some(center) => center.logout(&renewed.as_ref().unwrap_or(token).access_token).await,
        None => Ok(()),
    };
    match (not_removed, ended) {
        (Some(error), _) => Err(error),
        // The sign-in had ended already.
        (None, Err(error)) if !error.is_code("UnauthorizedException") => Ok(Some(error)),
        (None, _) => Ok(None),
    }
}

impl TokenStore {
    /// Returns all token files. It leaves out the registrations in the same directory.
    pub fn all(&self) -> Vec<(PathBuf, SsoToken)> {
        let Ok(entries) = fs::read_dir(self.directory()) else { return Vec::new() };
        let paths = entries.flatten().map(|entry| entry.path());
        let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let mut tokens: Vec<_> = paths
            .filter_map(|path| Some((path.clone(), SsoToken::parse(&read_sso_file(&path).ok()?)?)))
            .collect();
        tokens.sort_by(|(a, _), (b, _)| a.cmp(b));
        tokens
    }

    /// Removes the temporary token files of processes that were killed while they wrote one.
    pub fn remove_leftovers(&self) {
        let Ok(entries) = fs::read_dir(self.directory()) else { return };
        for name in entries.flatten().map(|entry| entry.file_name()) {
            let name = name.to_str().and_then(|name| name.strip_prefix('.')?.split_once(".arl.tmp"));
            if let Some((name, _)) = name {
                profiles::remove_leftover(&self.directory().join(name));
            }
        }
    }
}

/// Removes the credentials that the AWS CLI caches for roles of IAM Identity Center: those of `roles`, or
/// all. Returns their number.
pub fn remove_cli_roles(home: &Path, roles: Option<&[CachedCliRole<'_>]>) -> usize {
    let directory = home.join(".aws/cli/cache");
    let names: Option<Vec<String>> = roles.map(|roles| roles.iter().map(cli_cache_name).collect());
    // A link of another user may lead to root's files.
    let Ok(entries) = links::check_directories(&directory).and_then(|()| fs::read_dir(directory)) else {
        return 0;
    };
    let is_wanted = |path: &PathBuf| {
        let is_named = names.as_ref().is_none_or(|names| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| names.iter().any(|n| n == name))
        });
        is_named && is_sso_role(path)
    };
    let paths = entries.flatten().map(|entry| entry.path()).filter(is_wanted);
    paths.filter(|path| fs::remove_file(path).is_ok()).count()
}

/// Returns the name of a role's file in the AWS CLI's cache: the SHA-1 of sorted JSON without spaces. Source:
/// the AWS CLI's `SSOCredentialFetcher`.
fn cli_cache_name(role: &CachedCliRole<'_>) -> String {
    let (key, session) = match role.session {
        Ok(name) => ("sessionName", name),
        Err(start_url) => ("startUrl", start_url),
    };
    let facts = json!({ "accountId": role.account_id, "roleName": role.role_name, key: session });
    cache_file_name(&facts.to_string())
}

fn is_sso_role(path: &Path) -> bool {
    let object: Option<Map<String, Value>> =
        read_sso_file(path).ok().and_then(|text| serde_json::from_slice(&text).ok());
    object.is_some_and(|object| object.get("ProviderType").and_then(Value::as_str) == Some("sso"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_cache_of_the_aws_cli_is_found_by_name() {
        let role = CachedCliRole { account_id: "123456789012", role_name: "Admin", session: Ok("my-sso") };
        assert!(cli_cache_name(&role).starts_with("c30b99ac"), "{}", cli_cache_name(&role));
    }
}
