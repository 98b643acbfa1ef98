//! How arl was started: its arguments, its executable and its directory.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

static ARGUMENTS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Stores the arguments for [`arguments`], and returns them.
pub(crate) fn set_arguments(arguments: Vec<OsString>) -> &'static [OsString] {
    ARGUMENTS.get_or_init(|| arguments)
}

/// Returns the path of the running executable.
///
/// # Errors
/// The system does not know it, for instance because the file was deleted.
pub(crate) fn executable() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// Returns the arguments, the program's name first.
pub(crate) fn arguments() -> &'static [OsString] {
    ARGUMENTS.get().map_or(&[], Vec::as_slice)
}

/// Returns the current directory.
///
/// # Errors
/// It was removed, or a directory above it cannot be read.
pub(crate) fn current_directory() -> io::Result<PathBuf> {
    std::env::current_dir()
}
