//! `arl list`: lists the role profiles of the shared config, and the cached sessions.

use arl::internal::{RoleArn, RoleProfile, Section, SessionSummary, SourceResolver};
use serde_json::json;

use crate::cli::env::cache_location::CacheLocation;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::session_table;
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
    let text = if args.json {
        roles.iter().map(ListedRole::to_json).collect::<String>()
            + &session_table::session_lines(&sessions, Context::now())
    } else {
        if roles.is_empty() {
            output.note("no profile has a `role_arn`");
        }
        let cached = session_table::session_table(&sessions, Context::now());
        let separator = if roles.is_empty() || cached.is_empty() { "" } else { "\n" };
        format!("{}{separator}{cached}", role_table(&roles, &resolver))
    };
    output.write_data(text.as_bytes())
}

/// The role of a profile.
struct ListedRole {
    profile: String,
    role_arn: RoleArn,
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
                role_arn: profile.role_arn,
                source: source_label(section),
                mfa_serial: profile.mfa_serial.map(|serial| serial.to_string()),
                region: profile.region,
            }),
            // A profile with a token file assumes its role with a web identity.
            Ok(None) => {
                let _ = section.get("web_identity_token_file")?;
                Some(Self {
                    profile: name.to_owned(),
                    role_arn: section.get("role_arn")?.parse().ok()?,
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
            "role_arn": self.role_arn.to_string(),
            "account_id": self.role_arn.account_id().to_string(),
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
        let account = self.role_arn.account_id().to_string();
        [&*self.profile, &account, self.role_arn.role_name(), &self.source, mfa].map(printable)
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

fn source_label(section: &Section<'_>) -> String {
    if let Some(name) = section.get_non_empty("arl_keys") {
        return format!("keys:{name}");
    }
    section.get("source_profile").or_else(|| section.get("credential_source")).unwrap_or("-").to_owned()
}
