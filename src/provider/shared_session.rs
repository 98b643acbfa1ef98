//! A session that many tasks share, and that one of them renews before it expires.
//!
//! This module knows neither STS nor the SDK, and the caller provides the clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::{Mutex, MutexGuard};

use super::refresh_windows::RefreshWindows;
use crate::credentials::Credentials;

/// The pause after an early renewal that failed.
const RETRY_DELAY: Duration = Duration::from_secs(30);
/// How long the failure of a call is returned to other tasks instead of calling again.
const FAILURE_TTL: Duration = Duration::from_secs(1);

/// Credentials with the time of their issue.
#[derive(Debug, Clone)]
pub(super) struct IssuedCredentials {
    pub(super) credentials: Credentials,
    pub(super) issued_at: SystemTime,
}

/// The shared session, and the locks of those who renew it.
#[derive(Debug)]
pub(super) struct SharedSession<E> {
    current: RwLock<Option<Arc<IssuedCredentials>>>,
    slot: Mutex<RefreshSlot<E>>,
    /// The lock of the tasks that stopped waiting for `turn`.
    fallback: Mutex<()>,
    /// The number of attempts that have ended.
    attempts: AtomicU64,
}

/// The state that the lock of a renewal protects.
#[derive(Debug)]
struct RefreshSlot<E> {
    failure: Option<RefreshFailure<E>>,
    /// No early renewal before this time.
    not_before: Option<SystemTime>,
}

/// The last attempt that failed while there were no usable credentials.
#[derive(Debug)]
struct RefreshFailure<E> {
    /// The number of attempts that had ended then.
    attempt: u64,
    at: SystemTime,
    error: E,
}

/// How urgent a renewal is.
enum Freshness {
    /// No renewal is needed.
    Fresh(Arc<IssuedCredentials>),
    /// One task should renew the session. The others may use it meanwhile.
    RefreshDue(Arc<IssuedCredentials>),
    /// The session must not be used any more.
    Expired,
}

impl<E> Default for SharedSession<E> {
    fn default() -> Self {
        let slot = Mutex::new(RefreshSlot { failure: None, not_before: None });
        Self { current: RwLock::new(None), slot, fallback: Mutex::default(), attempts: AtomicU64::new(0) }
    }
}

impl<E: Clone> SharedSession<E> {
    /// Returns usable credentials. One task at a time runs `fetch`. Tasks without usable credentials wait for
    /// it and share its failure.
    ///
    /// An early renewal is given up when `early_timeout` ends. A task that waits for another one's renewal
    /// runs its own when `wait_timeout` ends, because the other task may not be polled any more.
    ///
    /// # Errors
    /// `fetch` failed, and there are no usable credentials.
    pub(super) async fn get<L: Future<Output = ()>>(
        &self,
        now: impl Fn() -> SystemTime,
        fetch: impl Future<Output = Result<IssuedCredentials, E>>,
        early_timeout: impl Future<Output = ()>,
        wait_timeout: impl Fn() -> L,
    ) -> Result<Arc<IssuedCredentials>, E> {
        match self.freshness(now()) {
            Freshness::Fresh(current) => Ok(current),
            Freshness::RefreshDue(current) => Ok(self.renew_early(current, now, fetch, early_timeout).await),
            Freshness::Expired => {
                let attempts_on_arrival = self.attempts.load(Ordering::Relaxed);
                let slot = tokio::select! {
                    slot = self.slot.lock() => Some(slot),
                    () = wait_timeout() => None,
                };
                if let Some(slot) = slot {
                    return self.renew(slot, attempts_on_arrival, now, fetch).await;
                }
                // Take turns again, unless that takes too long.
                let _fallback = tokio::select! {
                    fallback = self.fallback.lock() => Some(fallback),
                    () = wait_timeout() => None,
                };
                if let Some(current) = self.usable(now()) {
                    return Ok(current);
                }
                fetch.await.map(|issued| self.store(issued))
            }
        }
    }

    /// Renews a session that is still usable, unless another task does so or has just failed.
    async fn renew_early(
        &self,
        current: Arc<IssuedCredentials>,
        now: impl Fn() -> SystemTime,
        fetch: impl Future<Output = Result<IssuedCredentials, E>>,
        timeout: impl Future<Output = ()>,
    ) -> Arc<IssuedCredentials> {
        let Ok(mut slot) = self.slot.try_lock() else { return current };
        let is_early = slot.not_before.is_some_and(|time| now() < time);
        if is_early || matches!(self.freshness(now()), Freshness::Fresh(_)) {
            return self.current().unwrap_or(current);
        }
        // Set this first, because the caller may drop this future.
        slot.not_before = Some(now() + RETRY_DELAY);
        let issued = tokio::select! {
            result = fetch => result.ok(),
            () = timeout => None,
        };
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let Some(issued) = issued else {
            slot.not_before = Some(now() + RETRY_DELAY);
            return current;
        };
        slot.not_before = None;
        self.store(issued)
    }

    /// Renews an expired session, unless another task did so, or failed, while this one waited.
    async fn renew(
        &self,
        mut slot: MutexGuard<'_, RefreshSlot<E>>,
        attempts_on_arrival: u64,
        now: impl Fn() -> SystemTime,
        fetch: impl Future<Output = Result<IssuedCredentials, E>>,
    ) -> Result<Arc<IssuedCredentials>, E> {
        if let Some(current) = self.usable(now()) {
            return Ok(current);
        }
        // Another attempt failed since this call began, or just now, and this one would fail as well.
        if let Some(RefreshFailure { attempt, at, error }) = &slot.failure
            && (*attempt > attempts_on_arrival
                || now().duration_since(*at).is_ok_and(|ago| ago < FAILURE_TTL))
        {
            return Err(error.clone());
        }
        let result = fetch.await;
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        match result {
            Ok(issued) => {
                slot.failure = None;
                slot.not_before = None;
                Ok(self.store(issued))
            }
            Err(error) => {
                slot.failure = Some(RefreshFailure { attempt, at: now(), error: error.clone() });
                Err(error)
            }
        }
    }

    fn usable(&self, now: SystemTime) -> Option<Arc<IssuedCredentials>> {
        match self.freshness(now) {
            Freshness::Fresh(current) | Freshness::RefreshDue(current) => Some(current),
            Freshness::Expired => None,
        }
    }

    fn current(&self) -> Option<Arc<IssuedCredentials>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn store(&self, issued: IssuedCredentials) -> Arc<IssuedCredentials> {
        let issued = Arc::new(issued);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&issued));
        issued
    }

    fn freshness(&self, now: SystemTime) -> Freshness {
        let Some(current) = self.current() else { return Freshness::Expired };
        let Some(expiration) = current.credentials.expiration() else { return Freshness::Fresh(current) };
        let windows =
            RefreshWindows::for_lifetime(expiration.duration_since(current.issued_at).unwrap_or_default());
        match expiration.duration_since(now) {
            Ok(remaining) if remaining > windows.advisory => Freshness::Fresh(current),
            Ok(remaining) if remaining > windows.mandatory => Freshness::RefreshDue(current),
            _ => Freshness::Expired,
        }
    }
}
