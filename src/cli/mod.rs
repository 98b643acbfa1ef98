//! The command line. Only these modules read the environment, the home directory, the clock and the terminal.

mod arguments;
mod arn;
mod assume;
mod browser;
mod cache;
mod caches;
mod child;
mod clear;
mod complete;
mod completions;
mod configure;
mod console;
mod context;
mod core_dump;
mod dialect;
mod each;
mod endpoint;
mod exec;
mod explain;
mod held;
mod hints;
mod hops;
mod hot;
mod init;
mod isolation;
mod keeper;
mod lines;
mod list;
#[cfg(test)]
mod man;
mod mfa;
mod obtain;
mod os_user;
mod output;
mod plan;
mod prompt;
mod report;
mod server;
mod status;
mod sts_settings;
mod sys;
mod why;
mod write;

use std::ffi::OsString;

use clap::{Args, FromArgMatches, Parser, Subcommand};

use core_dump::CallersLimit;
use output::{ColorChoice, Output};
use report::{Report, Status};

// Somebody may evaluate these texts by mistake: ROLE is nobody's role, and nothing is redirected.
const EXAMPLES: &str = "Examples:
  arl exec ROLE -- terraform plan                   one command runs as the role
  eval \"$(arl assume ROLE)\"                         this shell becomes the role
  arl assume ROLE                                   the same, with the hook (arl init)
  arl assume ROLE --profile dev --json              for credential_process

ROLE is a role ARN, ACCOUNT/NAME (123456789012/Deploy), or a profile of ~/.aws/config.";

const ENVIRONMENT: &str = "Environment:
  ARL_DURATION, ARL_ROLE_SESSION_NAME   defaults of the flags of that name
  ARL_MIN_TTL, ARL_MFA_PROCESS          the same
  ARL_MFA_SESSION                       1: as --mfa-session, wherever keys and a device are there
  ARL_ON_EXPIRY                         what the hook does: clear (the default), restore or refresh
  ARL_SHELL                             default of `assume --shell`
  ARL_CACHE                             where sessions are kept: file (the default), keyring or none
  ARL_CACHE_DIR                         the directory of their files
  NO_COLOR                              no colours
  AWS_PROFILE, AWS_REGION, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, AWS_ENDPOINT_URL[_STS],
  AWS_CA_BUNDLE, HTTPS_PROXY, NO_PROXY, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT,
  AWS_MAX_ATTEMPTS, AWS_RETRY_MODE, AWS_EC2_METADATA_DISABLED   as in the AWS CLI

Exit status:
  0  done
  1  could not
  2  usage, a bad parameter included
  3  an MFA code is needed and nobody can be asked
  exec: the command's own; 2 and 3 as above, 125 arl failed otherwise, 126 the command cannot be run, 127 it was not
  found; each: the highest of its commands'";

/// Assume AWS IAM roles and hand the credentials to your shell or command
#[derive(Debug, Parser)]
#[command(name = "arl", version, before_long_help = EXAMPLES, after_long_help = ENVIRONMENT)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
struct Global {
    /// Say on stderr what arl does; never a secret
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Colour messages
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    #[arg(help = "Colour messages: auto, always or never")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    Assume(assume::AssumeArgs),
    Exec(exec::ExecArgs),
    Each(each::EachArgs),
    Write(write::WriteArgs),
    Configure(configure::ConfigureArgs),
    Console(console::ConsoleArgs),
    Explain(explain::ExplainArgs),
    Clear(clear::ClearArgs),
    Status(status::StatusArgs),
    List(list::ListArgs),
    Cache(cache::CacheArgs),
    Arn(arn::ArnArgs),
    Init(init::InitArgs),
    Completions(completions::CompletionsArgs),
}

/// Parses, runs, reports.
pub(crate) fn run(args: Vec<OsString>) -> u8 {
    sys::ignore_sigpipe();
    let core_limit = core_dump::forbid();
    // Without this a panic would leave `eval` with an empty text, which succeeds.
    let has_command = assume::verb(&args).is_some_and(|verb| verb == "exec" || verb == "each");
    let status = if has_command { Status::ExecFailed } else { Status::Failed };
    report::on_panic(args.clone(), status);
    let known = hot::parse(&args).or_else(|| parse_one_verb(&args));
    let cli = match known.map_or_else(|| parse(&args), Ok) {
        Ok(cli) => cli,
        Err(error) => return report::usage(&error, &args),
    };
    let Cli { global, command } = cli;
    let output = Output::new(global.verbose, global.quiet, global.color);
    let result = match command {
        Command::Assume(command) => assume::run(command, &args, &output).map(|()| Status::Done),
        Command::Exec(command) => exec::run(command, &args, core_limit, &output),
        command => run_other(command, core_limit, &output),
    };
    match result {
        Ok(status) => {
            if let Status::Killed(signal) = status {
                sys::die_by(signal);
            }
            status.code()
        }
        Err(report) => {
            if let Some(dialect) = assume::failing_statement(&args) {
                // The report that follows matters more than a pipe that nobody reads any more.
                let _ = output.data(dialect.failure(report.status.code()).as_bytes());
            }
            if let Some(signal) = report.signal {
                sys::die_by(signal);
            }
            output.report(&report);
            report.status.code()
        }
    }
}

fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let Some(start) = each::EachArgs::command_of(args) else { return Cli::try_parse_from(args) };
    let (own, command) = args.split_at(start);
    let cli = Cli::try_parse_from(&own[..start - 1])?;
    let command = match cli.command {
        Command::Each(each) => Command::Each(each.with_command(command)),
        other => other,
    };
    Ok(Cli { command, ..cli })
}

/// The verbs that need not be fast, apart from [`run`], which would be as large as all of them.
#[cold]
#[inline(never)]
fn run_other(command: Command, core_limit: CallersLimit, output: &Output) -> Result<Status, Report> {
    sys::prepare_for_work();
    let done = |()| Status::Done;
    match command {
        Command::Assume(_) | Command::Exec(_) => unreachable!("run by `run`"),
        Command::Each(command) => each::run(&command, core_limit, output),
        Command::Write(command) => write::run(&command, output).map(done),
        Command::Configure(command) => configure::run(&command, output).map(done),
        Command::Console(command) => console::run(command, output).map(done),
        Command::Explain(command) => explain::run(&command, output).map(done),
        Command::Clear(command) => clear::run(command, output).map(done),
        Command::Status(command) => status::run(&command, output),
        Command::List(command) => list::run(&command, output).map(done),
        Command::Cache(command) => cache::run(&command, output).map(done),
        Command::Arn(command) => arn::run(command, output).map(done),
        Command::Init(command) => init::run(&command, output).map(done),
        Command::Completions(command) => completions::run(command, output).map(done),
    }
}

/// Parses the verbs that have to be fast, knowing no other: to build the flags of all verbs takes longer than all
/// the rest of a warm call. Whatever is not understood here is left to the whole parser, and to its messages.
fn parse_one_verb(args: &[OsString]) -> Option<Cli> {
    let verb = assume::verb(args)?;
    let flags = match verb.as_str() {
        "assume" => assume::AssumeArgs::augment_args,
        "exec" => exec::ExecArgs::augment_args,
        _ => return None,
    };
    let command = Global::augment_args(clap::Command::new("arl").subcommand_required(true));
    // Left to the end of the process: taking the flags apart again would be a tenth of the call.
    let command = Box::leak(Box::new(command.subcommand(flags(clap::Command::new(verb)))));
    Cli::from_arg_matches_mut(&mut command.try_get_matches_from_mut(args).ok()?).ok()
}

/// What every verb gives back.
type Outcome = Result<(), Report>;
