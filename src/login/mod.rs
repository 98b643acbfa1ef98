//! Sign-ins to IAM Identity Center, and the calls that need one.
//!
//! `sign_in` gets a token: with a browser (`callback`, `page`, `pkce`) or with a device code. `role` renews
//! the token and gets a role's credentials with it. `discovery` asks the portal (the API of IAM Identity
//! Center for users) for accounts and roles, at a pace that it allows (`pace`). `catalog` is the answer, and
//! `catalog_store` caches it for a day. `sign_out` ends the sign-in.

pub(crate) mod callback;
mod catalog;
mod catalog_store;
mod discovery;
mod error;
mod pace;
mod page;
mod pkce;
mod registration;
mod role;
mod settings;
mod sign_in;
mod sign_out;
mod token_store;

pub use catalog::{Catalog, CatalogAccount};
pub use catalog_store::CatalogStore;
pub use discovery::{Discovery, Found};
pub use error::LoginError;
pub use role::{RoleCall, current_token, role_credentials};
pub use settings::SignIn;
pub use sign_in::{BrowserSignIn, DeviceSignIn};
pub use sign_out::{CachedCliRole, remove_cli_roles, sign_out};
pub use token_store::TokenStore;
