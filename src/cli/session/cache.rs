//! Which sessions are kept, where, and who gets a new one.

use std::cell::OnceCell;
use std::time::{Duration, SystemTime};

use arl::{
    CachedSession, CredentialCache, Credentials, Flight, Flying, Margin, Patience, Reader, SingleFlight,
};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::cache_location::Place;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::Plan;
use crate::cli::ui::error::Report;
use crate::cli::ui::output::Output;

/// Whoever waits longer than this for another process wants to know why.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longer than any session.
const MAX_MIN_TTL: Duration = Duration::from_secs(12 * 3600);

/// The cache of one call, as its flags and the environment want it.
pub(crate) struct Caches {
    place: Place,
    store: Option<Box<dyn CredentialCache>>,
    /// Looked for when there is something to wait for.
    flight: OnceCell<Option<SingleFlight>>,
    margin: Margin,
    /// Whether what is kept may be taken.
    reads: bool,
    started: SystemTime,
}

impl Caches {
    /// Opens nothing that is not needed to read.
    pub(crate) fn open(
        args: &RoleArgs,
        reader: Reader,
        context: &Context,
        output: &Output,
    ) -> Result<Self, Report> {
        let min_ttl = args.min_ttl.clone().map(|text| ("--min-ttl", text));
        let min_ttl = min_ttl.or_else(|| vars::get(vars::ARL_MIN_TTL).map(|text| ("ARL_MIN_TTL", text)));
        let at_least = min_ttl.map(|(origin, text)| parse_min_ttl(origin, &text)).transpose()?;
        let margin = Margin { reader, at_least: at_least.unwrap_or_default() };
        let place = if args.no_cache { Place::None } else { Place::chosen(context)? };
        let store = place.open(output)?;
        let (flight, reads) = (OnceCell::new(), !args.refresh);
        Ok(Self { place, store, flight, margin, reads, started: Context::now() })
    }

    /// Where to wait for others, if they are to be waited for.
    fn flight(&self) -> Option<&SingleFlight> {
        let find =
            || self.place.locks().filter(|_| self.reads && self.store.is_some()).map(SingleFlight::new);
        self.flight.get_or_init(find).as_ref()
    }

    /// Whether anything can be kept.
    pub(crate) fn is_open(&self) -> bool {
        self.store.is_some()
    }

    /// What is kept of the plan's first hops. Only the last one is handed out and has to last as long as asked.
    pub(crate) fn find(&self, plan: &Plan, hops: usize) -> Option<Credentials> {
        // A new session of the role is no reason to ask for another code.
        let is_mfa_session = hops == 0 && matches!(plan.chain.source, arl::Source::MfaSession { .. });
        if !(self.reads || is_mfa_session) || !is_kept(plan, hops) {
            return None;
        }
        let store = self.store.as_ref()?;
        let now = Context::now();
        let margin = match hops == plan.hops.len() {
            true => self.margin,
            false => Margin { reader: Reader::Once, at_least: Duration::ZERO },
        };
        let session = store.read(&plan.cache_key(hops)?, now)?;
        margin.allows(&session, now).then_some(session.credentials)
    }

    /// Keeps the credentials after so many hops, and says whether those who wait will find them. A cache that cannot
    /// be written costs nobody their credentials.
    pub(crate) fn keep(
        &self,
        plan: &Plan,
        hops: usize,
        credentials: &Credentials,
        issued_at: SystemTime,
        output: &Output,
    ) -> bool {
        let Some(store) = self.store.as_ref().filter(|_| is_kept(plan, hops)) else { return true };
        let (Some(key), Some(_)) = (plan.cache_key(hops), credentials.expiration()) else { return false };
        let session = CachedSession { credentials: credentials.clone(), issued_at };
        if let Err(error) = store.write(&key, &session, Context::now()) {
            output.warn_once(&format!("could not keep the session for the next call: {error}"));
            return false;
        }
        if let Some(flight) = self.flight() {
            flight.sweep(Context::now());
        }
        self.find(plan, hops).is_some()
    }

    /// Tells those who wait for the session after so many hops that it cannot be had. Whoever had a code of their own
    /// keeps that to themselves: the code may be what was wrong. What a program of the person's has said is nobody else's
    /// to read, and the others' may do better: they try all at once.
    pub(crate) fn tell_failure(&self, plan: &Plan, hops: usize, flying: Flying, report: &Report) {
        if report.is_of_program {
            flying.unkept();
        } else if let Some(key) = plan.cache_key(hops).filter(|_| !plan.has_code()) {
            flying.failed(&key, &report.to_note());
        }
    }

    /// Waits for whoever else is getting the same session.
    pub(crate) async fn take_off(
        &self,
        plan: &Plan,
        hops: usize,
        patience: &mut Patience,
        output: &Output,
    ) -> Outcome {
        let key = self.flight().filter(|_| is_kept(plan, hops)).zip(plan.cache_key(hops));
        let Some((flight, key)) = key else { return Outcome::Ahead(None) };
        let mut found = None;
        let mut told = false;
        let landed = || {
            found = self.find(plan, hops);
            found.is_some()
        };
        let waiting = |waited: Duration| {
            if waited > PATIENCE && !told {
                told = true;
                output.success("another arl is getting this session; waiting for it");
            }
        };
        match flight.take_off(&key, self.started, patience, landed, waiting).await {
            Flight::Ahead(flying) => Outcome::Ahead(Some(flying)),
            Flight::Landed => found.map_or(Outcome::Ahead(None), Outcome::Found),
            // Whoever has brought a code of their own tries it: it may be the other one's code that was wrong.
            Flight::Failed(_) if plan.has_code() => Outcome::Ahead(None),
            Flight::Failed(note) => Outcome::Failed(Report::of_note(&note)),
        }
    }

    /// Says so where what was asked for cannot be had.
    pub(crate) fn note_short_session(&self, credentials: &Credentials, output: &Output) {
        let left = credentials.expiration().and_then(|end| end.duration_since(Context::now()).ok());
        if left.is_some_and(|left| left < self.margin.at_least) {
            output.note(&format!(
                "the session lasts less than the {} that --min-ttl asks for",
                humantime::format_duration(self.margin.at_least)
            ));
        }
    }
}

/// What came of waiting for others.
pub(crate) enum Outcome {
    /// Nobody else is at it.
    Ahead(Option<Flying>),
    /// Somebody had it.
    Found(Credentials),
    /// Somebody has failed.
    Failed(Report),
}

/// Roles are. Of sources, only those that cost a call: keys are at hand, and the others keep their own.
fn is_kept(plan: &Plan, hops: usize) -> bool {
    use arl::Source::{MfaSession, Sso, WebIdentity};
    hops > 0 || matches!(plan.chain.source, Sso(_) | WebIdentity { .. } | MfaSession { .. })
}

fn parse_min_ttl(origin: &str, text: &str) -> Result<Duration, Report> {
    let seconds = text.parse().map(Duration::from_secs);
    let parsed = seconds.or_else(|_| humantime::parse_duration(text));
    let time =
        parsed.map_err(|error| Report::usage(format!("{origin} must be a time such as 30m: {error}")))?;
    match time > MAX_MIN_TTL {
        true => Err(Report::usage(format!("{origin} is more than any session lasts (12h)"))),
        false => Ok(time),
    }
}
