//! Gets the session that a plan leads to: from the cache, else hop by hop from STS.

pub(crate) mod runner;
pub(crate) mod runtime;
