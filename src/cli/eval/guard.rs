//! Decides whether a command that fails must print a statement that fails too, so that the `eval` that reads
//! its output does not succeed.

use std::ffi::OsString;

use arl::internal::shell::Shell;

use crate::cli::env::shell;
use crate::cli::ui::output;

/// The commands whose output is not for `eval`. A test compares them with clap's commands.
pub(crate) const NON_EVAL_VERBS: [&str; 15] = [
    "exec",
    "each",
    "help",
    "write",
    "configure",
    "console",
    "login",
    "logout",
    "keys",
    "explain",
    "status",
    "list",
    "cache",
    "arn",
    "completions",
];

/// Returns the subcommand of a command line, even if the rest of it is invalid.
pub(crate) fn verb_of(args: &[OsString]) -> Option<String> {
    let mut words = args.iter().skip(1).map(|arg| arg.to_string_lossy());
    loop {
        let word = words.next()?;
        if word == "--color" {
            words.next();
        } else if !word.starts_with('-') {
            return Some(word.into_owned());
        }
    }
}

/// If this command line fails: returns the shell whose `eval` must fail too, if there is one. It looks at the
/// unparsed arguments, because the command line may be invalid.
///
/// A misspelled subcommand counts as `assume`, because `eval "$(arl asume …)"` must fail too.
pub(crate) fn eval_failure_shell(args: &[OsString]) -> Option<Shell> {
    if output::stdout_is_terminal() {
        return None;
    }
    let words: Vec<String> = args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let value_of = |flag: &str| {
        let joined = format!("{flag}=");
        words.iter().enumerate().rev().find_map(|(index, word)| match word.strip_prefix(&joined) {
            Some(value) => Some(value.to_owned()),
            None if word == flag => words.get(index + 1).cloned(),
            None => None,
        })
    };
    let has = |flag: &str| words.iter().any(|word| word == flag);
    // If the flags contradict each other, the output may be meant for `eval`.
    let is_data = match value_of("--format") {
        Some(format) => format != "env" && !has("--env"),
        None => has("--json") && !has("--env"),
    };
    if is_data || verb_of(args).is_some_and(|verb| NON_EVAL_VERBS.contains(&verb.as_str())) {
        return None;
    }
    // For an unknown shell name the POSIX statement fails in most shells.
    Some(shell::detect(value_of("--shell").as_deref()).unwrap_or(Shell::Posix))
}
