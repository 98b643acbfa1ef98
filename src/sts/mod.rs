//! The door to STS. No other module knows the AWS SDK.

mod answer;
mod call;
mod error;
mod handed_out;
mod sdk_config;
mod sources;

use std::time::{Duration, SystemTime};

use aws_sdk_sts::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

pub use answer::RoleSession;
pub use error::CallError;
pub(crate) use error::innermost;
pub(crate) use sdk_config::{
    assume_role_with, from_sdk, operation_limit, settings_of, source_failed, to_sdk,
};

use crate::arn::Partition;
use crate::credentials::Credentials;
use crate::network::{LazyClient, Network};
use crate::request::AssumeRoleRequest;

/// Three attempts to connect, and the pauses between them, end within 10 s.
const CONNECT_LIMIT: Duration = Duration::from_millis(2900);
/// STS answers in a fraction of a second; an attempt that has got nothing by now will not.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(8);
/// Everything together, retries included.
const OPERATION_LIMIT: Duration = Duration::from_secs(18);
/// The first pause before a retry lasts at most this long, the next one twice as long, and so on.
const FIRST_BACKOFF: Duration = Duration::from_millis(250);

/// How STS is reached.
#[derive(Debug, Clone)]
pub struct StsSettings {
    /// The region whose endpoint is asked, and which requests are signed for.
    pub region: String,
    /// An endpoint instead of the region's.
    pub endpoint_url: Option<String>,
    /// Ask the FIPS endpoint.
    pub use_fips: bool,
    /// Ask the dual-stack endpoint.
    pub use_dual_stack: bool,
    /// How often to try, the first time included.
    pub max_attempts: u32,
    /// Slow down for throttling before being told to.
    pub adaptive_retries: bool,
    /// CA bundle and proxy.
    pub network: Network,
    /// The bound of one call, retries included. 18 s is enough for any that succeeds.
    pub operation_limit: Duration,
}

impl StsSettings {
    /// The defaults, for a region.
    pub fn new(region: impl Into<String>) -> Self {
        Self {
            region: region.into(),
            endpoint_url: None,
            use_fips: false,
            use_dual_stack: false,
            max_attempts: 3,
            adaptive_retries: false,
            network: Network::default(),
            operation_limit: OPERATION_LIMIT,
        }
    }
}

impl StsSettings {
    /// The endpoint that is asked: the one given, else the region's.
    ///
    /// Source: the endpoint rules of STS in the AWS SDKs.
    pub fn endpoint(&self) -> String {
        if let Some(url) = &self.endpoint_url {
            return url.clone();
        }
        let (plain, dual_stack) = match Partition::of_region(&self.region).as_str() {
            "aws-cn" => ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
            "aws-iso" => ("c2s.ic.gov", "api.aws.ic.gov"),
            "aws-iso-b" => ("sc2s.sgov.gov", "api.aws.scloud"),
            "aws-iso-e" => ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
            "aws-iso-f" => ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
            "aws-eusc" => ("amazonaws.eu", "api.amazonwebservices.eu"),
            _ => ("amazonaws.com", "api.aws"),
        };
        let fips = if self.use_fips { "-fips" } else { "" };
        let suffix = if self.use_dual_stack { dual_stack } else { plain };
        // GovCloud's plain endpoints are FIPS ones already, and have no other name.
        let fips = if self.region.starts_with("us-gov-") && !self.use_dual_stack { "" } else { fips };
        format!("https://sts{fips}.{}.{suffix}", self.region)
    }
}

/// A caller of STS. Connections are kept between its calls.
#[derive(Debug, Clone)]
pub struct Sts {
    settings: StsSettings,
    http: LazyClient,
}

/// Who a set of credentials belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The ARN of the user or session.
    pub arn: String,
}

impl CallerIdentity {
    /// The last part of the ARN: the user's name, or the session's.
    pub fn name(&self) -> &str {
        self.arn.rsplit(['/', ':']).next().unwrap_or_default()
    }
}

impl Sts {
    /// Nothing is opened or loaded before the first call.
    pub fn new(settings: StsSettings) -> Self {
        let http = LazyClient::new(settings.network.clone());
        Self { settings, http }
    }

    /// Calls AssumeRole with the source's credentials and checks the answer against the request.
    ///
    /// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
    ///
    /// # Errors
    /// STS refuses, cannot be reached, or answers something else.
    pub async fn assume_role(
        &self,
        source: &Credentials,
        request: &AssumeRoleRequest,
        now: SystemTime,
    ) -> Result<RoleSession, CallError> {
        call::assume_role(&self.client(Some(source)), request, self.limit(), now).await
    }

    /// Asks whose credentials these are; needs no permission.
    ///
    /// # Errors
    /// As [`Sts::assume_role`].
    pub async fn caller_identity(&self, credentials: &Credentials) -> Result<CallerIdentity, CallError> {
        let output = self
            .client(Some(credentials))
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| CallError::of(error, self.limit()))?;
        match output.arn() {
            Some(arn) => Ok(CallerIdentity { arn: arn.to_owned() }),
            None => Err(CallError::Unexpected("it names no caller".into())),
        }
    }

    /// When a call ends at the latest.
    fn limit(&self) -> Duration {
        (ATTEMPT_LIMIT * self.settings.max_attempts.max(1)).min(self.settings.operation_limit)
    }

    /// An SDK client; without credentials it can only make unsigned calls.
    fn client(&self, credentials: Option<&Credentials>) -> aws_sdk_sts::Client {
        let StsSettings {
            region,
            endpoint_url,
            use_fips,
            use_dual_stack,
            max_attempts,
            adaptive_retries,
            network: _,
            operation_limit,
        } = &self.settings;
        let retries = if *adaptive_retries { RetryConfig::adaptive() } else { RetryConfig::standard() };
        let mut config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.clone()))
            .http_client(self.http.clone())
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .retry_config(
                retries.with_max_attempts((*max_attempts).max(1)).with_initial_backoff(FIRST_BACKOFF),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_LIMIT)
                    .operation_attempt_timeout(ATTEMPT_LIMIT)
                    .operation_timeout(*operation_limit)
                    .build(),
            )
            // The body is read in one go, under the attempt's timeout.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .identity_cache(aws_sdk_sts::config::IdentityCache::no_cache());
        config.set_endpoint_url(endpoint_url.clone());
        // Only if asked for: the endpoint rules refuse both together with an endpoint of one's own.
        if *use_fips {
            config = config.use_fips(true);
        }
        if *use_dual_stack {
            config = config.use_dual_stack(true);
        }
        config.set_credentials_provider(credentials.map(sdk_config::signing));
        aws_sdk_sts::Client::from_conf(config.build())
    }
}
