//! Carries a plan out: what is kept, else the source's credentials, then hop by hop to the role's.

use std::time::{Duration, Instant};

use arl::{
    CallError, CallerIdentity, Credentials, Flying, Identity, Network, Patience, Reader, RoleSession,
    SessionDuration, SessionNameTemplate, Source, Sts, assume_role, cap_chained_duration,
};

use super::arguments::RoleArgs;
use super::caches::{Caches, Outcome};
use super::context::Context;
use super::hops::Hop;
use super::mfa::Codes;
use super::plan::Plan;
use super::report::{Report, Status};
use super::{Output, hints, hops};

/// A credential process may have a person in it as well.
const PROCESS_LIMIT: Duration = Duration::from_secs(60);

/// What a signal does while the network is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnSignal {
    /// What it does by default; nothing has to be written first.
    Die,
    /// It ends the work with a report, so that something can be written before arl dies by it.
    Report,
}

/// Gets the identity that was asked for. Where it is kept, no runtime is started and no SDK looked at.
pub(super) fn identity(
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
pub(super) fn network(args: &RoleArgs, output: &Output) -> Result<Network, Report> {
    // What there is to say of the plan is said when it is carried out.
    Ok(Plan::make(args, &Context::read()?, &output.in_background())?.sts.network)
}

/// Gets the identity again for a command that is running meanwhile: nobody is asked, and no code is used twice.
pub(super) async fn again(args: &RoleArgs, before: &Identity, output: &Output) -> Result<Identity, Report> {
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
    super::sys::prepare_for_work();
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
                signal = signal() => Err(Report::interrupted(signal?)),
                result = carried_out => result,
            },
        }
    });
    if on_signal == OnSignal::Report {
        super::sys::stop_listening();
    }
    // A name that is still being looked up cannot be called off, and must not be waited for.
    runtime.shutdown_background();
    result.map(|credentials| work.plan.identity(credentials))
}

/// Started only for a call.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Report> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Report::new("could not start").caused_by(error))
}

/// The next signal that asks arl to stop; never one that whoever started arl wants to be ignored, as nohup does.
async fn signal() -> Result<i32, Report> {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    let failed = |error| Report::new("could not listen to signals").caused_by(error);
    let listen = |number: i32| -> Result<Option<Signal>, Report> {
        match super::sys::is_ignored(number) {
            true => Ok(None),
            false => signal(SignalKind::from_raw(number)).map(Some).map_err(failed),
        }
    };
    let next = async |listener: Option<Signal>| match listener {
        Some(mut listener) => listener.recv().await,
        None => std::future::pending().await,
    };
    let [interrupt, terminate, hangup, quit] = super::sys::STOPPING;
    let (on_interrupt, on_terminate, on_hangup, on_quit) =
        (listen(interrupt)?, listen(terminate)?, listen(hangup)?, listen(quit)?);
    Ok(tokio::select! {
        _ = next(on_interrupt) => interrupt,
        _ = next(on_terminate) => terminate,
        _ = next(on_hangup) => hangup,
        _ = next(on_quit) => quit,
    })
}

/// A plan that nothing is kept for.
struct Work<'a> {
    sts: Sts,
    plan: Plan,
    context: &'a Context,
    caches: &'a Caches,
    output: &'a Output,
    /// Whether somebody may be asked for a code.
    may_ask: bool,
}

impl Work<'_> {
    async fn carry_out(&mut self) -> Result<Credentials, Report> {
        // Back from the role to the last credentials that are kept. The locks of all that is missing are held:
        // whoever wants the same, or a part of it, waits.
        let mut flights = Vec::new();
        let mut start = None;
        let mut patience = Patience::default();
        for hops in (0..=self.plan.hops.len()).rev() {
            if let Some(found) = self.caches.find(&self.plan, hops) {
                start = Some((hops, found));
                break;
            }
            match self.caches.take_off(&self.plan, hops, &mut patience, self.output).await {
                Outcome::Ahead(flying) => flights.push(flying),
                Outcome::Found(found) => {
                    start = Some((hops, found));
                    break;
                }
                Outcome::Failed(report) => return Err(report),
            }
        }
        let result = self.go_on(start, &mut flights).await;
        if let Err(report) = &result
            && report.status == Status::Failed
        {
            // The first lock is the role's, the last one that of the hop that failed.
            let roles = (0..=self.plan.hops.len()).rev();
            for (hops, flying) in roles.zip(flights).filter_map(|(hops, flying)| Some((hops, flying?))) {
                self.caches.tell_failure(&self.plan, hops, flying, report);
            }
        }
        result
    }

    /// From the credentials after so many hops, or from the source, to the role. `flights` ends with the lock of
    /// what comes next.
    async fn go_on(
        &mut self,
        start: Option<(usize, Credentials)>,
        flights: &mut Vec<Option<Flying>>,
    ) -> Result<Credentials, Report> {
        let is_new = start.is_none();
        let (done, mut credentials) = match start {
            Some(kept) => kept,
            None => {
                if matches!(self.plan.chain.source, Source::Process(_) | Source::Login(_)) {
                    say_busy(flights, PROCESS_LIMIT);
                }
                (0, self.source(flights).await?)
            }
        };
        if is_new {
            // The source's own lock, if it had one.
            flights.pop();
        }
        self.name_sessions(&credentials, done).await?;
        let mut caller = match done.checked_sub(1).map(|last| &self.plan.hops[last].request) {
            Some(request) => format!("a session of `{}`", request.role_arn),
            None => hints::describe(&self.plan.chain),
        };
        for index in done..self.plan.hops.len() {
            let issued_at = Context::now();
            if index > done || is_new {
                // The bound of those who wait is that of one call.
                say_busy(flights, Duration::ZERO);
            }
            let session = self.hop(index, &credentials, &caller, flights).await?;
            caller = format!("`{}`", session.arn);
            credentials = session.credentials;
            let is_kept = self.caches.keep(&self.plan, index + 1, &credentials, issued_at, self.output);
            if let Some(Some(lock)) = flights.pop()
                && !is_kept
            {
                lock.unkept(Context::now());
            }
        }
        self.caches.note_short_session(&credentials, self.output);
        Ok(credentials)
    }

    async fn source(&self, flights: &mut [Option<Flying>]) -> Result<Credentials, Report> {
        let chain = &self.plan.chain;
        let now = Context::now();
        let is_program = matches!(chain.source, Source::Process(_) | Source::Login(_));
        let failed = |error| {
            let report = hints::source_failed(&error, chain);
            if is_program { report.of_program() } else { report }
        };
        let credentials = match (&chain.source, &self.plan.session) {
            (Source::MfaSession { keys, serial_number }, Some(session)) => {
                let purpose = "a session of 12 hours".to_owned();
                let process = session.process.as_deref();
                let mut codes = Codes::new(serial_number, purpose, process, self.may_ask);
                let mut code = session.given.clone();
                loop {
                    let is_given = code.is_some();
                    let next = match code.take() {
                        Some(given) => given,
                        None => {
                            say_busy(flights, codes.limit());
                            codes.next(self.output).await?
                        }
                    };
                    match self.sts.session_token(keys, serial_number, &next, now).await {
                        Err(error) if !is_given && self.may_try_another(&error, &codes) => {}
                        result => break result.map_err(failed)?,
                    }
                }
            }
            (source, _) => self.sts.source_credentials(source, now).await.map_err(failed)?,
        };
        if credentials.expiration().is_some_and(|end| end <= now) {
            let source = hints::describe(chain);
            return Err(Report::new(format!("the source credentials have expired ({source})")));
        }
        self.caches.keep(&self.plan, 0, &credentials, now, self.output);
        Ok(credentials)
    }

    /// Whether the code was wrong, and another one may be had.
    fn may_try_another(&self, error: &CallError, codes: &Codes<'_>) -> bool {
        let may = codes.may_go_on() && hints::is_wrong_code(error);
        if may {
            self.output.note("STS refuses this code; a code works once, so wait for the next one");
        }
        may
    }

    /// One AssumeRole, with a code if the role profile or a flag names a device and nobody has given one.
    async fn hop(
        &mut self,
        index: usize,
        source: &Credentials,
        caller: &str,
        flights: &mut [Option<Flying>],
    ) -> Result<RoleSession, Report> {
        let settings = &self.plan.sts;
        let mut request = self.plan.hops[index].request.clone();
        let asks = request.serial_number.is_some() && request.token_code.is_none();
        if let Some(asked) = cap_chained_duration(source, &mut request) {
            self.output.note(&format!(
                "{asked} lowered to {}: STS allows no more to a role that is assumed with temporary credentials",
                SessionDuration::CHAINED_MAX
            ));
        }
        let serial = request.serial_number.clone();
        let process = self.plan.hops[index].mfa_process.as_deref();
        let role = &request.role_arn;
        let purpose = format!("role/{} in {}", role.role_name(), role.account_id());
        let mut codes =
            serial.as_ref().filter(|_| asks).map(|serial| Codes::new(serial, purpose, process, self.may_ask));
        loop {
            if let Some(codes) = &mut codes {
                say_busy(flights, codes.limit());
                request.token_code = Some(codes.next(self.output).await?);
            }
            self.output.trace(|| {
                let endpoint = settings.endpoint();
                format!(
                    "assuming {} as session {} through {endpoint}, region {}",
                    request.role_arn, request.role_session_name, settings.region
                )
            });
            let (now, started) = (Context::now(), Instant::now());
            let error = match assume_role(&self.sts, source, &request, now).await {
                Ok(session) => {
                    let end = session.credentials.expiration();
                    let left = end.and_then(|end| end.duration_since(now).ok());
                    note_other_lifetime(request.duration_seconds, left, self.output);
                    self.output
                        .trace(|| format!("got {} after {} ms", session.arn, started.elapsed().as_millis()));
                    return Ok(session);
                }
                Err(error) => error,
            };
            if let CallError::Refused { request_id: Some(id), .. } = &error {
                self.output.trace(|| format!("STS's request ID: {id}"));
            }
            if codes.as_ref().is_some_and(|codes| self.may_try_another(&error, codes)) {
                continue;
            }
            return Err(hints::not_assumed(&error, &request, caller, settings));
        }
    }

    /// Makes the names of the sessions that are still to be had. `{caller}` costs a call, so only where it stands.
    async fn name_sessions(&mut self, credentials: &Credentials, done: usize) -> Result<(), Report> {
        let needs_caller = |hop: &Hop| hop.template.as_ref().is_some_and(SessionNameTemplate::needs_caller);
        let caller = match self.plan.hops[done..].iter().any(needs_caller) {
            false => None,
            true => {
                // The caller is whom the source belongs to, also where a role on the way was kept.
                let credentials = match (&self.plan.chain.source, self.caches.find(&self.plan, 0)) {
                    _ if done == 0 => credentials.clone(),
                    // The same user, and no code.
                    (Source::MfaSession { keys, .. }, _) => keys.clone(),
                    (_, Some(kept)) => kept,
                    (_, None) => self.source(&mut []).await?,
                };
                let caller = self.sts.caller_identity(&credentials).await.map_err(|error| {
                    Report::new("could not find out {caller} for the session's name").caused_by(error)
                })?;
                self.output.trace(|| format!("the caller is {}", caller.arn));
                Some(caller)
            }
        };
        let caller = caller.as_ref().map(CallerIdentity::name);
        hops::name_sessions(&mut self.plan.hops[done..], self.context, caller);
        Ok(())
    }
}

/// Whoever waits for one of these has to wait for another call, and before it for a person, or a program that may ask one.
fn say_busy(flights: &mut [Option<Flying>], limit: Duration) {
    // The same time for all: it is one sign of life.
    let now = Context::now();
    for flying in flights.iter_mut().flatten() {
        flying.busy(now, limit);
    }
}

/// Says so when a session lasts another time than was asked for.
fn note_other_lifetime(asked: Option<SessionDuration>, left: Option<Duration>, output: &Output) {
    let (Some(asked), Some(left)) = (asked, left) else { return };
    let asked_for = Duration::from_secs(asked.as_secs().into());
    if left.abs_diff(asked_for) > Duration::from_secs(60) {
        output.note(&format!("{asked} was asked for, the session lasts {}", in_words(left)));
    }
}

/// A time as people say it: `1h 5m`, and seconds only where they matter.
pub(super) fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let rounded = if seconds < 90 { seconds } else { (seconds + 30) / 60 * 60 };
    humantime::format_duration(Duration::from_secs(rounded)).to_string()
}
