//! `arl exec`: becomes the command, as the role.

use std::ffi::{CString, NulError, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use arl::{IDENTITY_VARIABLES, Identity, Reader};

use super::Output;
use super::arguments::RoleArgs;
use super::core_dump::CallersLimit;
use super::obtain::{self, OnSignal};
use super::report::{Report, Status};
use super::server::{self, Served};

const EXAMPLES: &str = "Examples:
  arl exec ROLE -- terraform plan
  arl exec ROLE --duration 2h -- ./release.sh
  arl exec ROLE                             your shell, as the role

  arl exec ROLE --server -- ./run-all-day.sh

arl is replaced by the command: signals, terminal, exit status and file descriptors are the command's own.
With --server arl stays and hands the credentials out on 127.0.0.1, for commands that outlive a session: they are
renewed ahead of their end, and no key is in the environment.";

const ENOENT: i32 = 2;
/// `execve` says so for a script without `#!`.
pub(super) const ENOEXEC: i32 = 8;

/// Run a command with a role's credentials
#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_long_help = EXAMPLES, after_long_help = super::ENVIRONMENT)]
pub(super) struct ExecArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// Stay, and serve credentials that renew themselves
    #[arg(long, help_heading = "Server")]
    server: bool,
    /// Hide the shared config and credentials files from the command
    #[arg(long, requires = "server", help_heading = "Server")]
    isolate: bool,
    /// The command and its arguments [default: your shell]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl ExecArgs {
    /// What no flag says otherwise.
    pub(super) fn plain(role: RoleArgs, command: Vec<OsString>) -> Self {
        Self { role, server: false, isolate: false, command }
    }
}

pub(super) fn run(
    args: ExecArgs,
    command_line: &[OsString],
    core_limit: CallersLimit,
    output: &Output,
) -> Result<Status, Report> {
    let ExecArgs { role, server, isolate, command } = args;
    // An empty variable would have a shell read whatever stands on standard input, as the role.
    if command.is_empty() && command_line.iter().any(|word| word == "--") {
        return Err(Report::usage("there is no command behind --").hint("without --, your shell is started"));
    }
    let mut words = command.into_iter();
    let program = words.next().unwrap_or_else(default_shell);
    let arguments: Vec<OsString> = words.collect();
    if server {
        let served = Served { role: &role, program: &program, arguments: &arguments, isolate };
        return server::run(&served, core_limit, output);
    }
    let identity = obtain::identity(&role, Reader::Once, OnSignal::Die, output).map_err(before_command)?;
    output.trace(|| format!("becoming {}", program.to_string_lossy()));
    core_limit.restore();
    Err(become_command(&program, &arguments, &identity))
}

/// A failure of arl itself must not look like one of the command.
pub(super) fn before_command(report: Report) -> Report {
    match report.status {
        Status::Failed => report.status(Status::ExecFailed),
        _ => report,
    }
}

fn default_shell() -> OsString {
    std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into())
}

/// Replaces this process. Comes back only if that cannot be done.
fn become_command(program: &OsStr, arguments: &[OsString], identity: &Identity) -> Report {
    match replace_process(program, arguments, &environment(identity)) {
        Ok(error) => failed(program, &error),
        // Neither a path nor a variable holds a NUL; an argument cannot either, as it came through C's `main`.
        Err(error) => Report::new(format!("could not run `{}`", program.to_string_lossy())).caused_by(error),
    }
}

/// Why there is no command, with the status of env(1).
pub(super) fn failed(program: &OsStr, error: &io::Error) -> Report {
    let name = program.to_string_lossy();
    match error.kind() {
        io::ErrorKind::NotFound => Report::new(format!("could not find the command `{name}`"))
            .status(Status::NotFound)
            .caused_by(error),
        _ => Report::new(format!("could not run `{name}`")).status(Status::CannotRun).caused_by(error),
    }
}

/// This process's environment, but for the identity.
fn environment(identity: &Identity) -> Vec<(OsString, OsString)> {
    let set = identity.variables();
    let is_of_identity = |name: &OsStr| {
        IDENTITY_VARIABLES.iter().chain(set.iter().map(|(name, _)| name)).any(|other| name == *other)
    };
    let kept = std::env::vars_os().filter(|(name, _)| !is_of_identity(name));
    kept.chain(set.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)))).collect()
}

/// Does what `execvpe` does, which not every C library has; the standard library would sort the whole environment.
fn replace_process(
    program: &OsStr,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
) -> Result<io::Error, NulError> {
    let text = |text: &OsStr| CString::new(text.as_bytes());
    let variables = environment.iter().map(|(name, value)| {
        let mut line = name.as_bytes().to_vec();
        line.push(b'=');
        line.extend_from_slice(value.as_bytes());
        CString::new(line)
    });
    let variables: Vec<CString> = variables.collect::<Result<_, _>>()?;
    let mut words = vec![text(program)?];
    for argument in arguments {
        words.push(text(argument)?);
    }
    super::sys::restore_callers_signals();
    let is_searched = !program.as_bytes().contains(&b'/');
    let mut denied = None;
    for path in paths(program) {
        let path = text(path.as_os_str())?;
        let error = super::sys::execve(&path, &words, &variables);
        if error.raw_os_error() == Some(ENOEXEC) {
            // What every shell does, and most C libraries by themselves: no `#!` means sh.
            let mut script = vec![c"/bin/sh".to_owned(), path];
            script.extend(words.drain(1..));
            return Ok(super::sys::execve(c"/bin/sh", &script, &variables));
        }
        match error.kind() {
            // The next directory may have it.
            io::ErrorKind::NotFound => {}
            io::ErrorKind::NotADirectory if is_searched => {}
            io::ErrorKind::PermissionDenied => denied = Some(error),
            _ => return Ok(error),
        }
    }
    Ok(denied.unwrap_or_else(|| io::Error::from_raw_os_error(ENOENT)))
}

/// Where a program of this name may be, in order.
pub(super) fn paths(program: &OsStr) -> Vec<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return vec![PathBuf::from(program)];
    }
    if program.is_empty() {
        return Vec::new();
    }
    // What C libraries take where there is no PATH at all.
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    std::env::split_paths(&path).map(|directory| directory.join(program)).collect()
}
