//! The credentials provider of a role.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_async::rt::sleep::{AsyncSleep, default_async_sleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_types::SdkConfig;
use zeroize::Zeroizing;

use super::shared_session::{IssuedCredentials, Limits, SharedSession};
use crate::cache::CredentialCache;
use crate::cache::entry::{self, CachedSession};
use crate::cache::freshness::{Consumer, FreshnessPolicy};
use crate::cache::key::{CacheKey, CacheKeyHop};
#[cfg(unix)]
use crate::cache::single_flight::{self, Acquired, LeaderLock, WaitBudget};
use crate::cache::source_key::SourceKey;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::request::{AssumeRoleRequest, SerialNumber, TokenCode};
use crate::sts::{self, StsError, cap_chained_duration};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub(super) type TokenCodeCallback =
    dyn Fn(SerialNumber) -> Pin<Box<dyn Future<Output = Result<TokenCode, BoxError>> + Send>> + Send + Sync;

/// A provider of a role's credentials, which it renews before they expire. Clones share one session.
///
/// STS is not called before the first use. Starting 15 minutes before the expiration, one task renews the
/// session, and the others keep using the present one. In the last 10 minutes, all tasks wait for one
/// renewal. For a short session the first time is at most half of its lifetime and the second at most a
/// third.
///
/// If STS or the parent's credentials cannot be reached, the present session stays in use until it expires,
/// and the renewal is tried again every 30 seconds. If STS refuses the role, the tasks keep the session until
/// 10 minutes before its expiration, and then share the refusal.
///
/// The renewal runs while the task that started it is polled; no task is spawned. It takes at most two
/// seconds of its caller's time, and at most 20 seconds in the last 10 minutes of a session. Failures are
/// logged with `tracing` at the level `WARN`.
///
/// An [`SdkConfig`] with this provider should use `IdentityCache::no_cache()`, as the configuration that
/// [`crate::AssumeRoleBuilder::into_config`] returns does. The SDK's own cache would ask for new credentials
/// only some seconds before the expiration.
#[derive(Clone)]
pub struct RoleProvider(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) parent: SdkConfig,
    /// The configuration of the STS client, apart from its credentials.
    pub(super) sts_config: SdkConfig,
    pub(super) request: AssumeRoleRequest,
    /// Whether the program set the session name, which then is part of the cache key.
    pub(super) has_session_name: bool,
    pub(super) code_callback: Option<Arc<TokenCodeCallback>>,
    pub(super) cache: Option<Arc<dyn CredentialCache>>,
    pub(super) clock: SharedTimeSource,
    pub(super) session: SharedSession<Error>,
}

impl RoleProvider {
    /// Returns the configuration that the role is assumed with.
    pub fn parent(&self) -> &SdkConfig {
        &self.0.parent
    }

    /// Returns the AssumeRole request.
    pub fn request(&self) -> &AssumeRoleRequest {
        &self.0.request
    }

    /// Returns credentials that last for at least a few more minutes, or, while STS cannot be reached,
    /// credentials that have not expired.
    ///
    /// # Errors
    /// There are no such credentials and the role cannot be assumed, or STS refuses to renew them in the last
    /// minutes of the session.
    pub async fn credentials(&self) -> Result<Credentials, Error> {
        let inner = &self.0;
        let now = || inner.clock.now();
        let limits = Limits {
            early: inner.timeout(EARLY_REFRESH_TIMEOUT),
            urgent: || inner.timeout(URGENT_REFRESH_TIMEOUT),
            wait: || inner.sleep(inner.wait_limit()),
        };
        let issued = inner.session.get(now, inner.fetch(), Error::is_refusal, limits).await?;
        Ok(issued.credentials.clone())
    }

    /// Drops the present session, so that the next use of credentials assumes the role again. Call it when a
    /// service refuses the session although it has not expired, for instance because an administrator
    /// revoked the role's active sessions.
    ///
    /// All clones share the session. A [`CredentialCache`] does not bring it back: its entry is replaced by
    /// the next session, which other processes then use as well. The parent's credentials stay; if they come
    /// from another role, invalidate that provider too.
    ///
    /// ```
    /// # use arl::RoleProvider;
    /// # async fn retry(provider: &RoleProvider) -> Result<(), arl::Error> {
    /// provider.invalidate();
    /// let credentials = provider.credentials().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn invalidate(&self) {
        self.0.session.invalidate();
    }
}

impl ProvideCredentials for RoleProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials = self.credentials().await.map_err(CredentialsError::provider_error)?;
            Ok(credentials.into())
        })
    }
}

impl fmt::Debug for RoleProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleProvider").field("request", &self.0.request).finish_non_exhaustive()
    }
}

impl Inner {
    /// Calls [`Inner::new_session`] and logs its failure, because the failure of an early renewal reaches no
    /// caller.
    async fn fetch(&self) -> Result<IssuedCredentials, Error> {
        self.new_session().await.inspect_err(|error| self.log(error))
    }

    fn log(&self, error: &Error) {
        tracing::warn!(role_arn = %self.request.role_arn, %error, "could not get a session of the role");
    }

    /// Returns a session of the role from the cache, or from STS.
    async fn new_session(&self) -> Result<IssuedCredentials, Error> {
        let source = self.source().await?;
        let mut request = self.request.clone();
        cap_chained_duration(&source, &mut request);
        let Some(cache) = self.cache.as_deref() else {
            return self.assume_role(&source, request, &mut Lock::default()).await;
        };
        let key = self.key(&source, &request);
        if let Some(cached) = self.read(cache, &key, CACHE_POLICY).await {
            return Ok(cached);
        }
        let mut lock = match self.wait_for_turn(cache, &key).await {
            Turn::Cached(cached) => return Ok(cached),
            Turn::Call(lock) => lock,
        };
        let result = self.assume_role(&source, request, &mut lock).await;
        let is_cached = match &result {
            Ok(session) => self.write(cache, &key, session).await,
            Err(_) => false,
        };
        if !is_cached {
            lock.report_not_cached();
        }
        match result {
            // A cached session that is about to expire is better than none.
            Err(error) if !error.is_refusal() => {
                self.read(cache, &key, ANY_VALID).await.inspect(|_| self.log(&error)).ok_or(error)
            }
            result => result,
        }
    }

    /// Calls STS, with a new MFA code if there is a function that supplies them.
    async fn assume_role(
        &self,
        source: &Credentials,
        mut request: AssumeRoleRequest,
        lock: &mut Lock,
    ) -> Result<IssuedCredentials, Error> {
        if let (Some(codes), Some(serial)) = (&self.code_callback, &request.serial_number) {
            lock.heartbeat(&self.clock, MFA_TIMEOUT);
            let code = codes(serial.clone()).await;
            let failed = |error: BoxError| Error::with_source(ErrorKind::Other, error.to_string(), error);
            request.token_code = Some(code.map_err(failed)?);
        }
        let issued_at = self.clock.now();
        let session = sts::assume_role_with(&self.sts_config, source, &request, issued_at).await?;
        Ok(IssuedCredentials { credentials: session.credentials, issued_at })
    }

    /// Returns the session from the cache, if it lasts long enough and the program has not dropped it.
    async fn read(
        &self,
        cache: &dyn CredentialCache,
        key: &CacheKey,
        policy: FreshnessPolicy,
    ) -> Option<IssuedCredentials> {
        let name = key.file_name();
        let entry = tokio::select! {
            entry = cache.get(&name) => entry,
            () = self.sleep(CACHE_TIMEOUT) => Err("the cache takes too long".into()),
        };
        let entry = match entry {
            Ok(entry) => Zeroizing::new(entry?),
            Err(error) => {
                let error: &dyn std::error::Error = &*error;
                tracing::warn!(role_arn = %self.request.role_arn, error, "could not read the session cache");
                return None;
            }
        };
        let session = entry::decode(key, &entry)?;
        let is_usable = policy.allows(&session, self.clock.now());
        let CachedSession { credentials, issued_at } = session;
        let is_usable = is_usable && !self.session.is_invalidated(&credentials);
        is_usable.then_some(IssuedCredentials { credentials, issued_at })
    }

    /// Writes the session to the cache. Returns `false` if that fails; the caller gets the session anyway.
    async fn write(&self, cache: &dyn CredentialCache, key: &CacheKey, session: &IssuedCredentials) -> bool {
        let IssuedCredentials { credentials, issued_at } = session.clone();
        let session = CachedSession { credentials, issued_at };
        let (name, entry) = (key.file_name(), entry::encode(key, &session));
        let expires_in = session.expires_in(self.clock.now());
        let written = tokio::select! {
            written = cache.put(&name, entry.as_bytes().to_vec(), expires_in) => written,
            () = self.sleep(CACHE_TIMEOUT) => Err("the cache takes too long".into()),
        };
        if let Err(error) = &written {
            let error: &dyn std::error::Error = &**error;
            tracing::warn!(role_arn = %self.request.role_arn, error, "could not cache the session");
        }
        written.is_ok()
    }

    /// Waits while another process requests the same session.
    #[cfg(unix)]
    async fn wait_for_turn(&self, cache: &dyn CredentialCache, key: &CacheKey) -> Turn {
        let Some(single_flight) = cache.single_flight() else { return Turn::Call(Lock::default()) };
        let (started, mut budget) = (self.clock.now(), WaitBudget::default());
        let cached = || self.read(cache, key, CACHE_POLICY);
        let sleep = |time| self.sleep(time);
        match single_flight.acquire(key, started, &mut budget, cached, sleep, |_| ()).await {
            Acquired::Cached(cached) => Turn::Cached(cached),
            Acquired::Leader(lock) => Turn::Call(Lock { file: Some(lock) }),
            // The lock holder was the program `arl`, and its call failed. Its message is for users, so call
            // STS to get an error that a program can act on.
            Acquired::Failed(_) => Turn::Call(Lock::default()),
        }
    }

    /// Locks exist on Unix only.
    #[cfg(not(unix))]
    async fn wait_for_turn(&self, _: &dyn CredentialCache, _: &CacheKey) -> Turn {
        Turn::Call(Lock::default())
    }

    /// Returns the present credentials of the parent.
    async fn source(&self) -> Result<Credentials, Error> {
        let missing = || Error::invalid("the configuration has no credentials");
        let provider = self.parent.credentials_provider().ok_or_else(missing)?;
        tokio::select! {
            credentials = provider.provide_credentials() => {
                Ok(sts::check_source(&credentials.map_err(sts::parent_failed)?)?)
            }
            // A provider that hangs blocks every task that needs the role, so it has a timeout.
            () = self.sleep(PARENT_TIMEOUT) => Err(StsError::TimedOut(PARENT_TIMEOUT).into()),
        }
    }

    /// Returns when a renewal of a valid session has taken too much of its caller's time. It never returns if
    /// the program supplies MFA codes, because the user may be asked for one.
    async fn timeout(&self, limit: Duration) {
        match self.code_callback {
            None => self.sleep(limit).await,
            Some(_) => std::future::pending().await,
        }
    }

    /// Returns how long the renewal of another task may take.
    fn wait_limit(&self) -> Duration {
        let cache =
            if self.cache.is_some() { 2 * CACHE_TIMEOUT + SINGLE_FLIGHT_TIMEOUT } else { Duration::ZERO };
        let mfa = if self.code_callback.is_some() { MFA_TIMEOUT } else { Duration::ZERO };
        PARENT_TIMEOUT + mfa + sts::operation_timeout(&self.sts_config) + cache
    }

    /// Sleeps with the parent's timer. Without a timer it never returns.
    async fn sleep(&self, time: Duration) {
        match self.parent.sleep_impl().or_else(default_async_sleep) {
            Some(sleep) => sleep.sleep(time).await,
            None => std::future::pending().await,
        }
    }

    fn key(&self, source: &Credentials, request: &AssumeRoleRequest) -> CacheKey {
        let session_name = self.has_session_name.then(|| request.role_session_name.as_str());
        let settings = sts::sts_settings(&self.sts_config, request.role_arn.partition());
        let hop = CacheKeyHop { request, session_name };
        CacheKey::new(&settings, &SourceKey::from_keys(source), &[hop])
    }
}

/// The result of waiting for other processes.
enum Turn {
    /// The session is in the cache by now.
    Cached(IssuedCredentials),
    /// This process calls STS.
    Call(Lock),
}

/// The lock that other processes wait for, if there is one.
#[derive(Default)]
struct Lock {
    #[cfg(unix)]
    file: Option<LeaderLock>,
}

impl Lock {
    /// Tells the waiting processes that the user may take this long.
    fn heartbeat(&mut self, clock: &SharedTimeSource, limit: Duration) {
        #[cfg(unix)]
        if let Some(file) = &mut self.file {
            file.heartbeat(clock.now(), limit);
        }
        #[cfg(not(unix))]
        let _ = (clock, limit);
    }

    /// Tells the waiting processes to make their own calls, all at once.
    fn report_not_cached(self) {
        #[cfg(unix)]
        if let Some(file) = self.file {
            file.report_not_cached();
        }
    }
}

/// How much of its caller's time an early renewal may take.
const EARLY_REFRESH_TIMEOUT: Duration = Duration::from_secs(2);
/// How much of its caller's time a renewal may take in the last minutes of a session.
const URGENT_REFRESH_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the user may take to enter an MFA code.
const MFA_TIMEOUT: Duration = Duration::from_secs(120);
/// How long the parent's credentials may take. They may come from another role that needs an MFA code.
const PARENT_TIMEOUT: Duration = MFA_TIMEOUT;
/// How long a cache may take to read or to write.
const CACHE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long another process that requests the same session may take.
#[cfg(unix)]
const SINGLE_FLIGHT_TIMEOUT: Duration = single_flight::CALL_TIMEOUT;
#[cfg(not(unix))]
const SINGLE_FLIGHT_TIMEOUT: Duration = Duration::ZERO;
/// Any session that has not expired: used while STS cannot be reached.
const ANY_VALID: FreshnessPolicy =
    FreshnessPolicy { consumer: Consumer::Unreachable, min_ttl: Duration::ZERO };
/// A session that would have to be renewed at once is not taken from the cache.
const CACHE_POLICY: FreshnessPolicy =
    FreshnessPolicy { consumer: Consumer::CredentialProcess, min_ttl: Duration::ZERO };
