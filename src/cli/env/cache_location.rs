//! The directories of the cache and of the locks.

use std::path::{Path, PathBuf};

use arl::internal::{CatalogStore, JsonFileCache, SessionStore, TokenStore};

use crate::cli::env::context::Context;
use crate::cli::env::dirs::{private_runtime_dir, runtime_dir};
use crate::cli::env::vars;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;

/// Where sessions are cached.
#[derive(Debug)]
pub(crate) enum CacheLocation {
    /// In files below this directory. `None` if there is no home directory.
    Files(Option<PathBuf>),
    /// In the kernel's keyring.
    Keyring,
    /// Nowhere.
    None,
}

impl CacheLocation {
    /// Returns the location that `ARL_CACHE` and the directories select.
    pub(crate) fn from_env(context: &Context) -> Result<Self, CliError> {
        match vars::get(vars::ARL_CACHE).as_deref() {
            None | Some("file") => Ok(Self::Files(cache_dir(context)?)),
            Some("keyring") if cfg!(target_os = "linux") => Ok(Self::Keyring),
            Some("keyring") => {
                Err(CliError::usage("ARL_CACHE=keyring needs the keyring of the Linux kernel"))
            }
            Some("none") => Ok(Self::None),
            Some(other) => Err(CliError::not_one_of(vars::ARL_CACHE, &["file", "keyring", "none"], other)),
        }
    }

    /// Opens the cache. `None` if caching is off or impossible.
    pub(crate) fn open(&self, output: &Output) -> Result<Option<Box<dyn SessionStore>>, CliError> {
        match self {
            Self::None => Ok(None),
            Self::Files(Some(directory)) => Ok(Some(Box::new(JsonFileCache::new(directory)))),
            Self::Files(None) => {
                output.warn_once(
                    "there is no home directory, so arl does not cache sessions; to cache them, set ARL_CACHE_DIR to a directory",
                );
                Ok(None)
            }
            Self::Keyring => keyring().map(Some),
        }
    }

    /// Returns the catalogs of IAM Identity Center. They hold no secret, so they are files even where
    /// sessions are in the keyring. `None` if caching is off or impossible.
    pub(crate) fn catalogs(context: &Context) -> Option<CatalogStore> {
        let directory = match Self::from_env(context).ok()? {
            Self::None => None,
            Self::Files(directory) => directory,
            Self::Keyring => cache_dir(context).ok()?,
        };
        directory
            .zip(context.home())
            .map(|(directory, home)| CatalogStore::new(&directory, TokenStore::new(home)))
    }

    /// Returns the directory of the locks with which processes wait for each other. They are in the runtime
    /// directory if there is one, because it is never remote, as the cache directory can be. Locks hold no
    /// secret.
    pub(crate) fn lock_dir(&self) -> Option<PathBuf> {
        match self {
            Self::None | Self::Files(None) => None,
            Self::Files(Some(directory)) => Some(runtime_dir().unwrap_or_else(|| directory.join("locks"))),
            Self::Keyring => Some(private_runtime_dir()),
        }
    }
}

#[cfg(target_os = "linux")]
fn keyring() -> Result<Box<dyn SessionStore>, CliError> {
    match arl::internal::KeyringCache::open() {
        Ok(cache) => Ok(Box::new(cache)),
        Err(error) => Err(CliError::new("could not use the kernel's keyring (ARL_CACHE=keyring)")
            .caused_by(error)
            .hint(
                "ARL_CACHE=none caches nothing; ARL_CACHE=file caches sessions in files that only you can read",
            )),
    }
}

#[cfg(not(target_os = "linux"))]
fn keyring() -> Result<Box<dyn SessionStore>, CliError> {
    Err(CliError::usage("ARL_CACHE=keyring needs the keyring of the Linux kernel"))
}

/// Returns `ARL_CACHE_DIR`, else the platform's cache directory.
pub(crate) fn cache_dir(context: &Context) -> Result<Option<PathBuf>, CliError> {
    if let Some(configured) = vars::path(vars::ARL_CACHE_DIR) {
        let path = context.expand_path(&configured);
        if path.is_relative() {
            let configured = configured.display();
            return Err(CliError::usage(format!(
                "ARL_CACHE_DIR must be an absolute path, not `{configured}`"
            )));
        }
        return Ok(Some(path));
    }
    let xdg = vars::path(vars::XDG_CACHE_HOME).filter(|path| path.is_absolute());
    let of_home =
        |home: &Path| home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" });
    Ok(xdg.or_else(|| context.home().map(of_home)).map(|caches| caches.join("arl")))
}
