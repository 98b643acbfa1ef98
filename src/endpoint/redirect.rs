//! Redirects the browser once from a local URL to a secret one, so that the secret appears in no argument
//! list.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::{TcpListener, TcpStream};
use zeroize::Zeroizing;

use super::browser::{MAX_BROWSER_HEAD, first_result};
use super::connection::{REQUEST_TIMEOUT, random_token, read_head, write};
use super::peer;
use crate::secret::Secret;

/// A local URL that redirects one browser of this user.
#[derive(Debug)]
pub struct RedirectServer {
    listener: TcpListener,
    expected: Expected,
}

/// The request that gets the redirect. All others get a 404.
#[derive(Debug)]
struct Expected {
    address: SocketAddr,
    path: String,
    /// Whether a client has been redirected, or is about to be.
    is_taken: AtomicBool,
}

impl RedirectServer {
    /// Listens on a free port of 127.0.0.1. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// No port is free, or the system's random number generator fails.
    pub async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let path = format!("/{}", random_token::<16>()?);
        Ok(Self { listener, expected: Expected { address, path, is_taken: AtomicBool::new(false) } })
    }

    /// Returns the URL to open.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.expected.address, self.expected.path)
    }

    /// Redirects the first client that opens the URL, and returns.
    ///
    /// # Errors
    /// The port no longer accepts connections.
    pub async fn redirect_once(self, target: &Secret) -> io::Result<()> {
        let Self { listener, expected } = self;
        let shared = Arc::new((expected, target.clone()));
        first_result(&listener, |stream, client| {
            let shared = Arc::clone(&shared);
            async move { shared.0.redirect(&stream, client, &shared.1).await.then_some(()) }
        })
        .await
    }
}

impl Expected {
    /// Answers one request. Returns whether its client was redirected.
    async fn redirect(&self, stream: &TcpStream, client: SocketAddr, target: &Secret) -> bool {
        let head = tokio::time::timeout(REQUEST_TIMEOUT, read_head(stream, MAX_BROWSER_HEAD)).await;
        let Ok(Ok(Some(head))) = head else { return false };
        let is_authorized = self.matches(&head)
            && peer::belongs_to_current_user(client, self.address)
            && !self.is_taken.swap(true, Ordering::Relaxed);
        let (status, location) = match is_authorized {
            true => ("302 Found", format!("Location: {}\r\n", target.expose())),
            false => ("404 Not Found", String::new()),
        };
        let response = Zeroizing::new(format!(
            "HTTP/1.1 {status}\r\n{location}Content-Length: 0\r\nCache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n"
        ));
        let written = tokio::time::timeout(REQUEST_TIMEOUT, write(stream, response.as_bytes())).await;
        let is_redirected = is_authorized && matches!(written, Ok(Ok(())));
        if is_authorized && !is_redirected {
            // The browser may ask again.
            self.is_taken.store(false, Ordering::Relaxed);
        }
        is_redirected
    }

    /// Whether the request is for this URL.
    fn matches(&self, head: &[u8]) -> bool {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n");
        let is_path = lines.next() == Some(&format!("GET {} HTTP/1.1", self.path));
        let host = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("host").then_some(value.trim())
        });
        is_path && host == Some(&self.address.to_string())
    }
}
