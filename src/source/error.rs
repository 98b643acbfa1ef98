//! Why there are no AWS credentials to start from.

use std::fmt;

use crate::profiles::{InvalidProfileKey, MisnamedSection};

/// Why there are no AWS credentials to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceError {
    /// No profile has this name.
    UnknownProfile {
        /// The name.
        name: String,
        /// The profile whose `source_profile` has this name. `None` if the user selected it directly.
        referenced_by: Option<String>,
        /// Similar names of existing profiles.
        similar_names: Vec<String>,
        /// The section that the user probably meant.
        misnamed: Option<Box<MisnamedSection>>,
    },
    /// These profiles form a cycle: each is the source of the one before, and the last one is the first
    /// again.
    Cycle(Vec<String>),
    /// A profile is invalid.
    Profile {
        /// The profile.
        name: String,
        /// What is wrong with the profile, phrased to follow its name.
        reason: String,
    },
    /// No `[sso-session]` section has this name.
    UnknownSsoSession {
        /// The name.
        name: String,
        /// The names of the existing sections.
        known: Vec<String>,
    },
    /// An `[sso-session]` section is invalid.
    SsoSession {
        /// The name of the section.
        name: String,
        /// What is wrong with the section, phrased to follow its name.
        reason: String,
    },
    /// A profile signs in to IAM Identity Center neither by itself nor through its source.
    NoSignIn(String),
    /// A key of a profile has an invalid value.
    Key(InvalidProfileKey),
    /// The environment contains an incomplete or invalid key.
    Environment(String),
    /// The shell has a role from arl, and the source of that role is no longer available. Holds `ARL_SOURCE`.
    OriginalSourceLost(Option<String>),
    /// `--chain` was given, and the shell has no role.
    NothingToChainFrom,
    /// No source is configured.
    NotConfigured,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownProfile { name, referenced_by: None, .. } => {
                write!(f, "there is no profile `{name}`")
            }
            Self::UnknownProfile { name, referenced_by: Some(by), .. } => {
                write!(f, "there is no profile `{name}`, which profile `{by}` names as its `source_profile`")
            }
            Self::Cycle(names) => {
                write!(f, "the `source_profile`s of the profiles form a loop: `{}`", names.join("` → `"))
            }
            Self::Profile { name, reason } => write!(f, "profile `{name}` {reason}"),
            Self::UnknownSsoSession { name, .. } => write!(f, "there is no [sso-session {name}]"),
            Self::SsoSession { name, reason } => write!(f, "[sso-session {name}] {reason}"),
            Self::NoSignIn(name) => {
                write!(f, "profile `{name}` does not get its credentials from IAM Identity Center")
            }
            Self::Key(error) => error.fmt(f),
            Self::Environment(reason) => f.write_str(reason),
            Self::OriginalSourceLost(None) => f.write_str(
                "this shell has a role from arl, but arl cannot tell which credentials it had before",
            ),
            Self::OriginalSourceLost(Some(id)) => write!(
                f,
                "this shell has a role from arl, but the credentials that the role started from (`{id}`) are gone"
            ),
            Self::NothingToChainFrom => f.write_str("this shell has no role to start from"),
            Self::NotConfigured => f.write_str("there are no AWS credentials to start from"),
        }
    }
}

impl std::error::Error for SourceError {}

impl From<InvalidProfileKey> for SourceError {
    fn from(error: InvalidProfileKey) -> Self {
        Self::Key(error)
    }
}
