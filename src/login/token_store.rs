//! The token files of sign-ins.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};

use super::error::LoginError;
use crate::endpoint::random_token;
use crate::profiles::{FileMode, UpdateError, update};
use crate::source::{
    SsoSession, SsoToken, read_sso_file, sign_in_id, sign_in_note_path, sso_cache_directory,
};

/// The directory with the token files, which the AWS CLI and the SDKs share.
#[derive(Debug, Clone)]
pub struct TokenStore {
    directory: PathBuf,
}

impl TokenStore {
    /// Uses the files in this home directory.
    pub fn new(home: &Path) -> Self {
        Self { directory: sso_cache_directory(home) }
    }

    /// Returns the directory. It also has the locks of the sign-ins, beside the files that they protect.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the path of a sign-in's token file.
    pub fn path(&self, session: &SsoSession) -> PathBuf {
        self.directory.join(session.token_file_name())
    }

    /// Returns the token of a sign-in. `None` if there is none.
    ///
    /// # Errors
    /// The file cannot be read, or another user could have written it.
    pub fn read(&self, session: &SsoSession) -> Result<Option<SsoToken>, LoginError> {
        let path = self.path(session);
        match read_sso_file(&path) {
            Ok(text) => Ok(SsoToken::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
            Err(error) => Err(LoginError::TokenFile(path, error.to_string())),
        }
    }

    /// Replaces the token of a sign-in in one step. The file has mode 0600.
    ///
    /// # Errors
    /// The file cannot be written. It is then as before.
    pub fn write(&self, session: &SsoSession, token: &SsoToken) -> Result<(), LoginError> {
        let path = self.path(session);
        let edit = |old: &[u8]| Ok::<_, Infallible>(token.to_json(old).into_bytes());
        match update(&path, FileMode::Private, edit) {
            Ok(_) => Ok(()),
            Err(error) => Err(LoginError::not_written(path, &error)),
        }
    }

    /// Replaces the token of a sign-in with the one that was issued for it, unless the file contains another
    /// token, or none, by now. Returns whether it replaced the token.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(super) fn renew(
        &self,
        session: &SsoSession,
        old: &SsoToken,
        new: &SsoToken,
    ) -> Result<bool, LoginError> {
        let path = self.path(session);
        let edit = |text: &[u8]| {
            let is_old = SsoToken::parse(text).is_some_and(|now| now.access_token == old.access_token);
            if is_old { Ok(new.to_json(text).into_bytes()) } else { Err("it contains another token") }
        };
        match update(&path, FileMode::Private, edit) {
            Ok(_) => Ok(true),
            Err(UpdateError::Edit(_)) => Ok(false),
            Err(error) => Err(LoginError::not_written(path, &error)),
        }
    }

    /// Returns a text that differs between two sign-ins and stays the same through renewals. `None` if there
    /// is no token.
    pub(super) fn sign_in_id(&self, session: &SsoSession) -> Option<String> {
        sign_in_id(&self.directory, session)
    }

    /// Notes that a user signs in. After that, no cached answer of the previous sign-in counts, in any cache
    /// directory, because that sign-in may have been another user's.
    ///
    /// # Errors
    /// The note cannot be written.
    pub(super) fn note_sign_in(&self, session: &SsoSession) -> Result<(), LoginError> {
        let path = sign_in_note_path(&self.directory, session);
        let note = match random_token::<16>() {
            Ok(note) => note,
            Err(error) => return Err(LoginError::TokenFile(path, error.to_string())),
        };
        match update(&path, FileMode::Private, |_| Ok::<_, Infallible>(note.clone().into_bytes())) {
            Ok(_) => Ok(()),
            Err(error) => Err(LoginError::not_written(path, &error)),
        }
    }
}
