//! Asks for an MFA code on the terminal itself: standard input may be data, standard output is for programs.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use arl::{SingleFlight, TokenCode};
use rustix::fs::OFlags;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use super::caches::private_directory;
use super::mfa::Codes;
use super::output::printable;
use super::report::Report;
use super::sys;

/// Others may be waiting for the same session.
pub(super) const LIMIT: Duration = Duration::from_secs(120);
/// Longer lines are no codes.
const MAX_LINE: usize = 256;

/// A terminal that does not show what is typed, and does again when this is dropped.
struct Terminal {
    device: File,
    before: Termios,
}

impl Terminal {
    fn open() -> io::Result<Self> {
        let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or_default();
        let device = OpenOptions::new().read(true).write(true).custom_flags(flags).open("/dev/tty")?;
        let before = tcgetattr(&device)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        quiet.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        // Stopped here, arl would leave the terminal as it is now, and a shell that evaluates its output would wait.
        quiet.special_codes[SpecialCodeIndex::VSUSP] = libc::_POSIX_VDISABLE;
        tcsetattr(&device, OptionalActions::Now, &quiet)?;
        Ok(Self { device, before })
    }

    fn say(&self, text: &str) -> io::Result<()> {
        (&self.device).write_all(printable(text).as_bytes())
    }

    /// One line; `None` at the end of input. A thread waits for it, so that signals and the time limit are heard.
    async fn line(&self) -> io::Result<Option<String>> {
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
        let _ = tcsetattr(&self.device, OptionalActions::Now, &self.before);
    }
}

/// A number that only the processes of this terminal have for it.
fn terminal_session() -> Option<u32> {
    sys::session_of(&File::open("/dev/tty").ok()?)
}

/// Whether some arl is asking the person at this terminal now.
pub(super) fn is_asking() -> bool {
    terminal_session().is_some_and(|session| SingleFlight::new(private_directory()).is_turn_taken(session))
}

/// The device's current code, typed by a person.
pub(super) async fn code(codes: &Codes<'_>) -> Result<TokenCode, Report> {
    // Two that ask in one terminal would hide and show each other's typing, and leave it hidden in the end.
    let Some(session) = terminal_session() else { return Err(codes.nobody()) };
    let _turn = SingleFlight::new(private_directory()).turn(session, LIMIT).await;
    let Ok(terminal) = Terminal::open() else { return Err(codes.nobody()) };
    let failed = |error: io::Error| Report::new("could not ask for the MFA code").caused_by(error);
    let question = format!("MFA code of {} for {}: ", codes.serial, codes.purpose);
    let not_typed = |cause: String| {
        Report::new(format!("an MFA code of `{}` is needed for {}", codes.serial, codes.purpose))
            .caused_by(cause)
    };
    let asking = async {
        loop {
            terminal.say(&question).map_err(failed)?;
            let Some(line) = terminal.line().await.map_err(failed)? else {
                return Err(not_typed("no code was typed".into()));
            };
            match line.parse::<TokenCode>() {
                Ok(code) => return Ok(code),
                // Never the line itself: it may be a password that was typed into the wrong place.
                Err(_) => terminal.say("a code has six digits; ").map_err(failed)?,
            }
        }
    };
    tokio::time::timeout(LIMIT, asking).await.unwrap_or_else(|_| {
        Err(not_typed(format!("no code was typed within {}", humantime::format_duration(LIMIT))))
    })
}
