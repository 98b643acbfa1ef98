//! The parameters of one AssumeRole request. Each has a type that checks its value.

pub(crate) mod additional;
pub(crate) mod assume_role_request;
pub(crate) mod builder;
pub(crate) mod contexts;
mod duration;
mod identifiers;
pub(crate) mod parameter;
pub(crate) mod policy;
#[cfg(feature = "cli")]
pub(crate) mod session_name;
mod strict_json;
pub(crate) mod tags;
mod value;

pub use additional::AdditionalParameters;
pub use assume_role_request::AssumeRoleRequest;
pub use builder::AssumeRoleRequestBuilder;
pub use contexts::ProvidedContext;
pub use duration::SessionDuration;
pub use identifiers::{ExternalId, PolicyArn, SerialNumber, SourceIdentity, TokenCode};
pub use policy::Policy;
pub use tags::{Tag, TagKey};
