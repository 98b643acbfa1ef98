//! The terminal on which arl asks questions. It is `/dev/tty`, because stdin may be data and stdout is for
//! programs.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, PoisonError};

use arl::internal::Secret;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};
use zeroize::Zeroizing;

use crate::cli::sys;
use crate::cli::ui::text::printable;

/// The longest line that arl reads, in bytes. A code is far shorter.
const MAX_LINE: usize = 4096;
/// How long [`Terminal::read_byte`] waits, in tenths of a second.
const BYTE_WAIT: u8 = 1;

/// Whether the terminal shows what the user types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    Off,
    On,
}

/// How input arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Line by line.
    Lines(Echo),
    /// Byte by byte, without echo. Ctrl-C is still a signal.
    Keys,
}

/// How to leave the terminal that is open now, for [`restore_after_panic`].
static OPEN: Mutex<Option<Restoration>> = Mutex::new(None);

/// The state to which a terminal is restored.
struct Restoration {
    device: File,
    settings: Termios,
    /// Written first.
    sequence: &'static str,
}

/// Restores the open terminal, if there is one. A panic ends the process without running destructors, which
/// would leave the terminal without echo.
pub(crate) fn restore_after_panic() {
    // A panic in this file may hold the lock.
    if let Ok(mut open) = OPEN.try_lock()
        && let Some(Restoration { device, settings, sequence }) = open.take()
    {
        let _ = (&device).write_all(sequence.as_bytes());
        let _ = tcsetattr(&device, OptionalActions::Now, &settings);
    }
}

/// The open terminal. There is one at a time. Dropping it restores the terminal's settings.
pub(crate) struct Terminal {
    device: File,
    saved_settings: Termios,
    settings: Termios,
}

impl Terminal {
    /// Opens the terminal of this process.
    ///
    /// # Errors
    /// There is no terminal, or its settings cannot be changed.
    pub(crate) fn open(mode: Mode) -> io::Result<Self> {
        let device = open_device()?;
        let saved_settings = tcgetattr(&device)?;
        let mut settings = saved_settings.clone();
        let canonical = LocalModes::ECHONL | LocalModes::ICANON;
        match mode {
            Mode::Lines(echo) => {
                settings.local_modes.insert(canonical);
                settings.local_modes.set(LocalModes::ECHO, echo == Echo::On);
            }
            Mode::Keys => {
                settings.local_modes.remove(canonical | LocalModes::ECHO | LocalModes::IEXTEN);
                settings.input_modes.remove(InputModes::IXON | InputModes::INLCR | InputModes::IGNCR);
                settings.input_modes.insert(InputModes::ICRNL);
                settings.special_codes[SpecialCodeIndex::VMIN] = 0;
                settings.special_codes[SpecialCodeIndex::VTIME] = BYTE_WAIT;
            }
        }
        settings.local_modes.insert(LocalModes::ISIG);
        // After Ctrl-Z the terminal would have no echo, and a shell that evaluates arl's output would wait.
        // Ctrl-\ ends the subshell of a substitution at once, and the shell would draw its prompt before arl
        // has restored the settings.
        for code in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
            settings.special_codes[code] = libc::_POSIX_VDISABLE;
        }
        let restoration =
            Restoration { device: device.try_clone()?, settings: saved_settings.clone(), sequence: "" };
        set_restoration(Some(restoration));
        if let Err(error) = tcsetattr(&device, OptionalActions::Now, &settings) {
            set_restoration(None);
            return Err(error.into());
        }
        Ok(Self { device, saved_settings, settings })
    }

    /// Writes text, with control characters escaped.
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        self.write_sequence(&printable(text))
    }

    /// Writes text that may move the cursor.
    pub(crate) fn write_sequence(&self, text: &str) -> io::Result<()> {
        (&self.device).write_all(text.as_bytes())
    }

    /// Sets the sequence that a panic must write to restore the screen.
    pub(crate) fn leave_with(&self, sequence: &'static str) {
        if let Ok(mut open) = OPEN.lock()
            && let Some(restoration) = &mut *open
        {
            restoration.sequence = sequence;
        }
    }

    /// Reads one line in another thread, so that signals and the time limit still work. `None` at the end of
    /// input.
    pub(crate) async fn read_line(&self) -> io::Result<Option<Secret>> {
        tokio::task::spawn_blocking(self.line_reader()?).await.map_err(io::Error::other)?
    }

    /// Returns a function that waits for a line, to be called in another thread.
    pub(crate) fn line_reader(
        &self,
    ) -> io::Result<impl FnOnce() -> io::Result<Option<Secret>> + Send + 'static> {
        let mut device = self.device.try_clone()?;
        Ok(move || {
            let mut line = Zeroizing::new([0; MAX_LINE]);
            // A terminal in canonical mode returns whole lines.
            let length = device.read(&mut *line)?;
            Ok((length > 0).then(|| Secret::new(String::from_utf8_lossy(&line[..length]).trim().to_owned())))
        })
    }

    /// Reads one byte, so that text after the last key stays in the terminal for the shell. `None` if no byte
    /// comes for a tenth of a second. Only for [`Mode::Keys`].
    ///
    /// # Errors
    /// The terminal was closed.
    pub(crate) fn read_byte(&self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        match rustix::io::read(&self.device, &mut byte) {
            Ok(1..) => return Ok(Some(byte[0])),
            Ok(0) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // A closed terminal returns no byte either, but fails here.
        tcgetattr(&self.device)?;
        Ok(None)
    }

    /// Whether there is input that has not been read yet.
    pub(crate) fn has_input(&self) -> bool {
        rustix::io::ioctl_fionread(&self.device).is_ok_and(|count| count > 0)
    }

    /// Sets arl's terminal settings again if another program has changed them, as a shell does when it
    /// continues a stopped job. Returns whether it did.
    pub(crate) fn take_back(&self) -> bool {
        let is_changed = tcgetattr(&self.device).is_ok_and(|now| {
            now.local_modes != self.settings.local_modes || now.input_modes != self.settings.input_modes
        });
        is_changed && tcsetattr(&self.device, OptionalActions::Now, &self.settings).is_ok()
    }

    /// Returns the numbers of rows and columns, or 24 and 80 if the terminal does not report them.
    pub(crate) fn size(&self) -> (usize, usize) {
        let size = tcgetwinsize(&self.device).ok();
        let (rows, columns) = size.map_or((0, 0), |size| (size.ws_row, size.ws_col));
        let or = |count: u16, default: usize| if count == 0 { default } else { usize::from(count) };
        (or(rows, 24), or(columns, 80))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        set_restoration(None);
        let _ = tcsetattr(&self.device, OptionalActions::Now, &self.saved_settings);
    }
}

/// The terminal's settings, which another program may change. Dropping this restores them.
pub(crate) struct SavedSettings {
    device: File,
    settings: Termios,
}

impl SavedSettings {
    /// Returns the settings of this process's terminal, if there is one.
    pub(crate) fn of_terminal() -> Option<Self> {
        let device = open_device().ok()?;
        let settings = tcgetattr(&device).ok()?;
        Some(Self { device, settings })
    }
}

impl Drop for SavedSettings {
    fn drop(&mut self) {
        let is_changed = tcgetattr(&self.device).is_ok_and(|now| {
            now.local_modes != self.settings.local_modes
                || now.input_modes != self.settings.input_modes
                || now.output_modes != self.settings.output_modes
        });
        // A process in the background would stop if it changed something.
        if is_changed {
            let _ = tcsetattr(&self.device, OptionalActions::Now, &self.settings);
        }
    }
}

fn open_device() -> io::Result<File> {
    let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or_default();
    OpenOptions::new().read(true).write(true).custom_flags(flags).open("/dev/tty")
}

fn set_restoration(restoration: Option<Restoration>) {
    *OPEN.lock().unwrap_or_else(PoisonError::into_inner) = restoration;
}

/// Returns the ID of this terminal's session.
pub(crate) fn terminal_session() -> Option<u32> {
    sys::terminal_session_id(&File::open("/dev/tty").ok()?)
}

/// Whether there is a terminal on which arl can ask.
pub(crate) fn has_terminal() -> bool {
    terminal_session().is_some()
}

/// Whether the terminal can move its cursor, according to `TERM`.
pub(crate) fn can_move_cursor() -> bool {
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}
