//! Assumes a role and prints which identity AWS sees.
//!
//! `cargo run --example assume_role -- arn:aws:iam::123456789012:role/Deploy`

#![expect(clippy::print_stdout, reason = "an example prints its result")]

mod base;

use std::error::Error;
use std::time::Duration;

use arl::AssumeRoleExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let role = std::env::args().nth(1).ok_or("usage: assume_role ROLE_ARN")?;

    // No request is sent here. The first client that needs credentials assumes the role, and arl renews the
    // session for as long as the program runs.
    let deploy = base::config().await.assume_role(role).duration(Duration::from_secs(3600)).into_config()?;

    // Any client of the AWS SDK takes this configuration, for instance `aws_sdk_s3::Client::new(&deploy)`.
    let caller = aws_sdk_sts::Client::new(&deploy).get_caller_identity().send().await?;
    println!("{}", caller.arn().unwrap_or_default());
    Ok(())
}
