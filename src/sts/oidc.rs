//! The OIDC service of IAM Identity Center (`sso-oidc`): registrations, device codes and tokens.

use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_ssooidc::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};

use super::error::StsError;
use super::identity_center::{IdentityCenter, failed};
use super::settings::StsSettings;
use crate::secret::Secret;
use crate::source::SsoClient;

/// The parameters of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientRegistration {
    /// The name that the user sees on the page that asks to allow access.
    pub(crate) name: String,
    /// The scopes of the tokens.
    pub(crate) scopes: Vec<String>,
    /// The redirect URI and the start URL of a sign-in with a browser on this host. `None` registers for
    /// device codes.
    pub(crate) browser: Option<BrowserRegistration>,
}

/// The parts of a registration for a sign-in with a browser on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BrowserRegistration {
    /// The redirect URI, without its port.
    pub(crate) redirect_uri: String,
    /// The start URL.
    pub(crate) issuer_url: String,
}

/// A device code, with the page and the code for the user.
#[derive(Debug, Clone)]
pub(crate) struct DeviceAuthorization {
    /// The code with which arl requests the token.
    pub(crate) device_code: Secret,
    /// The code that the page must show.
    pub(crate) user_code: String,
    /// The page.
    pub(crate) verification_uri: String,
    /// The page with the code in its address.
    pub(crate) verification_uri_complete: Option<String>,
    /// How long the code is valid.
    pub(crate) expires_in: Duration,
    /// The pause between two requests for the token.
    pub(crate) interval: Duration,
}

/// The proof that is exchanged for a token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TokenGrant<'a> {
    /// The authorization code that the browser delivered.
    AuthorizationCode {
        /// The code.
        code: &'a Secret,
        /// The PKCE verifier, whose hash was in the address of the sign-in page.
        verifier: &'a Secret,
        /// The redirect URI with its port.
        redirect_uri: &'a str,
    },
    /// A device code, once the user has approved it.
    DeviceCode(&'a Secret),
    /// A refresh token.
    RefreshToken(&'a Secret),
}

/// A token that the OIDC service has issued.
#[derive(Debug, Clone)]
pub(crate) struct IssuedToken {
    /// The access token, which the portal accepts.
    pub(crate) access_token: Secret,
    /// How long it is valid.
    pub(crate) expires_in: Duration,
    /// The refresh token, with which arl gets the next access token.
    pub(crate) refresh_token: Option<Secret>,
}

impl IdentityCenter {
    /// Registers this program with the OIDC service.
    ///
    /// # Errors
    /// The service refuses, cannot be reached, or sends an unexpected response.
    pub(crate) async fn register(&self, registration: &ClientRegistration) -> Result<SsoClient, StsError> {
        let ClientRegistration { name, scopes, browser } = registration;
        let mut call = self.oidc().register_client().client_name(name).client_type("public");
        for scope in scopes {
            call = call.scopes(scope);
        }
        if let Some(BrowserRegistration { redirect_uri, issuer_url }) = browser {
            call = call.grant_types("authorization_code").grant_types("refresh_token");
            call = call.redirect_uris(redirect_uri).issuer_url(issuer_url);
        }
        let output = call.send().await.map_err(|error| failed(&error, &self.settings.oidc))?;
        let seconds = u64::try_from(output.client_secret_expires_at()).unwrap_or_default();
        let client = output.client_id().zip(output.client_secret()).map(|(id, secret)| SsoClient {
            id: id.to_owned(),
            secret: Secret::new(secret.to_owned()),
            expires_at: UNIX_EPOCH.checked_add(Duration::from_secs(seconds)),
        });
        client.ok_or_else(|| StsError::Unexpected("it registers no client".into()))
    }

    /// Returns the address of the page where the user signs in, without a query. The SDK's endpoint rules
    /// give the host, and arl adds the path.
    ///
    /// # Errors
    /// There is no endpoint with these settings.
    pub(crate) async fn authorize_url(&self) -> Result<String, StsError> {
        let StsSettings { region, endpoint_url, use_fips, use_dual_stack, .. } = &self.settings.oidc;
        let mut params =
            Params::builder().region(region.clone()).use_fips(*use_fips).use_dual_stack(*use_dual_stack);
        params = params.set_endpoint(endpoint_url.clone());
        let params = params.build().map_err(|error| StsError::Source(error.to_string()))?;
        let endpoint = DefaultResolver::new().resolve_endpoint(&params).await;
        let endpoint = endpoint.map_err(|error| StsError::Source(error.to_string()))?;
        Ok(format!("{}/authorize", endpoint.url().trim_end_matches('/')))
    }

    /// Starts a sign-in on another device.
    ///
    /// # Errors
    /// As [`Self::register`].
    pub(crate) async fn start_device_authorization(
        &self,
        client: &SsoClient,
        start_url: &str,
    ) -> Result<DeviceAuthorization, StsError> {
        let call = self.oidc().start_device_authorization();
        let call = call.client_id(&client.id).client_secret(client.secret.expose()).start_url(start_url);
        let output = call.send().await.map_err(|error| failed(&error, &self.settings.oidc))?;
        let seconds = |number: i32| u64::try_from(number).ok().filter(|&number| number > 0);
        let parts = (output.device_code(), output.user_code(), output.verification_uri());
        let (Some(device_code), Some(user_code), Some(verification_uri)) = parts else {
            return Err(StsError::Unexpected("it has no device code".into()));
        };
        Ok(DeviceAuthorization {
            device_code: Secret::new(device_code.to_owned()),
            user_code: user_code.to_owned(),
            verification_uri: verification_uri.to_owned(),
            verification_uri_complete: output.verification_uri_complete().map(str::to_owned),
            expires_in: Duration::from_secs(seconds(output.expires_in()).unwrap_or(600)),
            // RFC 8628 section 3.5: five seconds, unless the service says otherwise.
            interval: Duration::from_secs(seconds(output.interval()).unwrap_or(5)),
        })
    }

    /// Exchanges a grant for a token.
    ///
    /// # Errors
    /// As [`Self::register`]. A grant that is not accepted, or not yet, is [`StsError::Refused`].
    pub(crate) async fn create_token(
        &self,
        client: &SsoClient,
        grant: TokenGrant<'_>,
    ) -> Result<IssuedToken, StsError> {
        let call = self.oidc().create_token();
        let call = call.client_id(&client.id).client_secret(client.secret.expose());
        let call = match grant {
            TokenGrant::AuthorizationCode { code, verifier, redirect_uri } => call
                .grant_type("authorization_code")
                .code(code.expose())
                .code_verifier(verifier.expose())
                .redirect_uri(redirect_uri),
            TokenGrant::DeviceCode(code) => {
                call.grant_type("urn:ietf:params:oauth:grant-type:device_code").device_code(code.expose())
            }
            TokenGrant::RefreshToken(token) => call.grant_type("refresh_token").refresh_token(token.expose()),
        };
        let output = call.send().await.map_err(|error| failed(&error, &self.settings.oidc))?;
        let refresh_token = output.refresh_token().map(|token| Secret::new(token.to_owned()));
        match (output.access_token(), u64::try_from(output.expires_in())) {
            (Some(token), Ok(seconds)) if seconds > 0 && !token.is_empty() => Ok(IssuedToken {
                access_token: Secret::new(token.to_owned()),
                expires_in: Duration::from_secs(seconds),
                refresh_token,
            }),
            _ => Err(StsError::Unexpected("it has no access token".into())),
        }
    }
}
