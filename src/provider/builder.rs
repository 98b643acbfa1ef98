//! The builder behind `base.assume_role(arn)`.

use std::fmt;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::IdentityCache;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::role_provider::{Inner, RoleProvider, TokenCodeCallback};
use super::shared_session::SharedSession;
use crate::arn::{RoleArn, RoleSessionName};
use crate::cache::CredentialCache;
use crate::error::Error;
use crate::request::{
    AdditionalParameters, AssumeRoleRequest, AssumeRoleRequestBuilder, ExternalId, Policy, PolicyArn,
    ProvidedContext, SerialNumber, SessionDuration, SourceIdentity, Tag, TagKey, TokenCode,
};

/// Extends SDK configurations with roles. Only [`SdkConfig`] implements it.
pub trait AssumeRoleExt: sealed::Sealed {
    /// Starts to configure how a role is assumed, from its ARN or the text of one. STS is not called before
    /// credentials are used for the first time.
    fn assume_role(&self, role_arn: impl TryInto<RoleArn, Error: Into<Error>>) -> AssumeRoleBuilder;

    /// Starts to configure how a role is assumed, from a request that is complete already.
    fn assume_role_with(&self, request: AssumeRoleRequest) -> AssumeRoleBuilder;
}

mod sealed {
    /// Lets later versions add methods to [`super::AssumeRoleExt`].
    pub trait Sealed {}
    impl Sealed for aws_types::SdkConfig {}
}

impl AssumeRoleExt for SdkConfig {
    fn assume_role(&self, role_arn: impl TryInto<RoleArn, Error: Into<Error>>) -> AssumeRoleBuilder {
        let now = self.time_source().unwrap_or_default().now();
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let name = RoleSessionName::sanitized(&format!("arl-session-{seconds}"));
        AssumeRoleBuilder::new(self, AssumeRoleRequest::builder(role_arn, name), false)
    }

    fn assume_role_with(&self, request: AssumeRoleRequest) -> AssumeRoleBuilder {
        AssumeRoleBuilder::new(self, request.into(), true)
    }
}

/// The region of the role's clients.
#[derive(Debug, Clone)]
enum ClientRegion {
    Inherited,
    Explicit(Region),
    None,
}

/// A role, and how to assume it. [`AssumeRoleExt::assume_role`] creates it.
///
/// Parameters are passed as their own types or as text; [`AssumeRoleBuilder::maybe`] passes an `Option`.
/// [`AssumeRoleBuilder::into_config`] reports what STS would refuse, before any call. Names and limits are
/// those of <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
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
///     .assume_role("arn:aws:iam::123456789012:role/Deploy")
///     .role_session_name("release-4711")
///     .duration(Duration::from_secs(2 * 3600))
///     .policy(serde_json::json!({ "Version": "2012-10-17", "Statement": [] }))
///     .tag("Team", "web")
///     .into_config()?;
/// assert_eq!(deploy.region(), base.region());
///
/// let error = base
///     .assume_role("arn:aws:iam::123456789012:role/Deploy")
///     .role_session_name("no spaces please")
///     .into_config()
///     .expect_err("STS would refuse it");
/// assert!(error.is_invalid_parameter());
/// assert!(error.to_string().starts_with("RoleSessionName can contain"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is assumed before `into_config` or `into_provider`"]
pub struct AssumeRoleBuilder {
    parent: SdkConfig,
    sts_config: Option<SdkConfig>,
    sts_region: Option<Region>,
    client_region: ClientRegion,
    request: AssumeRoleRequestBuilder,
    has_session_name: bool,
    /// Whether the source identity is not used as the session name.
    ignore_source_identity: bool,
    code_callback: Option<Arc<TokenCodeCallback>>,
    cache: Option<Arc<dyn CredentialCache>>,
}

impl fmt::Debug for AssumeRoleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRoleBuilder").field("request", &self.request).finish_non_exhaustive()
    }
}

/// Defines the setters that [`AssumeRoleRequestBuilder`] has too.
macro_rules! request_setters {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $Arg:ty),+);)+) => {$(
        $(#[$doc])*
        pub fn $name(self, $($arg: $Arg),+) -> Self {
            Self { request: self.request.$name($($arg),+), ..self }
        }
    )+};
}

impl AssumeRoleBuilder {
    fn new(parent: &SdkConfig, request: AssumeRoleRequestBuilder, has_session_name: bool) -> Self {
        Self {
            parent: parent.clone(),
            sts_config: None,
            sts_region: None,
            client_region: ClientRegion::Inherited,
            request,
            has_session_name,
            ignore_source_identity: false,
            code_callback: None,
            cache: None,
        }
    }

    /// Sets the session name, which appears in audit logs. It defaults to the source identity, else to a
    /// generated name that stays the same over all renewals.
    pub fn role_session_name(self, name: impl TryInto<RoleSessionName, Error: Into<Error>>) -> Self {
        Self { request: self.request.role_session_name(name), has_session_name: true, ..self }
    }

    /// Uses a generated session name even if there is a source identity, which would otherwise be the session
    /// name.
    pub fn automatic_role_session_name(self) -> Self {
        Self { ignore_source_identity: true, ..self }
    }

    request_setters! {
        /// Sets how long each session lasts, as a [`Duration`](std::time::Duration) of whole seconds, a
        /// [`SessionDuration`] or a text such as `2h`: 15 minutes to 12 hours. STS defaults to one hour. A
        /// longer duration is lowered to one hour if the parent has temporary credentials, because STS would
        /// refuse it.
        fn duration(duration: impl TryInto<SessionDuration, Error: Into<Error>>);

        /// Sets a policy that limits the session: JSON, as text or as a value.
        fn policy(policy: impl TryInto<Policy, Error: Into<Error>>);

        /// Adds a managed policy that limits the session.
        fn policy_arn(arn: impl TryInto<PolicyArn, Error: Into<Error>>);

        /// Adds managed policies that limit the session.
        fn policy_arns(arns: impl IntoIterator<Item: TryInto<PolicyArn, Error: Into<Error>>>);

        /// Adds a session tag.
        fn tag(key: &str, value: &str);

        /// Adds session tags: [`Tag`]s, or pairs of a key and a value.
        fn tags(tags: impl IntoIterator<Item: TryInto<Tag, Error: Into<Error>>>);

        /// Adds the key of a tag that chained sessions inherit.
        fn transitive_tag_key(key: impl TryInto<TagKey, Error: Into<Error>>);

        /// Adds the keys of tags that chained sessions inherit.
        fn transitive_tag_keys(keys: impl IntoIterator<Item: TryInto<TagKey, Error: Into<Error>>>);

        /// Sets the external ID that the role's trust policy requires.
        fn external_id(id: impl TryInto<ExternalId, Error: Into<Error>>);

        /// Sets the MFA device. Its code comes from [`AssumeRoleBuilder::token_codes`] or
        /// [`AssumeRoleBuilder::token_code`].
        fn serial_number(serial: impl TryInto<SerialNumber, Error: Into<Error>>);

        /// Sets the current code of the MFA device. It works for the first session only: see
        /// [`AssumeRoleBuilder::token_codes`].
        fn token_code(code: impl TryInto<TokenCode, Error: Into<Error>>);

        /// Sets the source identity. It is also the session name, unless another one is set.
        fn source_identity(identity: impl TryInto<SourceIdentity, Error: Into<Error>>);

        /// Adds a context assertion of a trusted provider.
        fn provided_context(provider_arn: &str, context_assertion: &str);

        /// Adds context assertions of trusted providers: [`ProvidedContext`]s, or pairs of a provider's ARN
        /// and an assertion.
        fn provided_contexts(contexts: impl IntoIterator<Item: TryInto<ProvidedContext, Error: Into<Error>>>);

        /// Sets parameters that this library does not know, as a JSON object. A parameter that has its own
        /// method is refused.
        fn additional_parameters(parameters: impl TryInto<AdditionalParameters, Error: Into<Error>>);
    }

    /// Sets a function that returns a code of the MFA device. It is called for every new session.
    pub fn token_codes<F, Code>(mut self, codes: F) -> Self
    where
        F: Fn(SerialNumber) -> Code + Send + Sync + 'static,
        Code: Future<Output = Result<TokenCode, Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        self.code_callback = Some(Arc::new(move |serial| Box::pin(codes(serial))));
        self
    }

    /// Calls a setter if there is a value.
    ///
    /// ```
    /// # use arl::{AssumeRoleBuilder, AssumeRoleExt};
    /// # fn role(base: &aws_types::SdkConfig, external_id: Option<String>) -> AssumeRoleBuilder {
    /// base.assume_role("arn:aws:iam::123456789012:role/Deploy")
    ///     .maybe(external_id, AssumeRoleBuilder::external_id)
    /// # }
    /// ```
    pub fn maybe<T>(self, value: Option<T>, set: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => set(self, value),
            None => self,
        }
    }

    /// Sets the region in which STS is called, like the method of this name in `aws-config`. It defaults to
    /// the region of the configuration.
    pub fn region(self, region: impl Into<Option<Region>>) -> Self {
        Self { sts_region: region.into(), ..self }
    }

    /// Sets the configuration of the STS client: its HTTP client, endpoint, retries, timeouts and region. It
    /// defaults to the parent, which supplies the credentials either way.
    pub fn sts_config(self, config: &SdkConfig) -> Self {
        Self { sts_config: Some(config.clone()), ..self }
    }

    /// Sets the region of the role's clients. It defaults to the parent's region. `None` leaves it out, so
    /// that each client has to set its own.
    pub fn client_region(self, region: impl Into<Option<Region>>) -> Self {
        Self { client_region: region.into().map_or(ClientRegion::None, ClientRegion::Explicit), ..self }
    }

    /// Sets a cache for sessions. Sessions that differ in the parent's credentials, the endpoint or the
    /// request are never mixed up.
    pub fn cache(self, cache: impl CredentialCache + 'static) -> Self {
        Self { cache: Some(Arc::new(cache)), ..self }
    }

    /// Returns the parent's configuration with the role's credentials, which renew themselves.
    ///
    /// In the returned configuration the SDK's own identity cache is off, because it would renew only a few
    /// seconds before the expiration, and would drop valid credentials if that fails. A configuration that
    /// you build from the returned one inherits this. If you give the new one another credentials provider,
    /// switch the cache on again:
    ///
    /// ```
    /// # use aws_sdk_sts::config::{IdentityCache, SharedCredentialsProvider};
    /// # use aws_types::SdkConfig;
    /// # fn other(deploy: SdkConfig, provider: SharedCredentialsProvider) -> SdkConfig {
    /// deploy
    ///     .into_builder()
    ///     .credentials_provider(provider)
    ///     .identity_cache(IdentityCache::lazy().build())
    ///     .build()
    /// # }
    /// ```
    ///
    /// Otherwise the SDK asks the other provider before every request. Roles that are assumed from this
    /// configuration need no cache.
    ///
    /// # Errors
    /// STS would refuse a parameter, the code of an MFA device or the device is missing, or the parent has no
    /// credentials.
    pub fn into_config(self) -> Result<SdkConfig, Error> {
        let mut builder = self.parent.to_builder();
        let region = match &self.client_region {
            ClientRegion::Inherited => self.parent.region().cloned(),
            ClientRegion::Explicit(region) => Some(region.clone()),
            ClientRegion::None => None,
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
    /// # fn config(base: &SdkConfig, role: arl::RoleArn) -> Result<SdkConfig, arl::Error> {
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
    pub fn into_provider(self) -> Result<RoleProvider, Error> {
        let Self {
            parent,
            sts_config,
            sts_region,
            client_region: _,
            request,
            has_session_name,
            ignore_source_identity,
            code_callback,
            cache,
        } = self;
        let mut request = request.build()?;
        check_mfa(&request, code_callback.is_some())?;
        if parent.credentials_provider().is_none() {
            return Err(Error::invalid(
                "Credentials are missing: the configuration that the role is assumed from has no credentials provider",
            ));
        }
        if let (false, Some(identity)) =
            (has_session_name || ignore_source_identity, &request.source_identity)
        {
            request.role_session_name = RoleSessionName::sanitized(identity.as_str());
        }
        let mut sts_config = sts_config.unwrap_or_else(|| parent.clone());
        if sts_region.is_some() {
            let mut builder = sts_config.into_builder();
            builder.set_region(sts_region);
            sts_config = builder.build();
        }
        let clock = parent.time_source().unwrap_or_default();
        let session = SharedSession::default();
        Ok(RoleProvider(Arc::new(Inner {
            parent,
            sts_config,
            request,
            has_session_name,
            code_callback,
            cache,
            clock,
            session,
        })))
    }
}

/// Refuses a device without a code, which STS would ignore, and a code without a device, which STS would
/// refuse.
fn check_mfa(request: &AssumeRoleRequest, has_callback: bool) -> Result<(), Error> {
    let has_code = request.token_code.is_some() || has_callback;
    match (request.serial_number.is_some(), has_code) {
        (true, false) => Err(Error::invalid(
            "TokenCode is missing: SerialNumber names an MFA device, so set `token_codes` or `token_code`",
        )),
        (false, true) => {
            Err(Error::invalid("SerialNumber is missing: a code needs the MFA device that shows it"))
        }
        _ => Ok(()),
    }
}
