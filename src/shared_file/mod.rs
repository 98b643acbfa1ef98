//! Writing to the shared config and credentials files: one profile changes, every other byte stays.

mod edit;
mod exchange;
mod profile_name;

pub use edit::{EditError, ProfileEdit};
pub use exchange::{ExchangeError, Update, update};
pub use profile_name::{InvalidProfileName, ProfileName};
