//! Assumes a role that requires MFA, and asks for a code on standard input.
//!
//! `cargo run --example mfa -- arn:aws:iam::123456789012:role/Admin arn:aws:iam::111122223333:mfa/ann`

#![expect(clippy::print_stdout, reason = "an example prints its result")]

mod base;

use std::error::Error;
use std::io::Write;

use arl::AssumeRoleExt;
use arl::request::SerialNumber;
use tokio::task::spawn_blocking;

/// Asks for a code. It is called for the first session and for each renewal, once for all tasks that wait.
async fn ask(device: SerialNumber) -> Result<arl::request::TokenCode, Box<dyn Error + Send + Sync>> {
    let line = spawn_blocking(move || {
        write!(std::io::stderr(), "MFA code from {device}: ")?;
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    Ok(line.await??.trim().parse()?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(role), Some(device)) = (arguments.next(), arguments.next()) else {
        return Err("usage: mfa ROLE_ARN DEVICE_ARN".into());
    };
    let admin =
        base::config().await.assume_role(role).serial_number(device).token_codes(ask).into_config()?;

    let caller = aws_sdk_sts::Client::new(&admin).get_caller_identity().send().await?;
    println!("{}", caller.arn().unwrap_or_default());
    Ok(())
}
