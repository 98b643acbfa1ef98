//! The arguments that assume the same role again, for `__arl_refresh` and for hints.

use std::ffi::OsString;

use crate::cli::env::program;

/// The words of a command line that gets the same role again, wherever the shell is then; none, if that
/// cannot be: a code of an MFA device works once, and the role that a chain started from is over as well.
pub(crate) fn refresh_words(command_line: &[OsString]) -> Vec<String> {
    let words = same_words(command_line);
    let is_spent = |word: &String| word == "--chain" || word.contains("TokenCode");
    let had_code = words.len() != same_words_with_code(command_line).len();
    if had_code || words.iter().any(is_spent) {
        return Vec::new();
    }
    let here = program::current_directory().unwrap_or_default();
    let absolute = |word: String| match word.split_once("file://") {
        Some((flag, path)) if !path.starts_with('/') && (flag.is_empty() || flag.ends_with('=')) => {
            format!("{flag}file://{}", here.join(path).display())
        }
        _ => word,
    };
    words.into_iter().map(absolute).collect()
}

const CODE_FLAGS: [&str; 3] = ["--token-code", "--mfa-code", "--TokenCode"];

/// The words without a code, and without what concerns this call's output only.
pub(crate) fn same_words(command_line: &[OsString]) -> Vec<String> {
    without_flags(same_words_with_code(command_line).into_iter(), &CODE_FLAGS)
}

fn same_words_with_code(command_line: &[OsString]) -> Vec<String> {
    let is_loud = |word: &String| {
        let cluster = word
            .strip_prefix('-')
            .is_some_and(|flags| !flags.is_empty() && flags.bytes().all(|flag| flag == b'v' || flag == b'q'));
        cluster || ["--verbose", "--quiet", "--show", "--"].contains(&word.as_str())
    };
    let words = command_line.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    without_flags(words.filter(|word| !is_loud(word)), &["--shell", "--color", "--within"])
}

/// Leaves flags and their values out.
fn without_flags(mut words: impl Iterator<Item = String>, flags: &[&str]) -> Vec<String> {
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        let has_value = |flag: &&str| word.strip_prefix(*flag).is_some_and(|rest| rest.starts_with('='));
        if flags.contains(&word.as_str()) {
            words.next();
        } else if !flags.iter().any(has_value) {
            kept.push(word);
        }
    }
    kept
}
