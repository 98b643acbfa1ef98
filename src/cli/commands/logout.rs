//! `arl logout`: ends sign-ins to IAM Identity Center.

use std::path::{Path, PathBuf};

use arl::internal::{
    CachedCliRole, IdentityCenter, SharedConfig, ShellRole, SourceResolver, SsoSession, SsoToken, StsError,
    TokenStore, remove_cli_roles, sign_out,
};
use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::complete;
use crate::cli::args::help::TEMPLATE;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::hints;
use crate::cli::plan::identity_center::{named_session, settings_of_region, settings_of_session};
use crate::cli::session::runtime::runtime;
use crate::cli::session::sign_in::{forget_all_sessions, forget_sessions};
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;

const EXAMPLES: &str = "Examples:
  arl logout corp                   the [sso-session corp], or the one of the profile corp
  arl logout --all                  every sign-in, including those of the AWS CLI

arl ends the sign-in, and deletes its token file and the sessions that arl and the AWS CLI have cached from \
it. Credentials that a shell or program already has stay valid until they expire.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_long_help = EXAMPLES, help_template = TEMPLATE)]
pub(crate) struct LogoutArgs {
    /// An [sso-session], or a profile that uses one
    #[arg(value_name = "SESSION", add = ArgValueCompleter::new(complete::sign_ins))]
    session: Option<String>,
    /// End every sign-in
    #[arg(long, conflicts_with = "session")]
    all: bool,
}

/// A sign-in that is about to end.
struct Ending {
    label: String,
    path: PathBuf,
    token: SsoToken,
    /// `None` if neither the token nor the configuration names the region of the sign-in.
    center: Option<IdentityCenter>,
}

pub(crate) fn run(args: &LogoutArgs, output: &Output) -> Result<(), CliError> {
    let context = Context::read()?;
    let config = context.shared_config()?;
    let var = |name: &str| vars::get(name);
    let resolver = SourceResolver::new(&config, &var, ShellRole::Ignore);
    let home =
        context.home().ok_or_else(|| CliError::new("there is no home directory to read tokens from"))?;
    let store = TokenStore::new(home);
    store.remove_leftovers();
    if args.all {
        let endings = store.all().into_iter().map(|(path, token)| {
            let region = token.region.clone();
            let settings = region.map(|region| settings_of_region(&region, &resolver, &config, &context));
            let center = settings.transpose()?.map(IdentityCenter::new);
            let label = token.start_url.clone().unwrap_or_else(|| path.display().to_string());
            Ok(Ending { label, path, token, center })
        });
        let result = end(endings.collect::<Result<Vec<_>, CliError>>()?, output);
        let forgotten = forget_all_sessions(&context, output) + remove_cli_roles(home, None);
        tell_forgotten(forgotten, output);
        return result;
    }
    let session = named_session(args.session.as_deref(), &resolver, &config, &context)?;
    let settings = settings_of_session(args.session.as_deref(), &session, &resolver, &config, &context)?;
    let failed =
        |error| CliError::new(format!("could not sign out of `{}`", session.label())).caused_by(error);
    let result = match store.read(&session).map_err(failed)? {
        None => {
            output.note(&format!("not signed in to {}", session.label()));
            Ok(())
        }
        Some(token) => {
            let center = Some(IdentityCenter::new(settings));
            let (label, path) = (session.label().to_owned(), store.path(&session));
            end(vec![Ending { label, path, token, center }], output)
        }
    };
    let forgotten = forget_sessions(&session, &context, output) + remove_roles(home, &session, &config);
    tell_forgotten(forgotten, output);
    result
}

/// Ends all of the sign-ins, even if one fails.
fn end(endings: Vec<Ending>, output: &Output) -> Result<(), CliError> {
    let failed = |label: &str, cause: &dyn ToString| {
        CliError::new(format!("could not sign out of `{label}`")).caused_by(cause.to_string())
    };
    if endings.is_empty() {
        output.note("not signed in");
    }
    let mut result = Ok(());
    for Ending { label, path, token, center } in endings {
        match runtime()?.block_on(sign_out(center.as_ref(), &path, &token)) {
            Err(error) => result = Err(failed(&label, &error)),
            Ok(Some(error)) => result = Err(not_told(failed(&label, &error), &error)),
            Ok(None) => output.note(&format!("signed out of {label}")),
        }
    }
    result
}

/// Adds the hints for a sign-in whose token file is removed, but which the service did not end.
fn not_told(error: CliError, cause: &StsError) -> CliError {
    let error = error
        .hint("arl deleted the token on this machine; IAM Identity Center ends the sign-in when it expires");
    error.hints(hints::network_hint(cause, "IAM Identity Center", "of the sign-in"))
}

fn tell_forgotten(count: usize, output: &Output) {
    match count {
        0 => {}
        1 => output.note(
            "1 cached session deleted; credentials that a shell or program already has stay valid until they expire",
        ),
        count => output.note(&format!(
            "{count} cached sessions deleted; credentials that a shell or program already has stay valid until they expire"
        )),
    }
}

/// Removes the credentials that the AWS CLI caches for the roles of a session.
fn remove_roles(home: &Path, session: &SsoSession, config: &SharedConfig<'_>) -> usize {
    let names = config.profile_names();
    let sections = names.into_iter().filter_map(|name| config.profile(name));
    let roles: Vec<CachedCliRole<'_>> = sections
        .filter_map(|section| {
            let (account_id, role_name) = (section.get("sso_account_id")?, section.get("sso_role_name")?);
            let key = match (section.get("sso_session"), section.get("sso_start_url")) {
                (Some(name), _) if session.name.as_deref() == Some(name) => Ok(name),
                (None, Some(url)) if session.name.is_none() && url == session.start_url => Err(url),
                _ => return None,
            };
            Some(CachedCliRole { account_id, role_name, session: key })
        })
        .collect();
    remove_cli_roles(home, Some(&roles))
}
