//! Shared files for one command, without a profile that would take precedence over arl's endpoint.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use arl::internal::files;

use crate::cli::env::dirs;
use crate::cli::env::vars;

/// A directory with two files and no secret. Dropping this removes it.
#[derive(Debug)]
pub(crate) struct IsolatedConfig {
    directory: PathBuf,
}

const SHARED_FILES: [(&str, &str); 2] =
    [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")];

impl IsolatedConfig {
    /// Creates the files. The command sees only the region of the user's own files.
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

    /// Returns the variables that point the command to the files.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, OsString)> {
        let files = SHARED_FILES
            .into_iter()
            .map(|(variable, name)| (variable, self.directory.join(name).into_os_string()));
        files.chain([(BOTO_CONFIG, "/dev/null".into())])
    }
}

/// Creates a new directory for this process.
fn create_unique_dir(parent: &Path) -> io::Result<PathBuf> {
    // A process ID is not unique, because containers may share a directory. An existing directory may be in
    // use.
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

/// The variable of the file in which botocore looks for keys before it asks an endpoint. Source: botocore's
/// `BotoProvider`.
const BOTO_CONFIG: &str = "BOTO_CONFIG";

/// Returns the first of boto's files that has an AWS key. gsutil still uses these files.
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
    // Reading a pipe would take data from its reader.
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
