//! The operating-system user.

use std::path::PathBuf;

/// A user's name and home directory from `/etc/passwd`.
#[derive(Debug, Default, Clone)]
pub(crate) struct OsUser {
    pub(crate) name: Option<String>,
    pub(crate) home: Option<PathBuf>,
}

impl OsUser {
    /// Returns the user of this process. A user of a directory service is not in the file, so arl does not
    /// know that user's name and home.
    pub(crate) fn current() -> Self {
        let text = std::fs::read("/etc/passwd").unwrap_or_default();
        let uid = rustix::process::getuid().as_raw().to_string();
        Self::parse_passwd(&String::from_utf8_lossy(&text), &uid).unwrap_or_default()
    }

    fn parse_passwd(passwd: &str, uid: &str) -> Option<Self> {
        let fields = passwd
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields.get(2).is_some_and(|field| *field == uid))?;
        let non_empty = |field: &str| (!field.is_empty()).then(|| field.to_owned());
        Some(Self {
            name: fields.first().and_then(|name| non_empty(name)),
            home: fields.get(5).and_then(|home| non_empty(home)).map(PathBuf::from),
        })
    }
}
