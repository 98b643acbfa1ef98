//! `arl each`: runs one command as each of several roles, some at a time, each with its own `arl exec`.

pub(crate) mod jobs;
pub(crate) mod outcome;
pub(crate) mod output;
pub(crate) mod prefix;
pub(crate) mod progress;
pub(crate) mod runner;

use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::complete;
use crate::cli::args::help::TEMPLATE;
use crate::cli::args::role::RoleArgs;
use crate::cli::commands::each::jobs::{Job, Selection};
use crate::cli::commands::each::outcome::Report;
use crate::cli::commands::each::output::{Destination, PrefixedOutput, Stream, Streams};
use crate::cli::commands::each::prefix::{PrefixStyle, column_width};
use crate::cli::commands::each::progress::Progress;
use crate::cli::commands::each::runner::{JobRunner, OnFailure};
use crate::cli::commands::mistakes::with_separator;
use crate::cli::env::program;
use crate::cli::process::core_limit::SavedCoreLimit;
use crate::cli::process::signals;
use crate::cli::process::signals::StopSignal;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::{Output, stderr_is_terminal, stdout_is_terminal};

const SHORT_EXAMPLES: &str = "  \
  arl each dev staging prod -- aws s3 ls
  arl each --roles-from roles.txt --jobs 8 -- ./inventory.sh";

const EXAMPLES: &str = "Examples:
  arl each dev staging prod -- aws s3 ls
  arl each --roles-from roles.txt --jobs 8 -- ./inventory.sh
  arl each 'payments-*' -- aws s3 ls        every role profile whose name matches
  arl each 'payments-*' --json -- ./check.sh | jq -r 'select(.outcome != \"succeeded\").name'

arl writes the role before each line of output: aligned and colored on a terminal, and as `ROLE: ` in a pipe \
or a file. The commands get an empty standard input.

arl looks up all roles before it starts the first command. If a command fails, the others still run, unless \
you pass --fail-fast. arl exits with the highest status of the commands.";

const ROLE_HELP: &str =
    "A role ARN, ACCOUNT/NAME, SESSION:ACCOUNT/NAME, a profile, or a pattern such as 'payments-*'";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(help_template = TEMPLATE)]
#[command(override_usage = "arl each [OPTIONS] <ROLE>... -- <COMMAND>...")]
#[command(mut_arg("role", |role| role.index(1).required_unless_present("roles_from").help(ROLE_HELP)))]
// clap 4.6.7 knows that the command follows `--` only if it was the last argument to be defined, and
// `mut_arg` moves `role` after it. Without this line `arl each dev staging --jobs 2 -- aws s3 ls` is
// "unexpected argument 'staging'".
#[command(mut_arg("command", |command| command.last(true)))]
#[command(mut_arg("region", |region| region.help("The region to call STS in, and to set for the commands")))]
pub(crate) struct EachArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// More roles
    // clap puts arguments of one order in the order of their names: `role`, then `role_more`.
    #[arg(id = "role_more", display_order = 0)]
    #[arg(index = 2, num_args = 1.., value_name = "ROLE", help_heading = "Role", conflicts_with = "account_id")]
    #[arg(add = ArgValueCompleter::new(complete::roles))]
    more: Vec<String>,
    /// Read more roles from a file, one per line (- is standard input)
    #[arg(long, value_name = "FILE", help_heading = "Role", conflicts_with = "account_id")]
    #[arg(add = ArgValueCompleter::new(complete::files))]
    roles_from: Option<PathBuf>,
    /// How many commands run at the same time
    #[arg(short, long, value_name = "N", default_value = "1", help_heading = "Jobs")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Start no more commands after one has failed; running ones finish
    #[arg(long, help_heading = "Jobs")]
    fail_fast: bool,
    /// Print JSON, one object per role, and the commands' output on stderr
    ///
    /// Each line has `name` (as you typed it), `role_arn`, `account_id`, `role_name`, `outcome` (`succeeded`,
    /// `failed` or `not_started`), `exit_status`, `signal` (of a command that was killed), `error` (if
    /// `arl exec` could not be started) and `seconds`, in the order in which you named the roles. A field
    /// that does not apply is null. New versions of arl add fields and remove none.
    #[arg(long, help_heading = "Jobs")]
    json: bool,
    // The usage line shows it. Not required for clap, so that the error can say what to do.
    #[arg(index = 3, value_name = "COMMAND", hide = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(
    args: &EachArgs,
    core_limit: SavedCoreLimit,
    output: &Output,
) -> Result<ExitStatus, CliError> {
    if args.command.is_empty() {
        return Err(CliError::usage("there is no command to run")
            .hint(format!("put -- before the command: {}", with_separator(program::arguments()))));
    }
    let selection = Selection { role: &args.role, more: &args.more, roles_from: args.roles_from.as_deref() };
    let jobs = selection.jobs(output).map_err(CliError::into_exec_failure)?;
    signals::end_with_subshell();
    // Restores the core limit for the commands. This process never holds a secret.
    core_limit.restore();
    let on_failure = if args.fail_fast { OnFailure::StartNoMore } else { OnFailure::GoOn };
    let report = run_jobs(jobs, args, on_failure, output)?;
    if args.json {
        output.write_data(report.json_lines().as_bytes()).map_err(CliError::into_exec_failure)?;
    }
    report.print(output);
    let status = report.exit_status();
    match report.write_error {
        Some(error) => Err(CliError::new("could not write the output").caused_by(error).into_exec_failure()),
        None => Ok(status),
    }
}

/// Runs the command as each role, and waits for all of them.
fn run_jobs(
    jobs: Vec<Job>,
    args: &EachArgs,
    on_failure: OnFailure,
    output: &Output,
) -> Result<Report, CliError> {
    let (signal_rx, signal_tx) = UnixStream::pair().map_err(|error| {
        CliError::new("could not install signal handlers").caused_by(error).into_exec_failure()
    })?;
    signals::forward_signals_to(signal_tx, StopSignal::Default);
    let printer = PrefixedOutput::new(prefix_styles(&jobs, args, output), progress(&jobs, output));
    let runner = JobRunner::new(jobs, &args.command, on_failure, output.as_flags(), printer);
    std::thread::scope(|scope| {
        // The thread ends when the socket is shut down below.
        let forwarder = scope.spawn(|| runner.forward_signals(&signal_rx));
        let workers: Vec<_> =
            (0..args.jobs.into()).map(|_| scope.spawn(|| while runner.run_next() {})).collect();
        for worker in workers {
            let _ = worker.join();
        }
        let _ = signal_rx.shutdown(std::net::Shutdown::Both);
        let _ = forwarder.join();
    });
    Ok(runner.finish())
}

fn progress(jobs: &[Job], output: &Output) -> Progress {
    if jobs.len() > 1 && output.has_progress() { Progress::shown(jobs.len()) } else { Progress::hidden() }
}

/// Returns the destination and the prefix style of each of the commands' two streams.
fn prefix_styles(jobs: &[Job], args: &EachArgs, output: &Output) -> Streams {
    let column = column_width(jobs.iter().map(|job| job.prefix.as_str()));
    let to_stderr = Destination {
        stream: Stream::Stderr,
        style: PrefixStyle {
            column: stderr_is_terminal().then_some(column),
            is_colored: output.colors_messages(),
        },
    };
    let to_stdout = Destination {
        stream: Stream::Stdout,
        style: PrefixStyle {
            column: stdout_is_terminal().then_some(column),
            is_colored: output.colors_data(),
        },
    };
    // With --json, standard output has only the summary.
    Streams { stdout: if args.json { to_stderr } else { to_stdout }, stderr: to_stderr }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::commands::{Cli, Command};

    fn parse(line: &str) -> Result<(Vec<String>, u16, Vec<String>), clap::Error> {
        let Command::Each(args) = Cli::try_parse_from(line.split(' '))?.command else { panic!("{line}") };
        let roles = args.role.role.into_iter().chain(args.more).collect();
        let command = args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Ok((roles, args.jobs, command))
    }

    #[test]
    fn flags_may_stand_between_the_roles_and_before_the_command() {
        for (line, roles, jobs, command) in [
            ("arl each dev staging --jobs 2 -- aws s3 ls", "dev staging", 2, "aws s3 ls"),
            ("arl each --jobs 2 dev -- x", "dev", 2, "x"),
            ("arl each dev --jobs 2 a b --region r c -- x", "dev a b c", 2, "x"),
            ("arl each dev -- sh -c x -- --jobs", "dev", 1, "sh -c x -- --jobs"),
            ("arl each --roles-from f -- x", "", 1, "x"),
            ("arl each dev staging", "dev staging", 1, ""),
            ("arl each dev --", "dev", 1, ""),
        ] {
            let (parsed_roles, parsed_jobs, parsed_command) = parse(line).expect(line);
            assert_eq!(
                (parsed_roles.join(" ").as_str(), parsed_jobs, parsed_command.join(" ").as_str()),
                (roles, jobs, command),
                "{line}"
            );
        }
        let error = parse("arl each -- x").expect_err("no ROLE");
        assert_eq!(error.kind(), clap::error::ErrorKind::MissingRequiredArgument);
        assert!(error.to_string().contains("<ROLE>"), "{error}");
    }
}
