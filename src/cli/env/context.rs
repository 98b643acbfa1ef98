//! The context of the process: user, home directory, shared files, clock.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use arl::internal::files;
use arl::internal::shell::Shell;
use arl::internal::{SharedConfig, SharedFile, SourceEnvironment, remove_leftover};

use crate::cli::env::os_user::OsUser;
use crate::cli::env::program;
use crate::cli::env::vars;
use crate::cli::ui::error::CliError;
use crate::cli::ui::text::quote_words;

/// The home directory, the user and the shared files (`~/.aws/config` and `~/.aws/credentials`), which arl
/// reads once.
#[derive(Debug)]
pub(crate) struct Context {
    /// Looked up on first use.
    user: OnceCell<OsUser>,
    home: Option<PathBuf>,
    files: [ConfigFile; 2],
}

#[derive(Debug, Default)]
struct ConfigFile {
    path: Option<PathBuf>,
    text: String,
}

impl Context {
    /// Reads the user and the home directory, without the shared files.
    pub(crate) fn read_user() -> Self {
        let user = OnceCell::new();
        // With a relative HOME, files in the current directory would count as the user's own.
        let home = vars::raw(vars::HOME)
            .map(PathBuf::from)
            .filter(|home| home.is_absolute())
            .or_else(|| user.get_or_init(OsUser::current).home.clone());
        Self { user, home, files: Default::default() }
    }

    /// Reads the two shared files too. A missing file counts as empty.
    pub(crate) fn read() -> Result<Self, CliError> {
        let user_only = Self::read_user();
        let file = |file| {
            let path = user_only.file_path(file);
            let text = path.as_deref().map_or_else(|| Ok(String::new()), read_text);
            let text = text.or_else(|error| {
                // In a container, HOME may belong to another user. Credentials in the environment need no
                // profile, so then an unreadable file counts as empty.
                let is_closed = path.as_deref().is_some_and(is_unreadable);
                let can_do_without = is_closed && !has_explicit_path(file) && has_env_credentials();
                if can_do_without { Ok(String::new()) } else { Err(error) }
            })?;
            Ok(ConfigFile { path, text })
        };
        let files = [file(SharedFile::Config)?, file(SharedFile::Credentials)?];
        Ok(Self { files, ..user_only })
    }

    /// Returns the path of a shared file: the environment's, else the one in the home directory.
    pub(crate) fn file_path(&self, file: SharedFile) -> Option<PathBuf> {
        let name = match file {
            SharedFile::Config => "config",
            SharedFile::Credentials => "credentials",
        };
        vars::raw(variable_of(file))
            .filter(|path| !path.is_empty())
            .map(|path| expand_tilde(&path, self.home()))
            .or_else(|| Some(self.home()?.join(".aws").join(name)))
    }

    /// Parses the shared files.
    pub(crate) fn shared_config(&self) -> Result<SharedConfig<'_>, CliError> {
        let [config, credentials] = &self.files;
        SharedConfig::parse(&config.text, &credentials.text).map_err(|error| {
            let path = self.display_path(error.file);
            let words = ["vi".to_owned(), format!("+{}", error.line), path.to_string()];
            let edit = format!("to edit that line: {}", quote_words(Shell::Posix, &words));
            CliError::new(format!("could not parse `{path}`")).caused_by(error).hint(edit)
        })
    }

    /// Returns the text of a shared file, as it was when arl read it.
    pub(crate) fn file_text(&self, file: SharedFile) -> &[u8] {
        let [config, credentials] = &self.files;
        match file {
            SharedFile::Config => config.text.as_bytes(),
            SharedFile::Credentials => credentials.text.as_bytes(),
        }
    }

    /// Removes the temporary files that killed processes have left beside the shared files. They may contain
    /// secrets.
    pub(crate) fn remove_leftovers(&self) {
        for file in [SharedFile::Config, SharedFile::Credentials] {
            if let Some(path) = self.file_path(file) {
                remove_leftover(&path);
            }
        }
    }

    /// Returns the path of a shared file, for messages.
    pub(crate) fn display_path(&self, file: SharedFile) -> String {
        let [config, credentials] = &self.files;
        let (file, name) = match file {
            SharedFile::Config => (config, "~/.aws/config"),
            SharedFile::Credentials => (credentials, "~/.aws/credentials"),
        };
        file.path.as_ref().map_or_else(|| name.to_owned(), |path| path.display().to_string())
    }

    /// Returns a path from a setting, with `~` replaced by the home directory.
    pub(crate) fn expand_path(&self, text: impl AsRef<OsStr>) -> PathBuf {
        expand_tilde(text.as_ref(), self.home.as_deref())
    }

    /// Returns the home directory, if there is one.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Returns the parts of the environment on which the cache keys of sources depend.
    pub(crate) fn source_environment<'a>(
        &self,
        var: &'a dyn Fn(&str) -> Option<String>,
    ) -> SourceEnvironment<'a> {
        SourceEnvironment {
            var,
            read_file: &|path| files::read(path, files::MAX_DOCUMENT).ok(),
            home: self.home.clone(),
            portal_url: None,
            config_file: self.display_path(SharedFile::Config),
            current_dir: &|| program::current_directory().unwrap_or_default(),
        }
    }

    /// Returns the name of the operating-system user.
    pub(crate) fn user_name(&self) -> String {
        let uid = || format!("uid-{}", rustix::process::getuid().as_raw());
        self.user
            .get_or_init(OsUser::current)
            .name
            .clone()
            .or_else(|| vars::get("USER"))
            .or_else(|| vars::get("LOGNAME"))
            .unwrap_or_else(uid)
    }

    /// Returns the current time.
    pub(crate) fn now() -> SystemTime {
        SystemTime::now()
    }
}

fn variable_of(file: SharedFile) -> &'static str {
    match file {
        SharedFile::Config => "AWS_CONFIG_FILE",
        SharedFile::Credentials => "AWS_SHARED_CREDENTIALS_FILE",
    }
}

fn has_explicit_path(file: SharedFile) -> bool {
    vars::path(variable_of(file)).is_some()
}

/// Whether the environment has keys or a web identity.
fn has_env_credentials() -> bool {
    let has = |names: [&str; 2]| names.into_iter().all(|name| vars::get(name).is_some());
    has(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
        || has(["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"])
}

fn is_unreadable(path: &Path) -> bool {
    let denied = |error: std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
    match std::fs::metadata(path) {
        // Opening a pipe could wait for its writer.
        Ok(metadata) => metadata.is_file() && std::fs::File::open(path).is_err_and(denied),
        Err(error) => denied(error),
    }
}

fn expand_tilde(path: &OsStr, home: Option<&Path>) -> PathBuf {
    let path = Path::new(path);
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

fn read_text(path: &Path) -> Result<String, CliError> {
    let failed =
        |cause: String| CliError::new(format!("could not read `{}`", path.display())).caused_by(cause);
    match files::read(path, files::MAX_CONFIG) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|error| {
            let index = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes()[..index].iter().filter(|&&b| b == b'\n').count();
            failed(format!("line {line} is not UTF-8"))
        }),
        Err(error)
            if matches!(
                error.kind(),
                // Docker creates a directory for a mount whose source is missing.
                std::io::ErrorKind::NotFound
                    | std::io::ErrorKind::NotADirectory
                    | std::io::ErrorKind::IsADirectory
            ) =>
        {
            Ok(String::new())
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Returns the variable that selects a profile.
pub(crate) fn profile_variable() -> &'static str {
    if vars::get(vars::AWS_PROFILE).is_some() { "AWS_PROFILE" } else { "AWS_DEFAULT_PROFILE" }
}
