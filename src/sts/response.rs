//! Checks the responses of STS against the requests.

use std::time::{Duration, SystemTime};

use aws_sdk_sts::types::AssumedRoleUser;

use super::error::CallError;
use crate::arn::RoleArn;
use crate::credentials::Credentials;
use crate::encoding::rfc3339;
use crate::request::{AssumedRoleSessionArn, SessionDuration};
use crate::secret::Secret;

/// How wrong this machine's clock may be before a session of full length is rejected.
const CLOCK_SLACK: Duration = Duration::from_secs(15 * 60);

/// GetSessionToken returns sessions of up to 36 hours.
const LONGEST_SESSION_TOKEN: Duration = Duration::from_secs(36 * 3600);

/// A session of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSession {
    /// Its credentials, which always have a session token, an expiration and an account.
    pub credentials: Credentials,
    /// Its ARN.
    pub arn: AssumedRoleSessionArn,
}

/// Checks that the response is a session of the requested role, and that it has not expired.
pub(super) fn role_session(
    role_arn: &RoleArn,
    user: Option<&AssumedRoleUser>,
    credentials: Option<&aws_sdk_sts::types::Credentials>,
    now: SystemTime,
) -> Result<RoleSession, CallError> {
    let arn = user.map(|user| user.arn()).unwrap_or_default();
    let arn: AssumedRoleSessionArn = arn
        .parse()
        .map_err(|error| CallError::Mismatch(format!("it names no session of a role ({error})")))?;
    if !arn.is_session_of(role_arn) {
        return Err(CallError::Mismatch(format!("`{role_arn}` was asked for, `{arn}` came")));
    }
    let credentials = usable(credentials)?.with_account_id(Some(arn.account_id().clone()));
    check_lifetime(&credentials, now, Duration::from_secs(SessionDuration::MAX.as_secs().into()))?;
    Ok(RoleSession { credentials, arn })
}

/// Checks that the response is a session, and that it has not expired.
pub(super) fn session(
    credentials: Option<&aws_sdk_sts::types::Credentials>,
    now: SystemTime,
) -> Result<Credentials, CallError> {
    let credentials = usable(credentials)?;
    check_lifetime(&credentials, now, LONGEST_SESSION_TOKEN)?;
    Ok(credentials)
}

fn check_lifetime(credentials: &Credentials, now: SystemTime, most: Duration) -> Result<(), CallError> {
    let expiration = credentials.expiration().unwrap_or(SystemTime::UNIX_EPOCH);
    let longest = most + CLOCK_SLACK;
    match expiration.duration_since(now) {
        Ok(left) if left > longest => Err(CallError::Mismatch(format!(
            "the session ends {}, which is later than any session lasts",
            rfc3339(expiration)
        ))),
        Ok(left) if !left.is_zero() => Ok(()),
        _ => Err(CallError::Expired(expiration)),
    }
}

/// Returns the credentials in a response, if they are complete and valid.
fn usable(found: Option<&aws_sdk_sts::types::Credentials>) -> Result<Credentials, CallError> {
    let found = found.ok_or_else(|| CallError::Unexpected("it holds no credentials".into()))?;
    let expiration = SystemTime::try_from(*found.expiration())
        .map_err(|_| CallError::Mismatch("the session ends at a time that cannot be".into()))?;
    // Dates before 1970 or after the year 9999 cannot be formatted.
    let printable = SystemTime::UNIX_EPOCH..SystemTime::UNIX_EPOCH + Duration::from_secs(250_000_000_000);
    if !printable.contains(&expiration) {
        return Err(CallError::Mismatch("the session ends at a time that cannot be".into()));
    }
    Credentials::new(
        found.access_key_id().to_owned(),
        Secret::new(found.secret_access_key().to_owned()),
        Some(Secret::new(found.session_token().to_owned())),
        Some(expiration),
    )
    .map_err(|error| CallError::Mismatch(error.to_string()))
}
