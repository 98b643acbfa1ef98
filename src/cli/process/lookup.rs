//! Finds a command, or explains why it cannot run.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::cli::env::vars;
use crate::cli::ui::error::{CliError, ExitStatus};

/// The error of `execve` for a script without `#!`.
pub(crate) const ENOEXEC: i32 = 8;

/// Returns the error for a command that cannot run, with the exit status that env(1) uses.
pub(crate) fn spawn_error(program: &OsStr, error: &io::Error) -> CliError {
    let name = program.to_string_lossy();
    match error.kind() {
        io::ErrorKind::NotFound => {
            CliError::new(format!("command not found: `{name}`")).status(ExitStatus::NotFound)
        }
        _ => CliError::new(format!("could not run `{name}`")).status(ExitStatus::CannotRun).caused_by(error),
    }
}

/// Returns the paths where a program of this name may be, in order.
pub(crate) fn candidate_paths(program: &OsStr) -> Vec<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return vec![PathBuf::from(program)];
    }
    if program.is_empty() {
        return Vec::new();
    }
    vars::search_path().into_iter().map(|directory| directory.join(program)).collect()
}
