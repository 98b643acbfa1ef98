//! The door to STS.

mod answer;
mod call;
mod client;
mod error;
mod handed_out;
mod sdk_config;
mod settings;
mod sources;

pub use answer::RoleSession;
pub use client::{CallerIdentity, Sts};
pub use error::CallError;
pub(crate) use error::innermost;
pub(crate) use sdk_config::{
    assume_role_with, from_sdk, operation_limit, settings_of, source_failed, to_sdk,
};
pub use settings::StsSettings;
