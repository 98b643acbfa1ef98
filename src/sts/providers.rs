//! Gets the first credentials of a chain from their source.

use std::path::Path;
use std::time::SystemTime;

use super::client::Sts;
use super::error::StsError;
use super::response::RequestedSession;
use super::{container, external, metadata, response};
use crate::arn::RoleArn;
use crate::credentials::Credentials;
use crate::files;
use crate::request::{SerialNumber, SessionDuration, TokenCode};
use crate::secret::Secret;
use crate::source::{Source, WebIdentityToken};

impl Sts {
    /// Returns the credentials of the source. Keys are returned at once; everything else takes a call or a
    /// process. A sign-in and an MFA session are errors here: the CLI gets them itself, because they may need
    /// the user.
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
            Source::WebIdentity { role_arn, token, role_session_name, duration_seconds } => {
                let name = role_session_name.as_deref().unwrap_or("arl");
                self.web_identity(role_arn, token, name, *duration_seconds, now).await
            }
            Source::Sso(_) => Err(StsError::Source("a sign-in is needed".into())),
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

    async fn web_identity(
        &self,
        role_arn: &RoleArn,
        token: &WebIdentityToken,
        role_session_name: &str,
        duration_seconds: Option<SessionDuration>,
        now: SystemTime,
    ) -> Result<Credentials, StsError> {
        let token = match token {
            WebIdentityToken::Process(process) => external::from_token_process(process).await?,
            WebIdentityToken::File(path) => {
                let text = files::read_text(Path::new(path), files::MAX_DOCUMENT);
                text.map(Secret::new).map_err(|error| {
                    StsError::Source(format!("cannot read the token file `{path}`: {error}"))
                })?
            }
        };
        let response = self
            .client(None)
            .assume_role_with_web_identity()
            .role_arn(role_arn.to_string())
            .role_session_name(role_session_name)
            .set_duration_seconds(duration_seconds.and_then(|d| i32::try_from(d.as_secs()).ok()))
            .web_identity_token(token.expose().trim())
            .send()
            .await
            .map_err(|error| StsError::from_sdk_error(&error, self.timeout()))?;
        let is_own_endpoint = self.settings.endpoint_url.is_some();
        let requested = RequestedSession { role_arn, session_name: role_session_name, is_own_endpoint };
        response::parse_role_session(requested, response.assumed_role_user(), response.credentials(), now)
            .map(|session| session.credentials)
    }
}
