//! Lists the buckets that a role may list, with a request that the program signs by itself.
//!
//! With the crate `aws-sdk-s3` this is `aws_sdk_s3::Client::new(&config).list_buckets().send()`. The example
//! shows what to do for a service without a client: the configuration of a role has a credentials provider like any
//! other, and gives out credentials that are still valid.
//!
//! `cargo run --example s3 -- arn:aws:iam::123456789012:role/Deploy`

#![expect(clippy::print_stdout, reason = "an example prints its result")]
#![expect(clippy::disallowed_methods, reason = "a program reads its own environment and clock")]

mod base;

use std::error::Error;
use std::time::SystemTime;

use arl::AssumeRoleExt;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let role = std::env::args().nth(1).ok_or("usage: s3 ROLE_ARN")?;
    let config = base::config().await.assume_role(role).into_config()?;
    let region = config.region().ok_or("the region is missing: set AWS_REGION")?.to_string();

    // The first call assumes the role; later ones return the same session until it is time to renew it.
    let provider = config.credentials_provider().ok_or("the configuration has no credentials provider")?;
    let identity = provider.provide_credentials().await?.into();

    let endpoint = std::env::var("AWS_ENDPOINT_URL_S3");
    let url = endpoint.unwrap_or_else(|_| format!("https://s3.{region}.amazonaws.com")) + "/";
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name("s3")
        .time(SystemTime::now())
        .settings(settings)
        .build()?;
    let signable = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(b""))?;
    let (instructions, _) = sign(signable, &parameters.into())?.into_parts();

    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(url)?;
    for (name, value) in instructions.headers() {
        request.headers_mut().insert(name.to_owned(), value.to_owned());
    }
    let connector = Connector::builder().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build();
    let mut response = connector.call(request).await?;
    let status = response.status();
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let body = aws_smithy_types::byte_stream::ByteStream::new(body).collect().await?.to_vec();
    println!("{status}\n{}", String::from_utf8_lossy(&body));
    if status.is_success() { Ok(()) } else { Err("S3 has refused the request".into()) }
}
