//! One AssumeRole request.

use std::borrow::Cow;

use super::additional::AdditionalParameters;
use super::contexts::{self, ProvidedContext};
use super::duration::SessionDuration;
use super::identifiers::{ExternalId, PolicyArn, SerialNumber, SourceIdentity, TokenCode};
use super::parameter::ParameterValue;
use super::policy::Policy;
use super::tags::{self, Tag, TagKey};
use crate::arn::{RoleArn, RoleSessionName};
use crate::error::Error;

/// AWS documents these two limits only in prose. Above them arl warns and lets STS decide.
const DOCUMENTED_POLICY_LIMIT: usize = 2048;
const DOCUMENTED_POLICY_ARNS_LIMIT: usize = 10;

/// The name that [`AssumeRoleRequest::parameters`] uses for parameters that arl does not know.
const ADDITIONAL_PARAMETERS: &str = "AdditionalParameters";

/// The parameters of AssumeRole. The fields have the names that STS uses.
///
/// `None` and an empty list differ: STS is sent the empty list.
///
/// A later version may add fields, so a program creates a request with [`AssumeRoleRequest::new`] or
/// [`AssumeRoleRequest::builder`].
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRoleRequest {
    /// The role to assume.
    pub role_arn: RoleArn,
    /// The session name, which appears in audit logs.
    pub role_session_name: RoleSessionName,
    /// How long the session lasts. STS defaults to one hour.
    pub duration_seconds: Option<SessionDuration>,
    /// An inline policy that limits the session.
    pub policy: Option<Policy>,
    /// Managed policies, from the role's account, that limit the session.
    pub policy_arns: Option<Vec<PolicyArn>>,
    /// Session tags.
    pub tags: Option<Vec<Tag>>,
    /// The keys of the tags that a chained session inherits.
    pub transitive_tag_keys: Option<Vec<TagKey>>,
    /// The external ID that the role's trust policy requires.
    pub external_id: Option<ExternalId>,
    /// The MFA device.
    pub serial_number: Option<SerialNumber>,
    /// The current code of the MFA device.
    pub token_code: Option<TokenCode>,
    /// The person or program that the session acts for.
    pub source_identity: Option<SourceIdentity>,
    /// Context assertions of trusted providers.
    pub provided_contexts: Option<Vec<ProvidedContext>>,
    /// Parameters that STS knows and arl does not.
    pub additional_parameters: AdditionalParameters,
}

impl AssumeRoleRequest {
    /// The parameters that arl knows, with the names and in the order that STS uses.
    #[doc(hidden)]
    pub const PARAMETERS: [&'static str; 12] = [
        "RoleArn",
        "RoleSessionName",
        "DurationSeconds",
        "Policy",
        "PolicyArns",
        "Tags",
        "TransitiveTagKeys",
        "ExternalId",
        "SerialNumber",
        "TokenCode",
        "SourceIdentity",
        "ProvidedContexts",
    ];

    /// Creates a request with only the parameters that STS requires.
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

    /// Checks each list as a whole: its length, and that no tag is given twice.
    ///
    /// # Errors
    /// The STS name of the parameter, and what is wrong with it.
    #[doc(hidden)]
    pub fn check_lists(&self) -> Result<(), (&'static str, Error)> {
        let with_name = |name| move |error| (name, error);
        tags::check_tags(self.tags.as_deref().unwrap_or_default()).map_err(with_name("Tags"))?;
        tags::check_tag_keys(self.transitive_tag_keys.as_deref().unwrap_or_default())
            .map_err(with_name("TransitiveTagKeys"))?;
        contexts::check_contexts(self.provided_contexts.as_deref().unwrap_or_default())
            .map_err(with_name("ProvidedContexts"))
    }

    /// Checks everything that the types of the parameters do not check by themselves.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.check_lists().map_err(|(parameter, error)| error.of_parameter(parameter))?;
        let known = |name: &str| Self::PARAMETERS.into_iter().find(|known| known.eq_ignore_ascii_case(name));
        match self.additional_parameters.names().find_map(known) {
            Some(name) => Err(Error::invalid(format!(
                "AdditionalParameters contains {name}, which has a setting of its own"
            ))),
            None => Ok(()),
        }
    }

    /// Returns warnings about values that STS probably refuses although its model allows them.
    #[doc(hidden)]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let policy_length = self.policy.as_ref().map_or(0, |policy| policy.as_str().chars().count());
        if policy_length > DOCUMENTED_POLICY_LIMIT {
            warnings.push(format!(
                "the session policy has {policy_length} characters; AWS documents at most {DOCUMENTED_POLICY_LIMIT}"
            ));
        }
        let policies = self.policy_arns.as_ref().map_or(0, Vec::len);
        if policies > DOCUMENTED_POLICY_ARNS_LIMIT {
            warnings.push(format!(
                "{policies} policy ARNs are given; AWS documents at most {DOCUMENTED_POLICY_ARNS_LIMIT}"
            ));
        }
        warnings
    }

    /// Returns every parameter that is set, with the name and in the order that STS uses. Each form field of
    /// [`AdditionalParameters`] is a separate item named `AdditionalParameters`.
    ///
    /// It destructures the request, so a new field that is missing here is a compile error.
    #[doc(hidden)]
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, ParameterValue<'_>)> {
        let Self {
            role_arn,
            role_session_name,
            duration_seconds,
            policy,
            policy_arns,
            tags,
            transitive_tag_keys,
            external_id,
            serial_number,
            token_code,
            source_identity,
            provided_contexts,
            additional_parameters,
        } = self;
        let text = |text| Some(ParameterValue::Text(Cow::Borrowed(text)));
        let values = [
            Some(ParameterValue::Text(role_arn.to_string().into())),
            text(role_session_name.as_str()),
            duration_seconds.map(ParameterValue::Duration),
            policy.as_ref().and_then(|policy| text(policy.as_str())),
            policy_arns.as_deref().map(ParameterValue::PolicyArns),
            tags.as_deref().map(ParameterValue::Tags),
            transitive_tag_keys.as_deref().map(ParameterValue::TagKeys),
            external_id.as_ref().and_then(|id| text(id.as_str())),
            serial_number.as_ref().and_then(|serial| text(serial.as_str())),
            token_code.as_ref().map(ParameterValue::TokenCode),
            source_identity.as_ref().and_then(|identity| text(identity.as_str())),
            provided_contexts.as_deref().map(ParameterValue::Contexts),
        ];
        let given = Self::PARAMETERS.into_iter().zip(values);
        let fields = additional_parameters.form_fields().into_iter();
        given
            .filter_map(|(name, value)| Some((name, value?)))
            .chain(fields.map(|(name, value)| (ADDITIONAL_PARAMETERS, ParameterValue::Field { name, value })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_is_listed_under_its_name() {
        let request = AssumeRoleRequest {
            duration_seconds: Some("1h".parse().expect("a duration")),
            policy: Some("{}".parse().expect("a policy")),
            policy_arns: Some(vec![
                "arn:aws:iam::aws:policy/A".parse().expect("an ARN"),
                "arn:aws:iam::aws:policy/B".parse().expect("an ARN"),
            ]),
            tags: Some(vec![Tag::new("Team", "web").expect("a tag"), Tag::new("Note", "").expect("a tag")]),
            transitive_tag_keys: Some(Vec::new()),
            external_id: Some("external".parse().expect("an external ID")),
            serial_number: Some("GAHT12345678".parse().expect("a serial number")),
            token_code: Some("123456".parse().expect("a code")),
            source_identity: Some("ann".parse().expect("a source identity")),
            provided_contexts: ProvidedContext::new("arn:aws:iam::aws:contextProvider/I", "secret")
                .ok()
                .map(|context| vec![context]),
            additional_parameters: r#"{"New":{"a=b":"c"},"Size":1}"#.parse().expect("an object"),
            ..AssumeRoleRequest::new(
                "arn:aws:iam::123456789012:role/R".parse().expect("an ARN"),
                "session".parse().expect("a name"),
            )
        };
        let listed: Vec<String> =
            request.parameters().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(
            listed,
            [
                "RoleArn: arn:aws:iam::123456789012:role/R",
                "RoleSessionName: session",
                "DurationSeconds: 3600",
                "Policy: {}",
                "PolicyArns: arn:aws:iam::aws:policy/A, arn:aws:iam::aws:policy/B",
                "Tags: Team=web, Note=",
                "TransitiveTagKeys: ",
                "ExternalId: external",
                "SerialNumber: GAHT12345678",
                "TokenCode: (given)",
                "SourceIdentity: ann",
                "ProvidedContexts: arn:aws:iam::aws:contextProvider/I",
                "AdditionalParameters: New.a=b=c",
                "AdditionalParameters: Size=1",
            ]
        );
    }
}
