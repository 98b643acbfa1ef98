//! Writes into a file that cannot be replaced: it is a mount point, or its directory may not be written.
//!
//! Containers mount single files. A reader may see the file while arl writes it, so arl writes everything
//! with one system call and does not truncate the file first.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::files;

/// The permissions that let other users read a file.
const READABLE_BY_OTHERS: u32 = 0o044;

/// Whether the error means that the file cannot be replaced.
pub(super) fn is_needed(error: &io::Error) -> bool {
    let needed = [Errno::BUSY, Errno::XDEV, Errno::ACCESS, Errno::PERM, Errno::ROFS];
    Errno::from_io_error(error).is_some_and(|errno| needed.contains(&errno))
}

/// Writes `after` into the file, if it still contains `before`. Returns whether it wrote.
pub(super) fn write(path: &Path, before: &[u8], after: &[u8], mode: u32) -> io::Result<bool> {
    let mut file = open(path)?;
    let mut now = Zeroizing::new(Vec::with_capacity(before.len()));
    (&mut file).take(files::MAX_CONFIG + 1).read_to_end(&mut now)?;
    if now.as_slice() != before {
        return Ok(false);
    }
    set_mode(&file, mode)?;
    if let Err(error) = overwrite(&mut file, before.len(), after) {
        // The disk may be full: put the old text back. Pad only up to the present length, because more
        // would need space.
        let written = file.metadata().map_or(before.len() as u64, |metadata| metadata.len());
        let _ = overwrite(&mut file, usize::try_from(written).unwrap_or(before.len()), before);
        return Err(error);
    }
    Ok(true)
}

/// Opens the file itself, which is also the lock where no lock file can be made beside it. It refuses a file
/// with a second name (a hard link), which may be another user's file.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    match metadata.is_file() && metadata.nlink() == 1 {
        true => Ok(file),
        false => Err(io::Error::other(
            "it cannot be replaced, and it is not a regular file, or has several hard links",
        )),
    }
}

/// Writes `text` with one system call. If it is shorter than the old text, empty lines follow it until the
/// file is truncated, so that a reader never sees the rest of the old text.
fn overwrite(file: &mut File, old_length: usize, text: &[u8]) -> io::Result<()> {
    let mut padded = Zeroizing::new(text.to_vec());
    padded.resize(old_length.max(text.len()), b'\n');
    file.rewind()?;
    file.write_all(&padded)?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}

/// Sets the permissions. CIFS, and Windows drives under WSL, refuse that. A refusal is an error only if other
/// users can read the file although they should not.
pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    let Err(error) = file.set_permissions(Permissions::from_mode(mode)) else { return Ok(()) };
    match file.metadata()?.mode() & READABLE_BY_OTHERS & !mode {
        0 => Ok(()),
        _ => Err(io::Error::new(
            error.kind(),
            format!("its permissions cannot be set ({error}), and other users can read it"),
        )),
    }
}
