//! The credentials endpoint of `exec --server`: the container credentials endpoint of the SDKs, on a loopback
//! address.
//!
//! A client must know a random path and a random token, name this address as its host, send none of the
//! headers that browsers send, and belong to the same user. Every other request gets the same refusal.
//!
//! Source: "Container credential provider" in the AWS SDKs and Tools Reference Guide.

mod authorize;
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
use authorize::Expected;
use connection::{PATIENCE, random, read_head, write};
pub use redirect::RedirectServer;

/// Further connections wait until one of these ends.
const MAX_CONNECTIONS: usize = 64;
/// When that many are open, connections that send no request within this time are closed. SDKs send it at
/// once.
const GRACE: Duration = Duration::from_millis(20);

/// A listening endpoint.
#[derive(Debug)]
pub struct CredentialServer {
    listener: TcpListener,
    expected: Arc<Expected>,
}

/// Why there are no credentials. The text is sent to authorized clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// Whether a retry may succeed.
    pub is_passing: bool,
    /// For instance `AccessDenied`.
    pub code: String,
    /// The message for the user.
    pub message: String,
}

/// Supplies the credentials that the server hands out.
pub trait CredentialSource: Send + Sync + 'static {
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
    /// No port is free, or the system has no randomness.
    pub fn bind() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let expected = Expected {
            address,
            path: format!("/v1/{}", random::<16>()?),
            token: Secret::new(random::<32>()?),
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
    pub async fn serve<S: CredentialSource>(&self, source: Arc<S>) {
        let mut talks = JoinSet::new();
        // The connections that have sent no request yet. A connection sets its flag when it has read one.
        let mut silent: Vec<(AbortHandle, Arc<AtomicBool>)> = Vec::new();
        loop {
            while talks.len() >= MAX_CONNECTIONS {
                tokio::select! {
                    _ = talks.join_next() => {}
                    () = tokio::time::sleep(GRACE) => {
                        // Let the connections that have data read it before they are judged.
                        tokio::task::yield_now().await;
                        for (talk, _) in silent.iter().filter(|(_, has_asked)| !has_asked.load(Ordering::Relaxed)) {
                            talk.abort();
                        }
                    }
                }
            }
            let Ok((stream, client)) = self.listener.accept().await else {
                // For instance because there are no file descriptors left.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let (expected, source) = (Arc::clone(&self.expected), Arc::clone(&source));
            // A connection that the client closes early is not an error.
            let has_asked = Arc::new(AtomicBool::new(false));
            let asked = Arc::clone(&has_asked);
            let talk = async move { drop(talk(&expected, &stream, client, &*source, &asked).await) };
            silent.push((talks.spawn(talk), has_asked));
            while talks.try_join_next().is_some() {}
            silent.retain(|(talk, has_asked)| !talk.is_finished() && !has_asked.load(Ordering::Relaxed));
        }
    }
}

/// Reads a request, checks it, responds and closes the connection.
async fn talk(
    expected: &Expected,
    stream: &TcpStream,
    client: SocketAddr,
    source: &impl CredentialSource,
    has_asked: &AtomicBool,
) -> io::Result<()> {
    let head =
        tokio::time::timeout(PATIENCE, read_head(stream)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    has_asked.store(true, Ordering::Relaxed);
    let is_rightful = head.is_some_and(|head| authorize::is_rightful(&head, expected))
        && peer::is_of_this_user(client, expected.address);
    let (status, body) = if is_rightful {
        match source.credentials().await {
            Ok(credentials) => (200, document(&credentials, source.role_arn())),
            Err(Unavailable { is_passing, code, message }) => {
                (if is_passing { 503 } else { 400 }, json!({ "code": code, "message": message }).to_string())
            }
        }
    } else {
        (403, json!({ "code": "Forbidden", "message": "not a request for these credentials" }).to_string())
    };
    let answer = Zeroizing::new(format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n{}",
        reason(status),
        body.len(),
        *Zeroizing::new(body)
    ));
    tokio::time::timeout(PATIENCE, write(stream, answer.as_bytes()))
        .await
        .map_err(|_| io::ErrorKind::TimedOut)?
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        _ => "Service Unavailable",
    }
}

/// Returns the response that all SDKs understand. The Rust SDK requires the `Z` in the time, the JavaScript
/// SDK the status 200.
fn document(credentials: &Credentials, role_arn: Option<&RoleArn>) -> String {
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
