//! Directories that belong to this user alone.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether root is about to make directories in the home of a user, who could not use them: `sudo -E`.
pub(super) fn is_roots_in_a_home(directory: &Path) -> bool {
    let found = || directory.ancestors().find_map(|above| fs::metadata(above).ok());
    rustix::process::geteuid().is_root() && found().is_some_and(|found| found.uid() != 0)
}
