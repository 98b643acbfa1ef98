//! Directories and files that must belong to this user alone.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::links;

/// Creates a directory with mode 0700, unless it exists. Returns its permission bits.
///
/// # Errors
/// The directory cannot be created, is not a directory, or belongs to another user. For root (`sudo -E`), two
/// more cases are errors: the directory is missing and would be in a directory of another user, who could not
/// use it afterwards; or a link of another user leads to it.
pub(super) fn ensure(directory: &Path) -> io::Result<u32> {
    links::check_directories(directory)?;
    let refuse = |reason: &str| Err(io::Error::other(format!("`{}` {reason}", directory.display())));
    match fs::symlink_metadata(directory) {
        Ok(metadata) if !metadata.is_dir() => refuse("is not a directory"),
        Ok(metadata) if metadata.uid() != rustix::process::geteuid().as_raw() => {
            refuse("belongs to another user")
        }
        Ok(metadata) => Ok(metadata.mode() & 0o777),
        Err(_) if is_root_in_a_home(directory) => {
            refuse("does not exist, and root creates none in the directory of another user")
        }
        Err(_) => DirBuilder::new().recursive(true).mode(0o700).create(directory).map(|()| 0o700),
    }
}

/// Creates a directory as [`ensure`] does, or removes the permissions of other users.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn ensure_private(directory: &Path) -> io::Result<()> {
    match ensure(directory)? {
        mode if mode & 0o077 == 0 => Ok(()),
        _ => fs::set_permissions(directory, fs::Permissions::from_mode(0o700)),
    }
}

/// Returns the paths in a directory, and an empty list if it does not exist.
///
/// # Errors
/// The directory cannot be read, or a link of another user leads to it.
pub(crate) fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    links::check_directories(directory)?;
    match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => Ok(entries?.flatten().map(|entry| entry.path()).collect()),
    }
}

fn is_root_in_a_home(directory: &Path) -> bool {
    let nearest = || directory.ancestors().find_map(|above| fs::metadata(above).ok());
    rustix::process::geteuid().is_root() && nearest().is_some_and(|metadata| metadata.uid() != 0)
}

/// Returns the flags for opening arl's own files: they do not follow links, and do not wait at a named pipe.
pub(super) fn open_flags() -> i32 {
    i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default()
}
