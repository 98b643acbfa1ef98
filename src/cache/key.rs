//! Everything that decides an answer.

use ring::{digest, hmac};
use serde_json::{Map, Value, json};

use super::source_key::SourceKey;
use crate::arn::Partition;
use crate::encoding::hex;
use crate::request::AssumeRoleRequest;
use crate::secret::Secret;
use crate::sts::StsSettings;

/// The layout of entries. A program that knows another one looks in other places and finds nothing.
const SCHEMA: u32 = 1;

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

fn hop(hop: &KeyedHop<'_>) -> Value {
    let KeyedHop { request, session_name } = hop;
    let AssumeRoleRequest {
        role_arn,
        role_session_name: _,
        duration_seconds,
        policy,
        policy_arns,
        tags,
        transitive_tag_keys,
        external_id,
        serial_number,
        token_code: _,
        source_identity,
        provided_contexts,
        additional_parameters,
    } = request;
    let mut object = Map::new();
    // What is not given leaves no trace, and an empty list is not nothing.
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            object.insert(name.to_owned(), value);
        }
    };
    let text = |value: String| Value::String(value);
    set("role_arn", Some(text(role_arn.to_string())));
    set("role_session_name", session_name.map(|name| text(name.to_owned())));
    set("duration_seconds", duration_seconds.map(|duration| duration.as_secs().into()));
    set("policy", policy.as_ref().map(|policy| text(policy.as_str().to_owned())));
    set("policy_arns", policy_arns.as_ref().map(|arns| arns.iter().map(|arn| arn.as_str()).collect()));
    set(
        "tags",
        tags.as_ref()
            .map(|tags| tags.iter().map(|tag| Value::from(vec![tag.key().as_str(), tag.value()])).collect()),
    );
    set(
        "transitive_tag_keys",
        transitive_tag_keys.as_ref().map(|keys| keys.iter().map(|key| key.as_str()).collect()),
    );
    set("external_id", external_id.as_ref().map(|id| text(id.to_string())));
    set("serial_number", serial_number.as_ref().map(|serial| text(serial.to_string())));
    set("source_identity", source_identity.as_ref().map(|identity| text(identity.to_string())));
    set(
        "provided_contexts",
        provided_contexts.as_ref().map(|contexts| {
            contexts
                .iter()
                .map(|context| {
                    // An assertion is a bearer token of a kind; its hash tells it from others.
                    let assertion = digest::digest(&digest::SHA256, context.context_assertion().as_bytes());
                    Value::from(vec![context.provider_arn().as_str().to_owned(), hex(assertion.as_ref())])
                })
                .collect()
        }),
    );
    let fields = additional_parameters.form_fields();
    if !fields.is_empty() {
        let fields = fields.into_iter().map(|(name, value)| Value::from(vec![name, value]));
        set("additional_parameters", Some(fields.collect()));
    }
    Value::Object(object)
}
