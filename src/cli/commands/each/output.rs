//! The output of several commands at once: whole lines, each behind the name of its command, above a bar that shows how
//! far they are.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cli::env::dirs::private_runtime_dir;
use crate::cli::ui::output;
use crate::cli::ui::prompt;

/// What has no end of line by then is written as if it had one.
const MAX_LINE: u64 = 64 * 1024;
const BAR_WIDTH: usize = 20;
/// How often somebody looks whether a question has been answered.
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

/// Where all of them are written.
#[derive(Debug)]
pub(crate) struct PrefixedOutput {
    /// The bar's text, where somebody watches.
    bar: Mutex<Option<String>>,
}

impl PrefixedOutput {
    pub(crate) fn new(progress: Progress) -> Self {
        Self { bar: Mutex::new((progress == Progress::Shown).then(String::new)) }
    }

    /// Writes what comes from `source`, line by line, until it ends.
    ///
    /// # Errors
    /// There is no reading from `source` or no writing any more.
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
        // A question stays on the screen until it is answered: whoever writes on waits, as for a slow reader.
        while self.bar().is_some() && prompt::is_asking(&private_runtime_dir()) {
            std::thread::sleep(PROMPT_POLL);
        }
        // The lock keeps lines whole, and the bar below them.
        let bar = self.bar();
        erase(bar.as_deref());
        let written = match stream {
            Stream::Stdout => io::stdout().lock().write_all(line),
            Stream::Stderr => io::stderr().lock().write_all(line),
        };
        draw(bar.as_deref());
        match written {
            // A closed stderr must not stop a command.
            Err(error) if matches!(stream, Stream::Stderr) && error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// Moves the bar.
    pub(crate) fn show_progress(&self, done: usize, total: usize, running: &[&str]) {
        let mut bar = self.bar();
        if let Some(text) = bar.as_mut() {
            let filled = BAR_WIDTH * done / total.max(1);
            let rendered = format!(
                "[{}{}] {done}/{total} {}",
                "=".repeat(filled),
                " ".repeat(BAR_WIDTH - filled),
                running.join(", ")
            );
            *text = rendered.chars().take(output::columns() - 1).collect();
            if !prompt::is_asking(&private_runtime_dir()) {
                erase(Some(text));
                draw(Some(text));
            }
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        let mut bar = self.bar();
        erase(bar.as_deref());
        *bar = None;
    }

    fn bar(&self) -> MutexGuard<'_, Option<String>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn erase(bar: Option<&str>) {
    if bar.is_some() {
        let _ = io::stderr().lock().write_all(ERASE_LINE);
    }
}

/// The cursor goes back to the beginning of the line, so that whoever asks at the terminal meanwhile writes over the bar.
fn draw(bar: Option<&str>) {
    if let Some(text) = bar {
        let _ = io::stderr().lock().write_all(format!("{text}\r").as_bytes());
    }
}
