//! `arl clear`: prints the statements that restore what the shell had before.

use std::time::Duration;

use arl::internal::shell::{Shell, ShellState};
use clap_complete::engine::ArgValueCandidates;

use crate::cli::args::complete;
use crate::cli::env::shell;
use crate::cli::env::shell_state::{
    expired_since, leftover_variables, session_label, shell_state, uses_arl_endpoint,
};
use crate::cli::env::vars;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::human_duration;

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
    #[arg(long, value_name = "SHELL", add = ArgValueCandidates::new(complete::output_shells))]
    shell: Option<String>,
}

pub(crate) fn run(args: ClearArgs, output: &Output) -> Result<(), CliError> {
    let shell = shell::detect(args.shell.as_deref())?;
    let state = shell_state();
    if output::stdout_is_terminal() {
        let command = match shell {
            Shell::Fish => "arl clear | source",
            _ => "eval \"$(arl clear)\"",
        };
        return Err(CliError::new("this prints statements, and changes nothing in the shell")
            .hint(format!("to have them carried out: {command}"))
            .hint(format!("to have `arl clear` do that by itself: arl init {shell}")));
    }
    if matches!(state, ShellState::NoKeys { .. }) && uses_arl_endpoint() {
        output.note("the role of this shell comes from `arl exec --server`, and ends with it");
        return Ok(());
    }
    if !args.expired {
        if matches!(state, ShellState::OtherKeys { .. }) {
            output.note("the keys in this shell are not arl's; they were left alone");
        }
        return output.write_data(shell.clear(state, &leftover_variables()).as_bytes());
    }
    match (&state, expired_since()) {
        (ShellState::Role { .. }, Some(since)) => {
            output.write_data(expire_role(shell, state, since, output).as_bytes())
        }
        // The role's keys may come back before they expire, for instance when direnv restores them.
        (_, Some(_)) if vars::get(vars::ARL_KEY_ID).is_some() => {
            output.write_data(shell.remove_leftovers(state, &leftover_variables()).as_bytes())
        }
        _ => Ok(()),
    }
}

fn expire_role(shell: Shell, state: ShellState, since: Duration, output: &Output) -> String {
    let restores = vars::get(vars::ARL_ON_EXPIRY).as_deref() == Some("restore");
    let done = if restores { "what was there before is back" } else { "its credentials were cleared" };
    output.note(&format!("{} expired {} ago; {done}", session_label(), human_duration(since)));
    let leftovers = leftover_variables();
    if restores { shell.clear(state, &leftovers) } else { shell.unset(state, &leftovers) }
}
