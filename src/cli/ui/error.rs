//! Errors as people meet them: what failed, caused by what, and what to do about it. Pure data.

use std::str::FromStr;

use arl::internal::Error;

/// arl's exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Done.
    Success,
    /// Could not.
    Failure,
    /// Usage, a bad parameter included.
    Usage,
    /// An MFA code is needed and nobody can be asked.
    MfaNeeded,
    /// `exec` could not get as far as the command.
    ExecFailed,
    /// `exec` found the command and cannot run it.
    CannotRun,
    /// `exec` did not find the command.
    NotFound,
    /// The status of a command that ran beside arl.
    Command(u8),
    /// The signal that ended arl's work, or a command that ran beside arl; arl then dies by it.
    Killed(i32),
}

impl ExitStatus {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::MfaNeeded => 3,
            Self::ExecFailed => 125,
            Self::CannotRun => 126,
            Self::NotFound => 127,
            Self::Command(status) => status,
            // As shells count; seen only where a signal cannot end arl.
            Self::Killed(signal) => signal.to_le_bytes()[0].wrapping_add(128),
        }
    }

    /// Returns the status of the statement that `eval` reads. The signal that interrupted arl did not reach the shell,
    /// for which arl has failed.
    pub(crate) fn code_for_eval(self) -> u8 {
        match self {
            Self::Killed(_) => Self::Failure.code(),
            status => status.code(),
        }
    }
}

/// An error with its causes and hints.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) error: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hints: Vec<String>,
    pub(crate) status: ExitStatus,
    /// Whether a program of the person's own has failed, which may do better for others.
    pub(crate) in_user_program: bool,
}

impl CliError {
    pub(crate) fn new(error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            status: ExitStatus::Failure,
            in_user_program: false,
        }
    }

    /// A signal ended the work. arl then dies by it, so that a script stops too.
    pub(crate) fn interrupted(signal: i32) -> Self {
        Self { status: ExitStatus::Killed(signal), ..Self::new("interrupted") }
    }

    /// A bad parameter.
    pub(crate) fn usage(error: impl Into<String>) -> Self {
        Self { status: ExitStatus::Usage, ..Self::new(error) }
    }

    pub(crate) fn caused_by(mut self, cause: impl ToString) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(crate) fn hints(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.hints.extend(hints);
        self
    }

    /// As a text for another process that has waited for this one.
    pub(crate) fn to_note(&self) -> String {
        serde_json::json!([self.error, self.causes, self.hints]).to_string()
    }

    /// What another process has told of its failure, which is this one's as well.
    pub(crate) fn from_note(text: &str) -> Self {
        let parsed = serde_json::from_str(text);
        let (error, causes, hints): (String, _, _) = parsed.unwrap_or_else(|_| {
            ("another arl could not get this session".to_owned(), Vec::new(), Vec::new())
        });
        Self { causes, hints, ..Self::new(error) }
    }

    pub(crate) fn in_user_program(self) -> Self {
        Self { in_user_program: true, ..self }
    }

    /// A failure of arl itself, before a command has begun, must not look like one of the command.
    pub(crate) fn into_exec_failure(self) -> Self {
        match self.status {
            ExitStatus::Failure => self.status(ExitStatus::ExecFailed),
            _ => self,
        }
    }

    pub(crate) fn status(self, status: ExitStatus) -> Self {
        Self { status, ..self }
    }
}

/// Names the flag, variable or key in front of the rule that the value breaks.
pub(crate) fn parse_value<T: FromStr<Err = Error>>(origin: &str, text: &str) -> Result<T, CliError> {
    text.parse().map_err(|error| CliError::usage(format!("{origin} {error}")))
}
