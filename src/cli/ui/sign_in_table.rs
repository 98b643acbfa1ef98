//! Sign-ins to IAM Identity Center as a table and as JSON; never a secret.

use std::time::SystemTime;

use arl::internal::{SsoSession, SsoToken};
use serde_json::{Value, json};

use crate::cli::ui::json::json_line;
use crate::cli::ui::text::{Fit, format_table_within, human_duration, printable};

/// A sign-in that is configured, with its token if there is one.
pub(crate) struct ListedSignIn {
    pub(crate) session: SsoSession,
    pub(crate) token: Option<SsoToken>,
}

impl ListedSignIn {
    /// Whether arl can get credentials with this sign-in, perhaps after it has renewed the token.
    pub(crate) fn is_good(&self, now: SystemTime) -> bool {
        self.token.as_ref().is_some_and(|token| token.expires_at > now || token.renewal(now).is_some())
    }

    /// Returns the sign-in as JSON. Fields are added and never removed.
    pub(crate) fn to_json(&self, now: SystemTime) -> Value {
        let Self { session, token } = self;
        let end = token.as_ref().map(|token| token.expires_at);
        json!({
            "sign_in": session.label(),
            "sso_session": session.name,
            "start_url": session.start_url,
            "region": session.region,
            "good": self.is_good(now),
            "expiration": end.map(|end| humantime::format_rfc3339_seconds(end).to_string()),
            "seconds_left": end.map(|end| end.duration_since(now).unwrap_or_default().as_secs()),
            "renews": token.as_ref().is_some_and(|token| token.renewal(now).is_some()),
        })
    }

    /// Returns how long the token is valid, and whether it can be renewed.
    pub(crate) fn state(&self, now: SystemTime) -> String {
        let Some(token) = &self.token else { return "not signed in".to_owned() };
        let remaining = token.expires_at.duration_since(now).ok().filter(|remaining| !remaining.is_zero());
        match (remaining, token.renewal(now).is_some()) {
            (Some(remaining), true) => format!("{} left, renews itself", human_duration(remaining)),
            (Some(remaining), false) => format!("{} left", human_duration(remaining)),
            (None, true) => "renews itself".to_owned(),
            (None, false) => "expired".to_owned(),
        }
    }
}

/// Returns the sign-ins as JSON, one object per line.
pub(crate) fn sign_in_lines(sign_ins: &[ListedSignIn], now: SystemTime) -> String {
    sign_ins.iter().map(|sign_in| json_line(&sign_in.to_json(now))).collect()
}

/// Returns the sign-ins as a table of at most this width. Without sign-ins it is empty.
pub(crate) fn sign_in_table(sign_ins: &[ListedSignIn], now: SystemTime, width: Option<usize>) -> String {
    if sign_ins.is_empty() {
        return String::new();
    }
    let mut rows = vec![["SIGN-IN", "START URL", "TOKEN"].map(str::to_owned)];
    rows.extend(sign_ins.iter().map(|sign_in| {
        let ListedSignIn { session, .. } = sign_in;
        [session.label(), &session.start_url, &sign_in.state(now)].map(printable)
    }));
    format_table_within(&rows, width, [Fit::Last(6), Fit::First(9), Fit::Last(8)])
}
