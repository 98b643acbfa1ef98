//! A source with the roles that its profiles assume on the way to the target role.

use super::kind::{Source, SourceId};
use crate::credentials::Credentials;
use crate::keys::StoredKey;
use crate::profiles::RoleProfile;

/// A source and the roles that its profiles assume, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceChain {
    /// Identifies the source.
    pub id: SourceId,
    /// The source of the first credentials.
    pub source: Source,
    /// The profile with the first credentials, if they come from a profile.
    pub source_profile: Option<String>,
    /// The roles to assume, each with the name of its profile.
    pub hops: Vec<(String, RoleProfile)>,
}

impl SourceChain {
    /// Returns a chain that is only a source, without roles.
    pub(super) fn without_hops(id: SourceId, source: Source) -> Self {
        Self { id, source, source_profile: None, hops: Vec::new() }
    }

    pub(super) fn from_keychain(key: StoredKey) -> Self {
        Self::without_hops(SourceId::Keychain(key.name.clone()), Source::Keychain(key))
    }

    pub(super) fn from_env_keys(keys: Credentials) -> Self {
        Self::without_hops(SourceId::Environment(keys.access_key_id().to_owned()), Source::Keys(keys))
    }
}
