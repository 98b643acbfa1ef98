//! Completes names of IAM Identity Center from the shared files and the cache.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use arl::internal::{RoleProfile, SharedConfig};
use clap_complete::engine::CompletionCandidate;

use super::known::{MAX_DESCRIBED, Typed, with_known};

/// Completes the name of a sign-in.
pub(crate) fn sign_ins(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = Typed::new(typed);
    with_known(|known| {
        let help = |name: &str| {
            let url =
                known.config.sso_session(name).and_then(|section| section.get_non_empty("sso_start_url"));
            url.map_or_else(|| "sign-in".to_owned(), str::to_owned)
        };
        let names = known.config.sso_session_names().into_iter();
        names.filter_map(|name| typed.candidate(name, help(name))).collect()
    })
}

/// Completes the ID of an account, from cached catalogs and from profiles.
pub(crate) fn account_ids(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = Typed::new(typed);
    with_known(|known| {
        let mut accounts = BTreeMap::new();
        for (profile, account, _) in profile_roles(known.config) {
            accounts.entry(account).or_insert_with(|| format!("of profile {profile}"));
        }
        for account in known.catalogs().into_iter().flat_map(|catalog| catalog.accounts) {
            let help = if account.name.is_empty() { "IAM Identity Center".to_owned() } else { account.name };
            accounts.insert(account.id, help);
        }
        accounts.iter().filter_map(|(id, help)| typed.candidate(id, help)).collect()
    })
}

/// Completes the name of a role, from cached catalogs and from profiles.
pub(crate) fn role_names(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = Typed::new(typed);
    with_known(|known| {
        // The accounts in which each role is known.
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut insert = |name: String, account: String| {
            let accounts = names.entry(name).or_default();
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        };
        for (_, account, role) in profile_roles(known.config) {
            insert(role, account);
        }
        for account in known.catalogs().into_iter().flat_map(|catalog| catalog.accounts) {
            for role in account.roles.into_iter().flatten() {
                insert(role, account.id.clone());
            }
        }
        let help = |accounts: &[String]| match accounts {
            [one] => format!("in {one}"),
            several => format!("in {} accounts", several.len()),
        };
        names.iter().filter_map(|(name, accounts)| typed.candidate(name, help(accounts))).collect()
    })
}

/// Returns the profiles with a role, each with the ID of the account and the name of the role.
fn profile_roles<'a>(config: &'a SharedConfig<'_>) -> impl Iterator<Item = (&'a str, String, String)> {
    config.profile_names().into_iter().take(MAX_DESCRIBED).filter_map(|name| {
        let section = config.profile(name)?;
        let get = |key| section.get_non_empty(key).map(str::to_owned);
        match RoleProfile::read(name, section).ok().flatten() {
            Some(role) => {
                let arn = role.role_arn;
                Some((name, arn.account_id().to_string(), arn.role_name().to_owned()))
            }
            None => Some((name, get("sso_account_id")?, get("sso_role_name")?)),
        }
    })
}
