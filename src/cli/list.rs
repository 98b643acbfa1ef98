//! `arl list`: the role profiles of the shared config.

use arl::{RoleProfile, Section};
use serde_json::json;

use super::context::Context;
use super::report::Report;
use super::{Outcome, Output};

/// List the role profiles of ~/.aws/config
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(super) struct ListArgs {
    /// Print JSON, one object in a line
    #[arg(long)]
    json: bool,
}

const HEADINGS: [&str; 5] = ["PROFILE", "ACCOUNT", "ROLE", "SOURCE", "MFA"];

pub(super) fn run(args: &ListArgs, output: &Output) -> Outcome {
    let context = Context::read()?;
    let config = context.shared_config()?;
    let mut rows = Vec::new();
    let mut text = String::new();
    for name in config.profile_names() {
        let Some(section) = config.profile(name) else { continue };
        let profile = match RoleProfile::read(name, section) {
            Ok(Some(profile)) => profile,
            Ok(None) => continue,
            Err(error) => {
                output.note(&Report::new(error.to_string()).error);
                continue;
            }
        };
        let (account, role) = (profile.role_arn.account_id().to_string(), profile.role_arn.role_name());
        if args.json {
            let object = json!({
                "profile": name,
                "role_arn": profile.role_arn.to_string(),
                "account_id": account,
                "source": source(section),
                "mfa_serial": profile.mfa_serial.map(|serial| serial.to_string()),
                "region": profile.region,
            });
            text.push_str(&format!("{object}\n"));
        } else {
            let mfa = if profile.mfa_serial.is_some() { "yes" } else { "no" };
            rows.push([name, &account, role, source(section), mfa].map(super::output::printable));
        }
    }
    if !args.json {
        if rows.is_empty() {
            output.note("no profile has a `role_arn`");
            return Ok(());
        }
        rows.insert(0, HEADINGS.map(str::to_owned));
        text = table(&rows);
    }
    output.data(text.as_bytes())
}

fn source<'a>(section: &'a Section<'_>) -> &'a str {
    section.get("source_profile").or_else(|| section.get("credential_source")).unwrap_or("-")
}

/// Columns as wide as their widest cell; the last one as wide as it is.
fn table(rows: &[[String; 5]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..4).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(&row[4]);
        text.push('\n');
    }
    text
}
