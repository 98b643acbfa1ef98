//! Signing in to IAM Identity Center, and what a sign-in is good for.

mod error;
mod role;
mod token_store;

pub use error::LoginError;
pub use role::{RoleCall, role_credentials};
pub use token_store::TokenStore;
