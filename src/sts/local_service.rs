//! Requests to the local services that hand out credentials: instance metadata and the container endpoint. A
//! service that exists answers within milliseconds.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, timeout};
use zeroize::Zeroizing;

use super::error::{StsError, causes};
use super::external::parse_fields;
use super::http::LazyClient;
use crate::credentials::Credentials;

/// The pause before the second attempt. It doubles with every further one, up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// A request to a local service.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: &'static str,
    pub(super) url: &'a str,
    pub(super) header: Option<(&'static str, &'a str)>,
}

/// The limits of a request and its retries.
#[derive(Debug, Clone, Copy)]
pub(super) struct RetryLimits {
    /// The time limit of one attempt.
    pub(super) timeout: Duration,
    /// The number of attempts if no answer comes.
    pub(super) attempts: u32,
    /// The number of attempts if the service says that it is busy.
    pub(super) busy_attempts: u32,
    /// When all attempts must have ended.
    pub(super) deadline: Instant,
}

/// An HTTP status and a body.
pub(super) type Answer = (u16, Zeroizing<Vec<u8>>);

/// Whether a service asks to try again.
pub(super) fn is_busy(status: u16) -> bool {
    status == 429 || status >= 500
}

/// Sends a request, and retries it within the limits if no answer comes or the service is busy.
pub(super) async fn ask(
    http: &LazyClient,
    request: &Request<'_>,
    limits: RetryLimits,
) -> Result<Answer, StsError> {
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        let limit = limits.timeout.min(limits.deadline.saturating_duration_since(Instant::now()));
        let result = match timeout(limit, http.send(build(request)?)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is_user() => return Err(cannot_be_sent(&error)),
            Ok(Err(error)) => Err(StsError::no_connection(&error)),
            Err(_) => Err(StsError::TimedOut(limits.timeout)),
        };
        let may_retry = match &result {
            Ok((status, _)) => is_busy(*status) && attempt < limits.busy_attempts,
            Err(_) => attempt < limits.attempts,
        };
        if !may_retry || Instant::now() + pause >= limits.deadline {
            return result;
        }
        sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
    Err(StsError::TimedOut(limits.timeout))
}

/// Builds the HTTP request. It fails if a URL or token contains characters that HTTP does not allow.
fn build(request: &Request<'_>) -> Result<HttpRequest, StsError> {
    let invalid =
        |what: &str| StsError::Source(format!("{what} contains characters that HTTP does not allow"));
    let mut http = HttpRequest::get(request.url).map_err(|_| invalid("the URL"))?;
    http.set_method(request.method).map_err(|_| invalid("the method"))?;
    if let Some((name, value)) = request.header {
        http.headers_mut()
            .try_insert(name, value.to_owned())
            .map_err(|_| invalid("the authorization token"))?;
    }
    Ok(http)
}

/// Returns why a request was refused before it was sent.
fn cannot_be_sent(error: &ConnectorError) -> StsError {
    StsError::Source(causes(error).last().map(ToString::to_string).unwrap_or_default())
}

/// Reads the credentials in an answer. The SDKs accept member names in any case.
pub(super) fn parse_document(service: &str, body: &[u8]) -> Result<Credentials, StsError> {
    let invalid = |reason: &str| StsError::Source(format!("{service} {reason}"));
    let object: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| invalid("did not answer with a JSON object"))?;
    let object: Map<String, Value> =
        object.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    if let Some(code) = text("code").filter(|code| !code.eq_ignore_ascii_case("success")) {
        let message = text("message").map(|message| format!(": {message}")).unwrap_or_default();
        return Err(invalid(&format!("has no credentials: {code}{message}")));
    }
    let names = ["accesskeyid", "secretaccesskey", "token", "expiration", "accountid"];
    parse_fields(&object, names).map_err(|reason| invalid(&reason))
}
