//! Calls to STS and to the sources of credentials.

mod assume_role;
mod client;
mod error;
mod external;
mod http;
mod providers;
mod response;
mod sdk_config;
mod settings;

pub use assume_role::cap_chained_duration;
pub use client::{CallerIdentity, Sts, assume_role};
pub use error::StsError;
pub(crate) use http::LazyClient;
pub use http::NetworkConfig;
pub use response::RoleSession;
pub(crate) use sdk_config::{
    assume_role_with, from_sdk, operation_timeout, source_failed, sts_settings, to_sdk,
};
pub use settings::StsSettings;
