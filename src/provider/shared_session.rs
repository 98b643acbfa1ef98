//! A session that many tasks share, and that one of them renews before it expires.
//!
//! This module knows neither STS nor the SDK, and the caller provides the clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::refresh_windows::RefreshWindows;
use crate::credentials::Credentials;

/// The pause after an early renewal that failed.
const PAUSE: Duration = Duration::from_secs(30);
/// How long the failure of a call is returned to other tasks instead of calling again.
const ECHO: Duration = Duration::from_secs(1);

/// Credentials with the time of their issue.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) credentials: Credentials,
    pub(super) issued_at: SystemTime,
}

/// The shared session, and the locks of those who renew it.
#[derive(Debug)]
pub(super) struct Refreshing<E> {
    held: RwLock<Option<Arc<Issued>>>,
    turn: Mutex<Turn<E>>,
    /// The lock of the tasks that stopped waiting for `turn`.
    spare: Mutex<()>,
    /// The number of attempts that have ended.
    attempts: AtomicU64,
}

/// The state that the lock of a renewal protects.
#[derive(Debug)]
struct Turn<E> {
    failure: Option<Failure<E>>,
    /// No early renewal before this time.
    not_before: Option<SystemTime>,
}

/// The last attempt that failed while there were no usable credentials.
#[derive(Debug)]
struct Failure<E> {
    /// The number of attempts that had ended then.
    ended: u64,
    at: SystemTime,
    error: E,
}

/// How urgent a renewal is.
enum State {
    /// No renewal is needed.
    Good(Arc<Issued>),
    /// One task should renew the session. The others may use it meanwhile.
    Aging(Arc<Issued>),
    /// The session must not be used any more.
    Gone,
}

impl<E> Default for Refreshing<E> {
    fn default() -> Self {
        let turn = Mutex::new(Turn { failure: None, not_before: None });
        Self { held: RwLock::new(None), turn, spare: Mutex::default(), attempts: AtomicU64::new(0) }
    }
}

impl<E: Clone> Refreshing<E> {
    /// Returns usable credentials. One task at a time runs `fetch`. Tasks without usable credentials wait for
    /// it and share its failure.
    ///
    /// An early renewal is given up when `early` ends. A task that waits for another one's renewal runs its
    /// own when `late` ends, because the other task may not be polled any more.
    ///
    /// # Errors
    /// `fetch` failed, and there are no usable credentials.
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
                // Set this first, because the caller may drop this future.
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
                    // Take turns again, unless that takes too long.
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
                // Another attempt failed since this call began, or just now, and this one would fail as well.
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
