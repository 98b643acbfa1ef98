//! Statements for POSIX shells, bash and zsh.
//!
//! The backslash before each builtin prevents an alias of that name from being expanded. The semicolons make
//! an unquoted `eval $(arl …)` work, which joins the lines. The text ends without a semicolon, because a
//! script may append one to `$(arl …)`, and two in a row are a syntax error.

use std::borrow::Cow;

use super::RoleMemory;
use super::snapshot::{EnvSnapshot, RestorePoint, RestoreRule, ShellState};
use crate::export::identity::{ASSUMED_VARIABLES, IDENTITY_VARIABLES, RegionChange};

/// Runs the statements only if no variable is readonly, which a subshell tests. A readonly variable would
/// keep its value while the others change.
///
/// Under `set -k` the shell does not pass the assignment in `export NAME=value` as an argument, so `export`
/// would print every variable, including secrets, and set nothing. In bash the statements switch the option
/// off for themselves. ksh parses all of the statements before it runs the first, which is too late to switch
/// the option off, so there they fail. In zsh, `-k` means another option.
pub(super) fn guard_readonly(
    text: &mut Vec<u8>,
    keywords: Keywords,
    sets_region: bool,
    rest: impl FnOnce(&mut Vec<u8>),
) {
    let region = if sets_region { " AWS_REGION AWS_DEFAULT_REGION" } else { "" };
    let names = IDENTITY_VARIABLES.join(" ");
    let state =
        "__arl_restore __arl_region __arl_refresh __arl_last __arl_previous __arl_options __arl_keywords";
    let refused = if keywords == Keywords::Refuse { "case $- in *k*) \\exit 1;; esac; " } else { "" };
    text.extend_from_slice(
        format!("if ({refused}\\unset {names}{region} {state}) 2>/dev/null; then\n").as_bytes(),
    );
    if keywords == Keywords::SwitchOff {
        text.extend_from_slice(
            b"\\unset __arl_keywords; case $- in *k*) __arl_keywords=k; \\set +k;; esac;\n",
        );
    }
    rest(text);
    if keywords == Keywords::SwitchOff {
        text.extend_from_slice(b"case ${__arl_keywords-} in k) \\set -k;; esac; \\unset __arl_keywords;\n");
    }
    text.extend_from_slice(READONLY_ERROR.as_bytes());
}

/// What to do under `set -k`, where the shell takes assignments after a command as that command's
/// environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keywords {
    /// The shell has no such option.
    Ignore,
    /// Switch the option off for the statements.
    SwitchOff,
    /// Change nothing and fail.
    Refuse,
}

const READONLY_ERROR: &str = "else \\echo 'arl: an AWS_, ARL_ or __arl_ variable is readonly, or set -k is on, so arl changed nothing; start a new shell, or run: command arl exec ROLE -- COMMAND' >&2; (exit 1);\nfi\n";

/// Does the same as [`guard_readonly`] for the statements that restore the previous variables. They change
/// the region only if the role changed it.
fn guard_restore(rest: &str) -> String {
    let names = IDENTITY_VARIABLES.join(" ");
    let region =
        "case ${__arl_region:+x}${ARL_REGION:+x} in x*) \\unset AWS_REGION AWS_DEFAULT_REGION;; esac";
    let state = "__arl_restore __arl_region __arl_refresh";
    format!("if (\\unset {names} && {region} && \\unset {state}) 2>/dev/null; then\n{rest}{READONLY_ERROR}")
}

/// Saves the previous variables in `__arl_restore`, the region alone in `__arl_region`, the refresh command
/// in `__arl_refresh`, and the arguments of this role and of the one before in `__arl_last` and
/// `__arl_previous`. They are shell variables that no child process sees, even under `set -a`, or
/// if the parent exported variables with these names.
pub(super) fn save_restore_point(
    text: &mut Vec<u8>,
    restore_point: &RestorePoint,
    region: &RegionChange,
    refresh: &[String],
    memory: &RoleMemory,
) {
    text.extend_from_slice(b"\\unset __arl_options; __arl_options=$-; \\set +a;\n");
    match restore_point {
        RestorePoint::Capture(snapshot) => {
            save_own(text, "__arl_restore", snapshot, region);
            save_own(text, "__arl_region", &snapshot.only_region(), region);
        }
        RestorePoint::Existing(snapshot) if *region == RegionChange::Unset => {
            let undo = quote_bytes(&restore(snapshot, region));
            text.extend_from_slice(
                b"case ${__arl_restore:+x} in x) \\eval \"${__arl_region-}\"; __arl_restore=",
            );
            text.extend_from_slice(&undo);
            text.extend_from_slice(b"$__arl_restore; __arl_region=");
            text.extend_from_slice(&undo);
            text.extend_from_slice(b"${__arl_region-};; esac;\n");
            unset_regions_of(text, snapshot);
        }
        RestorePoint::Existing(snapshot) if *region != RegionChange::Keep => {
            let undo = quote_bytes(&restore(snapshot, region));
            text.extend_from_slice(b"case ${__arl_restore:+x} in x) __arl_restore=");
            text.extend_from_slice(&undo);
            text.extend_from_slice(b"$__arl_restore;; esac; __arl_region=");
            text.extend_from_slice(&undo);
            text.extend_from_slice(b"${__arl_region-};\n");
        }
        RestorePoint::Existing(_) => {}
        RestorePoint::Untrusted => text.extend_from_slice(b"\\unset __arl_restore __arl_region;\n"),
    }
    let quoted = |words: &[String]| {
        let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
        quote_bytes(words.join(" ").as_bytes())
    };
    text.extend_from_slice(b"\\unset __arl_refresh; __arl_refresh=");
    text.extend_from_slice(&quoted(refresh));
    text.extend_from_slice(b";\n");
    let words = quoted(&memory.words);
    if memory.is_untrusted {
        text.extend_from_slice(b"\\unset __arl_previous __arl_last; __arl_last=");
        text.extend_from_slice(&words);
    } else {
        // Assuming the same role again must not change `__arl_previous`.
        text.extend_from_slice(b"case ${__arl_last-} in ");
        text.extend_from_slice(&words);
        text.extend_from_slice(
            b") ;; *) \\unset __arl_previous; __arl_previous=${__arl_last-}; \\unset __arl_last; __arl_last=",
        );
        text.extend_from_slice(&words);
        text.extend_from_slice(b";; esac");
    }
    text.extend_from_slice(b";\ncase $__arl_options in *a*) \\set -a;; esac; \\unset __arl_options;\n");
}

/// Unsets each region variable that still has the value that the snapshot has. The others have been restored.
fn unset_regions_of(text: &mut Vec<u8>, snapshot: &EnvSnapshot) {
    for (name, value) in snapshot.regions() {
        text.extend_from_slice(format!("case ${{{name}-}} in ").as_bytes());
        text.extend_from_slice(&quote_bytes(value));
        text.extend_from_slice(format!(") \\unset {name};; esac;\n").as_bytes());
    }
}

/// Sets the variables. If `clean`, unsets them first, because bash and zsh would change the case of a value
/// if the variable was declared as upper or lower case (`declare -u`). `clean` is false for POSIX shells:
/// mksh would lose a variable that is local to a function.
pub(super) fn assume(
    text: &mut Vec<u8>,
    to_unset: &[&'static str],
    variables: &[(&'static str, String)],
    clean: bool,
) {
    text.extend_from_slice(unset(to_unset).as_bytes());
    if clean {
        let names: Vec<&'static str> = variables.iter().map(|(name, _)| *name).collect();
        text.extend_from_slice(unset(&names).as_bytes());
    }
    for (name, value) in variables {
        text.extend_from_slice(format!("\\export {name}={};\n", quote(value)).as_bytes());
    }
}

/// The statements that restore one variable.
struct RestorePart {
    name: &'static str,
    text: Vec<u8>,
    /// What the statements are if the shell itself does not have the variable.
    if_absent: Vec<u8>,
}

/// Saves the statements in a variable. A variable that arl had in its environment and the shell does not
/// have, as in `eval "$(AWS_PROFILE=x arl assume ROLE)"`, counts as unset.
fn save_own(text: &mut Vec<u8>, variable: &str, snapshot: &EnvSnapshot, region: &RegionChange) {
    text.extend_from_slice(format!("\\unset {variable}; {variable}=").as_bytes());
    let mut rest = Vec::new();
    for RestorePart { name, text: part, if_absent } in restore_parts(snapshot, region) {
        if part == if_absent {
            rest.extend(part);
            continue;
        }
        let append = format!("{variable}=${variable}");
        text.extend_from_slice(&quote_bytes(&std::mem::take(&mut rest)));
        text.extend_from_slice(format!(";\ncase ${{{name}+x}} in x) {append}").as_bytes());
        text.extend_from_slice(&quote_bytes(&part));
        text.extend_from_slice(format!(";; *) {append}").as_bytes());
        text.extend_from_slice(&quote_bytes(&if_absent));
        text.extend_from_slice(format!(";; esac;\n{append}").as_bytes());
    }
    text.extend_from_slice(&quote_bytes(&rest));
    text.extend_from_slice(b";\n");
}

/// Returns the statements that restore the previous variables.
fn restore(snapshot: &EnvSnapshot, region: &RegionChange) -> Vec<u8> {
    restore_parts(snapshot, region).into_iter().flat_map(|part| part.text).collect()
}

fn restore_parts(snapshot: &EnvSnapshot, region: &RegionChange) -> Vec<RestorePart> {
    let parts = snapshot.rules(region).map(|(name, value, rule)| {
        let if_absent = restore_variable(name, None, rule);
        let text = value.map_or_else(|| if_absent.clone(), |value| restore_variable(name, Some(value), rule));
        RestorePart { name, text, if_absent }
    });
    parts.collect()
}

/// Returns the statements that give a variable its previous value, or unset it.
fn restore_variable(name: &'static str, value: Option<&[u8]>, rule: RestoreRule<'_>) -> Vec<u8> {
    // Under `set -k` the shell does not pass an assignment to `export` as an argument.
    let undo = match value {
        Some(value) => [format!("\\export {name}; {name}=").as_bytes(), &quote_bytes(value)].concat(),
        None => format!("\\unset {name}").into_bytes(),
    };
    let (before, after) = match rule {
        RestoreRule::Always => (String::new(), ";\n"),
        // Without a previous value, the variable stays as it is.
        RestoreRule::IfUnset if value.is_none() => return Vec::new(),
        RestoreRule::IfUnset => (format!("case ${{{name}+x}} in '') "), ";; esac;\n"),
        RestoreRule::IfUnchanged(now) => (format!("case ${{{name}-}} in {}) ", quote(now)), ";; esac;\n"),
    };
    [before.as_bytes(), &undo, after.as_bytes()].concat()
}

/// Unsets the region that arl set for the role. Used where the previous region is not known.
const UNSET_ROLE_REGION: &str = "case ${AWS_REGION-} in \"${ARL_REGION:-?}\") \\unset AWS_REGION;; esac; case ${AWS_DEFAULT_REGION-} in \"${ARL_REGION:-?}\") \\unset AWS_DEFAULT_REGION;; esac";

pub(super) fn clear(state: ShellState, leftovers: &[&'static str]) -> String {
    let back = "\\eval \"$__arl_restore\"";
    let forget = "\\unset __arl_restore __arl_refresh __arl_region";
    let region = region_back();
    let leftovers = unset(leftovers);
    let leftovers = leftovers.trim_end().trim_end_matches(';');
    let all = unset(&ASSUMED_VARIABLES);
    let all = all.trim_end().trim_end_matches(';');
    match state {
        ShellState::Role { restore_is_untrusted: false } => guard_restore(&format!(
            "case ${{__arl_restore:+x}} in x) {back};; *) {region}; {all};; esac; {forget};\n"
        )),
        ShellState::Role { restore_is_untrusted: true } => {
            guard_restore(&format!("{UNSET_ROLE_REGION}; {all}; {forget};\n"))
        }
        ShellState::NoKeys { restore_is_untrusted: false } => guard_restore(&format!(
            "case ${{__arl_restore:+x}} in x) {back};; *) {UNSET_ROLE_REGION};; esac; {leftovers}; {forget};\n"
        )),
        ShellState::OtherKeys { restore_is_untrusted: false } => {
            format!("{region}; {leftovers}; {forget}\n")
        }
        ShellState::OtherKeys { .. } | ShellState::NoKeys { .. } => {
            format!("{UNSET_ROLE_REGION}; {leftovers}; {forget}\n")
        }
    }
}

/// Restores the region from before the role, if the region is still the role's.
fn region_back() -> String {
    format!("case ${{__arl_region:+x}} in x) \\eval \"$__arl_region\";; *) {UNSET_ROLE_REGION};; esac")
}

/// Unsets variables of the role and its region, and keeps the restore point.
pub(super) fn expire(state: ShellState, names: &[&'static str]) -> String {
    let region = if state.restore_is_untrusted() { UNSET_ROLE_REGION.to_owned() } else { region_back() };
    format!("{region}; \\unset __arl_region; {}", unset(names))
}

pub(super) fn unset(names: &[&'static str]) -> String {
    format!("\\unset {};\n", names.join(" "))
}

/// Returns the statement that fails with a status. It is a subshell, because `exit` would end the user's
/// shell, and POSIX shells do not allow `return` outside of functions.
pub(super) fn failure(status: u8) -> String {
    format!("(exit {status})\n")
}

/// Quotes a value. shell-escape leaves harmless words bare, but zsh expands `=cmd`, so this adds the quotes
/// there.
pub(super) fn quote(value: &str) -> String {
    match shell_escape::unix::escape(Cow::Borrowed(value)) {
        Cow::Borrowed(bare) => format!("'{bare}'"),
        Cow::Owned(quoted) if quoted.starts_with('\'') => quoted,
        Cow::Owned(bare) => format!("'{bare}'"),
    }
}

/// Quotes a value that may not be UTF-8, which shell-escape does not accept.
fn quote_bytes(value: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for &byte in value {
        if byte == b'\'' {
            quoted.extend_from_slice(b"'\\''");
        } else {
            quoted.push(byte);
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_quoted() {
        for (value, quoted) in [
            ("plain", "'plain'"),
            ("=ls", "'=ls'"),
            ("", "''"),
            ("a'b", r"'a'\''b'"),
            ("'", r"''\'''"),
            ("$(x) `y` \\", r"'$(x) `y` \'"),
        ] {
            assert_eq!(quote(value), quoted, "{value}");
            assert_eq!(quote_bytes(value.as_bytes()), quoted.as_bytes(), "{value}");
        }
    }
}
