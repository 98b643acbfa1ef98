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
        let arn = session.role_arn().or(session.web_identity_role()).unwrap_or_default();
        let fact = |name: &str| session.facts["source"].get(name).and_then(|value| value.as_str());
        // A role of IAM Identity Center is a source, so its name is among the facts of the source.
        let own = fact("sso_role_name").or(fact("mfa_session").map(|_| "MFA session")).unwrap_or("-");
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
        ("login_session", "aws login"),
        ("credential_process", "credential process"),
        ("web_identity_role_arn", "web identity"),
        ("container_uri", "container endpoint"),
        ("instance_metadata", "instance metadata"),
    ];
    let source_kind = names.into_iter().find(|(name, _)| facts.get(name).is_some());
    source_kind.map_or("-", |(_, words)| words).to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_row_names_the_role_and_the_kind_of_the_source() {
        let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
        let deploy = json!([{ "RoleArn": role("Deploy") }]);
        for (source, hops, row) in [
            (json!({ "access_key_id": "AKIA0001" }), &deploy, "123456789012 Deploy key …0001"),
            (
                json!({ "access_key_id": "AKIA0001", "mfa_session": "arn:aws:iam::1:mfa/ann" }),
                &json!([]),
                "- MFA session key …0001",
            ),
            (
                json!({ "sso_start_url": "https://x", "sso_account_id": "111122223333", "sso_role_name": "Dev" }),
                &json!([]),
                "111122223333 Dev IAM Identity Center",
            ),
            (json!({ "login_session": "s" }), &deploy, "123456789012 Deploy aws login"),
            (json!({ "credential_process": "p" }), &deploy, "123456789012 Deploy credential process"),
            (
                json!({ "web_identity_role_arn": role("Web"), "token": { "credential_process": "p" } }),
                &json!([]),
                "123456789012 Web web identity",
            ),
            (json!({ "web_identity_role_arn": role("Web") }), &deploy, "123456789012 Deploy web identity"),
            (json!({ "container_uri": "http://x" }), &deploy, "123456789012 Deploy container endpoint"),
            (json!({ "instance_metadata": "http://x" }), &deploy, "123456789012 Deploy instance metadata"),
            (json!({}), &json!([]), "- - -"),
        ] {
            let facts: Value = json!({ "source": source, "hops": hops });
            let now = SystemTime::UNIX_EPOCH;
            let session =
                SessionSummary { facts, issued_at: now, expiration: now + Duration::from_secs(3600) };
            let table = session_table(&[session], now, None);
            let words: Vec<&str> = table.lines().nth(1).unwrap_or_default().split_whitespace().collect();
            assert_eq!(words.join(" "), format!("{row} 1h"));
        }
    }
}
