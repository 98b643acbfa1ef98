//! Identifies the credentials that a call starts from.

use serde_json::{Value, json};

use crate::credentials::Credentials;
use crate::secret::Secret;

/// The facts about a source that decide whose credentials it returns.
#[derive(Debug, Clone)]
pub struct SourceKey {
    pub(super) facts: Value,
    pub(super) secret: Secret,
    /// Whether the credentials do not depend on the region that issued them.
    pub(super) is_region_independent: bool,
}

impl SourceKey {
    /// Describes long-term or temporary keys.
    pub fn from_keys(keys: &Credentials) -> Self {
        let secret = Secret::new(format!(
            "{}\n{}",
            keys.secret_access_key().expose(),
            keys.session_token().map_or("", Secret::expose)
        ));
        Self { facts: json!({ "access_key_id": keys.access_key_id() }), secret, is_region_independent: false }
    }

    /// Returns the access key ID of the source, if it is known without asking the source.
    pub fn access_key_id(&self) -> Option<&str> {
        self.facts.get("access_key_id")?.as_str()
    }

    pub(super) fn is_region_independent(&self) -> bool {
        self.is_region_independent
    }

    pub(super) fn facts(&self) -> &Value {
        &self.facts
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }
}
