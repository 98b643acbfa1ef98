//! The settings of STS calls.

use std::path::PathBuf;
use std::time::Duration;

use crate::arn::Partition;

/// Three attempts to connect, with the pauses between them, end within 10 s.
#[cfg(feature = "cli")]
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_millis(2900);
/// STS responds in a fraction of a second, so arl gives up an attempt that takes longer than this.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// The limit of one call, retries included.
pub(super) const OPERATION_TIMEOUT: Duration = Duration::from_secs(18);
/// The longest pause before the first retry. It doubles with every further one.
#[cfg(feature = "cli")]
pub(super) const FIRST_BACKOFF: Duration = Duration::from_millis(250);

/// How to reach the network.
#[derive(Debug, Clone, Default)]
pub struct NetworkConfig {
    /// A PEM file with certificates that replace the system's root certificates.
    pub ca_bundle: Option<PathBuf>,
    /// The URL of the proxy for https requests.
    pub https_proxy: Option<String>,
    /// The hosts that are reached without the proxy, in the syntax of `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// Whether plain http is allowed for hosts other than this one and the metadata services.
    pub allow_plain_http: bool,
}

/// How STS is reached.
#[derive(Debug, Clone)]
pub struct StsSettings {
    /// The region whose endpoint is called, and for which requests are signed.
    pub region: String,
    /// An endpoint that replaces that of the region.
    pub endpoint_url: Option<String>,
    /// Whether to call the FIPS endpoint.
    pub use_fips: bool,
    /// Whether to call the dual-stack endpoint.
    pub use_dual_stack: bool,
    /// The number of attempts, including the first one.
    pub max_attempts: u32,
    /// Whether to use the SDK's adaptive retries, which slow down as soon as STS throttles.
    pub adaptive_retries: bool,
    /// The CA bundle and the proxy.
    pub network: NetworkConfig,
    /// The limit of one call, retries included; the default is 18 s.
    pub operation_timeout: Duration,
}

impl StsSettings {
    /// Returns the defaults for a region.
    pub fn new(region: impl Into<String>) -> Self {
        Self {
            region: region.into(),
            endpoint_url: None,
            use_fips: false,
            use_dual_stack: false,
            max_attempts: 3,
            adaptive_retries: false,
            network: NetworkConfig::default(),
            operation_timeout: OPERATION_TIMEOUT,
        }
    }
}

/// How the two services of IAM Identity Center are reached: with the settings of STS, apart from the
/// endpoints and the region.
#[cfg(feature = "cli")]
#[derive(Debug, Clone)]
pub struct IdentityCenterSettings {
    /// The access portal, the service `sso`. It gets the access token.
    pub portal: StsSettings,
    /// The service `sso-oidc`. It gets the registration and the refresh token.
    pub oidc: StsSettings,
}

#[cfg(feature = "cli")]
impl StsSettings {
    /// Returns the longest time that a call takes.
    pub(super) fn call_timeout(&self) -> Duration {
        (ATTEMPT_TIMEOUT * self.max_attempts.max(1)).min(self.operation_timeout)
    }
}

impl StsSettings {
    /// Returns the endpoint: the custom one, else that of the region.
    ///
    /// Source: the endpoint rules of STS in the AWS SDKs.
    pub fn endpoint(&self) -> String {
        if let Some(url) = &self.endpoint_url {
            return url.clone();
        }
        let (plain, dual_stack) = match Partition::for_region(&self.region).as_str() {
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
        // This is the only endpoint without a region in its name. Requests to it are signed for us-east-1.
        if self.region == "aws-global" && !self.use_fips && !self.use_dual_stack {
            return "https://sts.amazonaws.com".to_owned();
        }
        // The plain endpoints of GovCloud are FIPS endpoints already and have no other name.
        let fips = if self.region.starts_with("us-gov-") && !self.use_dual_stack { "" } else { fips };
        format!("https://sts{fips}.{}.{suffix}", self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_the_one_that_the_sdk_asks() {
        for (region, host) in [
            ("eu-west-1", "sts.eu-west-1.amazonaws.com"),
            ("aws-global", "sts.amazonaws.com"),
            ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
            ("eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(StsSettings::new(region).endpoint(), format!("https://{host}"));
        }
        for (region, partition) in [
            ("aws-cn-global", "aws-cn"),
            ("aws-us-gov-global", "aws-us-gov"),
            ("aws-iso-b-global", "aws-iso-b"),
            ("us-isob-east-1", "aws-iso-b"),
            ("aws-global", "aws"),
            ("mx-central-1", "aws"),
        ] {
            assert_eq!(Partition::for_region(region).as_str(), partition, "{region}");
        }
    }
}
