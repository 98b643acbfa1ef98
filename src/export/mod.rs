//! Credentials as text: identity variables, JSON, env files, and statements for shells.

mod dotenv;
mod identity;
mod json;
pub mod shell;

pub use dotenv::dotenv;
pub use identity::{IDENTITY_VARIABLES, Identity, SET_VARIABLES, Unprintable};
pub use json::process_json;
