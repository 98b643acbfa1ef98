//! Gets a role's credentials with the token of a sign-in, and renews the token when it is due.

use std::time::{Duration, SystemTime};

use super::error::LoginError;
use super::token_store::TokenStore;
use crate::cache::single_flight::SingleFlight;
use crate::credentials::Credentials;
use crate::source::{SsoSession, SsoSource, SsoToken};
use crate::sts::{IdentityCenter, IssuedToken, StsError, TokenGrant};

/// How long a process waits while another one renews the same token.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(25);
/// How long arl waits for another program to write a token, after arl's own renewal was refused. The other
/// program, which takes no lock, may have used the refresh token first.
const REFUSED_TIMEOUT: Duration = Duration::from_secs(2);
const REFUSED_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The clients and settings of a call for a role's credentials.
#[derive(Clone, Copy)]
pub struct RoleCall<'a> {
    /// The services.
    pub center: &'a IdentityCenter,
    /// The token files.
    pub store: &'a TokenStore,
    /// A token that is valid for less than this is renewed first.
    pub margin: Duration,
    /// Returns the current time.
    pub clock: &'a dyn Fn() -> SystemTime,
    /// Shows a warning to the user. The call goes on.
    pub warn: &'a dyn Fn(&str),
}

/// Gets the credentials of a role.
///
/// # Errors
/// The user is not signed in, the user does not have the role, or a call fails.
pub async fn role_credentials(call: RoleCall<'_>, sso: &SsoSource) -> Result<Credentials, LoginError> {
    let SsoSource { account_id, role_name, session } = sso;
    let token = current_token(call, session).await?;
    let refusal = match call.center.role_credentials(&token.access_token, account_id, role_name).await {
        Ok(credentials) => return Ok(credentials),
        Err(error) if error.is_code("UnauthorizedException") => return Err(LoginError::Ended(error)),
        Err(error) if error.is_code("ForbiddenException") => error,
        // Services that imitate the portal answer like this for a role that does not exist.
        Err(error) if error.is_code("ResourceNotFoundException") => error,
        Err(error) => return Err(LoginError::Call(error)),
    };
    let roles = call.center.account_roles(&token.access_token, account_id).await.ok();
    Err(LoginError::NotAssigned { refusal, roles })
}

/// Returns a token that is valid for at least the margin, if possible. If the token expires sooner, one
/// process renews it while the others wait.
///
/// # Errors
/// The user is not signed in, or the token has expired and cannot be renewed.
pub async fn current_token(call: RoleCall<'_>, session: &SsoSession) -> Result<SsoToken, LoginError> {
    let RoleCall { store, margin, clock, .. } = call;
    let is_good = |token: &SsoToken| !token.expires_within(margin, clock());
    let token = store.read(session)?.ok_or(LoginError::NotSignedIn)?;
    if is_good(&token) {
        return Ok(token);
    }
    if token.renewal(clock()).is_none() {
        return unless_expired(token, clock(), LoginError::Expired);
    }
    let locks = SingleFlight::new(store.directory());
    let name = format!(".{}.arl.renew", session.token_file_name());
    let renewed = || store.read(session).ok().flatten().filter(is_good);
    let _lock = match locks.lock_named(&name, RENEWAL_TIMEOUT, renewed).await {
        Ok(lock) => lock,
        Err(renewed) => return Ok(renewed),
    };
    // Another process may have renewed the token before this one got the lock.
    let token = store.read(session)?.ok_or(LoginError::NotSignedIn)?;
    if is_good(&token) {
        return Ok(token);
    }
    renew(call, session, token).await
}

/// Renews a token. If that fails while the old token is still valid, returns the old one.
async fn renew(call: RoleCall<'_>, session: &SsoSession, token: SsoToken) -> Result<SsoToken, LoginError> {
    let RoleCall { center, store, clock, warn, .. } = call;
    let Some((client, refresh_token)) = token.renewal(clock()) else {
        return unless_expired(token, clock(), LoginError::Expired);
    };
    let sign_in = store.sign_in_id(session);
    match center.create_token(client, TokenGrant::RefreshToken(refresh_token)).await {
        Ok(issued) => {
            let renewed = with_issued(&token, issued, clock());
            match store.renew(session, &token, &renewed) {
                Ok(true) => {}
                Ok(false) => return replaced(call, session, sign_in.as_ref(), &renewed).await,
                // In a container the directory may be read-only.
                Err(error) => warn(&format!("could not store the renewed token: {error}")),
            }
            Ok(renewed)
        }
        Err(error) if is_refused(&error) => {
            let mut waited = Duration::ZERO;
            while waited < REFUSED_TIMEOUT {
                let other = store.read(session)?.filter(|other| other.access_token != token.access_token);
                if let Some(other) = other.filter(|other| !other.expires_within(Duration::ZERO, clock())) {
                    return Ok(other);
                }
                tokio::time::sleep(REFUSED_POLL_INTERVAL).await;
                waited += REFUSED_POLL_INTERVAL;
            }
            unless_expired(token, clock(), LoginError::Ended(error))
        }
        Err(error) => unless_expired(token, clock(), LoginError::Call(error)),
    }
}

/// Returns the token that another program has stored for the same sign-in while arl renewed the old one. If a
/// user has signed in or out meanwhile, returns an error, because the command began as another user. After a
/// sign-out, arl ends the renewed sign-in too: the service issued the new token after the old one was
/// invalidated.
async fn replaced(
    call: RoleCall<'_>,
    session: &SsoSession,
    sign_in: Option<&String>,
    renewed: &SsoToken,
) -> Result<SsoToken, LoginError> {
    match call.store.read(session)? {
        Some(token) if call.store.sign_in_id(session).as_ref() == sign_in => {
            unless_expired(token, (call.clock)(), LoginError::Expired)
        }
        Some(_) => Err(LoginError::Replaced),
        None => {
            // If this fails, the token is still unknown to every program, and expires.
            let _ = call.center.logout(&renewed.access_token).await;
            Err(LoginError::NotSignedIn)
        }
    }
}

/// Returns the token with its newly issued parts. If the service issued no refresh token, keeps the old one.
fn with_issued(token: &SsoToken, issued: IssuedToken, now: SystemTime) -> SsoToken {
    let IssuedToken { access_token, expires_in, refresh_token } = issued;
    let old = token.clone();
    SsoToken {
        access_token,
        expires_at: now + expires_in,
        refresh_token: refresh_token.or(old.refresh_token),
        ..old
    }
}

fn unless_expired(token: SsoToken, now: SystemTime, error: LoginError) -> Result<SsoToken, LoginError> {
    if token.expires_within(Duration::ZERO, now) { Err(error) } else { Ok(token) }
}

/// Whether the OIDC service refuses the refresh token or the registration permanently.
fn is_refused(error: &StsError) -> bool {
    const CODES: [&str; 5] = [
        "InvalidGrantException",
        "ExpiredTokenException",
        "AccessDeniedException",
        "InvalidClientException",
        "UnauthorizedClientException",
    ];
    CODES.iter().any(|code| error.is_code(code))
}
