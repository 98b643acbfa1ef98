//! The output of several commands at once: whole lines, each behind the name of its role. On a terminal, a
//! line below shows the progress.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cli::env::dirs::private_runtime_dir;
use crate::cli::ui::output;
use crate::cli::ui::prompt;

/// Longer lines are written in parts of this length.
const MAX_LINE: u64 = 64 * 1024;
/// How often a command's output checks whether the user has answered a prompt.
const PROMPT_POLL: Duration = Duration::from_millis(50);
const ERASE_LINE: &[u8] = b"\r\x1b[K";

/// One of the two streams that a command writes to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Whether a line below the output shows how far the commands are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Shown,
    Hidden,
}

/// Writes the output of all commands.
#[derive(Debug)]
pub(crate) struct PrefixedOutput {
    /// The text of the progress line, if it is shown.
    line: Mutex<Option<String>>,
}

impl PrefixedOutput {
    pub(crate) fn new(progress: Progress) -> Self {
        Self { line: Mutex::new((progress == Progress::Shown).then(String::new)) }
    }

    /// Writes the lines of `source` until it ends, each behind `name`.
    ///
    /// # Errors
    /// Reading or writing fails.
    pub(crate) fn forward_lines(&self, source: impl Read, name: &str, stream: Stream) -> io::Result<()> {
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        loop {
            line.clear();
            line.extend_from_slice(name.as_bytes());
            line.extend_from_slice(b": ");
            if source.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            if line.last() != Some(&b'\n') {
                line.push(b'\n');
            }
            self.write(&line, stream)?;
        }
    }

    fn write(&self, line: &[u8], stream: Stream) -> io::Result<()> {
        // Output waits while another arl asks the user on this terminal, so that the question stays visible.
        while self.progress_line().is_some() && prompt::is_asking(&private_runtime_dir()) {
            std::thread::sleep(PROMPT_POLL);
        }
        // The lock keeps lines whole, and the progress below them.
        let line_below = self.progress_line();
        erase(line_below.as_deref());
        let written = match stream {
            Stream::Stdout => io::stdout().lock().write_all(line),
            Stream::Stderr => io::stderr().lock().write_all(line),
        };
        draw(line_below.as_deref());
        match written {
            // A closed stderr must not stop a command.
            Err(error) if matches!(stream, Stream::Stderr) && error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// Updates the progress line.
    pub(crate) fn show_progress(&self, done: usize, total: usize, running: &[&str]) {
        let mut line = self.progress_line();
        if let Some(text) = line.as_mut() {
            let names = running.join(", ");
            let running = if names.is_empty() { names } else { format!("; running: {names}") };
            *text = format!("{done}/{total} done{running}").chars().take(output::columns() - 1).collect();
            if !prompt::is_asking(&private_runtime_dir()) {
                erase(Some(text));
                draw(Some(text));
            }
        }
    }

    /// Erases the progress line for good.
    pub(crate) fn finish(&self) {
        let mut line_below = self.progress_line();
        erase(line_below.as_deref());
        *line_below = None;
    }

    fn progress_line(&self) -> MutexGuard<'_, Option<String>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn erase(line: Option<&str>) {
    if line.is_some() {
        let _ = io::stderr().lock().write_all(ERASE_LINE);
    }
}

/// Draws the progress line. The cursor goes back to its beginning, so that a prompt of another arl writes
/// over it.
fn draw(line: Option<&str>) {
    if let Some(text) = line {
        let _ = io::stderr().lock().write_all(format!("{text}\r").as_bytes());
    }
}
