//! `arl exec --server`: the command runs beside arl, which serves the credentials and renews them.

pub(crate) mod isolated_config;
pub(crate) mod private_dir;
pub(crate) mod renewer;

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use arl::internal::{Consumer, CredentialServer, Identity, SharedConfig, SharedFile, SourceResolver};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::process::child::{Child, ChildExit};
use crate::cli::process::core_limit::SavedCoreLimit;
use crate::cli::process::environment::environment_with;
use crate::cli::process::lookup::spawn_error;
use crate::cli::process::signals;
use crate::cli::serve::private_dir::PrivateDir;
use crate::cli::serve::renewer::CredentialRenewer;
use crate::cli::session;
use crate::cli::session::SignalPolicy;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::local_time::with_local_time;
use crate::cli::ui::output::Output;

/// The host of the endpoint, which must not go through a proxy.
const LOOPBACK: &str = "127.0.0.1";

/// Clients that are built on object_store (Polars, delta-rs) ask the endpoint only if this variable is set.
/// Without it they ask for the instance's role instead.
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

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
    let isolated_region = check_source_precedence(options, output).map_err(CliError::into_exec_failure)?;
    let identity = session::obtain(options.role, Consumer::Endpoint, SignalPolicy::Default, output)
        .map_err(CliError::into_exec_failure)?;
    let obtained_at = Context::now();
    if identity.credentials.session_token().is_none() || identity.credentials.expiration().is_none() {
        return Err(CliError::usage(
            "these credentials do not expire, and from an endpoint SDKs accept only credentials that do",
        )
        .hint("without --server, arl passes them in the command's environment"));
    }
    let runtime = runtime().map_err(CliError::into_exec_failure)?;
    let renewer = Arc::new(CredentialRenewer::new(&identity, obtained_at));
    let background = output.quieted();
    // Create the directory after getting the credentials, because a signal that ends arl while it waits for
    // them would leave the files behind.
    let directory = PrivateDir::new();
    let directory = directory.map_err(|error| {
        CliError::new("could not create a directory for the command").caused_by(error).into_exec_failure()
    })?;
    let isolated = options.isolate.then(|| isolated_config::isolate(&directory, isolated_region.as_deref()));
    let isolated = isolated.transpose().map_err(|error| {
        CliError::new("could not create AWS files for the command").caused_by(error).into_exec_failure()
    })?;
    let exit = runtime.block_on(async {
        let cannot = |error: std::io::Error| {
            CliError::new("could not serve credentials on this machine").caused_by(error).into_exec_failure()
        };
        let server = CredentialServer::bind().map_err(cannot)?;
        let token_file = directory.write("token", server.token().expose());
        let token_file = token_file.inspect_err(|error| {
            output
                .note(&format!("programs that read the endpoint's token from a file will get no credentials: {error}"));
        });
        let token_file = token_file.ok().map(|path| (TOKEN_FILE, path.into_os_string()));
        let more = isolated.into_iter().flatten().chain(token_file);
        let environment = served_environment(&identity, &server, more);
        output.trace(|| format!("serving on {LOOPBACK}, running {}", options.program.to_string_lossy()));
        // arl's own core limit must not apply to the command.
        core_limit.lift();
        let child = Child::start(options.program, options.arguments, &environment);
        core_limit.reapply();
        let mut child = child.map_err(|error| spawn_error(options.program, &error))?;
        let renew = async || session::renew(options.role, &identity, &background).await;
        let on_failure = |error: &CliError, expiration| {
            let cause = error.causes.first().unwrap_or(&error.error);
            let end = with_local_time(expiration).unwrap_or_default();
            output.note(&format!("could not renew the credentials, which expire at {end}: {cause}"));
        };
        tokio::select! {
            exit = child.wait() => exit.map_err(|error| CliError::new("could not wait for the command").caused_by(error)),
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

/// Checks that the SDKs would use the endpoint. A `default` profile with credentials takes precedence over
/// it. In botocore, the configuration files of boto do too. Returns the region for an isolated command.
fn check_source_precedence(options: &ServeOptions<'_>, output: &Output) -> Result<Option<String>, CliError> {
    let context = Context::read()?;
    let config = context.shared_config()?;
    warn_of_clients_that_prefer_keys(&context, &config, output);
    let region = config.profile("default").and_then(|profile| profile.get("region"));
    if options.isolate {
        // SDKs refuse an invalid region, and a line break in it would add a line to the file.
        let region = region.filter(|region| region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        return Ok(region.map(str::to_owned));
    }
    let not_as_role = |cause: String| {
        CliError::new("the command would not run as the role")
            .caused_by(cause)
            .hint("--isolate gives the command its own AWS files, without credentials")
            .hint("without --server, the role's credentials are in the environment, and SDKs prefer those")
    };
    let var = |name: &str| vars::get(name);
    if SourceResolver::new(&config, &var, arl::internal::ShellRole::Ignore).default_profile_shadows_endpoint()
    {
        let path = match config.profile("default").and_then(|profile| profile.origin("aws_access_key_id")) {
            Some(file) => context.display_path(file),
            None => context.display_path(SharedFile::Config),
        };
        return Err(not_as_role(format!(
            "profile `default` in `{path}` has credentials, and every SDK prefers those to an endpoint"
        )));
    }
    if let Some(path) = isolated_config::boto_file_with_keys() {
        return Err(not_as_role(format!(
            "`{}` has credentials, and Python's SDK prefers those to an endpoint",
            path.display()
        )));
    }
    Ok(None)
}

/// Prints a note if the credentials file has keys, because Polars takes the first of them, from any profile,
/// before it asks an endpoint.
fn warn_of_clients_that_prefer_keys(context: &Context, config: &SharedConfig<'_>, output: &Output) {
    let has_key = |name: &&str| {
        let key = config.profile(name).and_then(|profile| profile.origin("aws_access_key_id"));
        key == Some(SharedFile::Credentials)
    };
    if config.profile_names().iter().any(has_key) {
        output.note(&format!(
            "`{}` has keys, which Polars uses instead of the role; run Polars without --server",
            context.display_path(SharedFile::Credentials)
        ));
    }
}

fn served_environment(
    identity: &Identity,
    server: &CredentialServer,
    more: impl Iterator<Item = (&'static str, OsString)>,
) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(&'static str, OsString)> = identity
        .endpoint_variables(&server.url(), server.token())
        .into_iter()
        .map(|(name, value)| (name, OsString::from(value)))
        .collect();
    variables.extend(more);
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
