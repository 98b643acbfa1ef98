//! A program that uses the AWS SDK for Rust, for tests of `arl exec --server` and `arl write`.
//!
//! It calls GetCallerIdentity in a loop, with the credentials that the SDK finds by itself, until the file
//! that its argument names exists. Then it prints the ARN of the last answer. Cargo builds it as an example,
//! because tests can run examples.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use aws_sdk_sts::config::BehaviorVersion;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stop = std::env::args().nth(1).unwrap_or_default();
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    let sts = aws_sdk_sts::Client::new(&config);
    loop {
        let caller = sts.get_caller_identity().send().await?;
        if Path::new(&stop).exists() {
            writeln!(std::io::stdout(), "{}", caller.arn().unwrap_or_default())?;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
