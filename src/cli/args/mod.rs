//! The command line as it was typed.

pub(crate) mod global;
pub(crate) mod help;
