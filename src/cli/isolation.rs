//! Shared files of a command's own, in which no profile stands before the endpoint that arl serves.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

/// A directory with two files and no secret, which goes when this is dropped.
#[derive(Debug)]
pub(super) struct Isolation {
    directory: PathBuf,
}

const FILES: [(&str, &str); 2] =
    [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")];

impl Isolation {
    /// Makes the files; the region is all that the command sees of the person's own.
    pub(super) fn new(region: Option<&str>) -> io::Result<Self> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let place =
            runtime.filter(|path| path.is_absolute() && path.is_dir()).unwrap_or_else(std::env::temp_dir);
        // Making it fails where somebody else has been faster.
        let directory = place.join(format!("arl-isolated-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&directory).or_else(|error| match error.kind() {
            // One of ours that was killed; nobody else can make it ours.
            io::ErrorKind::AlreadyExists => {
                fs::remove_dir_all(&directory)?;
                DirBuilder::new().mode(0o700).create(&directory)
            }
            _ => Err(error),
        })?;
        let isolation = Self { directory };
        let region = region.map(|region| format!("region = {region}\n")).unwrap_or_default();
        for ((_, name), text) in FILES.into_iter().zip([format!("[default]\n{region}"), String::new()]) {
            let path = isolation.directory.join(name);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(text.as_bytes())?;
        }
        Ok(isolation)
    }

    /// What points the command to them.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&'static str, OsString)> {
        FILES.into_iter().map(|(variable, name)| (variable, self.directory.join(name).into_os_string()))
    }
}

impl Drop for Isolation {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
