//! `arl list`: prints a table of the roles of profiles and of those that IAM Identity Center offers, then the
//! other cached sessions, then the sign-ins.

mod offers;
mod role_table;

use std::collections::HashMap;

use arl::internal::SourceResolver;

use crate::cli::commands::list::offers::Offers;
use crate::cli::commands::list::role_table::{fault_notes, role_line, role_table};
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::roles::catalogs::{account_names, cached_catalogs, catalog_roles};
use crate::cli::roles::pattern::Pattern;
use crate::cli::roles::sign_ins::configured_sign_ins;
use crate::cli::roles::{self, KnownRole, identifier_of};
use crate::cli::session::discovery::Refresh;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output;
use crate::cli::ui::output::Output;
use crate::cli::ui::session_table;
use crate::cli::ui::sign_in_table;

const AFTER_HELP: &str = "* marks this shell's role, ! a profile that does not work.

--sso needs a sign-in; if there is a terminal, arl offers to sign in. arl caches the roles and the \
names of accounts for 24 hours, or until you sign in again or sign out. With hundreds of accounts, --sso \
takes about a minute, because IAM Identity Center limits the requests per second. If it stops answering, arl \
lists what it knows and exits with status 1; the next run continues from there.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, after_long_help = AFTER_HELP)]
pub(crate) struct ListArgs {
    /// Show only roles whose profile, account or role contains this text; `*` matches any text
    pattern: Option<String>,
    /// Add the roles of IAM Identity Center that have no profile
    #[arg(long)]
    sso: bool,
    /// Ask IAM Identity Center again, even if its last answer is younger than 24 hours
    #[arg(long, requires = "sso")]
    refresh: bool,
    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ListArgs, output: &Output) -> Result<ExitStatus, CliError> {
    let context = Context::read()?;
    let config = context.shared_config()?;
    let var = |name: &str| vars::get(name);
    let resolver = SourceResolver::new(&config, &var, arl::internal::ShellRole::Ignore);
    let pattern = args.pattern.as_deref().map(Pattern::new);
    let mut offers = Offers::default();
    if args.sso {
        let refresh = if args.refresh { Refresh::Yes } else { Refresh::No };
        offers.find(refresh, pattern.as_ref(), &context, &config, output)?;
    }
    let now = Context::now();
    let is_wanted = |texts: &[&str]| {
        pattern.as_ref().is_none_or(|pattern| texts.iter().any(|text| pattern.matches(text)))
    };
    let is_wanted_role = |role: &KnownRole| {
        let account_name = role.account_name.as_deref().unwrap_or_default();
        is_wanted(&[&role.name, &role.account_id, account_name, &role.role_name])
    };
    let mut sessions = roles::cached_sessions(&context, output);
    let names = account_names(&cached_catalogs(&context, &config, &resolver), &offers.catalogs);
    let mut roles = roles::profile_roles(&config, &sessions, |_| true);
    roles::name_accounts(&mut roles, &names);
    roles.extend(catalog_roles(&offers.catalogs, &roles, &sessions));
    roles.retain(is_wanted_role);
    // Leave out sessions that are in the table of roles already.
    if !args.json {
        let listed = by_identifier(&roles);
        sessions.retain(|session| {
            let roles = identifier_of(session).and_then(|role| listed.get(&role));
            roles.is_none_or(|roles| !roles.iter().any(|role| role.would_use(session)))
        });
    }
    sessions.retain(|session| is_wanted(&[&identifier_of(session).unwrap_or_default()]));
    let sign_ins = if pattern.is_some() {
        Vec::new()
    } else {
        configured_sign_ins(&config, &resolver, &context, output)
    };
    let width = output::stdout_columns();
    let text = if args.json {
        roles.iter().map(|role| role_line(role, now)).collect::<String>()
            + &session_table::session_lines(&sessions, now)
            + &sign_in_table::sign_in_lines(&sign_ins, now)
    } else {
        if roles.is_empty() {
            output.note(match (args.sso, pattern.is_some()) {
                (true, true) => "no role matches",
                (true, false) => "there is no role profile, and IAM Identity Center offers no role",
                (false, true) => "no role profile matches; to see them all: arl list",
                (false, false) => {
                    "there is no role profile; to add one: arl configure ROLE --profile-name NAME"
                }
            });
        }
        let tables = [
            role_table(&roles, now, width),
            session_table::session_table(&sessions, now, width),
            sign_in_table::sign_in_table(&sign_ins, now, width),
        ];
        tables.into_iter().filter(|table| !table.is_empty()).collect::<Vec<_>>().join("\n")
    };
    output.write_data(text.as_bytes())?;
    if width.is_some() && !args.json {
        fault_notes(&roles).iter().for_each(|note| output.note(note));
    }
    offers.status()
}

fn by_identifier(roles: &[KnownRole]) -> HashMap<String, Vec<&KnownRole>> {
    let mut by_identifier: HashMap<String, Vec<&KnownRole>> = HashMap::new();
    for role in roles {
        by_identifier.entry(role.identifier()).or_default().push(role);
    }
    by_identifier
}
