//! The STS client of the CLI.

use std::time::{Duration, SystemTime};

use super::assume_role::send;
use super::connection;
use super::error::StsError;
use super::http::LazyClient;
use super::response::{self, RequestedSession, RoleSession};
use super::sdk_config::signing_provider;
use super::settings::StsSettings;
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
    /// The time by the clock of STS, in whole seconds, when it answered.
    pub endpoint_time: Option<SystemTime>,
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
        let requested = RequestedSession {
            role_arn: &request.role_arn,
            session_name: request.role_session_name.as_str(),
            is_own_endpoint: self.settings.endpoint_url.is_some(),
        };
        response::parse_role_session(requested, user, credentials, now)
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
            Some(arn) => Ok(CallerIdentity { arn: arn.to_owned(), endpoint_time: self.http.last_date() }),
            None => Err(StsError::Unexpected("it does not name the caller".into())),
        }
    }

    /// Returns the longest time that a call takes.
    pub(super) fn timeout(&self) -> Duration {
        self.settings.call_timeout()
    }

    /// Creates an SDK client. Without credentials it can only make unsigned calls.
    pub(super) fn client(&self, credentials: Option<&Credentials>) -> aws_sdk_sts::Client {
        let mut config = connection::sdk_config(&self.settings, &self.http);
        config.set_credentials_provider(credentials.map(signing_provider));
        aws_sdk_sts::Client::new(&config.build())
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
