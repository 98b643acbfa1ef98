//! Asks questions on the terminal itself, because stdin may be data and stdout is for programs.

use std::io;
use std::path::Path;
use std::time::Duration;

use arl::internal::{Secret, SingleFlight, TerminalLock, TokenCode};

use crate::cli::ui::terminal::{Echo, Mode, Terminal, terminal_session};

/// How long the user may take. Other processes may be waiting for the same session.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// Calls `write`, unless another arl is asking the user on this terminal. No question begins before `write`
/// returns. `locks` is the directory of the terminal locks.
pub(crate) fn unless_asking<T>(locks: &Path, write: impl FnOnce() -> T) -> Option<T> {
    let Some(session) = terminal_session() else { return Some(write()) };
    match SingleFlight::new(locks).try_lock_terminal(session) {
        TerminalLock::Own(_turn) => Some(write()),
        TerminalLock::Busy => None,
    }
}

/// Why the user did not answer.
#[derive(Debug)]
pub(crate) enum PromptError {
    /// There is no terminal to ask at.
    NoTerminal,
    /// The user typed nothing, or nothing in time.
    NotTyped(String),
    /// The terminal failed.
    Io(io::Error),
}

impl From<io::Error> for PromptError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Asks for the current code of an MFA device, without echo. Processes that ask on one terminal take turns
/// with a lock in `locks`: two at once would change each other's echo setting, and could leave it off.
///
/// # Errors
/// There is no terminal, or the user typed nothing in time.
pub(crate) async fn ask(question: &str, locks: &Path) -> Result<TokenCode, PromptError> {
    // The message never quotes the line, which may be a password that was typed into the wrong place.
    let parse = |line: &str| line.parse::<TokenCode>().map_err(|_| "a code has six digits; ");
    ask_until(question, "code", Echo::Off, LIMIT, locks, parse).await
}

/// Asks a yes-or-no question. An empty line means yes.
///
/// # Errors
/// As [`ask`].
pub(crate) async fn confirm(question: &str, locks: &Path) -> Result<bool, PromptError> {
    let parse = |line: &str| match line.to_ascii_lowercase().as_str() {
        "" | "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("please answer y or n; "),
    };
    ask_until(question, "answer", Echo::On, LIMIT, locks, parse).await
}

/// Asks until `parse` accepts the line, for at most `limit`. An error of `parse` is shown before the question
/// is repeated.
///
/// # Errors
/// As [`ask`].
pub(crate) async fn ask_until<T>(
    question: &str,
    what: &str,
    echo: Echo,
    limit: Duration,
    locks: &Path,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<T, PromptError> {
    let session = terminal_session().ok_or(PromptError::NoTerminal)?;
    let _turn = SingleFlight::new(locks).lock_terminal(session, LIMIT).await;
    let terminal = Terminal::open(Mode::Lines(echo)).map_err(|_| PromptError::NoTerminal)?;
    let asking = async {
        loop {
            terminal.write(question)?;
            let Some(line) = terminal.read_line().await? else {
                return Err(PromptError::NotTyped(format!("no {what} was typed")));
            };
            match parse(line.expose()) {
                Ok(value) => return Ok(value),
                Err(correction) => terminal.write(correction)?,
            }
        }
    };
    let answer = tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| {
        let limit = humantime::format_duration(limit);
        Err(PromptError::NotTyped(format!("no {what} was typed within {limit}")))
    });
    end_line(&terminal, answer)
}

/// Ends the line of a question that the user did not answer, so that the error begins on the next one.
fn end_line<T>(terminal: &Terminal, answer: Result<T, PromptError>) -> Result<T, PromptError> {
    if let Err(PromptError::NotTyped(_)) = &answer {
        // An error, such as a terminal that is gone, does not matter: the caller reports that there is no
        // answer.
        let _ = terminal.write_sequence("\n");
    }
    answer
}

/// Asks for one line of text. The answer may be empty. Processes take turns as in [`ask`].
///
/// # Errors
/// There is no terminal, or the user typed nothing in time.
pub(crate) async fn ask_line(question: &str, echo: Echo, locks: &Path) -> Result<Secret, PromptError> {
    let session = terminal_session().ok_or(PromptError::NoTerminal)?;
    let _turn = SingleFlight::new(locks).lock_terminal(session, LIMIT).await;
    let terminal = Terminal::open(Mode::Lines(echo)).map_err(|_| PromptError::NoTerminal)?;
    let asking = async {
        terminal.write(question)?;
        terminal.read_line().await?.ok_or_else(|| PromptError::NotTyped("nothing was typed".into()))
    };
    let answer = tokio::time::timeout(LIMIT, asking).await.unwrap_or_else(|_| {
        Err(PromptError::NotTyped(format!("nothing was typed within {}", humantime::format_duration(LIMIT))))
    });
    end_line(&terminal, answer)
}
