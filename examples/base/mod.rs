//! The configuration that the examples start from.

use aws_sdk_sts::config::BehaviorVersion;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_types::SdkConfig;

/// Returns what `aws-config` finds: environment variables, a profile, a container, an instance.
///
/// With the default features of `aws-config` this is
/// `aws_config::load_defaults(BehaviorVersion::latest()).await`. arl's own build has no default HTTP client, so
/// the examples name one.
pub(crate) async fn config() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await
}
