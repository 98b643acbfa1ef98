//! Redirects the browser once from a local URL to a secret one, so that the secret appears in no argument
//! list.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use super::connection::{MAX_HEAD, REQUEST_TIMEOUT, random_token, read_head, write};
use super::peer;
use crate::secret::Secret;

/// A local URL that redirects one browser of this user.
#[derive(Debug)]
pub struct RedirectServer {
    listener: TcpListener,
    address: SocketAddr,
    path: String,
}

impl RedirectServer {
    /// Listens on a free port of 127.0.0.1. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// No port is free, or the system has no randomness.
    pub async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, path: format!("/{}", random_token::<16>()?) })
    }

    /// Returns the URL to open.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.path)
    }

    /// Redirects the first client that opens the URL, and returns.
    ///
    /// # Errors
    /// The port does not accept connections any more.
    pub async fn redirect_once(self, target: &Secret) -> io::Result<()> {
        loop {
            let (stream, client) = self.listener.accept().await?;
            let head = tokio::time::timeout(REQUEST_TIMEOUT, read_head(&stream, MAX_HEAD)).await;
            let Ok(Ok(Some(head))) = head else { continue };
            let is_authorized = self.matches(&head) && peer::belongs_to_current_user(client, self.address);
            let (status, location) = match is_authorized {
                true => ("302 Found", format!("Location: {}\r\n", target.expose())),
                false => ("404 Not Found", String::new()),
            };
            let response = format!(
                "HTTP/1.1 {status}\r\n{location}Content-Length: 0\r\nCache-Control: no-store\r\n\
                 Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n"
            );
            let written = tokio::time::timeout(REQUEST_TIMEOUT, write(&stream, response.as_bytes())).await;
            if is_authorized && matches!(written, Ok(Ok(()))) {
                return Ok(());
            }
        }
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
