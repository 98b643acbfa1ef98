//! Writes the output of several commands at once: whole lines, each after the name of its role, above the
//! progress bar.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cli::commands::each::prefix::PrefixStyle;
use crate::cli::commands::each::progress::{Counts, Progress};
use crate::cli::env::dirs::private_runtime_dir;
use crate::cli::ui::prompt;

/// The longest line, in bytes. Longer ones are written in parts of this length.
const MAX_LINE: u64 = 64 * 1024;
/// How often arl, before it writes a command's output, checks whether the user has answered a prompt.
const PROMPT_POLL: Duration = Duration::from_millis(50);

/// One of arl's streams.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Where the lines of a stream go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Destination {
    pub(crate) stream: Stream,
    pub(crate) style: PrefixStyle,
}

/// Where the lines of a command's two streams go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Streams {
    pub(crate) stdout: Destination,
    pub(crate) stderr: Destination,
}

/// Writes the output of all commands.
#[derive(Debug)]
pub(crate) struct PrefixedOutput {
    pub(crate) streams: Streams,
    progress: Mutex<Progress>,
}

impl PrefixedOutput {
    pub(crate) fn new(streams: Streams, progress: Progress) -> Self {
        Self { streams, progress: Mutex::new(progress) }
    }

    /// Writes the lines of `source` until it ends, each after `name`.
    ///
    /// # Errors
    /// Reading or writing fails.
    pub(crate) fn forward_lines(&self, source: impl Read, name: &str, to: Destination) -> io::Result<()> {
        let prefix = to.style.prefix(name);
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        loop {
            line.clear();
            line.extend_from_slice(prefix.as_bytes());
            if source.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            if line.last() != Some(&b'\n') {
                line.push(b'\n');
            }
            self.write(&line, to.stream)?;
        }
    }

    fn write(&self, line: &[u8], stream: Stream) -> io::Result<()> {
        let write = || match stream {
            Stream::Stdout => io::stdout().lock().write_all(line),
            Stream::Stderr => io::stderr().lock().write_all(line),
        };
        match (self.above_progress(write), stream) {
            // A stderr that is closed, or on a full disk, must not stop a command.
            (_, Stream::Stderr) => Ok(()),
            (written, Stream::Stdout) => written,
        }
    }

    /// Hides the bar and calls `write`. Waits while another arl asks the user on this terminal, so that its
    /// question stays visible.
    fn above_progress<T>(&self, write: impl Fn() -> T) -> T {
        loop {
            // The lock keeps each line whole, and the bar below the lines.
            let progress = self.progress();
            if !progress.is_shown() {
                return write();
            }
            let written = prompt::unless_asking(&private_runtime_dir(), || progress.while_hidden(&write));
            if let Some(written) = written {
                return written;
            }
            drop(progress);
            std::thread::sleep(PROMPT_POLL);
        }
    }

    /// Updates the bar, unless another arl is asking the user.
    pub(crate) fn show_progress(&self, counts: Counts<'_>) {
        let progress = self.progress();
        if progress.is_shown() {
            prompt::unless_asking(&private_runtime_dir(), || progress.update(counts));
        }
    }

    /// Erases the bar at the end.
    pub(crate) fn finish(&self) {
        self.progress().finish();
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
