//! Amazon Resource Names of roles and of role sessions, and their parts.

mod ids;
pub(crate) mod role_arn;
#[cfg(feature = "serde")]
mod serde;
pub(crate) mod session;

pub use ids::{AccountId, Partition};
pub(crate) use role_arn::RoleArn;
pub use session::AssumedRoleSessionArn;
pub(crate) use session::RoleSessionName;
