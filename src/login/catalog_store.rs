//! Caches catalogs in files that only their owner can read. They hold no secret, but list an organization's
//! accounts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::json;

use super::catalog::Catalog;
use super::token_store::TokenStore;
use crate::cache::{private_dir, private_file};
use crate::digest::sha256_hex;
use crate::source::SsoSession;

/// The largest catalog in bytes: about 100,000 accounts.
const MAX_CATALOG: u64 = 32 * 1024 * 1024;
/// The subdirectory of the cache.
const DIRECTORY: &str = "catalogs";
/// The prefix of the names of lock files.
const LOCK_PREFIX: &str = ".lock-";

/// The catalogs of a cache directory, a file for each sign-in.
#[derive(Debug, Clone)]
pub struct CatalogStore {
    directory: PathBuf,
    tokens: TokenStore,
}

impl CatalogStore {
    /// Uses the catalogs in this cache directory, which is created when the first one is stored. A catalog is
    /// valid only for the sign-in whose token is in `tokens`.
    pub fn new(cache: &Path, tokens: TokenStore) -> Self {
        Self { directory: cache.join(DIRECTORY), tokens }
    }

    /// Returns the directory. It also has the locks of the processes that ask the portal.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    fn file_name(session: &SsoSession) -> String {
        let SsoSession { name, start_url, region, scopes: _ } = session;
        sha256_hex(json!([name, start_url, region]).to_string().as_bytes())
    }

    pub(super) fn lock_name(session: &SsoSession) -> String {
        format!("{LOCK_PREFIX}{}", Self::file_name(session))
    }

    fn path(&self, session: &SsoSession) -> PathBuf {
        self.directory.join(Self::file_name(session))
    }

    /// Returns the catalog of a sign-in, if it is less than a day old. A catalog that other users could have
    /// written or read counts as missing, and so does one of an earlier sign-in.
    pub fn read(&self, session: &SsoSession, now: SystemTime) -> Option<Catalog> {
        let text = private_file::read(&self.path(session), MAX_CATALOG)?;
        let sign_in = self.tokens.sign_in_id(session)?;
        Catalog::parse(&text, session, &sign_in).filter(|catalog| catalog.is_fresh(now))
    }

    /// Replaces the catalog of a session with one that was found with this sign-in.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&self, session: &SsoSession, catalog: &Catalog, sign_in: &str) -> io::Result<()> {
        private_dir::ensure_private(&self.directory)?;
        let text = catalog.to_json(session, sign_in);
        private_file::replace(&self.path(session), text.as_bytes()).map(|_| ())
    }

    /// Removes the catalogs of a session, including those of its earlier start URLs.
    ///
    /// # Errors
    /// A file could not be removed.
    pub fn remove(&self, session: &SsoSession) -> io::Result<()> {
        self.remove_files(|path| {
            let text = private_file::read(path, MAX_CATALOG);
            text.and_then(|text| Catalog::session_of(&text)).as_deref() == Some(session.label())
        })
        .map(|_| ())
    }

    /// Removes all catalogs and returns their number.
    ///
    /// # Errors
    /// A file could not be removed.
    pub fn clear(&self) -> io::Result<usize> {
        self.remove_files(|_| true)
    }

    fn remove_files(&self, is_wanted: impl Fn(&Path) -> bool) -> io::Result<usize> {
        let mut removed = 0;
        for path in private_dir::entries(&self.directory)? {
            let is_temporary = private_file::is_temporary(&path);
            let is_catalog = private_file::is_stored(&path);
            if !(is_temporary || is_catalog && is_wanted(&path)) {
                continue;
            }
            match fs::remove_file(&path) {
                Ok(()) => removed += usize::from(!is_temporary),
                // Another process removed it first.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(removed)
    }
}
