//! Finds a command, or explains why it cannot run.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use arl::internal::shell::Shell;

use crate::cli::env::program;
use crate::cli::env::vars;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::text::quote_words;

/// The error of `execve` for a script without `#!`.
pub(crate) const ENOEXEC: i32 = 8;

/// Returns the error for a command that cannot run, with the exit status that env(1) uses.
pub(crate) fn spawn_error(program: &OsStr, error: &io::Error) -> CliError {
    let name = program.to_string_lossy();
    match error.kind() {
        io::ErrorKind::NotFound => CliError::new(format!("command not found: `{name}`"))
            .status(ExitStatus::NotFound)
            .hints(not_found_hint(&name)),
        io::ErrorKind::PermissionDenied if is_plain_file(program) => {
            CliError::new(format!("could not run `{name}`"))
                .status(ExitStatus::CannotRun)
                .caused_by(error)
                .hint(format!("if it is a program: chmod +x {}", quoted(&[&name])))
        }
        _ => CliError::new(format!("could not run `{name}`")).status(ExitStatus::CannotRun).caused_by(error),
    }
}

/// Whether a path names a file that no user may execute.
fn is_plain_file(program: &OsStr) -> bool {
    let is_path = program.as_bytes().contains(&b'/');
    is_path && std::fs::metadata(program).is_ok_and(|file| file.is_file() && file.mode() & 0o111 == 0)
}

/// Returns what the user probably meant by a word that is not the name of a program.
fn not_found_hint(name: &str) -> Option<String> {
    const BUILTINS: [&str; 10] =
        ["alias", "cd", "eval", "exit", "export", "set", "source", "type", "ulimit", "unset"];
    let words: Vec<&str> = name.split_whitespace().collect();
    let is_assignment = name.split_once('=').is_some_and(|(variable, _)| {
        !variable.is_empty() && variable.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    });
    if is_assignment {
        Some(format!("env(1) sets variables for a command: {}", command_line(&["env", name])))
    } else if words.len() > 1 {
        Some(format!("that is one word; as separate words: {}", command_line(&words)))
    } else if BUILTINS.contains(&name) {
        Some(format!("`{name}` is built into shells: {}", command_line(&["sh", "-c", &in_shell(name)])))
    } else {
        similar_program(name)
            .map(|similar| format!("did you mean `{similar}`? {}", command_line(&[&similar])))
    }
}

/// Returns the program of the search path with the most similar name, if there is one.
fn similar_program(name: &str) -> Option<String> {
    if name.contains('/') || name.len() < 3 {
        return None;
    }
    let limit = 1 + name.chars().count() / 6;
    let entries = vars::search_path().into_iter().filter_map(|directory| std::fs::read_dir(directory).ok());
    let names = entries.flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .map(|other| (strsim::osa_distance(name, &other), other))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, other)| other)
}

/// Returns the command line with other words in place of the program.
fn command_line(words: &[&str]) -> String {
    let arguments: Vec<String> =
        program::arguments().iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let Some(at) = arguments.iter().position(|word| word == "--") else { return quoted(words) };
    let own = quote_words(Shell::Posix, &arguments[1..at]);
    let rest = if words.first() == Some(&"sh") { &[] } else { arguments.get(at + 2..).unwrap_or_default() };
    format!("arl {own} -- {} {}", quoted(words), quote_words(Shell::Posix, rest)).trim_end().to_owned()
}

/// Returns a command and its arguments as one word for `sh -c`.
fn in_shell(name: &str) -> String {
    let arguments = program::arguments().iter().map(|word| word.to_string_lossy().into_owned());
    let rest: Vec<String> = arguments.skip_while(|word| word != "--").skip(2).collect();
    format!("{name} {}", quote_words(Shell::Posix, &rest)).trim_end().to_owned()
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    quote_words(Shell::Posix, &words)
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
