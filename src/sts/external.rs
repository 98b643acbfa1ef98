//! Credentials that a program or a login provides as JSON.

use std::path::Path;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Map, Value};

use super::error::StsError;
use crate::arn::AccountId;
use crate::credentials::Credentials;
use crate::files;
use crate::process::{Stderr, run_process};
use crate::secret::Secret;
use crate::source::{LoginSource, PROCESS_ANCESTORS, ProcessSource};

/// A credential process may ask the user.
const PROCESS_TIMEOUT: Duration = Duration::from_secs(60);
/// If a login's credentials last no longer than this, the AWS CLI renews them.
const LOGIN_MARGIN: Duration = Duration::from_secs(60);

/// Runs a `credential_process`.
///
/// Source: "Process credential provider" in the AWS SDKs and Tools Reference Guide.
pub(super) async fn from_credential_process(process: &ProcessSource) -> Result<Credentials, StsError> {
    let ProcessSource { command, profile, ancestors, account_id } = process;
    let mut profiles = ancestors.clone();
    profiles.push(profile.clone());
    let variables = [(PROCESS_ANCESTORS, profiles.join("\n"))];
    let output = run_process(command, &variables, Stderr::Capture, PROCESS_TIMEOUT)
        .await
        .map_err(|error| StsError::Source(format!("the credential process: {error}")))?;
    let invalid = |reason: &str| StsError::Source(format!("the credential process {reason}"));
    let object: Map<String, Value> =
        serde_json::from_slice(&output).map_err(|_| invalid("printed no JSON object"))?;
    if object.get("Version").and_then(Value::as_u64) != Some(1) {
        return Err(invalid("printed something else than version 1 of the format"));
    }
    let names = ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "AccountId"];
    let credentials = parse_fields(&object, names).map_err(|reason| invalid(&reason))?;
    let account_id = credentials.account_id().or(account_id.as_ref()).cloned();
    Ok(credentials.with_account_id(account_id))
}

/// Returns the session from `aws login`, or, if it has expired, runs the AWS CLI, the only program that may
/// renew it.
pub(super) async fn from_login(login: &LoginSource, now: SystemTime) -> Result<Credentials, StsError> {
    let LoginSource { session: _, profile, file } = login;
    let invalid = |reason: &str| StsError::Source(format!("the login in `{file}` {reason}"));
    let text = files::read(Path::new(file), files::MAX_DOCUMENT)
        .map_err(|error| StsError::Source(format!("no sign-in was found (`{file}`: {error})")))?;
    let object: Map<String, Value> =
        serde_json::from_slice(&text).map_err(|_| invalid("is no JSON object"))?;
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
        Some(_) => Err(format!("gives a `{name}` that is no text")),
    };
    let needed = |name: &str| text(name)?.ok_or_else(|| format!("gives no `{name}`"));
    let expiration = match text(end)? {
        None => None,
        Some(time) => {
            let parsed = parse_time(&time);
            Some(parsed.ok_or_else(|| format!("gives an `{end}` that is no time with a zone: `{time}`"))?)
        }
    };
    // Some programs print the account as a number, which loses leading zeros.
    let account = match object.get(account) {
        Some(Value::Number(number)) => number.as_u64().and_then(|number| AccountId::try_from(number).ok()),
        _ => text(account).ok().flatten().and_then(|account| account.parse().ok()),
    };
    let token = text(token)?.filter(|token| !token.is_empty()).map(Secret::new);
    let credentials = Credentials::new(needed(id)?, Secret::new(needed(secret)?), token, expiration)
        .map_err(|error| format!("hands out unusable credentials: {error}"))?;
    Ok(credentials.with_account_id(account))
}

/// Parses a time with a zone in the forms that botocore's parser accepts: `2026-01-02T03:04:05Z`, an offset
/// with or without its colon or minutes, a space instead of `T`, no separators, fractions of a second or no
/// seconds.
fn parse_time(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let date = match date.len() {
        8 if !date.contains('-') => format!("{}-{}-{}", date.get(..4)?, date.get(4..6)?, date.get(6..)?),
        _ => date.to_owned(),
    };
    let time = time.trim_start();
    let zone = time.find(['Z', 'z', '+', '-']).or_else(|| time.find("UTC")).or_else(|| time.find("GMT"))?;
    let (clock, zone) = (time[..zone].trim_end(), &time[zone..]);
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let sign = zone.chars().next().filter(|sign| "+-".contains(*sign));
    let zone = match (sign, digits.len()) {
        (None, 0) => "Z".to_owned(),
        (Some(sign), 2) => format!("{sign}{digits}:00"),
        (Some(sign), 4) => format!("{sign}{}:{}", &digits[..2], &digits[2..]),
        _ => return None,
    };
    let (whole, fraction) = clock.split_once(['.', ',']).map_or((clock, None), |(w, f)| (w, Some(f)));
    let clock = match (whole.matches(':').count(), whole.len()) {
        (0, 6) => format!("{}:{}:{}", whole.get(..2)?, whole.get(2..4)?, whole.get(4..)?),
        (0, 4) => format!("{}:{}:00", whole.get(..2)?, whole.get(2..)?),
        (1, 5) => format!("{whole}:00"),
        _ => whole.to_owned(),
    };
    let fraction =
        fraction.map(|digits| format!(".{}", digits.get(..9).unwrap_or(digits))).unwrap_or_default();
    let time = DateTime::from_str(&format!("{date}T{clock}{fraction}{zone}"), Format::DateTimeWithOffset);
    SystemTime::try_from(time.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_botocore_reads_them() {
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(4_070_908_800);
        for text in [
            "2099-01-01T00:00:00Z",
            "2099-01-01T00:00:00+00:00",
            "2099-01-01T00:00:00+0000",
            "2099-01-01T00:00:00+00",
            "2099-01-01T00:00:00.000Z",
            "2099-01-01T00:00:00.123456789012Z",
            "2099-01-01 00:00:00Z",
            "2099-01-01 00:00:00 UTC",
            "2099-01-01 00:00:00 +00:00",
            "2099-01-01T01:00:00+0100",
            "2098-12-31T19:00:00-05:00",
            "2099-01-01T00:00Z",
            "20990101T000000Z",
        ] {
            let parsed = parse_time(text).and_then(|time| time.duration_since(expected).ok());
            assert!(parsed.is_some_and(|late| late < Duration::from_secs(1)), "{text}: {parsed:?}");
        }
        for text in
            ["", "2099-01-01T00:00:00", "2099-01-01", "soon", "4070908800", "2099-13-01T00:00:00Z", "TZ"]
        {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
