//! How STS is reached.

use std::time::Duration;

use super::http::Network;
use crate::arn::Partition;

/// Three attempts to connect, and the pauses between them, end within 10 s.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_millis(2900);
/// STS answers in a fraction of a second; an attempt that has got nothing by now will not.
pub(super) const ATTEMPT_LIMIT: Duration = Duration::from_secs(8);
/// Everything together, retries included.
pub(super) const OPERATION_LIMIT: Duration = Duration::from_secs(18);
/// The first pause before a retry lasts at most this long, the next one twice as long, and so on.
pub(super) const FIRST_BACKOFF: Duration = Duration::from_millis(250);

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
