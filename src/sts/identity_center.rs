//! The services of IAM Identity Center: the access portal (`sso`) and the OIDC service (`sso-oidc`).

use std::error::Error;
use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_sso::types::RoleCredentials;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::{Map, Value};

use super::client::Sts;
use super::connection;
use super::error::StsError;
use super::http::LazyClient;
use super::settings::{IdentityCenterSettings, StsSettings};
use crate::credentials::Credentials;
use crate::secret::Secret;

/// The most entries that one page of a list holds. Source: the service's model.
pub(super) const PAGE_SIZE: i32 = 100;
/// The most pages of a list, so that a list without an end cannot keep arl running.
const MAX_PAGES: usize = 1000;

/// A client of both services.
#[derive(Debug, Clone)]
pub struct IdentityCenter {
    pub(super) settings: IdentityCenterSettings,
    pub(super) http: LazyClient,
}

impl IdentityCenter {
    /// Creates a client. It opens no connection and loads no certificate before the first call.
    pub fn new(settings: IdentityCenterSettings) -> Self {
        let http = LazyClient::new(settings.portal.network.clone());
        Self { settings, http }
    }

    /// Creates a client that shares the certificates and the connections of an STS client.
    pub fn beside(sts: &Sts, settings: IdentityCenterSettings) -> Self {
        Self { settings, http: sts.http.clone() }
    }

    /// Returns the credentials of a role.
    ///
    /// # Errors
    /// The portal refuses the token or the role, cannot be reached, or sends an unexpected response.
    pub(crate) async fn role_credentials(
        &self,
        token: &Secret,
        account_id: &str,
        role_name: &str,
    ) -> Result<Credentials, StsError> {
        let output = self
            .portal()
            .get_role_credentials()
            .access_token(token.expose())
            .account_id(account_id)
            .role_name(role_name)
            .send()
            .await
            .map_err(|error| failed(&error, &self.settings.portal))?;
        let credentials = output.role_credentials().map(|role| parse_credentials(role, account_id));
        credentials.unwrap_or_else(|| Err(StsError::Unexpected("it has no `roleCredentials`".into())))
    }

    /// Returns the names of the user's roles in an account.
    ///
    /// # Errors
    /// As [`Self::role_credentials`].
    pub(crate) async fn account_roles(
        &self,
        token: &Secret,
        account_id: &str,
    ) -> Result<Vec<String>, StsError> {
        let (mut roles, mut next) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let call = self.portal().list_account_roles().access_token(token.expose());
            let call = call.account_id(account_id).max_results(PAGE_SIZE).set_next_token(next);
            let page = call.send().await.map_err(|error| failed(&error, &self.settings.portal))?;
            roles.extend(page.role_list().iter().filter_map(|role| role.role_name().map(str::to_owned)));
            next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(roles);
            }
        }
        Err(StsError::Unexpected("the list of roles does not end".into()))
    }

    /// Ends the sign-in of a token. Credentials that the portal has issued stay valid.
    ///
    /// # Errors
    /// As [`Self::role_credentials`].
    pub(crate) async fn logout(&self, token: &Secret) -> Result<(), StsError> {
        let call = self.portal().logout().access_token(token.expose()).send().await;
        call.map(|_| ()).map_err(|error| failed(&error, &self.settings.portal))
    }

    fn portal(&self) -> aws_sdk_sso::Client {
        aws_sdk_sso::Client::new(&connection::sdk_config(&self.settings.portal, &self.http).build())
    }

    pub(super) fn oidc(&self) -> aws_sdk_ssooidc::Client {
        aws_sdk_ssooidc::Client::new(&connection::sdk_config(&self.settings.oidc, &self.http).build())
    }
}

fn parse_credentials(role: &RoleCredentials, account_id: &str) -> Result<Credentials, StsError> {
    let unusable = |reason: &str| StsError::Unexpected(format!("its credentials {reason}"));
    let secret =
        |text: Option<&str>| text.filter(|text| !text.is_empty()).map(|text| Secret::new(text.to_owned()));
    let milliseconds = u64::try_from(role.expiration()).ok().filter(|&time| time > 0);
    let expiration = milliseconds.and_then(|time| UNIX_EPOCH.checked_add(Duration::from_millis(time)));
    let (Some(id), Some(secret_key)) = (role.access_key_id(), secret(role.secret_access_key())) else {
        return Err(unusable("are incomplete"));
    };
    let (Some(token), Some(expiration)) = (secret(role.session_token()), expiration) else {
        return Err(unusable("have no token or no expiration"));
    };
    Credentials::new(id.to_owned(), secret_key, Some(token), Some(expiration))
        .map(|credentials| credentials.with_account_id(account_id.parse().ok()))
        .map_err(|error| unusable(&format!("cannot be used: {error}")))
}

/// Converts an error of the SDK. The OIDC service has its own fields for code and message.
pub(super) fn failed<E>(error: &SdkError<E, HttpResponse>, settings: &StsSettings) -> StsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let converted = StsError::from_sdk_error(error, settings.call_timeout());
    let body = error.raw_response().and_then(|response| response.body().bytes()).unwrap_or_default();
    let body: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let described = field("error_description").map(|text| match field("reason") {
        Some(reason) => format!("{text} ({reason})"),
        None => text,
    });
    match converted {
        StsError::Refused { code, message, request_id, endpoint_time } => {
            let message = if message.is_empty() { described.unwrap_or_default() } else { message };
            StsError::Refused { code, message, request_id, endpoint_time }
        }
        StsError::Unexpected(_)
            if matches!(error, SdkError::ServiceError(_)) && body.contains_key("error") =>
        {
            StsError::Refused {
                code: oauth_exception(&field("error").unwrap_or_default()),
                message: described.unwrap_or_default(),
                request_id: None,
                endpoint_time: None,
            }
        }
        other => other,
    }
}

/// Converts an error code of OAuth to the SDK's name of the exception, for responses without the header that
/// names it.
fn oauth_exception(error: &str) -> String {
    let words = error.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    });
    format!("{}Exception", words.collect::<String>())
}
