//! The output for `eval "$(arl …)"` when arl fails.

pub(crate) mod guard;
pub(crate) mod report;
