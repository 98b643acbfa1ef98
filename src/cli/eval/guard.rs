//! Whether a failing command line owes its reader a statement that fails, judged from the bare arguments.

use std::ffi::OsString;

use arl::internal::shell::Shell;

use crate::cli::env::shell;
use crate::cli::ui::output;

/// The verb of a command line that may be wrong otherwise.
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

/// The dialect of the statement that must be printed if this command line fails, judged from the bare
/// arguments, since they may be what is wrong.
///
/// A misspelt verb counts as `assume`: `eval "$(arl asume …)"` must fail too.
pub(crate) fn eval_failure_shell(args: &[OsString]) -> Option<Shell> {
    const NON_EVAL_VERBS: [&str; 12] = [
        "exec",
        "each",
        "help",
        "write",
        "configure",
        "console",
        "explain",
        "status",
        "list",
        "cache",
        "arn",
        "completions",
    ];
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
    // Where the flags contradict each other, the text may be meant for `eval`.
    let is_data = match value_of("--format") {
        Some(format) => format != "env" && !has("--env"),
        None => has("--json") && !has("--env"),
    };
    if is_data || verb_of(args).is_some_and(|verb| NON_EVAL_VERBS.contains(&verb.as_str())) {
        return None;
    }
    // A name that is no dialect cannot be served; POSIX's statement then fails in most shells.
    Some(shell::detect(value_of("--shell").as_deref()).unwrap_or(Shell::Posix))
}
