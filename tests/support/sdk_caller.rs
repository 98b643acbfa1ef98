//! Asks STS who it is, over and over, with whatever the AWS SDK for Rust finds by itself: a stand-in for any program
//! that `arl exec --server` runs. `cargo run --example sdk_caller -- FILE` ends when FILE exists.

use std::path::Path;

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
            use std::io::Write;
            writeln!(std::io::stdout(), "{}", caller.arn().unwrap_or_default())?;
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
