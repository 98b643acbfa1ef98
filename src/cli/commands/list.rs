//! `arl list`: one table of the roles that profiles name, then other cached sessions, and the sign-ins.

use std::collections::HashSet;
use std::time::SystemTime;

use arl::internal::{SharedConfig, SourceResolver, TokenStore};
use serde_json::json;

use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::roles::pattern::Pattern;
use crate::cli::roles::{self, KnownRole};
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::session_table;
use crate::cli::ui::sign_in_table::{self, ListedSignIn};
use crate::cli::ui::text::{format_table, human_duration, printable};

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct ListArgs {
    /// Show only roles whose profile, account or role contains this text; `*` stands for any text
    pattern: Option<String>,
    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,
}

const HEADINGS: [&str; 7] = ["", "PROFILE", "ACCOUNT", "ROLE", "SOURCE", "MFA", "LEFT"];

pub(crate) fn run(args: &ListArgs, output: &Output) -> Result<(), CliError> {
    let context = Context::read()?;
    let config = context.shared_config()?;
    let var = |name: &str| vars::get(name);
    let resolver = SourceResolver::new(&config, &var, arl::internal::ShellRole::Ignore);
    let now = Context::now();
    let pattern = args.pattern.as_deref().map(Pattern::new);
    let is_wanted = |texts: &[&str]| {
        pattern.as_ref().is_none_or(|pattern| texts.iter().any(|text| pattern.matches(text)))
    };
    let mut sessions = roles::cached_sessions(&context, output);
    let roles = roles::profile_roles(&config, &sessions, output, |role| {
        is_wanted(&[&role.name, &role.account_id, &role.role_name])
    });
    // A session of a role in the table stands there already.
    let listed: HashSet<String> =
        roles.iter().filter_map(|role| Some(role.role_arn.as_ref()?.to_string())).collect();
    if !args.json {
        sessions.retain(|session| session.role_arn().is_none_or(|arn| !listed.contains(arn)));
    }
    sessions.retain(|session| is_wanted(&[session.role_arn().unwrap_or_default()]));
    let sign_ins =
        if pattern.is_some() { Vec::new() } else { sign_ins(&config, &resolver, &context, output) };
    let text = if args.json {
        roles.iter().map(|role| json_line(role, now)).collect::<String>()
            + &session_table::session_lines(&sessions, now)
            + &sign_in_table::sign_in_lines(&sign_ins, now)
    } else {
        if roles.is_empty() {
            output.note(if pattern.is_some() {
                "no profile with a role matches"
            } else {
                "no profile has a role"
            });
        }
        let tables = [
            role_table(&roles, now),
            session_table::session_table(&sessions, now),
            sign_in_table::sign_in_table(&sign_ins, now),
        ];
        tables.into_iter().filter(|table| !table.is_empty()).collect::<Vec<_>>().join("\n")
    };
    output.write_data(text.as_bytes())
}

/// Returns the role as one line of JSON.
fn json_line(role: &KnownRole, now: SystemTime) -> String {
    let seconds_left = role.expiration.map(|end| end.duration_since(now).unwrap_or_default().as_secs());
    let object = json!({
        "profile": role.name,
        "role_arn": role.role_arn.as_ref().map(ToString::to_string),
        "account_id": role.account_id,
        "role_name": role.role_name,
        "source": role.source,
        "mfa": role.needs_mfa,
        "mfa_serial": role.mfa_serial,
        "region": role.region,
        "current": role.is_current,
        "error": role.fault,
        "seconds_left": seconds_left,
    });
    format!("{object}\n")
}

/// Returns the role as a row of the table.
fn table_row(role: &KnownRole, now: SystemTime) -> [String; HEADINGS.len()] {
    let mark = match (role.is_current, &role.fault) {
        (true, _) => "*",
        (false, Some(_)) => "!",
        (false, None) => "",
    };
    let source = match &role.fault {
        Some(fault) => format!("{}: {fault}", role.source),
        None => role.source.clone(),
    };
    let mfa = if role.needs_mfa { "yes" } else { "" };
    let left = role.expiration.and_then(|end| end.duration_since(now).ok()).map(human_duration);
    [mark, &role.name, &role.account_id, &role.role_name, &source, mfa, &left.unwrap_or_default()]
        .map(printable)
}

/// Returns the roles as a table. Without roles it is empty.
fn role_table(roles: &[KnownRole], now: SystemTime) -> String {
    if roles.is_empty() {
        return String::new();
    }
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(roles.iter().map(|role| table_row(role, now)));
    format_table(&rows)
}

/// Returns the configured sign-ins: those of sessions, then those of profiles with a start URL of their own.
fn sign_ins(
    config: &SharedConfig<'_>,
    resolver: &SourceResolver<'_>,
    context: &Context,
    output: &Output,
) -> Vec<ListedSignIn> {
    let Some(store) = context.home().map(TokenStore::new) else { return Vec::new() };
    let named = config.sso_session_names().into_iter().map(|name| resolver.sso_session(name));
    let legacy = config.profile_names().into_iter().filter(|name| {
        let has = |key| config.profile(name).is_some_and(|section| section.get_non_empty(key).is_some());
        has("sso_start_url") && !has("sso_session")
    });
    let sessions = named.chain(legacy.map(|name| resolver.sso_session_of_profile(name)));
    let mut listed: Vec<ListedSignIn> = Vec::new();
    for session in sessions {
        let read = session.map_err(|error| error.to_string()).and_then(|session| {
            let token = store.read(&session).map_err(|error| error.to_string())?;
            Ok(ListedSignIn { session, token })
        });
        match read {
            Ok(sign_in) if listed.iter().any(|other| other.session == sign_in.session) => {}
            Ok(sign_in) => listed.push(sign_in),
            Err(error) => output.note(&error),
        }
    }
    listed
}
