//! How messages name a role.

use std::time::SystemTime;

use arl::internal::{Identity, RoleArn};

use crate::cli::ui::text::human_duration;

/// Returns a text such as `prod-deploy (role/Deploy in 123456789012), 59m left` for credentials.
pub(crate) fn session_summary(identity: &Identity, now: SystemTime) -> String {
    let label = role_label(identity.name.as_deref(), identity.role_arn.as_ref());
    match identity.credentials.expiration().and_then(|expiration| expiration.duration_since(now).ok()) {
        Some(remaining) => format!("{label}, {} left", human_duration(remaining)),
        None => format!("{label}: long-term keys"),
    }
}

/// Returns a label such as `prod-deploy (role/Deploy in 123456789012)`. `name` is the name that the user
/// gave. It is left out if it only repeats the account and the role's name.
pub(crate) fn role_label(name: Option<&str>, role_arn: Option<&RoleArn>) -> String {
    let Some(arn) = role_arn else { return name.unwrap_or("a session").to_owned() };
    let (account, role) = (arn.account_id(), arn.role_name());
    match name {
        Some(name) if *name != format!("{account}/{role}") => format!("{name} (role/{role} in {account})"),
        _ => format!("role/{role} in {account}"),
    }
}
