//! Signature Version 4, computed independently of the SDK under test.
//!
//! Source: "Create a signed AWS API request" in the IAM User Guide.

use ring::{digest, hmac};

/// The signed parts of a request.
#[derive(Debug, Clone, Copy)]
pub struct ToSign<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path, already encoded.
    pub path: &'a str,
    /// The query, already canonical.
    pub query: &'a str,
    /// The signed headers, lower-cased and sorted, with their values.
    pub headers: &'a [(String, String)],
    /// The body hash that the request names. S3 requests may name one other than the body's SHA-256.
    pub body_hash: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
    /// `20261121T214620Z`.
    pub date: &'a str,
    /// The region of the scope.
    pub region: &'a str,
    /// The service of the scope.
    pub service: &'a str,
}

/// The signature as hexadecimal digits.
pub fn signature(secret: &str, request: &ToSign<'_>) -> String {
    let ToSign { method, path, query, headers, body_hash, body, date, region, service } = request;
    let mut canonical = format!("{method}\n{path}\n{query}\n");
    for (name, value) in *headers {
        canonical.push_str(&format!("{name}:{}\n", value.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    let body_hash = body_hash.map_or_else(|| hex(sha256(body).as_ref()), str::to_owned);
    canonical.push_str(&format!("\n{}\n{body_hash}", signed_headers(headers)));
    let day = &date[..8];
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(sha256(canonical.as_bytes()).as_ref()));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [day, region, service, "aws4_request"] {
        key = sign(&key, part.as_bytes());
    }
    hex(&sign(&key, text.as_bytes()))
}

/// The names of the signed headers, as they stand in the `Authorization` header.
pub fn signed_headers(headers: &[(String, String)]) -> String {
    headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";")
}

fn sign(key: &[u8], data: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref().to_vec()
}

fn sha256(data: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, data)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
