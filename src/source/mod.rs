//! Source credentials: decides, without any network call, what a call starts from.

mod error;
mod kind;
mod metadata;
mod profile;
mod resolve;
mod role_ref;
mod stored_key;

pub use error::SourceError;
pub use kind::{
    ContainerSource, ContainerToken, LoginSource, MetadataPresence, MetadataSource, PROCESS_ANCESTORS,
    ProcessSource, Source, SourceId, SsoSource,
};
pub use resolve::{ShellRole, SourceChain, SourceResolver};
pub use role_ref::{RoleRef, closest};
