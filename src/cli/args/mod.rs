//! The command line as typed.

pub(crate) mod complete;
pub(crate) mod file_url;
pub(crate) mod global;
pub(crate) mod help;
pub(crate) mod overwrite;
pub(crate) mod regions;
pub(crate) mod role;
pub(crate) mod services;
