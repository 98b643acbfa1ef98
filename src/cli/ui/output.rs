//! Writes data to stdout and messages to stderr. Only clap's help, the progress bars, and the lines of the
//! commands that `each` runs are written elsewhere.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use rustix::io::Errno;

use crate::cli::ui::error::CliError;
use crate::cli::ui::text::{printable, printable_lines};

/// When to color messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

impl ColorChoice {
    /// Whether text on this stream is colored. Only `Auto` looks at the terminal.
    fn is_enabled(self, stream: &impl IsTerminal) -> bool {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                stream.is_terminal() && !is_set("NO_COLOR") && !is_dumb
            }
        }
    }
}

/// Where other people could see a secret in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// A terminal shows it.
    Terminal,
    /// The file is one that other users can read.
    ReadableFile,
}

/// Returns where a secret on stdout would be exposed, so that it may appear there only on request. Pipes,
/// devices and files without a name (which ksh93 makes for `$(…)`) expose nothing.
pub(crate) fn stdout_exposure() -> Option<Exposure> {
    let Ok(stat) = rustix::fs::fstat(io::stdout()) else { return None };
    match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
        rustix::fs::FileType::CharacterDevice => stdout_is_terminal().then_some(Exposure::Terminal),
        rustix::fs::FileType::RegularFile if stat.st_nlink > 0 && stat.st_mode & 0o044 != 0 => {
            Some(Exposure::ReadableFile)
        }
        _ => None,
    }
}

pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Returns the width of the terminal at stdout. `None` if stdout is not a terminal.
pub(crate) fn stdout_columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|_| stdout_is_terminal())?;
    Some(usize::from(size.ws_col)).filter(|&columns| columns > 0)
}

/// Returns the width of the terminal at stderr, or 80 if the terminal does not report one.
pub(crate) fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|&columns| columns > 0).unwrap_or(80)
}

/// How much arl says on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Volume {
    /// Errors only.
    Quiet,
    /// Notes as well.
    Normal,
    /// Every step of arl as well.
    Verbose,
}

/// The output of a command: how much it prints on stderr, and whether in color.
#[derive(Debug)]
pub(crate) struct Output {
    volume: Volume,
    color: ColorChoice,
    /// Whether [`Output::warn_once`] has warned.
    has_warned: Cell<bool>,
}

impl Output {
    pub(crate) fn new(volume: Volume, color: ColorChoice) -> Self {
        Self { volume, color, has_warned: Cell::new(false) }
    }

    /// Returns an output that writes data and errors only, without color.
    pub(crate) fn quiet() -> Self {
        Self::new(Volume::Quiet, ColorChoice::Never)
    }

    /// Returns an output for the error of a command line whose flags cannot be parsed.
    pub(crate) fn colored() -> Self {
        Self::new(Volume::Normal, ColorChoice::Auto)
    }

    /// Returns an output without color, for messages before the flags are known.
    pub(crate) fn plain() -> Self {
        Self::new(Volume::Normal, ColorChoice::Never)
    }

    /// Returns the output for work in the background of a command: quiet, unless the user asked for every
    /// step.
    pub(crate) fn quieted(&self) -> Self {
        let volume = match self.volume {
            Volume::Verbose => Volume::Verbose,
            Volume::Normal | Volume::Quiet => Volume::Quiet,
        };
        Self::new(volume, self.color)
    }

    /// Returns the flags that give another arl the same volume and colors.
    pub(crate) fn as_flags(&self) -> Vec<&'static str> {
        let volume = match self.volume {
            Volume::Quiet => Some("--quiet"),
            Volume::Normal => None,
            Volume::Verbose => Some("--verbose"),
        };
        let color = match self.color {
            ColorChoice::Auto => None,
            ColorChoice::Always => Some("--color=always"),
            ColorChoice::Never => Some("--color=never"),
        };
        volume.into_iter().chain(color).collect()
    }

    /// Whether stderr is a terminal that can erase a line, and the user wants messages.
    pub(crate) fn has_progress(&self) -> bool {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        self.volume != Volume::Quiet && !is_dumb && io::stderr().is_terminal()
    }

    /// Returns when to color text.
    pub(crate) fn color(&self) -> ColorChoice {
        self.color
    }

    /// Whether data on stdout is colored, such as a diff.
    pub(crate) fn colors_data(&self) -> bool {
        self.color.is_enabled(&io::stdout())
    }

    /// Whether text on stderr is colored.
    pub(crate) fn colors_messages(&self) -> bool {
        self.color.is_enabled(&io::stderr())
    }

    /// Writes data for a program. A closed pipe is not an error.
    pub(crate) fn write_data(&self, bytes: &[u8]) -> Result<(), CliError> {
        // The standard library ignores a closed stdout, so this writes to the descriptor directly.
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::io::write(io::stdout(), rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(Errno::PIPE) => return Ok(()),
                Err(error) => {
                    let cause = io::Error::from(error);
                    return Err(CliError::new("could not write the output").caused_by(cause));
                }
            }
        }
        Ok(())
    }

    /// Prints a message, unless the user asked for quiet.
    pub(crate) fn note(&self, text: &str) {
        if self.volume != Volume::Quiet {
            write_stderr(&format!("arl: {}\n", printable(text)));
        }
    }

    /// Prints an instruction to the user, even if the user asked for quiet.
    pub(crate) fn instruct(&self, text: &str) {
        write_stderr(&format!("arl: {}\n", printable(text)));
    }

    /// Prints a line without `arl:` in front, unless the user asked for quiet.
    pub(crate) fn write_line(&self, text: &str) {
        if self.volume != Volume::Quiet {
            write_stderr(&format!("{}\n", printable(text)));
        }
    }

    /// Prints the first warning and drops later ones, because they would repeat it for every hop.
    pub(crate) fn warn_once(&self, text: &str) {
        if !self.has_warned.replace(true) {
            self.note(text);
        }
    }

    /// Prints a message, but only to a terminal.
    pub(crate) fn status(&self, text: &str) {
        if io::stderr().is_terminal() {
            self.note(text);
        }
    }

    /// Prints why arl is waiting, to a terminal or if the user asked for every step.
    pub(crate) fn progress(&self, text: &str) {
        if self.volume == Volume::Verbose {
            self.note(text);
        } else {
            self.status(text);
        }
    }

    /// Prints a step of arl, if the user asked for every step.
    pub(crate) fn trace(&self, text: impl FnOnce() -> String) {
        if self.volume == Volume::Verbose {
            self.note(&text());
        }
    }

    /// Prints an error with its causes and hints.
    pub(crate) fn print_error(&self, error: &CliError) {
        let is_colored = self.colors_messages();
        let paint = |code: &str, text: &str| {
            if is_colored { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
        };
        let mut text = format!("{} {}\n", paint("1;31", "error:"), printable(&error.error));
        for cause in &error.causes {
            let _ = writeln!(text, "  {} {}", paint("2", "caused by:"), printable_lines(cause));
        }
        for hint in &error.hints {
            let _ = writeln!(text, "{} {}", paint("36", "hint:"), printable(hint));
        }
        write_stderr(&text);
    }
}

/// Writes to stderr. If stderr is closed, the command goes on without messages.
pub(crate) fn write_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
