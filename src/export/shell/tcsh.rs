//! Statements for tcsh: ``eval "`arl assume ROLE`"``. They are on one line, because a backquote splits at
//! line ends.

use super::snapshot::{Before, Held, Memory, Rule};
use crate::export::identity::SET_VARIABLES;

pub(super) fn remember(text: &mut String, memory: &Memory, region: Option<&str>) {
    // `$?__arl_restore` is true for an environment variable too, whose text is not arl's.
    text.push_str("unsetenv __arl_restore;");
    match memory {
        Memory::New(before) => {
            text.push_str(&format!("set __arl_restore = {};", quote(&restore(before, region))));
        }
        Memory::Kept(before) if region.is_some() => {
            let undo = quote(&restore(before, region));
            text.push_str(&format!("if ( $?__arl_restore ) set __arl_restore = {undo}\"$__arl_restore:q\";"));
        }
        Memory::Kept(_) => {}
        Memory::Foreign => text.push_str("unset __arl_restore;"),
    }
}

pub(super) fn assume(text: &mut String, absent: &[&'static str], variables: &[(&'static str, String)]) {
    text.push_str(&unset(absent));
    for (name, value) in variables {
        text.push_str(&format!("setenv {name} {};", quote(value)));
    }
    text.push('\n');
}

/// Whether the saved variables fit on one line.
pub(super) fn can_remember(memory: &Memory) -> bool {
    let one_line =
        |value: &[u8]| std::str::from_utf8(value).is_ok_and(|text| !text.contains(['\n', '\r', '\0']));
    match memory {
        Memory::New(before) | Memory::Kept(before) => {
            before.rules(Some("")).all(|(_, value, _)| value.is_none_or(one_line))
        }
        Memory::Foreign => true,
    }
}

fn restore(before: &Before, region: Option<&str>) -> String {
    let mut text = String::new();
    for (name, value, rule) in before.rules(region) {
        let undo = match value {
            Some(value) => format!("setenv {name} {}", quote(&String::from_utf8_lossy(value))),
            None => format!("unsetenv {name}"),
        };
        match (rule, value) {
            (Rule::Always, _) => text.push_str(&format!("{undo};")),
            (Rule::IfUnset, None) => {}
            (Rule::IfUnset, Some(_)) => text.push_str(&format!("if ( ! $?{name} ) {undo};")),
            (Rule::IfStill(now), _) => {
                // The inner `if` is evaluated later, because csh expands a whole line before it evaluates the
                // conditions.
                let inner = format!("if ( \"${name}\" == {} ) {undo}", quote(now));
                text.push_str(&format!("if ( $?{name} ) eval {};", quote(&inner)));
            }
        }
    }
    text
}

pub(super) fn clear(held: Held, own: &[&'static str]) -> String {
    let own = unset(own);
    let all = unset(&SET_VARIABLES);
    let forget = "unset __arl_restore;unsetenv __arl_restore;";
    let back = "if ( $?__arl_restore ) eval \"$__arl_restore:q\";";
    match held {
        Held::Role { is_foreign_memory: false } => {
            format!("if ( ! $?__arl_restore ) set __arl_restore = {};{back}{forget}\n", quote(&all))
        }
        Held::Role { is_foreign_memory: true } => format!("{all}{forget}\n"),
        Held::Nothing { is_foreign_memory: false } => format!("{back}{own}{forget}\n"),
        Held::ForeignKeys { .. } | Held::Nothing { .. } => format!("{own}{forget}\n"),
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
