//! `arl cache`: lists and clears the cached sessions.

use arl::internal::SingleFlight;
use clap::Subcommand;

use crate::cli::env::cache_location::{CacheLocation, cache_dir};
use crate::cli::env::context::Context;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output;
use crate::cli::ui::output::Output;
use crate::cli::ui::session_table;

const AFTER_HELP: &str = "\
arl caches each session until it expires: in a file that only you can read, or with ARL_CACHE=keyring in the \
kernel's keyring. It uses a cached session only for the same request: the same source, STS endpoint, role \
and parameters. ARL_CACHE=none and --no-cache cache nothing. --refresh gets a new session.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum CacheCommand {
    /// List the cached sessions and the time they have left
    List {
        /// Print JSON, one object per line
        #[arg(long)]
        json: bool,
    },
    /// Delete the cached sessions and the cached roles of IAM Identity Center
    ///
    /// A shell or command that has one of the sessions keeps it until it expires.
    Clear,
    /// Print the directory of the cache
    Path,
}

pub(crate) fn run(args: &CacheArgs, output: &Output) -> Result<(), CliError> {
    let context = Context::read_user();
    let failed = |error: std::io::Error| CliError::new("could not read the cache").caused_by(error);
    match args.command {
        CacheCommand::Path => match cache_dir(&context)? {
            Some(path) => output.write_data(format!("{}\n", path.display()).as_bytes()),
            None => Err(CliError::new("there is no home directory to cache sessions in")
                .hint("set ARL_CACHE_DIR to a directory")),
        },
        CacheCommand::Clear => {
            let place = CacheLocation::from_env(&context)?;
            let Some(cache) = place.open(output)? else { return Ok(()) };
            if let Some(locks) = place.lock_dir() {
                SingleFlight::new(locks).clear();
            }
            let count =
                cache.clear().map_err(|error| CliError::new("could not clear the cache").caused_by(error))?;
            if let Some(catalogs) = CacheLocation::catalogs(&context) {
                catalogs
                    .clear()
                    .map_err(|error| CliError::new("could not clear the cache").caused_by(error))?;
            }
            let sessions = if count == 1 { "session" } else { "sessions" };
            output.note(&format!("{count} {sessions} deleted"));
            Ok(())
        }
        CacheCommand::List { json } => {
            let Some(cache) = CacheLocation::from_env(&context)?.open(output)? else { return Ok(()) };
            let now = Context::now();
            let mut sessions = cache.list(now, usize::MAX).map_err(failed)?;
            sessions.sort_by_key(|session| session.expiration);
            let text = if json {
                session_table::session_lines(&sessions, now)
            } else {
                session_table::session_table(&sessions, now, output::stdout_columns())
            };
            output.write_data(text.as_bytes())
        }
    }
}
