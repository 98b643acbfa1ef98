//! The commands, one file or folder each, and the command line that they form.

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

use clap::{CommandFactory, Parser, Subcommand};

use crate::cli::args::global::GlobalArgs;
use crate::cli::args::help::{ENVIRONMENT_HELP, EXAMPLES};
use crate::cli::process::core_limit::SavedCoreLimit;
use crate::cli::process::signals;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;

/// Assume AWS IAM roles and hand the credentials to your shell or command
#[derive(Debug, Parser)]
#[command(name = "arl", version, before_long_help = EXAMPLES, after_long_help = ENVIRONMENT_HELP)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

// clap builds the flags of a command only when it is used. Building all takes longer than a cached call.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Print a role's credentials for a shell or a program
    Assume(assume::AssumeArgs),
    /// Run a command with a role's credentials
    Exec(exec::ExecArgs),
    /// Run a command once in each of several roles
    Each(each::EachArgs),
    /// Write a role's credentials into a profile of ~/.aws/credentials
    Write(write::WriteArgs),
    /// Write a profile that becomes a role, into ~/.aws/config
    Configure(configure::ConfigureArgs),
    /// Print an address that is signed in to the AWS console as a role
    Console(console::ConsoleArgs),
    /// Sign in to IAM Identity Center
    Login(login::LoginArgs),
    /// Sign out of IAM Identity Center
    Logout(logout::LogoutArgs),
    /// Tell what assuming a role would do, and why, without doing it
    Explain(explain::ExplainArgs),
    /// Print the statements that restore what this shell had before
    Clear(clear::ClearArgs),
    /// Show which role this shell has, and for how long
    ///
    /// Reads the environment, and the token file of a sign-in. The exit status is 0 if there is a live role, else 1.
    Status(status::StatusArgs),
    /// List the role profiles of ~/.aws/config, the sessions that are kept, and the sign-ins
    List(list::ListArgs),
    /// List the sessions that are kept, or forget them
    Cache(cache::CacheArgs),
    /// Format a role's ARN, or a role session's
    Arn(arn::ArnArgs),
    /// Print the function and the hook for a shell
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
            // These two do so only if there is no cached session.
            signals::install_signal_policy();
        }
        let done = |()| ExitStatus::Success;
        match self {
            Self::Assume(command) => assume::run(command, args, output).map(done),
            Self::Exec(command) => exec::run(command, args, core_limit, output),
            Self::Each(command) => each::run(&command, core_limit, output),
            Self::Write(command) => write::run(&command, output).map(done),
            Self::Configure(command) => configure::run(&command, output).map(done),
            Self::Console(command) => console::run(command, output).map(done),
            Self::Login(command) => login::run(&command, output),
            Self::Logout(command) => logout::run(&command, output).map(done),
            Self::Explain(command) => explain::run(&command, output).map(done),
            Self::Clear(command) => clear::run(command, output).map(done),
            Self::Status(command) => status::run(&command, output),
            Self::List(command) => list::run(&command, output).map(done),
            Self::Cache(command) => cache::run(&command, output).map(done),
            Self::Arn(command) => arn::run(command, output).map(done),
            Self::Init(command) => init::run(&command, output).map(done),
            Self::Completions(command) => completions::run(command, Cli::command(), output).map(done),
        }
    }
}
