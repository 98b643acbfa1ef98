//! Why a call has nothing to start from.

use std::fmt;

use crate::profiles::InvalidKey;

/// Why there are no source credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceError {
    /// No profile has that name.
    UnknownProfile {
        /// The name.
        name: String,
        /// The profile whose `source_profile` it is, unless it was selected directly.
        wanted_by: Option<String>,
        /// Names it may be a misspelling of.
        closest: Vec<String>,
    },
    /// Each of these profiles is the next one's source, and the last one the first's.
    Cycle(Vec<String>),
    /// A profile that cannot be understood.
    Profile {
        /// The profile.
        name: String,
        /// What is wrong with it.
        fault: String,
    },
    /// A profile's key that cannot be used.
    Key(InvalidKey),
    /// The environment holds half a key, or one that cannot be one.
    Environment(String),
    /// The shell holds a role of arl's, and what was there before is gone.
    Replaced(Option<String>),
    /// `--chain` without a role to start from.
    NothingToChainFrom,
    /// Nothing is configured.
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
