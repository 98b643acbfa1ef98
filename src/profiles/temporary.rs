//! The temporary files in which arl writes the new version of a shared file.
//!
//! Each process uses a name of its own. With a shared name, a process could exchange the unfinished file of
//! another one into place where locks do not work, as on some network file systems, or after another program
//! has removed the lock file.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::in_place;

/// What follows the name of the file in the names of its temporary files.
const SUFFIX: &str = "arl.tmp";

/// Returns the path `.NAME.SUFFIX` in the same directory.
pub(super) fn sibling_path(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

/// Returns a new name for a temporary file, such as `.config.arl.tmp-1f8a03c2`.
pub(super) fn name_beside(path: &Path) -> PathBuf {
    sibling_path(path, &format!("{SUFFIX}-{:08x}", fastrand::u32(..)))
}

/// Whether a process has left a temporary file.
pub(super) fn exists(path: &Path) -> bool {
    all(path).next().is_some()
}

/// Removes the temporary files of processes that were killed. The caller holds the lock of the file, so no
/// other process uses one.
pub(super) fn remove_all(path: &Path) {
    for file in all(path) {
        let _ = fs::remove_file(file);
    }
}

fn all(path: &Path) -> impl Iterator<Item = PathBuf> {
    let prefix = sibling_path(path, SUFFIX).file_name().unwrap_or_default().to_owned();
    let entries = path.parent().and_then(|directory| fs::read_dir(directory).ok());
    let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let is_ours = move |path: &PathBuf| {
        let name = path.file_name().map_or(&b""[..], OsStr::as_bytes);
        name.strip_prefix(prefix.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'-')
    };
    paths.filter(is_ours)
}

/// Gives a file that this process has created to the owner of its directory or of the file that it replaces,
/// if this process is root. Root may act for that owner, who must be able to use the file afterwards. Other
/// users cannot change an owner and need not. Root in a container cannot either, if the container does not
/// have that user.
pub(super) fn chown_to(file: &File, owner: Option<(u32, u32)>) -> io::Result<()> {
    let metadata = file.metadata()?;
    match owner {
        Some((user, group)) if user != metadata.uid() && rustix::process::geteuid().is_root() => {
            match std::os::unix::fs::fchown(file, Some(user), Some(group)) {
                Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => Ok(()),
                result => result,
            }
        }
        _ => Ok(()),
    }
}

/// Writes the bytes into a new file.
pub(super) fn write(path: &Path, bytes: &[u8], mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    in_place::set_mode(&file, mode)?;
    chown_to(&file, owner)?;
    file.sync_all()
}
