//! Credentials that a program or a login provides as JSON.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::error::StsError;
use crate::arn::AccountId;
use crate::credentials::Credentials;
use crate::encoding::parse_time;
use crate::files;
use crate::process::{ProcessError, Stderr, run_process};
use crate::secret::Secret;
use crate::source::{LoginSource, PROCESS_ANCESTORS, ProcessSource};

/// How long a credential process may take. It may ask the user.
const PROCESS_TIMEOUT: Duration = Duration::from_secs(60);
/// If a login's credentials last no longer than this, the AWS CLI renews them.
const LOGIN_MARGIN: Duration = Duration::from_secs(60);

/// Runs a `credential_process`.
///
/// Source: "Process credential provider" in the AWS SDKs and Tools Reference Guide.
pub(super) async fn from_credential_process(process: &ProcessSource) -> Result<Credentials, StsError> {
    let output = run(process)
        .await
        .map_err(|error| StsError::Source(format!("the credential process failed: {error}")))?;
    let credentials = parse_output(&output)?;
    let account_id = credentials.account_id().or(process.account_id.as_ref()).cloned();
    Ok(credentials.with_account_id(account_id))
}

/// Reads what a `credential_process` printed.
pub(crate) fn parse_output(output: &[u8]) -> Result<Credentials, StsError> {
    let invalid = |reason: &str| StsError::Source(format!("the credential process {reason}"));
    let object: Map<String, Value> =
        serde_json::from_slice(output).map_err(|_| invalid("did not print a JSON object"))?;
    if object.get("Version").and_then(Value::as_u64) != Some(1) {
        return Err(invalid("did not print version 1 of the format"));
    }
    let names = ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "AccountId"];
    parse_fields(&object, names).map_err(|reason| invalid(&reason))
}

/// Runs a `web_identity_token_process`, which prints a token. An error never quotes its output.
pub(super) async fn from_token_process(process: &ProcessSource) -> Result<Secret, StsError> {
    let invalid = |reason: &str| StsError::Source(format!("the web identity token process {reason}"));
    let output = run(process)
        .await
        .map_err(|error| StsError::Source(format!("the web identity token process failed: {error}")))?;
    let text = std::str::from_utf8(&output).map(str::trim).unwrap_or_default();
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(Secret::new(text.to_owned())),
        false => Err(invalid("did not print exactly one token")),
    }
}

async fn run(process: &ProcessSource) -> Result<Zeroizing<Vec<u8>>, ProcessError> {
    let ProcessSource { command, profile, ancestors, account_id: _ } = process;
    let mut profiles = ancestors.clone();
    profiles.push(profile.clone());
    let variables = [(PROCESS_ANCESTORS, profiles.join("\n"))];
    run_process(command, &variables, Stderr::Capture, PROCESS_TIMEOUT).await
}

/// Returns the session from `aws login`. If it has expired, runs the AWS CLI, which renews it: the refresh
/// token works once, so no other program may use it.
pub(super) async fn from_login(login: &LoginSource, now: SystemTime) -> Result<Credentials, StsError> {
    let LoginSource { session: _, profile, file } = login;
    let invalid = |reason: &str| StsError::Source(format!("the login in `{file}` {reason}"));
    let text = files::read(Path::new(file), files::MAX_DOCUMENT)
        .map_err(|error| StsError::Source(format!("you are not signed in (`{file}`: {error})")))?;
    let object: Map<String, Value> =
        serde_json::from_slice(&text).map_err(|_| invalid("is not a JSON object"))?;
    let token = object
        .get("accessToken")
        .and_then(Value::as_object)
        .ok_or_else(|| invalid("has no `accessToken`"))?;
    let names = ["accessKeyId", "secretAccessKey", "sessionToken", "expiresAt", "accountId"];
    let credentials = parse_fields(token, names).map_err(|reason| invalid(&reason))?;
    if credentials.expiration().is_some_and(|expiration| expiration > now + LOGIN_MARGIN) {
        return Ok(credentials);
    }
    let quoted = shell_escape::unix::escape(profile.into());
    from_credential_process(&ProcessSource {
        command: format!("aws configure export-credentials --format process --profile {quoted}"),
        profile: profile.clone(),
        ancestors: Vec::new(),
        account_id: None,
    })
    .await
}

/// Reads credentials from an object. `names` are those of the key ID, secret, token, expiration and account.
pub(super) fn parse_fields(object: &Map<String, Value>, names: [&str; 5]) -> Result<Credentials, String> {
    let [id, secret, token, end, account] = names;
    let text = |name: &str| match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("returned a `{name}` that is not a string")),
    };
    let needed = |name: &str| text(name)?.ok_or_else(|| format!("returned no `{name}`"));
    let expiration = match text(end)? {
        None => None,
        Some(time) => {
            let parsed = parse_time(&time);
            Some(parsed.ok_or_else(|| {
                format!("returned an `{end}` that is not a time with a time zone: `{time}`")
            })?)
        }
    };
    // Some programs print the account as a number, which loses leading zeros.
    let account = match object.get(account) {
        Some(Value::Number(number)) => number.as_u64().and_then(|number| AccountId::try_from(number).ok()),
        _ => text(account).ok().flatten().and_then(|account| account.parse().ok()),
    };
    let token = text(token)?.filter(|token| !token.is_empty()).map(Secret::new);
    let credentials = Credentials::new(needed(id)?, Secret::new(needed(secret)?), token, expiration)
        .map_err(|error| format!("returned unusable credentials: {error}"))?;
    Ok(credentials.with_account_id(account))
}
