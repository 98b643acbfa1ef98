//! One AssumeRole request, every part of it checked.

mod additional;
mod contexts;
mod duration;
mod identifiers;
mod lambda;
mod policy;
mod session_name;
mod strict_json;
mod tags;
mod value;

pub use additional::AdditionalParameters;
pub use contexts::{ProvidedContext, parse_provided_contexts};
pub use duration::SessionDuration;
pub use identifiers::{ExternalId, PolicyArn, SerialNumber, SourceIdentity, TokenCode};
pub use lambda::LambdaFunction;
pub use policy::{Policy, parse_policy_arns};
pub use session_name::{AssumedRoleSessionArn, RoleSessionName, SessionNameTemplate, SessionNameValues};
pub use tags::{Tag, TagKey, parse_tag_keys, parse_tags};
pub use value::InvalidValue;

use crate::arn::RoleArn;

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
        tags::check_tags(self.tags.as_deref().unwrap_or_default()).map_err(named("Tags"))?;
        tags::check_tag_keys(self.transitive_tag_keys.as_deref().unwrap_or_default())
            .map_err(named("TransitiveTagKeys"))?;
        contexts::check_contexts(self.provided_contexts.as_deref().unwrap_or_default())
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
