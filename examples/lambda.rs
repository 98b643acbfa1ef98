//! A Lambda function that assumes a role in another account. In CloudTrail, the session name shows
//! which instance of which function assumed the role.
//!
//! `lambda_runtime` would call `handler` for each event; here `main` calls it twice.
//!
//! `AWS_LAMBDA_FUNCTION_NAME=report cargo run --example lambda -- arn:aws:iam::123456789012:role/Deploy`

#![expect(clippy::print_stdout, reason = "an example prints its result")]
#![expect(clippy::disallowed_methods, reason = "a program reads its own environment and clock")]

mod base;

use std::error::Error;
use std::time::SystemTime;

use arl::lambda::LambdaFunction;
use arl::{AssumeRoleExt, RoleSessionName};
use aws_sdk_sts::Client;

/// Handles an event. The client belongs to the instance and not to the event, so that all events share a session.
async fn handler(client: &Client) -> Result<String, Box<dyn Error>> {
    let caller = client.get_caller_identity().send().await?;
    Ok(caller.arn().unwrap_or_default().to_owned())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let role = std::env::args().nth(1).ok_or("usage: lambda ROLE_ARN")?;

    // FUNCTION.VERSION.INSTANCE, from what the Lambda runtime sets. The library reads no environment by itself.
    let function = LambdaFunction::from_env(|name| std::env::var(name).ok());
    let name = RoleSessionName::for_lambda(&function, SystemTime::now())?;
    let config = base::config().await.assume_role(role).role_session_name(name).into_config()?;

    let client = Client::new(&config);
    for _ in 0..2 {
        println!("{}", handler(&client).await?);
    }
    Ok(())
}
