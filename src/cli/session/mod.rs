//! Carries a plan out: what is kept, else the source's credentials, then hop by hop to the role's.

pub(crate) mod cache;
pub(crate) mod mfa;
pub(crate) mod runner;
pub(crate) mod runtime;

use arl::internal::{Consumer, Identity, NetworkConfig, Sts};

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

/// What a signal does while the network is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignalPolicy {
    /// What it does by default; nothing has to be written first.
    Default,
    /// It ends the work with a report, so that something can be written before arl dies by it.
    Catch,
}

/// Gets the identity that was asked for. Where it is kept, no runtime is started and no SDK looked at.
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
    fetch(args, plan, &context, &cache, on_signal, output)
}

/// How the network is reached on the way to a role.
pub(crate) fn network(args: &RoleArgs, output: &Output) -> Result<NetworkConfig, CliError> {
    // What there is to say of the plan is said when it is carried out.
    Ok(Plan::new(args, &Context::read()?, &output.quieted())?.sts.network)
}

/// Gets the identity again for a command that is running meanwhile: nobody is asked, and no code is used twice.
pub(crate) async fn renew(
    args: &RoleArgs,
    previous: &Identity,
    output: &Output,
) -> Result<Identity, CliError> {
    // What the person has may have changed since, for instance keys that another program renews.
    let context = Context::read()?;
    let args = RoleArgs { token_code: None, refresh: false, ..args.clone() };
    let plan = Plan::new(&args, &context, output)?;
    if plan.target != previous.role_arn {
        return Err(CliError::new("the profile names another role by now"));
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
    };
    let credentials = runner.run().await?;
    Ok(runner.plan.into_identity(credentials))
}

/// Apart from [`obtain`], whose stack it would make larger by all that a call needs.
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
    // A terminal that hides what is typed must be put right before arl dies.
    let is_asked = |hop: &Hop| hop.request.serial_number.is_some() && hop.request.token_code.is_none();
    let is_asked = plan.hops.iter().any(is_asked) || plan.mfa_session.is_some();
    let on_signal = if is_asked { SignalPolicy::Catch } else { on_signal };
    let mut runner = SessionRunner {
        sts: Sts::new(plan.sts.clone()),
        plan,
        context,
        cache,
        output,
        user_prompt: if within.is_none() { UserPrompt::Allowed } else { UserPrompt::Forbidden },
    };
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let running = async {
            match within {
                None => runner.run().await,
                Some(limit) => tokio::time::timeout(limit, runner.run())
                    .await
                    .unwrap_or_else(|_| Err(CliError::new("gave up, because it took too long"))),
            }
        };
        match on_signal {
            SignalPolicy::Default => running.await,
            SignalPolicy::Catch => tokio::select! {
                // In this order: who asks at a terminal must be listening to signals before.
                biased;
                signal = stop_signal() => Err(CliError::interrupted(signal?)),
                result = running => result,
            },
        }
    });
    if on_signal == SignalPolicy::Catch {
        signals::restore_defaults();
    }
    // A name that is still being looked up cannot be called off, and must not be waited for.
    runtime.shutdown_background();
    result.map(|credentials| runner.plan.into_identity(credentials))
}
