//! A role as a source of credentials for the AWS SDK, for as long as the program runs.

mod builder;
mod refresh_windows;
mod role_provider;
mod shared_session;

pub use builder::{AssumeRole, AssumeRoleExt, InvalidParameter};
pub use refresh_windows::RefreshWindows;
pub use role_provider::{CodeError, RoleProvider};
