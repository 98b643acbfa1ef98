//! Finds a command, and says why there is none.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::cli::env::vars;
use crate::cli::ui::error::{CliError, ExitStatus};

/// `execve` says so for a script without `#!`.
pub(crate) const ENOEXEC: i32 = 8;

/// Why there is no command, with the status of env(1).
pub(crate) fn spawn_error(program: &OsStr, error: &io::Error) -> CliError {
    let name = program.to_string_lossy();
    match error.kind() {
        io::ErrorKind::NotFound => CliError::new(format!("could not find the command `{name}`"))
            .status(ExitStatus::NotFound)
            .caused_by(error),
        _ => CliError::new(format!("could not run `{name}`")).status(ExitStatus::CannotRun).caused_by(error),
    }
}

/// Where a program of this name may be, in order.
pub(crate) fn candidate_paths(program: &OsStr) -> Vec<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return vec![PathBuf::from(program)];
    }
    if program.is_empty() {
        return Vec::new();
    }
    vars::search_path().into_iter().map(|directory| directory.join(program)).collect()
}
