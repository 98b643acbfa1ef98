//! Everything that decides an answer.

use ring::{digest, hmac};
use serde_json::{Map, Value, json};

use super::source_key::SourceKey;
use crate::arn::Partition;
use crate::encoding::hex;
use crate::request::{AssumeRoleRequest, ParameterValue, ProvidedContext};
use crate::secret::Secret;
use crate::sts::StsSettings;

/// The layout of entries. A program that knows another one looks in other places and finds nothing.
pub(super) const SCHEMA: u32 = 2;

/// One AssumeRole, as far as it decides the answer.
#[derive(Debug, Clone, Copy)]
pub struct KeyedHop<'a> {
    /// The request. Its session name and its MFA code do not count.
    pub request: &'a AssumeRoleRequest,
    /// The session name as it was given, placeholders and all; `None` if it was made up.
    pub session_name: Option<&'a str>,
}

/// What one session is kept under: no secret, and nothing that another request would share.
#[derive(Debug, Clone)]
pub struct CacheKey {
    text: String,
    secret: Secret,
    /// What decides whether a call succeeds, but not what it brings.
    network: String,
}

impl CacheKey {
    /// The key of the session that these hops lead to; without any, of the source's own credentials.
    pub fn new(sts: &StsSettings, source: &SourceKey, hops: &[KeyedHop<'_>]) -> Self {
        let object = json!({
            "schema": SCHEMA,
            "endpoint": if hops.is_empty() && source.is_good_everywhere() { partition(sts) } else { endpoint(sts) },
            "source": source.facts(),
            "hops": hops.iter().map(hop).collect::<Vec<_>>(),
        });
        let StsSettings { network, max_attempts, adaptive_retries, .. } = sts;
        Self {
            text: object.to_string(),
            secret: source.secret().clone(),
            network: format!("{network:?} {max_attempts} {adaptive_retries}"),
        }
    }

    /// The facts, as one line of JSON.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A name for a file: SHA-256 of the facts, in hexadecimal digits.
    pub fn name(&self) -> String {
        hex(digest::digest(&digest::SHA256, self.text.as_bytes()).as_ref())
    }

    /// Seals a text with the source's secret key, where there is one. Who has another secret under the same
    /// access key ID does not get the session, and a bit that has flipped shows.
    pub(super) fn seal(&self, text: &str) -> String {
        hex(hmac::sign(&self.mac(), text.as_bytes()).as_ref())
    }

    /// Tells calls apart that may fail differently although they would bring the same: another secret key, another
    /// proxy.
    pub(super) fn circumstances(&self) -> String {
        self.seal(&self.network)
    }

    /// Whether a text is sealed so; takes the same time whatever the answer is.
    pub(super) fn is_sealed(&self, text: &str, seal: &str) -> bool {
        let bytes: Option<Vec<u8>> =
            (0..seal.len()).step_by(2).map(|i| u8::from_str_radix(seal.get(i..i + 2)?, 16).ok()).collect();
        bytes.is_some_and(|bytes| hmac::verify(&self.mac(), text.as_bytes(), &bytes).is_ok())
    }

    fn mac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.secret.expose().as_bytes())
    }
}

/// Destructured, as the request is, so that a new setting has to be put on one side or the other.
fn endpoint(sts: &StsSettings) -> Value {
    let StsSettings {
        region,
        endpoint_url,
        use_fips,
        use_dual_stack,
        max_attempts: _,
        adaptive_retries: _,
        network: _,
        operation_limit: _,
    } = sts;
    json!({ "region": region, "url": endpoint_url, "fips": use_fips, "dual_stack": use_dual_stack })
}

/// What is left of the endpoint for what all of its regions take.
fn partition(sts: &StsSettings) -> Value {
    json!({ "partition": Partition::of_region(&sts.region).as_str(), "url": sts.endpoint_url })
}

/// The facts of one hop, by STS's names. What is not given leaves no trace, and an empty list is not nothing.
fn hop(hop: &KeyedHop<'_>) -> Value {
    let KeyedHop { request, session_name } = hop;
    let mut facts = Map::new();
    let mut fields = Vec::new();
    for (name, value) in request.parameters() {
        let fact = match value {
            // The name as it was given counts instead of the one that its template made this time.
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

/// A context assertion is a bearer token of a kind, so its hash stands for it.
fn context(context: &ProvidedContext) -> Value {
    let assertion = digest::digest(&digest::SHA256, context.context_assertion().as_bytes());
    Value::from(vec![context.provider_arn().as_str().to_owned(), hex(assertion.as_ref())])
}
