//! Asks for an MFA code on the terminal itself: standard input may be data, standard output is for programs.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use arl::internal::{SingleFlight, TokenCode};
use rustix::fs::OFlags;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use crate::cli::sys;
use crate::cli::ui::text::printable;

/// Others may be waiting for the same session.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);
/// Longer lines are no codes.
const MAX_LINE: usize = 256;

/// A terminal that does not show what is typed, and does again when this is dropped.
struct Terminal {
    device: File,
    saved_settings: Termios,
}

impl Terminal {
    fn open() -> io::Result<Self> {
        let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or_default();
        let device = OpenOptions::new().read(true).write(true).custom_flags(flags).open("/dev/tty")?;
        let saved_settings = tcgetattr(&device)?;
        let mut quiet = saved_settings.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        quiet.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        // Stopped here, arl would leave the terminal as it is now, and a shell that evaluates its output would wait.
        quiet.special_codes[SpecialCodeIndex::VSUSP] = libc::_POSIX_VDISABLE;
        tcsetattr(&device, OptionalActions::Now, &quiet)?;
        Ok(Self { device, saved_settings })
    }

    fn write(&self, text: &str) -> io::Result<()> {
        (&self.device).write_all(printable(text).as_bytes())
    }

    /// One line; `None` at the end of input. A thread waits for it, so that signals and the time limit are heard.
    async fn read_line(&self) -> io::Result<Option<String>> {
        let mut device = self.device.try_clone()?;
        let read = move || {
            let mut line = [0; MAX_LINE];
            // A terminal hands out whole lines.
            let length = device.read(&mut line)?;
            Ok((length > 0).then(|| String::from_utf8_lossy(&line[..length]).trim().to_owned()))
        };
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.device, OptionalActions::Now, &self.saved_settings);
    }
}

/// Returns a number that only the processes of this terminal have for it.
fn terminal_session() -> Option<u32> {
    sys::terminal_session_id(&File::open("/dev/tty").ok()?)
}

/// Returns whether some arl is asking the user at this terminal now. `locks` is where those that ask wait in turn.
pub(crate) fn is_asking(locks: &Path) -> bool {
    terminal_session().is_some_and(|session| SingleFlight::new(locks).is_terminal_locked(session))
}

/// Why the user did not type a code.
#[derive(Debug)]
pub(crate) enum PromptError {
    /// There is no terminal to ask at.
    NoTerminal,
    /// The user typed nothing, or not in time.
    NotTyped(String),
    /// The terminal failed.
    Io(io::Error),
}

impl From<io::Error> for PromptError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Asks for the current code of an MFA device, unseen. `locks` is where processes that ask in one terminal wait in
/// turn: two at once would hide and show each other's typing, and leave it hidden in the end.
///
/// # Errors
/// There is no terminal, or the user typed nothing in time.
pub(crate) async fn ask(question: &str, locks: &Path) -> Result<TokenCode, PromptError> {
    let session = terminal_session().ok_or(PromptError::NoTerminal)?;
    let _turn = SingleFlight::new(locks).lock_terminal(session, LIMIT).await;
    let terminal = Terminal::open().map_err(|_| PromptError::NoTerminal)?;
    let asking = async {
        loop {
            terminal.write(question)?;
            let Some(line) = terminal.read_line().await? else {
                return Err(PromptError::NotTyped("no code was typed".into()));
            };
            match line.parse::<TokenCode>() {
                Ok(code) => return Ok(code),
                // Never the line itself: it may be a password that was typed into the wrong place.
                Err(_) => terminal.write("a code has six digits; ")?,
            }
        }
    };
    tokio::time::timeout(LIMIT, asking).await.unwrap_or_else(|_| {
        Err(PromptError::NotTyped(format!("no code was typed within {}", humantime::format_duration(LIMIT))))
    })
}
