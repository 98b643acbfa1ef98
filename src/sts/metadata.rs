//! Credentials from the instance metadata service, version 2.
//!
//! Source: "Use the Instance Metadata Service to access instance metadata" and "Retrieve security credentials
//! from instance metadata" in the EC2 User Guide.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::error::{MetadataRequest, StsError};
use super::http::LazyClient;
use super::local_service::{self, Patience, Request};
use crate::credentials::Credentials;
use crate::source::{MetadataPresence, MetadataSource};

/// Most machines are no instances, and users should not wait long to find out.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// The limit of all requests. Other processes wait as long for a process that asks the service.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60);
/// A busy service is asked so often, unless a setting says otherwise.
const BUSY_ATTEMPTS: u32 = 3;
/// How long the token lasts, in seconds: the longest time. It is used for two requests.
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
    let patience = Patience {
        timeout: *timeout,
        attempts: attempts.unwrap_or(1),
        busy_attempts: attempts.unwrap_or(BUSY_ATTEMPTS),
        deadline: Instant::now() + TOTAL_TIMEOUT,
    };
    let token_patience = match presence {
        MetadataPresence::Certain => patience,
        MetadataPresence::Possible => {
            Patience { timeout: PROBE_TIMEOUT, deadline: Instant::now() + PROBE_TIMEOUT, ..patience }
        }
    };
    let get = async |what: MetadataRequest, request: Request<'_>, patience: Patience| {
        let (status, body) = local_service::ask(http, &request, patience).await?;
        match status {
            200 => Ok(body),
            status => Err(StsError::Metadata { request: what, status }),
        }
    };
    let url = format!("{endpoint}/latest/api/token");
    let header = ("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL);
    let request = Request { method: "PUT", url: &url, header: Some(header) };
    let token = get(MetadataRequest::Token, request, token_patience).await?;
    let token = std::str::from_utf8(&token).map(str::trim).unwrap_or_default();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(StsError::Source("the instance metadata service returned no token".into()));
    }
    let header = Some((TOKEN_HEADER, token));
    let url = format!("{endpoint}{ROLE_PATH}");
    let request = Request { method: "GET", url: &url, header };
    let role = get(MetadataRequest::RoleName, request, patience).await?;
    let role = std::str::from_utf8(&role).map(str::trim).unwrap_or_default();
    if !is_role_name(role) {
        let shown: String = role.chars().take(80).collect();
        return Err(StsError::Source(format!(
            "the instance metadata service answered with `{shown}`, which is not the name of a role"
        )));
    }
    let url = format!("{endpoint}{ROLE_PATH}{role}");
    let request = Request { method: "GET", url: &url, header };
    let document = get(MetadataRequest::Credentials, request, patience).await?;
    let credentials = local_service::parse_document("the instance metadata service", &document)?;
    Ok(credentials.without_past_expiration(now))
}

/// Whether this can be the name of a role, which becomes part of a URL. Source: `roleNameType` of IAM.
fn is_role_name(text: &str) -> bool {
    let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(is_name_byte) && !text.bytes().all(|b| b == b'.')
}
