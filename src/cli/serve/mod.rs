//! `arl exec --server`: the command runs beside arl, which serves the credentials and renews them.

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

/// The host of the endpoint, which must not go through a proxy.
const LOOPBACK: &str = "127.0.0.1";

/// The command to run.
pub(crate) struct ServeOptions<'a> {
    pub(crate) role: &'a RoleArgs,
    pub(crate) program: &'a OsStr,
    pub(crate) arguments: &'a [OsString],
    /// Whether the command gets its own shared files.
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
    // Created after the credentials: a signal that ends arl while it waits for them would leave the files
    // behind.
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
        // arl's own core limit must not apply to the command.
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
    // A renewal cannot be canceled, so do not wait for it.
    runtime.shutdown_background();
    Ok(match exit? {
        ChildExit::Exit(status) => ExitStatus::Command(status),
        ChildExit::Signal(signal) => ExitStatus::Killed(signal),
    })
}

/// Checks that nothing takes precedence over the endpoint in the SDKs: a `default` profile or, for botocore,
/// boto's files. Returns the region for an isolated command.
fn check_source_precedence(options: &ServeOptions<'_>) -> Result<Option<String>, CliError> {
    let context = Context::read()?;
    let config = context.shared_config()?;
    let region = config.profile("default").and_then(|profile| profile.get("region"));
    if options.isolate {
        // SDKs refuse an invalid region, and a line break in it would add a line to the file.
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
    // Some SDKs would send the request with its token through a proxy.
    for name in ["NO_PROXY", "no_proxy"] {
        let other = if name == "NO_PROXY" { "no_proxy" } else { "NO_PROXY" };
        let hosts = vars::get(name).or_else(|| vars::get(other));
        let hosts = match hosts {
            // `*` means every host only if it is the whole value.
            Some(hosts) if hosts.trim() == "*" => hosts,
            Some(hosts) => format!("{hosts},{LOOPBACK}"),
            None => LOOPBACK.to_owned(),
        };
        variables.push((name, hosts.into()));
    }
    environment_with(identity, variables)
}
