//! The runtime directory of this user, and the directory for temporary files.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::cli::env::vars;

/// Returns `$XDG_RUNTIME_DIR/arl`, which is never remote and disappears at logout. `None` if it belongs to
/// another user, as after `su` or `sudo -E`.
pub(crate) fn runtime_dir() -> Option<PathBuf> {
    let runtime = vars::path(vars::XDG_RUNTIME_DIR).filter(|path| path.is_absolute())?;
    let directory = runtime.join("arl");
    let belongs_to_user = |metadata: std::fs::Metadata| metadata.uid() == rustix::process::geteuid().as_raw();
    let is_private = std::fs::metadata(runtime)
        .is_ok_and(|metadata| metadata.is_dir() && belongs_to_user(metadata))
        && std::fs::symlink_metadata(&directory).map_or(true, belongs_to_user);
    is_private.then_some(directory)
}

/// Returns the directory for temporary files.
pub(crate) fn temporary() -> PathBuf {
    std::env::temp_dir()
}

/// Returns the directory for locks that are not in a cache directory.
pub(crate) fn private_runtime_dir() -> PathBuf {
    let own = || temporary().join(format!("arl-{}", rustix::process::geteuid().as_raw()));
    runtime_dir().unwrap_or_else(own)
}
