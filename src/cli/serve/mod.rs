//! `arl exec --server`: the command runs beside arl, which hands the credentials out and renews them.

pub(crate) mod isolated_config;
pub(crate) mod renewer;

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use arl::{CredentialServer, IDENTITY_VARIABLES, Identity, Reader, SharedFile, Sources};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::process::child::{Child, Ended};
use crate::cli::process::core_limit::CallersLimit;
use crate::cli::process::lookup::failed;
use crate::cli::serve::isolated_config::Isolation;
use crate::cli::serve::renewer::Keeper;
use crate::cli::session;
use crate::cli::session::OnSignal;
use crate::cli::session::runtime::runtime;
use crate::cli::sys;
use crate::cli::ui::error::{Report, Status};
use crate::cli::ui::output::Output;

/// What must not go through a proxy.
const LOOPBACK: &str = "127.0.0.1";

/// What is to be run, and how.
pub(crate) struct Served<'a> {
    pub(crate) role: &'a RoleArgs,
    pub(crate) program: &'a OsStr,
    pub(crate) arguments: &'a [OsString],
    /// Whether the command gets shared files of its own.
    pub(crate) isolate: bool,
}

#[cold]
#[inline(never)]
pub(crate) fn run(served: &Served<'_>, core_limit: CallersLimit, output: &Output) -> Result<Status, Report> {
    sys::prepare_for_work();
    let isolated_region = prepare(served).map_err(Report::before_command)?;
    let identity = session::identity(served.role, Reader::Server, OnSignal::Die, output)
        .map_err(Report::before_command)?;
    let got_at = Context::now();
    if identity.credentials.session_token().is_none() || identity.credentials.expiration().is_none() {
        return Err(Report::usage(
            "these credentials do not end, and SDKs take none from an endpoint that do not",
        )
        .hint("without --server, the command gets them in its environment"));
    }
    let runtime = runtime().map_err(Report::before_command)?;
    let keeper = Arc::new(Keeper::new(&identity, got_at));
    let background = output.in_background();
    // Not sooner: a signal that ends arl while it waits for the credentials would leave the files behind.
    let isolation = served.isolate.then(|| Isolation::new(isolated_region.as_deref())).transpose();
    let isolation = isolation.map_err(|error| {
        Report::new("could not make shared files for the command alone").caused_by(error).before_command()
    })?;
    let ended = runtime.block_on(async {
        let cannot = |error: std::io::Error| {
            Report::new("could not serve credentials on this machine").caused_by(error).before_command()
        };
        let server = CredentialServer::bind().map_err(cannot)?;
        let environment = environment(&identity, &server, isolation.as_ref());
        output.trace(|| format!("serving on {LOOPBACK}, running {}", served.program.to_string_lossy()));
        // The command's core files are the command's business.
        core_limit.lend();
        let child = Child::start(served.program, served.arguments, &environment);
        core_limit.forbid_again();
        let mut child = child.map_err(|error| failed(served.program, &error))?;
        let renew = async || session::again(served.role, &identity, &background).await;
        let complain = |report: &Report, end| {
            let cause = report.causes.first().unwrap_or(&report.error);
            let end = humantime::format_rfc3339_seconds(end);
            output.note(&format!("could not renew the credentials, which last until {end}: {cause}"));
        };
        tokio::select! {
            ended = child.ended() => ended.map_err(|error| Report::new("lost the command").caused_by(error)),
            never = keeper.keep(renew, complain) => match never {},
            () = server.serve(Arc::clone(&keeper)) => Err(Report::new("the endpoint has stopped")),
        }
    });
    // A renewal that is under way cannot be called off, and must not be waited for.
    runtime.shutdown_background();
    Ok(match ended? {
        Ended::Exit(status) => Status::OfCommand(status),
        Ended::Signal(signal) => Status::Killed(signal),
    })
}

/// Sees to it that the command's SDKs will come to the endpoint at all: they look at a `default` profile first, and
/// botocore at boto's files. The region for an isolated command.
fn prepare(served: &Served<'_>) -> Result<Option<String>, Report> {
    let context = Context::read()?;
    let config = context.shared_config()?;
    let region = config.profile("default").and_then(|profile| profile.get("region"));
    if served.isolate {
        // What cannot be a region would be refused by every SDK, and must not become another line.
        let region = region.filter(|region| region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        return Ok(region.map(str::to_owned));
    }
    let not_as_role = |cause: String| {
        Report::new("the command would not run as the role")
            .caused_by(cause)
            .hint("--isolate gives the command shared files of its own, with no credentials in them")
            .hint("without --server, the role's credentials in the environment come first")
    };
    let var = |name: &str| vars::get(name);
    if Sources::new(&config, &var, arl::ShellRole::Ignore).default_hides_endpoint() {
        let path = match config.profile("default").and_then(|profile| profile.file_of("aws_access_key_id")) {
            Some(file) => context.path_of(file),
            None => context.path_of(SharedFile::Config),
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

fn environment(
    identity: &Identity,
    server: &CredentialServer,
    isolation: Option<&Isolation>,
) -> Vec<(OsString, OsString)> {
    let mut set: Vec<(&str, OsString)> = identity
        .endpoint_variables(&server.url(), server.token())
        .into_iter()
        .map(|(name, value)| (name, OsString::from(value)))
        .collect();
    set.extend(isolation.into_iter().flat_map(Isolation::variables));
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
        set.push((name, hosts.into()));
    }
    let is_replaced = |name: &OsStr| {
        IDENTITY_VARIABLES.iter().chain(set.iter().map(|(name, _)| name)).any(|other| name == *other)
    };
    let kept = vars::all().filter(|(name, _)| !is_replaced(name));
    kept.chain(set.iter().map(|(name, value)| (OsString::from(name), value.clone()))).collect()
}
