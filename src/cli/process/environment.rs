//! The environment of a command that runs as the role.

use std::ffi::{OsStr, OsString};

use arl::internal::IDENTITY_VARIABLES;

use crate::cli::env::vars;

/// Returns this process's environment with these variables in place of every variable that holds an identity.
pub(crate) fn environment_with<V: Into<OsString>>(
    variables: Vec<(&'static str, V)>,
) -> Vec<(OsString, OsString)> {
    let is_replaced = |name: &OsStr| {
        let replaced = IDENTITY_VARIABLES.iter().chain(variables.iter().map(|(name, _)| name));
        replaced.into_iter().any(|other| name == *other)
    };
    let mut environment: Vec<(OsString, OsString)> =
        vars::all().filter(|(name, _)| !is_replaced(name)).collect();
    environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
    environment
}
