//! The environment variables that arl reads, and the functions that read them. Those about the screen
//! (`TERM`, `NO_COLOR` and `TZ`) are read in `ui/`.
//!
//! `arl --help` describes those whose names begin with `ARL_`. The AWS SDKs and Tools Reference Guide
//! describes the others.

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) const ALL_PROXY: &str = "ALL_PROXY";
pub(crate) const ARL_BROWSER: &str = "ARL_BROWSER";
pub(crate) const ARL_CACHE: &str = "ARL_CACHE";
pub(crate) const ARL_CACHE_DIR: &str = "ARL_CACHE_DIR";
pub(crate) const ARL_DURATION: &str = "ARL_DURATION";
pub(crate) const ARL_ENDPOINT: &str = "ARL_ENDPOINT";
pub(crate) const ARL_EXPIRES_AT: &str = "ARL_EXPIRES_AT";
pub(crate) const ARL_HOOK: &str = "ARL_HOOK";
pub(crate) const ARL_KEY_ID: &str = "ARL_KEY_ID";
pub(crate) const ARL_KEY_STORE: &str = "ARL_KEY_STORE";
pub(crate) const ARL_LOGIN: &str = "ARL_LOGIN";
pub(crate) const ARL_LOGIN_FLOW: &str = "ARL_LOGIN_FLOW";
pub(crate) const ARL_MFA_PROCESS: &str = "ARL_MFA_PROCESS";
pub(crate) const ARL_MFA_SESSION: &str = "ARL_MFA_SESSION";
pub(crate) const ARL_MIN_TTL: &str = "ARL_MIN_TTL";
pub(crate) const ARL_ON_EXPIRY: &str = "ARL_ON_EXPIRY";
pub(crate) const ARL_PICKER: &str = "ARL_PICKER";
pub(crate) const ARL_REGION: &str = "ARL_REGION";
pub(crate) const ARL_ROLE: &str = "ARL_ROLE";
pub(crate) const ARL_ROLE_ARN: &str = "ARL_ROLE_ARN";
pub(crate) const ARL_ROLE_SESSION_NAME: &str = "ARL_ROLE_SESSION_NAME";
pub(crate) const ARL_SHELL: &str = "ARL_SHELL";
pub(crate) const ARL_SOURCE: &str = "ARL_SOURCE";
pub(crate) const ARL_SUBSHELL: &str = "ARL_SUBSHELL";
pub(crate) const ARL_USER_REGION: &str = "ARL_USER_REGION";
pub(crate) const AWS_ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
pub(crate) const AWS_CA_BUNDLE: &str = "AWS_CA_BUNDLE";
pub(crate) const AWS_CONTAINER_CREDENTIALS_FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
pub(crate) const AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
pub(crate) const AWS_CREDENTIAL_EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";
pub(crate) const AWS_DEFAULT_PROFILE: &str = "AWS_DEFAULT_PROFILE";
pub(crate) const AWS_DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
pub(crate) const AWS_ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
pub(crate) const AWS_ENDPOINT_URL_IAM: &str = "AWS_ENDPOINT_URL_IAM";
pub(crate) const AWS_ENDPOINT_URL_SIGNIN: &str = "AWS_ENDPOINT_URL_SIGNIN";
pub(crate) const AWS_ENDPOINT_URL_SSO: &str = "AWS_ENDPOINT_URL_SSO";
pub(crate) const AWS_ENDPOINT_URL_SSO_OIDC: &str = "AWS_ENDPOINT_URL_SSO_OIDC";
pub(crate) const AWS_ENDPOINT_URL_STS: &str = "AWS_ENDPOINT_URL_STS";
pub(crate) const AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
pub(crate) const AWS_MAX_ATTEMPTS: &str = "AWS_MAX_ATTEMPTS";
pub(crate) const AWS_ACCOUNT_ID: &str = "AWS_ACCOUNT_ID";
pub(crate) const AWS_PROFILE: &str = "AWS_PROFILE";
pub(crate) const AWS_REGION: &str = "AWS_REGION";
pub(crate) const AWS_RETRY_MODE: &str = "AWS_RETRY_MODE";
pub(crate) const AWS_SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
pub(crate) const AWS_SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
pub(crate) const AWS_USE_DUALSTACK_ENDPOINT: &str = "AWS_USE_DUALSTACK_ENDPOINT";
pub(crate) const AWS_USE_FIPS_ENDPOINT: &str = "AWS_USE_FIPS_ENDPOINT";
pub(crate) const AWS_WEB_IDENTITY_TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
pub(crate) const BROWSER: &str = "BROWSER";
pub(crate) const CI: &str = "CI";
pub(crate) const HOME: &str = "HOME";
pub(crate) const HTTPS_PROXY: &str = "HTTPS_PROXY";
pub(crate) const NO_PROXY: &str = "NO_PROXY";
pub(crate) const PATH: &str = "PATH";
pub(crate) const REQUESTS_CA_BUNDLE: &str = "REQUESTS_CA_BUNDLE";
pub(crate) const SHELL: &str = "SHELL";
pub(crate) const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
pub(crate) const XDG_CACHE_HOME: &str = "XDG_CACHE_HOME";
pub(crate) const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";

/// Returns a variable's value, if it is set and not empty. Bytes that are not UTF-8 become U+FFFD: the value
/// can be shown, but matches no name.
pub(crate) fn get(name: &str) -> Option<String> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
    Some(value.to_string_lossy().into_owned())
}

/// Returns a variable that holds a path, byte for byte, if it is set and not empty.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Returns a variable's value as it is, even if it is empty.
pub(crate) fn raw(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Returns the whole environment.
pub(crate) fn all() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// Returns the directories of `PATH` in order. Without `PATH` they are those that C libraries search.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let path = raw(PATH).unwrap_or_else(|| "/bin:/usr/bin".into());
    std::env::split_paths(&path).collect()
}
