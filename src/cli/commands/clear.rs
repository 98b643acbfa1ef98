//! `arl clear`: prints the statements that give the shell back what it had before.

use std::time::Duration;

use arl::shell::{Dialect, Held};
use clap_complete::engine::ArgValueCandidates;

use crate::cli::args::complete;
use crate::cli::env::shell;
use crate::cli::env::shell_state::{expired_since, has_endpoint, held, left, session_name};
use crate::cli::env::vars;
use crate::cli::ui::error::Report;
use crate::cli::ui::output;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::in_words;

const EXAMPLES: &str = "Examples:
  eval \"$(arl clear)\"            what this shell had before its role
  arl clear | source             the same in fish
  arl clear                      the same where the hook is installed (arl init)

Where the shell remembers nothing, as in a child of the one that became the role, the identity
variables are unset. Keys that are not arl's are left alone.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_long_help = EXAMPLES)]
pub(crate) struct ClearArgs {
    /// Clear only a session that has expired, or what it has left beside other keys
    #[arg(long)]
    expired: bool,
    /// The shell to print for [default: ARL_SHELL, the parent process, SHELL]
    #[arg(long, value_name = "SHELL", add = ArgValueCandidates::new(complete::dialects))]
    shell: Option<String>,
}

pub(crate) fn run(args: ClearArgs, output: &Output) -> Result<(), Report> {
    let dialect = shell::choose(args.shell.as_deref())?;
    let held = held();
    if output::stdout_is_terminal() {
        let command = match dialect {
            Dialect::Fish => "arl clear | source",
            _ => "eval \"$(arl clear)\"",
        };
        return Err(Report::new("this prints statements, and changes nothing in the shell")
            .hint(format!("to have them carried out: {command}"))
            .hint(format!("to have `arl clear` do that by itself: arl init {dialect}")));
    }
    if matches!(held, Held::Nothing { .. }) && has_endpoint() {
        output.note("the role of this shell comes from `arl exec --server`, and ends with it");
        return Ok(());
    }
    if !args.expired {
        if matches!(held, Held::ForeignKeys { .. }) {
            output.note("the keys in this shell are not arl's; they were left alone");
        }
        return output.data(dialect.clear(held, &left()).as_bytes());
    }
    match (&held, expired_since()) {
        (Held::Role { .. }, Some(since)) => output.data(expired(dialect, held, since, output).as_bytes()),
        // Until then the keys may come back, as from a directory of direnv's.
        (_, Some(_)) if vars::get(vars::ARL_KEY_ID).is_some() => {
            output.data(dialect.tidy(&left()).as_bytes())
        }
        _ => Ok(()),
    }
}

fn expired(dialect: Dialect, held: Held, since: Duration, output: &Output) -> String {
    let restores = vars::get(vars::ARL_ON_EXPIRY).as_deref() == Some("restore");
    let done = if restores { "what was there before is back" } else { "its credentials were cleared" };
    output.note(&format!("{} expired {} ago; {done}", session_name(), in_words(since)));
    if restores { dialect.clear(held, &[]) } else { dialect.unset() }
}
