//! The shared config and credentials files: reads profiles, and edits one without changing another byte.

mod atomic_update;
mod config;
mod edit;
mod in_place;
mod line;
mod profile_name;
mod role_profile;

pub use atomic_update::{FileMode, UpdateError, UpdateOutcome, update};
pub use config::{InvalidConfig, MisnamedSection, Section, SharedConfig};
pub use edit::{EditError, ProfileEdit};
pub use line::SharedFile;
#[cfg(any(test, fuzzing))]
pub(crate) use line::{LineKind, Lines};
pub use profile_name::{InvalidProfileName, ProfileName};
pub use role_profile::{InvalidProfileKey, RoleProfile, normalize_list, web_identity_key};
