//! The role that a command line names.

use arl::internal::{Partition, RoleArn, RoleRef, SharedConfig};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::ui::error::CliError;

pub(crate) fn typed_role(args: &RoleArgs) -> Result<RoleRef, CliError> {
    let text = match (&args.role, &args.account_id, &args.role_name) {
        (Some(role), ..) => role.clone(),
        (None, Some(account), Some(name)) => {
            let account: arl::internal::AccountId =
                account.parse().map_err(|error| CliError::usage(format!("--account-id {error}")))?;
            return Ok(RoleRef::AccountRole(account, name.clone()));
        }
        _ => String::new(),
    };
    RoleRef::parse(&text).map_err(|error| CliError::usage(format!("not a role: {error}")))
}

/// Returns the name that a user knows the role by: the profile as typed, else `ACCOUNT/NAME`.
///
/// Prompts show it, so a profile's name counts only if no prompt and no status line gives its characters a meaning.
pub(crate) fn display_name(args: &RoleArgs, role_arn: Option<&RoleArn>) -> Option<String> {
    let is_plain = |name: &str| name.chars().all(|c| c.is_alphanumeric() || " _.@/+:=,-".contains(c));
    let account_role = || role_arn.map(|arn| format!("{}/{}", arn.account_id(), arn.role_name()));
    match (typed_role(args), &args.role) {
        (Ok(RoleRef::Profile(_)), Some(name)) if is_plain(name) => Some(name.clone()),
        (Ok(RoleRef::IdentityCenter { account, role_name, .. }), _) => Some(format!("{account}/{role_name}")),
        _ => account_role(),
    }
}

pub(crate) fn role_arn(
    role: &RoleRef,
    args: &RoleArgs,
    region: Option<&str>,
) -> Result<Option<RoleArn>, CliError> {
    let partition = match &args.partition {
        Some(name) => name.parse().map_err(|error| CliError::usage(format!("--partition {error}")))?,
        None => Partition::for_region(region.unwrap_or_default()),
    };
    if let RoleRef::Arn(arn) = role {
        check_partition(args, arn)?;
    }
    role.arn(&partition).map_err(|error| CliError::usage(format!("not a role: {error}")))
}

/// Refuses a `--partition` that contradicts a role whose ARN is known.
pub(crate) fn check_partition(args: &RoleArgs, arn: &RoleArn) -> Result<(), CliError> {
    match &args.partition {
        Some(named) if *named != arn.partition().as_str() => Err(CliError::usage(format!(
            "--partition says `{named}`, and `{arn}` is in `{}`",
            arn.partition()
        ))),
        _ => Ok(()),
    }
}

pub(crate) fn unknown_role(name: &str, config: &SharedConfig<'_>, context: &Context) -> CliError {
    let path = context.display_path(arl::internal::SharedFile::Config);
    let error = CliError::new(format!(
        "`{name}` is neither a role ARN, nor ACCOUNT/NAME, nor SESSION:ACCOUNT/NAME, nor a profile in `{path}`"
    ));
    let digits = name.split('/').next().unwrap_or_default();
    if name.contains('/') && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let zeros = if digits.len() < 12 { "; are leading zeros missing?" } else { "" };
        return error.hint(format!("an account ID has 12 digits, `{digits}` has {}{zeros}", digits.len()));
    }
    match arl::internal::closest(name, config.profile_names()).as_slice() {
        [] if !config.profile_names().is_empty() => error.hint("`arl list` shows the role profiles"),
        [] => error,
        similar => error.hint(format!("did you mean `{}`?", similar.join("`, `"))),
    }
}
