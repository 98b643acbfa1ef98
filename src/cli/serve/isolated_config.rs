//! Creates shared files for one command, with no profile that would take precedence over arl's endpoint.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use arl::internal::files;

use crate::cli::env::vars;
use crate::cli::serve::private_dir::PrivateDir;

/// Writes two shared files without secrets, and returns the variables that point the command to them. The
/// command sees only the region of the user's own files.
pub(crate) fn isolate(
    directory: &PrivateDir,
    region: Option<&str>,
) -> io::Result<[(&'static str, OsString); 3]> {
    let region = region.map(|region| format!("region = {region}\n")).unwrap_or_default();
    let config = directory.write("config", &format!("[default]\n{region}"))?;
    let credentials = directory.write("credentials", "")?;
    Ok([
        ("AWS_CONFIG_FILE", config.into_os_string()),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.into_os_string()),
        (BOTO_CONFIG, "/dev/null".into()),
    ])
}

/// The variable of the file in which botocore looks for keys before it asks an endpoint. Source: botocore's
/// `BotoProvider`.
const BOTO_CONFIG: &str = "BOTO_CONFIG";

/// Returns the first of boto's files with an AWS key. gsutil still uses these files.
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
