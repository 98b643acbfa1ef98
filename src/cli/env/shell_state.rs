//! The role and the keys of the shell that started arl, as far as the environment shows them.

use std::os::unix::ffi::OsStringExt;
use std::time::{Duration, UNIX_EPOCH};

use arl::internal::shell::{EnvSnapshot, RestorePoint, ShellState};
use arl::internal::{REGION_VARIABLES, RoleArn};

use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::ui::role_label::role_label;
use crate::cli::ui::text::printable;

/// The shell variables with the values that the shell had before its role. arl never exports them.
const RESTORE_VARIABLES: [&str; 2] = ["__arl_restore", "__arl_region"];
/// The shell variables with the arguments by which the last roles were assumed. arl never exports them
/// either.
const MEMORY_VARIABLES: [&str; 2] = ["__arl_last", "__arl_previous"];

pub(crate) fn shell_state() -> ShellState {
    let restore_is_untrusted = RESTORE_VARIABLES.iter().any(|name| vars::raw(name).is_some());
    match (vars::get(vars::AWS_ACCESS_KEY_ID), vars::get(vars::ARL_KEY_ID)) {
        (Some(key), Some(role_key)) if key == role_key => ShellState::Role { restore_is_untrusted },
        (Some(_), _) => ShellState::OtherKeys { restore_is_untrusted },
        (None, _) => ShellState::NoKeys { restore_is_untrusted },
    }
}

/// Whether the variables with those arguments are in the environment: then another program has set them.
pub(crate) fn role_memory_is_untrusted() -> bool {
    MEMORY_VARIABLES.iter().any(|name| vars::raw(name).is_some())
}

/// Whether the shell gets its credentials from an endpoint of arl, because `exec --server` started it.
pub(crate) fn uses_arl_endpoint() -> bool {
    let endpoint = vars::get(vars::ARL_ENDPOINT);
    endpoint.is_some() && endpoint == vars::get(vars::AWS_CONTAINER_CREDENTIALS_FULL_URI)
}

/// Returns the variables and values that the shell must save before it gets a role.
pub(crate) fn restore_point() -> RestorePoint {
    let snapshot = EnvSnapshot::capture(|name| vars::raw(name).map(OsStringExt::into_vec));
    match shell_state() {
        ShellState::Role { restore_is_untrusted: true } => RestorePoint::Untrusted,
        ShellState::Role { restore_is_untrusted: false } => RestorePoint::Existing(snapshot.only_region()),
        ShellState::NoKeys { .. } | ShellState::OtherKeys { .. } => RestorePoint::Capture(snapshot),
    }
}

/// Returns the variables that are left of a role after other keys replaced it: its expiration, which botocore
/// would apply to the new keys, its account, and the region that arl set for it.
pub(crate) fn leftover_variables() -> Vec<&'static str> {
    let var = |name| vars::get(name);
    let end = var(vars::ARL_EXPIRES_AT).and_then(|seconds| seconds.parse().ok());
    let expiration = end.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    let account = var(vars::ARL_ROLE_ARN).and_then(|arn| arn.parse::<RoleArn>().ok());
    let account = account.map(|arn| arn.account_id().to_string());
    let of_role = [
        (
            "AWS_CREDENTIAL_EXPIRATION",
            expiration.map(|expiration| humantime::format_rfc3339_seconds(expiration).to_string()),
        ),
        ("AWS_ACCOUNT_ID", account),
    ];
    let is_left = |(name, value): (&'static str, Option<String>)| (value? == var(name)?).then_some(name);
    let region = var(vars::ARL_REGION);
    let regions = REGION_VARIABLES.into_iter().filter(|name| region.is_some() && var(name) == region);
    of_role.into_iter().filter_map(is_left).chain(regions).collect()
}

/// Returns how long ago the session in the environment expired. `None` if it has not, or has no known
/// expiration.
pub(crate) fn expired_since() -> Option<Duration> {
    let end: u64 = vars::get(vars::ARL_EXPIRES_AT)?.parse().ok()?;
    let expiration = UNIX_EPOCH.checked_add(Duration::from_secs(end))?;
    Context::now().duration_since(expiration).ok()
}

/// Returns a label such as `prod-deploy (role/Deploy in 123456789012)` for the session in the environment.
pub(crate) fn session_label() -> String {
    let role_arn: Option<RoleArn> = vars::get(vars::ARL_ROLE_ARN).and_then(|arn| arn.parse().ok());
    let account = vars::get(vars::AWS_ACCOUNT_ID);
    printable(&role_label(vars::get(vars::ARL_ROLE).as_deref(), role_arn.as_ref(), account.as_deref()))
}
