//! The arguments that assume the same role again, for `__arl_refresh` and for hints.

use std::ffi::OsString;

use crate::cli::args::file_url;

/// Returns the arguments that assume the same role again from any directory. The list is empty if no
/// arguments can: an MFA code works once, and with `--chain` the role that the chain started from expires as
/// well.
pub(crate) fn refresh_args(command_line: &[OsString]) -> Vec<String> {
    let had_code = repeatable_args(command_line).len() != repeatable_args_with_code(command_line).len();
    if had_code { Vec::new() } else { recall_args(command_line) }
}

/// Returns the arguments that assume the same role when the user asks for it again. The user then types a new
/// MFA code. The list is empty if no arguments can do that.
pub(crate) fn recall_args(command_line: &[OsString]) -> Vec<String> {
    let args = repeatable_args(command_line);
    if args.iter().any(|arg| arg == "--chain" || arg.contains("TokenCode")) {
        return Vec::new();
    }
    // If there is no current directory, keep the path as typed.
    args.into_iter().map(|arg| file_url::absolute(&arg).unwrap_or(arg)).collect()
}

/// The spellings of `--token-code`. A test compares them with the command line.
pub(crate) const CODE_FLAGS: [&str; 3] = ["--token-code", "--mfa-code", "--TokenCode"];

/// Returns the arguments without MFA codes, and without flags that change only the output.
pub(crate) fn repeatable_args(command_line: &[OsString]) -> Vec<String> {
    without_flags(repeatable_args_with_code(command_line).into_iter(), &CODE_FLAGS)
}

fn repeatable_args_with_code(command_line: &[OsString]) -> Vec<String> {
    let is_output_flag = |arg: &String| {
        let cluster = arg
            .strip_prefix('-')
            .is_some_and(|flags| !flags.is_empty() && flags.bytes().all(|flag| flag == b'v' || flag == b'q'));
        cluster || ["--verbose", "--quiet", "--show", "--recall", "--"].contains(&arg.as_str())
    };
    let args = command_line.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    without_flags(args.filter(|arg| !is_output_flag(arg)), &["--shell", "--color", "--within"])
}

/// Removes flags and their values.
fn without_flags(mut args: impl Iterator<Item = String>, flags: &[&str]) -> Vec<String> {
    let mut filtered = Vec::new();
    while let Some(arg) = args.next() {
        let has_value = |flag: &&str| arg.strip_prefix(*flag).is_some_and(|rest| rest.starts_with('='));
        if flags.contains(&arg.as_str()) {
            args.next();
        } else if !flags.iter().any(has_value) {
            filtered.push(arg);
        }
    }
    filtered
}
