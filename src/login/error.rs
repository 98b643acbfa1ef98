//! The errors of sign-ins and of the calls that need one.

use std::fmt;
use std::path::PathBuf;

use crate::profiles::UpdateError;
use crate::sts::StsError;

/// Why a sign-in, or a call with the token of one, failed.
///
/// Messages of the services are passed on unchanged, so the caller must strip control characters before
/// printing them.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginError {
    /// There is no token.
    NotSignedIn,
    /// The token has expired, and cannot be renewed.
    Expired,
    /// IAM Identity Center no longer accepts the token or its renewal.
    Ended(StsError),
    /// The user does not have the role.
    NotAssigned {
        /// The portal's refusal.
        refusal: StsError,
        /// The roles that the user has in the account. `None` if the portal does not list them.
        roles: Option<Vec<String>>,
    },
    /// A user signed in or out during a discovery.
    Replaced,
    /// The user or the service refused the sign-in. Holds the message.
    Refused(String),
    /// The device code has expired before the user approved it.
    CodeExpired,
    /// arl cannot listen on this port (0: any), or the system's random number generator failed.
    Port(u16, String),
    /// The token file cannot be read, trusted or written.
    TokenFile(PathBuf, String),
    /// The call failed.
    Call(StsError),
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSignedIn => f.write_str("you are not signed in"),
            Self::Expired => f.write_str("the sign-in has expired"),
            Self::Ended(error) => write!(f, "IAM Identity Center no longer accepts the sign-in: {error}"),
            Self::Replaced => f.write_str("while arl was asking, you signed in again or signed out"),
            Self::Refused(reason) => write!(f, "the sign-in was refused: {reason}"),
            Self::CodeExpired => f.write_str("the code has expired"),
            Self::Port(0, error) => write!(f, "cannot listen on 127.0.0.1: {error}"),
            Self::Port(port, error) => write!(f, "cannot listen on port {port} of 127.0.0.1: {error}"),
            Self::TokenFile(path, error) => write!(f, "the token file `{}`: {error}", path.display()),
            Self::Call(StsError::Unexpected(what)) => {
                write!(f, "the response from IAM Identity Center is invalid: {what}")
            }
            Self::NotAssigned { refusal: error, .. } | Self::Call(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoginError {}

impl LoginError {
    /// Whether a new sign-in helps.
    pub fn needs_sign_in(&self) -> bool {
        matches!(self, Self::NotSignedIn | Self::Expired | Self::Ended(_))
    }

    pub(super) fn not_written<E: fmt::Display>(path: PathBuf, error: &UpdateError<E>) -> Self {
        Self::TokenFile(path, error.to_string())
    }
}
