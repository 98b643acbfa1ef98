//! Cache keys: everything that decides which session STS returns.

use serde_json::{Map, Value, json};

use super::source_key::SourceKey;
use crate::arn::Partition;
use crate::digest::{hmac_hex, sha256_hex, verify_hmac_hex};
use crate::request::parameter::ParameterValue;
use crate::request::{AssumeRoleRequest, ProvidedContext};
use crate::secret::Secret;
use crate::sts::StsSettings;

/// The version of the layout of the facts. Entries with another version are misses.
pub(super) const KEY_SCHEMA_VERSION: u32 = 2;

/// The part of an AssumeRole call that decides which session STS returns.
#[derive(Debug, Clone, Copy)]
pub struct CacheKeyHop<'a> {
    /// The request. Its session name and its MFA code are not part of the key.
    pub request: &'a AssumeRoleRequest,
    /// The session name as given, with its placeholders. `None` if arl chose the name.
    pub session_name: Option<&'a str>,
}

/// The key of a cached session. Its text contains no secret, and differs for any two requests that may return
/// different sessions.
#[derive(Debug, Clone)]
pub struct CacheKey {
    text: String,
    secret: Secret,
    /// The settings that decide whether a call succeeds, but not which session it returns.
    network: String,
}

impl CacheKey {
    /// Creates the key of the session at the end of these hops. Without hops it is the key of the source's
    /// own credentials.
    pub fn new(sts: &StsSettings, source: &SourceKey, hops: &[CacheKeyHop<'_>]) -> Self {
        let object = json!({
            "schema": KEY_SCHEMA_VERSION,
            "endpoint": if hops.is_empty() && source.is_region_independent() { partition_facts(sts) } else { endpoint_facts(sts) },
            "source": source.facts(),
            "hops": hops.iter().map(hop_facts).collect::<Vec<_>>(),
        });
        let StsSettings { network, max_attempts, adaptive_retries, .. } = sts;
        Self {
            text: object.to_string(),
            secret: source.secret().clone(),
            network: format!("{network:?} {max_attempts} {adaptive_retries}"),
        }
    }

    /// Returns the facts as one line of JSON.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns a file name: the SHA-256 of the facts in hexadecimal digits.
    pub fn file_name(&self) -> String {
        sha256_hex(self.text.as_bytes())
    }

    /// Returns a MAC of the text, with the secret key of the source if it has one. So a caller with another
    /// secret under the same access key ID does not get the session, and a damaged entry is noticed.
    pub(crate) fn mac(&self, text: &str) -> String {
        hmac_hex(self.secret.expose().as_bytes(), text.as_bytes())
    }

    /// Returns a tag for sharing failures. Two calls for the same session have different tags if their secret
    /// keys or their network settings differ, because then one may fail and the other succeed.
    pub(super) fn failure_scope(&self) -> String {
        self.mac(&self.network)
    }

    /// Verifies a MAC, in constant time.
    pub(super) fn verify(&self, text: &str, mac: &str) -> bool {
        verify_hmac_hex(self.secret.expose().as_bytes(), text.as_bytes(), mac)
    }
}

/// Returns the facts of the STS endpoint. It destructures the settings, so the code does not compile until a
/// new setting is included or left out here.
fn endpoint_facts(sts: &StsSettings) -> Value {
    let StsSettings {
        region,
        endpoint_url,
        use_fips,
        use_dual_stack,
        max_attempts: _,
        adaptive_retries: _,
        network: _,
        operation_timeout: _,
    } = sts;
    json!({ "region": region, "url": endpoint_url, "fips": use_fips, "dual_stack": use_dual_stack })
}

/// Returns the facts of the endpoint for credentials that all regions of its partition accept.
fn partition_facts(sts: &StsSettings) -> Value {
    json!({ "partition": Partition::for_region(&sts.region).as_str(), "url": sts.endpoint_url })
}

/// Returns the facts of one hop, under the names that STS uses. A missing parameter and an empty list differ.
fn hop_facts(hop: &CacheKeyHop<'_>) -> Value {
    let CacheKeyHop { request, session_name } = hop;
    let mut facts = Map::new();
    let mut fields = Vec::new();
    for (name, value) in request.parameters() {
        let fact = match value {
            // The key contains the template as given, not the name that it expands to in this call.
            ParameterValue::Text(_) if name == "RoleSessionName" => match session_name {
                Some(session_name) => Value::from(*session_name),
                None => continue,
            },
            ParameterValue::TokenCode(_) => continue,
            ParameterValue::Text(text) => Value::from(text),
            ParameterValue::Duration(duration) => duration.as_secs().into(),
            ParameterValue::PolicyArns(arns) => arns.iter().map(|arn| arn.as_str()).collect(),
            ParameterValue::Tags(tags) => {
                tags.iter().map(|tag| Value::from(vec![tag.key().as_str(), tag.value()])).collect()
            }
            ParameterValue::TagKeys(keys) => keys.iter().map(|key| key.as_str()).collect(),
            ParameterValue::Contexts(contexts) => contexts.iter().map(context).collect(),
            ParameterValue::Field { name, value } => {
                fields.push(Value::from(vec![name, value]));
                continue;
            }
        };
        facts.insert(name.to_owned(), fact);
    }
    if !fields.is_empty() {
        facts.insert("AdditionalParameters".to_owned(), fields.into());
    }
    Value::Object(facts)
}

/// Returns the provider and a hash of the assertion, because an assertion is similar to a bearer token.
fn context(context: &ProvidedContext) -> Value {
    let assertion = sha256_hex(context.context_assertion().as_bytes());
    Value::from(vec![context.provider_arn().as_str().to_owned(), assertion])
}
