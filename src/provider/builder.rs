//! `base.assume_role(arn)`: what is asked for, and what comes of it.

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

/// Assuming roles from a configuration of the AWS SDK.
pub trait AssumeRoleExt {
    /// Begins a request for a role. Nothing is asked of STS before credentials are used for the first time.
    fn assume_role(&self, role_arn: RoleArn) -> AssumeRole;
}

impl AssumeRoleExt for SdkConfig {
    fn assume_role(&self, role_arn: RoleArn) -> AssumeRole {
        AssumeRole::new(self, role_arn)
    }
}

/// A parameter that STS would refuse, or that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidParameter {
    /// STS's name of the parameter.
    pub parameter: &'static str,
    /// What is wrong with it; goes on after its name.
    pub fault: String,
}

impl fmt::Display for InvalidParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.parameter, self.fault)
    }
}

impl std::error::Error for InvalidParameter {}

/// Where the role's clients work.
#[derive(Debug, Clone)]
enum ChildRegion {
    OfParent,
    Given(Region),
    None,
}

/// A role, and how it is to be assumed. Made by [`AssumeRoleExt::assume_role`].
///
/// Parameters are given as their own types or as texts; what STS would refuse is told by [`AssumeRole::into_config`],
/// before anything is asked of STS. Names and limits are those of
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
    /// Whether a source identity does not become the name.
    is_automatic: bool,
    codes: Option<Arc<Codes>>,
    cache: Option<Arc<dyn CredentialCache>>,
    /// The first thing that was wrong.
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

    /// The session's name in audit logs. Without it: the source identity, else one that is made up now and kept over
    /// all renewals.
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

    /// A made-up session name although there is a source identity, which would otherwise be the name as well.
    pub fn automatic_role_session_name(mut self) -> Self {
        self.is_automatic = true;
        self
    }

    /// How long each session is to last, in whole seconds: 15 minutes to 12 hours. STS's default is one hour, and
    /// more is lowered to that where the parent's credentials are temporary ones.
    pub fn duration(mut self, duration: Duration) -> Self {
        match SessionDuration::try_from(duration) {
            Ok(duration) => self.request.duration_seconds = Some(duration),
            Err(fault) => self.refuse("DurationSeconds", &fault),
        }
        self
    }

    /// A policy that limits the session: JSON, as a text or a value.
    pub fn policy(mut self, policy: impl TryInto<Policy, Error: Into<InvalidValue>>) -> Self {
        self.request.policy = self.checked("Policy", policy).or(self.request.policy);
        self
    }

    /// One more managed policy that limits the session.
    pub fn policy_arn(mut self, arn: impl TryInto<PolicyArn, Error: Into<InvalidValue>>) -> Self {
        let arn = self.checked("PolicyArns", arn);
        self.request.policy_arns.get_or_insert_default().extend(arn);
        self
    }

    /// One more session tag.
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        match Tag::new(key, value) {
            Ok(tag) => self.request.tags.get_or_insert_default().push(tag),
            Err(fault) => self.refuse("Tags", &fault),
        }
        self
    }

    /// One more tag that chained sessions inherit.
    pub fn transitive_tag_key(mut self, key: impl TryInto<TagKey, Error: Into<InvalidValue>>) -> Self {
        let key = self.checked("TransitiveTagKeys", key);
        self.request.transitive_tag_keys.get_or_insert_default().extend(key);
        self
    }

    /// The external ID that the role's trust policy asks for.
    pub fn external_id(mut self, id: impl TryInto<ExternalId, Error: Into<InvalidValue>>) -> Self {
        self.request.external_id = self.checked("ExternalId", id).or(self.request.external_id);
        self
    }

    /// The MFA device.
    pub fn serial_number(mut self, serial: impl TryInto<SerialNumber, Error: Into<InvalidValue>>) -> Self {
        self.request.serial_number = self.checked("SerialNumber", serial).or(self.request.serial_number);
        self
    }

    /// The MFA device's current code. It is good for the first session only: see [`AssumeRole::token_codes`].
    pub fn token_code(mut self, code: impl TryInto<TokenCode, Error: Into<InvalidValue>>) -> Self {
        self.request.token_code = self.checked("TokenCode", code).or(self.request.token_code);
        self
    }

    /// Asks for a code of the MFA device whenever a session is needed.
    pub fn token_codes<F, Code>(mut self, codes: F) -> Self
    where
        F: Fn(SerialNumber) -> Code + Send + Sync + 'static,
        Code: Future<Output = Result<TokenCode, CodeError>> + Send + 'static,
    {
        self.codes = Some(Arc::new(move |serial| Box::pin(codes(serial))));
        self
    }

    /// Who is behind the session; also its name, unless one is given.
    pub fn source_identity(
        mut self,
        identity: impl TryInto<SourceIdentity, Error: Into<InvalidValue>>,
    ) -> Self {
        self.request.source_identity =
            self.checked("SourceIdentity", identity).or(self.request.source_identity);
        self
    }

    /// One more context assertion of a trusted provider.
    pub fn provided_context(mut self, provider_arn: &str, context_assertion: &str) -> Self {
        match ProvidedContext::new(provider_arn, context_assertion) {
            Ok(context) => self.request.provided_contexts.get_or_insert_default().push(context),
            Err(fault) => self.refuse("ProvidedContexts", &fault),
        }
        self
    }

    /// Parameters that STS has gained since: a JSON object.
    pub fn additional_parameters(
        mut self,
        parameters: impl TryInto<AdditionalParameters, Error: Into<InvalidValue>>,
    ) -> Self {
        let parameters = self.checked("AdditionalParameters", parameters);
        self.request.additional_parameters = parameters.unwrap_or(self.request.additional_parameters);
        self
    }

    /// The region of the role's clients, instead of the parent's. STS is asked in the parent's region.
    pub fn region(mut self, region: impl Into<Option<Region>>) -> Self {
        self.region = region.into().map_or(ChildRegion::None, ChildRegion::Given);
        self
    }

    /// Keeps sessions there, and takes them from there. What the parent's credentials, the endpoint and the request
    /// do not share is never mixed up.
    pub fn cache(mut self, cache: impl CredentialCache + 'static) -> Self {
        self.cache = Some(Arc::new(cache));
        self
    }

    /// The parent's configuration with the role's credentials, which renew themselves.
    ///
    /// The SDK's own identity cache is switched off in it: it would renew some seconds before the end only, and
    /// forget what there is where that fails.
    ///
    /// # Errors
    /// A parameter that STS would refuse, or a parent without credentials.
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

    /// The role's credentials alone. A configuration that takes them should switch the SDK's identity cache off, which
    /// would ask for new ones only some seconds before the end:
    ///
    /// ```
    /// # use arl::AssumeRoleExt;
    /// # use aws_sdk_sts::config::{IdentityCache, SharedCredentialsProvider};
    /// # fn config(base: &aws_types::SdkConfig, role: arl::RoleArn) -> Result<aws_types::SdkConfig, arl::InvalidParameter> {
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

/// A value of the right type has nothing wrong with it.
impl From<Infallible> for InvalidValue {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
