//! The credentials and tokens that arl gets from other programs and services.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::{assert_printable, now, parts};
use crate::arn::RoleSessionName;
use crate::credentials::Credentials;
use crate::encoding::rfc3339;
use crate::request::AssumeRoleRequest;
use crate::secret::Secret;
use crate::source::SsoToken;
use crate::sts::{canned, external};

fn assert_usable(credentials: &Credentials) {
    assert_printable(credentials.access_key_id());
    assert_printable(credentials.secret_access_key().expose());
    if let Some(token) = credentials.session_token() {
        assert_printable(token.expose());
    }
    if let Some(expiration) = credentials.expiration() {
        assert_printable(&rfc3339(expiration));
    }
}

/// Checks that arl accepts only sessions of the role, and only if STS could have issued one with that
/// expiration.
pub(super) fn sts(data: &[u8]) {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    // The SDK's timeouts need the timer.
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let [body, status] = parts::<2>(data);
    let status = std::str::from_utf8(status).ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let role = "arn:aws:iam::123456789012:role/Deploy".parse().expect("an ARN");
    let request = AssumeRoleRequest::new(role, RoleSessionName::sanitized("ann"));
    let keys = Credentials::new("ASIAX".into(), Secret::new("secret".into()), None, None).expect("keys");
    let call = canned::assume_role(status, body, &keys, &request, now());
    match RUNTIME.get_or_init(runtime).block_on(call) {
        Ok(session) => {
            assert!(session.arn.is_session_of(&request.role_arn), "{}", session.arn);
            assert_usable(&session.credentials);
            let expiration = session.credentials.expiration().expect("an end");
            let lasts = expiration.duration_since(now()).expect("a session that has not ended");
            assert!(lasts <= Duration::from_secs(12 * 3600 + 15 * 60), "{lasts:?}");
            assert_eq!(session.credentials.account_id().map(|id| id.as_str()), Some("123456789012"));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Checks that arl accepts only credentials of printable text, and otherwise returns an error.
pub(super) fn credential_process(data: &[u8]) {
    match external::parse_output(data) {
        Ok(credentials) => assert_usable(&credentials),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Checks that a token that arl reads stays the same when it is written and read again.
pub(super) fn token_file(data: &[u8]) {
    let Some(token) = SsoToken::parse(data) else { return };
    let _ = token.renewal(now());
    let text = token.to_json(data);
    let again = SsoToken::parse(text.as_bytes()).expect("what arl writes is a token");
    // Fractions of a second are not written.
    assert_eq!(rfc3339(again.expires_at), rfc3339(token.expires_at));
    assert_eq!(again.to_json(text.as_bytes()), text, "a second write changes something");
    assert_eq!(SsoToken { expires_at: token.expires_at, client: token.client.clone(), ..again }, token);
}
