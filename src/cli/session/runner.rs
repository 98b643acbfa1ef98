//! Runs a plan: gets the source's credentials, then assumes hop by hop, and caches each session.

use std::cell::Cell;
use std::time::{Duration, Instant};

use arl::internal::{
    CallerIdentity, Confirmation, Credentials, LeaderLock, RoleSession, SessionDuration, SessionNameTemplate,
    Source, Sts, StsError, WaitBudget, WebIdentityToken, assume_role, cap_chained_duration,
};

use crate::cli::env::context::Context;
use crate::cli::plan::Plan;
use crate::cli::plan::hints;
use crate::cli::plan::hop;
use crate::cli::plan::hop::Hop;
use crate::cli::plan::refusal::Refusal;
use crate::cli::session::cache::{SessionCache, Stored, WaitOutcome};
use crate::cli::session::mfa::{MfaCodes, UserPrompt};
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;
use crate::cli::ui::text::human_duration;

/// How long waiting processes allow for a source: a credential process may ask the user, and the settings of
/// instance metadata allow up to a minute.
const SOURCE_PROCESS_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a plan whose last session is not cached.
pub(crate) struct SessionRunner<'a> {
    pub(crate) sts: Sts,
    pub(crate) plan: Plan,
    pub(crate) context: &'a Context,
    pub(crate) cache: &'a SessionCache,
    pub(crate) output: &'a Output,
    pub(crate) user_prompt: UserPrompt,
    /// Whether the user signed in after the cache keys of the plan were made.
    pub(crate) has_signed_in: Cell<bool>,
}

/// How far a plan has run: the credentials after this number of hops.
struct Progress {
    hops: usize,
    credentials: Credentials,
}

impl SessionRunner<'_> {
    pub(crate) async fn run(&mut self) -> Result<Credentials, CliError> {
        self.ensure_signed_in().await?;
        // Walk back from the target role to the latest cached session, and lock every missing one, so that
        // other processes wait for this one.
        let mut locks = Vec::new();
        let mut start = None;
        let mut wait_budget = WaitBudget::default();
        for hops in (0..=self.plan.hops.len()).rev() {
            if let Some(cached) = self.cache.lookup(&self.plan, hops) {
                start = Some(Progress { hops, credentials: cached });
                break;
            }
            match self.cache.acquire(&self.plan, hops, &mut wait_budget, self.output).await {
                WaitOutcome::Leader(lock) => locks.push(lock),
                WaitOutcome::Found(cached) => {
                    start = Some(Progress { hops, credentials: cached });
                    break;
                }
                WaitOutcome::Failed(error) => return Err(error),
            }
        }
        let result = self.assume_hops(start, &mut locks).await;
        if let Err(error) = &result
            && error.status == ExitStatus::Failure
        {
            // The first lock is for the target role, the last one for the hop that failed.
            let roles = (0..=self.plan.hops.len()).rev();
            for (hops, lock) in roles.zip(locks).filter_map(|(hops, lock)| Some((hops, lock?))) {
                self.cache.report_failure(&self.plan, hops, lock, error);
            }
        }
        result
    }

    /// Assumes the remaining hops, from cached credentials or from the source. `locks` ends with the lock of
    /// the next one.
    async fn assume_hops(
        &mut self,
        start: Option<Progress>,
        locks: &mut Vec<Option<LeaderLock>>,
    ) -> Result<Credentials, CliError> {
        let is_new = start.is_none();
        let Progress { hops: done, mut credentials } = match start {
            Some(cached) => cached,
            None => {
                let source = &self.plan.chain.source;
                if runs_program(source) || matches!(source, Source::InstanceMetadata(_)) {
                    send_heartbeat(locks, SOURCE_PROCESS_TIMEOUT);
                }
                Progress { hops: 0, credentials: self.source_credentials(locks).await? }
            }
        };
        if is_new {
            // Release the lock of the source, if there was one.
            locks.pop();
        }
        self.name_sessions(&credentials, done).await?;
        let mut caller = match done.checked_sub(1).map(|last| &self.plan.hops[last].request) {
            Some(request) => format!("a session of `{}`", request.role_arn),
            None => hints::describe(&self.plan.chain),
        };
        for index in done..self.plan.hops.len() {
            let issued_at = Context::now();
            if index > done || is_new {
                // Waiting processes give up after a time. This starts it anew for the next call.
                send_heartbeat(locks, Duration::ZERO);
            }
            let session = self.assume_hop(index, &credentials, &caller, locks).await?;
            caller = format!("`{}`", session.arn);
            credentials = session.credentials;
            let stored = self.cache.store(&self.plan, index + 1, &credentials, issued_at, self.output);
            if let Some(Some(lock)) = locks.pop()
                && stored == Stored::No
            {
                lock.report_not_cached();
            }
        }
        if is_new && self.has_signed_in.get() {
            self.cache_for_new_sign_in();
        }
        self.cache.warn_if_short(&credentials, self.output);
        Ok(credentials)
    }

    async fn source_credentials(&self, locks: &mut [Option<LeaderLock>]) -> Result<Credentials, CliError> {
        let chain = &self.plan.chain;
        let now = Context::now();
        let is_program = runs_program(&chain.source);
        let failed = |error| {
            let cli_error = hints::source_failed(&error, chain);
            if is_program { cli_error.in_user_program() } else { cli_error }
        };
        let credentials = match (&chain.source, &self.plan.mfa_session) {
            (Source::MfaSession { keys, serial_number }, Some(session)) => {
                let keys = &self.long_term_keys(keys).await.map_err(failed)?;
                let purpose = "a 12-hour MFA session".to_owned();
                let process = session.process.as_deref();
                let mut codes = MfaCodes::new(serial_number, purpose, process, self.user_prompt);
                let mut code = session.code.clone();
                loop {
                    let is_given = code.is_some();
                    let next = match code.take() {
                        Some(provided) => provided,
                        None => {
                            send_heartbeat(locks, codes.timeout());
                            codes.next(self.output).await?
                        }
                    };
                    self.output
                        .trace(|| format!("getting a 12-hour MFA session with a code from {serial_number}"));
                    match self.sts.session_token(keys, serial_number, &next, now).await {
                        Err(error) if !is_given && self.should_retry_code(&error, &codes) => {}
                        result => break result.map_err(failed)?,
                    }
                }
            }
            (Source::Sso(sso), _) => self.sso_credentials(sso, locks).await?,
            (source @ Source::Keychain(_), _) => self.long_term_keys(source).await.map_err(failed)?,
            (source, _) => self.sts.source_credentials(source, now).await.map_err(failed)?,
        };
        if credentials.expiration().is_some_and(|expiration| expiration <= now) {
            let source = hints::describe(chain);
            return Err(CliError::new(format!("the source credentials have expired ({source})")));
        }
        self.cache.store(&self.plan, 0, &credentials, now, self.output);
        Ok(credentials)
    }

    /// Returns the keys of a source that has long-term ones.
    async fn long_term_keys(&self, source: &Source) -> Result<Credentials, StsError> {
        let keys = self.sts.source_credentials(source, Context::now()).await?;
        self.plan.check_source(&keys);
        Ok(keys)
    }

    /// Whether STS refused the code and another one can be tried.
    fn should_retry_code(&self, error: &StsError, codes: &MfaCodes<'_>) -> bool {
        let can_retry = codes.can_retry() && Refusal::of(error) == Some(Refusal::InvalidMfaCode);
        if can_retry {
            self.output.note("STS refused this code; a code works only once, so wait for the next one");
        }
        can_retry
    }

    /// Assumes one role. Asks for a code if there is a device and no code was given.
    async fn assume_hop(
        &mut self,
        index: usize,
        source: &Credentials,
        caller: &str,
        locks: &mut [Option<LeaderLock>],
    ) -> Result<RoleSession, CliError> {
        let settings = &self.plan.sts;
        let mut request = self.plan.hops[index].request.clone();
        let needs_code = request.serial_number.is_some() && request.token_code.is_none();
        if let Some(requested) = cap_chained_duration(source, &mut request) {
            self.output.note(&format!(
                "{requested} lowered to {}: STS allows no more for a role that is assumed with temporary credentials",
                SessionDuration::CHAINED_MAX
            ));
        }
        let serial = request.serial_number.clone();
        let process = self.plan.hops[index].mfa_process.as_deref();
        let role = &request.role_arn;
        let purpose = format!("role/{} in {}", role.role_name(), role.account_id());
        let mut codes = serial
            .as_ref()
            .filter(|_| needs_code)
            .map(|serial| MfaCodes::new(serial, purpose, process, self.user_prompt));
        loop {
            if let Some(codes) = &mut codes {
                send_heartbeat(locks, codes.timeout());
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
                    let expiration = session.credentials.expiration();
                    let remaining = expiration.and_then(|expiration| expiration.duration_since(now).ok());
                    warn_if_lifetime_differs(request.duration_seconds, remaining, self.output);
                    if session.confirmation == Confirmation::Unnamed {
                        self.output.note(&format!(
                            "{} does not say of which role this session is; arl takes it for one of {}",
                            settings.endpoint(),
                            request.role_arn
                        ));
                    }
                    self.output
                        .trace(|| format!("got {} after {} ms", session.arn, started.elapsed().as_millis()));
                    return Ok(session);
                }
                Err(error) => error,
            };
            if let StsError::Refused { request_id: Some(id), .. } = &error {
                self.output.trace(|| format!("STS's request ID: {id}"));
            }
            if codes.as_ref().is_some_and(|codes| self.should_retry_code(&error, codes)) {
                continue;
            }
            return Err(hints::assume_failed(&error, &request, caller, settings));
        }
    }

    /// Expands the session names of the remaining hops. `{caller}` needs a call of GetCallerIdentity, which
    /// is made only if a name contains it.
    async fn name_sessions(&mut self, credentials: &Credentials, done: usize) -> Result<(), CliError> {
        let needs_caller = |hop: &Hop| hop.template.as_ref().is_some_and(SessionNameTemplate::needs_caller);
        let caller = match self.plan.hops[done..].iter().any(needs_caller) {
            false => None,
            true => {
                // The caller is the identity of the source, even if a later hop was cached.
                let credentials = match (&self.plan.chain.source, self.cache.lookup(&self.plan, 0)) {
                    _ if done == 0 => credentials.clone(),
                    // The keys have the same identity as the MFA session, and need no code.
                    (Source::MfaSession { keys, .. }, _) => self
                        .long_term_keys(keys)
                        .await
                        .map_err(|error| hints::source_failed(&error, &self.plan.chain))?,
                    (_, Some(cached)) => cached,
                    (_, None) => self.source_credentials(&mut []).await?,
                };
                let caller = self.sts.caller_identity(&credentials).await.map_err(|error| {
                    CliError::new(
                        "could not ask STS for the caller, which `{caller}` in the session name needs",
                    )
                    .caused_by(error)
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

/// Whether a program of the user's supplies the first credentials, or the token for them.
fn runs_program(source: &Source) -> bool {
    match source {
        Source::MfaSession { keys, .. } => runs_program(keys),
        Source::WebIdentity { token: WebIdentityToken::Process(_), .. } => true,
        source => matches!(source, Source::Process(_) | Source::Login(_) | Source::Keychain(_)),
    }
}

/// Tells the waiting processes that a call begins: they wait as long as a call may take, and `limit` longer
/// for the user or a program.
pub(crate) fn send_heartbeat(locks: &mut [Option<LeaderLock>], limit: Duration) {
    // All locks get the same time, because it is one heartbeat.
    let now = Context::now();
    for lock in locks.iter_mut().flatten() {
        lock.heartbeat(now, limit);
    }
}

/// Warns if a session lasts longer or shorter than requested.
fn warn_if_lifetime_differs(
    requested: Option<SessionDuration>,
    remaining: Option<Duration>,
    output: &Output,
) {
    let (Some(requested), Some(remaining)) = (requested, remaining) else { return };
    let expected = Duration::from_secs(requested.as_secs().into());
    if remaining.abs_diff(expected) > Duration::from_secs(60) {
        output.note(&format!("asked for {requested}, but the session lasts {}", human_duration(remaining)));
    }
}
