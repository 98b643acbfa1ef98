//! Why there are no source credentials.

use std::fmt;

use crate::profiles::InvalidKey;

/// Why there are no source credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceError {
    /// No profile has this name.
    UnknownProfile {
        /// The name.
        name: String,
        /// The profile whose `source_profile` has this name. `None` if the user selected it directly.
        wanted_by: Option<String>,
        /// Similar names of existing profiles.
        closest: Vec<String>,
    },
    /// These profiles form a cycle: each is the source of the one before, and the first is the source of the
    /// last.
    Cycle(Vec<String>),
    /// A profile is invalid.
    Profile {
        /// The profile.
        name: String,
        /// What is wrong with the profile, phrased to follow its name.
        fault: String,
    },
    /// A key of a profile has an invalid value.
    Key(InvalidKey),
    /// The environment contains an incomplete or invalid key.
    Environment(String),
    /// The shell has a role from arl, and the source of that role is no longer available. Holds `ARL_SOURCE`.
    Replaced(Option<String>),
    /// `--chain` was given, and the shell has no role.
    NothingToChainFrom,
    /// No source is configured.
    Nothing,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownProfile { name, wanted_by: None, .. } => {
                write!(f, "there is no profile `{name}`")
            }
            Self::UnknownProfile { name, wanted_by: Some(by), .. } => {
                write!(f, "there is no profile `{name}`, which profile `{by}` names as its `source_profile`")
            }
            Self::Cycle(names) => {
                write!(f, "the profiles are each other's source: `{}`", names.join("` → `"))
            }
            Self::Profile { name, fault } => write!(f, "profile `{name}` {fault}"),
            Self::Key(error) => error.fmt(f),
            Self::Environment(fault) => f.write_str(fault),
            Self::Replaced(None) => {
                f.write_str("this shell holds a role of arl's, and nothing tells what it had before")
            }
            Self::Replaced(Some(tag)) => write!(
                f,
                "this shell holds a role of arl's, and the source it was made from (`{tag}`) is no longer here"
            ),
            Self::NothingToChainFrom => f.write_str("this shell holds no role to start from"),
            Self::Nothing => f.write_str("there are no source credentials"),
        }
    }
}

impl std::error::Error for SourceError {}

impl From<InvalidKey> for SourceError {
    fn from(error: InvalidKey) -> Self {
        Self::Key(error)
    }
}
