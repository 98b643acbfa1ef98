//! Assumes a role and prints which identity AWS sees.
//!
//! `cargo run --example assume_role -- arn:aws:iam::123456789012:role/Deploy` starts from the credentials
//! that `aws-config` finds: environment variables, a profile, a container, an instance.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::error::Error;
use std::time::Duration;

use arl::AssumeRoleExt;
use aws_sdk_sts::config::BehaviorVersion;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let role = std::env::args().nth(1).ok_or("usage: assume_role ROLE_ARN")?;

    // With the default features of `aws-config`, `aws_config::load_defaults(BehaviorVersion::latest())` is
    // enough. arl's own build has no default HTTP client, so this example names one.
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let base = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;

    // No request is sent here. The first client that needs credentials assumes the role, and arl renews the
    // session for as long as the program runs.
    let deploy = base.assume_role(role).duration(Duration::from_secs(3600)).into_config()?;

    // Any client of the AWS SDK takes this configuration, for instance `aws_sdk_s3::Client::new(&deploy)`.
    let caller = aws_sdk_sts::Client::new(&deploy).get_caller_identity().send().await?;
    println!("{}", caller.arn().unwrap_or_default());
    Ok(())
}
