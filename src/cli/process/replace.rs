//! Replaces this process with a command, as `execvpe` would.

use std::borrow::Cow;
use std::ffi::{CStr, CString, NulError, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;

use arl::internal::Identity;

use crate::cli::process::environment::exec_environment_with;
use crate::cli::process::lookup;
use crate::cli::process::lookup::{ENOEXEC, spawn_error};
use crate::cli::process::signals;
use crate::cli::sys;
use crate::cli::ui::error::CliError;

const ENOENT: i32 = 2;

/// Replaces this process. Returns only if that fails.
pub(crate) fn replace_with_command(program: &OsStr, arguments: &[OsString], identity: &Identity) -> CliError {
    let replaced = exec_environment_with(identity)
        .and_then(|environment| replace_process(program, arguments, &environment));
    match replaced {
        Ok(error) => spawn_error(program, &error),
        // This cannot happen: paths and variables contain no NUL, and neither do the arguments of C's `main`.
        Err(error) => {
            CliError::new(format!("could not run `{}`", program.to_string_lossy())).caused_by(error)
        }
    }
}

/// Does the same as `execvpe`, which some C libraries lack. The standard library is not used, because it
/// would sort the whole environment.
fn replace_process(
    program: &OsStr,
    arguments: &[OsString],
    environment: &[Cow<'static, CStr>],
) -> Result<io::Error, NulError> {
    let text = |text: &OsStr| CString::new(text.as_bytes());
    let mut argv = vec![text(program)?];
    for argument in arguments {
        argv.push(text(argument)?);
    }
    signals::restore_signal_policy();
    let is_searched = !program.as_bytes().contains(&b'/');
    let mut denied = None;
    for path in lookup::candidate_paths(program) {
        let path = text(path.as_os_str())?;
        let error = sys::execve(&path, &argv, environment);
        if error.raw_os_error() == Some(ENOEXEC) {
            // Run a script without `#!` with sh, as shells and most C libraries do.
            let mut script = vec![c"/bin/sh".to_owned(), path];
            script.extend(argv.drain(1..));
            return Ok(sys::execve(c"/bin/sh", &script, environment));
        }
        match error.kind() {
            // The command may be in a later directory.
            io::ErrorKind::NotFound => {}
            io::ErrorKind::NotADirectory if is_searched => {}
            io::ErrorKind::PermissionDenied => denied = Some(error),
            _ => return Ok(error),
        }
    }
    Ok(denied.unwrap_or_else(|| io::Error::from_raw_os_error(ENOENT)))
}
