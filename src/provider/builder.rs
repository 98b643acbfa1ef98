//! The builder behind `base.assume_role(arn)`.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::IdentityCache;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::role_provider::{CodeError, Inner, RoleProvider, TokenCodeCallback};
use super::shared_session::SharedSession;
use crate::arn::RoleArn;
use crate::cache::CredentialCache;
use crate::request::{
    AdditionalParameters, AssumeRoleRequest, ExternalId, InvalidValue, Policy, PolicyArn, ProvidedContext,
    RoleSessionName, SerialNumber, SessionDuration, SourceIdentity, Tag, TagKey, TokenCode,
};

/// Extends SDK configurations with roles.
pub trait AssumeRoleExt {
    /// Starts to build a role. STS is not called before credentials are used for the first time.
    fn assume_role(&self, role_arn: RoleArn) -> AssumeRoleBuilder;
}

impl AssumeRoleExt for SdkConfig {
    fn assume_role(&self, role_arn: RoleArn) -> AssumeRoleBuilder {
        AssumeRoleBuilder::new(self, role_arn)
    }
}

/// A parameter that is missing, or that STS would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidParameter {
    /// The name that STS has for the parameter.
    pub parameter: &'static str,
    /// What is wrong with it, phrased to follow its name.
    pub reason: String,
}

impl fmt::Display for InvalidParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.parameter, self.reason)
    }
}

impl std::error::Error for InvalidParameter {}

/// The region of the role's clients.
#[derive(Debug, Clone)]
enum ChildRegion {
    Inherited,
    Explicit(Region),
    None,
}

/// A role, and how to assume it. [`AssumeRoleExt::assume_role`] creates it.
///
/// Parameters are passed as their own types or as text. [`AssumeRoleBuilder::into_config`] reports what STS would
/// refuse, before any call. Names and limits are those of
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
///
/// ```
/// # use aws_types::{SdkConfig, region::Region};
/// # use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
/// # let base = SdkConfig::builder().region(Region::new("eu-west-1"))
/// #     .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests())).build();
/// use std::time::Duration;
/// use arl::AssumeRoleExt;
///
/// let deploy = base
///     .assume_role("arn:aws:iam::123456789012:role/Deploy".parse()?)
///     .role_session_name("release-4711")
///     .duration(Duration::from_secs(2 * 3600))
///     .policy(serde_json::json!({ "Version": "2012-10-17", "Statement": [] }))
///     .tag("Team", "web")
///     .into_config()?;
/// assert_eq!(deploy.region(), base.region());
///
/// let error = base
///     .assume_role("arn:aws:iam::123456789012:role/Deploy".parse()?)
///     .role_session_name("no blanks please")
///     .into_config()
///     .expect_err("STS would refuse it");
/// assert_eq!(error.parameter, "RoleSessionName");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is assumed before `into_config` or `into_provider`"]
pub struct AssumeRoleBuilder {
    parent: SdkConfig,
    region: ChildRegion,
    request: AssumeRoleRequest,
    has_session_name: bool,
    /// Whether the source identity is not used as the session name.
    ignore_source_identity: bool,
    code_callback: Option<Arc<TokenCodeCallback>>,
    cache: Option<Arc<dyn CredentialCache>>,
    /// The first error.
    first_error: Option<InvalidParameter>,
}

impl fmt::Debug for AssumeRoleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRoleBuilder").field("request", &self.request).finish_non_exhaustive()
    }
}

impl AssumeRoleBuilder {
    fn new(parent: &SdkConfig, role_arn: RoleArn) -> Self {
        let now = parent.time_source().unwrap_or_default().now();
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let name = RoleSessionName::sanitized(&format!("arl-session-{seconds}"));
        Self {
            parent: parent.clone(),
            region: ChildRegion::Inherited,
            request: AssumeRoleRequest::new(role_arn, name),
            has_session_name: false,
            ignore_source_identity: false,
            code_callback: None,
            cache: None,
            first_error: None,
        }
    }

    /// Sets the session name, which appears in audit logs. It defaults to the source identity, else to a
    /// generated name that stays the same over all renewals.
    pub fn role_session_name(
        mut self,
        name: impl TryInto<RoleSessionName, Error: Into<InvalidValue>>,
    ) -> Self {
        if let Some(name) = self.convert("RoleSessionName", name) {
            self.request.role_session_name = name;
            self.has_session_name = true;
        }
        self
    }

    /// Uses a generated session name even if there is a source identity, which would otherwise be the session
    /// name.
    pub fn automatic_role_session_name(mut self) -> Self {
        self.ignore_source_identity = true;
        self
    }

    /// Sets how long each session lasts, in whole seconds: 15 minutes to 12 hours. STS defaults to one hour.
    /// A longer duration is lowered to one hour if the parent has temporary credentials.
    pub fn duration(mut self, duration: Duration) -> Self {
        match SessionDuration::try_from(duration) {
            Ok(duration) => self.request.duration_seconds = Some(duration),
            Err(error) => self.record_error("DurationSeconds", &error),
        }
        self
    }

    /// Sets a policy that limits the session: JSON, as text or as a value.
    pub fn policy(mut self, policy: impl TryInto<Policy, Error: Into<InvalidValue>>) -> Self {
        self.request.policy = self.convert("Policy", policy).or(self.request.policy);
        self
    }

    /// Adds a managed policy that limits the session.
    pub fn policy_arn(mut self, arn: impl TryInto<PolicyArn, Error: Into<InvalidValue>>) -> Self {
        let arn = self.convert("PolicyArns", arn);
        self.request.policy_arns.get_or_insert_default().extend(arn);
        self
    }

    /// Adds a session tag.
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        match Tag::new(key, value) {
            Ok(tag) => self.request.tags.get_or_insert_default().push(tag),
            Err(error) => self.record_error("Tags", &error),
        }
        self
    }

    /// Adds the key of a tag that chained sessions inherit.
    pub fn transitive_tag_key(mut self, key: impl TryInto<TagKey, Error: Into<InvalidValue>>) -> Self {
        let key = self.convert("TransitiveTagKeys", key);
        self.request.transitive_tag_keys.get_or_insert_default().extend(key);
        self
    }

    /// Sets the external ID that the role's trust policy requires.
    pub fn external_id(mut self, id: impl TryInto<ExternalId, Error: Into<InvalidValue>>) -> Self {
        self.request.external_id = self.convert("ExternalId", id).or(self.request.external_id);
        self
    }

    /// Sets the MFA device.
    pub fn serial_number(mut self, serial: impl TryInto<SerialNumber, Error: Into<InvalidValue>>) -> Self {
        self.request.serial_number = self.convert("SerialNumber", serial).or(self.request.serial_number);
        self
    }

    /// Sets the current code of the MFA device. It works for the first session only: see
    /// [`AssumeRoleBuilder::token_codes`].
    pub fn token_code(mut self, code: impl TryInto<TokenCode, Error: Into<InvalidValue>>) -> Self {
        self.request.token_code = self.convert("TokenCode", code).or(self.request.token_code);
        self
    }

    /// Sets a function that returns a code of the MFA device. It is called for every new session.
    pub fn token_codes<F, Code>(mut self, codes: F) -> Self
    where
        F: Fn(SerialNumber) -> Code + Send + Sync + 'static,
        Code: Future<Output = Result<TokenCode, CodeError>> + Send + 'static,
    {
        self.code_callback = Some(Arc::new(move |serial| Box::pin(codes(serial))));
        self
    }

    /// Sets the source identity. It is also the session name, unless another one is set.
    pub fn source_identity(
        mut self,
        identity: impl TryInto<SourceIdentity, Error: Into<InvalidValue>>,
    ) -> Self {
        self.request.source_identity =
            self.convert("SourceIdentity", identity).or(self.request.source_identity);
        self
    }

    /// Adds a context assertion of a trusted provider.
    pub fn provided_context(mut self, provider_arn: &str, context_assertion: &str) -> Self {
        match ProvidedContext::new(provider_arn, context_assertion) {
            Ok(context) => self.request.provided_contexts.get_or_insert_default().push(context),
            Err(error) => self.record_error("ProvidedContexts", &error),
        }
        self
    }

    /// Sets parameters that this library does not know, as a JSON object.
    pub fn additional_parameters(
        mut self,
        parameters: impl TryInto<AdditionalParameters, Error: Into<InvalidValue>>,
    ) -> Self {
        let parameters = self.convert("AdditionalParameters", parameters);
        self.request.additional_parameters = parameters.unwrap_or(self.request.additional_parameters);
        self
    }

    /// Sets the region of the role's clients. It defaults to the parent's region. STS is called in the
    /// parent's region either way.
    pub fn region(mut self, region: impl Into<Option<Region>>) -> Self {
        self.region = region.into().map_or(ChildRegion::None, ChildRegion::Explicit);
        self
    }

    /// Sets a cache for sessions. Sessions that differ in the parent's credentials, the endpoint or the
    /// request are never mixed up.
    pub fn cache(mut self, cache: impl CredentialCache + 'static) -> Self {
        self.cache = Some(Arc::new(cache));
        self
    }

    /// Returns the parent's configuration with the role's credentials, which renew themselves.
    ///
    /// It switches off the SDK's own identity cache, which would renew only some seconds before the
    /// expiration, and would drop valid credentials if that fails.
    ///
    /// # Errors
    /// STS would refuse a parameter, or the parent has no credentials.
    pub fn into_config(self) -> Result<SdkConfig, InvalidParameter> {
        let mut builder = self.parent.to_builder();
        let region = match &self.region {
            ChildRegion::Inherited => self.parent.region().cloned(),
            ChildRegion::Explicit(region) => Some(region.clone()),
            ChildRegion::None => None,
        };
        builder.set_region(region);
        let provider = self.into_provider()?;
        builder.set_credentials_provider(Some(SharedCredentialsProvider::new(provider)));
        builder.set_identity_cache(Some(IdentityCache::no_cache()));
        Ok(builder.build())
    }

    /// Returns only the credentials provider of the role. A configuration that uses it should switch off the
    /// SDK's identity cache, which would ask for new credentials only some seconds before the expiration:
    ///
    /// ```
    /// # use arl::AssumeRoleExt;
    /// # use aws_sdk_sts::config::{IdentityCache, SharedCredentialsProvider};
    /// # use aws_types::SdkConfig;
    /// # fn config(base: &SdkConfig, role: arl::RoleArn) -> Result<SdkConfig, arl::InvalidParameter> {
    /// let provider = base.assume_role(role).into_provider()?;
    /// let config = aws_types::SdkConfig::builder()
    ///     .credentials_provider(SharedCredentialsProvider::new(provider))
    ///     .identity_cache(IdentityCache::no_cache())
    ///     .build();
    /// # Ok(config)
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`AssumeRoleBuilder::into_config`].
    pub fn into_provider(self) -> Result<RoleProvider, InvalidParameter> {
        let Self {
            parent,
            region: _,
            mut request,
            has_session_name,
            ignore_source_identity,
            code_callback,
            cache,
            first_error,
        } = self;
        if let Some(error) = first_error {
            return Err(error);
        }
        request
            .check_lists()
            .map_err(|(parameter, error)| InvalidParameter { parameter, reason: error.to_string() })?;
        if parent.credentials_provider().is_none() {
            let reason = "are missing in the configuration that the role is to be assumed with".to_owned();
            return Err(InvalidParameter { parameter: "Credentials", reason });
        }
        if let (false, Some(identity)) =
            (has_session_name || ignore_source_identity, &request.source_identity)
        {
            request.role_session_name = RoleSessionName::sanitized(identity.as_str());
        }
        let clock = parent.time_source().unwrap_or_default();
        let session = SharedSession::default();
        Ok(RoleProvider(Arc::new(Inner {
            parent,
            request,
            has_session_name,
            code_callback,
            cache,
            clock,
            session,
        })))
    }

    fn convert<T>(
        &mut self,
        parameter: &'static str,
        value: impl TryInto<T, Error: Into<InvalidValue>>,
    ) -> Option<T> {
        match value.try_into() {
            Ok(value) => Some(value),
            Err(error) => {
                self.record_error(parameter, &error.into());
                None
            }
        }
    }

    fn record_error(&mut self, parameter: &'static str, error: &InvalidValue) {
        self.first_error.get_or_insert(InvalidParameter { parameter, reason: error.to_string() });
    }
}

/// Lets parameters be passed as their own types, which cannot be invalid.
impl From<Infallible> for InvalidValue {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
