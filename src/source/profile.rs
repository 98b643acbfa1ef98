//! The credentials in a profile itself: a token file, IAM Identity Center, a process, or keys.

use super::error::SourceError;
use super::kind::{LoginSource, PROCESS_ANCESTORS, ProcessSource, Source, WebIdentityToken};
use super::{sso, stored_key};
use crate::arn::AccountId;
use crate::credentials::Credentials;
use crate::digest::sha256_hex;
use crate::error::Error;
use crate::profiles::{Section, SharedConfig, SharedFile, web_identity_key};
use crate::secret::Secret;

/// How deep credential processes may be nested, as in the AWS CLI.
const MAX_PROCESS_DEPTH: usize = 4;

/// Returns the source of a profile that assumes no role, with botocore's precedence.
pub(super) fn profile_source<'a>(
    config: &SharedConfig<'a>,
    var: &dyn Fn(&str) -> Option<String>,
    name: &str,
    section: &Section<'a>,
) -> Result<Source, SourceError> {
    let invalid = |reason: &str| SourceError::Profile { name: name.to_owned(), reason: reason.to_owned() };
    if let Some(key) = stored_key::of_profile(var, name, section)? {
        return Ok(Source::Keychain(key));
    }
    if let Some(key) = web_identity_key(section) {
        let value = section.get(key).unwrap_or_default();
        let token = match key {
            "web_identity_token_file" => WebIdentityToken::File(value.to_owned()),
            _ => WebIdentityToken::Process(process(var, name, key, value, None)?),
        };
        let role_arn =
            section.get("role_arn").ok_or_else(|| invalid(&format!("has a `{key}` but no `role_arn`")))?;
        return Ok(Source::WebIdentity {
            role_arn: role_arn
                .parse()
                .map_err(|error: Error| invalid(&format!("does not name a role: {error}")))?,
            token,
            role_session_name: section.get_non_empty("role_session_name").map(str::to_owned),
            duration_seconds: section
                .get_non_empty("duration_seconds")
                .map(str::parse)
                .transpose()
                .map_err(|error: Error| invalid(&format!("has an invalid `duration_seconds`: it {error}")))?,
        });
    }
    if section.get("sso_account_id").is_some() || section.get("sso_role_name").is_some() {
        return sso::role_of_profile(config, name, section).map(Source::Sso);
    }
    // Keys in the config file come last.
    if section.origin("aws_access_key_id") != Some(SharedFile::Credentials) {
        if let Some(session) = section.get("login_session") {
            return login(var, name, session).map(Source::Login);
        }
        if let Some(command) = section.get("credential_process") {
            let account_id = account_id(name, section)?;
            return process(var, name, "credential_process", command, account_id).map(Source::Process);
        }
    }
    // Take all parts from one file, because a token in the other file belongs to another key.
    let file = section.origin("aws_access_key_id").or(section.origin("aws_secret_access_key"));
    let get = |key: &str| section.get_from(file?, key);
    let get_non_empty = |key: &str| get(key).filter(|value| !value.is_empty());
    match (get("aws_access_key_id"), get("aws_secret_access_key")) {
        (Some(id), Some(secret)) => {
            // As in the environment, `aws_security_token` is often a leftover beside a long-term key, which
            // has no token.
            let old = || get_non_empty("aws_security_token").filter(|_| id.starts_with("ASIA"));
            let token = get_non_empty("aws_session_token").or_else(old);
            let token = token.map(|token| Secret::new(token.to_owned()));
            let account = account_id(name, section)?;
            Credentials::new(id.to_owned(), Secret::new(secret.to_owned()), token, None)
                .map(|keys| Source::Keys(keys.with_account_id(account)))
                .map_err(|error: Error| invalid(&format!("cannot be used: {error}")))
        }
        (Some(_), None) => Err(invalid("has an `aws_access_key_id` but no `aws_secret_access_key`")),
        (None, Some(_)) => Err(invalid("has an `aws_secret_access_key` but no `aws_access_key_id`")),
        (None, None) => match section.get("login_session") {
            Some(session) => login(var, name, session).map(Source::Login),
            None => Err(invalid("has no credentials")),
        },
    }
}

/// Reads `aws_account_id`, which the AWS CLI and the SDKs put beside the profile's credentials.
fn account_id(name: &str, section: &Section<'_>) -> Result<Option<AccountId>, SourceError> {
    let account = section.get_non_empty("aws_account_id").map(str::parse).transpose();
    account.map_err(|error: Error| SourceError::Profile {
        name: name.to_owned(),
        reason: format!("has an invalid `aws_account_id`: {error}"),
    })
}

/// Returns where `aws login` stores its session. Source: `LoginCredentialsProvider` of aws-config 1.13.
fn login(
    var: &dyn Fn(&str) -> Option<String>,
    name: &str,
    session: &str,
) -> Result<LoginSource, SourceError> {
    let configured = var("AWS_LOGIN_CACHE_DIRECTORY").filter(|directory| !directory.is_empty());
    let directory = configured.or_else(|| Some(format!("{}/.aws/login/cache", var("HOME")?)));
    let directory = directory.ok_or_else(|| SourceError::Profile {
        name: name.to_owned(),
        reason: "uses `login_session`, but there is no home directory to read it from".into(),
    })?;
    let file = format!("{directory}/{}.json", sha256_hex(session.trim().as_bytes()));
    Ok(LoginSource { session: session.to_owned(), profile: name.to_owned(), file })
}

/// Returns a process as a source. Refuses one that was started, directly or not, by the process of the same
/// profile. [`PROCESS_ANCESTORS`] lists those profiles.
fn process(
    var: &dyn Fn(&str) -> Option<String>,
    name: &str,
    key: &str,
    command: &str,
    account_id: Option<AccountId>,
) -> Result<ProcessSource, SourceError> {
    let ancestors: Vec<String> =
        var(PROCESS_ANCESTORS).unwrap_or_default().lines().map(str::to_owned).collect();
    if ancestors.iter().any(|ancestor| ancestor == name) {
        return Err(SourceError::Profile {
            name: name.to_owned(),
            reason: format!("is a loop: its own `{key}` asks for its credentials again"),
        });
    }
    if ancestors.len() >= MAX_PROCESS_DEPTH {
        return Err(SourceError::Profile {
            name: name.to_owned(),
            reason: format!(
                "is probably a loop: arl runs inside {MAX_PROCESS_DEPTH} credential processes, each started by the one before"
            ),
        });
    }
    Ok(ProcessSource { command: command.to_owned(), profile: name.to_owned(), ancestors, account_id })
}

/// Whether arl takes credentials from the profile.
pub fn has_credentials(section: &Section<'_>) -> bool {
    section.get("arl_keys").is_some() || has_sdk_credentials(section)
}

/// Whether the SDKs take credentials from the profile.
pub(super) fn has_sdk_credentials(section: &Section<'_>) -> bool {
    const KEYS: [&str; 9] = [
        "role_arn",
        "aws_access_key_id",
        "aws_secret_access_key",
        "credential_process",
        "web_identity_token_file",
        "web_identity_token_process",
        "sso_account_id",
        "sso_role_name",
        "login_session",
    ];
    KEYS.iter().any(|key| section.get(key).is_some())
}
