//! A role as a source of credentials for the AWS SDK.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_async::rt::sleep::{AsyncSleep, default_async_sleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_types::SdkConfig;

use super::shared_session::{Issued, Refreshing};
use crate::cache::{CacheKey, CachedSession, CredentialCache, KeyedHop, Margin, Reader, SourceKey};
use crate::credentials::Credentials;
use crate::request::{AssumeRoleRequest, SerialNumber, TokenCode};
use crate::sts::{self, CallError, cap_chained_duration};

/// What a callback that supplies MFA codes may fail with.
pub type CodeError = Box<dyn std::error::Error + Send + Sync>;

pub(super) type Codes =
    dyn Fn(SerialNumber) -> Pin<Box<dyn Future<Output = Result<TokenCode, CodeError>> + Send>> + Send + Sync;

/// Credentials of a role that renew themselves ahead of their end. Clones share one session.
///
/// Nothing is asked of STS before the first use. From 15 minutes before the end on, one task renews while all others
/// go on; if that fails, what there is goes on being used, until 10 minutes before the end. Then all wait for one
/// renewal and share its failure. Both times are shorter for short sessions ([`crate::RefreshWindows`]).
///
/// The task that renews does so while its own future is polled; no task is spawned. An early renewal takes two seconds of
/// its caller's time at most, and is not tried again for half a minute if that was not enough. Failures are told to `tracing`
/// at the level `WARN`.
///
/// In an [`SdkConfig`] it belongs beside `IdentityCache::no_cache()`, as [`crate::AssumeRole::into_config`] has it: the SDK's own
/// cache would ask it only some seconds before the end.
#[derive(Clone)]
pub struct RoleProvider(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) parent: SdkConfig,
    pub(super) request: AssumeRoleRequest,
    /// Whether the session's name was given, so that it tells this session from others.
    pub(super) is_named: bool,
    pub(super) codes: Option<Arc<Codes>>,
    pub(super) cache: Option<Arc<dyn CredentialCache>>,
    pub(super) clock: SharedTimeSource,
    pub(super) session: Refreshing<CallError>,
}

impl RoleProvider {
    /// The configuration that the role is assumed with.
    pub fn parent(&self) -> &SdkConfig {
        &self.0.parent
    }

    /// What is asked of STS.
    pub fn request(&self) -> &AssumeRoleRequest {
        &self.0.request
    }

    /// Credentials that will do for some minutes at least.
    ///
    /// # Errors
    /// There are none, or they have reached their last minutes, and the role cannot be assumed.
    pub async fn credentials(&self) -> Result<Credentials, CallError> {
        let inner = &self.0;
        let now = || inner.clock.now();
        let issued =
            inner.session.get(now, inner.fetch(), inner.early(), || inner.sleep(inner.patience())).await?;
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
    /// [`Inner::new_session`]; tells the program's log where it fails, since an early failure reaches no caller.
    async fn fetch(&self) -> Result<Issued, CallError> {
        let fetched = self.new_session().await;
        if let Err(error) = &fetched {
            tracing::warn!(role_arn = %self.request.role_arn, %error, "could not get a session of the role");
        }
        fetched
    }

    /// A session of the role: from the cache, or from STS.
    async fn new_session(&self) -> Result<Issued, CallError> {
        let source = self.source().await?;
        let mut request = self.request.clone();
        cap_chained_duration(&source, &mut request);
        let key = self.cache.as_deref().and_then(|cache| Some((cache, self.key(&source, &request)?)));
        let now = self.clock.now();
        if let Some((cache, key)) = &key
            && let Some(CachedSession { credentials, issued_at }) = cache.read(key, now)
            && LONG.allows(&CachedSession { credentials: credentials.clone(), issued_at }, now)
        {
            return Ok(Issued { credentials, issued_at });
        }
        if let (Some(codes), Some(serial)) = (&self.codes, &request.serial_number) {
            let code = codes(serial.clone()).await;
            request.token_code = Some(code.map_err(|error| CallError::Source(error.to_string()))?);
        }
        let issued_at = self.clock.now();
        let session = sts::assume_role_with(&self.parent, &source, &request, issued_at).await?;
        let credentials = session.credentials;
        if let Some((cache, key)) = &key {
            let kept = CachedSession { credentials: credentials.clone(), issued_at };
            // A cache that cannot be written costs nobody their credentials.
            let _ = cache.write(key, &kept, issued_at);
        }
        Ok(Issued { credentials, issued_at })
    }

    /// The parent's credentials, as they are now.
    async fn source(&self) -> Result<Credentials, CallError> {
        let provider = self
            .parent
            .credentials_provider()
            .ok_or_else(|| CallError::Source("the configuration has no credentials".into()))?;
        tokio::select! {
            credentials = provider.provide_credentials() => {
                sts::from_sdk(&credentials.map_err(|error| sts::source_failed(&error))?)
            }
            // One that hangs holds up every task that needs the role, but not for good.
            () = self.sleep(PARENT) => Err(CallError::TimedOut(PARENT)),
        }
    }

    /// How long a caller can be held up by a renewal that is not urgent; a person who was asked for a code is waited for.
    async fn early(&self) {
        match self.codes {
            None => self.sleep(EARLY).await,
            Some(_) => std::future::pending().await,
        }
    }

    /// How long somebody else's attempt may take.
    fn patience(&self) -> Duration {
        let person = if self.codes.is_some() { PERSON } else { Duration::ZERO };
        PARENT + person + sts::operation_limit(&self.parent)
    }

    /// By the way of sleeping that the parent has, without which nothing is ever over.
    async fn sleep(&self, time: Duration) {
        match self.parent.sleep_impl().or_else(default_async_sleep) {
            Some(sleep) => sleep.sleep(time).await,
            None => std::future::pending().await,
        }
    }

    fn key(&self, source: &Credentials, request: &AssumeRoleRequest) -> Option<CacheKey> {
        let session_name = self.is_named.then(|| request.role_session_name.as_str());
        let settings = sts::settings_of(&self.parent, request.role_arn.partition());
        let hop = KeyedHop { request, session_name };
        Some(CacheKey::new(&settings, &SourceKey::of_keys(source), &[hop]))
    }
}

/// What an early renewal may take of its caller's time.
const EARLY: Duration = Duration::from_secs(2);
/// A person may have to look for the device that shows the code.
const PERSON: Duration = Duration::from_secs(120);
/// The parent's credentials may come from another role, on the way to which a person is asked.
const PARENT: Duration = PERSON;
/// A session that would have to be renewed at once is not taken from a cache.
const LONG: Margin = Margin { reader: Reader::CredentialProcess, at_least: Duration::ZERO };
