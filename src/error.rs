//! The error of the library.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Why a value is invalid, or why a role could not be assumed.
///
/// `Display` writes one line that says what happened. [`std::error::Error::source`] returns the cause, for
/// instance the error of the AWS SDK. Messages from STS and from credential sources are passed on unchanged,
/// so remove control characters before you print them to a terminal.
///
/// ```
/// let error = "arn:aws:iam::123456789012:user/ann".parse::<arl::RoleArn>().expect_err("not a role");
/// assert!(error.is_invalid_parameter());
/// assert!(error.to_string().ends_with("this names a `user`, not a `role`"));
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

type BoxError = Box<dyn StdError + Send + Sync>;

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<BoxError>,
}

/// What a program can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// Change a value: STS was not called.
    InvalidParameter,
    /// Change a policy: STS refused.
    AccessDenied,
    /// Change the request or the caller: STS refused for another reason.
    Refused,
    /// Try again later.
    Transient,
    /// Everything else.
    Other,
}

impl Error {
    /// Creates the error for a value that breaks a rule. The message follows the name of the value: "must
    /// have 2 to 64 characters, not 1".
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidParameter, reason.into())
    }

    pub(crate) fn new(kind: ErrorKind, message: String) -> Self {
        Self(Arc::new(Inner { kind, message, source: None }))
    }

    pub(crate) fn with_source(kind: ErrorKind, message: String, source: impl Into<BoxError>) -> Self {
        Self(Arc::new(Inner { kind, message, source: Some(source.into()) }))
    }

    /// Returns the same error with the name of the parameter before its message.
    pub(crate) fn of_parameter(&self, parameter: &str) -> Self {
        Self::new(self.kind(), format!("{parameter} {self}"))
    }

    /// Whether STS refused, and would do so again.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.0.kind, ErrorKind::AccessDenied | ErrorKind::Refused)
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether STS refused because a policy does not allow the call.
    pub fn is_access_denied(&self) -> bool {
        self.0.kind == ErrorKind::AccessDenied
    }

    /// Whether the same request may succeed later, because STS was unreachable or busy.
    pub fn is_transient(&self) -> bool {
        self.0.kind == ErrorKind::Transient
    }

    /// Whether a value is missing or invalid. STS was not called.
    pub fn is_invalid_parameter(&self) -> bool {
        self.0.kind == ErrorKind::InvalidParameter
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, message, source } = &*self.0;
        let mut debug = f.debug_struct("Error");
        debug.field("kind", kind).field("message", message);
        if let Some(source) = source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Lets parameters be passed as their own types, which cannot be invalid.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Lets callers pass text for a parameter whose type can be parsed.
macro_rules! try_from_text {
    ($($target:ty),+) => {$(
        impl TryFrom<&str> for $target {
            type Error = $crate::error::Error;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl TryFrom<String> for $target {
            type Error = $crate::error::Error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl TryFrom<&String> for $target {
            type Error = $crate::error::Error;

            fn try_from(text: &String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    )+};
}
pub(crate) use try_from_text;
