//! How messages name a role.

use arl::internal::RoleArn;

/// Returns a label such as `prod-deploy (role/Deploy in 123456789012)`. `name` is what the user calls the
/// role; it is left out if it only repeats the account and the role's name.
pub(crate) fn role_label(name: Option<&str>, role_arn: Option<&RoleArn>) -> String {
    let Some(arn) = role_arn else { return name.unwrap_or("a session").to_owned() };
    let (account, role) = (arn.account_id(), arn.role_name());
    match name {
        Some(name) if *name != format!("{account}/{role}") => format!("{name} (role/{role} in {account})"),
        _ => format!("role/{role} in {account}"),
    }
}
