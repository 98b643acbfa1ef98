//! `arl list`: lists the role profiles of the shared config, the cached sessions, and the sign-ins.

use arl::internal::{
    RoleArn, RoleProfile, Section, SessionSummary, SharedConfig, SourceResolver, TokenStore, web_identity_key,
};
use serde_json::json;

use crate::cli::env::cache_location::CacheLocation;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::session_table;
use crate::cli::ui::sign_in_table::{self, ListedSignIn};
use crate::cli::ui::text::{format_table, printable};

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct ListArgs {
    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,
}

const HEADINGS: [&str; 5] = ["PROFILE", "ACCOUNT", "ROLE", "SOURCE", "MFA"];

pub(crate) fn run(args: &ListArgs, output: &Output) -> Result<(), CliError> {
    let context = Context::read()?;
    let config = context.shared_config()?;
    let var = |name: &str| vars::get(name);
    let resolver = SourceResolver::new(&config, &var, arl::internal::ShellRole::Ignore);
    let roles: Vec<ListedRole> = config
        .profile_names()
        .into_iter()
        .filter_map(|name| ListedRole::read(name, config.profile(name)?, output))
        .collect();
    let sessions = sessions(&context, output);
    let sign_ins = sign_ins(&config, &resolver, &context, output);
    let now = Context::now();
    let text = if args.json {
        roles.iter().map(ListedRole::to_json).collect::<String>()
            + &session_table::session_lines(&sessions, now)
            + &sign_in_table::sign_in_lines(&sign_ins, now)
    } else {
        if roles.is_empty() {
            output.note("no profile has a role");
        }
        let tables = [
            role_table(&roles, &resolver),
            session_table::session_table(&sessions, now),
            sign_in_table::sign_in_table(&sign_ins, now),
        ];
        tables.into_iter().filter(|table| !table.is_empty()).collect::<Vec<_>>().join("\n")
    };
    output.write_data(text.as_bytes())
}

/// The role of a profile.
struct ListedRole {
    profile: String,
    /// `None` for a role of IAM Identity Center, whose ARN only the service knows.
    role_arn: Option<RoleArn>,
    account_id: String,
    role_name: String,
    source: String,
    mfa_serial: Option<String>,
    region: Option<String>,
}

impl ListedRole {
    /// Reads the role of a profile, if it has one. An invalid profile is noted and left out.
    fn read(name: &str, section: &Section<'_>, output: &Output) -> Option<Self> {
        match RoleProfile::read(name, section) {
            Ok(Some(profile)) => Some(Self {
                profile: name.to_owned(),
                account_id: profile.role_arn.account_id().to_string(),
                role_name: profile.role_arn.role_name().to_owned(),
                role_arn: Some(profile.role_arn),
                source: source_label(section),
                mfa_serial: profile.mfa_serial.map(|serial| serial.to_string()),
                region: profile.region,
            }),
            Ok(None) if section.get("sso_role_name").is_some() => Some(Self {
                profile: name.to_owned(),
                role_arn: None,
                account_id: section.get("sso_account_id")?.to_owned(),
                role_name: section.get("sso_role_name")?.to_owned(),
                source: section.get("sso_session").unwrap_or("IAM Identity Center").to_owned(),
                mfa_serial: None,
                region: section.get_non_empty("region").map(str::to_owned),
            }),
            // A profile with a token file assumes its role with a web identity.
            Ok(None) => {
                web_identity_key(section)?;
                let role_arn: RoleArn = section.get("role_arn")?.parse().ok()?;
                Some(Self {
                    profile: name.to_owned(),
                    account_id: role_arn.account_id().to_string(),
                    role_name: role_arn.role_name().to_owned(),
                    role_arn: Some(role_arn),
                    source: "web identity".to_owned(),
                    mfa_serial: None,
                    region: section.get_non_empty("region").map(str::to_owned),
                })
            }
            Err(error) => {
                output.note(&error.to_string());
                None
            }
        }
    }

    /// Returns the role as one line of JSON.
    fn to_json(&self) -> String {
        let object = json!({
            "profile": self.profile,
            "role_arn": self.role_arn.as_ref().map(ToString::to_string),
            "account_id": self.account_id,
            "role_name": self.role_name,
            "source": self.source,
            "mfa_serial": self.mfa_serial,
            "region": self.region,
        });
        format!("{object}\n")
    }

    /// Returns the role as a row of the table.
    fn to_row(&self, resolver: &SourceResolver<'_>) -> [String; HEADINGS.len()] {
        // A role on the way may ask for a code as well.
        let needs_mfa_upstream = || {
            let chain = resolver.profile(&self.profile);
            chain.is_ok_and(|chain| chain.hops.iter().any(|(_, hop)| hop.mfa_serial.is_some()))
        };
        let mfa = if self.mfa_serial.is_some() || needs_mfa_upstream() { "yes" } else { "no" };
        [&*self.profile, &self.account_id, &self.role_name, &self.source, mfa].map(printable)
    }
}

/// Returns the roles as a table. Without roles it is empty.
fn role_table(roles: &[ListedRole], resolver: &SourceResolver<'_>) -> String {
    if roles.is_empty() {
        return String::new();
    }
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(roles.iter().map(|role| role.to_row(resolver)));
    format_table(&rows)
}

/// Returns the cached sessions. An error of the cache must not hide the profiles.
fn sessions(context: &Context, output: &Output) -> Vec<SessionSummary> {
    let cached =
        || CacheLocation::from_env(context).ok()?.open(output).ok()??.list(Context::now(), usize::MAX).ok();
    let mut sessions = cached().unwrap_or_default();
    sessions.sort_by_key(|session| session.expiration);
    sessions
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

fn source_label(section: &Section<'_>) -> String {
    if let Some(name) = section.get_non_empty("arl_keys") {
        return format!("keys:{name}");
    }
    section.get("source_profile").or_else(|| section.get("credential_source")).unwrap_or("-").to_owned()
}
