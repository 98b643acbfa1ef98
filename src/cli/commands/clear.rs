//! `arl clear`: prints the statements that restore the shell's previous variables.

use std::time::Duration;

use arl::internal::shell::{Shell, ShellState};
use clap_complete::engine::ArgValueCandidates;

use crate::cli::args::complete;
use crate::cli::args::help::TEMPLATE;
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
  eval \"$(arl clear)\"            bash, zsh, ksh, dash
  arl clear | source             fish
  arl clear                      any shell with the shell integration (arl init)

Only the shell that assumed the role has your previous credentials. In a child of that shell, arl unsets the \
role and restores nothing. arl does not touch keys that it did not set.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_long_help = EXAMPLES, help_template = TEMPLATE)]
pub(crate) struct ClearArgs {
    /// Clear only a session that has expired, or the variables that it left
    #[arg(long)]
    expired: bool,
    /// The shell whose syntax to print [default: ARL_SHELL, else the shell that runs arl]
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
        return Err(CliError::new("`arl clear` cannot change this shell by itself")
            .hint(format!("this time: {command}"))
            .hint(shell::integration_hint(shell)));
    }
    if matches!(state, ShellState::NoKeys { .. }) && uses_arl_endpoint() {
        output.note("this shell has its role from `arl exec --server`, and keeps it until that command ends");
        return Ok(());
    }
    if !args.expired {
        if matches!(state, ShellState::OtherKeys { .. }) {
            output.note("the keys in this shell did not come from arl, so they were left alone");
        }
        return output.write_data(shell.clear(state, &leftover_variables()).as_bytes());
    }
    match (&state, expired_since()) {
        (ShellState::Role { .. }, Some(since)) => {
            output.write_data(expire_role(shell, state, since, output).as_bytes())
        }
        // The role's keys are gone and it has expired. Before, they might have come back, for instance by
        // direnv.
        (_, Some(_)) if vars::get(vars::ARL_KEY_ID).is_some() => {
            output.write_data(shell.remove_leftovers(state, &leftover_variables()).as_bytes())
        }
        _ => Ok(()),
    }
}

fn expire_role(shell: Shell, state: ShellState, since: Duration, output: &Output) -> String {
    let restores = vars::get(vars::ARL_ON_EXPIRY).as_deref() == Some("restore");
    let done = if restores { "your previous credentials are back" } else { "its credentials were cleared" };
    let ago = match since.as_secs() {
        0..60 => "just expired".to_owned(),
        _ => format!("expired {} ago", human_duration(since)),
    };
    output.note(&format!("{} {ago}; {done}", session_label()));
    let leftovers = leftover_variables();
    if restores { shell.clear(state, &leftovers) } else { shell.unset(state, &leftovers) }
}
