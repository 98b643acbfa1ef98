//! Completes values from files, never from the network, and without messages.

mod identity_center;
mod known;
mod roles;
mod values;

use std::ffi::OsStr;

use clap_complete::engine::CompletionCandidate;

pub(crate) use self::identity_center::{account_ids, role_names, sign_ins};
pub(crate) use self::roles::{profiles, roles, written_profiles};
pub(crate) use self::values::{
    completion_shells, durations, hook_shells, key_names, output_shells, partitions, regions, services,
};

/// The help of the candidate for file names, which has no value. The shell completes file names by
/// itself, with its own rules for directories and `~`.
const FILES: &str = "files";

/// Completes the name of a file.
pub(crate) fn files(_: &OsStr) -> Vec<CompletionCandidate> {
    vec![CompletionCandidate::new("").help(Some(FILES.into()))]
}
