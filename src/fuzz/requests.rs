//! The requests that any program on this host can send to arl's ports.

use super::text_parts;
use crate::endpoint::authorize::{ExpectedRequest, is_authorized};
use crate::login::callback::{Answer, Expected, Request, Route};
use crate::secret::Secret;

const ADDRESS: &str = "127.0.0.1:4711";

/// The lines of a request, in lower case.
fn lines(head: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(head).split("\r\n").map(str::to_ascii_lowercase).collect()
}

fn count(lines: &[String], header: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(header)).count()
}

/// Checks that credentials are the answer only to a GET of the path that has the token and the host once
/// each, and no header of a browser.
pub(super) fn endpoint(data: &[u8]) {
    let expected = ExpectedRequest {
        address: ADDRESS.parse().expect("an address"),
        path: "/v1/path".into(),
        token: Secret::new("token".into()),
    };
    if !is_authorized(data, &expected) {
        return;
    }
    let lines = lines(data);
    assert!(data.starts_with(b"GET /v1/path HTTP/1.1\r\n"), "{lines:?}");
    assert!(data.ends_with(b"\r\n\r\n"), "{lines:?}");
    assert_eq!((count(&lines, "host:"), count(&lines, "authorization:")), (1, 1), "{lines:?}");
    assert!(data.windows(5).any(|bytes| bytes == b"token"), "{lines:?}");
    for browser in
        ["origin:", "referer:", "cookie:", "sec-fetch-", "x-forwarded-", "transfer-encoding:", " ", "\t"]
    {
        assert_eq!(count(&lines, browser), 0, "{browser}: {lines:?}");
    }
}

/// Checks that arl takes a code only from the callback's path, with the right state.
pub(super) fn login_callback(data: &[u8]) {
    let expected = Expected {
        address: ADDRESS.parse().expect("an address"),
        state: Secret::new("st-ate".into()),
        start: ("/start".into(), "https://oidc.example/authorize?state=st-ate".into()),
    };
    let route = Request::parse(data).map(|request| expected.route(&request));
    if let Some(Route::Answer(answer)) = route {
        let lines = lines(data);
        assert!(data.starts_with(b"GET /oauth/callback?"), "{lines:?}");
        assert_eq!(count(&lines, "host:"), 1, "{lines:?}");
        assert!(lines[0].contains("state=") || lines[0].contains('%'), "{lines:?}");
        if let Answer::Code(code) = answer {
            assert!(!code.expose().is_empty());
        }
    }
    if let Some([address]) = text_parts::<1>(data) {
        let query = address.split_once('?').map_or("", |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        assert!(expected.answer(query).is_none() || query.contains('='), "{query}");
    }
}
