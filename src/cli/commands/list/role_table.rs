//! Roles as a table for the user, and as JSON for programs.

use std::time::SystemTime;

use serde_json::json;

use crate::cli::roles::{KnownRole, RoleOrigin};
use crate::cli::ui::json::json_line;
use crate::cli::ui::text::{Fit, format_table_within, human_duration, printable};

const HEADINGS: [&str; 7] = ["", "PROFILE", "ACCOUNT", "ROLE", "SOURCE", "MFA", "LEFT"];
/// Which columns become narrower or are left out if the terminal is too narrow. The name becomes narrower
/// last, because the user types it, and the account never so far that its ID is cut.
const FITS: [Fit; HEADINGS.len()] =
    [Fit::Never, Fit::Last(12), Fit::First(13), Fit::First(6), Fit::First(6), Fit::First(3), Fit::Never];
/// The most faults of profiles that are shown below the table.
const MAX_FAULTS: usize = 10;

/// Returns the role as one line of JSON. Fields are added and never removed.
pub(super) fn role_line(role: &KnownRole, now: SystemTime) -> String {
    let seconds_left = role.expiration.map(|end| end.duration_since(now).unwrap_or_default().as_secs());
    let object = json!({
        "name": role.name,
        "profile": (role.origin == RoleOrigin::Profile).then_some(&role.name),
        "role_arn": role.role_arn.as_ref().map(ToString::to_string),
        "account_id": unless_empty(&role.account_id),
        "account_name": role.account_name,
        "role_name": unless_empty(&role.role_name),
        "source": role.source,
        "mfa": role.needs_mfa,
        "mfa_serial": role.mfa_serial,
        "region": role.region,
        "current": role.is_current,
        "error": role.fault,
        "seconds_left": seconds_left,
    });
    json_line(&object)
}

fn unless_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Returns the role as a row of the table. If the width is limited, a fault is shown below the table instead.
fn table_row(role: &KnownRole, now: SystemTime, width: Option<usize>) -> [String; HEADINGS.len()] {
    let mark = match (role.is_current, &role.fault) {
        (true, _) => "*",
        (false, Some(_)) => "!",
        (false, None) => "",
    };
    let source = match &role.fault {
        Some(fault) if width.is_none() => format!("{}: {fault}", role.source),
        _ => role.source.clone(),
    };
    let account = match &role.account_name {
        Some(name) => format!("{} {name}", role.account_id),
        None => unless_empty(&role.account_id).unwrap_or("-").to_owned(),
    };
    let role_name = unless_empty(&role.role_name).unwrap_or("-");
    let mfa = if role.needs_mfa { "yes" } else { "" };
    let left = role.expiration.and_then(|end| end.duration_since(now).ok()).map(human_duration);
    [mark, &role.name, &account, role_name, &source, mfa, &left.unwrap_or_default()].map(printable)
}

/// Returns the roles as a table of at most this width. Without roles it is empty.
pub(super) fn role_table(roles: &[KnownRole], now: SystemTime, width: Option<usize>) -> String {
    if roles.is_empty() {
        return String::new();
    }
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(roles.iter().map(|role| table_row(role, now, width)));
    format_table_within(&rows, width, FITS)
}

/// Returns a line for each profile that cannot work, at most [`MAX_FAULTS`], with the reason.
pub(super) fn fault_notes(roles: &[KnownRole]) -> Vec<String> {
    let faults = roles.iter().filter_map(|role| Some((&role.name, role.fault.as_ref()?)));
    let mut notes: Vec<String> =
        faults.map(|(name, fault)| format!("profile `{name}` does not work: {fault}")).collect();
    if notes.len() > MAX_FAULTS {
        let more = notes.len() - MAX_FAULTS;
        notes.truncate(MAX_FAULTS);
        notes.push(format!("{more} more profiles do not work: `arl list --json` shows why"));
    }
    notes
}
