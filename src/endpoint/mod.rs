//! The credentials endpoint of `exec --server`. On a loopback address it answers as the endpoint of a
//! container does, which SDKs ask for credentials.
//!
//! A client must know a random path and a random token, name this address as its host, send none of the
//! headers that browsers send, and belong to the same user. Every other request gets the same refusal.
//!
//! Source: "Container credential provider" in the AWS SDKs and Tools Reference Guide.

pub(crate) mod authorize;
mod browser;
mod connection;
mod peer;
mod redirect;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use zeroize::Zeroizing;

use crate::arn::RoleArn;
use crate::credentials::Credentials;
use crate::encoding::rfc3339;
use crate::secret::Secret;
use authorize::ExpectedRequest;
pub(crate) use authorize::constant_time_eq;
pub(crate) use browser::{MAX_BROWSER_HEAD, first_result};
use connection::MAX_HEAD;
pub(crate) use connection::{REQUEST_TIMEOUT, random_token, read_head, write};
pub(crate) use peer::belongs_to_current_user;
pub use redirect::RedirectServer;

/// The most connections at the same time. Further ones wait until one of these ends.
const MAX_CONNECTIONS: usize = 64;
/// When that many are open, connections that send no request within this time are closed. SDKs send theirs at
/// once.
const IDLE_GRACE: Duration = Duration::from_millis(20);

/// A listening endpoint.
#[derive(Debug)]
pub struct CredentialServer {
    listener: TcpListener,
    expected: Arc<ExpectedRequest>,
}

/// Why there are no credentials. The text is sent to authorized clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// Whether a retry may succeed.
    pub retryable: bool,
    /// For instance `AccessDenied`.
    pub code: String,
    /// The message for the user.
    pub message: String,
}

/// Supplies the credentials that the server serves.
pub trait SupplyCredentials: Send + Sync + 'static {
    /// Returns credentials, without delay if possible: SDKs wait for a second or two.
    fn credentials(&self) -> impl Future<Output = Result<Credentials, Unavailable>> + Send;

    /// Returns the role of the credentials.
    fn role_arn(&self) -> Option<&RoleArn>;
}

impl CredentialServer {
    /// Listens on a free port of 127.0.0.1, with a new path and a new token. Must be called inside a Tokio
    /// runtime.
    ///
    /// # Errors
    /// No port is free, or the system's random number generator fails.
    pub fn bind() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let expected = ExpectedRequest {
            address,
            path: format!("/v1/{}", random_token::<16>()?),
            token: Secret::new(random_token::<32>()?),
        };
        Ok(Self { listener, expected: Arc::new(expected) })
    }

    /// Returns the value of `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.expected.address, self.expected.path)
    }

    /// Returns the value of `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
    pub fn token(&self) -> &Secret {
        &self.expected.token
    }

    /// Serves requests until the future is dropped. Dropping it also aborts the open connections.
    pub async fn serve<S: SupplyCredentials>(&self, source: Arc<S>) {
        let mut connections = JoinSet::new();
        // The connections that have sent no request yet. A connection sets its flag when it has read one.
        let mut idle: Vec<(AbortHandle, Arc<AtomicBool>)> = Vec::new();
        loop {
            while connections.len() >= MAX_CONNECTIONS {
                tokio::select! {
                    _ = connections.join_next() => {}
                    () = tokio::time::sleep(IDLE_GRACE) => {
                        // Let the connections that have received data read it before idle ones are closed.
                        tokio::task::yield_now().await;
                        for (connection, _) in idle.iter().filter(|(_, has_sent_request)| !has_sent_request.load(Ordering::Relaxed)) {
                            connection.abort();
                        }
                    }
                }
            }
            let Ok((stream, client)) = self.listener.accept().await else {
                // The process may have no file descriptors left for a moment.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let (expected, source) = (Arc::clone(&self.expected), Arc::clone(&source));
            // A connection that the client closes early is not an error.
            let has_sent_request = Arc::new(AtomicBool::new(false));
            let request_sent = Arc::clone(&has_sent_request);
            let connection = async move {
                drop(handle_connection(&expected, &stream, client, &*source, &request_sent).await)
            };
            idle.push((connections.spawn(connection), has_sent_request));
            while connections.try_join_next().is_some() {}
            idle.retain(|(connection, has_sent_request)| {
                !connection.is_finished() && !has_sent_request.load(Ordering::Relaxed)
            });
        }
    }
}

/// Reads a request, checks it, responds and closes the connection.
async fn handle_connection(
    expected: &ExpectedRequest,
    stream: &TcpStream,
    client: SocketAddr,
    source: &impl SupplyCredentials,
    has_sent_request: &AtomicBool,
) -> io::Result<()> {
    let head = tokio::time::timeout(REQUEST_TIMEOUT, read_head(stream, MAX_HEAD))
        .await
        .map_err(|_| io::ErrorKind::TimedOut)??;
    has_sent_request.store(true, Ordering::Relaxed);
    let is_authorized = head.is_some_and(|head| authorize::is_authorized(&head, expected))
        && peer::belongs_to_current_user(client, expected.address);
    let (status, body) = if is_authorized {
        match source.credentials().await {
            Ok(credentials) => (200, credentials_json(&credentials, source.role_arn())),
            Err(Unavailable { retryable, code, message }) => {
                (if retryable { 503 } else { 400 }, json!({ "code": code, "message": message }).to_string())
            }
        }
    } else {
        (403, json!({ "code": "Forbidden", "message": "not a request for these credentials" }).to_string())
    };
    let response = Zeroizing::new(format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n{}",
        reason_phrase(status),
        body.len(),
        *Zeroizing::new(body)
    ));
    tokio::time::timeout(REQUEST_TIMEOUT, write(stream, response.as_bytes()))
        .await
        .map_err(|_| io::ErrorKind::TimedOut)?
}

fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        _ => "Service Unavailable",
    }
}

/// Returns the response that all SDKs understand. The Rust SDK requires the `Z` in the time, the JavaScript
/// SDK the status 200.
fn credentials_json(credentials: &Credentials, role_arn: Option<&RoleArn>) -> String {
    json!({
        "AccessKeyId": credentials.access_key_id(),
        "SecretAccessKey": credentials.secret_access_key().expose(),
        "Token": credentials.session_token().map(Secret::expose),
        "Expiration": credentials.expiration().map(rfc3339),
        "AccountId": credentials.account_id().map(ToString::to_string),
        "RoleArn": role_arn.map(ToString::to_string),
    })
    .to_string()
}
