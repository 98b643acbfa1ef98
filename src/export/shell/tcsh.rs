//! Statements for tcsh: ``eval "`arl assume ROLE`"``. They are on one line, because a backquote splits at
//! line ends.

use super::snapshot::{EnvSnapshot, RestorePoint, RestoreRule, ShellState};
use crate::export::identity::{ASSUMED_VARIABLES, REGION_VARIABLES, RegionChange};

/// Removes environment variables with the names of the saved ones. `$?__arl_restore` would be true for them
/// too, although their text is not arl's.
const UNTRUSTED: &str = "unsetenv __arl_restore;unsetenv __arl_region;";

/// Runs a statement if a variable is set. The statement is evaluated later, because csh expands a whole line
/// before it evaluates the conditions.
fn if_set(name: &str, statement: &str) -> String {
    format!("if ( $?{name} ) eval {};", quote(statement))
}

/// Unsets an environment variable that has this value.
fn unset_if(name: &str, value: &str) -> String {
    if_set(name, &format!("if ( \"${name}\" == {value} ) unsetenv {name}"))
}

/// Restores the region from before the role, if the region is still the role's. A child shell does not know
/// the previous region and only unsets the role's.
fn region_back() -> String {
    let mut text = UNTRUSTED.to_owned() + &if_set("__arl_region", "eval \"$__arl_region:q\"");
    for name in REGION_VARIABLES {
        let inner = unset_if(name, "\"$ARL_REGION\"");
        text.push_str(&format!("if ( ! $?__arl_region && $?ARL_REGION ) eval {};", quote(&inner)));
    }
    text + "unset __arl_region;"
}

pub(super) fn save_restore_point(text: &mut String, restore_point: &RestorePoint, region: &RegionChange) {
    text.push_str(UNTRUSTED);
    match restore_point {
        RestorePoint::Capture(snapshot) => {
            text.push_str(&format!("set __arl_restore = {};", quote(&restore(snapshot, region))));
            let only_region = restore(&snapshot.only_region(), region);
            text.push_str(&format!("set __arl_region = {};", quote(&only_region)));
        }
        RestorePoint::Existing(_) if *region == RegionChange::Keep => {}
        RestorePoint::Existing(snapshot) => {
            let undo = quote(&restore(snapshot, region));
            if *region == RegionChange::Unset {
                text.push_str(&if_set("__arl_region", "eval \"$__arl_region:q\""));
            }
            for name in ["__arl_restore", "__arl_region"] {
                text.push_str(&if_set(name, &format!("set {name} = {undo}\"${name}:q\"")));
            }
            if *region == RegionChange::Unset {
                for (name, value) in snapshot.regions() {
                    text.push_str(&unset_if(name, &quote(&String::from_utf8_lossy(value))));
                }
            }
        }
        RestorePoint::Untrusted => text.push_str("unset __arl_restore __arl_region;"),
    }
}

pub(super) fn assume(text: &mut String, to_unset: &[&'static str], variables: &[(&'static str, String)]) {
    text.push_str(&unset(to_unset));
    for (name, value) in variables {
        text.push_str(&format!("setenv {name} {};", quote(value)));
    }
}

/// Whether the saved variables fit on one line.
pub(super) fn can_save(restore_point: &RestorePoint) -> bool {
    let one_line =
        |value: &[u8]| std::str::from_utf8(value).is_ok_and(|text| !text.contains(['\n', '\r', '\0']));
    match restore_point {
        RestorePoint::Capture(snapshot) | RestorePoint::Existing(snapshot) => {
            snapshot.rules(&RegionChange::Unset).all(|(_, value, _)| value.is_none_or(one_line))
        }
        RestorePoint::Untrusted => true,
    }
}

fn restore(snapshot: &EnvSnapshot, region: &RegionChange) -> String {
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
                text.push_str(&if_set(name, &format!("if ( \"${name}\" == {} ) {undo}", quote(now))));
            }
        }
    }
    text
}

pub(super) fn clear(state: ShellState, leftovers: &[&'static str]) -> String {
    let leftovers = unset(leftovers);
    let all = unset(&ASSUMED_VARIABLES);
    let forget = format!("unset __arl_restore __arl_region;{UNTRUSTED}");
    let region = region_back();
    let back = if_set("__arl_restore", "eval \"$__arl_restore:q\"");
    match state {
        ShellState::Role { restore_is_untrusted: false } => {
            let none = format!("{region}{all}");
            format!(
                "{UNTRUSTED}if ( ! $?__arl_restore ) set __arl_restore = {};{back}{forget}\n",
                quote(&none)
            )
        }
        ShellState::Role { restore_is_untrusted: true } => format!("{region}{all}{forget}\n"),
        ShellState::NoKeys { restore_is_untrusted: false } => {
            format!("{UNTRUSTED}{back}{region}{leftovers}{forget}\n")
        }
        ShellState::OtherKeys { .. } | ShellState::NoKeys { .. } => {
            format!("{region}{leftovers}{forget}\n")
        }
    }
}

/// Unsets variables of the role and its region, and keeps the restore point.
pub(super) fn expire(names: &[&'static str]) -> String {
    region_back() + &unset(names)
}

pub(super) fn unset(names: &[&'static str]) -> String {
    names.iter().map(|name| format!("unsetenv {name};")).collect()
}

pub(super) fn failure(status: u8) -> String {
    format!("( exit {status} )\n")
}

/// Quotes a value as in POSIX shells, and escapes `!` against history expansion.
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
