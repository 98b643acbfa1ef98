//! The environment of a command that runs as the role.

use std::borrow::Cow;
use std::ffi::{CStr, CString, NulError, OsStr, OsString};

use arl::internal::Identity;

use crate::cli::env::vars;
use crate::cli::sys;

/// Returns this process's environment and these variables. It leaves out inherited variables of another
/// identity, and region variables that are not for this one.
pub(crate) fn environment_with<V: Into<OsString>>(
    identity: &Identity,
    variables: Vec<(&'static str, V)>,
) -> Vec<(OsString, OsString)> {
    let is_kept = |name: &OsStr| !is_replaced(name.as_encoded_bytes(), identity, &variables);
    let mut environment: Vec<(OsString, OsString)> = vars::all().filter(|(name, _)| is_kept(name)).collect();
    environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
    environment
}

/// Does the same as [`environment_with`] with the identity's own variables, for `execve`. It copies no
/// inherited variable, and keeps entries without a `=`.
///
/// # Errors
/// A value contains a NUL. No value from STS or a profile does.
pub(crate) fn exec_environment_with(identity: &Identity) -> Result<Vec<Cow<'static, CStr>>, NulError> {
    let variables = identity.variables();
    let name_of = |entry: &'static CStr| entry.to_bytes().split(|&b| b == b'=').next().unwrap_or_default();
    let inherited =
        sys::environment().into_iter().filter(|entry| !is_replaced(name_of(entry), identity, &variables));
    let mut environment: Vec<Cow<'static, CStr>> = inherited.map(Cow::Borrowed).collect();
    for (name, value) in variables {
        environment.push(Cow::Owned(CString::new(format!("{name}={value}"))?));
    }
    Ok(environment)
}

fn is_replaced<V>(name: &[u8], identity: &Identity, variables: &[(&'static str, V)]) -> bool {
    // The shell function sets ARL_SUBSHELL for arl only, not for the command.
    let replaced = identity.replaced_variables().chain([vars::ARL_SUBSHELL]);
    let mut replaced = replaced.chain(variables.iter().map(|(name, _)| *name));
    replaced.any(|other| name == other.as_bytes())
}
