//! Decides, without a network call, which source credentials a call starts from.

mod chain;
mod error;
mod kind;
mod metadata;
mod profile;
mod resolve;
mod role_ref;
mod sign_in;
mod sign_in_id;
mod sso;
mod sso_token;
mod stored_key;

pub use chain::SourceChain;
pub use error::SourceError;
pub use kind::{
    ContainerSource, ContainerToken, LoginSource, MetadataPresence, MetadataSource, PROCESS_ANCESTORS,
    ProcessSource, Source, SourceId, SsoSession, SsoSource, WebIdentityToken,
};
pub use profile::has_credentials;
pub use resolve::{ShellRole, SourceResolver};
pub use role_ref::{RoleRef, closest};
pub(crate) use sign_in_id::{sign_in_id, sign_in_note_path};
pub use sso_token::{SsoClient, SsoToken};
pub(crate) use sso_token::{cache_file_name, read_sso_file, sso_cache_directory};
