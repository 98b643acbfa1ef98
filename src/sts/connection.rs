//! The configuration of every SDK client that the CLI makes: STS and both services of IAM Identity Center.

use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::Builder;

use super::http::LazyClient;
use super::settings::{ATTEMPT_TIMEOUT, CONNECT_TIMEOUT, FIRST_BACKOFF, StsSettings};

/// Returns the configuration of a client with these settings. It has no credentials.
pub(super) fn sdk_config(settings: &StsSettings, http: &LazyClient) -> Builder {
    let StsSettings {
        region,
        endpoint_url,
        use_fips,
        use_dual_stack,
        max_attempts,
        adaptive_retries,
        network: _,
        operation_timeout,
    } = settings;
    let retries = if *adaptive_retries { RetryConfig::adaptive() } else { RetryConfig::standard() };
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.clone()))
        .http_client(http.clone())
        .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
        .retry_config(retries.with_max_attempts((*max_attempts).max(1)).with_initial_backoff(FIRST_BACKOFF))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(*operation_timeout)
                .build(),
        )
        // The body is read in one go, under the attempt's timeout.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .identity_cache(aws_sdk_sts::config::IdentityCache::no_cache());
    config.set_endpoint_url(endpoint_url.clone());
    // Set these only if requested: the endpoint rules refuse both together with a custom endpoint.
    if *use_fips {
        config = config.use_fips(true);
    }
    if *use_dual_stack {
        config = config.use_dual_stack(true);
    }
    config
}
