//! Carries a plan out: the source's credentials, then hop by hop to the role's.

use std::time::Duration;

use arl::{Credentials, Identity, SessionDuration, Sts, assume_role, cap_chained_duration};

use super::arguments::RoleArgs;
use super::context::Context;
use super::hops::Hop;
use super::plan::Plan;
use super::report::Report;
use super::{Output, hints};

/// What a signal does while the network is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnSignal {
    /// What it does by default; nothing has to be written first.
    Die,
    /// It ends the work with a report, so that something can be written before arl dies by it.
    Report,
}

/// Gets the identity that was asked for.
pub(super) fn identity(args: &RoleArgs, on_signal: OnSignal, output: &Output) -> Result<Identity, Report> {
    let context = Context::read()?;
    let plan = Plan::make(args, &context, output)?;
    output.trace(|| format!("source: {}", hints::describe(&plan.chain)));
    let within = args.within.as_deref().map(humantime::parse_duration).transpose();
    let within = within.map_err(|error| Report::usage(format!("--within: {error}")))?;
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let work = async {
            match within {
                None => carry_out(plan, &context, output).await,
                Some(limit) => tokio::time::timeout(limit, carry_out(plan, &context, output))
                    .await
                    .unwrap_or_else(|_| Err(Report::new("gave up, because it took too long"))),
            }
        };
        match on_signal {
            OnSignal::Die => work.await,
            OnSignal::Report => tokio::select! {
                signal = signal() => Err(Report::interrupted(signal?)),
                result = work => result,
            },
        }
    });
    // A name that is still being looked up cannot be called off, and must not be waited for.
    runtime.shutdown_background();
    result
}

/// Started only for a call.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Report> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Report::new("could not start").caused_by(error))
}

/// The next signal that asks arl to stop.
async fn signal() -> Result<i32, Report> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen =
        |kind| signal(kind).map_err(|error| Report::new("could not listen to signals").caused_by(error));
    let (interrupt, terminate, hangup) =
        (SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup());
    let (mut on_interrupt, mut on_terminate, mut on_hangup) =
        (listen(interrupt)?, listen(terminate)?, listen(hangup)?);
    Ok(tokio::select! {
        _ = on_interrupt.recv() => interrupt,
        _ = on_terminate.recv() => terminate,
        _ = on_hangup.recv() => hangup,
    }
    .as_raw_value())
}

async fn carry_out(plan: Plan, context: &Context, output: &Output) -> Result<Identity, Report> {
    let Plan { chain, mut hops, target, region, sts: settings } = plan;
    let sts = Sts::new(settings.clone());
    let started = std::time::Instant::now();
    let mut caller = hints::describe(&chain);
    let mut credentials = sts
        .source_credentials(&chain.source, Context::now())
        .await
        .map_err(|error| hints::source_failed(&error, &chain))?;
    if credentials.expiration().is_some_and(|end| end <= Context::now()) {
        return Err(Report::new(format!("the source credentials have expired ({caller})")));
    }
    name_caller(&sts, &credentials, &mut hops, context, output).await?;
    for Hop { mut request, .. } in hops {
        if let Some(asked) = cap_chained_duration(&credentials, &mut request) {
            output.note(&format!(
                "{asked} lowered to {}: STS allows no more to a role that is assumed with temporary credentials",
                SessionDuration::CHAINED_MAX
            ));
        }
        output.trace(|| {
            let endpoint = settings.endpoint_url.as_deref().unwrap_or("AWS's endpoint");
            format!(
                "assuming {} as session {} through {endpoint}, region {}",
                request.role_arn, request.role_session_name, settings.region
            )
        });
        let now = Context::now();
        let session = assume_role(&sts, &credentials, &request, now).await.map_err(|error| {
            if let arl::CallError::Refused { request_id: Some(id), .. } = &error {
                output.trace(|| format!("STS's request ID: {id}"));
            }
            hints::not_assumed(&error, &request, &caller, &settings)
        })?;
        let left = session.credentials.expiration().and_then(|end| end.duration_since(now).ok());
        note_other_lifetime(request.duration_seconds, left, output);
        output.trace(|| format!("got {} after {} ms", session.arn, started.elapsed().as_millis()));
        caller = format!("`{}`", session.arn);
        credentials = session.credentials;
    }
    Ok(Identity { credentials, role_arn: target, source: chain.tag.to_string(), region })
}

/// Fills `{caller}` into the session names that hold it; costs a call, so only for them.
async fn name_caller(
    sts: &Sts,
    credentials: &Credentials,
    hops: &mut [Hop],
    context: &Context,
    output: &Output,
) -> Result<(), Report> {
    if hops.iter().all(|hop| hop.template.is_none()) {
        return Ok(());
    }
    let caller = sts.caller_identity(credentials).await.map_err(|error| {
        Report::new("could not find out {caller} for the session's name").caused_by(error)
    })?;
    output.trace(|| format!("the caller is {}", caller.arn));
    for hop in hops {
        hop.name_caller(context, caller.name());
    }
    Ok(())
}

/// Says so when a session lasts another time than was asked for.
fn note_other_lifetime(asked: Option<SessionDuration>, left: Option<Duration>, output: &Output) {
    let (Some(asked), Some(left)) = (asked, left) else { return };
    let asked_for = Duration::from_secs(asked.as_secs().into());
    if left.abs_diff(asked_for) > Duration::from_secs(60) {
        output.note(&format!("{asked} was asked for, the session lasts {}", in_words(left)));
    }
}

/// A time in its two largest units, as people say it: `1h 5m`.
pub(super) fn in_words(time: Duration) -> String {
    let minutes = (time.as_secs() + 30) / 60;
    humantime::format_duration(Duration::from_secs(minutes.max(1) * 60)).to_string()
}
