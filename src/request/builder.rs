//! Builds a request from values and text, and remembers the first error.

use super::additional::AdditionalParameters;
use super::assume_role_request::AssumeRoleRequest;
use super::contexts::ProvidedContext;
use super::duration::SessionDuration;
use super::identifiers::{ExternalId, PolicyArn, SerialNumber, SourceIdentity, TokenCode};
use super::policy::Policy;
use super::tags::{Tag, TagKey};
use crate::arn::{RoleArn, RoleSessionName};
use crate::error::Error;

/// Builds an [`AssumeRoleRequest`]. [`AssumeRoleRequest::builder`] creates it.
///
/// ```
/// use arl::request::AssumeRoleRequest;
///
/// let request = AssumeRoleRequest::builder("arn:aws:iam::123456789012:role/Deploy", "release")
///     .external_id("customer-17")
///     .build()?;
/// assert_eq!(request.role_arn.role_name(), "Deploy");
/// # Ok::<(), arl::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "it creates no request before `build`"]
pub struct AssumeRoleRequestBuilder {
    /// The request so far, or the first error.
    state: Result<AssumeRoleRequest, Error>,
}

impl AssumeRoleRequest {
    /// Starts to build a request.
    pub fn builder(
        role_arn: impl TryInto<RoleArn, Error: Into<Error>>,
        role_session_name: impl TryInto<RoleSessionName, Error: Into<Error>>,
    ) -> AssumeRoleRequestBuilder {
        let role_arn = convert("RoleArn", role_arn);
        let name = convert("RoleSessionName", role_session_name);
        let state = role_arn.and_then(|role_arn| Ok(AssumeRoleRequest::new(role_arn, name?)));
        AssumeRoleRequestBuilder { state }
    }
}

impl From<AssumeRoleRequest> for AssumeRoleRequestBuilder {
    fn from(request: AssumeRoleRequest) -> Self {
        Self { state: Ok(request) }
    }
}

impl AssumeRoleRequestBuilder {
    /// Returns the request.
    ///
    /// # Errors
    /// STS would refuse a parameter.
    pub fn build(self) -> Result<AssumeRoleRequest, Error> {
        let request = self.state?;
        request.check()?;
        Ok(request)
    }

    /// Sets the session name, which appears in audit logs.
    pub fn role_session_name(self, name: impl TryInto<RoleSessionName, Error: Into<Error>>) -> Self {
        self.set("RoleSessionName", name, |request, name| request.role_session_name = name)
    }

    /// Sets how long the session lasts, in whole seconds: 15 minutes to 12 hours. STS defaults to one hour.
    pub fn duration(self, duration: impl TryInto<SessionDuration, Error: Into<Error>>) -> Self {
        self.set("DurationSeconds", duration, |request, duration| request.duration_seconds = Some(duration))
    }

    /// Sets a policy that limits the session: JSON, as text or as a value.
    pub fn policy(self, policy: impl TryInto<Policy, Error: Into<Error>>) -> Self {
        self.set("Policy", policy, |request, policy| request.policy = Some(policy))
    }

    /// Adds a managed policy that limits the session.
    pub fn policy_arn(self, arn: impl TryInto<PolicyArn, Error: Into<Error>>) -> Self {
        self.policy_arns([arn])
    }

    /// Adds managed policies that limit the session.
    pub fn policy_arns(self, arns: impl IntoIterator<Item: TryInto<PolicyArn, Error: Into<Error>>>) -> Self {
        self.extend("PolicyArns", arns, |request| request.policy_arns.get_or_insert_default())
    }

    /// Adds a session tag.
    pub fn tag(self, key: &str, value: &str) -> Self {
        self.tags([(key, value)])
    }

    /// Adds session tags: [`Tag`]s, or pairs of a key and a value.
    pub fn tags(self, tags: impl IntoIterator<Item: TryInto<Tag, Error: Into<Error>>>) -> Self {
        self.extend("Tags", tags, |request| request.tags.get_or_insert_default())
    }

    /// Adds the key of a tag that chained sessions inherit.
    pub fn transitive_tag_key(self, key: impl TryInto<TagKey, Error: Into<Error>>) -> Self {
        self.transitive_tag_keys([key])
    }

    /// Adds the keys of tags that chained sessions inherit.
    pub fn transitive_tag_keys(
        self,
        keys: impl IntoIterator<Item: TryInto<TagKey, Error: Into<Error>>>,
    ) -> Self {
        self.extend("TransitiveTagKeys", keys, |request| request.transitive_tag_keys.get_or_insert_default())
    }

    /// Sets the external ID that the role's trust policy requires.
    pub fn external_id(self, id: impl TryInto<ExternalId, Error: Into<Error>>) -> Self {
        self.set("ExternalId", id, |request, id| request.external_id = Some(id))
    }

    /// Sets the MFA device.
    pub fn serial_number(self, serial: impl TryInto<SerialNumber, Error: Into<Error>>) -> Self {
        self.set("SerialNumber", serial, |request, serial| request.serial_number = Some(serial))
    }

    /// Sets the current code of the MFA device.
    pub fn token_code(self, code: impl TryInto<TokenCode, Error: Into<Error>>) -> Self {
        self.set("TokenCode", code, |request, code| request.token_code = Some(code))
    }

    /// Sets the source identity: the person or program that the session acts for.
    pub fn source_identity(self, identity: impl TryInto<SourceIdentity, Error: Into<Error>>) -> Self {
        self.set("SourceIdentity", identity, |request, identity| request.source_identity = Some(identity))
    }

    /// Adds a context assertion of a trusted provider.
    pub fn provided_context(self, provider_arn: &str, context_assertion: &str) -> Self {
        self.provided_contexts([(provider_arn, context_assertion)])
    }

    /// Adds context assertions of trusted providers: [`ProvidedContext`]s, or pairs of a provider's ARN and
    /// an assertion.
    pub fn provided_contexts(
        self,
        contexts: impl IntoIterator<Item: TryInto<ProvidedContext, Error: Into<Error>>>,
    ) -> Self {
        self.extend("ProvidedContexts", contexts, |request| request.provided_contexts.get_or_insert_default())
    }

    /// Sets parameters that this library does not know, as a JSON object.
    pub fn additional_parameters(
        self,
        parameters: impl TryInto<AdditionalParameters, Error: Into<Error>>,
    ) -> Self {
        self.set("AdditionalParameters", parameters, |request, parameters| {
            request.additional_parameters = parameters;
        })
    }

    /// Calls a setter if there is a value.
    ///
    /// ```
    /// # use arl::request::{AssumeRoleRequest, AssumeRoleRequestBuilder};
    /// # let external_id: Option<String> = None;
    /// let request = AssumeRoleRequest::builder("arn:aws:iam::123456789012:role/Deploy", "release")
    ///     .maybe(external_id, AssumeRoleRequestBuilder::external_id)
    ///     .build()?;
    /// # Ok::<(), arl::Error>(())
    /// ```
    pub fn maybe<T>(self, value: Option<T>, set: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => set(self, value),
            None => self,
        }
    }

    fn set<T>(
        self,
        parameter: &str,
        value: impl TryInto<T, Error: Into<Error>>,
        set: impl FnOnce(&mut AssumeRoleRequest, T),
    ) -> Self {
        let state = self.state.and_then(|mut request| {
            set(&mut request, convert(parameter, value)?);
            Ok(request)
        });
        Self { state }
    }

    fn extend<T, V>(
        self,
        parameter: &str,
        values: impl IntoIterator<Item = V>,
        list: impl FnOnce(&mut AssumeRoleRequest) -> &mut Vec<T>,
    ) -> Self
    where
        V: TryInto<T, Error: Into<Error>>,
    {
        let state = self.state.and_then(|mut request| {
            let list = list(&mut request);
            for value in values {
                list.push(convert(parameter, value)?);
            }
            Ok(request)
        });
        Self { state }
    }
}

/// Converts a value. The error begins with the name of the parameter.
pub(crate) fn convert<T>(parameter: &str, value: impl TryInto<T, Error: Into<Error>>) -> Result<T, Error> {
    value.try_into().map_err(|error| error.into().of_parameter(parameter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> AssumeRoleRequestBuilder {
        AssumeRoleRequest::builder("arn:aws:iam::123456789012:role/R", "session")
    }

    #[test]
    fn lists_accept_iterators_of_text_and_of_values() {
        let request = builder()
            .tags([("Team", "web"), ("Note", "")])
            .tags([Tag::new("Stage", "test").expect("a tag")])
            .tags([("Owner".to_owned(), "ann".to_owned())])
            .policy_arns(vec!["arn:aws:iam::aws:policy/A".to_owned()])
            .policy_arns(["arn:aws:iam::aws:policy/B"])
            .transitive_tag_keys(["Team"])
            .provided_contexts([("arn:aws:iam::aws:contextProvider/I", "secret")])
            .duration(std::time::Duration::from_secs(900))
            .duration(SessionDuration::MAX)
            .maybe(Some("x-ternal"), AssumeRoleRequestBuilder::external_id)
            .maybe(None::<&str>, AssumeRoleRequestBuilder::external_id)
            .build()
            .expect("a request");
        assert_eq!(request.tags.as_ref().map(Vec::len), Some(4));
        assert_eq!(request.policy_arns.as_ref().map(Vec::len), Some(2));
        assert_eq!(request.duration_seconds, Some(SessionDuration::MAX));
        assert_eq!(request.external_id.expect("the external ID").as_str(), "x-ternal");
    }

    #[test]
    fn known_parameters_are_refused_as_additional_ones() {
        for (parameters, name) in
            [(r#"{"RoleArn":"x"}"#, "RoleArn"), (r#"{"New":1,"tokencode":"123456"}"#, "TokenCode")]
        {
            let error = builder().additional_parameters(parameters).build().expect_err(parameters);
            assert!(error.is_invalid_parameter());
            assert!(error.to_string().starts_with("AdditionalParameters"), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
        assert!(builder().additional_parameters(r#"{"New":1}"#).build().is_ok());
    }

    #[test]
    fn the_first_error_is_reported() {
        let error = builder().source_identity("?").external_id("x").build().expect_err("two errors");
        assert!(error.to_string().starts_with("SourceIdentity "), "{error}");
    }
}
