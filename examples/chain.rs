//! Assumes a role, and with its session a second one. The first session has two tags, of which the second session
//! inherits one. The second session has a policy that limits what it may do.
//!
//! `cargo run --example chain -- arn:aws:iam::123456789012:role/Deploy arn:aws:iam::210987654321:role/Audit`

#![expect(clippy::print_stdout, reason = "an example prints its result")]

mod base;

use std::error::Error;

use arl::AssumeRoleExt;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut roles = std::env::args().skip(1);
    let (Some(first), Some(second)) = (roles.next(), roles.next()) else {
        return Err("usage: chain ROLE_ARN ROLE_ARN".into());
    };

    let deploy = base::config()
        .await
        .assume_role(first)
        .role_session_name("release-4711")
        .tags([("Team", "web"), ("Stage", "production")])
        .transitive_tag_key("Team")
        .into_config()?;

    // The second role is assumed with the first role's session. STS ends a chained session after one hour; both are renewed.
    let audit = deploy
        .assume_role(second)
        .role_session_name("release-4711")
        .policy(json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::audit/*" }],
        }))
        .policy_arn("arn:aws:iam::aws:policy/ReadOnlyAccess")
        .into_config()?;

    for config in [&deploy, &audit] {
        let caller = aws_sdk_sts::Client::new(config).get_caller_identity().send().await?;
        println!("{}", caller.arn().unwrap_or_default());
    }
    Ok(())
}
