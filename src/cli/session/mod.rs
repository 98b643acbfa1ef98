//! Carries a plan out: what is kept, else the source's credentials, then hop by hop to the role's.

pub(crate) mod cache;
pub(crate) mod mfa;
pub(crate) mod runner;
pub(crate) mod runtime;

use arl::{Identity, Network, Reader, Sts};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::plan::Plan;
use crate::cli::plan::hints;
use crate::cli::plan::hop::Hop;
use crate::cli::process::signals::stop_signal;
use crate::cli::session::cache::Caches;
use crate::cli::session::runner::Work;
use crate::cli::session::runtime::runtime;
use crate::cli::sys;
use crate::cli::ui::error::Report;
use crate::cli::ui::output::Output;

/// What a signal does while the network is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnSignal {
    /// What it does by default; nothing has to be written first.
    Die,
    /// It ends the work with a report, so that something can be written before arl dies by it.
    Report,
}

/// Gets the identity that was asked for. Where it is kept, no runtime is started and no SDK looked at.
pub(crate) fn identity(
    args: &RoleArgs,
    reader: Reader,
    on_signal: OnSignal,
    output: &Output,
) -> Result<Identity, Report> {
    let context = Context::read()?;
    let plan = Plan::make(args, &context, output)?;
    let caches = Caches::open(args, reader, &context, output)?;
    output.trace(|| format!("source: {}", hints::describe(&plan.chain)));
    if let Some(credentials) = caches.find(&plan, plan.hops.len()) {
        output.trace(|| "cache: hit".to_owned());
        return Ok(plan.identity(credentials));
    }
    get(args, plan, &context, &caches, on_signal, output)
}

/// How the network is reached on the way to a role.
pub(crate) fn network(args: &RoleArgs, output: &Output) -> Result<Network, Report> {
    // What there is to say of the plan is said when it is carried out.
    Ok(Plan::make(args, &Context::read()?, &output.in_background())?.sts.network)
}

/// Gets the identity again for a command that is running meanwhile: nobody is asked, and no code is used twice.
pub(crate) async fn again(args: &RoleArgs, before: &Identity, output: &Output) -> Result<Identity, Report> {
    // What the person has may have changed since, for instance keys that another program renews.
    let context = Context::read()?;
    let args = RoleArgs { token_code: None, refresh: false, ..args.clone() };
    let plan = Plan::make(&args, &context, output)?;
    if plan.target != before.role_arn {
        return Err(Report::new("the profile names another role by now"));
    }
    let caches = Caches::open(&args, Reader::Server, &context, output)?;
    if let Some(credentials) = caches.find(&plan, plan.hops.len()) {
        return Ok(plan.identity(credentials));
    }
    let (context, caches) = (&context, &caches);
    let mut work = Work { sts: Sts::new(plan.sts.clone()), plan, context, caches, output, may_ask: false };
    let credentials = work.carry_out().await?;
    Ok(work.plan.identity(credentials))
}

/// Apart from [`identity`], whose stack it would make larger by all that a call needs.
#[cold]
#[inline(never)]
fn get(
    args: &RoleArgs,
    plan: Plan,
    context: &Context,
    caches: &Caches,
    on_signal: OnSignal,
    output: &Output,
) -> Result<Identity, Report> {
    sys::prepare_for_work();
    let within = args.within.as_deref().map(humantime::parse_duration).transpose();
    let within = within.map_err(|error| Report::usage(format!("--within: {error}")))?;
    // A terminal that hides what is typed must be put right before arl dies.
    let is_asked = |hop: &Hop| hop.request.serial_number.is_some() && hop.request.token_code.is_none();
    let is_asked = plan.hops.iter().any(is_asked) || plan.session.is_some();
    let on_signal = if is_asked { OnSignal::Report } else { on_signal };
    let mut work =
        Work { sts: Sts::new(plan.sts.clone()), plan, context, caches, output, may_ask: within.is_none() };
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let carried_out = async {
            match within {
                None => work.carry_out().await,
                Some(limit) => tokio::time::timeout(limit, work.carry_out())
                    .await
                    .unwrap_or_else(|_| Err(Report::new("gave up, because it took too long"))),
            }
        };
        match on_signal {
            OnSignal::Die => carried_out.await,
            OnSignal::Report => tokio::select! {
                // In this order: who asks at a terminal must be listening to signals before.
                biased;
                signal = stop_signal() => Err(Report::interrupted(signal?)),
                result = carried_out => result,
            },
        }
    });
    if on_signal == OnSignal::Report {
        sys::stop_listening();
    }
    // A name that is still being looked up cannot be called off, and must not be waited for.
    runtime.shutdown_background();
    result.map(|credentials| work.plan.identity(credentials))
}
