//! One session that many tasks share: renewed ahead of its end, by one of them.
//!
//! Knows neither STS nor the SDK, and no clock but the one it is asked with.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::refresh_windows::RefreshWindows;
use crate::credentials::Credentials;

/// After a renewal that failed and could be done without, the next one is not tried before this time.
const PAUSE: Duration = Duration::from_secs(30);
/// A failure is told to whoever asks so soon after it, instead of asking again.
const ECHO: Duration = Duration::from_secs(1);

/// Credentials, and when they were issued.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) credentials: Credentials,
    pub(super) issued_at: SystemTime,
}

/// What is held, and whose turn it is to renew it.
#[derive(Debug)]
pub(super) struct Refreshing<E> {
    held: RwLock<Option<Arc<Issued>>>,
    turn: Mutex<Turn<E>>,
    /// The turn of those who wait for a turn that does not end.
    spare: Mutex<()>,
    /// How many attempts have ended.
    attempts: AtomicU64,
}

/// What whoever has the turn finds.
#[derive(Debug)]
struct Turn<E> {
    failure: Option<Failure<E>>,
    /// No attempt before this time, as long as what is held will do.
    not_before: Option<SystemTime>,
}

/// The last attempt that nobody could do without.
#[derive(Debug)]
struct Failure<E> {
    /// How many attempts had ended then.
    ended: u64,
    at: SystemTime,
    error: E,
}

/// How urgent it is.
enum State {
    /// Nothing to do.
    Good(Arc<Issued>),
    /// Somebody should renew it; everybody else may go on using it.
    Aging(Arc<Issued>),
    /// Nobody may use it any more.
    Gone,
}

impl<E> Default for Refreshing<E> {
    fn default() -> Self {
        let turn = Mutex::new(Turn { failure: None, not_before: None });
        Self { held: RwLock::new(None), turn, spare: Mutex::default(), attempts: AtomicU64::new(0) }
    }
}

impl<E: Clone> Refreshing<E> {
    /// Credentials that will do. `fetch` is begun by one task at a time; those that cannot go on without wait for
    /// it, and share its failure.
    ///
    /// A renewal that can be done without is given up once `early` is over. Who waits for another one's does it
    /// instead once `late` is over: that one's task may not be polled any more.
    pub(super) async fn get<L: Future<Output = ()>>(
        &self,
        now: impl Fn() -> SystemTime,
        fetch: impl Future<Output = Result<Issued, E>>,
        early: impl Future<Output = ()>,
        late: impl Fn() -> L,
    ) -> Result<Arc<Issued>, E> {
        match self.state(now()) {
            State::Good(held) => Ok(held),
            State::Aging(held) => {
                let Ok(mut turn) = self.turn.try_lock() else { return Ok(held) };
                let is_early = turn.not_before.is_some_and(|time| now() < time);
                if is_early || matches!(self.state(now()), State::Good(_)) {
                    return Ok(self.held().unwrap_or(held));
                }
                // Noted before, since the caller may lose its patience and drop this.
                turn.not_before = Some(now() + PAUSE);
                let result = tokio::select! {
                    result = fetch => result.ok(),
                    () = early => None,
                };
                self.attempts.fetch_add(1, Ordering::Relaxed);
                match result {
                    Some(issued) => {
                        turn.not_before = None;
                        Ok(self.hold(issued))
                    }
                    None => {
                        turn.not_before = Some(now() + PAUSE);
                        Ok(held)
                    }
                }
            }
            State::Gone => {
                let arrived = self.attempts.load(Ordering::Relaxed);
                let turn = tokio::select! {
                    turn = self.turn.lock() => Some(turn),
                    () = late() => None,
                };
                let Some(mut turn) = turn else {
                    // One after the other again, for as long as that gets on.
                    let _spare = tokio::select! {
                        spare = self.spare.lock() => Some(spare),
                        () = late() => None,
                    };
                    if let State::Good(held) | State::Aging(held) = self.state(now()) {
                        return Ok(held);
                    }
                    return fetch.await.map(|issued| self.hold(issued));
                };
                if let State::Good(held) | State::Aging(held) = self.state(now()) {
                    return Ok(held);
                }
                // Somebody has tried since, or only just, and this one would fail alike.
                if let Some(Failure { ended, at, error }) = &turn.failure
                    && (*ended > arrived || now().duration_since(*at).is_ok_and(|ago| ago < ECHO))
                {
                    return Err(error.clone());
                }
                let result = fetch.await;
                let ended = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
                match result {
                    Ok(issued) => {
                        turn.failure = None;
                        turn.not_before = None;
                        Ok(self.hold(issued))
                    }
                    Err(error) => {
                        turn.failure = Some(Failure { ended, at: now(), error: error.clone() });
                        Err(error)
                    }
                }
            }
        }
    }

    fn held(&self) -> Option<Arc<Issued>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, issued: Issued) -> Arc<Issued> {
        let issued = Arc::new(issued);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&issued));
        issued
    }

    fn state(&self, now: SystemTime) -> State {
        let Some(held) = self.held() else { return State::Gone };
        let Some(end) = held.credentials.expiration() else { return State::Good(held) };
        let windows = RefreshWindows::of(end.duration_since(held.issued_at).unwrap_or_default());
        match end.duration_since(now) {
            Ok(left) if left > windows.advisory => State::Good(held),
            Ok(left) if left > windows.mandatory => State::Aging(held),
            _ => State::Gone,
        }
    }
}
