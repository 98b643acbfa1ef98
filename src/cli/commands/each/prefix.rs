//! The prefix of each line of a command: the name of its role, aligned and colored on a terminal.

use std::iter;

use sha2::{Digest, Sha256};
use unicode_width::UnicodeWidthStr;

/// The colors of names: those of the terminal's palette that are readable on dark and on light backgrounds.
/// Red is for errors only.
const COLORS: [&str; 10] = ["32", "33", "34", "35", "36", "92", "93", "94", "95", "96"];
/// The widest column of names. A wider name moves only its own lines to the right.
const MAX_COLUMN: usize = 40;

/// How a stream shows the names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrefixStyle {
    /// The width of the column of names. `None` means no alignment, so that the lines of a role in a pipe do
    /// not depend on the other roles.
    pub(crate) column: Option<usize>,
    pub(crate) is_colored: bool,
}

impl PrefixStyle {
    /// Returns the bytes before each line.
    pub(crate) fn prefix(self, name: &str) -> String {
        let padding = self.column.unwrap_or(0).saturating_sub(name.width());
        let blanks: String = iter::repeat_n(' ', padding).collect();
        if self.is_colored {
            // The reset ends a color that the line before has left on.
            format!("\x1b[0;{}m{name}:\x1b[0m{blanks} ", color(name))
        } else {
            format!("{name}:{blanks} ")
        }
    }
}

/// Returns the width of a column for all names except those wider than [`MAX_COLUMN`].
pub(crate) fn column_width<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(UnicodeWidthStr::width).filter(|&width| width <= MAX_COLUMN).max().unwrap_or(0)
}

/// Returns the color of a name. It is the same in every run and version, and does not depend on the other
/// roles.
fn color(name: &str) -> &'static str {
    COLORS[usize::from(Sha256::digest(name.as_bytes())[0]) % COLORS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_in_one_column_by_the_width_that_a_terminal_shows() {
        let names = ["dev", "日本-prod", "e\u{301}"];
        let column = column_width(names.into_iter());
        let style = PrefixStyle { column: Some(column), is_colored: false };
        assert_eq!(
            names.map(|name| style.prefix(name)),
            ["dev:       ", "日本-prod: ", "e\u{301}:         "]
        );
        let wide = "x".repeat(60);
        assert_eq!(column_width([wide.as_str(), "dev"].into_iter()), 3);
        assert_eq!(style.prefix(&wide), format!("{wide}: "));
        let plain = PrefixStyle { column: None, is_colored: false };
        assert_eq!(plain.prefix("dev"), "dev: ");
    }

    #[test]
    fn a_name_has_the_same_color_in_each_run() {
        let style = PrefixStyle { column: None, is_colored: true };
        assert_eq!(style.prefix("prod"), "\x1b[0;35mprod:\x1b[0m ");
        let colors: std::collections::HashSet<_> =
            (0..100).map(|number| color(&format!("role-{number}"))).collect();
        assert_eq!(colors.len(), COLORS.len());
    }
}
