//! How messages name a role.

use std::time::SystemTime;

use arl::internal::{AccountId, Identity, RoleArn};

use crate::cli::ui::text::human_duration;

/// Returns a text such as `prod-deploy (role/Deploy in 123456789012), 59m left` for credentials.
pub(crate) fn session_summary(identity: &Identity, now: SystemTime) -> String {
    let account = identity.credentials.account_id().map(AccountId::as_str);
    let label = role_label(identity.name.as_deref(), identity.role_arn.as_ref(), account);
    match identity.credentials.expiration().and_then(|expiration| expiration.duration_since(now).ok()) {
        Some(remaining) => format!("{label}, {} left", human_duration(remaining)),
        None if identity.credentials.session_token().is_some() => {
            format!("{label}: temporary keys; arl does not know when they expire")
        }
        None => format!("{label}: long-term keys"),
    }
}

/// Returns a label such as `prod-deploy (role/Deploy in 123456789012)`, or `corp-dev (in 123456789012)` for
/// credentials that are not from AssumeRole. `name` is the name that the user gave. The label does not repeat
/// the account and the role's name if `name` contains them.
pub(crate) fn role_label(name: Option<&str>, role_arn: Option<&RoleArn>, account: Option<&str>) -> String {
    let Some(arn) = role_arn else {
        let name = name.unwrap_or("a session");
        return match account.filter(|account| !name.contains(account)) {
            Some(account) => format!("{name} (in {account})"),
            None => name.to_owned(),
        };
    };
    let (account, role) = (arn.account_id(), arn.role_name());
    match name {
        Some(name) if *name != format!("{account}/{role}") => format!("{name} (role/{role} in {account})"),
        _ => format!("role/{role} in {account}"),
    }
}
