//! The lower bound of the benchmark: one hand-signed AssumeRole over a plain socket, and nothing else.

#![allow(clippy::disallowed_methods, reason = "the tests are their own outside")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::SystemTime;

use arl_sts::sigv4::{ToSign, signature, signed_headers};

fn main() -> std::io::Result<()> {
    let host = std::env::var("AWS_ENDPOINT_URL_STS").unwrap_or_default().replace("http://", "");
    let [id, secret] =
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| std::env::var(name).unwrap_or_default());
    let body = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FDeploy&RoleSessionName=bare";
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace(['-', ':'], "");
    let headers = [("host".to_owned(), host.clone()), ("x-amz-date".to_owned(), now.clone())];
    let signed = signature(
        &secret,
        &ToSign {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body_hash: None,
            body: body.as_bytes(),
            date: &now,
            region: "us-east-1",
            service: "sts",
        },
    );
    let mut stream = TcpStream::connect(&host)?;
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {host}\r\nX-Amz-Date: {now}\r\nContent-Length: {}\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential={id}/{}/us-east-1/sts/aws4_request, SignedHeaders={}, Signature={signed}\r\n\r\n{body}",
        body.len(),
        &now[..8],
        signed_headers(&headers),
    )?;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while !answer.ends_with(b"</AssumeRoleResponse>") {
        match stream.read(&mut chunk)? {
            0 => return Err(std::io::Error::other("no AssumeRoleResponse came")),
            n => answer.extend_from_slice(&chunk[..n]),
        }
    }
    std::io::stdout().write_all(&answer)
}
