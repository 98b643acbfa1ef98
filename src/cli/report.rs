//! Errors as people meet them: what failed, caused by what, and what to do about it.

use std::ffi::OsString;

use super::output::{printable, to_stderr};

/// arl's exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Done.
    Done,
    /// Could not.
    Failed,
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
    OfCommand(u8),
    /// The signal that ended a command that ran beside arl; arl then dies by it.
    Killed(i32),
}

impl Status {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::MfaNeeded => 3,
            Self::ExecFailed => 125,
            Self::CannotRun => 126,
            Self::NotFound => 127,
            Self::OfCommand(status) => status,
            // As shells count; seen only where a signal cannot end arl.
            Self::Killed(signal) => signal.to_le_bytes()[0].wrapping_add(128),
        }
    }
}

/// An error with its causes and hints.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) error: String,
    pub(super) causes: Vec<String>,
    pub(super) hints: Vec<String>,
    pub(super) status: Status,
    /// The signal that ended the work; arl then dies by it, so that a script stops too.
    pub(super) signal: Option<i32>,
    /// Whether a program of the person's own has failed, which may do better for others.
    pub(super) is_of_program: bool,
}

impl Report {
    pub(super) fn new(error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            status: Status::Failed,
            signal: None,
            is_of_program: false,
        }
    }

    /// The person, or somebody for them, said stop.
    pub(super) fn interrupted(signal: i32) -> Self {
        Self { signal: Some(signal), ..Self::new("interrupted") }
    }

    /// A bad parameter.
    pub(super) fn usage(error: impl Into<String>) -> Self {
        Self { status: Status::Usage, ..Self::new(error) }
    }

    pub(super) fn caused_by(mut self, cause: impl ToString) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(super) fn hints(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.hints.extend(hints);
        self
    }

    /// As a text for another process that has waited for this one.
    pub(super) fn to_note(&self) -> String {
        serde_json::json!([self.error, self.causes, self.hints]).to_string()
    }

    /// What another process has told of its failure, which is this one's as well.
    pub(super) fn of_note(text: &str) -> Self {
        let told = serde_json::from_str(text);
        let (error, causes, hints): (String, _, _) = told.unwrap_or_else(|_| {
            ("another arl could not get this session".to_owned(), Vec::new(), Vec::new())
        });
        Self { causes, hints, ..Self::new(error) }
    }

    pub(super) fn of_program(self) -> Self {
        Self { is_of_program: true, ..self }
    }

    pub(super) fn status(self, status: Status) -> Self {
        Self { status, ..self }
    }
}

/// Shows clap's own errors, and its help, which are no errors.
pub(super) fn usage(error: &clap::Error, args: &[OsString]) -> u8 {
    use clap::error::ErrorKind;
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return match error.print() {
            // A reader such as `head` may have gone.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                to_stderr(&format!("error: could not write the help\n  caused by: {error}\n"));
                Status::Failed.code()
            }
            _ => Status::Done.code(),
        };
    }
    if let Some(dialect) = super::assume::failing_statement(args) {
        let output = super::Output::new(false, false, super::ColorChoice::Never);
        let _ = output.data(dialect.failure(Status::Usage.code()).as_bytes());
    }
    let text: Vec<String> = error.to_string().lines().map(printable).collect();
    let verb = super::assume::verb(args).filter(|_| !args.iter().any(|word| word == "--"));
    let hint = match (error.kind(), verb.as_deref()) {
        (ErrorKind::UnknownArgument, Some(verb @ ("exec" | "each")))
        | (ErrorKind::MissingRequiredArgument, Some(verb @ "each")) => {
            format!("\nhint: put -- before the command: arl {verb} ROLE -- COMMAND")
        }
        _ => String::new(),
    };
    to_stderr(&format!("{}{hint}\n", text.join("\n").trim_end()));
    Status::Usage.code()
}

/// Replaces Rust's message, whose text could hold anything, and keeps `eval` from succeeding.
pub(super) fn on_panic(args: Vec<OsString>, status: Status) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if let Some(dialect) = super::assume::failing_statement(&args) {
            let output = super::Output::new(false, false, super::ColorChoice::Never);
            let _ = output.data(dialect.failure(status.code()).as_bytes());
        }
        to_stderr(&format!(
            "error: arl came upon a mistake of its own, at {place}\nhint: please report this\n"
        ));
        #[expect(clippy::exit, reason = "unwinding could print the panic's text")]
        std::process::exit(status.code().into());
    }));
}
