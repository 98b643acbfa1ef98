//! The seam to the outside: data to stdout, words for people to stderr.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use rustix::io::Errno;

use super::report::Report;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ColorChoice {
    Auto,
    Always,
    Never,
}

impl ColorChoice {
    /// Whether messages are coloured; looks at the terminal only when asked.
    fn is_wanted(self) -> bool {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                io::stderr().is_terminal() && !set("NO_COLOR") && !dumb
            }
        }
    }
}

/// Where a verb writes.
#[derive(Debug)]
pub(super) struct Output {
    verbose: bool,
    quiet: bool,
    color: ColorChoice,
    /// Whether a warning has been said that would otherwise be repeated for every hop.
    has_warned: Cell<bool>,
}

impl Output {
    pub(super) fn new(verbose: bool, quiet: bool, color: ColorChoice) -> Self {
        Self { verbose, quiet, color, has_warned: Cell::new(false) }
    }

    /// The same, but quiet unless it is to tell everything: for work that goes on behind a command.
    pub(super) fn in_background(&self) -> Self {
        Self { verbose: self.verbose, quiet: !self.verbose, color: self.color, has_warned: Cell::new(false) }
    }

    /// The flags that make another arl as talkative as this one.
    pub(super) fn flags(&self) -> Vec<&'static str> {
        let color = match self.color {
            ColorChoice::Auto => None,
            ColorChoice::Always => Some("--color=always"),
            ColorChoice::Never => Some("--color=never"),
        };
        let volume = [(self.verbose, "--verbose"), (self.quiet, "--quiet")];
        volume.into_iter().filter_map(|(is_set, flag)| is_set.then_some(flag)).chain(color).collect()
    }

    /// Whether a person follows what is said, at a terminal that can erase a line.
    pub(super) fn is_watched(&self) -> bool {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        !self.quiet && !dumb && io::stderr().is_terminal()
    }

    /// Writes data for a program, in one piece. A reader that has gone is no error.
    pub(super) fn data(&self, bytes: &[u8]) -> Result<(), Report> {
        // Not by the standard library, to which a closed stdout is as good as an open one.
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::io::write(io::stdout(), rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(Errno::PIPE) => return Ok(()),
                Err(error) => {
                    let cause = io::Error::from(error);
                    return Err(Report::new("could not write the output").caused_by(cause));
                }
            }
        }
        Ok(())
    }

    /// Says something that a person should know, unless they asked for quiet.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            to_stderr(&format!("arl: {}\n", printable(text)));
        }
    }

    /// [`Output::note`], but only the first time.
    pub(super) fn warn_once(&self, text: &str) {
        if !self.has_warned.replace(true) {
            self.note(text);
        }
    }

    /// Says what happened, to a person at a terminal only.
    pub(super) fn success(&self, text: &str) {
        if io::stderr().is_terminal() {
            self.note(text);
        }
    }

    /// Says what arl is doing, if asked to.
    pub(super) fn trace(&self, text: impl FnOnce() -> String) {
        if self.verbose {
            self.note(&text());
        }
    }

    /// Shows an error with its causes and hints.
    pub(super) fn report(&self, report: &Report) {
        let is_colored = self.color.is_wanted();
        let paint = |code: &str, text: &str| {
            if is_colored { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
        };
        let mut text = format!("{} {}\n", paint("1;31", "error:"), printable(&report.error));
        for cause in &report.causes {
            let _ = writeln!(text, "  {} {}", paint("2", "caused by:"), printable_lines(cause));
        }
        for hint in &report.hints {
            let _ = writeln!(text, "{} {}", paint("36", "hint:"), printable(hint));
        }
        to_stderr(&text);
    }
}

/// A closed stderr must not turn an answer into a failure.
pub(super) fn to_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Longer foreign texts are no messages.
const MAX_SHOWN: usize = 2000;

/// A text of others without what could move a cursor, hide words or turn their direction.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars().take(MAX_SHOWN) {
        let unseen = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if c.is_control() || unseen {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// A cause, such as a program's last words, with its lines kept below each other and no longer than any other text.
fn printable_lines(text: &str) -> String {
    let text = text.trim_end();
    let end = text.char_indices().nth(MAX_SHOWN).map_or(text.len(), |(index, _)| index);
    let mut shown = text[..end].lines().map(printable).collect::<Vec<_>>().join("\n    ");
    if end < text.len() {
        shown.push('…');
    }
    shown
}

/// Columns as wide as their widest cell; the last one as wide as it is.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_keeps_its_lines_and_its_limit() {
        assert_eq!(super::printable_lines("one\r\ntwo\u{1b}[2J\n"), "one\n    two\\u{1b}[2J");
        let long = "ä\n".repeat(super::MAX_SHOWN);
        assert_eq!(super::printable_lines(&long).matches('ä').count(), super::MAX_SHOWN / 2);
        assert!(super::printable_lines(&long).ends_with('…'));
    }

    #[test]
    fn nothing_foreign_reaches_the_terminal_as_a_command() {
        let hostile: String = (0..0x20)
            .chain(0x7f..0xa0)
            .chain(0x200b..=0x200f)
            .chain(0x2028..=0x202e)
            .chain(0x2060..=0x206f)
            .chain([0xfeff])
            .filter_map(char::from_u32)
            .collect();
        let shown = printable(&hostile);
        assert!(shown.bytes().all(|b| b.is_ascii_graphic()), "{shown}");
        assert_eq!(printable("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(printable(&"x".repeat(3000)).chars().count(), MAX_SHOWN + 1);
    }
}
