//! The parameters of one AssumeRole request. Each has a type that checks its value.

mod additional;
mod assume_role_request;
mod builder;
mod contexts;
mod duration;
mod identifiers;
#[cfg(feature = "cli")]
pub(crate) mod notations;
pub(crate) mod parameter;
mod policy;
#[cfg(feature = "cli")]
pub(crate) mod session_name;
mod strict_json;
mod tags;
mod value;

pub use additional::AdditionalParameters;
pub use assume_role_request::AssumeRoleRequest;
pub use builder::AssumeRoleRequestBuilder;
pub use contexts::ProvidedContext;
pub use duration::SessionDuration;
pub use identifiers::{ExternalId, PolicyArn, SerialNumber, SourceIdentity, TokenCode};
pub use policy::Policy;
pub use tags::{Tag, TagKey};
