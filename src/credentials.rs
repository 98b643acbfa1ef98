//! AWS credentials that are safe to hand on.

use std::fmt;
use std::time::SystemTime;

use crate::arn::AccountId;
use crate::secret::Secret;

/// Longest texts taken; AWS documents 128 for the ID and leaves the others open.
const MAX_ID: usize = 128;
const MAX_SECRET: usize = 1024;
/// The kernel takes no environment variable above 128 KiB; a token is far below, or it is no token.
const MAX_TOKEN: usize = 64 * 1024;

/// An access key, temporary (with session token and expiration) or long-term.
///
/// Every text in it is printable ASCII without blanks, so no value can end a line, move a cursor or hide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    expiration: Option<SystemTime>,
    account_id: Option<AccountId>,
}

/// A credentials field that no AWS service would issue. The value itself is never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCredentials {
    field: &'static str,
    fault: &'static str,
}

impl fmt::Display for InvalidCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} {}", self.field, self.fault)
    }
}

impl std::error::Error for InvalidCredentials {}

impl Credentials {
    /// Checks and takes the parts over.
    ///
    /// # Errors
    /// A text is empty, too long, or holds a blank, a control or a non-ASCII character.
    pub fn new(
        access_key_id: String,
        secret_access_key: Secret,
        session_token: Option<Secret>,
        expiration: Option<SystemTime>,
    ) -> Result<Self, InvalidCredentials> {
        check("access key ID", &access_key_id, MAX_ID)?;
        check("secret access key", secret_access_key.expose(), MAX_SECRET)?;
        if let Some(token) = &session_token {
            check("session token", token.expose(), MAX_TOKEN)?;
        }
        Ok(Self { access_key_id, secret_access_key, session_token, expiration, account_id: None })
    }

    /// The same credentials, known to belong to an account.
    #[must_use]
    pub fn with_account_id(self, account_id: Option<AccountId>) -> Self {
        Self { account_id, ..self }
    }

    /// The access key ID; an identifier, not a secret.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The secret access key.
    pub fn secret_access_key(&self) -> &Secret {
        &self.secret_access_key
    }

    /// The session token; absent for long-term keys.
    pub fn session_token(&self) -> Option<&Secret> {
        self.session_token.as_ref()
    }

    /// When they end; absent if nobody said.
    pub fn expiration(&self) -> Option<SystemTime> {
        self.expiration
    }

    /// The account they belong to, where known.
    pub fn account_id(&self) -> Option<&AccountId> {
        self.account_id.as_ref()
    }
}

fn check(field: &'static str, text: &str, max: usize) -> Result<(), InvalidCredentials> {
    let fault = if text.is_empty() {
        "is empty"
    } else if text.len() > max {
        "is longer than AWS issues them"
    } else if !text.bytes().all(|b| b.is_ascii_graphic()) {
        "holds a blank, a control character or a non-ASCII character"
    } else {
        return Ok(());
    };
    Err(InvalidCredentials { field, fault })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_could_reach_beyond_their_place_are_refused() {
        for bad in ["", "a b", "a\nb", "a\u{1b}[2J", "a\u{202e}b", "é", &"x".repeat(70_000)] {
            let token = Some(Secret::new(bad.to_owned()));
            let error = Credentials::new("ASIA".into(), Secret::new("s".into()), token, None).expect_err(bad);
            assert!(error.to_string().starts_with("the session token "), "{error}");
        }
    }
}
