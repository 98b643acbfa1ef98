//! Credentials from the instance metadata service, version 2.
//!
//! Source: "Use the Instance Metadata Service to access instance metadata" and "Retrieve security credentials
//! from instance metadata" in the EC2 User Guide.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::error::{MetadataRequest, StsError};
use super::http::LazyClient;
use super::local_service::{self, Request, RetryLimits};
use crate::credentials::Credentials;
use crate::source::{MetadataPresence, MetadataSource};

/// The time limit of the first request where no setting says that the service exists. Most hosts are not EC2
/// instances.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// The time limit of all requests together. Waiting processes allow the lock holder the same time.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a request to a busy service is tried, unless a setting says otherwise.
const BUSY_ATTEMPTS: u32 = 3;
/// The lifetime of the token in seconds: the longest that the service allows.
const TOKEN_TTL: &str = "21600";
const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";
const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";

/// Gets the credentials of the instance's role.
pub(super) async fn credentials(
    http: &LazyClient,
    source: &MetadataSource,
    now: SystemTime,
) -> Result<Credentials, StsError> {
    let MetadataSource { endpoint, timeout, attempts, presence } = source;
    let endpoint = endpoint.trim_end_matches('/');
    let limits = RetryLimits {
        timeout: *timeout,
        attempts: attempts.unwrap_or(1),
        busy_attempts: attempts.unwrap_or(BUSY_ATTEMPTS),
        deadline: Instant::now() + TOTAL_TIMEOUT,
    };
    let token_limits = match presence {
        MetadataPresence::Certain => limits,
        MetadataPresence::Possible => {
            RetryLimits { timeout: PROBE_TIMEOUT, deadline: Instant::now() + PROBE_TIMEOUT, ..limits }
        }
    };
    let get = async |what: MetadataRequest, request: Request<'_>, limits: RetryLimits| {
        let (status, body) = local_service::ask(http, &request, limits).await?;
        match status {
            200 => Ok(body),
            status => Err(StsError::Metadata { request: what, status }),
        }
    };
    let url = format!("{endpoint}/latest/api/token");
    let header = ("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL);
    let request = Request { method: "PUT", url: &url, header: Some(header) };
    let token = get(MetadataRequest::Token, request, token_limits).await?;
    let token = std::str::from_utf8(&token).map(str::trim).unwrap_or_default();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(StsError::Source("the instance metadata service returned no token".into()));
    }
    let header = Some((TOKEN_HEADER, token));
    let url = format!("{endpoint}{ROLE_PATH}");
    let request = Request { method: "GET", url: &url, header };
    let role = get(MetadataRequest::RoleName, request, limits).await?;
    let role = std::str::from_utf8(&role).map(str::trim).unwrap_or_default();
    if !is_role_name(role) {
        let shown: String = role.chars().take(80).collect();
        return Err(StsError::Source(format!(
            "the instance metadata service answered with `{shown}`, which is not the name of a role"
        )));
    }
    let url = format!("{endpoint}{ROLE_PATH}{role}");
    let request = Request { method: "GET", url: &url, header };
    let document = get(MetadataRequest::Credentials, request, limits).await?;
    let credentials = local_service::parse_document("the instance metadata service", &document)?;
    Ok(credentials.without_past_expiration(now))
}

/// Whether this is a valid role name. It becomes part of a URL. Source: `roleNameType` of IAM.
fn is_role_name(text: &str) -> bool {
    let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(is_name_byte) && !text.bytes().all(|b| b == b'.')
}
