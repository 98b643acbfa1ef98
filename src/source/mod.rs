//! Source credentials: what a call starts from, decided without any network call.

mod error;
mod kind;
mod own;
mod resolve;

pub use error::SourceError;
pub use kind::{LoginSource, PROCESS_ANCESTORS, ProcessSource, Source, SourceTag, SsoSource};
pub use resolve::{Chain, Sources};
