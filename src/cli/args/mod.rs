//! The command line as it was typed.

pub(crate) mod complete;
pub(crate) mod global;
pub(crate) mod help;
pub(crate) mod role;
