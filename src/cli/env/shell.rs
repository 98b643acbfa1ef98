//! Finds out which shell the output is for.

use arl::internal::closest;
use arl::internal::shell::Shell;

use crate::cli::env::shell_scripts;
use crate::cli::env::vars;
use crate::cli::sys;
use crate::cli::ui::error::CliError;

/// How many ancestors arl checks for a shell. Wrappers such as `timeout`, `sudo` and `op run --` may be
/// between.
const MAX_ANCESTORS: usize = 8;

/// Returns the shell of `--shell`, else `ARL_SHELL`, else the nearest ancestor process that is a shell, else
/// `SHELL`, else POSIX.
pub(crate) fn detect(flag: Option<&str>) -> Result<Shell, CliError> {
    let configured = flag.map(|name| ("--shell", name.to_owned()));
    let configured = configured.or_else(|| vars::get(vars::ARL_SHELL).map(|name| ("ARL_SHELL", name)));
    match configured {
        Some((origin, name)) => name.parse().map_err(|error| {
            let similar = closest(&name, Shell::ALL.map(Shell::name));
            let meant = similar.first().map(|similar| format!("did you mean `{similar}`?"));
            CliError::usage(format!("{origin}: {error}")).hints(meant)
        }),
        None => Ok(ancestor_shell()
            .or_else(|| vars::get(vars::SHELL).and_then(|path| Shell::from_executable(&path)))
            .unwrap_or(Shell::Posix)),
    }
}

/// Returns the path of the nearest shell above arl, else `SHELL`.
pub(crate) fn program_above() -> Option<String> {
    let above = |process: &u32| sys::parent_process(*process).filter(|parent| *parent > 0);
    let ancestors = std::iter::successors(Some(std::os::unix::process::parent_id()), above);
    let path = |process: u32| match shell_of(process)? {
        Shell::Xonsh => Some("xonsh".to_owned()),
        _ => sys::process_executable(process).map(|path| path.to_string_lossy().into_owned()),
    };
    ancestors.take(MAX_ANCESTORS).find_map(path).or_else(|| vars::get(vars::SHELL))
}

/// Returns a hint with the line that makes `arl assume` and `arl clear` change the shell by themselves.
pub(crate) fn integration_hint(shell: Shell) -> String {
    match startup_line(shell) {
        Some((line, file)) => format!("for good: add this line to {file}, and open a new terminal: {line}"),
        None => "for good: `arl init --help` shows the line for each shell".to_owned(),
    }
}

/// Returns the line that integrates arl into the shell that started it, and the file to add it to.
pub(crate) fn startup_line(shell: Shell) -> Option<(&'static str, &'static str)> {
    let program = program_above().filter(|program| Shell::from_executable(program) == Some(shell));
    let name = program.as_deref().map_or(shell.name(), shell_scripts::name_of);
    shell_scripts::startup_line(name).or_else(|| shell_scripts::startup_line(shell.name()))
}

/// Returns the nearest ancestor that is a shell. In `$(…)` and pipes that is the user's shell itself.
fn ancestor_shell() -> Option<Shell> {
    let above = |process: &u32| sys::parent_process(*process).filter(|parent| *parent > 0);
    let ancestors = std::iter::successors(Some(std::os::unix::process::parent_id()), above);
    ancestors.take(MAX_ANCESTORS).find_map(shell_of)
}

fn shell_of(process: u32) -> Option<Shell> {
    let path = sys::process_executable(process)?;
    let name = path.file_name()?.to_string_lossy();
    if name.starts_with("python") {
        // xonsh runs as a Python interpreter, so the name is in the arguments.
        let is_xonsh = |word: &String| word.rsplit('/').next().is_some_and(|name| name.starts_with("xonsh"));
        return sys::process_arguments(process).iter().take(3).any(is_xonsh).then_some(Shell::Xonsh);
    }
    Shell::from_executable(&path.to_string_lossy())
}
