//! Shared files of a command's own, in which no profile stands before the endpoint that arl serves.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use arl::internal::files;

use crate::cli::env::dirs;
use crate::cli::env::vars;

/// A directory with two files and no secret, which goes when this is dropped.
#[derive(Debug)]
pub(crate) struct IsolatedConfig {
    directory: PathBuf,
}

const SHARED_FILES: [(&str, &str); 2] =
    [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")];

impl IsolatedConfig {
    /// Makes the files; the region is all that the command sees of the person's own.
    pub(crate) fn new(region: Option<&str>) -> io::Result<Self> {
        let runtime = vars::raw(vars::XDG_RUNTIME_DIR).map(PathBuf::from);
        let parent =
            runtime.filter(|path| path.is_absolute() && path.is_dir()).unwrap_or_else(dirs::temporary);
        let isolated_config = Self { directory: create_unique_dir(&parent)? };
        let region = region.map(|region| format!("region = {region}\n")).unwrap_or_default();
        for ((_, name), text) in SHARED_FILES.into_iter().zip([format!("[default]\n{region}"), String::new()])
        {
            let path = isolated_config.directory.join(name);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(text.as_bytes())?;
        }
        Ok(isolated_config)
    }

    /// What points the command to them.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, OsString)> {
        let files = SHARED_FILES
            .into_iter()
            .map(|(variable, name)| (variable, self.directory.join(name).into_os_string()));
        files.chain([(BOTO_CONFIG, "/dev/null".into())])
    }
}

/// A new directory of this process alone.
fn create_unique_dir(parent: &Path) -> io::Result<PathBuf> {
    // A number of a process is not one of a kind: containers may share a directory, and one that is there may be in use.
    let names = (0_u32..).map(|number| format!("arl-isolated-{}-{number}", std::process::id()));
    for name in names {
        let directory = parent.join(name);
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|()| directory),
        }
    }
    unreachable!("a directory holds fewer than 2^32 names of one process")
}

/// Where botocore looks for keys before it asks an endpoint. Source: botocore's `BotoProvider`.
const BOTO_CONFIG: &str = "BOTO_CONFIG";

/// The first of boto's files, which gsutil has kept alive, with an AWS key in it.
pub(crate) fn boto_file_with_keys() -> Option<PathBuf> {
    let files = match vars::get(BOTO_CONFIG) {
        Some(file) => vec![PathBuf::from(file)],
        None => {
            [Some("/etc/boto.cfg".into()), vars::get(vars::HOME).map(|home| Path::new(&home).join(".boto"))]
                .into_iter()
                .flatten()
                .collect()
        }
    };
    // A pipe would be read to nobody's use.
    files.into_iter().filter(|file| file.is_file()).find(|file| {
        let text = files::read(file, files::MAX_CONFIG).unwrap_or_default();
        let is_key = |line: &str| line.trim_start().to_ascii_lowercase().starts_with("aws_access_key_id");
        String::from_utf8_lossy(&text).lines().any(is_key)
    })
}

impl Drop for IsolatedConfig {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
