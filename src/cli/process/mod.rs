//! Runs commands: in place of arl, or beside it.

pub(crate) mod browser;
pub(crate) mod child;
pub(crate) mod command_template;
pub(crate) mod core_limit;
pub(crate) mod environment;
pub(crate) mod lookup;
pub(crate) mod orphans;
pub(crate) mod replace;
pub(crate) mod signals;
pub(crate) mod standard_streams;
