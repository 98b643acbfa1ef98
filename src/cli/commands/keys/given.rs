//! Reads the key for `arl keys add`: typed by the user, from the environment, from stdin or from a profile.

use std::io::Read;

use arl::internal::{Credentials, Secret, Section};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::cli::env::dirs::private_runtime_dir;
use crate::cli::env::vars;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::prompt;
use crate::cli::ui::prompt::PromptError;
use crate::cli::ui::terminal::Echo;

/// The most bytes of stdin. It has two short lines, or the output of `aws iam create-access-key`.
const MAX_INPUT: u64 = 64 * 1024;

/// Checks the two parts of a long-term key.
pub(crate) fn check(id: String, secret: Secret, origin: &str) -> Result<Credentials, CliError> {
    // Refuse temporary keys: they are useless without their token, and expire soon.
    if id.starts_with("ASIA") {
        return Err(CliError::usage(format!(
            "{origin}: a key ID that begins with ASIA belongs to temporary keys"
        ))
        .hint("long-term keys begin with AKIA; create one: aws iam create-access-key"));
    }
    // Check the form of the ID, because arl shows IDs, and the user may have typed the secret in its place.
    let is_id = |text: &str| {
        (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    if !is_id(&id) {
        return Err(CliError::usage(format!(
            "{origin}: the access key ID must have 16 to 128 capital letters and digits, such as AKIA…"
        )));
    }
    if is_id(secret.expose()) && secret.expose().len() < 40 {
        return Err(CliError::usage(format!("{origin}: the secret key looks like an access key ID")));
    }
    Credentials::new(id, secret, None, None).map_err(|error| CliError::usage(format!("{origin}: {error}")))
}

/// Asks the user for the key, without echo.
pub(crate) async fn typed() -> Result<Credentials, CliError> {
    let locks = private_runtime_dir();
    let ask = async |question: &str| {
        prompt::ask_line(question, Echo::Off, &locks).await.map_err(|error| match error {
            PromptError::NoTerminal => CliError::new("there is no terminal to ask for the key on")
                .status(ExitStatus::UserNeeded)
                .hint("pass it by --env (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), --stdin, or --import PROFILE"),
            PromptError::NotTyped(cause) => CliError::new("no key was given").caused_by(cause),
            PromptError::Io(error) => CliError::new("could not ask for the key").caused_by(error),
        })
    };
    let id = ask("Access key ID (not shown): ").await?;
    let secret = ask("Secret access key (not shown): ").await?;
    check(id.expose().to_owned(), secret, "the typed key")
}

/// Reads the key from the environment.
pub(crate) fn from_environment() -> Result<Credentials, CliError> {
    let needed =
        |name: &str| vars::get(name).ok_or_else(|| CliError::usage(format!("--env: {name} is not set")));
    let (id, secret) = (needed(vars::AWS_ACCESS_KEY_ID)?, Secret::new(needed(vars::AWS_SECRET_ACCESS_KEY)?));
    if vars::get(vars::AWS_SESSION_TOKEN).is_some() {
        return Err(CliError::usage("--env: AWS_SESSION_TOKEN is set, so the keys are temporary")
            .hint("to go back to your own keys first: eval \"$(arl clear)\""));
    }
    check(id, secret, "--env")
}

/// Reads the key from stdin: two lines, or JSON as `aws iam create-access-key` prints it.
pub(crate) fn from_stdin() -> Result<Credentials, CliError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = std::io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes);
    read.map_err(|error| CliError::new("could not read the key from stdin").caused_by(error))?;
    // The error never quotes the text, because any part of it may be the secret.
    let invalid = || {
        CliError::usage(
            "--stdin: expected two lines, the access key ID and the secret key, or the JSON of `aws iam create-access-key`",
        )
    };
    if bytes.len() as u64 > MAX_INPUT {
        return Err(invalid());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid())?;
    if text.trim_start().starts_with('{') {
        let mut object: Map<String, Value> = serde_json::from_str(text).map_err(|_| invalid())?;
        if let Some(Value::Object(inner)) = object.remove("AccessKey") {
            object = inner;
        }
        if object.get("SessionToken").is_some_and(|token| !token.is_null()) {
            return Err(CliError::usage("--stdin: there is a `SessionToken`, so the keys are temporary"));
        }
        let mut take = |name: &str| match object.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(invalid()),
        };
        let (id, secret) = (take("AccessKeyId")?, Secret::new(take("SecretAccessKey")?));
        return check(id, secret, "--stdin");
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next(), lines.next()) {
        (Some(id), Some(secret), None) => check(id.to_owned(), Secret::new(secret.to_owned()), "--stdin"),
        _ => Err(invalid()),
    }
}

/// Reads the keys of a profile. The parts come from one file, as SDKs read them.
pub(crate) fn from_profile(name: &str, section: &Section<'_>) -> Result<Credentials, CliError> {
    let file = section.origin("aws_access_key_id").or(section.origin("aws_secret_access_key"));
    let get = |key: &str| section.get_from(file?, key).filter(|value| !value.is_empty());
    let (Some(id), Some(secret)) = (get("aws_access_key_id"), get("aws_secret_access_key")) else {
        return Err(CliError::usage(format!("--import: profile `{name}` has no access key")));
    };
    if get("aws_session_token").is_some() {
        return Err(CliError::usage(format!("--import: the keys of profile `{name}` are temporary")));
    }
    check(id.to_owned(), Secret::new(secret.to_owned()), &format!("--import, profile `{name}`"))
}
