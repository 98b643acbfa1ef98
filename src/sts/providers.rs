//! Gets the first credentials of a chain from their source.

use std::path::Path;
use std::time::{Duration, SystemTime};

use aws_config::provider_config::ProviderConfig;
use aws_config::sso::SsoCredentialsProvider;
use aws_credential_types::provider::ProvideCredentials;
use aws_types::region::Region;

use super::client::Sts;
use super::error::StsError;
use super::response::Asked;
use super::sdk_config::{check_source, source_failed};
use super::{container, external, metadata, response};
use crate::arn::RoleArn;
use crate::credentials::Credentials;
use crate::files;
use crate::request::{SerialNumber, SessionDuration, TokenCode};
use crate::source::{Source, SsoSource};

impl Sts {
    /// Returns the credentials of the source. Keys are returned at once, everything else takes a call or a
    /// process.
    ///
    /// # Errors
    /// The source refuses, does not exist, or returns unusable credentials.
    pub async fn source_credentials(
        &self,
        source: &Source,
        now: SystemTime,
    ) -> Result<Credentials, StsError> {
        let limit = self.settings.operation_timeout;
        match source {
            Source::Keys(keys) => Ok(keys.clone()),
            Source::Keychain(key) => key.get().await.map_err(|error| StsError::Keychain(Box::new(error))),
            Source::WebIdentity { role_arn, token_file, role_session_name, duration_seconds } => {
                let name = role_session_name.as_deref().unwrap_or("arl");
                self.web_identity(role_arn, token_file, name, *duration_seconds, now).await
            }
            Source::Sso(sso) => with_timeout(limit, self.sso(sso)).await,
            Source::MfaSession { .. } => Err(StsError::Source("an MFA code is needed".into())),
            Source::Process(process) => external::from_credential_process(process).await,
            Source::Login(login) => external::from_login(login, now).await,
            Source::Container(source) => container::credentials(&self.http, source, limit).await,
            Source::InstanceMetadata(source) => metadata::credentials(&self.http, source, now).await,
        }
    }

    /// Calls GetSessionToken, which returns a session of long-term keys that was authenticated with an MFA
    /// code.
    ///
    /// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.
    ///
    /// # Errors
    /// As [`Sts::assume_role`].
    pub async fn session_token(
        &self,
        keys: &Credentials,
        serial_number: &SerialNumber,
        token_code: &TokenCode,
        now: SystemTime,
    ) -> Result<Credentials, StsError> {
        let response = self
            .client(Some(keys))
            .get_session_token()
            .serial_number(serial_number.as_str())
            .token_code(token_code.expose())
            .send()
            .await
            .map_err(|error| StsError::from_sdk_error(&error, self.timeout()))?;
        response::parse_session(response.credentials(), now)
    }

    fn sso(&self, sso: &SsoSource) -> SsoCredentialsProvider {
        let mut builder = SsoCredentialsProvider::builder()
            .configure(&self.provider_config())
            .account_id(&sso.account_id)
            .role_name(&sso.role_name)
            .start_url(&sso.start_url)
            .region(Region::new(sso.region.clone()));
        builder.set_session_name(sso.session_name.clone());
        builder.build()
    }

    async fn web_identity(
        &self,
        role_arn: &RoleArn,
        token_file: &str,
        role_session_name: &str,
        duration_seconds: Option<SessionDuration>,
        now: SystemTime,
    ) -> Result<Credentials, StsError> {
        let token = files::read_text(Path::new(token_file), files::MAX_DOCUMENT).map_err(|error| {
            StsError::Source(format!("cannot read the token file `{token_file}`: {error}"))
        })?;
        let response = self
            .client(None)
            .assume_role_with_web_identity()
            .role_arn(role_arn.to_string())
            .role_session_name(role_session_name)
            .set_duration_seconds(duration_seconds.and_then(|d| i32::try_from(d.as_secs()).ok()))
            .web_identity_token(token.trim())
            .send()
            .await
            .map_err(|error| StsError::from_sdk_error(&error, self.timeout()))?;
        let is_own_endpoint = self.settings.endpoint_url.is_some();
        let asked = Asked { role_arn, session_name: role_session_name, is_own_endpoint };
        response::parse_role_session(asked, response.assumed_role_user(), response.credentials(), now)
            .map(|session| session.credentials)
    }

    fn provider_config(&self) -> ProviderConfig {
        ProviderConfig::without_region().with_http_client(self.http.clone())
    }
}

/// Calls an SDK provider with a timeout, which not all of them have.
async fn with_timeout(limit: Duration, provider: impl ProvideCredentials) -> Result<Credentials, StsError> {
    let credentials = tokio::time::timeout(limit, provider.provide_credentials())
        .await
        .map_err(|_| StsError::TimedOut(limit))?
        .map_err(|error| source_failed(&error))?;
    check_source(&credentials)
}
