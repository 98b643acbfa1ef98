//! Cached catalogs of IAM Identity Center: roles without a profile, and the names of accounts.

use std::collections::{HashMap, HashSet};

use arl::internal::{Catalog, SessionSummary, SharedConfig, SourceResolver};

use crate::cli::env::cache_location::CacheLocation;
use crate::cli::env::context::Context;
use crate::cli::roles::{KnownRole, RoleOrigin, by_role};

/// Returns the catalogs of the last day, of all sessions. It reads files only.
pub(crate) fn cached_catalogs(
    context: &Context,
    config: &SharedConfig<'_>,
    resolver: &SourceResolver<'_>,
) -> Vec<Catalog> {
    let names = config.sso_session_names();
    if names.is_empty() {
        return Vec::new();
    }
    let Some(store) = CacheLocation::catalogs(context) else { return Vec::new() };
    let sessions = names.into_iter().filter_map(|name| resolver.sso_session(name).ok());
    sessions.filter_map(|session| store.read(&session, Context::now())).collect()
}

/// Returns the names of accounts by their IDs: those of `fresher`, else of `catalogs`.
pub(crate) fn account_names(catalogs: &[Catalog], fresher: &[Catalog]) -> HashMap<String, String> {
    let accounts = catalogs.iter().chain(fresher).flat_map(|catalog| &catalog.accounts);
    let named = accounts.filter(|account| !account.name.is_empty());
    named.map(|account| (account.id.clone(), account.name.clone())).collect()
}

/// Returns the roles of catalogs that no profile names, in the order of sign-ins, account names and roles.
/// `profiles` are the roles of all profiles, and `sessions` the cached sessions.
pub(crate) fn catalog_roles(
    catalogs: &[Catalog],
    profiles: &[KnownRole],
    sessions: &[SessionSummary],
) -> Vec<KnownRole> {
    let named: HashSet<(&str, &str, &str)> = profiles
        .iter()
        .filter(|role| role.role_arn.is_none())
        .map(|role| (role.source.as_str(), role.account_id.as_str(), role.role_name.as_str()))
        .collect();
    let cached = by_role(sessions);
    let mut roles = Vec::new();
    for catalog in catalogs {
        for account in &catalog.accounts {
            for role_name in account.roles.iter().flatten() {
                if named.contains(&(catalog.session.as_str(), account.id.as_str(), role_name.as_str())) {
                    continue;
                }
                let name = format!("{}:{}/{role_name}", catalog.session, account.id);
                let mut role = KnownRole {
                    name,
                    origin: RoleOrigin::IdentityCenter,
                    account_id: account.id.clone(),
                    account_name: Some(account.name.clone()).filter(|name| !name.is_empty()),
                    role_name: role_name.clone(),
                    source: catalog.session.clone(),
                    ..KnownRole::default()
                };
                role.add_session(&cached);
                roles.push(role);
            }
        }
    }
    roles
}
