//! The loopback address to which the sign-in page redirects the browser with the authorization code.
//!
//! Any program on this host can connect to it. So it accepts only the exact requests of a sign-in, and no
//! other request ends the wait, because the right one may still come.
//!
//! Source: RFC 8252, "OAuth 2.0 for Native Apps", sections 7.3 and 8.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};

use super::page::{Page, response};
use crate::encoding::percent_decode;
use crate::endpoint::{
    MAX_BROWSER_HEAD, REQUEST_TIMEOUT, belongs_to_current_user, constant_time_eq, first_result, random_token,
    read_head, write,
};
use crate::secret::Secret;

/// The path that is registered as the redirect URI.
const CALLBACK_PATH: &str = "/oauth/callback";
/// Where the browser goes afterwards, so that its address bar and history do not keep the code.
const DONE_PATH: &str = "/signed-in";

/// The answer that the browser delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The authorization code.
    Code(Secret),
    /// The user, or the service, refused. Holds the error and its description.
    Refused(String),
}

/// Waits for the browser.
#[derive(Debug)]
pub(super) struct CallbackServer {
    listener: TcpListener,
    expected: Arc<Expected>,
}

/// The values that identify the requests of this sign-in.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) address: SocketAddr,
    pub(crate) state: Secret,
    /// The path that leads to the sign-in page, and that page. The page's address contains the state, and
    /// every user of this host can read argument lists, so the browser is started with this path instead.
    pub(crate) start: (String, String),
}

/// A connection on which the browser waits for a page.
#[derive(Debug)]
pub(super) struct WaitingBrowser(TcpStream);

/// Returns the redirect URI, without its port.
pub(super) fn registered_redirect_uri() -> String {
    format!("http://{}{CALLBACK_PATH}", Ipv4Addr::LOCALHOST)
}

/// A port of 127.0.0.1 on which arl listens. The redirect URI needs it before the sign-in page is known.
#[derive(Debug)]
pub(super) struct BoundPort {
    listener: TcpListener,
    address: SocketAddr,
}

impl BoundPort {
    /// Listens on a port of 127.0.0.1; 0 takes a free one. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// The port is not free.
    pub(super) async fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Returns the redirect URI with the port.
    pub(super) fn redirect_uri(&self) -> String {
        format!("http://{}{CALLBACK_PATH}", self.address)
    }

    /// Starts to wait for an answer with this state. `page` is the address of the sign-in page.
    pub(super) fn wait_for(self, state: Secret, page: &str) -> io::Result<CallbackServer> {
        let start = (format!("/{}", random_token::<32>()?), page.to_owned());
        let expected = Expected { address: self.address, state, start };
        Ok(CallbackServer { listener: self.listener, expected: Arc::new(expected) })
    }
}

impl CallbackServer {
    /// Returns an address on this host that leads a browser of this user to the sign-in page.
    pub(super) fn start_url(&self) -> String {
        format!("http://{}{}", self.expected.address, self.expected.start.0)
    }

    /// Returns the answer with the right state. The browser waits until [`Self::show`] answers it.
    ///
    /// # Errors
    /// The port no longer accepts connections.
    pub(super) async fn wait(&self) -> io::Result<(Answer, WaitingBrowser)> {
        first_result(&self.listener, |stream, client| serve(stream, client, Arc::clone(&self.expected)))
            .await
            .map(|(answer, stream)| (answer, WaitingBrowser(stream)))
    }

    /// Shows the user how the sign-in ended. Returns when the browser has loaded the page, or after a time
    /// limit.
    pub(super) async fn show(&self, browser: WaitingBrowser, page: Page<'_>) {
        let target = format!("http://{}{DONE_PATH}", self.expected.address);
        let redirect = response("303 See Other", &format!("Location: {target}\r\n"), None);
        let showing = async {
            let _ = write(&browser.0, redirect.as_bytes()).await;
            drop(browser);
            loop {
                let Ok((stream, _)) = self.listener.accept().await else { return };
                let head = tokio::time::timeout(REQUEST_TIMEOUT, read_head(&stream, MAX_BROWSER_HEAD)).await;
                let Ok(Ok(Some(head))) = head else { continue };
                let is_done = Request::parse(&head).is_some_and(|request| {
                    request.is_get && request.path == DONE_PATH && self.expected.is_host(request.host)
                });
                let reply = if is_done { response("200 OK", "", Some(page)) } else { not_found() };
                let _ = write(&stream, reply.as_bytes()).await;
                if is_done {
                    return;
                }
            }
        };
        // The sign-in has ended even if the user does not see the page.
        let _ = tokio::time::timeout(REQUEST_TIMEOUT, showing).await;
    }

    /// Reads the answer from the address of a page, which the user pasted.
    pub(super) fn read_pasted(&self, address: &str) -> Option<Answer> {
        let (_, query) = address.trim().split_once('?')?;
        self.expected.answer(query.split('#').next().unwrap_or_default())
    }
}

/// Answers one request. If the request contains the answer of the sign-in, returns it with the connection,
/// which still waits for a page.
async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    expected: Arc<Expected>,
) -> Option<(Answer, TcpStream)> {
    let head =
        tokio::time::timeout(REQUEST_TIMEOUT, read_head(&stream, MAX_BROWSER_HEAD)).await.ok()?.ok()?;
    let reply = match head.as_deref().and_then(Request::parse).map(|request| expected.route(&request)) {
        Some(Route::Answer(answer)) => return Some((answer, stream)),
        Some(Route::Start) if belongs_to_current_user(client, expected.address) => {
            response("302 Found", &format!("Location: {}\r\n", expected.start.1), None)
        }
        Some(Route::BadRequest) => response("400 Bad Request", "", Some(Page::Other)),
        Some(Route::WrongMethod) => response("405 Method Not Allowed", "Allow: GET\r\n", None),
        Some(Route::Start | Route::NotFound) | None => not_found(),
    };
    let _ = tokio::time::timeout(REQUEST_TIMEOUT, write(&stream, reply.as_bytes())).await;
    None
}

/// The kind of a request, which decides how arl answers it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Answer(Answer),
    Start,
    BadRequest,
    WrongMethod,
    NotFound,
}

/// The parts of a request that matter.
pub(crate) struct Request<'a> {
    is_get: bool,
    path: &'a str,
    query: &'a str,
    host: &'a str,
}

impl<'a> Request<'a> {
    pub(crate) fn parse(head: &'a [u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
            return None;
        }
        let mut hosts = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("host").then_some(value.trim())
        });
        let host = hosts.next()?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        hosts.next().is_none().then_some(Self { is_get: method == "GET", path, query, host })
    }
}

impl Expected {
    /// Whether the request was sent to this address. A web page whose host name resolves to 127.0.0.1 sends
    /// that name.
    fn is_host(&self, host: &str) -> bool {
        host == self.address.to_string()
    }

    pub(crate) fn route(&self, request: &Request<'_>) -> Route {
        if !self.is_host(request.host) {
            return Route::NotFound;
        }
        match (request.path, request.is_get) {
            (path, true) if constant_time_eq(path, &self.start.0) => Route::Start,
            (CALLBACK_PATH, false) => Route::WrongMethod,
            (CALLBACK_PATH, true) => self.answer(request.query).map_or(Route::BadRequest, Route::Answer),
            _ => Route::NotFound,
        }
    }

    /// Returns the answer in a query. `None` if the state is wrong, or if a field occurs twice.
    pub(crate) fn answer(&self, query: &str) -> Option<Answer> {
        let fields: Vec<(String, String)> = query
            .split('&')
            .map(|field| field.split_once('=').unwrap_or((field, "")))
            .filter_map(|(name, value)| Some((percent_decode(name)?, percent_decode(value)?)))
            .collect();
        let only = |name: &str| {
            let mut values =
                fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
            let value = values.next();
            if values.next().is_some() { None } else { value.filter(|value| !value.is_empty()) }
        };
        if !constant_time_eq(only("state")?, self.state.expose()) {
            return None;
        }
        match (only("code"), only("error")) {
            (Some(code), None) => Some(Answer::Code(Secret::new(code.to_owned()))),
            (None, Some(error)) => Some(Answer::Refused(match only("error_description") {
                Some(description) => format!("{error}: {description}"),
                None => error.to_owned(),
            })),
            _ => None,
        }
    }
}

fn not_found() -> String {
    response("404 Not Found", "", None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Expected {
        Expected {
            address: "127.0.0.1:4711".parse().expect("an address"),
            state: Secret::new("st-ate".into()),
            start: ("/start".into(), "https://oidc.example/authorize?state=st-ate".into()),
        }
    }

    fn route(line: &str, host: &str) -> Route {
        let head = format!("{line}\r\nHost: {host}\r\nAccept: */*\r\n\r\n");
        Request::parse(head.as_bytes()).map_or(Route::NotFound, |request| expected().route(&request))
    }

    #[test]
    fn only_the_exact_requests_of_a_sign_in_are_answered() {
        let here = "127.0.0.1:4711";
        let code = |code: &str| Route::Answer(Answer::Code(Secret::new(code.into())));
        assert_eq!(route("GET /oauth/callback?code=c%2Fd&state=st-ate HTTP/1.1", here), code("c/d"));
        assert_eq!(route("GET /oauth/callback?state=st%2Date&code=c+d HTTP/1.0", here), code("c d"));
        let refused =
            "GET /oauth/callback?error=access_denied&error_description=No%20way&state=st-ate HTTP/1.1";
        assert_eq!(route(refused, here), Route::Answer(Answer::Refused("access_denied: No way".into())));
        assert_eq!(route("GET /start HTTP/1.1", here), Route::Start);
        for query in [
            "",
            "code=c",
            "code=c&state=",
            "code=c&state=other",
            "code=c&state=st-ate&state=st-ate",
            "code=c&state=st-ate&state=x",
            "code=c&code=d&state=st-ate",
            "code=c&error=e&state=st-ate",
            "state=st-ate",
            "code=&state=st-ate",
            "code=%zz&state=st-ate",
        ] {
            let line = format!("GET /oauth/callback?{query} HTTP/1.1");
            assert_eq!(route(&line, here), Route::BadRequest, "{query}");
        }
        let right = "/oauth/callback?code=c&state=st-ate";
        for line in [
            "GET / HTTP/1.1".to_owned(),
            "GET /favicon.ico HTTP/1.1".to_owned(),
            "GET /oauth/callback/?code=c&state=st-ate HTTP/1.1".to_owned(),
            "GET /oauth/callback%3Fcode=c&state=st-ate HTTP/1.1".to_owned(),
            "GET /OAuth/Callback?code=c&state=st-ate HTTP/1.1".to_owned(),
            format!("GET http://127.0.0.1:4711{right} HTTP/1.1"),
            format!("GET {right} HTTP/2"),
            format!("GET {right}"),
            format!("GET {right} HTTP/1.1 x"),
            "POST /start HTTP/1.1".to_owned(),
            String::new(),
        ] {
            assert_eq!(route(&line, here), Route::NotFound, "{line}");
        }
        for method in ["POST", "HEAD", "OPTIONS", "get"] {
            assert_eq!(route(&format!("{method} {right} HTTP/1.1"), here), Route::WrongMethod);
        }
        // A name that leads to 127.0.0.1 by DNS, another port, and two hosts.
        for host in
            ["evil.example:4711", "localhost:4711", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:4711\r\nHost: x"]
        {
            assert_eq!(route(&format!("GET {right} HTTP/1.1"), host), Route::NotFound, "{host}");
        }
    }
}
