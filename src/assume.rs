//! The heart: one hop from source credentials to a role's.

use std::time::SystemTime;

use crate::credentials::Credentials;
use crate::request::{AssumeRoleRequest, SessionDuration};
use crate::sts::{CallError, RoleSession, Sts};

/// Lowers a duration that STS would refuse because the source credentials carry a session token.
///
/// Returns what was asked for, if it had to be lowered.
/// Source: "Role chaining" in the IAM User Guide; GetSessionToken's credentials count as well.
pub fn cap_chained_duration(
    source: &Credentials,
    request: &mut AssumeRoleRequest,
) -> Option<SessionDuration> {
    source.session_token()?;
    let asked = request.duration_seconds.filter(|&asked| asked > SessionDuration::CHAINED_MAX)?;
    request.duration_seconds = Some(SessionDuration::CHAINED_MAX);
    Some(asked)
}

/// Assumes the role with the source's credentials.
///
/// # Errors
/// STS refuses, cannot be reached, or answers something else than was asked for.
pub async fn assume_role(
    sts: &Sts,
    source: &Credentials,
    request: &AssumeRoleRequest,
    now: SystemTime,
) -> Result<RoleSession, CallError> {
    sts.assume_role(source, request, now).await
}
