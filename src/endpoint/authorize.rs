//! Decides whether a request may get the credentials.

use std::net::SocketAddr;

use ring::digest;

use crate::secret::Secret;

/// The values that an authorized request must contain.
#[derive(Debug)]
pub(crate) struct ExpectedRequest {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    pub(crate) token: Secret,
}

/// Headers that browsers and proxies send, and that SDKs never send to a loopback address.
const BROWSER_HEADERS: [&str; 13] = [
    "client-ip",
    "cookie",
    "forwarded",
    "origin",
    "proxy-authorization",
    "proxy-connection",
    "referer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "upgrade-insecure-requests",
    "via",
    "x-real-ip",
];
const BROWSER_HEADER_PREFIXES: [&str; 5] =
    ["access-control-", "cf-connecting-", "sec-ch-", "sec-fetch-", "x-forwarded-"];

/// Checks a whole request head. The answer does not say which part was wrong, so that a client cannot guess
/// the parts one by one.
pub(crate) fn is_authorized(head: &[u8], expected: &ExpectedRequest) -> bool {
    let Ok(text) = std::str::from_utf8(head) else { return false };
    let Some(lines) = text.strip_suffix("\r\n\r\n") else { return false };
    let mut lines = lines.split("\r\n");
    let target = lines.next().and_then(|line| line.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1"));
    let (mut hosts, mut tokens) = (Vec::new(), Vec::new());
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { return false };
        let is_token_char = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(is_token_char) || value.contains(['\r', '\n', '\0']) {
            return false;
        }
        let (name, value) = (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']));
        let has_body = name == "content-length" && value != "0";
        let is_browsers = BROWSER_HEADERS.contains(&name.as_str())
            || BROWSER_HEADER_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        if has_body || is_browsers {
            return false;
        }
        match name.as_str() {
            "host" => hosts.push(value),
            "authorization" => tokens.push(value),
            _ => {}
        }
    }
    // Compare both before combining, so that the time reveals nothing about the path and the token.
    let is_path = constant_time_eq(target.unwrap_or_default(), &expected.path);
    let is_token = constant_time_eq(tokens.first().copied().unwrap_or_default(), expected.token.expose());
    // The `Host` of the AWS Common Runtime, which several SDKs use, has no port. A web page whose host name
    // resolves to this address (DNS rebinding) sends that name.
    let is_host = hosts == [expected.address.to_string()] || hosts == [expected.address.ip().to_string()];
    is_host && tokens.len() == 1 && (is_path & is_token)
}

/// Compares hashes, so that the time does not depend on where the texts differ.
pub(crate) fn constant_time_eq(a: &str, b: &str) -> bool {
    let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    hash(a).as_ref() == hash(b).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_request_is_authorized() {
        let address = "127.0.0.1:4711".parse().expect("an address");
        let expected =
            ExpectedRequest { address, path: "/v1/path".into(), token: Secret::new("token".into()) };
        let judge = |head: &str| is_authorized(head.as_bytes(), &expected);
        let good =
            "GET /v1/path HTTP/1.1\r\nHost: 127.0.0.1:4711\r\nAccept: */*\r\nauthorization: token\r\n\r\n";
        assert!(judge(good));
        assert!(judge(&good.replace("Accept: */*", "Content-Length: 0")));
        assert!(judge(&good.replace("127.0.0.1:4711", "127.0.0.1")));
        for (from, to) in [
            ("GET", "POST"),
            ("GET", "OPTIONS"),
            ("GET", "HEAD"),
            ("/v1/path", "/v1/path?x"),
            ("/v1/path", "/v1/path/"),
            ("/v1/path", "/v1/../v1/path"),
            ("/v1/path", "/"),
            ("/v1/path", "http://127.0.0.1:4711/v1/path"),
            ("HTTP/1.1", "HTTP/1.0"),
            ("Host: 127.0.0.1:4711\r\n", ""),
            ("127.0.0.1:4711", "evil.example"),
            ("127.0.0.1:4711", "localhost:4711"),
            ("127.0.0.1:4711", "127.0.0.1:4712"),
            ("127.0.0.1:4711", "127.0.0.1:4711."),
            ("127.0.0.1:4711", "127.0.0.1:4711\r\nHost: 127.0.0.1:4711"),
            ("Accept: */*", "Origin: null"),
            ("Accept: */*", "Referer: x"),
            ("Accept: */*", "Sec-Fetch-Mode: cors"),
            ("Accept: */*", "X-Forwarded-For: 1.2.3.4"),
            ("Accept: */*", "X-Forwarded-Host: evil.example"),
            ("Accept: */*", "X-Real-IP: 1.2.3.4"),
            ("Accept: */*", "Proxy-Connection: keep-alive"),
            ("Accept: */*", "Cookie: a=b"),
            ("Accept: */*", "Sec-CH-UA: x"),
            ("Accept: */*", "Upgrade-Insecure-Requests: 1"),
            ("Accept: */*", "Transfer-Encoding: chunked"),
            ("Accept: */*", "Content-Length: 5"),
            ("Accept: */*", " folded: x"),
            ("Accept: */*", "Accept : x"),
            ("Accept: */*", "no colon"),
            ("authorization: token\r\n", ""),
            ("token", "toke"),
            ("token", "tokens"),
            ("token", "Token"),
            ("token", "Bearer token"),
            ("token", ""),
            ("authorization: token", "authorization: token\r\nauthorization: token"),
        ] {
            let head = good.replacen(from, to, 1);
            assert_ne!(head, good, "{from}");
            assert!(!judge(&head), "{head}");
        }
    }
}
