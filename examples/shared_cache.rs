//! Keeps a session from one run to the next, and shares it with the program `arl`.
//!
//! `cargo run --example shared_cache -- arn:aws:iam::123456789012:role/Deploy "$(arl cache path)"`

#![expect(clippy::print_stdout, reason = "an example prints its result")]

mod base;

use std::error::Error;

use arl::AssumeRoleExt;
use arl::cache::JsonFileCache;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(role), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: shared_cache ROLE_ARN DIRECTORY".into());
    };

    // The files are readable by this user alone. Any number of processes with a cold cache make one call to STS.
    let provider =
        base::config().await.assume_role(role).cache(JsonFileCache::new(directory)).into_provider()?;

    // The ID is no secret. It shows that the second run has the session of the first.
    println!("{}", provider.credentials().await?.access_key_id());
    Ok(())
}
