//! `arl each`: runs one command in several roles, some at a time, each with its own `arl exec`.

pub(crate) mod output;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus as StdExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arl::internal::files;
use clap_complete::engine::ArgValueCompleter;
use rustix::process::{Pid, Signal, kill_process};

use crate::cli::args::complete;
use crate::cli::args::help::TEMPLATE;
use crate::cli::args::role::RoleArgs;
use crate::cli::commands::each::output::{PrefixedOutput, Progress, Stream};
use crate::cli::env::context::Context;
use crate::cli::env::program;
use crate::cli::plan::Plan;
use crate::cli::process::core_limit::SavedCoreLimit;
use crate::cli::process::signals;
use crate::cli::process::signals::StopSignal;
use crate::cli::roles::pattern::Pattern;
use crate::cli::sys;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;
use crate::cli::ui::text::printable;

const SHORT_EXAMPLES: &str = "  \
  arl each dev staging prod -- aws s3 ls
  arl each --roles-from roles.txt --jobs 8 -- ./inventory.sh";

const EXAMPLES: &str = "Examples:
  arl each dev staging prod -- aws s3 ls
  arl each --roles-from roles.txt --jobs 8 -- ./inventory.sh
  arl each 'payments-*' -- aws s3 ls        all profiles with a role that are named so

arl prefixes each line of output with the role. The commands get an empty standard input. arl looks up all roles before
it starts the first command. If a command fails the others still run, and arl exits with the highest status.";

const ROLE_HELP: &str =
    "A role ARN, ACCOUNT/NAME, SESSION:ACCOUNT/NAME, a profile, or a pattern such as 'payments-*'";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(help_template = TEMPLATE)]
#[command(override_usage = "arl each [OPTIONS] <ROLE>... -- <COMMAND>...")]
#[command(mut_arg("role", |role| role.index(1).required_unless_present("roles_from").help(ROLE_HELP)))]
// clap 4.6.7 knows that the command follows `--` only if it was the last argument to be defined, and
// `mut_arg` moves `role` behind it. Without this line `arl each dev staging --jobs 2 -- aws s3 ls` is
// "unexpected argument 'staging'".
#[command(mut_arg("command", |command| command.last(true)))]
pub(crate) struct EachArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// More roles
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
    // The usage line shows it. Not required for clap, so that the error can say what to do.
    #[arg(index = 3, value_name = "COMMAND", hide = true)]
    command: Vec<OsString>,
}

/// One of the roles.
struct Job {
    role: RoleArgs,
    /// The prefix of its lines.
    name: String,
}

pub(crate) fn run(
    args: &EachArgs,
    core_limit: SavedCoreLimit,
    output: &Output,
) -> Result<ExitStatus, CliError> {
    if args.command.is_empty() {
        return Err(CliError::usage("there is no command to run")
            .hint("put -- before the command: arl each ROLE… -- COMMAND"));
    }
    let jobs = resolve_jobs(args, output).map_err(CliError::into_exec_failure)?;
    signals::end_with_subshell();
    // Restores the core limit for the commands. This process never holds a secret.
    core_limit.restore();
    let (signal_rx, signal_tx) = UnixStream::pair()
        .map_err(|error| CliError::new("could not listen to signals").caused_by(error).into_exec_failure())?;
    signals::forward_signals_to(signal_tx, StopSignal::Default);
    let is_watched = jobs.len() > 1 && output.has_progress();
    let progress = if is_watched { Progress::Shown } else { Progress::Hidden };
    let runner = JobRunner {
        total: jobs.len(),
        command_line: &args.command,
        flags: output.as_flags(),
        output: PrefixedOutput::new(progress),
        state: Mutex::new(JobState { pending: jobs.into(), ..JobState::default() }),
    };
    std::thread::scope(|scope| {
        // Ends when the socket shuts down below.
        let forwarder = scope.spawn(|| runner.forward_signals(&signal_rx));
        let workers: Vec<_> =
            (0..args.jobs.into()).map(|_| scope.spawn(|| while runner.run_next() {})).collect();
        for worker in workers {
            let _ = worker.join();
        }
        let _ = signal_rx.shutdown(std::net::Shutdown::Both);
        let _ = forwarder.join();
    });
    runner.output.finish();
    Ok(runner.summary(output))
}

/// Returns the jobs. No command starts if one role is invalid.
fn resolve_jobs(args: &EachArgs, output: &Output) -> Result<Vec<Job>, CliError> {
    let mut names: Vec<String> = args.role.role.iter().chain(&args.more).cloned().collect();
    if let Some(path) = &args.roles_from {
        names.extend(read_roles_file(path)?);
    }
    let context = Context::read()?;
    let names = expand_patterns(names, &context, output)?;
    let mut roles: Vec<RoleArgs> =
        names.into_iter().map(|name| RoleArgs { role: Some(name), ..args.role.clone() }).collect();
    if args.role.account_id.is_some() {
        roles.push(args.role.clone());
    }
    if roles.is_empty() {
        return Err(CliError::usage("there is no role to run the command as"));
    }
    if roles.len() > 1 && args.role.token_code.is_some() && !args.role.mfa_session {
        return Err(CliError::usage("--token-code is good for one role; a code works once")
            .hint("--mfa-session asks for one code for all roles; --mfa-process gets one for each"));
    }
    // Each `arl exec` prints the notes about its role.
    let quiet = Output::quiet();
    let job = |role: RoleArgs| {
        if let Some(name) = role.role.as_ref().filter(|name| name.starts_with('-')) {
            return Err(CliError::usage(format!("`{name}` is no role: `arl exec` would take it for a flag"))
                .hint("give the profile another name"));
        }
        let plan = Plan::new(&role, &context, &quiet)?;
        let name = match (&role.role, plan.target) {
            (Some(name), _) if !name.starts_with("arn:") => name.clone(),
            (_, Some(arn)) => format!("{}/{}", arn.account_id(), arn.role_name()),
            (name, None) => name.clone().unwrap_or_default(),
        };
        Ok(Job { role, name: printable(&name) })
    };
    roles.into_iter().map(job).collect()
}

/// Replaces each pattern, such as `payments-*`, by the profiles with a role whose whole name it matches. A role
/// that was named before is not repeated. A profile whose role is invalid is taken as well, so that the error
/// names it and the command runs nowhere, not everywhere else.
fn expand_patterns(names: Vec<String>, context: &Context, output: &Output) -> Result<Vec<String>, CliError> {
    if !names.iter().any(|name| name.contains('*')) {
        return Ok(names);
    }
    let config = context.shared_config()?;
    let has_role = |name: &str| {
        let section = config.profile(name);
        let is_set = |key| section.is_some_and(|section| section.get_non_empty(key).is_some());
        is_set("role_arn") || is_set("sso_role_name")
    };
    let mut expanded: Vec<String> = Vec::new();
    for name in names {
        if !name.contains('*') || config.profile(&name).is_some() {
            expanded.push(name);
            continue;
        }
        let pattern = Pattern::new(&name);
        let profiles = config.profile_names().into_iter();
        let matching: Vec<&str> =
            profiles.filter(|profile| pattern.matches(profile) && has_role(profile)).collect();
        if matching.is_empty() {
            return Err(CliError::usage(format!("no profile with a role matches `{name}`"))
                .hint("to see the roles: arl list"));
        }
        output.note(&format!("`{name}` matches {}", matching.join(", ")));
        for role in matching {
            if !expanded.iter().any(|other| other == role) {
                expanded.push(role.to_owned());
            }
        }
    }
    Ok(expanded)
}

fn read_roles_file(path: &Path) -> Result<Vec<String>, CliError> {
    let text = if path.as_os_str() == "-" {
        files::read_stream(io::stdin().lock(), files::MAX_DOCUMENT)
    } else {
        files::read_text(path, files::MAX_DOCUMENT)
    };
    let text = text.map_err(|error| {
        CliError::new(format!("could not read the roles from `{}`", path.display())).caused_by(error)
    })?;
    // A role cannot contain `#`. Editors of Windows begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Runs one command per role on a fixed number of threads.
struct JobRunner<'a> {
    total: usize,
    command_line: &'a [OsString],
    /// The global flags for each `arl exec`.
    flags: Vec<&'static str>,
    output: PrefixedOutput,
    state: Mutex<JobState>,
}

#[derive(Default)]
struct JobState {
    pending: VecDeque<Job>,
    running: Vec<(Pid, String)>,
    finished: Vec<(String, Result<StdExitStatus, String>)>,
    /// The signal that stops further commands from starting.
    stop_signal: Option<i32>,
}

impl JobRunner<'_> {
    /// Runs the next command until it ends. Returns `false` if there is none.
    fn run_next(&self) -> bool {
        let mut state = self.state();
        state.stop_signal = state.stop_signal.or_else(sys::terminal_stop_signal);
        if state.stop_signal.is_some() {
            return false;
        }
        let Some(job) = state.pending.pop_front() else { return false };
        // Spawns under the lock, so that a signal reaches every command that has started.
        let child = self.command(&job.role).and_then(|mut command| command.spawn());
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                state.finished.push((job.name, Err(format!("could not start: {error}"))));
                return true;
            }
        };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        state.running.extend(pid.map(|pid| (pid, job.name.clone())));
        self.show_progress(&state);
        drop(state);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let is_broken = std::thread::scope(|scope| {
            let errors =
                scope.spawn(|| stderr.map(|pipe| self.output.forward_lines(pipe, &job.name, Stream::Stderr)));
            let written = stdout.map(|pipe| self.output.forward_lines(pipe, &job.name, Stream::Stdout));
            let _ = errors.join();
            written.is_some_and(|written| written.is_err())
        });
        let status = child.wait().map_err(|error| format!("lost: {error}"));
        let mut state = self.state();
        state.running.retain(|(other, _)| Some(*other) != pid);
        if is_broken {
            // Nothing reads the output any more, so no other command needs to start.
            state.stop_signal = state.stop_signal.or(Some(Signal::PIPE.as_raw()));
        }
        state.finished.push((job.name, status));
        self.show_progress(&state);
        true
    }

    /// Returns an `arl exec` with the same flags.
    fn command(&self, role: &RoleArgs) -> io::Result<Command> {
        let mut command = Command::new(program::executable()?);
        command.arg0("arl").arg("exec").args(&self.flags);
        for (flag, value) in role.target_flags().into_iter().chain(role.given_flags()) {
            command.arg(value.map_or_else(|| flag.to_owned(), |value| format!("{flag}={value}")));
        }
        command.args(&role.role).arg("--").args(self.command_line);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        signals::inherit_signal_policy(&mut command);
        Ok(command)
    }

    /// Forwards the signals that are sent to arl alone. The terminal's signals reach the commands directly.
    fn forward_signals(&self, mut signal_rx: &UnixStream) {
        let mut number = [0];
        while signal_rx.read(&mut number).is_ok_and(|count| count > 0) {
            let Some(signal) = Signal::from_named_raw(number[0].into()) else { continue };
            let mut state = self.state();
            if sys::TERMINATION.contains(&signal.as_raw()) {
                state.stop_signal = Some(signal.as_raw());
            }
            for (pid, _) in &state.running {
                // The command may have ended just before.
                let _ = kill_process(*pid, signal);
            }
        }
    }

    fn show_progress(&self, state: &JobState) {
        let running: Vec<&str> = state.running.iter().map(|(_, name)| name.as_str()).collect();
        self.output.show_progress(state.finished.len(), self.total, &running);
    }

    /// Prints which commands failed, and returns arl's exit status.
    fn summary(&self, output: &Output) -> ExitStatus {
        let mut state = self.state();
        state.stop_signal = state.stop_signal.or_else(sys::terminal_stop_signal);
        let failed = state.finished.iter().filter_map(|(name, result)| {
            let reason = match result {
                Ok(status) if status.success() => return None,
                Ok(status) => match (status.code(), status.signal()) {
                    (Some(code), _) => format!("status {code}"),
                    (None, signal) => format!("killed by signal {}", signal.unwrap_or_default()),
                },
                Err(error) => error.clone(),
            };
            Some(format!("{name}: {reason}"))
        });
        let failed: Vec<String> = failed.collect();
        let done = state.finished.len() - failed.len();
        let not_started = state.pending.len();
        let text = format!("{done} of {} done", self.total);
        if failed.is_empty() && not_started == 0 {
            output.status(&text);
        } else if state.stop_signal != Some(Signal::PIPE.as_raw()) {
            let not_begun =
                if not_started > 0 { format!(", {not_started} not begun") } else { String::new() };
            output.note(&format!("{text}, {} failed{not_begun}", failed.len()));
            for line in failed {
                output.note(&format!("  {line}"));
            }
        }
        if let Some(signal) = state.stop_signal {
            return ExitStatus::Killed(signal);
        }
        let statuses = state.finished.iter().map(|(_, result)| match result {
            Ok(status) => match (status.code(), status.signal()) {
                // An exit status is one byte.
                (Some(code), _) => (code & 0xff).to_le_bytes()[0],
                (None, signal) => ExitStatus::Killed(signal.unwrap_or_default()).code(),
            },
            Err(_) => ExitStatus::ExecFailed.code(),
        });
        ExitStatus::Command(statuses.max().unwrap_or_default())
    }

    fn state(&self) -> MutexGuard<'_, JobState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
