//! Gets the credentials of a plan: from the cache, else from the source and then hop by hop.

pub(crate) mod cache;
pub(crate) mod choose;
pub(crate) mod discovery;
pub(crate) mod mfa;
pub(crate) mod on_demand;
pub(crate) mod runner;
pub(crate) mod runtime;
pub(crate) mod shell_credentials;
pub(crate) mod sign_in;
pub(crate) mod sso;

use arl::internal::{Consumer, Identity, NetworkConfig, Source, Sts};
use std::cell::Cell;

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::plan::Plan;
use crate::cli::plan::hints;
use crate::cli::plan::hop::Hop;
use crate::cli::process::signals;
use crate::cli::process::signals::stop_signal;
use crate::cli::session::cache::SessionCache;
use crate::cli::session::mfa::UserPrompt;
use crate::cli::session::runner::SessionRunner;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;

/// What a signal does while arl waits for the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignalPolicy {
    /// It ends arl at once.
    Default,
    /// It ends the work with an error. arl then writes a statement for `eval` or restores the terminal, and
    /// dies by the signal.
    Catch,
}

/// Gets the identity that the arguments ask for. A cached session needs neither the runtime nor the SDK.
pub(crate) fn obtain(
    args: &RoleArgs,
    consumer: Consumer,
    on_signal: SignalPolicy,
    output: &Output,
) -> Result<Identity, CliError> {
    let context = Context::read()?;
    let plan = Plan::new(args, &context, output)?;
    let cache = SessionCache::open(args, consumer, &context, output)?;
    output.trace(|| format!("source: {}", hints::describe(&plan.chain)));
    if let Some(credentials) = cache.lookup(&plan, plan.hops.len()) {
        output.trace(|| "cache: hit".to_owned());
        return Ok(plan.into_identity(credentials));
    }
    output.trace(|| "cache: no session that lasts long enough".to_owned());
    fetch(args, plan, &context, &cache, on_signal, output)
}

/// Returns the network settings with which a role is assumed.
pub(crate) fn network(args: &RoleArgs, output: &Output) -> Result<NetworkConfig, CliError> {
    // `obtain` makes the same plan again, and prints its messages.
    Ok(Plan::new(args, &Context::read()?, &output.quieted())?.sts.network)
}

/// Gets the identity again for a command that is running. It never asks the user, and drops the code of
/// `--token-code`, which works once.
pub(crate) async fn renew(
    args: &RoleArgs,
    previous: &Identity,
    output: &Output,
) -> Result<Identity, CliError> {
    // The user's files may have changed, for instance because another program renews keys.
    let context = Context::read()?;
    let args = RoleArgs { token_code: None, refresh: false, ..args.clone() };
    let plan = Plan::new(&args, &context, output)?;
    if plan.target != previous.role_arn {
        return Err(CliError::new("the profile now names another role"));
    }
    let cache = SessionCache::open(&args, Consumer::Endpoint, &context, output)?;
    if let Some(credentials) = cache.lookup(&plan, plan.hops.len()) {
        return Ok(plan.into_identity(credentials));
    }
    let (context, cache) = (&context, &cache);
    let mut runner = SessionRunner {
        sts: Sts::new(plan.sts.clone()),
        plan,
        context,
        cache,
        output,
        user_prompt: UserPrompt::Forbidden,
        has_signed_in: Cell::new(false),
    };
    let credentials = runner.run().await?;
    Ok(runner.plan.into_identity(credentials))
}

/// Gets a session that is not cached. Kept out of line so that a cache hit has a small stack frame.
#[cold]
#[inline(never)]
fn fetch(
    args: &RoleArgs,
    plan: Plan,
    context: &Context,
    cache: &SessionCache,
    on_signal: SignalPolicy,
    output: &Output,
) -> Result<Identity, CliError> {
    signals::install_signal_policy();
    let within = args.within.as_deref().map(humantime::parse_duration).transpose();
    let within = within.map_err(|error| CliError::usage(format!("--within: {error}")))?;
    // arl must restore the echo of the terminal before it dies.
    let is_asked = |hop: &Hop| hop.request.serial_number.is_some() && hop.request.token_code.is_none();
    let is_asked = plan.hops.iter().any(is_asked)
        || plan.mfa_session.is_some()
        || matches!(plan.chain.source, Source::Sso(_));
    let on_signal = if is_asked { SignalPolicy::Catch } else { on_signal };
    let mut runner = SessionRunner {
        sts: Sts::new(plan.sts.clone()),
        plan,
        context,
        cache,
        output,
        user_prompt: if within.is_none() { UserPrompt::Allowed } else { UserPrompt::Forbidden },
        has_signed_in: Cell::new(false),
    };
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let running = async {
            match within {
                None => runner.run().await,
                Some(limit) => tokio::time::timeout(limit, runner.run())
                    .await
                    .unwrap_or_else(|_| Err(CliError::new("it took too long, so arl gave up"))),
            }
        };
        match on_signal {
            SignalPolicy::Default => running.await,
            SignalPolicy::Catch => tokio::select! {
                // In this order: the handlers must be installed before a prompt hides the input.
                biased;
                signal = stop_signal() => Err(CliError::interrupted(signal?)),
                result = running => result,
            },
        }
    });
    if on_signal == SignalPolicy::Catch {
        signals::restore_defaults();
    }
    // A host name lookup cannot be canceled, so do not wait for it.
    runtime.shutdown_background();
    result.map(|credentials| runner.plan.into_identity(credentials))
}
