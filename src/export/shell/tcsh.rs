//! Statements for tcsh: ``eval "`arl assume ROLE`"``. They are on one line, because a backquote splits at
//! line ends.

use super::snapshot::{EnvSnapshot, RestorePoint, RestoreRule, ShellState};
use crate::export::identity::ASSUMED_VARIABLES;

pub(super) fn save_restore_point(text: &mut String, restore_point: &RestorePoint, region: Option<&str>) {
    // `$?__arl_restore` is true for an environment variable too, whose text is not arl's.
    text.push_str("unsetenv __arl_restore;");
    match restore_point {
        RestorePoint::Capture(snapshot) => {
            text.push_str(&format!("set __arl_restore = {};", quote(&restore(snapshot, region))));
        }
        RestorePoint::Existing(snapshot) if region.is_some() => {
            let undo = quote(&restore(snapshot, region));
            text.push_str(&format!("if ( $?__arl_restore ) set __arl_restore = {undo}\"$__arl_restore:q\";"));
        }
        RestorePoint::Existing(_) => {}
        RestorePoint::Untrusted => text.push_str("unset __arl_restore;"),
    }
}

pub(super) fn assume(text: &mut String, to_unset: &[&'static str], variables: &[(&'static str, String)]) {
    text.push_str(&unset(to_unset));
    for (name, value) in variables {
        text.push_str(&format!("setenv {name} {};", quote(value)));
    }
    text.push('\n');
}

/// Whether the saved variables fit on one line.
pub(super) fn can_save(restore_point: &RestorePoint) -> bool {
    let one_line =
        |value: &[u8]| std::str::from_utf8(value).is_ok_and(|text| !text.contains(['\n', '\r', '\0']));
    match restore_point {
        RestorePoint::Capture(snapshot) | RestorePoint::Existing(snapshot) => {
            snapshot.rules(Some("")).all(|(_, value, _)| value.is_none_or(one_line))
        }
        RestorePoint::Untrusted => true,
    }
}

fn restore(snapshot: &EnvSnapshot, region: Option<&str>) -> String {
    let mut text = String::new();
    for (name, value, rule) in snapshot.rules(region) {
        let undo = match value {
            Some(value) => format!("setenv {name} {}", quote(&String::from_utf8_lossy(value))),
            None => format!("unsetenv {name}"),
        };
        match (rule, value) {
            (RestoreRule::Always, _) => text.push_str(&format!("{undo};")),
            (RestoreRule::IfUnset, None) => {}
            (RestoreRule::IfUnset, Some(_)) => text.push_str(&format!("if ( ! $?{name} ) {undo};")),
            (RestoreRule::IfUnchanged(now), _) => {
                // The inner `if` is evaluated later, because csh expands a whole line before it evaluates the
                // conditions.
                let inner = format!("if ( \"${name}\" == {} ) {undo}", quote(now));
                text.push_str(&format!("if ( $?{name} ) eval {};", quote(&inner)));
            }
        }
    }
    text
}

pub(super) fn clear(state: ShellState, leftovers: &[&'static str]) -> String {
    let leftovers = unset(leftovers);
    let all = unset(&ASSUMED_VARIABLES);
    let forget = "unset __arl_restore;unsetenv __arl_restore;";
    let back = "if ( $?__arl_restore ) eval \"$__arl_restore:q\";";
    match state {
        ShellState::Role { restore_is_untrusted: false } => {
            format!("if ( ! $?__arl_restore ) set __arl_restore = {};{back}{forget}\n", quote(&all))
        }
        ShellState::Role { restore_is_untrusted: true } => format!("{all}{forget}\n"),
        ShellState::NoKeys { restore_is_untrusted: false } => format!("{back}{leftovers}{forget}\n"),
        ShellState::OtherKeys { .. } | ShellState::NoKeys { .. } => format!("{leftovers}{forget}\n"),
    }
}

pub(super) fn unset(names: &[&'static str]) -> String {
    names.iter().map(|name| format!("unsetenv {name};")).collect()
}

pub(super) fn failure(status: u8) -> String {
    format!("( exit {status} )\n")
}

/// As in POSIX shells. A `!` is escaped as well, against history expansion.
pub(super) fn quote(value: &str) -> String {
    let mut quoted = String::from("'");
    for c in value.chars() {
        match c {
            '\'' => quoted.push_str("'\\''"),
            '!' => quoted.push_str("'\\!'"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}
