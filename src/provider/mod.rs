//! A role as a source of credentials for the AWS SDK, for as long as the program runs.

mod builder;
mod refreshing;
mod role_provider;
mod windows;

pub use builder::{AssumeRole, AssumeRoleExt, InvalidParameter};
pub use role_provider::{CodeError, RoleProvider};
pub use windows::RefreshWindows;
