//! Completes roles and profiles.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;

use arl::internal::{
    RoleProfile, Section, SessionSummary, SharedConfig, SharedFile, files, managed_profiles,
};
use clap_complete::engine::CompletionCandidate;

use super::known::{Known, MAX_DESCRIBED, Typed, candidate, with_known};
use crate::cli::env::context::Context;
use crate::cli::ui::text::{human_duration, last_four};

/// Completes a ROLE: role profiles first, then other profiles, then roles with a cached session, then roles
/// of cached catalogs.
pub(crate) fn roles(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = Typed::new(typed);
    with_known(|known| {
        let profiles = matching_profiles(known.config, &typed);
        let mut named: HashSet<String> =
            profiles.iter().filter_map(|profile| profile.sso_role.clone()).collect();
        let (roles, others): (Vec<_>, Vec<_>) = profiles.into_iter().partition(|profile| profile.is_role);
        let mut candidates: Vec<CompletionCandidate> =
            roles.into_iter().chain(others).map(|profile| profile.candidate).collect();
        for (role, session) in cached_roles(known) {
            let left = session.expiration.duration_since(Context::now()).unwrap_or_default();
            let help = format!("used before, {} left", human_duration(left));
            candidates.extend(typed.candidate(&role, help));
            named.insert(role);
        }
        for catalog in known.catalogs() {
            for account in &catalog.accounts {
                for role in account.roles.iter().flatten() {
                    let name = format!("{}:{}/{role}", catalog.session, account.id);
                    if typed.fits(&name) && !named.contains(&name) {
                        candidates.extend(typed.candidate(&name, format!("{role} in {}", account.name)));
                    }
                }
            }
        }
        candidates
    })
}

/// Completes the name of a profile.
pub(crate) fn profiles(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = Typed::new(typed);
    with_known(|known| {
        matching_profiles(known.config, &typed).into_iter().map(|profile| profile.candidate).collect()
    })
}

/// Completes the name of a profile whose keys arl wrote.
pub(crate) fn written_profiles(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = Typed::new(typed);
    let Some(path) = Context::read_user().file_path(SharedFile::Credentials) else { return Vec::new() };
    let text = files::read(&path, files::MAX_CONFIG).unwrap_or_default();
    managed_profiles(&text).into_iter().filter_map(|name| typed.candidate(name, "written by arl")).collect()
}

/// A profile whose name begins with the typed text.
struct MatchingProfile {
    candidate: CompletionCandidate,
    is_role: bool,
    /// The role of IAM Identity Center that it names, as `SESSION:ACCOUNT/NAME`.
    sso_role: Option<String>,
}

fn matching_profiles(config: &SharedConfig<'_>, typed: &Typed<'_>) -> Vec<MatchingProfile> {
    let names: Vec<&str> = config.profile_names().into_iter().filter(|name| typed.fits(name)).collect();
    if names.len() > MAX_DESCRIBED {
        let plain =
            |name: &str| MatchingProfile { candidate: candidate(name), is_role: true, sso_role: None };
        return names.into_iter().map(plain).collect();
    }
    names.into_iter().filter_map(|name| describe(name, config.profile(name)?)).collect()
}

fn describe(name: &str, section: &Section<'_>) -> Option<MatchingProfile> {
    let get = |key| section.get_non_empty(key);
    let role = RoleProfile::read(name, section).ok().flatten();
    let sso = get("sso_account_id").zip(get("sso_role_name"));
    let help = if let Some(role) = &role {
        let source = get("source_profile").or_else(|| get("credential_source")).or_else(|| get("arl_keys"));
        let source = source.map(|source| format!(" from {source}")).unwrap_or_default();
        format!("role/{} in {}{source}", role.role_arn.role_name(), role.role_arn.account_id())
    } else if let Some((account, role)) = sso {
        format!("{role} in {account}, IAM Identity Center")
    } else if let Some(key) = get("aws_access_key_id") {
        format!("keys …{}", last_four(key))
    } else if get("credential_process").is_some() {
        "credential_process".to_owned()
    } else {
        "profile".to_owned()
    };
    let sso_role =
        sso.zip(get("sso_session")).map(|((account, role), session)| format!("{session}:{account}/{role}"));
    let candidate = candidate(name).help(Some(help.into()));
    Some(MatchingProfile { candidate, is_role: role.is_some() || sso.is_some(), sso_role })
}

/// Returns the roles with a cached session, by the ROLE that the user would type: an ARN, or
/// `SESSION:ACCOUNT/NAME`. Of several sessions the last one to expire counts.
fn cached_roles(known: &Known<'_>) -> BTreeMap<String, SessionSummary> {
    let mut roles: BTreeMap<String, SessionSummary> = BTreeMap::new();
    for session in known.sessions() {
        let Some(role) = session.role_arn().map(str::to_owned).or_else(|| session.sso_role()) else {
            continue;
        };
        let is_longer = |other: &SessionSummary| other.expiration < session.expiration;
        if roles.get(&role).is_none_or(is_longer) {
            roles.insert(role, session);
        }
    }
    roles
}
