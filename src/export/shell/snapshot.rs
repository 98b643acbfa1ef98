//! What a shell had before it became a role, and what it holds.

use crate::export::identity::{IDENTITY_VARIABLES, SET_VARIABLES};

/// The region variables are no part of the identity, but `assume` may change them.
const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The values and absences of every variable that `assume` may change, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before(Vec<(&'static str, Option<Vec<u8>>)>);

/// How a variable is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule<'a> {
    /// Whatever it is now.
    Always,
    /// Only if it is still unset, as `assume` left it: somebody may have chosen another source since.
    IfUnset,
    /// Only if it still has the value that `assume` gave it.
    IfStill(&'a str),
}

impl Before {
    /// Takes a picture of an environment. `var` looks a variable up.
    pub fn of(var: impl Fn(&str) -> Option<Vec<u8>>) -> Self {
        let names = IDENTITY_VARIABLES.into_iter().chain(REGION_VARIABLES);
        // arl's own are leftovers, unless they tell of an endpoint: those are not put back.
        let endpoint = var("ARL_ENDPOINT");
        let has_endpoint = endpoint.is_some() && endpoint == var("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let is_leftover = |name: &str| name.starts_with("ARL_") && !has_endpoint;
        let value = |name: &str| if is_leftover(name) { None } else { var(name) };
        Self(names.map(|name| (name, value(name))).collect())
    }

    /// Only the region variables.
    #[must_use]
    pub fn only_region(&self) -> Self {
        let is_region = |(name, _): &&(&str, _)| REGION_VARIABLES.contains(name);
        Self(self.0.iter().filter(is_region).cloned().collect())
    }

    /// Every variable with its old value and the rule for putting it back. `region` is the one that
    /// `assume` sets; without it the region variables are not touched at all.
    pub(super) fn rules<'a>(
        &'a self,
        region: Option<&'a str>,
    ) -> impl Iterator<Item = (&'static str, Option<&'a [u8]>, Rule<'a>)> {
        self.0.iter().filter_map(move |(name, value)| {
            let rule = if REGION_VARIABLES.contains(name) {
                Rule::IfStill(region?)
            } else if SET_VARIABLES.contains(name) {
                Rule::Always
            } else {
                Rule::IfUnset
            };
            Some((*name, value.as_deref(), rule))
        })
    }
}

/// What a shell remembers of the time before it became a role.
#[derive(Debug)]
pub enum Memory {
    /// Nothing yet: this is what stands there now.
    New(Before),
    /// It holds a role already and remembers what was before that. Only a change of region is new.
    Kept(Before),
    /// It holds a role, and the memory came through the environment, so it may be anybody's.
    Foreign,
}

/// What a shell that gives an identity up is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It holds a role of arl's. What it remembers of the time before may be put back.
    Role {
        /// The memory came through the environment, so it may be anybody's: unset only.
        is_foreign_memory: bool,
    },
    /// It holds no keys; a role may have expired before, and the memory may still be there.
    Nothing {
        /// As with a role.
        is_foreign_memory: bool,
    },
    /// It holds keys that are not arl's.
    ForeignKeys {
        /// As with a role.
        is_foreign_memory: bool,
    },
}
