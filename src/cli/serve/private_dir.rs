//! A directory for one command, which only the user can read.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::cli::env::dirs;

/// A directory that only the user can read. Dropping this removes the directory.
#[derive(Debug)]
pub(crate) struct PrivateDir(PathBuf);

impl PrivateDir {
    /// Creates a new directory in `$XDG_RUNTIME_DIR/arl`, or in the directory for temporary files.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = dirs::runtime_dir()
            .filter(|directory| DirBuilder::new().mode(0o700).recursive(true).create(directory).is_ok());
        create_unique_dir(&runtime.unwrap_or_else(dirs::temporary)).map(Self)
    }

    /// Creates a file and returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(path)
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Creates a new directory for this process.
fn create_unique_dir(parent: &Path) -> io::Result<PathBuf> {
    // A process ID is not unique, because containers may share a directory. An existing directory may be in
    // use.
    let names = (0_u32..).map(|number| format!("arl-server-{}-{number}", std::process::id()));
    for name in names {
        let directory = parent.join(name);
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|()| directory),
        }
    }
    unreachable!("a directory holds fewer than 2^32 names of one process")
}
