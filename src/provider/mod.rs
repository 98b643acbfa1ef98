//! Roles as credentials providers of the AWS SDK, for programs that keep running.

mod builder;
mod refresh_windows;
mod role_provider;
mod shared_session;

pub use builder::{AssumeRoleBuilder, AssumeRoleExt};
pub use role_provider::RoleProvider;
