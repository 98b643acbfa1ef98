//! STS calls with a program's own SDK configuration.

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::{BehaviorVersion, IdentityCache, Region, SharedCredentialsProvider};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

use super::assume_role;
use super::error::{StsError, causes, root_cause};
use super::response::{self, Confirmation, RequestedSession, RoleSession};
use super::settings::{ATTEMPT_TIMEOUT, OPERATION_TIMEOUT, StsSettings};
use crate::arn::Partition;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::request::AssumeRoleRequest;
use crate::secret::Secret;

/// Calls AssumeRole with these credentials and with the HTTP client, endpoint, retries and region of the
/// configuration.
pub(crate) async fn assume_role_with(
    config: &SdkConfig,
    source: &Credentials,
    request: &AssumeRoleRequest,
    now: SystemTime,
) -> Result<RoleSession, Error> {
    let partition = request.role_arn.partition();
    let timeouts = config.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
    let configured = timeouts.clone().build();
    let limit = operation_timeout(config);
    let attempt = configured.operation_attempt_timeout().unwrap_or(ATTEMPT_TIMEOUT);
    // If the program sets no timeout, a silent endpoint would block every task that needs the role.
    let timeouts = timeouts.operation_timeout(limit).operation_attempt_timeout(attempt).build();
    let mut builder = aws_sdk_sts::config::Builder::from(config)
        .credentials_provider(signing_provider(source))
        .identity_cache(IdentityCache::no_cache())
        .timeout_config(timeouts)
        .region(config.region().cloned().unwrap_or_else(|| Region::new(partition.default_region())));
    if config.behavior_version().is_none() {
        builder = builder.behavior_version(BehaviorVersion::latest());
    }
    let client = aws_sdk_sts::Client::from_conf(builder.build());
    let output = assume_role::send(&client, request).await.map_err(|error| {
        let sts_error = StsError::from_sdk_error(&error, limit);
        let (kind, message) = (sts_error.kind(), sts_error.to_string());
        // Drop the response: a malformed one may hold credentials, which the `Debug` output of the SDK's
        // error would print.
        match error.into_source() {
            Ok(source) => Error::with_source(kind, message, source),
            Err(_) => Error::new(kind, message),
        }
    })?;
    let (user, credentials) = (output.assumed_role_user(), output.credentials());
    let requested = RequestedSession {
        role_arn: &request.role_arn,
        session_name: request.role_session_name.as_str(),
        is_own_endpoint: endpoint_url(config).is_some(),
    };
    let session = response::parse_role_session(requested, user, credentials, now)?;
    if session.confirmation == Confirmation::Unnamed {
        tracing::warn!(role_arn = %request.role_arn, "the endpoint does not say whose session this is");
    }
    Ok(session)
}

/// Returns how long a call may take, retries included.
pub(crate) fn operation_timeout(config: &SdkConfig) -> Duration {
    config.timeout_config().and_then(TimeoutConfig::operation_timeout).unwrap_or(OPERATION_TIMEOUT)
}

/// Returns a provider of these credentials without their expiration, because STS decides whether they have
/// expired, not this host's clock.
pub(super) fn signing_provider(credentials: &Credentials) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(aws_credential_types::Credentials::new(
        credentials.access_key_id(),
        credentials.secret_access_key().expose(),
        credentials.session_token().map(|token| token.expose().to_owned()),
        None,
        "arl",
    ))
}

/// Returns the settings that decide which STS endpoint is called.
pub(crate) fn sts_settings(config: &SdkConfig, partition: &Partition) -> StsSettings {
    let region = config.region().map_or(partition.default_region(), Region::as_ref);
    let mut settings = StsSettings::new(region);
    settings.endpoint_url = endpoint_url(config);
    settings.use_fips = config.use_fips().unwrap_or_default();
    settings.use_dual_stack = config.use_dual_stack().unwrap_or_default();
    settings
}

/// Returns the endpoint that the SDK's client will use: the program's own setting, else the setting for STS
/// in the environment or the profile, else the general one.
fn endpoint_url(config: &SdkConfig) -> Option<String> {
    let of_sts = || {
        let key =
            ServiceConfigKey::builder().service_id("STS").env("AWS_ENDPOINT_URL").profile("endpoint_url");
        config.service_config()?.load_config(key.build().ok()?)
    };
    let is_set_by_program = config.get_origin("endpoint_url").is_client_config();
    let general = config.endpoint_url().map(str::to_owned);
    if is_set_by_program { general } else { of_sts().or(general) }
}

impl From<&Credentials> for aws_credential_types::Credentials {
    fn from(credentials: &Credentials) -> Self {
        let mut builder = aws_credential_types::Credentials::builder()
            .access_key_id(credentials.access_key_id())
            .secret_access_key(credentials.secret_access_key().expose())
            .provider_name("arl");
        builder.set_session_token(credentials.session_token().map(|token| token.expose().to_owned()));
        builder.set_expiry(credentials.expiration());
        builder.set_account_id(credentials.account_id().map(|id| id.as_str().into()));
        builder.build()
    }
}

impl From<Credentials> for aws_credential_types::Credentials {
    fn from(credentials: Credentials) -> Self {
        Self::from(&credentials)
    }
}

/// Converts credentials from the SDK's type, if they are printable text.
impl TryFrom<&aws_credential_types::Credentials> for Credentials {
    type Error = Error;

    fn try_from(credentials: &aws_credential_types::Credentials) -> Result<Self, Error> {
        let account_id = credentials.account_id().and_then(|id| id.as_str().parse().ok());
        let checked = Self::new(
            credentials.access_key_id().to_owned(),
            Secret::new(credentials.secret_access_key().to_owned()),
            credentials.session_token().map(|token| Secret::new(token.to_owned())),
            credentials.expiry(),
        )?;
        Ok(checked.with_account_id(account_id))
    }
}

/// Converts credentials from the SDK's type, if they are printable text.
impl TryFrom<aws_credential_types::Credentials> for Credentials {
    type Error = Error;

    fn try_from(credentials: aws_credential_types::Credentials) -> Result<Self, Error> {
        Self::try_from(&credentials)
    }
}

/// Checks the credentials that a source returned.
pub(crate) fn check_source(credentials: &aws_credential_types::Credentials) -> Result<Credentials, StsError> {
    Credentials::try_from(credentials)
        .map_err(|error| StsError::Source(format!("the source returned unusable credentials: {error}")))
}

/// Converts the error of a program's credentials provider. If the provider is another role of this library,
/// the result has the kind of its error.
pub(crate) fn parent_failed(error: CredentialsError) -> Error {
    let message = root_cause(&error);
    let kind = causes(&error).find_map(|cause| Some(cause.downcast_ref::<Error>()?.kind()));
    Error::with_source(kind.unwrap_or(ErrorKind::Other), message, error)
}
