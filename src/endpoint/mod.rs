//! Credentials on a loopback address, for the commands of one person: the container credentials endpoint of the SDKs.
//!
//! Whoever asks has to know a random path and a random token, name this very address as its host, be a plain client
//! and no web page, and belong to the same user. Everything else gets the same refusal.
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

/// More at a time have to wait for a moment.
const MAX_CONNECTIONS: usize = 64;
/// Where many wait, whoever has sent nothing by then is let go: a client sends its request at once.
const GRACE: Duration = Duration::from_millis(20);

/// An endpoint that is listening.
#[derive(Debug)]
pub struct CredentialServer {
    listener: TcpListener,
    expected: Arc<Expected>,
}

/// Why there are no credentials to hand out; told to whoever has the right to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// Whether asking again can help.
    pub is_passing: bool,
    /// For instance `AccessDenied`.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Where the server gets what it hands out.
pub trait CredentialSource: Send + Sync + 'static {
    /// Credentials, at hand if they can be: the SDKs wait for a second or two.
    fn credentials(&self) -> impl Future<Output = Result<Credentials, Unavailable>> + Send;

    /// The role they are of.
    fn role_arn(&self) -> Option<&RoleArn>;
}

impl CredentialServer {
    /// Listens on a free port of 127.0.0.1, with a new path and a new token. Must be called inside a runtime.
    ///
    /// # Errors
    /// There is no port, or no randomness.
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

    /// The value of `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.expected.address, self.expected.path)
    }

    /// The value of `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
    pub fn token(&self) -> &Secret {
        &self.expected.token
    }

    /// Answers until the future is dropped, and with it every answer that is under way.
    pub async fn serve<S: CredentialSource>(&self, source: Arc<S>) {
        let mut talks = JoinSet::new();
        // Those that have sent no request yet; a talk takes itself out by a flag.
        let mut silent: Vec<(AbortHandle, Arc<AtomicBool>)> = Vec::new();
        loop {
            while talks.len() >= MAX_CONNECTIONS {
                tokio::select! {
                    _ = talks.join_next() => {}
                    () = tokio::time::sleep(GRACE) => {
                        // Whoever has been heard of by now gets its turn before this goes on.
                        tokio::task::yield_now().await;
                        for (talk, _) in silent.iter().filter(|(_, has_asked)| !has_asked.load(Ordering::Relaxed)) {
                            talk.abort();
                        }
                    }
                }
            }
            let Ok((stream, client)) = self.listener.accept().await else {
                // There are no descriptors left, for instance.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let (expected, source) = (Arc::clone(&self.expected), Arc::clone(&source));
            // A client that breaks off is the client's business.
            let has_asked = Arc::new(AtomicBool::new(false));
            let asked = Arc::clone(&has_asked);
            let talk = async move { drop(talk(&expected, &stream, client, &*source, &asked).await) };
            silent.push((talks.spawn(talk), has_asked));
            while talks.try_join_next().is_some() {}
            silent.retain(|(talk, has_asked)| !talk.is_finished() && !has_asked.load(Ordering::Relaxed));
        }
    }
}

/// Reads a request, judges it, answers, closes.
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

/// The answer that all SDKs read. Rust's insists on the `Z` of the time, JavaScript's on the status 200.
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
