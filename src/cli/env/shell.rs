//! Finds out which shell the output is for.

use arl::internal::shell::Shell;

use crate::cli::env::vars;
use crate::cli::sys;
use crate::cli::ui::error::CliError;

/// Returns the shell of `--shell`, else `ARL_SHELL`, else the parent process, else `SHELL`, else POSIX.
pub(crate) fn detect(flag: Option<&str>) -> Result<Shell, CliError> {
    let configured = flag.map(|name| ("--shell", name.to_owned()));
    let configured = configured.or_else(|| vars::get(vars::ARL_SHELL).map(|name| ("ARL_SHELL", name)));
    match configured {
        Some((origin, name)) => name.parse().map_err(|error| CliError::usage(format!("{origin}: {error}"))),
        None => Ok(parent_shell()
            .or_else(|| vars::get(vars::SHELL).and_then(|path| Shell::from_executable(&path)))
            .unwrap_or(Shell::Posix)),
    }
}

/// Returns the shell that is the parent process. In `$(…)` and pipes that is the user's shell itself.
fn parent_shell() -> Option<Shell> {
    let parent = std::os::unix::process::parent_id();
    let path = sys::process_executable(parent)?;
    Shell::from_executable(&path.to_string_lossy())
}
