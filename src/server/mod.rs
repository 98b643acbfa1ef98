//! Credentials on a loopback address, for the commands of one person: the container credentials endpoint of the SDKs.
//!
//! Whoever asks has to know a random path and a random token, name this very address as its host, be a plain client
//! and no web page, and belong to the same user. Everything else gets the same refusal.
//!
//! Source: "Container credential provider" in the AWS SDKs and Tools Reference Guide.

mod peer;
mod redirect;
mod request;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use zeroize::Zeroizing;

use crate::arn::RoleArn;
use crate::credentials::{Credentials, rfc3339};
use crate::secret::Secret;
pub use redirect::RedirectServer;
use request::Expected;

/// The SDKs send some hundred bytes.
const MAX_HEAD: usize = 8 * 1024;
/// A client of this machine that takes longer than this has stopped.
const PATIENCE: Duration = Duration::from_secs(2);
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
    let is_rightful = head.is_some_and(|head| request::is_rightful(&head, expected))
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

/// The head of a request, its empty line included; `None` for one that is too long, or has more behind its end.
async fn read_head(stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut head = vec![0; MAX_HEAD];
    let mut length = 0;
    loop {
        stream.readable().await?;
        match stream.try_read(&mut head[length..]) {
            Ok(0) if length == MAX_HEAD => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Some(end) = head[..length].windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let is_alone = end + 4 == length;
            head.truncate(length);
            return Ok(is_alone.then_some(head));
        }
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
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

fn random<const N: usize>() -> io::Result<String> {
    let mut bytes = Zeroizing::new([0; N]);
    SystemRandom::new().fill(&mut *bytes).map_err(|_| io::Error::other("the system has no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(*bytes))
}
