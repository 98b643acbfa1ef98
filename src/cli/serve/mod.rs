//! `arl exec --server`: the command runs beside arl, which hands the credentials out and renews them.

pub(crate) mod isolated_config;
pub(crate) mod renewer;

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use arl::internal::{Consumer, CredentialServer, Identity, SharedFile, SourceResolver};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::process::child::{Child, ChildExit};
use crate::cli::process::core_limit::SavedCoreLimit;
use crate::cli::process::environment::environment_with;
use crate::cli::process::lookup::spawn_error;
use crate::cli::process::signals;
use crate::cli::serve::isolated_config::IsolatedConfig;
use crate::cli::serve::renewer::CredentialRenewer;
use crate::cli::session;
use crate::cli::session::SignalPolicy;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;

/// What must not go through a proxy.
const LOOPBACK: &str = "127.0.0.1";

/// What is to be run, and how.
pub(crate) struct ServeOptions<'a> {
    pub(crate) role: &'a RoleArgs,
    pub(crate) program: &'a OsStr,
    pub(crate) arguments: &'a [OsString],
    /// Whether the command gets shared files of its own.
    pub(crate) isolate: bool,
}

#[cold]
#[inline(never)]
pub(crate) fn run(
    options: &ServeOptions<'_>,
    core_limit: SavedCoreLimit,
    output: &Output,
) -> Result<ExitStatus, CliError> {
    signals::install_signal_policy();
    let isolated_region = check_source_precedence(options).map_err(CliError::into_exec_failure)?;
    let identity = session::obtain(options.role, Consumer::Endpoint, SignalPolicy::Default, output)
        .map_err(CliError::into_exec_failure)?;
    let obtained_at = Context::now();
    if identity.credentials.session_token().is_none() || identity.credentials.expiration().is_none() {
        return Err(CliError::usage(
            "these credentials do not end, and SDKs take none from an endpoint that do not",
        )
        .hint("without --server, the command gets them in its environment"));
    }
    let runtime = runtime().map_err(CliError::into_exec_failure)?;
    let renewer = Arc::new(CredentialRenewer::new(&identity, obtained_at));
    let background = output.quieted();
    // Not sooner: a signal that ends arl while it waits for the credentials would leave the files behind.
    let isolated_config =
        options.isolate.then(|| IsolatedConfig::new(isolated_region.as_deref())).transpose();
    let isolated_config = isolated_config.map_err(|error| {
        CliError::new("could not make shared files for the command alone")
            .caused_by(error)
            .into_exec_failure()
    })?;
    let exit = runtime.block_on(async {
        let cannot = |error: std::io::Error| {
            CliError::new("could not serve credentials on this machine").caused_by(error).into_exec_failure()
        };
        let server = CredentialServer::bind().map_err(cannot)?;
        let environment = served_environment(&identity, &server, isolated_config.as_ref());
        output.trace(|| format!("serving on {LOOPBACK}, running {}", options.program.to_string_lossy()));
        // The command's core files are the command's business.
        core_limit.lift();
        let child = Child::start(options.program, options.arguments, &environment);
        core_limit.reapply();
        let mut child = child.map_err(|error| spawn_error(options.program, &error))?;
        let renew = async || session::renew(options.role, &identity, &background).await;
        let on_failure = |error: &CliError, expiration| {
            let cause = error.causes.first().unwrap_or(&error.error);
            let end = humantime::format_rfc3339_seconds(expiration);
            output.note(&format!("could not renew the credentials, which last until {end}: {cause}"));
        };
        tokio::select! {
            exit = child.wait() => exit.map_err(|error| CliError::new("lost the command").caused_by(error)),
            never = renewer.run(renew, on_failure) => match never {},
            () = server.serve(Arc::clone(&renewer)) => Err(CliError::new("the endpoint has stopped")),
        }
    });
    // A renewal that is under way cannot be called off, and must not be waited for.
    runtime.shutdown_background();
    Ok(match exit? {
        ChildExit::Exit(status) => ExitStatus::Command(status),
        ChildExit::Signal(signal) => ExitStatus::Killed(signal),
    })
}

/// Sees to it that the command's SDKs will come to the endpoint at all: they look at a `default` profile first, and
/// botocore at boto's files. The region for an isolated command.
fn check_source_precedence(options: &ServeOptions<'_>) -> Result<Option<String>, CliError> {
    let context = Context::read()?;
    let config = context.shared_config()?;
    let region = config.profile("default").and_then(|profile| profile.get("region"));
    if options.isolate {
        // What cannot be a region would be refused by every SDK, and must not become another line.
        let region = region.filter(|region| region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        return Ok(region.map(str::to_owned));
    }
    let not_as_role = |cause: String| {
        CliError::new("the command would not run as the role")
            .caused_by(cause)
            .hint("--isolate gives the command shared files of its own, with no credentials in them")
            .hint("without --server, the role's credentials in the environment come first")
    };
    let var = |name: &str| vars::get(name);
    if SourceResolver::new(&config, &var, arl::internal::ShellRole::Ignore).default_profile_shadows_endpoint()
    {
        let path = match config.profile("default").and_then(|profile| profile.origin("aws_access_key_id")) {
            Some(file) => context.display_path(file),
            None => context.display_path(SharedFile::Config),
        };
        return Err(not_as_role(format!(
            "profile `default` in `{path}` has credentials, and every SDK takes those before it asks an endpoint"
        )));
    }
    if let Some(path) = isolated_config::boto_file_with_keys() {
        return Err(not_as_role(format!(
            "`{}` has credentials, and Python's SDK takes those before it asks an endpoint",
            path.display()
        )));
    }
    Ok(None)
}

fn served_environment(
    identity: &Identity,
    server: &CredentialServer,
    isolated_config: Option<&IsolatedConfig>,
) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(&'static str, OsString)> = identity
        .endpoint_variables(&server.url(), server.token())
        .into_iter()
        .map(|(name, value)| (name, OsString::from(value)))
        .collect();
    variables.extend(isolated_config.into_iter().flat_map(IsolatedConfig::variables));
    // Some SDKs would send the request, token and all, through a proxy.
    for name in ["NO_PROXY", "no_proxy"] {
        let other = if name == "NO_PROXY" { "no_proxy" } else { "NO_PROXY" };
        let hosts = vars::get(name).or_else(|| vars::get(other));
        let hosts = match hosts {
            // It means everything only where it stands alone.
            Some(hosts) if hosts.trim() == "*" => hosts,
            Some(hosts) => format!("{hosts},{LOOPBACK}"),
            None => LOOPBACK.to_owned(),
        };
        variables.push((name, hosts.into()));
    }
    environment_with(variables)
}
