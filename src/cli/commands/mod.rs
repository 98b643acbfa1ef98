//! The subcommands, each in its own file or folder, and the parser that combines them.

pub(crate) mod arn;
pub(crate) mod assume;
pub(crate) mod cache;
pub(crate) mod clear;
pub(crate) mod completions;
pub(crate) mod configure;
pub(crate) mod console;
pub(crate) mod each;
pub(crate) mod exec;
pub(crate) mod explain;
pub(crate) mod fast_path;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod logout;
#[cfg(test)]
mod man;
pub(crate) mod mistakes;
#[cfg(test)]
mod script_check;
pub(crate) mod status;
pub(crate) mod write;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::cli::args::global::GlobalArgs;
use crate::cli::args::help::{
    ENVIRONMENT_HELP, EXAMPLES, HelpLength, MAX_HELP_COLUMNS, SHORT_EXAMPLES, STYLES, with_groups,
    with_hanging_lines,
};
use crate::cli::process::core_limit::SavedCoreLimit;
use crate::cli::process::signals;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::{Output, stdout_columns};

/// Switch AWS roles in your shell, or run one command as a role
#[derive(Debug, Parser)]
#[command(name = "arl", version, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(after_long_help = ENVIRONMENT_HELP, styles = STYLES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Parses a command line.
    ///
    /// # Errors
    /// The command line is invalid, or asks for help or the version.
    pub(crate) fn parse_from_args(args: &[OsString]) -> Result<Self, clap::Error> {
        // Without a terminal the help is as wide as clap makes it.
        let columns = stdout_columns().map_or(MAX_HELP_COLUMNS, |columns| columns.min(MAX_HELP_COLUMNS));
        let help = HelpLength::asked_for(args);
        let mut command = Self::described(help, columns, args);
        let mut matches = match command.try_get_matches_from_mut(args) {
            // `arl keys` alone shows its help.
            Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                let command = Self::described(Some(HelpLength::Short), columns, args);
                return Err(command.try_get_matches_from(args).err().unwrap_or(error));
            }
            result => result?,
        };
        Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    }

    /// Returns clap's description of the command line. The help is laid out for `columns` if it is shown.
    fn described(help: Option<HelpLength>, columns: usize, args: &[OsString]) -> clap::Command {
        let mut command = with_groups(Self::command(), help.unwrap_or(HelpLength::Short), columns);
        if let Some(choice) = color_choice(args) {
            command = command.color(choice);
        }
        if help.is_some() {
            // clap sets the texts and the color of a subcommand only when it builds that subcommand.
            command.build();
            command = with_hanging_lines(command, columns);
        }
        command
    }
}

/// Returns the value of `--color`, for the help, before the command line is parsed.
fn color_choice(args: &[OsString]) -> Option<clap::ColorChoice> {
    let words: Vec<&str> =
        args.iter().take_while(|word| *word != "--").filter_map(|word| word.to_str()).collect();
    let joined = words.iter().find_map(|word| word.strip_prefix("--color="));
    let value = joined.or_else(|| {
        let at = words.iter().position(|word| *word == "--color")?;
        words.get(at + 1).copied()
    });
    match value? {
        "always" => Some(clap::ColorChoice::Always),
        "never" => Some(clap::ColorChoice::Never),
        _ => None,
    }
}

// With `defer`, clap builds the flags of a subcommand only when it is used. Building all of them takes longer
// than a cached call.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Switch this shell to a role, or print its credentials
    Assume(assume::AssumeArgs),
    /// Run a command as a role
    Exec(exec::ExecArgs),
    /// Run a command as each of several roles
    Each(each::EachArgs),
    /// Write a role's credentials to a profile in ~/.aws/credentials
    Write(write::WriteArgs),
    /// Add a role profile to ~/.aws/config
    Configure(configure::ConfigureArgs),
    /// Open the AWS console as a role, or print its sign-in URL
    Console(console::ConsoleArgs),
    /// Sign in to IAM Identity Center
    Login(login::LoginArgs),
    /// Sign out of IAM Identity Center
    Logout(logout::LogoutArgs),
    /// Show what assuming a role would do, and why
    Explain(explain::ExplainArgs),
    /// Drop the role and restore your previous credentials
    Clear(clear::ClearArgs),
    /// Show this shell's role and how long it lasts
    ///
    /// arl reads the environment and the token files of sign-ins, and makes no network call without --verify.
    /// The exit status is 0 if this shell has a role that has not expired, else 1.
    Status(status::StatusArgs),
    /// List your roles, cached sessions and sign-ins
    List(list::ListArgs),
    /// Keep long-term access keys in the system's keychain
    Keys(keys::KeysArgs),
    /// List or delete cached sessions
    Cache(cache::CacheArgs),
    /// Format a role ARN or a role session ARN
    Arn(arn::ArnArgs),
    /// Print the shell integration for your startup file
    Init(init::InitArgs),
    /// Print a completion script
    Completions(completions::CompletionsArgs),
}

impl Command {
    /// Runs the command. `args` are its arguments as typed, the program's name first.
    pub(crate) fn run(
        self,
        args: &[OsString],
        core_limit: SavedCoreLimit,
        output: &Output,
    ) -> Result<ExitStatus, CliError> {
        if !matches!(self, Self::Assume(_) | Self::Exec(_)) {
            // `assume` and `exec` do this themselves, and only if there is no cached session.
            signals::install_signal_policy();
        }
        let done = |()| ExitStatus::Success;
        match self {
            Self::Assume(command) => assume::run(command, args, output).map(done),
            Self::Exec(command) => exec::run(command, args, core_limit, output),
            Self::Each(command) => each::run(&command, core_limit, output),
            Self::Write(command) => write::run(&command, output).map(done),
            Self::Configure(command) => configure::run(&command, output),
            Self::Console(command) => console::run(command, output),
            Self::Login(command) => login::run(&command, output),
            Self::Logout(command) => logout::run(&command, output).map(done),
            Self::Explain(command) => explain::run(&command, output).map(done),
            Self::Clear(command) => clear::run(command, output).map(done),
            Self::Status(command) => status::run(&command, output),
            Self::List(command) => list::run(&command, output),
            Self::Keys(command) => keys::run(command, output).map(done),
            Self::Cache(command) => cache::run(&command, output).map(done),
            Self::Arn(command) => arn::run(command, output).map(done),
            Self::Init(command) => init::run(&command, output).map(done),
            Self::Completions(command) => completions::run(command, Cli::command(), output).map(done),
        }
    }
}
