//! Errors as the user sees them: what failed, the causes, and hints. Pure data.

use std::str::FromStr;

use arl::internal::Error;

/// An exit status of arl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Success.
    Success,
    /// A failure.
    Failure,
    /// A usage error or an invalid parameter.
    Usage,
    /// The user must give an MFA code or sign in, and there is no way to ask.
    UserNeeded,
    /// `exec` failed before it could run the command.
    ExecFailed,
    /// `exec` found the command but cannot run it.
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
            Self::UserNeeded => 3,
            Self::ExecFailed => 125,
            Self::CannotRun => 126,
            Self::NotFound => 127,
            Self::Command(status) => status,
            // The status that shells report. Seen only if the signal cannot end arl.
            Self::Killed(signal) => signal.to_le_bytes()[0].wrapping_add(128),
        }
    }

    /// Returns the status of the failing statement for `eval`. A signal that interrupts arl counts as a
    /// failure there.
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
    /// Whether a program of the user's failed, which may succeed for another process.
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

    /// Creates the error for work that a signal ended. arl then dies by that signal, so that a calling script
    /// stops too.
    pub(crate) fn interrupted(signal: i32) -> Self {
        Self { status: ExitStatus::Killed(signal), ..Self::new("interrupted") }
    }

    /// Creates a usage error.
    pub(crate) fn usage(error: impl Into<String>) -> Self {
        Self { status: ExitStatus::Usage, ..Self::new(error) }
    }

    /// Creates the error for a setting that must have one of several values. `name` is a variable or a key.
    pub(crate) fn not_one_of(name: &str, values: &[&str], other: &str) -> Self {
        let refused = Self::usage(format!("{name} must be {}, not `{other}`", choice(values)));
        let similar = values.iter().find(|value| strsim::osa_distance(&other.to_lowercase(), value) <= 2);
        match similar {
            Some(similar) => refused.hint(format!("did you mean `{similar}`?")),
            None if name.starts_with("ARL_") => refused.hint(format!("for the default: unset {name}")),
            None => refused,
        }
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

    /// Returns the error as text for the processes that wait for this one.
    pub(crate) fn to_note(&self) -> String {
        serde_json::json!([self.error, self.causes, self.hints]).to_string()
    }

    /// Reads the error of another process, which this process waited for.
    pub(crate) fn from_note(text: &str) -> Self {
        let parsed = serde_json::from_str(text);
        let (error, causes, hints): (String, _, _) = parsed.unwrap_or_else(|_| {
            ("another arl process could not get this session".to_owned(), Vec::new(), Vec::new())
        });
        Self { causes, hints, ..Self::new(error) }
    }

    pub(crate) fn in_user_program(self) -> Self {
        Self { in_user_program: true, ..self }
    }

    /// Gives a failure of `exec` or `each` a status that differs from a failure of the command.
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

/// Returns `a, b or c`.
pub(crate) fn choice<T: AsRef<str>>(values: &[T]) -> String {
    let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
    match values.as_slice() {
        [] => "another value".to_owned(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}

/// Parses a value. The error begins with `origin`: the flag, variable or key.
pub(crate) fn parse_value<T: FromStr<Err = Error>>(origin: &str, text: &str) -> Result<T, CliError> {
    text.parse().map_err(|error| CliError::usage(format!("{origin} {error}")))
}
