//! Checks the responses of STS against the requests.

use std::time::{Duration, SystemTime};

use aws_sdk_sts::types::AssumedRoleUser;

use super::error::StsError;
use crate::arn::{AssumedRoleSessionArn, RoleArn};
use crate::credentials::Credentials;
use crate::encoding::rfc3339;
use crate::request::SessionDuration;
use crate::secret::Secret;

/// How far this host's clock may be off before a session of the maximum length is rejected.
const RESPONSE_CLOCK_SKEW: Duration = Duration::from_secs(15 * 60);

/// GetSessionToken returns sessions of up to 36 hours.
#[cfg(feature = "cli")]
const MAX_SESSION_TOKEN_LIFETIME: Duration = Duration::from_secs(36 * 3600);

/// A session of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSession {
    /// Its credentials, which always have a session token, an expiration and an account.
    pub credentials: Credentials,
    /// Its ARN.
    pub arn: AssumedRoleSessionArn,
    /// Whether the response names this ARN.
    pub confirmation: Confirmation,
}

/// Whether a response contains the ARN of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// It does, and the ARN is a session of the requested role.
    Named,
    /// It does not, as with MinIO. arl accepts that only from an endpoint that the user has chosen.
    Unnamed,
}

/// The request that a response must match.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestedSession<'a> {
    pub(super) role_arn: &'a RoleArn,
    pub(super) session_name: &'a str,
    /// Whether the user, or the program, has chosen the endpoint.
    pub(super) is_own_endpoint: bool,
}

/// Checks that the response is a session of the requested role, and that it has not expired.
pub(super) fn parse_role_session(
    requested: RequestedSession<'_>,
    user: Option<&AssumedRoleUser>,
    credentials: Option<&aws_sdk_sts::types::Credentials>,
    now: SystemTime,
) -> Result<RoleSession, StsError> {
    let RequestedSession { role_arn, session_name, is_own_endpoint } = requested;
    let no_session = |error| StsError::Mismatch(format!("it does not name a session of the role ({error})"));
    let text = user.map(|user| user.arn()).unwrap_or_default();
    let (arn, confirmation) = if text.is_empty() && is_own_endpoint {
        (role_arn.session(session_name).map_err(no_session)?, Confirmation::Unnamed)
    } else {
        let arn = AssumedRoleSessionArn::parse_of_role(text, role_arn).map_err(no_session)?;
        (arn, Confirmation::Named)
    };
    if !arn.is_session_of(role_arn) {
        return Err(StsError::Mismatch(format!("arl asked for `{role_arn}` and got `{arn}`")));
    }
    let credentials = parse_credentials(credentials)?.with_account_id(Some(arn.account_id().clone()));
    check_lifetime(&credentials, now, Duration::from_secs(SessionDuration::MAX.as_secs().into()))?;
    Ok(RoleSession { credentials, arn, confirmation })
}

/// Checks that the response is a session, and that it has not expired.
#[cfg(feature = "cli")]
pub(super) fn parse_session(
    credentials: Option<&aws_sdk_sts::types::Credentials>,
    now: SystemTime,
) -> Result<Credentials, StsError> {
    let credentials = parse_credentials(credentials)?;
    check_lifetime(&credentials, now, MAX_SESSION_TOKEN_LIFETIME)?;
    Ok(credentials)
}

fn check_lifetime(
    credentials: &Credentials,
    now: SystemTime,
    max_lifetime: Duration,
) -> Result<(), StsError> {
    let expiration = credentials.expiration().unwrap_or(SystemTime::UNIX_EPOCH);
    let longest = max_lifetime + RESPONSE_CLOCK_SKEW;
    match expiration.duration_since(now) {
        Ok(remaining) if remaining > longest => Err(StsError::Mismatch(format!(
            "the session expires at {}, and no STS session lasts that long",
            rfc3339(expiration)
        ))),
        Ok(remaining) if !remaining.is_zero() => Ok(()),
        _ => Err(StsError::Expired(expiration)),
    }
}

/// Returns the credentials in a response, if they are complete and valid.
fn parse_credentials(credentials: Option<&aws_sdk_sts::types::Credentials>) -> Result<Credentials, StsError> {
    let credentials = credentials.ok_or_else(|| StsError::Unexpected("it contains no credentials".into()))?;
    let expiration = SystemTime::try_from(*credentials.expiration())
        .map_err(|_| StsError::Mismatch("the session has an invalid expiration".into()))?;
    // Dates before 1970 or after the year 9999 cannot be formatted.
    let printable = SystemTime::UNIX_EPOCH..SystemTime::UNIX_EPOCH + Duration::from_secs(250_000_000_000);
    if !printable.contains(&expiration) {
        return Err(StsError::Mismatch("the session has an invalid expiration".into()));
    }
    Credentials::new(
        credentials.access_key_id().to_owned(),
        Secret::new(credentials.secret_access_key().to_owned()),
        Some(Secret::new(credentials.session_token().to_owned())),
        Some(expiration),
    )
    .map_err(|error| StsError::Mismatch(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_endpoint_of_ones_own_may_leave_the_session_unnamed() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let role_arn: RoleArn = "arn:aws:iam::123456789012:role/a/b/R".parse().expect("an ARN");
        let credentials = aws_sdk_sts::types::Credentials::builder()
            .access_key_id("ASIA")
            .secret_access_key("s")
            .session_token("token")
            .expiration((now + Duration::from_secs(900)).into())
            .build()
            .expect("credentials");
        let parse = |arn: &str, is_own_endpoint| {
            let user = AssumedRoleUser::builder().arn(arn).assumed_role_id("x").build().expect("a user");
            let requested = RequestedSession { role_arn: &role_arn, session_name: "ann", is_own_endpoint };
            let session = parse_role_session(requested, Some(&user), Some(&credentials), now);
            session.map(|session| (session.arn.to_string(), session.confirmation))
        };
        let arn = |rest: &str| format!("arn:aws:sts::123456789012:assumed-role/{rest}");
        assert_eq!(parse("", true), Ok((arn("R/ann"), Confirmation::Unnamed)));
        for (text, is_own_endpoint) in [("", false), ("-", true), (&arn("R"), true), (&arn("b/R/xy"), true)] {
            assert!(matches!(parse(text, is_own_endpoint), Err(StsError::Mismatch(_))), "{text}");
        }
        for text in [arn("R/xy"), arn("a/b/R/xy")] {
            assert_eq!(parse(&text, false), Ok((arn("R/xy"), Confirmation::Named)));
        }
        let other = "arn:aws:sts::999999999999:assumed-role/a/b/R/xy";
        assert!(matches!(parse(other, true), Err(StsError::Mismatch(_))));
    }
}
