//! `arl list`: the role profiles of the shared config, and the sessions that are kept.

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
    /// Print JSON, one object in a line
    #[arg(long)]
    json: bool,
}

/// The source of a role that a token's issuer is trusted by.
const WEB_IDENTITY_LABEL: &str = "web identity";
const HEADINGS: [&str; 5] = ["PROFILE", "ACCOUNT", "ROLE", "SOURCE", "MFA"];

pub(crate) fn run(args: &ListArgs, output: &Output) -> Result<(), CliError> {
    let context = Context::read()?;
    let config = context.shared_config()?;
    let var = |name: &str| vars::get(name);
    let resolver = SourceResolver::new(&config, &var, arl::internal::ShellRole::Ignore);
    let mut rows = Vec::new();
    let mut text = String::new();
    for name in config.profile_names() {
        let Some(section) = config.profile(name) else { continue };
        let profile = match RoleProfile::read(name, section) {
            Ok(Some(profile)) => profile,
            Ok(None) => {
                // A web identity's role has nothing else that would be told here.
                let arn = section.get("role_arn").and_then(|arn| arn.parse::<RoleArn>().ok());
                let Some(arn) = arn.filter(|_| section.get_non_empty("web_identity_token_file").is_some())
                else {
                    continue;
                };
                if args.json {
                    let object = json!({
                        "profile": name, "role_arn": arn.to_string(), "account_id": arn.account_id().to_string(),
                        "source": WEB_IDENTITY_LABEL, "mfa_serial": null, "region": section.get_non_empty("region"),
                    });
                    text.push_str(&format!("{object}\n"));
                } else {
                    let account = arn.account_id().to_string();
                    let row = [name, &account, arn.role_name(), WEB_IDENTITY_LABEL, "no"];
                    rows.push(row.map(printable));
                }
                continue;
            }
            Err(error) => {
                output.note(&CliError::new(error.to_string()).error);
                continue;
            }
        };
        let (account, role) = (profile.role_arn.account_id().to_string(), profile.role_arn.role_name());
        if args.json {
            let object = json!({
                "profile": name,
                "role_arn": profile.role_arn.to_string(),
                "account_id": account,
                "source": source_label(section),
                "mfa_serial": profile.mfa_serial.map(|serial| serial.to_string()),
                "region": profile.region,
            });
            text.push_str(&format!("{object}\n"));
        } else {
            // A code may be asked for on the way here.
            let needs_mfa_upstream = || {
                let chain = resolver.profile(name);
                chain.is_ok_and(|chain| chain.hops.iter().any(|(_, hop)| hop.mfa_serial.is_some()))
            };
            let mfa = if profile.mfa_serial.is_some() || needs_mfa_upstream() { "yes" } else { "no" };
            rows.push([name, &account, role, source_label(section), mfa].map(printable));
        }
    }
    let sessions = sessions(&context, output);
    if args.json {
        text.push_str(&session_table::session_lines(&sessions, Context::now()));
        return output.write_data(text.as_bytes());
    }
    if rows.is_empty() {
        output.note("no profile has a `role_arn`");
    } else {
        rows.insert(0, HEADINGS.map(str::to_owned));
        text = format_table(&rows);
    }
    let cached = session_table::session_table(&sessions, Context::now());
    if !text.is_empty() && !cached.is_empty() {
        text.push('\n');
    }
    text.push_str(&cached);
    output.write_data(text.as_bytes())
}

/// What is kept and lives. Trouble with the cache is no trouble of the profiles.
fn sessions(context: &Context, output: &Output) -> Vec<SessionSummary> {
    let cached =
        || CacheLocation::from_env(context).ok()?.open(output).ok()??.list(Context::now(), usize::MAX).ok();
    let mut sessions = cached().unwrap_or_default();
    sessions.sort_by_key(|session| session.expiration);
    sessions
}

fn source_label<'a>(section: &'a Section<'_>) -> &'a str {
    section.get("source_profile").or_else(|| section.get("credential_source")).unwrap_or("-")
}
