//! Calls to STS and to the sources of credentials.

#[cfg(feature = "cli")]
mod assignments;
mod assume_role;
#[cfg(all(feature = "cli", any(test, fuzzing)))]
pub(crate) mod canned;
mod certificate;
#[cfg(feature = "cli")]
mod client;
#[cfg(feature = "cli")]
mod connection;
#[cfg(feature = "cli")]
mod container;
mod error;
#[cfg(feature = "cli")]
pub(crate) mod external;
#[cfg(feature = "cli")]
mod http;
#[cfg(feature = "cli")]
mod iam;
#[cfg(feature = "cli")]
mod identity_center;
#[cfg(feature = "cli")]
mod local_service;
#[cfg(feature = "cli")]
mod metadata;
#[cfg(feature = "cli")]
mod oidc;
#[cfg(feature = "cli")]
mod providers;
mod response;
mod sdk_config;
mod settings;

#[cfg(feature = "cli")]
pub(crate) use assignments::{ListedAccount, Page, PageError};
pub use assume_role::cap_chained_duration;
#[cfg(feature = "cli")]
pub use certificate::CertificateFault;
#[cfg(feature = "cli")]
pub use client::{CallerIdentity, Sts, assume_role};
#[cfg(feature = "cli")]
pub use error::MetadataRequest;
pub use error::StsError;
#[cfg(feature = "cli")]
pub(crate) use http::LazyClient;
#[cfg(feature = "cli")]
pub use iam::{AccessKey, Iam, IamSettings, LastUse};
#[cfg(feature = "cli")]
pub use identity_center::IdentityCenter;
#[cfg(feature = "cli")]
pub(crate) use oidc::{
    BrowserRegistration, ClientRegistration, DeviceAuthorization, IssuedToken, TokenGrant,
};
#[cfg(feature = "cli")]
pub use response::{Confirmation, RoleSession};
pub(crate) use sdk_config::{assume_role_with, check_source, operation_timeout, parent_failed, sts_settings};
pub use settings::StsSettings;
#[cfg(feature = "cli")]
pub use settings::{IdentityCenterSettings, NetworkConfig};
