//! The shared config and credentials files: reads profiles, and edits some without changing another byte.

mod apply;
mod atomic_update;
mod config;
mod edit;
mod find;
mod in_place;
mod line;
mod profile_name;
mod role_profile;
mod temporary;

pub use apply::{Change, Edited, apply_all, apply_if_unchanged, managed_profiles};
pub(crate) use atomic_update::remove;
pub use atomic_update::{FileMode, UpdateError, UpdateOutcome, remove_leftover, update};
pub use config::{InvalidConfig, MisnamedSection, Section, SharedConfig};
pub use edit::{EditedSection, ProfileEdit};
pub use find::EditError;
pub use line::SharedFile;
#[cfg(any(test, fuzzing))]
pub(crate) use line::{LineKind, Lines};
pub use profile_name::{InvalidProfileName, ProfileName};
pub use role_profile::{InvalidProfileKey, RoleProfile, normalize_list, web_identity_key};
