//! A session that many tasks share, and that one of them renews before it expires.
//!
//! This module knows neither STS nor the SDK, and the caller provides the clock.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::{Mutex, MutexGuard};

use super::refresh_windows::RefreshWindows;
use crate::credentials::Credentials;

/// The pause after a renewal that failed while the session was still valid.
const RETRY_DELAY: Duration = Duration::from_secs(30);
/// How long the failure of a call is returned to other tasks instead of calling again.
const FAILURE_TTL: Duration = Duration::from_secs(1);

/// Credentials with the time of their issue.
#[derive(Debug, Clone)]
pub(super) struct IssuedCredentials {
    pub(super) credentials: Credentials,
    pub(super) issued_at: SystemTime,
}

/// The shared session, and the locks of the tasks that renew it.
#[derive(Debug)]
pub(super) struct SharedSession<E> {
    current: RwLock<Option<Arc<IssuedCredentials>>>,
    /// The access key IDs of the sessions that the program has declared invalid.
    invalidated: RwLock<HashSet<String>>,
    slot: Mutex<RefreshSlot<E>>,
    /// The lock of the tasks that stopped waiting for `slot`.
    fallback: Mutex<()>,
    /// The number of attempts that have ended.
    attempts: AtomicU64,
}

/// The state that the lock of a renewal protects.
#[derive(Debug)]
struct RefreshSlot<E> {
    failure: Option<RefreshFailure<E>>,
    /// No renewal of a valid session before this time.
    not_before: Option<SystemTime>,
}

impl<E> RefreshSlot<E> {
    /// Whether a renewal has just failed. If `not_before` is more than one pause ahead, the clock was set
    /// back, and it does not count.
    fn is_paused(&self, now: SystemTime) -> bool {
        let remaining = self.not_before.and_then(|time| time.duration_since(now).ok());
        remaining.is_some_and(|remaining| !remaining.is_zero() && remaining <= RETRY_DELAY)
    }
}

/// The last attempt that failed while there were no usable credentials.
#[derive(Debug)]
struct RefreshFailure<E> {
    /// The number of attempts that had ended then.
    attempt: u64,
    at: SystemTime,
    error: E,
}

impl<E: Clone> RefreshSlot<E> {
    /// Returns the error of another attempt that failed after this call began, or just before: a new attempt
    /// would fail as well.
    fn shared_failure(&self, attempts_on_arrival: u64, now: SystemTime) -> Option<E> {
        let RefreshFailure { attempt, at, error } = self.failure.as_ref()?;
        let is_recent = now.duration_since(*at).is_ok_and(|ago| ago < FAILURE_TTL);
        (*attempt > attempts_on_arrival || is_recent).then(|| error.clone())
    }
}

/// How urgent a renewal is.
enum Freshness {
    /// No renewal is needed.
    Fresh(Arc<IssuedCredentials>),
    /// One task should renew the session. The others may use it meanwhile.
    RefreshDue(Arc<IssuedCredentials>),
    /// All tasks should wait for a new session. They may use this one if they get no other.
    RefreshUrgent(Arc<IssuedCredentials>),
    /// The session has expired or was declared invalid, or there is none.
    Expired,
}

/// How long a caller waits in [`SharedSession::get`]. Each limit is a future that ends when it is reached.
pub(super) struct Limits<Early, Urgent, Wait> {
    /// The limit of a renewal while there is plenty of time.
    pub(super) early: Early,
    /// The limit of a renewal, and of the wait for one, while the present session is valid.
    pub(super) urgent: Urgent,
    /// The limit of the wait for another task, which might never be polled again.
    pub(super) wait: Wait,
}

impl<E> Default for SharedSession<E> {
    fn default() -> Self {
        let slot = Mutex::new(RefreshSlot { failure: None, not_before: None });
        Self {
            current: RwLock::new(None),
            invalidated: RwLock::default(),
            slot,
            fallback: Mutex::default(),
            attempts: AtomicU64::new(0),
        }
    }
}

impl<E: Clone> SharedSession<E> {
    /// Returns usable credentials. One task at a time runs `fetch`. Tasks without usable credentials wait for
    /// it and share its failure.
    ///
    /// While there are valid credentials, a failure is an error only if `is_refusal` says that a later call
    /// would fail as well. After any other failure the valid credentials stay in use, and the next renewal
    /// waits for the end of a pause.
    ///
    /// # Errors
    /// `fetch` failed, and there are no valid credentials or it was a refusal.
    pub(super) async fn get<Early, Urgent, Wait, U, W>(
        &self,
        now: impl Fn() -> SystemTime,
        fetch: impl Future<Output = Result<IssuedCredentials, E>>,
        is_refusal: impl Fn(&E) -> bool,
        limits: Limits<Early, Urgent, Wait>,
    ) -> Result<Arc<IssuedCredentials>, E>
    where
        Early: Future<Output = ()>,
        Urgent: Fn() -> U,
        U: Future<Output = ()>,
        Wait: Fn() -> W,
        W: Future<Output = ()>,
    {
        match self.freshness(now()) {
            Freshness::Fresh(current) => Ok(current),
            Freshness::RefreshDue(current) => Ok(self.renew_early(current, now, fetch, limits.early).await),
            Freshness::RefreshUrgent(current) => {
                let attempts_on_arrival = self.attempts.load(Ordering::Relaxed);
                let slot = tokio::select! {
                    slot = self.slot.lock() => slot,
                    () = (limits.urgent)() => return Ok(current),
                    () = (limits.wait)() => return Ok(current),
                };
                let fetch = async {
                    tokio::select! {
                        result = fetch => Some(result),
                        () = (limits.urgent)() => None,
                    }
                };
                self.renew_urgently(slot, attempts_on_arrival, current, now, fetch, is_refusal).await
            }
            Freshness::Expired => {
                let attempts_on_arrival = self.attempts.load(Ordering::Relaxed);
                let slot = tokio::select! {
                    slot = self.slot.lock() => Some(slot),
                    () = (limits.wait)() => None,
                };
                if let Some(slot) = slot {
                    return self.renew(slot, attempts_on_arrival, now, fetch).await;
                }
                // Take turns again, unless that takes too long.
                let _fallback = tokio::select! {
                    fallback = self.fallback.lock() => Some(fallback),
                    () = (limits.wait)() => None,
                };
                if let Some(current) = self.usable(now()) {
                    return Ok(current);
                }
                fetch.await.map(|issued| self.store(issued))
            }
        }
    }

    /// Declares the current session invalid: it is not returned again, even if it has not expired.
    pub(super) fn invalidate(&self) {
        if let Some(current) = self.current() {
            let id = current.credentials.access_key_id().to_owned();
            self.invalidated.write().unwrap_or_else(PoisonError::into_inner).insert(id);
        }
    }

    /// Whether [`SharedSession::invalidate`] was called for these credentials.
    pub(super) fn is_invalidated(&self, credentials: &Credentials) -> bool {
        let invalidated = self.invalidated.read().unwrap_or_else(PoisonError::into_inner);
        invalidated.contains(credentials.access_key_id())
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
        if slot.is_paused(now()) || matches!(self.freshness(now()), Freshness::Fresh(_)) {
            return self.usable(now()).unwrap_or(current);
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

    /// Renews a session that is about to expire, unless another task did so, or failed, while this one
    /// waited.
    async fn renew_urgently(
        &self,
        mut slot: MutexGuard<'_, RefreshSlot<E>>,
        attempts_on_arrival: u64,
        current: Arc<IssuedCredentials>,
        now: impl Fn() -> SystemTime,
        fetch: impl Future<Output = Option<Result<IssuedCredentials, E>>>,
        is_refusal: impl Fn(&E) -> bool,
    ) -> Result<Arc<IssuedCredentials>, E> {
        if let Freshness::Fresh(renewed) | Freshness::RefreshDue(renewed) = self.freshness(now()) {
            return Ok(renewed);
        }
        if let Some(error) = slot.shared_failure(attempts_on_arrival, now()) {
            return if is_refusal(&error) { Err(error) } else { self.usable(now()).ok_or(error) };
        }
        if slot.is_paused(now()) {
            return Ok(current);
        }
        // Set this first, because the caller may drop this future.
        slot.not_before = Some(now() + RETRY_DELAY);
        let result = fetch.await;
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        match result {
            Some(Ok(issued)) => {
                slot.failure = None;
                let stored = self.store(issued);
                slot.not_before = self.pause_after(&stored, now());
                Ok(stored)
            }
            Some(Err(error)) => {
                slot.failure = Some(RefreshFailure { attempt, at: now(), error: error.clone() });
                if is_refusal(&error) {
                    slot.not_before = None;
                    return Err(error);
                }
                slot.not_before = Some(now() + RETRY_DELAY);
                self.usable(now()).ok_or(error)
            }
            None => {
                slot.not_before = Some(now() + RETRY_DELAY);
                Ok(current)
            }
        }
    }

    /// Returns when the next renewal may be tried. It is `None` unless the new session is already due for
    /// renewal, which happens if STS has just failed and the session came from a cache.
    fn pause_after(&self, issued: &Arc<IssuedCredentials>, now: SystemTime) -> Option<SystemTime> {
        let needs_renewal =
            matches!(self.freshness(now), Freshness::RefreshUrgent(current) if Arc::ptr_eq(&current, issued));
        needs_renewal.then(|| now + RETRY_DELAY)
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
        if let Some(error) = slot.shared_failure(attempts_on_arrival, now()) {
            return Err(error);
        }
        let result = fetch.await;
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        match result {
            Ok(issued) => {
                slot.failure = None;
                let stored = self.store(issued);
                slot.not_before = self.pause_after(&stored, now());
                Ok(stored)
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
            Freshness::RefreshUrgent(current) => Some(current),
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
        let current = self.current().filter(|current| !self.is_invalidated(&current.credentials));
        let Some(current) = current else { return Freshness::Expired };
        let Some(expiration) = current.credentials.expiration() else { return Freshness::Fresh(current) };
        let windows =
            RefreshWindows::for_lifetime(expiration.duration_since(current.issued_at).unwrap_or_default());
        match expiration.duration_since(now) {
            Ok(remaining) if remaining > windows.advisory => Freshness::Fresh(current),
            Ok(remaining) if remaining > windows.mandatory => Freshness::RefreshDue(current),
            Ok(remaining) if !remaining.is_zero() => Freshness::RefreshUrgent(current),
            _ => Freshness::Expired,
        }
    }
}
