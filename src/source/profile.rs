//! The credentials in a profile itself: a token file, IAM Identity Center, a process, or keys.

use super::error::SourceError;
use super::kind::{LoginSource, PROCESS_ANCESTORS, ProcessSource, Source, SsoSession, SsoSource};
use crate::credentials::Credentials;
use crate::digest::sha256_hex;
use crate::error::Error;
use crate::profiles::{Section, SharedConfig, SharedFile};
use crate::secret::Secret;

/// How deep credential processes may be nested, as in the AWS CLI.
const MAX_PROCESS_DEPTH: usize = 4;

/// Returns the source of a profile that assumes no role, in botocore's order.
pub(super) fn profile_source<'a>(
    config: &SharedConfig<'a>,
    var: &dyn Fn(&str) -> Option<String>,
    name: &str,
    section: &Section<'a>,
) -> Result<Source, SourceError> {
    let invalid = |reason: &str| SourceError::Profile { name: name.to_owned(), reason: reason.to_owned() };
    if let Some(token_file) = section.get_non_empty("web_identity_token_file") {
        let role_arn = section
            .get("role_arn")
            .ok_or_else(|| invalid("has a `web_identity_token_file` but no `role_arn`"))?;
        return Ok(Source::WebIdentity {
            role_arn: role_arn.parse().map_err(|error: Error| invalid(&format!("names no role: {error}")))?,
            token_file: token_file.to_owned(),
            role_session_name: section.get_non_empty("role_session_name").map(str::to_owned),
            duration_seconds: section
                .get_non_empty("duration_seconds")
                .map(str::parse)
                .transpose()
                .map_err(|error: Error| invalid(&format!("has a `duration_seconds` that {error}")))?,
        });
    }
    if section.get("sso_account_id").is_some() || section.get("sso_role_name").is_some() {
        return sso(config, name, section).map(Source::Sso);
    }
    // Keys in the config file come last.
    if section.origin("aws_access_key_id") != Some(SharedFile::Credentials) {
        if let Some(session) = section.get("login_session") {
            return login(var, name, session).map(Source::Login);
        }
        if let Some(command) = section.get("credential_process") {
            return process(var, name, command).map(Source::Process);
        }
    }
    // Take all parts from one file: a token in the other one belongs to another key.
    let file = section.origin("aws_access_key_id").or(section.origin("aws_secret_access_key"));
    let get = |key: &str| section.get_from(file?, key);
    let get_non_empty = |key: &str| get(key).filter(|value| !value.is_empty());
    match (get("aws_access_key_id"), get("aws_secret_access_key")) {
        (Some(id), Some(secret)) => {
            // As in the environment: the old name is often a leftover.
            let old = || get_non_empty("aws_security_token").filter(|_| id.starts_with("ASIA"));
            let token = get_non_empty("aws_session_token").or_else(old);
            let token = token.map(|token| Secret::new(token.to_owned()));
            Credentials::new(id.to_owned(), Secret::new(secret.to_owned()), token, None)
                .map(Source::Keys)
                .map_err(|error: Error| invalid(&format!("cannot be used: {error}")))
        }
        (Some(_), None) => Err(invalid("has an `aws_access_key_id` but no `aws_secret_access_key`")),
        (None, Some(_)) => Err(invalid("has an `aws_secret_access_key` but no `aws_access_key_id`")),
        (None, None) => match section.get("login_session") {
            Some(session) => login(var, name, session).map(Source::Login),
            None => Err(invalid("holds no credentials")),
        },
    }
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
        reason: "uses `login_session`, and there is no home directory that it could be in".into(),
    })?;
    let file = format!("{directory}/{}.json", sha256_hex(session.trim().as_bytes()));
    Ok(LoginSource { session: session.to_owned(), profile: name.to_owned(), file })
}

/// Refuses a process that was started, directly or not, by the process of the same profile.
/// [`PROCESS_ANCESTORS`] lists those profiles.
fn process(
    var: &dyn Fn(&str) -> Option<String>,
    name: &str,
    command: &str,
) -> Result<ProcessSource, SourceError> {
    let ancestors: Vec<String> =
        var(PROCESS_ANCESTORS).unwrap_or_default().lines().map(str::to_owned).collect();
    if ancestors.iter().any(|ancestor| ancestor == name) {
        return Err(SourceError::Profile {
            name: name.to_owned(),
            reason: "is asked for by its own `credential_process`".into(),
        });
    }
    if ancestors.len() >= MAX_PROCESS_DEPTH {
        return Err(SourceError::Profile {
            name: name.to_owned(),
            reason: format!(
                "is asked for by {MAX_PROCESS_DEPTH} processes, each of which another one has started"
            ),
        });
    }
    Ok(ProcessSource { command: command.to_owned(), profile: name.to_owned(), ancestors })
}

fn sso<'a>(config: &SharedConfig<'a>, name: &str, section: &Section<'a>) -> Result<SsoSource, SourceError> {
    let required = |key: &str| {
        section.get(key).map(str::to_owned).ok_or_else(|| SourceError::Profile {
            name: name.to_owned(),
            reason: format!("lacks `{key}` for IAM Identity Center"),
        })
    };
    Ok(SsoSource {
        account_id: required("sso_account_id")?,
        role_name: required("sso_role_name")?,
        session: sso_session(config, name, section)?,
    })
}

/// Returns where the user of a profile signs in: its `sso_session`, or its own start URL.
pub(super) fn sso_session<'a>(
    config: &SharedConfig<'a>,
    name: &str,
    section: &Section<'a>,
) -> Result<SsoSession, SourceError> {
    let invalid = |reason: String| SourceError::Profile { name: name.to_owned(), reason };
    let session_name = section.get("sso_session");
    let session = session_name
        .map(|session| {
            config
                .sso_session(session)
                .ok_or_else(|| invalid(format!("names the SSO session `{session}`, which does not exist")))
        })
        .transpose()?;
    // It is unclear which of the two is meant. The AWS CLI and the SDKs refuse this too.
    for key in ["sso_start_url", "sso_region"] {
        let of_session = session.and_then(|session| session.get(key));
        if of_session.is_some_and(|value| section.get(key).is_some_and(|own| own != value)) {
            return Err(invalid(format!("has another `{key}` than its SSO session")));
        }
    }
    read_session(session_name, session.unwrap_or(section)).map_err(invalid)
}

/// Reads the settings of a sign-in from a section. The error is phrased to follow the section's name.
pub(super) fn read_session(name: Option<&str>, holder: &Section<'_>) -> Result<SsoSession, String> {
    let required = |key: &str| {
        let value = holder.get_non_empty(key).map(str::to_owned);
        value.ok_or_else(|| format!("lacks `{key}` for IAM Identity Center"))
    };
    let region = required("sso_region")?;
    // It becomes a part of the name of the host that gets the token.
    if !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(format!("has the `sso_region` `{region}`, which is no region"));
    }
    let scopes = holder.get_non_empty("sso_registration_scopes").unwrap_or_default();
    let scopes = scopes.split(',').map(|scope| scope.trim().to_owned()).filter(|scope| !scope.is_empty());
    Ok(SsoSession {
        name: name.map(str::to_owned),
        start_url: required("sso_start_url")?,
        region,
        scopes: scopes.collect(),
    })
}
