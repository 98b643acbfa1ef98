//! Completes values from files, never from the network, and without messages.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use arl::internal::RoleProfile;
use arl::internal::shell::Shell;
use clap_complete::engine::CompletionCandidate;

use crate::cli::args::regions::REGIONS;
use crate::cli::args::services::SERVICES;
use crate::cli::env::cache_location::CacheLocation;
use crate::cli::env::context::Context;
use crate::cli::env::shell_scripts;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::is_unsafe;

/// Completes a ROLE: role profiles first, then other profiles, then roles with a cached session.
pub(crate) fn roles(typed: &OsStr) -> Vec<CompletionCandidate> {
    let (roles, others): (Vec<_>, Vec<_>) =
        matching_profiles(typed).into_iter().partition(|(_, is_role)| *is_role);
    let profiles = roles.into_iter().chain(others).map(|(candidate, _)| candidate);
    profiles.chain(cached_roles(typed)).collect()
}

/// How many cached sessions a completion reads, because the user waits for it.
const MAX_CACHED_ROLES: usize = 256;

/// Completes roles with a cached session: ARNs, and roles of IAM Identity Center.
fn cached_roles(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let output = Output::quiet();
    let now = Context::now();
    let open_cache = || CacheLocation::from_env(&Context::read_user()).ok()?.open(&output).ok()?;
    let sessions = open_cache().and_then(|cache| cache.list(now, MAX_CACHED_ROLES).ok()).unwrap_or_default();
    let names = sessions.iter().filter_map(|session| match session.role_arn() {
        Some(arn) => Some(arn.to_owned()),
        None => session.sso_role(),
    });
    let roles: BTreeSet<String> = names.collect();
    let fit = roles.into_iter().filter(|arn| arn.starts_with(&*typed) && !arn.contains(is_unsafe));
    fit.map(|arn| CompletionCandidate::new(arn).help(Some("used before".into()))).collect()
}

/// Completes the name of a profile.
pub(crate) fn profiles(typed: &OsStr) -> Vec<CompletionCandidate> {
    matching_profiles(typed).into_iter().map(|(candidate, _)| candidate).collect()
}

/// Completes `--region`.
pub(crate) fn regions() -> Vec<CompletionCandidate> {
    REGIONS.into_iter().map(CompletionCandidate::new).collect()
}

/// Completes `--service`.
pub(crate) fn services(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let fit = SERVICES.into_iter().filter(|(name, ..)| name.starts_with(&*typed));
    fit.map(|(name, _, help)| CompletionCandidate::new(name).help(Some(help.into()))).collect()
}

/// Completes the name of a sign-in.
pub(crate) fn sign_ins(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let Ok(context) = Context::read() else { return Vec::new() };
    let Ok(config) = context.shared_config() else { return Vec::new() };
    let names = config.sso_session_names().into_iter();
    let fit = names.filter(|name| name.starts_with(&*typed) && !name.contains(is_unsafe));
    fit.map(|name| CompletionCandidate::new(name).help(Some("sign-in".into()))).collect()
}

/// Completes `--shell`.
pub(crate) fn output_shells() -> Vec<CompletionCandidate> {
    Shell::ALL.into_iter().map(|shell| CompletionCandidate::new(shell.name())).collect()
}

/// Completes the shell of `arl init`.
pub(crate) fn hook_shells() -> Vec<CompletionCandidate> {
    shell_scripts::hook_names().map(CompletionCandidate::new).collect()
}

/// Returns the profiles that begin with what was typed, and whether each has a role.
fn matching_profiles(typed: &OsStr) -> Vec<(CompletionCandidate, bool)> {
    let typed = typed.to_string_lossy();
    let Ok(context) = Context::read() else { return Vec::new() };
    let Ok(config) = context.shared_config() else { return Vec::new() };
    let candidate = |name: &str| {
        let section = config.profile(name)?;
        let role = RoleProfile::read(name, section).ok().flatten();
        let help = role.as_ref().map_or_else(
            || "profile".to_owned(),
            |role| format!("role/{} in {}", role.role_arn.role_name(), role.role_arn.account_id()),
        );
        Some((CompletionCandidate::new(name).help(Some(help.into())), role.is_some()))
    };
    // The shell would execute a control character in a name.
    let names = config.profile_names();
    let fit = names.into_iter().filter(|name| name.starts_with(&*typed) && !name.contains(is_unsafe));
    fit.filter_map(candidate).collect()
}
