//! The choices of the picker, without a network call: the roles that were used last, then those of profiles,
//! then those of cached catalogs.

use std::cmp::Reverse;
use std::collections::HashSet;

use arl::internal::{RoleArn, RoleRef, SessionSummary, ShellRole, SourceResolver};

use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::roles;
use crate::cli::roles::catalogs::{account_names, cached_catalogs, catalog_roles};
use crate::cli::roles::{KnownRole, RoleOrigin};
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::picker::Entry;
use crate::cli::ui::text::human_duration;

/// A choice of the picker.
#[derive(Debug)]
pub(super) enum Choice {
    /// The role that this word names.
    Role(String),
    /// The accounts and roles that the session with this name offers.
    Offered(String),
}

/// Returns the choices, and the entry of each.
pub(super) fn candidates(context: &Context) -> Result<(Vec<Choice>, Vec<Entry>), CliError> {
    let config = context.shared_config()?;
    let var = |name: &str| vars::get(name);
    let resolver = SourceResolver::new(&config, &var, ShellRole::Ignore);
    // The list, or `arl list`, shows what is wrong with a profile, so no notes are printed here.
    let output = Output::quiet();
    let sessions = roles::cached_sessions(context, &output);
    let catalogs = cached_catalogs(context, &config, &resolver);
    let mut roles = roles::profile_roles(&config, &sessions, |_| true);
    roles.extend(catalog_roles(&catalogs, &roles, &sessions));
    let known: HashSet<String> = roles.iter().map(KnownRole::identifier).collect();
    roles.extend(
        sessions.iter().filter_map(role_of_session).filter(|role| !known.contains(&role.identifier())),
    );
    roles::name_accounts(&mut roles, &account_names(&catalogs, &[]));
    // Leave out a profile whose name arl would read as something else, for example as ACCOUNT/NAME.
    roles.retain(|role| role.origin != RoleOrigin::Profile || is_typed_as_profile(&role.name));
    let selected = vars::get(vars::AWS_PROFILE);
    roles.sort_by_key(|role| {
        (selected.as_ref() != Some(&role.name), Reverse(role.used_at), role.fault.is_some())
    });
    let entries = roles.iter().map(entry);
    let offered = config.sso_session_names().into_iter().map(str::to_owned);
    let offered: Vec<String> = offered.collect();
    let more = offered.iter().map(|session| {
        Entry::fixed(&format!("more from {session} …"), "ask IAM Identity Center for your accounts and roles")
    });
    let entries = entries.chain(more).collect();
    let choices = roles.into_iter().map(|role| Choice::Role(role.name));
    Ok((choices.chain(offered.into_iter().map(Choice::Offered)).collect(), entries))
}

/// Returns the entry of a role.
pub(super) fn entry(role: &KnownRole) -> Entry {
    let mark = match (role.is_current, &role.fault) {
        (true, _) => '*',
        (false, Some(_)) => '!',
        (false, None) => ' ',
    };
    let account = match &role.account_name {
        Some(name) => format!("{} {name}", role.account_id),
        None => role.account_id.clone(),
    };
    let now = Context::now();
    let left = role.expiration.and_then(|end| end.duration_since(now).ok()).map(human_duration);
    let cells = [&role.name, &account, &role.role_name, &role.source, &left.unwrap_or_default()];
    Entry::new(cells.map(String::as_str), mark, role.fault.as_deref())
}

fn is_typed_as_profile(name: &str) -> bool {
    !name.starts_with('-') && matches!(RoleRef::parse(name), Ok(RoleRef::Profile(parsed)) if parsed == name)
}

/// Returns the role of a cached session that no profile names.
fn role_of_session(session: &SessionSummary) -> Option<KnownRole> {
    let times = KnownRole {
        origin: RoleOrigin::Cache,
        expiration: Some(session.expiration),
        used_at: Some(session.issued_at),
        ..KnownRole::default()
    };
    if let Some(arn) = session.role_arn() {
        let role_arn: RoleArn = arn.parse().ok()?;
        return Some(KnownRole {
            name: arn.to_owned(),
            account_id: role_arn.account_id().to_string(),
            role_name: role_arn.role_name().to_owned(),
            role_arn: Some(role_arn),
            source: "-".to_owned(),
            ..times
        });
    }
    let name = session.sso_role()?;
    let Ok(RoleRef::IdentityCenter { session, account, role_name }) = RoleRef::parse(&name) else {
        return None;
    };
    Some(KnownRole { name, account_id: account.to_string(), role_name, source: session, ..times })
}
