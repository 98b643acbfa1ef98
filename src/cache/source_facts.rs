//! Describes a source of credentials without asking it for credentials.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::source_key::SourceKey;
use crate::digest::sha256_hex;
use crate::keys::{KeyRecord, StoredKey};
use crate::secret::Secret;
use crate::source::{
    ContainerSource, ContainerToken, LoginSource, MetadataSource, ProcessSource, Source, SsoSession,
    SsoSource, WebIdentityToken, sign_in_id, sso_cache_directory,
};

/// The environment that a source depends on, provided by the caller.
pub struct SourceEnvironment<'a> {
    /// Looks up an environment variable. An empty value counts as unset.
    pub var: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file.
    pub read_file: &'a dyn Fn(&Path) -> Option<Vec<u8>>,
    /// The home directory, where the tokens of sign-ins are.
    pub home: Option<PathBuf>,
    /// The URL that replaces that of the access portal of IAM Identity Center.
    pub portal_url: Option<String>,
    /// The path of the shared config file, which may name a credential process.
    pub config_file: String,
    /// Returns the current directory, to which relative paths refer.
    pub current_dir: &'a dyn Fn() -> PathBuf,
}

/// Claims of a web identity token that change although its subject stays the same.
const VOLATILE_CLAIMS: [&str; 4] = ["exp", "iat", "nbf", "jti"];

impl SourceKey {
    /// Describes a source. Returns `None` if it cannot be distinguished from others; its sessions are then
    /// not cached.
    pub fn from_source(source: &Source, env: &SourceEnvironment<'_>) -> Option<Self> {
        let facts = match source {
            Source::Keys(keys) => return Some(Self::from_keys(keys)),
            Source::Keychain(StoredKey { name, store, record_file }) => {
                // Reading the keychain could ask the user to unlock it, so the access key ID comes from the
                // record.
                let record = KeyRecord::parse(&(env.read_file)(record_file.as_deref()?)?)?;
                let store = store.as_ref().unwrap_or(&record.store);
                json!({
                    "keychain": store.as_str(), "name": name.as_str(), "access_key_id": record.access_key_id,
                })
            }
            Source::Sso(sso) => {
                let SsoSource { account_id, role_name, session } = sso;
                let SsoSession { name, start_url, region, scopes: _ } = session;
                let directory = sso_cache_directory(env.home.as_deref()?);
                json!({
                    "sso_account_id": account_id, "sso_role_name": role_name, "sso_start_url": start_url,
                    "sso_region": region, "sso_session": name, "portal": env.portal_url,
                    "sign_in": sign_in_id(&directory, session)?,
                })
            }
            Source::MfaSession { keys, serial_number } => {
                // Sealed like the keys: a caller with another secret key does not get the session.
                let Self { mut facts, secret, .. } = Self::from_source(keys, env)?;
                facts["mfa_session"] = serial_number.as_str().into();
                return Some(Self { facts, secret, is_region_independent: true });
            }
            Source::Login(login) => {
                let LoginSource { session, profile: _, file } = login;
                json!({ "login_session": session, "file": file, "login": login_key_digest(&(env.read_file)(Path::new(file))?)? })
            }
            Source::Process(process) => process_facts(process, env),
            Source::WebIdentity { role_arn, token, role_session_name, duration_seconds } => json!({
                "web_identity_role_arn": role_arn.to_string(),
                "role_session_name": role_session_name,
                "duration_seconds": duration_seconds.map(|duration| duration.as_secs()),
                "token": match token {
                    WebIdentityToken::File(path) => {
                        stable_claims_digest(&(env.read_file)(Path::new(path))?).into()
                    }
                    WebIdentityToken::Process(process) => process_facts(process, env),
                },
            }),
            Source::Container(ContainerSource { url, token }) => {
                let token = match token {
                    ContainerToken::File(path) => (env.read_file)(Path::new(path))?,
                    ContainerToken::Text(token) => token.expose().as_bytes().to_vec(),
                    ContainerToken::None => Vec::new(),
                };
                json!({ "container_uri": url, "token": sha256_hex(&token) })
            }
            Source::InstanceMetadata(metadata) => {
                let MetadataSource { endpoint, timeout: _, attempts: _, presence: _ } = metadata;
                let boot_id = (env.read_file)(Path::new("/proc/sys/kernel/random/boot_id"))?;
                json!({
                    "instance_metadata": endpoint, "boot_id": String::from_utf8_lossy(&boot_id).trim(),
                })
            }
        };
        // IAM Identity Center is in the region of the sign-in, which may differ from the region of STS.
        let is_region_independent = matches!(source, Source::Sso(_));
        Some(Self { facts, secret: Secret::new(String::new()), is_region_independent })
    }
}

fn process_facts(process: &ProcessSource, env: &SourceEnvironment<'_>) -> Value {
    let ProcessSource { command, profile: _, ancestors: _, account_id: _ } = process;
    let var = |name: &str| (env.var)(name).filter(|value| !value.is_empty());
    // arl cannot know whether the command uses relative paths.
    let directory = (env.current_dir)();
    let file = directory.join(&env.config_file);
    json!({
        "credential_process": command,
        "config_file": file.to_string_lossy(),
        "directory": directory.to_string_lossy(),
        // SECURITY.md lists what else the command may depend on.
        "profile": var("AWS_PROFILE"),
        "credentials_file": var("AWS_SHARED_CREDENTIALS_FILE"),
    })
}

/// Returns a hash of the key with which `aws login` proves possession (DPoP). It identifies the login,
/// because a refresh keeps the key.
fn login_key_digest(file: &[u8]) -> Option<String> {
    let object: Map<String, Value> = serde_json::from_slice(file).ok()?;
    object.get("dpopKey").and_then(Value::as_str).map(|key| sha256_hex(key.as_bytes()))
}

/// Returns a hash of the stable claims of a JSON web token. It hashes any other token as a whole.
fn stable_claims_digest(token: &[u8]) -> String {
    let payload = || -> Option<Map<String, Value>> {
        let text = std::str::from_utf8(token).ok()?;
        let payload = text.trim().split('.').nth(1)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
    };
    match payload() {
        Some(mut claims) => {
            claims.retain(|name, _| !VOLATILE_CLAIMS.contains(&name.as_str()));
            sha256_hex(Value::Object(claims).to_string().as_bytes())
        }
        None => sha256_hex(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_digest_ignores_volatile_claims() {
        let token = |json: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(json)).into_bytes();
        let first = stable_claims_digest(&token(
            r#"{"iss":"https://i","sub":"pod","exp":1,"iat":2,"nbf":3,"jti":"a"}"#,
        ));
        let later = stable_claims_digest(&token(
            r#"{"sub":"pod","iss":"https://i","exp":9,"iat":8,"nbf":7,"jti":"b"}"#,
        ));
        let other = stable_claims_digest(&token(
            r#"{"iss":"https://i","sub":"other","exp":1,"iat":2,"nbf":3,"jti":"a"}"#,
        ));
        assert_eq!(first, later);
        assert_ne!(first, other);
        assert_ne!(stable_claims_digest(b"opaque"), stable_claims_digest(b"opaqua"));
    }
}
