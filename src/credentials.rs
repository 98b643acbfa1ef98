//! AWS credentials. Their text has no characters that could disturb a terminal or a shell.

use std::time::{Duration, SystemTime};

use crate::arn::AccountId;
use crate::error::Error;
use crate::secret::Secret;

/// The longest accepted texts, in bytes. AWS documents 128 characters for the ID and no limit for the others.
const MAX_ID: usize = 128;
const MAX_SECRET: usize = 1024;
/// Linux accepts no environment variable above 128 KiB. Real tokens are far shorter than this limit.
const MAX_TOKEN: usize = 64 * 1024;
/// The end of the year 9999 in seconds since 1970: later times have no form in RFC 3339.
const MAX_EXPIRATION: Duration = Duration::from_secs(253_402_300_799);

/// An access key, either temporary (with session token and expiration) or long-term.
///
/// All of its text is printable ASCII without whitespace, so no value can end a line, move the cursor or hide
/// itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    expiration: Option<SystemTime>,
    account_id: Option<AccountId>,
}

impl Credentials {
    /// Checks the parts and creates credentials.
    ///
    /// # Errors
    /// A text is empty, too long, or contains whitespace, a control character or a non-ASCII character, or
    /// the expiration is before 1970 or after the year 9999. The error does not contain the text.
    pub fn new(
        access_key_id: String,
        secret_access_key: Secret,
        session_token: Option<Secret>,
        expiration: Option<SystemTime>,
    ) -> Result<Self, Error> {
        check_field("access key ID", &access_key_id, MAX_ID)?;
        check_field("secret access key", secret_access_key.expose(), MAX_SECRET)?;
        if let Some(token) = &session_token {
            check_field("session token", token.expose(), MAX_TOKEN)?;
        }
        let is_printable = |time: SystemTime| {
            time.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since <= MAX_EXPIRATION)
        };
        if expiration.is_some_and(|expiration| !is_printable(expiration)) {
            return Err(Error::invalid("the expiration is not a valid time"));
        }
        Ok(Self { access_key_id, secret_access_key, session_token, expiration, account_id: None })
    }

    /// Returns the same credentials with the account that they belong to.
    #[must_use]
    pub fn with_account_id(self, account_id: Option<AccountId>) -> Self {
        Self { account_id, ..self }
    }

    /// Returns the same credentials. If their expiration has passed, removes the expiration.
    ///
    /// While AWS cannot renew an instance's credentials, the instance metadata service returns expired ones,
    /// and AWS accepts them. Source: "Static stability" in the AWS SDKs.
    #[cfg(feature = "cli")]
    #[must_use]
    pub(crate) fn without_past_expiration(self, now: SystemTime) -> Self {
        let expiration = self.expiration.filter(|expiration| *expiration > now);
        Self { expiration, ..self }
    }

    /// Returns the access key ID, which is not a secret.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Returns the secret access key.
    pub fn secret_access_key(&self) -> &Secret {
        &self.secret_access_key
    }

    /// Returns the session token. Long-term keys have none.
    pub fn session_token(&self) -> Option<&Secret> {
        self.session_token.as_ref()
    }

    /// Returns when the credentials expire, if that is known.
    pub fn expiration(&self) -> Option<SystemTime> {
        self.expiration
    }

    /// Returns the account that the credentials belong to, if that is known.
    pub fn account_id(&self) -> Option<&AccountId> {
        self.account_id.as_ref()
    }
}

fn check_field(field: &str, text: &str, max: usize) -> Result<(), Error> {
    let reason = if text.is_empty() {
        "is empty"
    } else if text.len() > max {
        "is longer than any that AWS issues"
    } else if !text.bytes().all(|b| b.is_ascii_graphic()) {
        "contains whitespace, a control character or a non-ASCII character"
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!("the {field} {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unprintable_credentials_are_rejected() {
        for bad in ["", "a b", "a\nb", "a\u{1b}[2J", "a\u{202e}b", "é", &"x".repeat(70_000)] {
            let token = Some(Secret::new(bad.to_owned()));
            let error = Credentials::new("ASIA".into(), Secret::new("s".into()), token, None).expect_err(bad);
            assert!(error.to_string().starts_with("the session token "), "{error}");
        }
    }
}
