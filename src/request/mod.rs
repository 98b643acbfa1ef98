//! One AssumeRole request, every part of it checked.

mod additional;
mod duration;
mod json;
mod lists;
mod policy;
mod text;

pub use additional::AdditionalParameters;
pub use duration::SessionDuration;
pub use lists::{
    ProvidedContext, Tag, TagKey, parse_policy_arns, parse_provided_contexts, parse_tag_keys, parse_tags,
};
pub use policy::Policy;
pub(crate) use text::is_name_char;
pub use text::{ExternalId, InvalidValue, PolicyArn, SerialNumber, SourceIdentity, TokenCode};

use crate::arn::RoleArn;
use crate::session_name::RoleSessionName;

/// So that texts can be given where a parameter is expected.
macro_rules! from_text {
    ($($parameter:ty),+) => {$(
        impl TryFrom<&str> for $parameter {
            type Error = InvalidValue;

            fn try_from(text: &str) -> Result<Self, InvalidValue> {
                text.parse()
            }
        }

        impl TryFrom<String> for $parameter {
            type Error = InvalidValue;

            fn try_from(text: String) -> Result<Self, InvalidValue> {
                text.parse()
            }
        }
    )+};
}

from_text!(
    AdditionalParameters,
    ExternalId,
    Policy,
    PolicyArn,
    RoleSessionName,
    SerialNumber,
    SourceIdentity,
    TagKey,
    TokenCode
);

/// AWS documents these two only in prose, so beyond them arl warns and lets STS decide.
const POLICY_PROSE_LIMIT: usize = 2048;
const POLICY_ARNS_PROSE_LIMIT: usize = 10;

/// What AssumeRole takes. Field names are STS's.
///
/// `None` and an empty list differ: STS is sent the empty list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRoleRequest {
    /// The role.
    pub role_arn: RoleArn,
    /// The session's name in audit logs.
    pub role_session_name: RoleSessionName,
    /// How long the session is to last; STS's default is one hour.
    pub duration_seconds: Option<SessionDuration>,
    /// An inline policy that limits the session.
    pub policy: Option<Policy>,
    /// Managed policies, of the role's account, that limit the session.
    pub policy_arns: Option<Vec<PolicyArn>>,
    /// Session tags.
    pub tags: Option<Vec<Tag>>,
    /// The keys of those tags that a chained session inherits.
    pub transitive_tag_keys: Option<Vec<TagKey>>,
    /// The external ID that the role's trust policy asks for.
    pub external_id: Option<ExternalId>,
    /// The MFA device.
    pub serial_number: Option<SerialNumber>,
    /// The MFA device's current code.
    pub token_code: Option<TokenCode>,
    /// Who is behind the session.
    pub source_identity: Option<SourceIdentity>,
    /// Context assertions of trusted providers.
    pub provided_contexts: Option<Vec<ProvidedContext>>,
    /// What STS knows and this program does not.
    pub additional_parameters: AdditionalParameters,
}

impl AssumeRoleRequest {
    /// A request with nothing but what STS insists on.
    pub fn new(role_arn: RoleArn, role_session_name: RoleSessionName) -> Self {
        Self {
            role_arn,
            role_session_name,
            duration_seconds: None,
            policy: None,
            policy_arns: None,
            tags: None,
            transitive_tag_keys: None,
            external_id: None,
            serial_number: None,
            token_code: None,
            source_identity: None,
            provided_contexts: None,
            additional_parameters: AdditionalParameters::default(),
        }
    }

    /// Checks what concerns a list as a whole: its length, and that no tag is given twice.
    ///
    /// # Errors
    /// The STS name of the parameter, and its fault.
    pub fn check_lists(&self) -> Result<(), (&'static str, InvalidValue)> {
        let named = |name| move |error| (name, error);
        lists::check_tags(self.tags.as_deref().unwrap_or_default()).map_err(named("Tags"))?;
        lists::check_tag_keys(self.transitive_tag_keys.as_deref().unwrap_or_default())
            .map_err(named("TransitiveTagKeys"))?;
        lists::check_contexts(self.provided_contexts.as_deref().unwrap_or_default())
            .map_err(named("ProvidedContexts"))
    }

    /// What STS will probably refuse although its model allows it, in words.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let policy_length = self.policy.as_ref().map_or(0, |policy| policy.as_str().chars().count());
        if policy_length > POLICY_PROSE_LIMIT {
            warnings.push(format!(
                "the session policy has {policy_length} characters; AWS documents at most {POLICY_PROSE_LIMIT}"
            ));
        }
        let policies = self.policy_arns.as_ref().map_or(0, Vec::len);
        if policies > POLICY_ARNS_PROSE_LIMIT {
            warnings.push(format!(
                "{policies} policy ARNs are given; AWS documents at most {POLICY_ARNS_PROSE_LIMIT}"
            ));
        }
        warnings
    }
}
