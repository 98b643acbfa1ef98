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

use super::shared_session::{IssuedCredentials, SharedSession};
use crate::cache::{
    CacheKey, CacheKeyHop, CachedSession, Consumer, CredentialCache, FreshnessPolicy, SourceKey,
};
use crate::credentials::Credentials;
use crate::request::{AssumeRoleRequest, SerialNumber, TokenCode};
use crate::sts::{self, StsError, cap_chained_duration};

/// The error of a function that supplies MFA codes.
pub type CodeError = Box<dyn std::error::Error + Send + Sync>;

pub(super) type TokenCodeCallback =
    dyn Fn(SerialNumber) -> Pin<Box<dyn Future<Output = Result<TokenCode, CodeError>> + Send>> + Send + Sync;

/// Credentials of a role that renew themselves before they expire. Clones share one session.
///
/// STS is not called before the first use. From 15 minutes before the expiration on, one task renews the
/// session, and the others keep using the present one. If the renewal fails, they do so until 10 minutes
/// before the expiration. Then all tasks wait for one renewal and share its failure. Both times are shorter
/// for short sessions ([`crate::RefreshWindows`]).
///
/// The renewal runs while the task that started it is polled; no task is spawned. An early renewal takes at
/// most two seconds of its caller's time. If that is not enough, it is tried again after 30 seconds. Failures
/// are logged with `tracing` at the level `WARN`.
///
/// An [`SdkConfig`] with this provider should use `IdentityCache::no_cache()`, as that of
/// [`crate::AssumeRoleBuilder::into_config`] does. The SDK's own cache would ask for new credentials only some
/// seconds before the expiration.
#[derive(Clone)]
pub struct RoleProvider(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) parent: SdkConfig,
    pub(super) request: AssumeRoleRequest,
    /// Whether the program set the session name, which then is part of the cache key.
    pub(super) has_session_name: bool,
    pub(super) code_callback: Option<Arc<TokenCodeCallback>>,
    pub(super) cache: Option<Arc<dyn CredentialCache>>,
    pub(super) clock: SharedTimeSource,
    pub(super) session: SharedSession<StsError>,
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

    /// Returns credentials that last for at least some minutes.
    ///
    /// # Errors
    /// There are no such credentials, and the role cannot be assumed.
    pub async fn credentials(&self) -> Result<Credentials, StsError> {
        let inner = &self.0;
        let now = || inner.clock.now();
        let issued = inner
            .session
            .get(now, inner.fetch(), inner.early_timeout(), || inner.sleep(inner.wait_limit()))
            .await?;
        Ok(issued.credentials.clone())
    }
}

impl ProvideCredentials for RoleProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials = self.credentials().await.map_err(CredentialsError::provider_error)?;
            Ok(sts::to_sdk(&credentials))
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
    async fn fetch(&self) -> Result<IssuedCredentials, StsError> {
        let fetched = self.new_session().await;
        if let Err(error) = &fetched {
            tracing::warn!(role_arn = %self.request.role_arn, %error, "could not get a session of the role");
        }
        fetched
    }

    /// Returns a session of the role from the cache, or from STS.
    async fn new_session(&self) -> Result<IssuedCredentials, StsError> {
        let source = self.source().await?;
        let mut request = self.request.clone();
        cap_chained_duration(&source, &mut request);
        let key = self.cache.as_deref().and_then(|cache| Some((cache, self.key(&source, &request)?)));
        let now = self.clock.now();
        if let Some((cache, key)) = &key
            && let Some(CachedSession { credentials, issued_at }) = cache.read(key, now)
            && CACHE_POLICY.allows(&CachedSession { credentials: credentials.clone(), issued_at }, now)
        {
            return Ok(IssuedCredentials { credentials, issued_at });
        }
        if let (Some(codes), Some(serial)) = (&self.code_callback, &request.serial_number) {
            let code = codes(serial.clone()).await;
            request.token_code = Some(code.map_err(|error| StsError::Source(error.to_string()))?);
        }
        let issued_at = self.clock.now();
        let session = sts::assume_role_with(&self.parent, &source, &request, issued_at).await?;
        let credentials = session.credentials;
        if let Some((cache, key)) = &key {
            let session = CachedSession { credentials: credentials.clone(), issued_at };
            // A cache error must not cost the caller the credentials.
            let _ = cache.write(key, &session, issued_at);
        }
        Ok(IssuedCredentials { credentials, issued_at })
    }

    /// Returns the present credentials of the parent.
    async fn source(&self) -> Result<Credentials, StsError> {
        let provider = self
            .parent
            .credentials_provider()
            .ok_or_else(|| StsError::Source("the configuration has no credentials".into()))?;
        tokio::select! {
            credentials = provider.provide_credentials() => {
                sts::from_sdk(&credentials.map_err(|error| sts::source_failed(&error))?)
            }
            // A provider that hangs blocks every task that needs the role, so it has a timeout.
            () = self.sleep(PARENT_TIMEOUT) => Err(StsError::TimedOut(PARENT_TIMEOUT)),
        }
    }

    /// Ends when a renewal that is not urgent has taken too much of its caller's time. It never ends if a
    /// user is asked for a code.
    async fn early_timeout(&self) {
        match self.code_callback {
            None => self.sleep(EARLY_REFRESH_TIMEOUT).await,
            Some(_) => std::future::pending().await,
        }
    }

    /// Returns how long the renewal of another task may take.
    fn wait_limit(&self) -> Duration {
        let mfa = if self.code_callback.is_some() { MFA_TIMEOUT } else { Duration::ZERO };
        PARENT_TIMEOUT + mfa + sts::operation_timeout(&self.parent)
    }

    /// Sleeps with the parent's timer. Without a timer it never ends.
    async fn sleep(&self, time: Duration) {
        match self.parent.sleep_impl().or_else(default_async_sleep) {
            Some(sleep) => sleep.sleep(time).await,
            None => std::future::pending().await,
        }
    }

    fn key(&self, source: &Credentials, request: &AssumeRoleRequest) -> Option<CacheKey> {
        let session_name = self.has_session_name.then(|| request.role_session_name.as_str());
        let settings = sts::sts_settings(&self.parent, request.role_arn.partition());
        let hop = CacheKeyHop { request, session_name };
        Some(CacheKey::new(&settings, &SourceKey::from_keys(source), &[hop]))
    }
}

/// How much of its caller's time an early renewal may take.
const EARLY_REFRESH_TIMEOUT: Duration = Duration::from_secs(2);
/// The user may have to look for the device that shows the code.
const MFA_TIMEOUT: Duration = Duration::from_secs(120);
/// The parent's credentials may come from another role, for which the user is asked for a code.
const PARENT_TIMEOUT: Duration = MFA_TIMEOUT;
/// A session that would have to be renewed at once is not taken from the cache.
const CACHE_POLICY: FreshnessPolicy =
    FreshnessPolicy { consumer: Consumer::CredentialProcess, min_ttl: Duration::ZERO };
