//! What `eval "$(arl …)"` reads when arl fails.

pub(crate) mod guard;
pub(crate) mod report;
