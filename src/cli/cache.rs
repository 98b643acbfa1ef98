//! `arl cache`: what is kept, where, and how to forget it.

use std::time::SystemTime;

use arl::{ListedSession, SingleFlight};
use clap::Subcommand;
use serde_json::json;

use super::caches::{Place, directory};
use super::context::Context;
use super::obtain::in_words;
use super::output::{printable, table};
use super::report::Report;
use super::{Outcome, Output};

const NOTES: &str =
    "Sessions are kept in files that only you can read, or in the kernel's keyring (ARL_CACHE=keyring), until
they end. What decides a session is part of its key: source, endpoint, every parameter. ARL_CACHE=none, or
--no-cache, keeps nothing; --refresh gets a new session.";

/// List the sessions that are kept, or forget them
#[derive(Debug, clap::Args)]
#[command(after_long_help = NOTES)]
pub(super) struct CacheArgs {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Verb {
    /// List the sessions that are kept, with the time they have left; never a secret
    List {
        /// Print JSON, one object in a line
        #[arg(long)]
        json: bool,
    },
    /// Forget all of them; shells and commands that have them keep them
    Clear,
    /// Print the directory they are kept in
    Path,
}

pub(super) fn run(args: &CacheArgs, output: &Output) -> Outcome {
    let context = Context::read_user();
    let failed = |error: std::io::Error| Report::new("could not read the cache").caused_by(error);
    match args.command {
        Verb::Path => match directory(&context)? {
            Some(path) => output.data(format!("{}\n", path.display()).as_bytes()),
            None => Err(Report::new("there is no home directory to keep sessions in")
                .hint("ARL_CACHE_DIR can name a place")),
        },
        Verb::Clear => {
            let place = Place::chosen(&context)?;
            let Some(cache) = place.open(output)? else { return Ok(()) };
            if let Some(locks) = place.locks() {
                SingleFlight::new(locks).clear();
            }
            let count =
                cache.clear().map_err(|error| Report::new("could not clear the cache").caused_by(error))?;
            let sessions = if count == 1 { "session" } else { "sessions" };
            output.note(&format!("{count} {sessions} forgotten"));
            Ok(())
        }
        Verb::List { json } => {
            let Some(cache) = Place::chosen(&context)?.open(output)? else { return Ok(()) };
            let now = Context::now();
            let mut sessions = cache.list(now, usize::MAX).map_err(failed)?;
            sessions.sort_by_key(|session| session.expiration);
            let text = if json { objects(&sessions, now) } else { in_columns(&sessions, now) };
            output.data(text.as_bytes())
        }
    }
}

/// The sessions, one object in a line.
pub(super) fn objects(sessions: &[ListedSession], now: SystemTime) -> String {
    let line = |session: &ListedSession| {
        let object = json!({
            "role_arn": session.role_arn(),
            "account_id": session.role_arn().and_then(account_of),
            "source": session.facts["source"],
            "expiration": humantime::format_rfc3339_seconds(session.expiration).to_string(),
            "seconds_left": session.expiration.duration_since(now).unwrap_or_default().as_secs(),
        });
        format!("{object}\n")
    };
    sessions.iter().map(line).collect()
}

/// The sessions as a table; nothing, if there are none.
pub(super) fn in_columns(sessions: &[ListedSession], now: SystemTime) -> String {
    if sessions.is_empty() {
        return String::new();
    }
    let mut rows = vec![["ACCOUNT", "SESSION OF", "SOURCE", "LEFT"].map(str::to_owned)];
    rows.extend(sessions.iter().map(|session| {
        let arn = session.role_arn().unwrap_or_default();
        let role = arn.split_once(":role/").map_or("the source itself", |(_, name)| name);
        let left = session.expiration.duration_since(now).unwrap_or_default();
        let account = account_of(arn).unwrap_or("-");
        [account, role, &source_of(session), &in_words(left)].map(printable)
    }));
    table(&rows)
}

fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}

/// What the session was started from, as short as people say it.
fn source_of(session: &ListedSession) -> String {
    let facts = &session.facts["source"];
    let fact = |name: &str| facts.get(name).and_then(|value| value.as_str());
    if let Some(id) = fact("access_key_id") {
        return format!("key …{}", id.get(id.len().saturating_sub(4)..).unwrap_or_default());
    }
    let names = [
        ("sso_start_url", "IAM Identity Center"),
        ("credential_process", "credential process"),
        ("web_identity_role_arn", "web identity"),
        ("container_uri", "container endpoint"),
    ];
    let found = names.into_iter().find(|(name, _)| fact(name).is_some());
    found.map_or("instance metadata", |(_, words)| words).to_owned()
}
