//! Reads and writes cached sessions, and decides which process requests a new one.

use std::cell::OnceCell;
use std::time::{Duration, SystemTime};

use arl::internal::{
    Acquired, CachedSession, Consumer, Credentials, FreshnessPolicy, LeaderLock, SessionStore, SingleFlight,
    WaitBudget,
};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::cache_location::CacheLocation;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::Plan;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;

/// After this time arl tells the user that it waits for another process.
const WAIT_NOTICE_DELAY: Duration = Duration::from_secs(1);
/// The largest `--min-ttl`. No session lasts longer.
const MAX_MIN_TTL: Duration = Duration::from_secs(12 * 3600);

/// The cache of one call, as flags and environment configure it.
pub(crate) struct SessionCache {
    location: CacheLocation,
    backend: Option<Box<dyn SessionStore>>,
    /// Opened on first use.
    single_flight: OnceCell<Option<SingleFlight>>,
    freshness: FreshnessPolicy,
    /// Whether cached sessions may be used.
    allow_cached: bool,
    started: SystemTime,
}

impl SessionCache {
    /// Opens the cache for reading. Everything else is opened on first use.
    pub(crate) fn open(
        args: &RoleArgs,
        consumer: Consumer,
        context: &Context,
        output: &Output,
    ) -> Result<Self, CliError> {
        let min_ttl = args.min_ttl.clone().map(|text| ("--min-ttl", text));
        let min_ttl = min_ttl.or_else(|| vars::get(vars::ARL_MIN_TTL).map(|text| ("ARL_MIN_TTL", text)));
        let min_ttl = min_ttl.map(|(origin, text)| parse_min_ttl(origin, &text)).transpose()?;
        let freshness = FreshnessPolicy { consumer, min_ttl: min_ttl.unwrap_or_default() };
        let location = if args.no_cache { CacheLocation::None } else { CacheLocation::from_env(context)? };
        let backend = location.open(output)?;
        let (single_flight, allow_cached) = (OnceCell::new(), !args.refresh);
        Ok(Self { location, backend, single_flight, freshness, allow_cached, started: Context::now() })
    }

    /// Returns the locks with which processes wait for each other, if this call waits for others.
    fn single_flight(&self) -> Option<&SingleFlight> {
        let find = || {
            self.location
                .lock_dir()
                .filter(|_| self.allow_cached && self.backend.is_some())
                .map(SingleFlight::new)
        };
        self.single_flight.get_or_init(find).as_ref()
    }

    /// Returns when this call began.
    pub(crate) fn started(&self) -> SystemTime {
        self.started
    }

    /// Returns the kind of program that gets the session.
    pub(crate) fn consumer(&self) -> Consumer {
        self.freshness.consumer
    }

    /// Returns how long the token of a sign-in must still be valid: 15 minutes for `credential_process` and
    /// five otherwise, as for the consumer's sessions.
    pub(crate) fn token_margin(&self) -> Duration {
        match self.freshness.consumer {
            Consumer::CredentialProcess => Duration::from_secs(15 * 60),
            Consumer::OneShot | Consumer::Endpoint | Consumer::Unreachable => Duration::from_secs(5 * 60),
        }
    }

    /// Whether sessions can be cached.
    pub(crate) fn is_enabled(&self) -> bool {
        self.backend.is_some()
    }

    /// Returns the cached credentials after this number of hops. Only those of the last hop leave arl, so
    /// only they must last as long as the user asks.
    pub(crate) fn lookup(&self, plan: &Plan, hops: usize) -> Option<Credentials> {
        // `--refresh` asks for a new session of the role, not for another MFA code.
        let is_mfa_session =
            hops == 0 && matches!(plan.chain.source, arl::internal::Source::MfaSession { .. });
        if !(self.allow_cached || is_mfa_session) || !is_cacheable(plan, hops) {
            return None;
        }
        let backend = self.backend.as_ref()?;
        let now = Context::now();
        let freshness = match hops == plan.hops.len() {
            true => self.freshness,
            false => FreshnessPolicy { consumer: Consumer::OneShot, min_ttl: Duration::ZERO },
        };
        let session = backend.read(plan.cache_key(hops)?)?;
        freshness.allows(&session, now).then_some(session.credentials)
    }

    /// Caches the credentials after this number of hops. If the cache cannot be written, the user still gets
    /// the credentials.
    pub(crate) fn store(
        &self,
        plan: &Plan,
        hops: usize,
        credentials: &Credentials,
        issued_at: SystemTime,
        output: &Output,
    ) -> Stored {
        let Some(backend) = self.backend.as_ref().filter(|_| is_cacheable(plan, hops)) else {
            return Stored::NotNeeded;
        };
        let (Some(key), Some(_)) = (plan.cache_key(hops), credentials.expiration()) else {
            return Stored::No;
        };
        let session = CachedSession { credentials: credentials.clone(), issued_at };
        if let Err(error) = backend.write(key, &session, Context::now()) {
            output.warn_once(&format!("could not cache the session: {error}"));
            return Stored::No;
        }
        if let Some(single_flight) = self.single_flight() {
            single_flight.remove_stale(Context::now());
        }
        if self.lookup(plan, hops).is_some() { Stored::Yes } else { Stored::No }
    }

    /// Tells the processes that wait for this session that the call failed. If the user gave this process an
    /// MFA code, it tells them nothing, because that code may be the only thing wrong. If a program of the
    /// user's failed, it tells them only that the session was not cached: the program's output is not shared,
    /// and the program may succeed for another process. The others then all try at once.
    pub(crate) fn report_failure(&self, plan: &Plan, hops: usize, lock: LeaderLock, error: &CliError) {
        if error.in_user_program {
            lock.report_not_cached();
        } else if let Some(key) = plan.cache_key(hops).filter(|_| !plan.has_code()) {
            lock.report_failure(key, &error.to_note());
        }
    }

    /// Waits for the process that is requesting the same session, if there is one.
    pub(crate) async fn acquire(
        &self,
        plan: &Plan,
        hops: usize,
        wait_budget: &mut WaitBudget,
        output: &Output,
    ) -> WaitOutcome {
        let key = self.single_flight().filter(|_| is_cacheable(plan, hops)).zip(plan.cache_key(hops));
        let Some((single_flight, key)) = key else { return WaitOutcome::Leader(None) };
        let mut has_notified = false;
        let cached = || std::future::ready(self.lookup(plan, hops));
        let on_wait = |waited: Duration| {
            if waited > WAIT_NOTICE_DELAY && !has_notified {
                has_notified = true;
                output.progress("another arl process is getting this session; waiting for it");
            }
        };
        let sleep = tokio::time::sleep;
        match single_flight.acquire(key, self.started, wait_budget, cached, sleep, on_wait).await {
            Acquired::Leader(lock) => WaitOutcome::Leader(Some(lock)),
            Acquired::Cached(credentials) => WaitOutcome::Found(credentials),
            // A process with an MFA code tries its own, because that of the other process may have been
            // wrong.
            Acquired::Failed(_) if plan.has_code() => WaitOutcome::Leader(None),
            Acquired::Failed(note) => WaitOutcome::Failed(CliError::from_note(&note)),
        }
    }

    /// Warns if the session does not last as long as `--min-ttl` asks.
    pub(crate) fn warn_if_short(&self, credentials: &Credentials, output: &Output) {
        let remaining =
            credentials.expiration().and_then(|expiration| expiration.duration_since(Context::now()).ok());
        if remaining.is_some_and(|remaining| remaining < self.freshness.min_ttl) {
            output.note(&format!(
                "the session lasts for less than the {} of --min-ttl",
                humantime::format_duration(self.freshness.min_ttl)
            ));
        }
    }
}

/// Whether other processes will find a session in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// They will.
    Yes,
    /// Sessions of this kind are not cached, or caching is off, so no process waits for this one.
    NotNeeded,
    /// They will not, because it could not be written or expires too soon.
    No,
}

/// The result of waiting for other processes.
pub(crate) enum WaitOutcome {
    /// No other process requests the session, so this one does.
    Leader(Option<LeaderLock>),
    /// Another process cached it.
    Found(Credentials),
    /// The process for which this one waited failed.
    Failed(CliError),
}

/// Whether the credentials are cached, as those of roles are, and those of sources that need a call and have
/// no cache of their own.
fn is_cacheable(plan: &Plan, hops: usize) -> bool {
    use arl::internal::Source::{MfaSession, Sso, WebIdentity};
    hops > 0 || matches!(plan.chain.source, Sso(_) | WebIdentity { .. } | MfaSession { .. })
}

fn parse_min_ttl(origin: &str, text: &str) -> Result<Duration, CliError> {
    let seconds = text.parse().map(Duration::from_secs);
    let parsed = seconds.or_else(|_| humantime::parse_duration(text));
    let time =
        parsed.map_err(|error| CliError::usage(format!("{origin} must be a time such as 30m: {error}")))?;
    match time > MAX_MIN_TTL {
        true => {
            Err(CliError::usage(format!("{origin} must be at most 12h, the longest that a session can last")))
        }
        false => Ok(time),
    }
}
