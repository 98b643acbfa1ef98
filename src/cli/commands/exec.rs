//! `arl exec`: replaces arl with a command that runs as the role.

use std::ffi::OsString;

use arl::internal::Consumer;
use arl::internal::shell::Shell;

use crate::cli::args::help::TEMPLATE;
use crate::cli::args::role::RoleArgs;
use crate::cli::commands::mistakes;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::process::core_limit::SavedCoreLimit;
use crate::cli::process::lookup::candidate_paths;
use crate::cli::process::replace::replace_with_command;
use crate::cli::process::signals;
use crate::cli::serve;
use crate::cli::serve::ServeOptions;
use crate::cli::session;
use crate::cli::session::SignalPolicy;
use crate::cli::session::choose::{Asking, Unattended, choose_role};
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;
use crate::cli::ui::role_label::session_summary;
use crate::cli::ui::text::quote_words;

const SHORT_EXAMPLES: &str = "  \
  arl exec ROLE -- terraform plan           run one command as the role
  arl exec ROLE --server -- ./all-day.sh    run a command with credentials that arl renews";

const EXAMPLES: &str = "Examples:
  arl exec ROLE -- terraform plan
  arl exec ROLE --duration 2h -- ./release.sh
  arl exec ROLE                             start your shell as the role
  arl exec -- terraform plan                choose the role from a list; without a terminal, use the role of AWS_PROFILE
  arl exec ROLE --server -- ./all-day.sh    run a command with credentials that arl renews

arl replaces itself with the command, so signals, the terminal and the exit status work as if arl were not there.

With --server, arl keeps running beside the command and serves credentials on 127.0.0.1. It renews them \
before they expire, so the command can outlive a session. The command's environment contains no key.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(help_template = TEMPLATE, mut_arg("role", RoleArgs::optional))]
// clap needs this for the same reason as in `each`.
#[command(mut_arg("command", |command| command.last(true)))]
pub(crate) struct ExecArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// Keep running, and serve credentials that arl renews
    #[arg(long, help_heading = "Server")]
    server: bool,
    /// Hide your AWS files from the command; needs --server
    #[arg(long, requires = "server", help_heading = "Server")]
    isolate: bool,
    /// The command and its arguments [default: your shell]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl ExecArgs {
    /// Creates arguments without flags of `exec` itself.
    pub(crate) fn plain(role: RoleArgs, command: Vec<OsString>) -> Self {
        Self { role, server: false, isolate: false, command }
    }
}

pub(crate) fn run(
    args: ExecArgs,
    command_line: &[OsString],
    core_limit: SavedCoreLimit,
    output: &Output,
) -> Result<ExitStatus, CliError> {
    let ExecArgs { mut role, server, isolate, command } = args;
    // If `arl exec ROLE -- $COMMAND` started a shell for an empty variable, that shell would run its standard
    // input as the role.
    if command.is_empty() && command_line.iter().any(|word| word == "--") {
        return Err(CliError::usage("there is no command after --").hint(format!(
            "to start your shell, leave out --: arl exec {}",
            role.role.as_deref().unwrap_or("ROLE")
        )));
    }
    if let Some(line) = role_behind_separator(&role, &command) {
        return Err(CliError::usage("the role must come before --").hint(line));
    }
    signals::end_with_subshell();
    let unattended = if command.is_empty() { Unattended::Refused } else { Unattended::AwsProfile };
    let asking = Asking { command: "arl exec", behind: " -- COMMAND", unattended };
    choose_role(&mut role, asking, output)?;
    let starts_shell = command.is_empty();
    let mut argv = command.into_iter();
    let program = argv.next().unwrap_or_else(default_shell);
    let arguments: Vec<OsString> = argv.collect();
    if server {
        if starts_shell {
            output.note(&format!("starting {}, which gets credentials from arl", program.to_string_lossy()));
        }
        let options = ServeOptions { role: &role, program: &program, arguments: &arguments, isolate };
        return serve::run(&options, core_limit, output);
    }
    let identity = session::obtain(&role, Consumer::OneShot, SignalPolicy::Default, output)
        .map_err(CliError::into_exec_failure)?;
    if starts_shell {
        let (shell, summary) = (program.to_string_lossy(), session_summary(&identity, Context::now()));
        output.note(&format!("starting {shell} as {summary}"));
    }
    output.trace(|| format!("becoming {}", program.to_string_lossy()));
    core_limit.restore();
    Err(replace_with_command(&program, &arguments, &identity))
}

/// Returns the corrected command line, with the role before `--`, if no role is named there and the first
/// word after `--` is a role and not a program.
fn role_behind_separator(role: &RoleArgs, command: &[OsString]) -> Option<String> {
    let (first, rest) = command.split_first()?;
    let name = first.to_str()?;
    let is_named = role.role.is_some() || role.account_id.is_some();
    if is_named || candidate_paths(first).iter().any(|path| path.exists()) || !mistakes::is_role(name) {
        return None;
    }
    let words = |words: &[OsString]| {
        let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        quote_words(Shell::Posix, &words)
    };
    let rest = if rest.is_empty() { "COMMAND".to_owned() } else { words(rest) };
    Some(format!("arl exec {} -- {rest}", words(std::slice::from_ref(first))))
}

fn default_shell() -> OsString {
    vars::raw(vars::SHELL).filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into())
}
