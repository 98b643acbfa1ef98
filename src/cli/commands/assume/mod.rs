//! `arl assume`: prints the credentials.

pub(crate) mod refresh;

use std::ffi::OsString;

use arl::internal::shell::{RoleMemory, Shell, ShellUpdate};
use arl::internal::{Consumer, dotenv, process_json};
use clap_complete::engine::ArgValueCandidates;

use crate::cli::args::complete;
use crate::cli::args::help::TEMPLATE;
use crate::cli::args::role::RoleArgs;
use crate::cli::commands::assume::refresh::{recall_args, refresh_args, repeatable_args};
use crate::cli::env::context::Context;
use crate::cli::env::shell;
use crate::cli::env::shell_state::{restore_point, role_memory_is_untrusted};
use crate::cli::env::vars;
use crate::cli::plan::Plan;
use crate::cli::session;
use crate::cli::session::SignalPolicy;
use crate::cli::session::choose::{Asking, Unattended, choose_role, with_choice};
use crate::cli::ui::error::CliError;
use crate::cli::ui::output;
use crate::cli::ui::output::Exposure;
use crate::cli::ui::output::Output;
use crate::cli::ui::role_label::session_summary;
use crate::cli::ui::text::quote_words;

const SHORT_EXAMPLES: &str = "  \
  arl assume ROLE --duration 2h      switch this shell; without ROLE, choose from a list
  arl assume -                       go back to the previous role
  arl assume ROLE --json             print JSON for credential_process";

const EXAMPLES: &str = "Examples:
  eval \"$(arl assume ROLE)\"                 bash, zsh, ksh, dash
  arl assume ROLE | source                  fish
  arl assume ROLE                           any shell with the shell integration (arl init)
  arl assume                                choose the role from a list
  arl assume -                              go back to the previous role, with the shell integration
  arl assume ROLE --profile dev --json      print JSON for credential_process
  arl assume ROLE --format dotenv           print an env file

If arl fails, it prints a statement that makes `eval` fail, and your shell does not change.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(help_template = TEMPLATE, mut_arg("role", RoleArgs::optional))]
pub(crate) struct AssumeArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// Print shell statements for `eval` (the default)
    #[arg(long, help_heading = "Output", conflicts_with_all = ["json", "format"])]
    #[arg(hide_short_help = true)]
    env: bool,
    /// Print JSON for `credential_process`
    #[arg(long, help_heading = "Output", conflicts_with = "format")]
    json: bool,
    /// Print env (the default), json or dotenv
    #[arg(long, help_heading = "Output", value_name = "FORMAT", hide_possible_values = true)]
    #[arg(hide_short_help = true)]
    format: Option<Format>,
    /// The shell whose syntax to print [default: ARL_SHELL, else the shell that runs arl]
    #[arg(long, help_heading = "Output", value_name = "SHELL")]
    #[arg(add = ArgValueCandidates::new(complete::output_shells))]
    #[arg(hide_short_help = true)]
    shell: Option<String>,
    /// Print the arguments of the role too; the shell function keeps them for `arl assume -`
    #[arg(long, hide = true, conflicts_with_all = ["json", "format"])]
    recall: bool,
    /// Print secrets even to a terminal, or to a file that others can read
    #[arg(long, help_heading = "Output")]
    show: bool,
}

impl AssumeArgs {
    /// Creates arguments in which the only flag of `assume` itself is `--json`.
    pub(crate) fn plain(role: RoleArgs, json: bool) -> Self {
        Self { role, env: false, json, format: None, shell: None, recall: false, show: false }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Env,
    Json,
    Dotenv,
}

/// The reader of the output.
enum Receiver {
    CredentialProcess,
    EnvFile,
    Shell(Shell),
}

const ASKING: Asking = Asking { command: "arl assume", behind: "", unattended: Unattended::Refused };

pub(crate) fn run(args: AssumeArgs, command_line: &[OsString], output: &Output) -> Result<(), CliError> {
    let AssumeArgs { mut role, env: _, json, format, shell, recall, show } = args;
    let format = if json { Format::Json } else { format.unwrap_or(Format::Env) };
    if format != Format::Env && shell.is_some() {
        return Err(CliError::usage(
            "--shell sets the syntax of shell statements, so it cannot be used with JSON or dotenv",
        ));
    }
    let exposure = output::stdout_exposure().filter(|_| !show);
    if exposure.is_some() {
        // What is wrong with the command line itself is reported first, so that the commands in the hints
        // work.
        check_role(&mut role, output)?;
    }
    match exposure {
        Some(Exposure::ReadableFile) => return Err(refuse_readable_file("arl assume")),
        Some(Exposure::Terminal) if format != Format::Env => {
            return Err(CliError::new("the terminal would show the secret key").hint(
                "send the output to a program, or to a file that only you can read; --show prints it here",
            ));
        }
        _ => {}
    }
    let receiver = match format {
        Format::Json => Receiver::CredentialProcess,
        Format::Dotenv => Receiver::EnvFile,
        Format::Env => {
            let shell = shell::detect(shell.as_deref())?;
            if recall && !shell.has_argument_lists() {
                return Err(CliError::usage(format!(
                    "--recall is not for {shell}, which gets the arguments anyway"
                )));
            }
            validate_on_expiry()?;
            if exposure.is_some() {
                return Err(refuse_terminal(shell, &repeatable_args(command_line)));
            }
            Receiver::Shell(shell)
        }
    };
    let choice = choose_role(&mut role, ASKING, output)?;
    let text = match receiver {
        Receiver::CredentialProcess => {
            let identity =
                session::obtain(&role, Consumer::CredentialProcess, SignalPolicy::Default, output)?;
            process_json(&identity.credentials).into_bytes()
        }
        Receiver::EnvFile => {
            let identity = session::obtain(&role, Consumer::OneShot, SignalPolicy::Default, output)?;
            dotenv(&identity).map_err(|error| CliError::new(error.to_string()))?.into_bytes()
        }
        Receiver::Shell(shell) => {
            let identity = session::obtain(&role, Consumer::OneShot, SignalPolicy::Catch, output)?;
            let command_line = with_choice(command_line, choice);
            let update = ShellUpdate {
                identity: &identity,
                restore_point: restore_point(),
                refresh: refresh_args(&command_line),
                memory: RoleMemory {
                    words: recall_args(&command_line),
                    is_untrusted: role_memory_is_untrusted(),
                    is_for_function: recall,
                },
            };
            let text = shell.assume(&update).map_err(|error| CliError::new(error.to_string()))?;
            output.status(&session_summary(&identity, Context::now()));
            text
        }
    };
    output.write_data(&text)
}

/// Returns the error that the role and the flags would lead to before the first call. Without a role there is
/// nothing to check.
fn check_role(role: &mut RoleArgs, output: &Output) -> Result<(), CliError> {
    match role.role.as_deref() {
        Some("-") => choose_role(role, ASKING, output).map(|_| ()),
        None if role.account_id.is_none() => Ok(()),
        _ => Plan::new(role, &Context::read()?, output).map(|_| ()),
    }
}

/// Checks `ARL_ON_EXPIRY` when a role is assumed. The hooks treat an unknown value as `clear`.
fn validate_on_expiry() -> Result<(), CliError> {
    match vars::get(vars::ARL_ON_EXPIRY).as_deref() {
        None | Some("clear" | "restore" | "refresh") => Ok(()),
        Some(other) => {
            Err(CliError::not_one_of(vars::ARL_ON_EXPIRY, &["clear", "restore", "refresh"], other))
        }
    }
}

/// Returns the error for a secret that would be written to a file that other users can read.
pub(crate) fn refuse_readable_file(command: &str) -> CliError {
    let path = std::fs::read_link("/proc/self/fd/1")
        .map_or_else(|_| "FILE".into(), |path| path.display().to_string());
    CliError::new("other users could read the secret key in this file")
        .hint(format!("chmod 600 {}", quote_words(Shell::Posix, &[path])))
        .hint(format!(
            "or create a file that only you can read: (umask 077; {command} … >FILE); --show writes to any file"
        ))
}

fn refuse_terminal(shell: Shell, args: &[String]) -> CliError {
    let typed = quote_words(shell, args);
    let command = match shell {
        Shell::Fish => format!("arl {typed} | source"),
        _ => format!("eval \"$(arl {typed})\""),
    };
    CliError::new("`arl assume` cannot change this shell by itself")
        .hint(format!("this time: {command}"))
        .hint(shell::integration_hint(shell))
        .hint("to print the secrets here: --show")
}
