//! Symbolic links that another user may have made on the way to a file that arl writes.
//!
//! Root may run arl for the owner of a home directory, who can put a link anywhere in it. If root followed
//! every link, that user could make root change any file. So arl follows another user's link only if it leads
//! to a file or directory of that same user.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
#[cfg(feature = "cli")]
use std::path::PathBuf;

/// The most links on the way to a file, as in the Linux kernel.
const MAX_LINKS: usize = 40;

/// Returns the file that a chain of links leads to, even if it does not exist yet.
///
/// # Errors
/// There are too many links, or a link of another user leads to a file or directory that is not that user's.
#[cfg(feature = "cli")]
pub(crate) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    let mut makers = Vec::new();
    for _ in 0..MAX_LINKS {
        check_directories(path.parent().unwrap_or(&path))?;
        match fs::read_link(&path) {
            Ok(target) => {
                makers.extend(fs::symlink_metadata(&path).ok().map(|link| link.uid()));
                path = path.parent().unwrap_or(Path::new("/")).join(target);
            }
            Err(_) => {
                let owner = owner_of_place(&path);
                return match makers.iter().all(|maker| is_trusted(*maker, owner)) {
                    true => Ok(path),
                    false => Err(refusal(&path)),
                };
            }
        }
    }
    Err(io::Error::other("too many links"))
}

/// Checks the links on the way to a directory, which may not exist yet.
///
/// # Errors
/// As [`resolve`].
pub(crate) fn check_directories(directory: &Path) -> io::Result<()> {
    let mut paths = vec![directory.to_owned()];
    let mut links = 0;
    while let Some(path) = paths.pop() {
        for above in path.ancestors() {
            let Ok(target) = fs::read_link(above) else { continue };
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::other("too many links"));
            }
            let target = above.parent().unwrap_or(Path::new("/")).join(target);
            let maker = fs::symlink_metadata(above)?.uid();
            if !is_trusted(maker, owner_of_place(&target)) {
                return Err(refusal(&target));
            }
            // There may be links on the way to the target, too.
            paths.push(target);
        }
    }
    Ok(())
}

/// Returns the owner of a file. One that does not exist yet belongs to the owner of its directory.
fn owner_of_place(path: &Path) -> Option<u32> {
    let owner = fs::metadata(path).or_else(|_| fs::metadata(path.parent().unwrap_or(path)));
    owner.ok().map(|metadata| metadata.uid())
}

fn is_trusted(maker: u32, owner: Option<u32>) -> bool {
    maker == rustix::process::geteuid().as_raw() || maker == 0 || Some(maker) == owner
}

fn refusal(target: &Path) -> io::Error {
    let target = target.display();
    io::Error::other(format!(
        "a symbolic link of another user leads to `{target}`, which that user does not own"
    ))
}
