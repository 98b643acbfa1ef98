//! Which shell the output is for.

use arl::shell::Dialect;

use crate::cli::env::vars;
use crate::cli::sys;
use crate::cli::ui::error::Report;

/// `--shell`, else `ARL_SHELL`, else the parent process, else `SHELL`, else POSIX.
pub(crate) fn choose(flag: Option<&str>) -> Result<Dialect, Report> {
    let named = flag.map(|name| ("--shell", name.to_owned()));
    let named = named.or_else(|| vars::get(vars::ARL_SHELL).map(|name| ("ARL_SHELL", name)));
    match named {
        Some((origin, name)) => name.parse().map_err(|error| Report::usage(format!("{origin}: {error}"))),
        None => Ok(parent()
            .or_else(|| vars::get(vars::SHELL).and_then(|path| Dialect::of_executable(&path)))
            .unwrap_or(Dialect::Posix)),
    }
}

/// One level up and no further: in `$(…)` and pipes the parent is the shell itself.
fn parent() -> Option<Dialect> {
    let parent = std::os::unix::process::parent_id();
    let path = sys::executable(parent)?;
    Dialect::of_executable(&path.to_string_lossy())
}
