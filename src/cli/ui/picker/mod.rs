//! The picker: a list on the terminal that typed words filter.
//!
//! It draws on the terminal itself, because stdout and stderr may be redirected, and always restores the
//! terminal at the end. Picker libraries draw on stderr, and leave the terminal in raw mode if a signal
//! ends the process. See docs/decisions/0031.

mod frame;
mod keys;
mod list;
mod plain;

use std::io;
use std::path::Path;
use std::time::Duration;

use arl::internal::{LeaderLock, SingleFlight, TerminalLock};

use crate::cli::ui::output::{ColorChoice, Output};
use crate::cli::ui::picker::frame::{Frame, Style, entry_rows, frame};
use crate::cli::ui::picker::keys::{Key, KeyReader};
pub(crate) use crate::cli::ui::picker::list::{Entry, List};
use crate::cli::ui::terminal::{Echo, Mode, Terminal, can_move_cursor, terminal_session};

/// The pause between two attempts to lock the terminal while another process asks there.
const TURN_PAUSE: Duration = Duration::from_millis(40);
/// Enters the alternate screen, and asks the terminal to mark pasted text.
const ENTER_SCREEN: &str = "\x1b[?1049h\x1b[?2004h";
/// Erases the list and leaves the alternate screen. Because of the first step, a terminal without an
/// alternate screen looks as before too.
const LEAVE_SCREEN: &str = "\r\x1b[J\x1b[?2004l\x1b[?1049l";

/// Why nothing was picked.
#[derive(Debug)]
pub(crate) enum PickError {
    /// There is no terminal.
    NoTerminal,
    /// The user left.
    Left,
    /// A signal asks arl to stop.
    Stopped(i32),
    /// The terminal failed, or was closed.
    Io(io::Error),
    /// The program of `ARL_PICKER` failed. Holds the reason.
    Program(String),
}

impl From<io::Error> for PickError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// How the list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// A list on the screen with a selection that keys move, if the terminal can move its cursor.
    Screen,
    /// A numbered list, which a screen reader reads line by line.
    Numbered,
}

/// The settings of a picker. [`Picker::pick`] takes the list.
pub(crate) struct Picker<'a> {
    /// The prompt before the typed words, such as `role>`.
    pub(crate) title: &'a str,
    pub(crate) look: Look,
    /// The directory of the terminal locks.
    pub(crate) locks: &'a Path,
    pub(crate) output: &'a Output,
    /// Returns the signal that asks arl to stop, once there is one.
    pub(crate) stop_signal: &'a dyn Fn() -> Option<i32>,
}

impl Picker<'_> {
    /// Returns the index of the entry that the user picks.
    ///
    /// # Errors
    /// The user leaves, a signal asks arl to stop, or there is no terminal.
    pub(crate) fn pick(&self, mut list: List) -> Result<usize, PickError> {
        let _turn = take_turn(self.locks, self.stop_signal)?;
        if self.look == Look::Numbered || !can_move_cursor() {
            let terminal = Terminal::open(Mode::Lines(Echo::On)).map_err(|_| PickError::NoTerminal)?;
            return plain::pick(&mut list, self.title, &terminal, self.stop_signal);
        }
        let terminal = Terminal::open(Mode::Keys).map_err(|_| PickError::NoTerminal)?;
        let is_without_color = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let style = match self.output.color() {
            ColorChoice::Never => Style::Plain,
            ColorChoice::Auto if is_without_color() => Style::Plain,
            ColorChoice::Auto | ColorChoice::Always => Style::Highlighted,
        };
        let mut screen = Screen { terminal: &terminal, drawn: None };
        terminal.leave_with(LEAVE_SCREEN);
        terminal.write_sequence(ENTER_SCREEN)?;
        let mut keys = KeyReader::default();
        loop {
            if let Some(signal) = (self.stop_signal)() {
                return Err(PickError::Stopped(signal));
            }
            let size = terminal.size();
            screen.draw(&mut list, self.title, size, style)?;
            let Some(key) = keys.next(|| terminal.read_byte())? else {
                if terminal.take_back() {
                    screen.drawn = None;
                }
                continue;
            };
            screen.drawn = screen.drawn.filter(|_| key == Key::Other);
            let page = isize::try_from(entry_rows(size.0)).unwrap_or(1);
            match key {
                Key::Enter => match list.selected() {
                    Some(index) => return Ok(index),
                    None => terminal.write_sequence("\x07")?,
                },
                Key::Leave => return Err(PickError::Left),
                Key::Char(c) => list.edit(|query| query.push(c)),
                Key::Backspace => list.edit(|query| {
                    query.pop();
                }),
                Key::DeleteWord => list.edit(|query| {
                    let end = query.trim_end().rfind(' ').map_or(0, |space| space + 1);
                    query.truncate(end);
                }),
                Key::DeleteAll => list.edit(String::clear),
                Key::Up => list.move_by(-1),
                Key::Down => list.move_by(1),
                Key::PageUp => list.move_by(-page),
                Key::PageDown => list.move_by(page),
                Key::First => list.move_by(isize::MIN),
                Key::Last => list.move_by(isize::MAX),
                Key::Other => {}
            }
        }
    }
}

/// Waits until no other process asks at this terminal, because two pickers would read each other's keys. It
/// prints no message, which would appear inside the other picker's list.
pub(crate) fn take_turn(
    locks: &Path,
    stop_signal: &dyn Fn() -> Option<i32>,
) -> Result<LeaderLock, PickError> {
    let session = terminal_session().ok_or(PickError::NoTerminal)?;
    let locks = SingleFlight::new(locks);
    loop {
        match locks.try_lock_terminal(session) {
            TerminalLock::Own(lock) => return Ok(lock),
            TerminalLock::Busy => {}
        }
        if let Some(signal) = stop_signal() {
            return Err(PickError::Stopped(signal));
        }
        std::thread::sleep(TURN_PAUSE);
    }
}

/// The screen while it shows the list. Dropping it leaves the screen as it was.
struct Screen<'a> {
    terminal: &'a Terminal,
    /// The size for which the list was drawn. `None` if it has changed since.
    drawn: Option<(usize, usize)>,
}

impl Screen<'_> {
    /// Draws the list if it has changed, but not while more keys are waiting, for example pasted words or a
    /// key that is held down.
    fn draw(&mut self, list: &mut List, title: &str, size: (usize, usize), style: Style) -> io::Result<()> {
        if self.drawn == Some(size) || self.terminal.has_input() {
            return Ok(());
        }
        let Frame { lines, cursor } = frame(list, title, size, style);
        // Draw relative to the cursor, which stays in the first line, so that a terminal without an alternate
        // screen keeps the text above.
        let mut text = "\r".to_owned();
        for (index, line) in lines.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { "\r\n" });
            text.push_str(line);
            text.push_str("\x1b[K");
        }
        text.push_str("\x1b[J\r");
        for (count, direction) in [(lines.len() - 1, 'A'), (cursor, 'C')] {
            if count > 0 {
                text.push_str(&format!("\x1b[{count}{direction}"));
            }
        }
        self.terminal.write_sequence(&text)?;
        self.drawn = Some(size);
        Ok(())
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        let _ = self.terminal.write_sequence(LEAVE_SCREEN);
    }
}
