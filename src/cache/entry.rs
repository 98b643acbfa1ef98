//! The text of a cache entry. It has three lines: the facts of the key, the session, and a seal: a MAC of
//! both.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::key::{CacheKey, KEY_SCHEMA_VERSION};
use crate::credentials::Credentials;
use crate::secret::Secret;
#[cfg(feature = "cli")]
use crate::source::Source;

/// A session with the time of its issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedSession {
    /// The credentials of the session. They have an expiration.
    pub credentials: Credentials,
    /// When they were issued, by this host's clock.
    pub issued_at: SystemTime,
}

impl CachedSession {
    /// Returns how long the session still lasts.
    pub(crate) fn expires_in(&self, now: SystemTime) -> Duration {
        let expiration = self.credentials.expiration().unwrap_or(now);
        expiration.duration_since(now).unwrap_or_default()
    }
}

/// A cached session without its secrets, for display.
#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "the CLI uses the rest"))]
#[derive(Debug, Clone)]
pub struct SessionSummary {
    /// The facts of its cache key, as JSON.
    pub facts: Value,
    /// When it was issued.
    pub issued_at: SystemTime,
    /// When it expires.
    pub expiration: SystemTime,
}

#[cfg(feature = "cli")]
impl SessionSummary {
    /// Returns the role. `None` for the credentials of a source itself.
    pub fn role_arn(&self) -> Option<&str> {
        self.facts.get("hops")?.as_array()?.last()?.get("RoleArn")?.as_str()
    }

    /// Returns the role of IAM Identity Center, as `SESSION:ACCOUNT/NAME`. `None` for any other session, and
    /// for a sign-in without a name.
    pub fn sso_role(&self) -> Option<String> {
        if !self.facts.get("hops")?.as_array()?.is_empty() {
            return None;
        }
        let fact = |name: &str| self.facts.get("source")?.get(name)?.as_str();
        Some(format!("{}:{}/{}", fact("sso_session")?, fact("sso_account_id")?, fact("sso_role_name")?))
    }

    /// Returns the role of a web identity, without a role that was assumed after it.
    pub fn web_identity_role(&self) -> Option<&str> {
        let hops = self.facts.get("hops")?.as_array()?;
        self.facts.get("source").filter(|_| hops.is_empty())?.get("web_identity_role_arn")?.as_str()
    }

    /// Whether the role was assumed with this MFA device, or without one if `None`. The code was for the last
    /// AssumeRole call, or for the MFA session that the role was assumed with.
    pub fn is_from_mfa_device(&self, serial: Option<&str>) -> bool {
        let last = self.facts.get("hops").and_then(Value::as_array).and_then(|hops| hops.last());
        let device = last.and_then(|hop| hop.get("SerialNumber")?.as_str());
        let of_session = || self.facts.get("source")?.get("mfa_session")?.as_str();
        device == serial || (device.is_none() && of_session() == serial)
    }

    /// Whether it was issued with the credentials of this source, as far as that is known without reading
    /// files.
    pub fn is_from_source(&self, source: &Source) -> bool {
        let (name, value) = match source {
            Source::Keys(keys) => ("access_key_id", keys.access_key_id()),
            Source::Keychain(key) => ("name", key.name.as_str()),
            Source::Sso(sso) => ("sso_start_url", sso.session.start_url.as_str()),
            Source::MfaSession { keys, .. } => return self.is_from_source(keys),
            Source::Login(login) => ("login_session", login.session.as_str()),
            Source::Process(process) => ("credential_process", process.command.as_str()),
            Source::WebIdentity { role_arn, .. } => {
                let fact = self.facts.get("source").and_then(|facts| facts.get("web_identity_role_arn"));
                return fact.is_some_and(|fact| *fact == role_arn.to_string());
            }
            Source::Container(container) => ("container_uri", container.url.as_str()),
            Source::InstanceMetadata(metadata) => ("instance_metadata", metadata.endpoint.as_str()),
        };
        self.facts.get("source").and_then(|facts| facts.get(name)?.as_str()) == Some(value)
    }

    /// Returns the region of the call that issued it. `None` for a session that all regions share.
    pub fn region(&self) -> Option<&str> {
        self.facts.get("endpoint")?.get("region")?.as_str()
    }

    /// Returns the sign-in to IAM Identity Center that the session depends on: its start URL, and the name of
    /// its `[sso-session]`, if it has one.
    pub fn sign_in(&self) -> Option<(&str, Option<&str>)> {
        let source = self.facts.get("source")?;
        Some((source.get("sso_start_url")?.as_str()?, source.get("sso_session")?.as_str()))
    }
}

/// Returns the text of an entry. It holds secrets, so it is wiped when dropped.
pub(crate) fn encode(key: &CacheKey, session: &CachedSession) -> Zeroizing<String> {
    let CachedSession { credentials, issued_at } = session;
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let object = json!({
        "AccessKeyId": credentials.access_key_id(),
        "SecretAccessKey": credentials.secret_access_key().expose(),
        "SessionToken": credentials.session_token().map(Secret::expose),
        "Expiration": credentials.expiration().map(seconds),
        "IssuedAt": seconds(*issued_at),
        "AccountId": credentials.account_id().map(ToString::to_string),
    });
    let body = Zeroizing::new(format!("{}\n{object}\n", key.as_str()));
    let mac = key.mac(&body);
    Zeroizing::new(format!("{}{mac}\n", *body))
}

/// Returns the session, if the text is an undamaged entry of this key.
pub(crate) fn decode(key: &CacheKey, text: &[u8]) -> Option<CachedSession> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
    let (body, mac) = text.split_at(text.rfind('\n')? + 1);
    let (facts, session) = body.strip_suffix('\n')?.split_once('\n')?;
    if facts != key.as_str() || !key.verify(body, mac) {
        return None;
    }
    parse(session)
}

/// Returns an entry without its secrets. It does not check the seal.
pub(crate) fn summarize(text: &[u8]) -> Option<SessionSummary> {
    let text = std::str::from_utf8(text).ok()?;
    let mut lines = text.lines();
    let facts: Value = serde_json::from_str(lines.next()?).ok()?;
    if facts.get("schema")? != KEY_SCHEMA_VERSION {
        return None;
    }
    let CachedSession { credentials, issued_at } = parse(lines.next()?)?;
    Some(SessionSummary { facts, issued_at, expiration: credentials.expiration()? })
}

fn parse(session: &str) -> Option<CachedSession> {
    let object: Map<String, Value> = serde_json::from_str(session).ok()?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let time = |name: &str| {
        let seconds = object.get(name)?.as_u64()?;
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    };
    let credentials = Credentials::new(
        text("AccessKeyId")?,
        Secret::new(text("SecretAccessKey")?),
        text("SessionToken").map(Secret::new),
        Some(time("Expiration")?),
    )
    .ok()?
    .with_account_id(text("AccountId").and_then(|id| id.parse().ok()));
    Some(CachedSession { credentials, issued_at: time("IssuedAt")? })
}
