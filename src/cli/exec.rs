//! `arl exec`: becomes the command, as the role.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use arl::{Identity, Reader};

use super::arguments::RoleArgs;
use super::core_dump::CallersLimit;
use super::obtain::{self, OnSignal};
use super::report::{Report, Status};
use super::{Outcome, Output};

const EXAMPLES: &str = "Examples:
  arl exec ROLE -- terraform plan
  arl exec ROLE --duration 2h -- ./release.sh
  arl exec ROLE                             your shell, as the role

arl is replaced by the command: signals, terminal, exit status and file descriptors are the command's own.";

/// `execve` says so for a script without `#!`.
const ENOEXEC: i32 = 8;

/// Run a command with a role's credentials
#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_long_help = EXAMPLES, after_long_help = super::ENVIRONMENT)]
pub(super) struct ExecArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// The command and its arguments [default: your shell]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) fn run(args: ExecArgs, core_limit: CallersLimit, output: &Output) -> Outcome {
    let identity =
        obtain::identity(&args.role, Reader::Once, OnSignal::Die, output).map_err(before_command)?;
    let mut words = args.command.into_iter();
    let program = words.next().unwrap_or_else(default_shell);
    let arguments: Vec<OsString> = words.collect();
    output.trace(|| format!("becoming {}", program.to_string_lossy()));
    core_limit.restore();
    Err(become_command(&program, &arguments, &identity))
}

/// A failure of arl itself must not look like one of the command.
fn before_command(report: Report) -> Report {
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
    let mut error = command(program, identity).args(arguments).exec();
    if error.raw_os_error() == Some(ENOEXEC)
        && let Some(script) = find(program)
    {
        // What every shell does, and most C libraries by themselves: no `#!` means sh.
        error = command(OsStr::new("/bin/sh"), identity).arg(script).args(arguments).exec();
    }
    let name = program.to_string_lossy();
    match error.kind() {
        io::ErrorKind::NotFound => Report::new(format!("could not find the command `{name}`"))
            .status(Status::NotFound)
            .caused_by(error),
        _ => Report::new(format!("could not run `{name}`")).status(Status::CannotRun).caused_by(error),
    }
}

fn command(program: &OsStr, identity: &Identity) -> Command {
    let mut command = Command::new(program);
    for name in identity.absent_variables() {
        command.env_remove(name);
    }
    command.envs(identity.variables());
    super::sys::keep_callers_sigpipe(&mut command);
    command
}

/// The file that `execvp` would take.
fn find(program: &OsStr) -> Option<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Some(PathBuf::from(program));
    }
    let is_executable = |path: &Path| {
        path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|path| is_executable(path))
}
