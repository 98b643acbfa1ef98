//! Cached sessions as a table and as JSON; never a secret.

use std::time::SystemTime;

use arl::internal::SessionSummary;
use serde_json::json;

use crate::cli::ui::json::json_line;
use crate::cli::ui::text::{Fit, format_table_within, human_duration, printable};

/// Returns the sessions as JSON, one object per line.
pub(crate) fn session_lines(sessions: &[SessionSummary], now: SystemTime) -> String {
    let line = |session: &SessionSummary| {
        let object = json!({
            "role_arn": session.role_arn(),
            "account_id": session.role_arn().and_then(account_id_of),
            "source": session.facts["source"],
            "expiration": humantime::format_rfc3339_seconds(session.expiration).to_string(),
            "seconds_left": session.expiration.duration_since(now).unwrap_or_default().as_secs(),
        });
        json_line(&object)
    };
    sessions.iter().map(line).collect()
}

/// Returns the sessions as a table of at most this width. Without sessions it is empty.
pub(crate) fn session_table(sessions: &[SessionSummary], now: SystemTime, width: Option<usize>) -> String {
    if sessions.is_empty() {
        return String::new();
    }
    let mut rows = vec![["ACCOUNT", "ROLE", "SOURCE", "LEFT"].map(str::to_owned)];
    rows.extend(sessions.iter().map(|session| {
        let arn = session.role_arn().unwrap_or_default();
        let fact = |name: &str| session.facts["source"].get(name).and_then(|value| value.as_str());
        // A role of IAM Identity Center is a source.
        let own = fact("sso_role_name").unwrap_or("MFA session");
        let role = arn.split_once(":role/").map_or(own, |(_, name)| name);
        let remaining = session.expiration.duration_since(now).unwrap_or_default();
        let account = account_id_of(arn).or_else(|| fact("sso_account_id")).unwrap_or("-");
        [account, role, &source_label(session), &human_duration(remaining)].map(printable)
    }));
    format_table_within(&rows, width, [Fit::Never, Fit::First(6), Fit::First(6), Fit::Never])
}

fn account_id_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}

/// Returns a short name of the source of a session.
fn source_label(session: &SessionSummary) -> String {
    let facts = &session.facts["source"];
    let fact = |name: &str| facts.get(name).and_then(|value| value.as_str());
    if let Some(id) = fact("access_key_id") {
        return format!("key …{}", id.get(id.len().saturating_sub(4)..).unwrap_or_default());
    }
    let names = [
        ("sso_start_url", "IAM Identity Center"),
        ("credential_process", "credential process"),
        ("web_identity_role_arn", "web identity"),
        ("container_uri", "container endpoint"),
    ];
    let source_kind = names.into_iter().find(|(name, _)| fact(name).is_some());
    source_kind.map_or("instance metadata", |(_, words)| words).to_owned()
}
