//! Carries a plan out: the source's credentials, then hop by hop to the role's, each cached.

use std::time::{Duration, Instant};

use arl::{
    CallError, CallerIdentity, Credentials, Flying, Patience, RoleSession, SessionDuration,
    SessionNameTemplate, Source, Sts, assume_role, cap_chained_duration,
};

use crate::cli::env::context::Context;
use crate::cli::plan::Plan;
use crate::cli::plan::hints;
use crate::cli::plan::hop;
use crate::cli::plan::hop::Hop;
use crate::cli::session::cache::{Caches, Outcome};
use crate::cli::session::mfa::Codes;
use crate::cli::ui::error::{Report, Status};
use crate::cli::ui::output::Output;
use crate::cli::ui::text::in_words;

/// A credential process may have a person in it as well.
const PROCESS_LIMIT: Duration = Duration::from_secs(60);

/// A plan that nothing is kept for.
pub(crate) struct Work<'a> {
    pub(crate) sts: Sts,
    pub(crate) plan: Plan,
    pub(crate) context: &'a Context,
    pub(crate) caches: &'a Caches,
    pub(crate) output: &'a Output,
    /// Whether somebody may be asked for a code.
    pub(crate) may_ask: bool,
}

impl Work<'_> {
    pub(crate) async fn carry_out(&mut self) -> Result<Credentials, Report> {
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
                lock.unkept();
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
        hop::name_sessions(&mut self.plan.hops[done..], self.context, caller);
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
