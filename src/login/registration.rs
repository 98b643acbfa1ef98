//! The registration of arl with the OIDC service, which arl reuses until it expires.
//!
//! Its file has the AWS CLI's format and a name of its own. The AWS CLI keeps only one registration at a
//! time, and a field in it says which kind of sign-in it is for.

use std::convert::Infallible;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::callback::registered_redirect_uri;
use super::error::LoginError;
use super::settings::SignIn;
use crate::encoding::{parse_time, rfc3339};
use crate::profiles::{FileMode, update};
use crate::secret::Secret;
use crate::source::{SsoClient, SsoSession, cache_file_name, read_sso_file};
use crate::sts::{BrowserRegistration, ClientRegistration};

/// A registration that expires within this time is replaced, as in the AWS CLI.
const MARGIN: Duration = Duration::from_secs(15 * 60);
/// The scope of the access portal, if the session names no scopes.
const DEFAULT_SCOPE: &str = "sso:account:access";

/// The kinds of sign-ins. The service requires a registration for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    Browser,
    DeviceCode,
}

/// Returns the registration in the file, else a new one, which it writes to the file.
pub(super) async fn registration(sign_in: SignIn<'_>, grant: Grant) -> Result<SsoClient, LoginError> {
    let SignIn { center, store, session, clock, .. } = sign_in;
    let path = store.directory().join(file_name(session, grant));
    let found = read_sso_file(&path).ok().and_then(|text| parse(&text));
    let is_fresh = |client: &SsoClient| client.expires_at.is_some_and(|end| end > clock() + MARGIN);
    if let Some(client) = found.filter(is_fresh) {
        return Ok(client);
    }
    let wanted = ClientRegistration {
        name: format!("arl-{}", session.label()),
        scopes: scopes(session),
        browser: (grant == Grant::Browser).then(|| BrowserRegistration {
            redirect_uri: registered_redirect_uri(),
            issuer_url: session.start_url.clone(),
        }),
    };
    let client = center.register(&wanted).await.map_err(LoginError::Call)?;
    let text = to_json(&client, session, grant);
    // Without the file the next sign-in registers again.
    let _ = update(&path, FileMode::Private, |_| Ok::<_, Infallible>(text.clone().into_bytes()));
    Ok(client)
}

/// Removes the file of a registration that the service no longer knows.
pub(super) fn forget(sign_in: SignIn<'_>, grant: Grant) {
    let _ = std::fs::remove_file(sign_in.store.directory().join(file_name(sign_in.session, grant)));
}

/// Returns the scopes of a session.
pub(super) fn scopes(session: &SsoSession) -> Vec<String> {
    if session.scopes.is_empty() { vec![DEFAULT_SCOPE.to_owned()] } else { session.scopes.clone() }
}

fn file_name(session: &SsoSession, grant: Grant) -> String {
    let SsoSession { name, start_url, region, scopes: _ } = session;
    let key = json!({
        "tool": "arl", "startUrl": start_url, "region": region, "scopes": scopes(session),
        "session_name": name, "grantTypes": grant_types(grant),
    });
    cache_file_name(&key.to_string())
}

fn grant_types(grant: Grant) -> Value {
    match grant {
        Grant::Browser => json!(["authorization_code", "refresh_token"]),
        Grant::DeviceCode => Value::Null,
    }
}

fn to_json(client: &SsoClient, session: &SsoSession, grant: Grant) -> String {
    let mut object = json!({
        "clientId": client.id, "clientSecret": client.secret.expose(),
        "expiresAt": client.expires_at.map(rfc3339), "scopes": scopes(session),
    });
    if grant == Grant::Browser {
        object["grantTypes"] = grant_types(grant);
    }
    object.to_string()
}

fn parse(text: &[u8]) -> Option<SsoClient> {
    let object: Map<String, Value> = serde_json::from_slice(text).ok()?;
    let get = |key: &str| object.get(key).and_then(Value::as_str);
    Some(SsoClient {
        id: get("clientId")?.to_owned(),
        secret: Secret::new(get("clientSecret")?.to_owned()),
        expires_at: parse_time(get("expiresAt")?),
    })
}
