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
pub use error::CallError;
pub(crate) use http::LazyClient;
pub use http::Network;
pub use response::RoleSession;
pub(crate) use sdk_config::{
    assume_role_with, from_sdk, operation_limit, settings_of, source_failed, to_sdk,
};
pub use settings::StsSettings;
