//! The variables of a shell from before its role, and the state of the shell now.

use crate::export::identity::{ASSUMED_VARIABLES, IDENTITY_VARIABLES, REGION_VARIABLES, RegionChange};

/// The previous values, as bytes, of all variables that `assume` may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvSnapshot(Vec<(&'static str, Option<Vec<u8>>)>);

/// When a variable is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RestoreRule<'a> {
    /// Always.
    Always,
    /// Only if it is still unset, as `assume` left it. If it is set, the user chose another source later.
    IfUnset,
    /// Only if it still has the value that `assume` set.
    IfUnchanged(&'a str),
}

impl EnvSnapshot {
    /// Saves the variables of an environment. `var` looks up a variable.
    pub fn capture(var: impl Fn(&str) -> Option<Vec<u8>>) -> Self {
        let names = IDENTITY_VARIABLES.into_iter().chain(REGION_VARIABLES);
        // arl's own variables are leftovers and are not restored, unless they belong to an endpoint.
        let endpoint = var("ARL_ENDPOINT");
        let has_endpoint = endpoint.is_some() && endpoint == var("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let is_leftover = |name: &str| name.starts_with("ARL_") && !has_endpoint;
        let value = |name: &str| if is_leftover(name) { None } else { var(name) };
        Self(names.map(|name| (name, value(name))).collect())
    }

    /// Returns a snapshot of only the region variables.
    #[must_use]
    pub fn only_region(&self) -> Self {
        let is_region = |(name, _): &&(&str, _)| REGION_VARIABLES.contains(name);
        Self(self.0.iter().filter(is_region).cloned().collect())
    }

    /// Returns the region variables that are set.
    pub(super) fn regions(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let is_region = |name: &str| REGION_VARIABLES.contains(&name);
        self.0
            .iter()
            .filter_map(move |(name, value)| Some((*name, value.as_deref().filter(|_| is_region(name))?)))
    }

    /// Returns every variable with its previous value and its rule. `region` is what `assume` does with the
    /// region variables: those that it keeps are left out.
    pub(super) fn rules<'a>(
        &'a self,
        region: &'a RegionChange,
    ) -> impl Iterator<Item = (&'static str, Option<&'a [u8]>, RestoreRule<'a>)> {
        self.0.iter().filter_map(move |(name, value)| {
            let rule = if REGION_VARIABLES.contains(name) {
                match region {
                    RegionChange::Keep => return None,
                    RegionChange::Set(region) | RegionChange::Complete(region) => {
                        RestoreRule::IfUnchanged(region)
                    }
                    RegionChange::Unset => RestoreRule::IfUnset,
                }
            } else if ASSUMED_VARIABLES.contains(name) {
                RestoreRule::Always
            } else {
                RestoreRule::IfUnset
            };
            Some((*name, value.as_deref(), rule))
        })
    }
}

/// The variables from before a role, which the shell saves.
#[derive(Debug)]
pub enum RestorePoint {
    /// The shell has no role yet: save these variables.
    Capture(EnvSnapshot),
    /// The shell has a role already and keeps its restore point. The snapshot holds the region
    /// variables, which the user may have changed since.
    Existing(EnvSnapshot),
    /// The shell has a role, and its saved variables came from its environment, so they cannot be trusted.
    Untrusted,
}

impl ShellState {
    /// Whether the saved variables came from the environment, so that their text must not be evaluated.
    pub fn restore_is_untrusted(self) -> bool {
        match self {
            Self::Role { restore_is_untrusted }
            | Self::NoKeys { restore_is_untrusted }
            | Self::OtherKeys { restore_is_untrusted } => restore_is_untrusted,
        }
    }
}

/// The state of a shell that gives up its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellState {
    /// It has a role from arl.
    Role {
        /// Whether the saved variables came from the environment. Then they cannot be trusted and are not
        /// restored.
        restore_is_untrusted: bool,
    },
    /// It has no keys. A role may have expired, and the saved variables may still exist.
    NoKeys {
        /// As in [`ShellState::Role`].
        restore_is_untrusted: bool,
    },
    /// It has keys that are not from arl.
    OtherKeys {
        /// As in [`ShellState::Role`].
        restore_is_untrusted: bool,
    },
}
