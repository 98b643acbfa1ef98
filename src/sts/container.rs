//! Credentials from the container credentials endpoint.
//!
//! Source: "Container credential provider" in the AWS SDKs and Tools Reference Guide.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::error::StsError;
use super::http::LazyClient;
use super::local_service::{self, Request, RetryLimits};
use crate::credentials::Credentials;
use crate::files;
use crate::secret::Secret;
use crate::source::{ContainerSource, ContainerToken};

/// The limit of one request, and the number of attempts, as in the AWS SDKs.
const TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;
const SERVICE: &str = "the container endpoint";

/// Gets the credentials of the container.
pub(super) async fn credentials(
    http: &LazyClient,
    source: &ContainerSource,
    limit: Duration,
) -> Result<Credentials, StsError> {
    let token = read_token(&source.token)?;
    let limits = RetryLimits {
        timeout: TIMEOUT,
        attempts: ATTEMPTS,
        busy_attempts: ATTEMPTS,
        deadline: Instant::now() + limit,
    };
    let header = token.as_ref().map(|token| ("authorization", token.expose()));
    let request = Request { method: "GET", url: &source.url, header };
    match local_service::ask(http, &request, limits).await? {
        (200, body) => local_service::parse_document(SERVICE, &body),
        (status, body) => {
            Err(StsError::Source(format!("{SERVICE} answered with HTTP {status}{}", error_text(&body))))
        }
    }
}

/// Returns the token without the line ending after it. (The SDKs refuse a token with one.)
fn read_token(token: &ContainerToken) -> Result<Option<Secret>, StsError> {
    let text = match token {
        ContainerToken::None => return Ok(None),
        ContainerToken::Text(token) => token.expose().to_owned(),
        ContainerToken::File(path) => {
            files::read_text(Path::new(path), files::MAX_DOCUMENT).map_err(|error| {
                StsError::Source(format!("cannot read the authorization token file `{path}`: {error}"))
            })?
        }
    };
    let token = text.trim_end_matches(['\r', '\n']);
    match token.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        true => Ok(Some(Secret::new(token.to_owned()))),
        false => Err(StsError::Source(
            "the authorization token contains a control character or a non-ASCII character".into(),
        )),
    }
}

/// Returns the code and the message of an error, if the endpoint sends them.
fn error_text(body: &[u8]) -> String {
    let object: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| {
        let member = object.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(format!(": {}", member.1.as_str()?))
    };
    text("code").unwrap_or_default() + &text("message").unwrap_or_default()
}
