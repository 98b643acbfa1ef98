//! Statements for POSIX shells, bash and zsh.
//!
//! The backslash before each builtin prevents an alias of that name from being expanded. The semicolons make
//! an unquoted `eval $(arl …)` work, which joins the lines.

use std::borrow::Cow;

use super::snapshot::{Before, Held, Memory, Rule};
use crate::export::identity::{IDENTITY_VARIABLES, SET_VARIABLES};

/// Runs the statements only if no variable is readonly, which a subshell tests. A readonly variable would
/// keep its value while the others change.
pub(super) fn refuse_readonly(text: &mut Vec<u8>, sets_region: bool, rest: impl FnOnce(&mut Vec<u8>)) {
    let region = if sets_region { " AWS_REGION AWS_DEFAULT_REGION" } else { "" };
    let names = IDENTITY_VARIABLES.join(" ");
    text.extend_from_slice(format!("if (\\unset {names}{region}) 2>/dev/null; then\n").as_bytes());
    rest(text);
    text.extend_from_slice(REFUSAL.as_bytes());
}

const REFUSAL: &str = "else \\echo 'arl: one of the AWS_ or ARL_ variables is readonly, so nothing was changed' >&2; (exit 1);\nfi;\n";

/// As [`refuse_readonly`], for the statements that restore the previous variables. They change the region
/// only if the role changed it.
fn refuse_readonly_back(rest: &str) -> String {
    let names = IDENTITY_VARIABLES.join(" ");
    let region = "case ${__arl_region:+x} in x) \\unset AWS_REGION AWS_DEFAULT_REGION;; esac";
    format!("if (\\unset {names} && {region}) 2>/dev/null; then\n{rest}{REFUSAL}")
}

/// Saves the previous variables in `__arl_restore`, the region alone in `__arl_region`, and the refresh
/// command in `__arl_refresh`. They are shell variables that no child process sees, even under `set -a`, or
/// if the parent exported variables with these names.
pub(super) fn remember(text: &mut Vec<u8>, memory: &Memory, region: Option<&str>, refresh: &[String]) {
    text.extend_from_slice(b"__arl_options=$-; \\set +a;\n");
    match memory {
        Memory::New(before) => {
            text.extend_from_slice(b"\\unset __arl_restore; __arl_restore=");
            text.extend_from_slice(&quote_bytes(&restore(before, region)));
            text.extend_from_slice(b";\n\\unset __arl_region; __arl_region=");
            text.extend_from_slice(&quote_bytes(&restore(&before.only_region(), region)));
            text.extend_from_slice(b";\n");
        }
        Memory::Kept(before) if region.is_some() => {
            text.extend_from_slice(b"case ${__arl_restore:+x} in x) __arl_restore=");
            text.extend_from_slice(&quote_bytes(&restore(before, region)));
            text.extend_from_slice(b"$__arl_restore;; esac; __arl_region=");
            text.extend_from_slice(&quote_bytes(&restore(before, region)));
            text.extend_from_slice(b"${__arl_region-};\n");
        }
        Memory::Kept(_) => {}
        Memory::Foreign => text.extend_from_slice(b"\\unset __arl_restore __arl_region;\n"),
    }
    let words: Vec<String> = refresh.iter().map(|word| quote(word)).collect();
    text.extend_from_slice(b"\\unset __arl_refresh; __arl_refresh=");
    text.extend_from_slice(&quote_bytes(words.join(" ").as_bytes()));
    text.extend_from_slice(b";\ncase $__arl_options in *a*) \\set -a;; esac; \\unset __arl_options;\n");
}

pub(super) fn assume(text: &mut Vec<u8>, absent: &[&'static str], variables: &[(&'static str, String)]) {
    text.extend_from_slice(unset(absent).as_bytes());
    for (name, value) in variables {
        text.extend_from_slice(format!("\\export {name}={};\n", quote(value)).as_bytes());
    }
}

/// Returns the statements that restore the previous variables.
fn restore(before: &Before, region: Option<&str>) -> Vec<u8> {
    let mut text = Vec::new();
    let mut absent = Vec::new();
    for (name, value, rule) in before.rules(region) {
        let export = |value: &[u8]| [format!("\\export {name}=").as_bytes(), &quote_bytes(value)].concat();
        match (rule, value) {
            (Rule::Always, None) => absent.push(name),
            (Rule::Always, Some(value)) => {
                text.extend_from_slice(&export(value));
                text.extend_from_slice(b";\n");
            }
            (Rule::IfUnset, None) => {}
            (Rule::IfUnset, Some(value)) => {
                text.extend_from_slice(format!("case ${{{name}+x}} in '') ").as_bytes());
                text.extend_from_slice(&export(value));
                text.extend_from_slice(b";; esac;\n");
            }
            (Rule::IfStill(now), value) => {
                text.extend_from_slice(format!("case ${{{name}-}} in {}) ", quote(now)).as_bytes());
                let undo = value.map_or_else(|| format!("\\unset {name}").into_bytes(), export);
                text.extend_from_slice(&undo);
                text.extend_from_slice(b";; esac;\n");
            }
        }
    }
    if !absent.is_empty() {
        text.extend_from_slice(unset(&absent).as_bytes());
    }
    text
}

pub(super) fn clear(held: Held, own: &[&'static str]) -> String {
    let back = "\\eval \"$__arl_restore\"";
    let forget = "\\unset __arl_restore __arl_refresh __arl_region";
    let region = "\\eval \"${__arl_region-}\"";
    let own = unset(own);
    let own = own.trim_end().trim_end_matches(';');
    let all = unset(&SET_VARIABLES);
    let all = all.trim_end().trim_end_matches(';');
    match held {
        Held::Role { is_foreign_memory: false } => refuse_readonly_back(&format!(
            "case ${{__arl_restore:+x}} in x) {back};; *) {all}; {region};; esac; {forget};\n"
        )),
        Held::Role { is_foreign_memory: true } => refuse_readonly_back(&format!("{all}; {forget};\n")),
        Held::Nothing { is_foreign_memory: false } => refuse_readonly_back(&format!(
            "case ${{__arl_restore:+x}} in x) {back};; esac; {own}; {forget};\n"
        )),
        Held::ForeignKeys { is_foreign_memory: false } => format!("{own}; {region}; {forget};\n"),
        Held::ForeignKeys { .. } | Held::Nothing { .. } => format!("{own}; {forget};\n"),
    }
}

pub(super) fn unset(names: &[&'static str]) -> String {
    format!("\\unset {};\n", names.join(" "))
}

/// A subshell, because `exit` would end the shell, and `return` is not allowed there in POSIX shells.
pub(super) fn failure(status: u8) -> String {
    format!("(exit {status});\n")
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

/// As [`quote`], for values that may not be UTF-8, which shell-escape does not accept.
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
