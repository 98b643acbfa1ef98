//! The progress bar below the output of the commands.

use std::io;
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use unicode_width::UnicodeWidthStr;

use crate::cli::ui::output::{columns, write_stderr};
use crate::cli::ui::text::shorten;

const TEMPLATE: &str = "{bar:20} {pos}/{len} done{msg}";
const BAR_WIDTH: usize = 20;

/// The counts that the bar shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts<'a> {
    pub(crate) finished: usize,
    pub(crate) failed: usize,
    pub(crate) total: usize,
    /// The names of the roles whose commands run.
    pub(crate) running: &'a [&'a str],
}

/// The bar, or none.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn hidden() -> Self {
        Self { bar: None }
    }

    pub(crate) fn shown(total: usize) -> Self {
        let target = ProgressDrawTarget::term_like(Box::new(StderrLine::default()));
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(total as u64), target).with_style(style);
        Self { bar: Some(bar) }
    }

    pub(crate) fn is_shown(&self) -> bool {
        self.bar.is_some()
    }

    pub(crate) fn update(&self, counts: Counts<'_>) {
        let Some(bar) = &self.bar else { return };
        let used = BAR_WIDTH + format!(" {}/{} done", counts.finished, counts.total).width();
        let details = shorten(&details(counts), columns().saturating_sub(used + 1)).into_owned();
        bar.set_position(counts.finished as u64);
        bar.set_message(details);
    }

    /// Calls `write` while the bar is hidden.
    pub(crate) fn while_hidden<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Erases the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Returns the text after the counts, such as `, 1 failed; running: dev, prod`.
fn details(counts: Counts<'_>) -> String {
    let failed = if counts.failed > 0 { format!(", {} failed", counts.failed) } else { String::new() };
    let running = if counts.running.is_empty() {
        String::new()
    } else {
        format!("; running: {}", counts.running.join(", "))
    };
    failed + &running
}

/// The terminal line with the cursor. After the bar the cursor returns to the beginning of the line, so that
/// a question of another arl overwrites the bar.
#[derive(Debug, Default)]
struct StderrLine {
    unwritten: Mutex<String>,
}

impl StderrLine {
    fn push(&self, text: &str) -> io::Result<()> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }
}

/// The bar has one line, so the cursor never moves up or down.
impl TermLike for StderrLine {
    fn width(&self) -> u16 {
        // Leave the last column free, because text in it may move the cursor to the next line.
        u16::try_from(columns().saturating_sub(1)).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.push(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.push(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.push("\r\x1b[K")
    }

    fn flush(&self) -> io::Result<()> {
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        write_stderr(&format!("{}\r", std::mem::take(&mut *unwritten)));
        Ok(())
    }
}
