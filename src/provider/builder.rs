//! The builder behind `base.assume_role(arn)`.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::IdentityCache;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::role_provider::{CodeError, Codes, Inner, RoleProvider};
use super::shared_session::Refreshing;
use crate::arn::RoleArn;
use crate::cache::CredentialCache;
use crate::request::{
    AdditionalParameters, AssumeRoleRequest, ExternalId, InvalidValue, Policy, PolicyArn, ProvidedContext,
    RoleSessionName, SerialNumber, SessionDuration, SourceIdentity, Tag, TagKey, TokenCode,
};

/// Extends SDK configurations with roles.
pub trait AssumeRoleExt {
    /// Starts to build a role. STS is not called before credentials are used for the first time.
    fn assume_role(&self, role_arn: RoleArn) -> AssumeRole;
}

impl AssumeRoleExt for SdkConfig {
    fn assume_role(&self, role_arn: RoleArn) -> AssumeRole {
        AssumeRole::new(self, role_arn)
    }
}

/// A parameter that is missing, or that STS would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidParameter {
    /// The name that STS has for the parameter.
    pub parameter: &'static str,
    /// What is wrong with it, phrased to follow its name.
    pub fault: String,
}

impl fmt::Display for InvalidParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.parameter, self.fault)
    }
}

impl std::error::Error for InvalidParameter {}

/// The region of the role's clients.
#[derive(Debug, Clone)]
enum ChildRegion {
    OfParent,
    Given(Region),
    None,
}

/// A role, and how to assume it. [`AssumeRoleExt::assume_role`] creates it.
///
/// Parameters are passed as their own types or as text. [`AssumeRole::into_config`] reports what STS would
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
pub struct AssumeRole {
    parent: SdkConfig,
    region: ChildRegion,
    request: AssumeRoleRequest,
    is_named: bool,
    /// Whether the source identity is not used as the session name.
    is_automatic: bool,
    codes: Option<Arc<Codes>>,
    cache: Option<Arc<dyn CredentialCache>>,
    /// The first error.
    fault: Option<InvalidParameter>,
}

impl fmt::Debug for AssumeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRole").field("request", &self.request).finish_non_exhaustive()
    }
}

impl AssumeRole {
    fn new(parent: &SdkConfig, role_arn: RoleArn) -> Self {
        let now = parent.time_source().unwrap_or_default().now();
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let name = RoleSessionName::made_up(&format!("arl-session-{seconds}"));
        Self {
            parent: parent.clone(),
            region: ChildRegion::OfParent,
            request: AssumeRoleRequest::new(role_arn, name),
            is_named: false,
            is_automatic: false,
            codes: None,
            cache: None,
            fault: None,
        }
    }

    /// Sets the session name, which appears in audit logs. It defaults to the source identity, else to a
    /// generated name that stays the same over all renewals.
    pub fn role_session_name(
        mut self,
        name: impl TryInto<RoleSessionName, Error: Into<InvalidValue>>,
    ) -> Self {
        if let Some(name) = self.checked("RoleSessionName", name) {
            self.request.role_session_name = name;
            self.is_named = true;
        }
        self
    }

    /// Uses a generated session name even if there is a source identity, which would otherwise be the session
    /// name.
    pub fn automatic_role_session_name(mut self) -> Self {
        self.is_automatic = true;
        self
    }

    /// Sets how long each session lasts, in whole seconds: 15 minutes to 12 hours. STS defaults to one hour.
    /// A longer duration is lowered to one hour if the parent has temporary credentials.
    pub fn duration(mut self, duration: Duration) -> Self {
        match SessionDuration::try_from(duration) {
            Ok(duration) => self.request.duration_seconds = Some(duration),
            Err(fault) => self.refuse("DurationSeconds", &fault),
        }
        self
    }

    /// Sets a policy that limits the session: JSON, as text or as a value.
    pub fn policy(mut self, policy: impl TryInto<Policy, Error: Into<InvalidValue>>) -> Self {
        self.request.policy = self.checked("Policy", policy).or(self.request.policy);
        self
    }

    /// Adds a managed policy that limits the session.
    pub fn policy_arn(mut self, arn: impl TryInto<PolicyArn, Error: Into<InvalidValue>>) -> Self {
        let arn = self.checked("PolicyArns", arn);
        self.request.policy_arns.get_or_insert_default().extend(arn);
        self
    }

    /// Adds a session tag.
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        match Tag::new(key, value) {
            Ok(tag) => self.request.tags.get_or_insert_default().push(tag),
            Err(fault) => self.refuse("Tags", &fault),
        }
        self
    }

    /// Adds the key of a tag that chained sessions inherit.
    pub fn transitive_tag_key(mut self, key: impl TryInto<TagKey, Error: Into<InvalidValue>>) -> Self {
        let key = self.checked("TransitiveTagKeys", key);
        self.request.transitive_tag_keys.get_or_insert_default().extend(key);
        self
    }

    /// Sets the external ID that the role's trust policy requires.
    pub fn external_id(mut self, id: impl TryInto<ExternalId, Error: Into<InvalidValue>>) -> Self {
        self.request.external_id = self.checked("ExternalId", id).or(self.request.external_id);
        self
    }

    /// Sets the MFA device.
    pub fn serial_number(mut self, serial: impl TryInto<SerialNumber, Error: Into<InvalidValue>>) -> Self {
        self.request.serial_number = self.checked("SerialNumber", serial).or(self.request.serial_number);
        self
    }

    /// Sets the current code of the MFA device. It works for the first session only: see
    /// [`AssumeRole::token_codes`].
    pub fn token_code(mut self, code: impl TryInto<TokenCode, Error: Into<InvalidValue>>) -> Self {
        self.request.token_code = self.checked("TokenCode", code).or(self.request.token_code);
        self
    }

    /// Sets a function that returns a code of the MFA device. It is called for every new session.
    pub fn token_codes<F, Code>(mut self, codes: F) -> Self
    where
        F: Fn(SerialNumber) -> Code + Send + Sync + 'static,
        Code: Future<Output = Result<TokenCode, CodeError>> + Send + 'static,
    {
        self.codes = Some(Arc::new(move |serial| Box::pin(codes(serial))));
        self
    }

    /// Sets the source identity. It is also the session name, unless another one is set.
    pub fn source_identity(
        mut self,
        identity: impl TryInto<SourceIdentity, Error: Into<InvalidValue>>,
    ) -> Self {
        self.request.source_identity =
            self.checked("SourceIdentity", identity).or(self.request.source_identity);
        self
    }

    /// Adds a context assertion of a trusted provider.
    pub fn provided_context(mut self, provider_arn: &str, context_assertion: &str) -> Self {
        match ProvidedContext::new(provider_arn, context_assertion) {
            Ok(context) => self.request.provided_contexts.get_or_insert_default().push(context),
            Err(fault) => self.refuse("ProvidedContexts", &fault),
        }
        self
    }

    /// Sets parameters that this library does not know, as a JSON object.
    pub fn additional_parameters(
        mut self,
        parameters: impl TryInto<AdditionalParameters, Error: Into<InvalidValue>>,
    ) -> Self {
        let parameters = self.checked("AdditionalParameters", parameters);
        self.request.additional_parameters = parameters.unwrap_or(self.request.additional_parameters);
        self
    }

    /// Sets the region of the role's clients. It defaults to the parent's region. STS is called in the
    /// parent's region either way.
    pub fn region(mut self, region: impl Into<Option<Region>>) -> Self {
        self.region = region.into().map_or(ChildRegion::None, ChildRegion::Given);
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
            ChildRegion::OfParent => self.parent.region().cloned(),
            ChildRegion::Given(region) => Some(region.clone()),
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
    /// As [`AssumeRole::into_config`].
    pub fn into_provider(self) -> Result<RoleProvider, InvalidParameter> {
        let Self { parent, region: _, mut request, is_named, is_automatic, codes, cache, fault } = self;
        if let Some(fault) = fault {
            return Err(fault);
        }
        request
            .check_lists()
            .map_err(|(parameter, fault)| InvalidParameter { parameter, fault: fault.to_string() })?;
        if parent.credentials_provider().is_none() {
            let fault = "are missing in the configuration that the role is to be assumed with".to_owned();
            return Err(InvalidParameter { parameter: "Credentials", fault });
        }
        if let (false, Some(identity)) = (is_named || is_automatic, &request.source_identity) {
            request.role_session_name = RoleSessionName::made_up(identity.as_str());
        }
        let clock = parent.time_source().unwrap_or_default();
        let session = Refreshing::default();
        Ok(RoleProvider(Arc::new(Inner { parent, request, is_named, codes, cache, clock, session })))
    }

    fn checked<T>(
        &mut self,
        parameter: &'static str,
        value: impl TryInto<T, Error: Into<InvalidValue>>,
    ) -> Option<T> {
        match value.try_into() {
            Ok(value) => Some(value),
            Err(fault) => {
                self.refuse(parameter, &fault.into());
                None
            }
        }
    }

    fn refuse(&mut self, parameter: &'static str, fault: &InvalidValue) {
        self.fault.get_or_insert(InvalidParameter { parameter, fault: fault.to_string() });
    }
}

/// Lets parameters be passed as their own types, which cannot be invalid.
impl From<Infallible> for InvalidValue {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
