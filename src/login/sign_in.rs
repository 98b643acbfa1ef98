//! Signs in with a browser or with a device code, and writes the token file.

use std::fmt::Write as _;
use std::time::Duration;

use super::callback::{Answer, BoundPort, CallbackServer};
use super::error::LoginError;
use super::page::Page;
use super::pkce::Pkce;
use super::registration::{self, Grant, registration};
use super::settings::SignIn;
use crate::encoding::percent_encode;
use crate::source::{SsoClient, SsoToken};
use crate::sts::{DeviceAuthorization, IssuedToken, StsError, TokenGrant};

/// By how much the pauses grow each time the service asks for that. Source: RFC 8628 section 3.5.
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// A sign-in with a browser on this host, by an authorization code with PKCE.
pub struct BrowserSignIn<'a> {
    sign_in: SignIn<'a>,
    client: SsoClient,
    pkce: Pkce,
    server: CallbackServer,
    redirect_uri: String,
    page: String,
}

/// The answer in an address that the user pasted.
pub struct PastedAnswer(Answer);

/// A sign-in with a browser on any host, by a device code.
pub struct DeviceSignIn<'a> {
    sign_in: SignIn<'a>,
    client: SsoClient,
    authorization: DeviceAuthorization,
}

impl<'a> SignIn<'a> {
    /// Begins a sign-in with a browser, and listens for its answer on a port of 127.0.0.1; 0 takes a free
    /// one. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// The port is not free, or the registration fails.
    pub async fn with_browser(self, port: u16) -> Result<BrowserSignIn<'a>, LoginError> {
        let bound = BoundPort::bind(port).await.map_err(|error| LoginError::Port(port, error.to_string()))?;
        let page = self.center.authorize_url().await.map_err(LoginError::Call)?;
        let client = registration(self, Grant::Browser).await?;
        let no_randomness = |error: std::io::Error| LoginError::Port(port, error.to_string());
        let pkce = Pkce::new().map_err(no_randomness)?;
        let redirect_uri = bound.redirect_uri();
        let scopes = registration::scopes(self.session).join(" ");
        let mut page = format!("{page}?response_type=code");
        for (name, value) in [
            ("client_id", client.id.as_str()),
            ("redirect_uri", &redirect_uri),
            ("state", pkce.state.expose()),
            ("code_challenge_method", "S256"),
            ("scopes", &scopes),
            ("code_challenge", &pkce.challenge),
        ] {
            let _ = write!(page, "&{name}={}", percent_encode(value));
        }
        let server = bound.wait_for(pkce.state.clone(), &page).map_err(no_randomness)?;
        Ok(BrowserSignIn { sign_in: self, client, pkce, server, redirect_uri, page })
    }

    /// Begins a sign-in with a device code.
    ///
    /// # Errors
    /// A call fails.
    pub async fn with_device_code(self) -> Result<DeviceSignIn<'a>, LoginError> {
        let client = registration(self, Grant::DeviceCode).await?;
        let start_url = &self.session.start_url;
        let started = match self.center.start_device_authorization(&client, start_url).await {
            Err(error) if error.is_code("InvalidClientException") => {
                // The service no longer knows the registration, although it has not expired.
                registration::forget(self, Grant::DeviceCode);
                let client = registration(self, Grant::DeviceCode).await?;
                self.center
                    .start_device_authorization(&client, start_url)
                    .await
                    .map(|started| (client, started))
            }
            started => started.map(|started| (client, started)),
        };
        let (client, authorization) = started.map_err(LoginError::Call)?;
        Ok(DeviceSignIn { sign_in: self, client, authorization })
    }

    /// Writes the token file, and a note about the sign-in before and after that.
    fn keep(self, client: SsoClient, issued: IssuedToken) -> Result<SsoToken, LoginError> {
        let IssuedToken { access_token, expires_in, refresh_token } = issued;
        let token = SsoToken {
            access_token,
            expires_at: (self.clock)() + expires_in,
            start_url: Some(self.session.start_url.clone()),
            region: Some(self.session.region.clone()),
            client: Some(client),
            refresh_token,
        };
        // Note the sign-in first, so that no process uses what is cached for the previous user. Note it again
        // at the end, because a process may have read the first note while the token was still the old one.
        self.store.note_sign_in(self.session)?;
        (self.on_signed_in)();
        self.store.write(self.session, &token)?;
        self.store.note_sign_in(self.session)?;
        Ok(token)
    }
}

impl BrowserSignIn<'_> {
    /// Returns the address of the sign-in page.
    pub fn page(&self) -> &str {
        &self.page
    }

    /// Returns an address on this host that leads a browser of this user to the sign-in page. It holds no
    /// secret that another user could use, so it may be an argument of the browser.
    pub fn start_url(&self) -> String {
        self.server.start_url()
    }

    /// Waits for the browser, without a limit, and writes the token file.
    ///
    /// # Errors
    /// The user refuses, the service refuses the code, or the file cannot be written.
    pub async fn wait(&self) -> Result<SsoToken, LoginError> {
        let (answer, browser) =
            self.server.wait().await.map_err(|error| LoginError::Port(0, error.to_string()))?;
        let result = self.finish(answer).await;
        let label = self.sign_in.session.label();
        let page = if result.is_ok() { Page::SignedIn(label) } else { Page::Failed(label) };
        self.server.show(browser, page).await;
        result
    }

    /// Reads the answer from the address of the page to which the browser was sent. `None` if it is not the
    /// address of such a page.
    pub fn read_pasted(&self, address: &str) -> Option<PastedAnswer> {
        self.server.read_pasted(address).map(PastedAnswer)
    }

    /// Completes the sign-in with an answer that the user pasted, and writes the token file.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub async fn complete(&self, answer: PastedAnswer) -> Result<SsoToken, LoginError> {
        self.finish(answer.0).await
    }

    async fn finish(&self, answer: Answer) -> Result<SsoToken, LoginError> {
        let code = match answer {
            Answer::Code(code) => code,
            Answer::Refused(reason) => return Err(LoginError::Refused(reason)),
        };
        let grant = TokenGrant::AuthorizationCode {
            code: &code,
            verifier: &self.pkce.verifier,
            redirect_uri: &self.redirect_uri,
        };
        match self.sign_in.center.create_token(&self.client, grant).await {
            Ok(issued) => self.sign_in.keep(self.client.clone(), issued),
            Err(error) => {
                if error.is_code("InvalidClientException") {
                    registration::forget(self.sign_in, Grant::Browser);
                }
                Err(LoginError::Call(error))
            }
        }
    }
}

impl DeviceSignIn<'_> {
    /// Returns the code that the page must show.
    pub fn user_code(&self) -> &str {
        &self.authorization.user_code
    }

    /// Returns the address of the page, with the code if the service offers that.
    pub fn page(&self) -> &str {
        let authorization = &self.authorization;
        authorization.verification_uri_complete.as_deref().unwrap_or(&authorization.verification_uri)
    }

    /// Returns how long the code is valid.
    pub fn expires_in(&self) -> Duration {
        self.authorization.expires_in
    }

    /// Waits until the user has approved the code, and writes the token file.
    ///
    /// # Errors
    /// The user refuses, the code expires, or a call fails.
    pub async fn wait(&self) -> Result<SsoToken, LoginError> {
        let DeviceAuthorization { device_code, expires_in, mut interval, .. } = self.authorization.clone();
        let mut waited = Duration::ZERO;
        while waited < expires_in {
            tokio::time::sleep(interval).await;
            waited += interval;
            let grant = TokenGrant::DeviceCode(&device_code);
            match self.sign_in.center.create_token(&self.client, grant).await {
                Ok(issued) => return self.sign_in.keep(self.client.clone(), issued),
                Err(error) if error.is_code("AuthorizationPendingException") => {}
                Err(error) if error.is_code("SlowDownException") => interval += SLOW_DOWN,
                Err(error) if error.is_code("ExpiredTokenException") => return Err(LoginError::CodeExpired),
                Err(StsError::Refused { code, message, .. }) if code == "AccessDeniedException" => {
                    return Err(LoginError::Refused(message));
                }
                // The network failed for a moment. The user may still be busy with the page.
                Err(error) if error.is_transient() => {}
                Err(error) => {
                    if error.is_code("InvalidClientException") {
                        registration::forget(self.sign_in, Grant::DeviceCode);
                    }
                    return Err(LoginError::Call(error));
                }
            }
        }
        Err(LoginError::CodeExpired)
    }
}
