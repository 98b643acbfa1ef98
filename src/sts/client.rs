//! The STS client of the CLI.

use std::time::{Duration, SystemTime};

use aws_sdk_sts::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::assume_role::send;
use super::error::StsError;
use super::http::LazyClient;
use super::response::{self, Asked, RoleSession};
use super::sdk_config::signing_provider;
use super::settings::{ATTEMPT_TIMEOUT, CONNECT_TIMEOUT, FIRST_BACKOFF, StsSettings};
use crate::credentials::Credentials;
use crate::request::AssumeRoleRequest;

/// A client of STS. It reuses connections.
#[derive(Debug, Clone)]
pub struct Sts {
    pub(super) settings: StsSettings,
    pub(super) http: LazyClient,
}

/// The owner of credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The ARN of the user or session.
    pub arn: String,
}

impl CallerIdentity {
    /// Returns the last part of the ARN: the name of the user or session.
    pub fn name(&self) -> &str {
        self.arn.rsplit(['/', ':']).next().unwrap_or_default()
    }
}

impl Sts {
    /// Creates a client. It opens no connection and loads no certificate before the first call.
    pub fn new(settings: StsSettings) -> Self {
        let http = LazyClient::new(settings.network.clone());
        Self { settings, http }
    }

    /// Calls AssumeRole with the source credentials and checks the response against the request.
    ///
    /// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
    ///
    /// # Errors
    /// STS refuses, cannot be reached, or sends an unexpected response.
    pub async fn assume_role(
        &self,
        source: &Credentials,
        request: &AssumeRoleRequest,
        now: SystemTime,
    ) -> Result<RoleSession, StsError> {
        let output = send(&self.client(Some(source)), request)
            .await
            .map_err(|error| StsError::from_sdk_error(&error, self.timeout()))?;
        let (user, credentials) = (output.assumed_role_user(), output.credentials());
        let asked = Asked {
            role_arn: &request.role_arn,
            session_name: request.role_session_name.as_str(),
            is_own_endpoint: self.settings.endpoint_url.is_some(),
        };
        response::parse_role_session(asked, user, credentials, now)
    }

    /// Returns the owner of the credentials. The call needs no permission.
    ///
    /// # Errors
    /// As [`Sts::assume_role`].
    pub async fn caller_identity(&self, credentials: &Credentials) -> Result<CallerIdentity, StsError> {
        let output = self
            .client(Some(credentials))
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| StsError::from_sdk_error(&error, self.timeout()))?;
        match output.arn() {
            Some(arn) => Ok(CallerIdentity { arn: arn.to_owned() }),
            None => Err(StsError::Unexpected("it names no caller".into())),
        }
    }

    /// Returns the longest time that a call takes.
    pub(super) fn timeout(&self) -> Duration {
        (ATTEMPT_TIMEOUT * self.settings.max_attempts.max(1)).min(self.settings.operation_timeout)
    }

    /// Creates an SDK client. Without credentials it can only make unsigned calls.
    pub(super) fn client(&self, credentials: Option<&Credentials>) -> aws_sdk_sts::Client {
        let StsSettings {
            region,
            endpoint_url,
            use_fips,
            use_dual_stack,
            max_attempts,
            adaptive_retries,
            network: _,
            operation_timeout,
        } = &self.settings;
        let retries = if *adaptive_retries { RetryConfig::adaptive() } else { RetryConfig::standard() };
        let mut config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.clone()))
            .http_client(self.http.clone())
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .retry_config(
                retries.with_max_attempts((*max_attempts).max(1)).with_initial_backoff(FIRST_BACKOFF),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(*operation_timeout)
                    .build(),
            )
            // The body is read in one go, under the attempt's timeout.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .identity_cache(aws_sdk_sts::config::IdentityCache::no_cache());
        config.set_endpoint_url(endpoint_url.clone());
        // Set these only if requested: the endpoint rules refuse both together with a custom endpoint.
        if *use_fips {
            config = config.use_fips(true);
        }
        if *use_dual_stack {
            config = config.use_dual_stack(true);
        }
        config.set_credentials_provider(credentials.map(signing_provider));
        aws_sdk_sts::Client::from_conf(config.build())
    }
}

/// Calls [`Sts::assume_role`].
///
/// # Errors
/// As [`Sts::assume_role`].
pub async fn assume_role(
    sts: &Sts,
    source: &Credentials,
    request: &AssumeRoleRequest,
    now: SystemTime,
) -> Result<RoleSession, StsError> {
    sts.assume_role(source, request, now).await
}
