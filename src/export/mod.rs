//! Credentials as text: identity variables, JSON, env files, and statements for shells.

mod dotenv;
mod identity;
mod json;
pub mod shell;

pub use dotenv::dotenv;
pub use identity::{
    ASSUMED_VARIABLES, IDENTITY_VARIABLES, Identity, REGION_VARIABLES, RegionChange, UnsupportedValue,
};
pub use json::process_json;
