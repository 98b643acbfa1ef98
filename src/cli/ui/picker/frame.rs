//! Lays out the picker: the typed words, and below them as much of the list as fits.

use unicode_width::UnicodeWidthStr;

use crate::cli::ui::picker::list::{COLUMNS, List};
use crate::cli::ui::text::shorten;

const HEADINGS: [&str; COLUMNS] = ["NAME", "ACCOUNT", "ROLE", "SOURCE", "LEFT"];
/// The smallest width of each column. Names and sources may be cut, account IDs may not.
const LEAST: [usize; COLUMNS] = [16, 12, 8, 6, 4];
/// The columns in the order in which they get space.
const BY_IMPORTANCE: [usize; COLUMNS] = [0, 1, 2, 4, 3];
/// The space in front of the first column, for the selection and the mark.
const MARGIN: usize = 4;
const GAP: usize = 2;
/// The most entries that are shown at once, even in a taller window.
const MAX_ENTRIES: usize = 30;
/// A window with fewer rows has no headings and no help.
const ROWS_FOR_HELP: usize = 8;
const HELP: &str = "type to filter, Enter selects, Esc cancels";

/// The lines to show, and where the cursor goes in the first one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) lines: Vec<String>,
    pub(super) cursor: usize,
}

/// Whether parts of the picker are highlighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Highlighted,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Highlighted => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}

/// Returns how many entries a window of this height shows.
pub(super) fn entry_rows(rows: usize) -> usize {
    let others = if rows >= ROWS_FOR_HELP { 4 } else { 2 };
    rows.saturating_sub(others).clamp(1, MAX_ENTRIES)
}

/// Returns what a window of this size shows. No line fills its last column.
pub(super) fn frame(list: &mut List, title: &str, (rows, columns): (usize, usize), style: Style) -> Frame {
    let width = columns.saturating_sub(1).max(1);
    let (first, cursor) = query_line(list, title, width);
    let mut lines = vec![first];
    let widths = column_widths(list.widths, width.saturating_sub(MARGIN));
    let has_help = rows >= ROWS_FOR_HELP;
    if has_help {
        let headings = format!("{:MARGIN$}{}", "", row(&HEADINGS.map(str::to_owned), widths));
        lines.push(style.paint("2", &shorten(&headings, width)));
    }
    for (index, is_selected) in list.visible(entry_rows(rows)) {
        let entry = list.entry(index);
        let pointer = if is_selected { '>' } else { ' ' };
        let line = format!("{pointer} {} {}", entry.mark, row(entry.cells(), widths));
        let line = shorten(&line, width);
        lines.push(if is_selected { style.paint("7", &line) } else { line.into_owned() });
    }
    if has_help {
        let note = list.selected().and_then(|index| list.entry(index).note.as_deref());
        lines.push(style.paint("2", &shorten(&format!("{:MARGIN$}{}", "", note.unwrap_or(HELP)), width)));
    }
    Frame { lines, cursor }
}

/// Returns the line with the typed words, and the column of the cursor. If the words do not fit, the line
/// shows their end.
fn query_line(list: &List, title: &str, width: usize) -> (String, usize) {
    let (matches, all) = list.counts();
    let count = format!("{matches}/{all}");
    let title = if title.len() + 8 > width { ">" } else { title };
    let room = width.saturating_sub(title.width() + 1);
    let mut query = list.query.as_str();
    while query.width() > room {
        let mut rest = query.chars();
        rest.next();
        query = rest.as_str();
    }
    let mut line = format!("{title} {query}");
    let cursor = line.width().min(width);
    let used = cursor + GAP + count.len();
    if used <= width {
        line.extend(std::iter::repeat_n(' ', width - used + GAP));
        line.push_str(&count);
    }
    (shorten(&line, width).into_owned(), cursor)
}

/// Returns the widths of the columns. A column that is empty or does not fit has width 0.
fn column_widths(natural: [usize; COLUMNS], width: usize) -> [usize; COLUMNS] {
    let mut widths = [0; COLUMNS];
    let mut left = width;
    for column in BY_IMPORTANCE {
        let wanted = natural[column].max(HEADINGS[column].len());
        let gap = if column == 0 { 0 } else { GAP };
        let least = wanted.min(LEAST[column]);
        if natural[column] > 0 && (column == 0 || least + gap <= left) {
            widths[column] = least.min(left);
            left -= widths[column] + gap.min(left - widths[column]);
        }
    }
    for column in BY_IMPORTANCE.into_iter().filter(|&column| natural[column] > 0) {
        if widths[column] > 0 {
            let wanted = natural[column].max(HEADINGS[column].len());
            let more = (wanted - widths[column]).min(left);
            widths[column] += more;
            left -= more;
        }
    }
    widths
}

fn row(cells: &[String; COLUMNS], widths: [usize; COLUMNS]) -> String {
    let is_alone = cells[1..].iter().all(String::is_empty);
    if is_alone {
        return cells[0].clone();
    }
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths).filter(|(_, width)| *width > 0) {
        let cell = shorten(cell, width);
        text.push_str(&cell);
        text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + GAP));
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::picker::list::Entry;

    fn list() -> List {
        List::new(vec![
            Entry::new(["payments-prod", "111122223333 支払い", "Deploy", "dev", "41m"], '*', None),
            Entry::new(
                ["sandbox", "444455556666", "Administrator", "a-long-source-profile", ""],
                '!',
                Some("broken"),
            ),
            Entry::fixed("more from corp", "asks"),
        ])
    }

    #[test]
    fn no_line_is_wider_than_the_window() {
        for rows in 1..60 {
            for columns in 1..120 {
                for query in ["", "pay", "日本日本日本日本日本日本"] {
                    let mut list = list();
                    list.edit(|text| *text = query.to_owned());
                    let frame = frame(&mut list, "role>", (rows, columns), Style::Plain);
                    assert!(frame.lines.len() <= rows.max(2), "{rows} {columns} {frame:?}");
                    let widest = frame.lines.iter().map(|line| line.width()).max().unwrap_or(0);
                    assert!(widest < columns.max(2) && frame.cursor < columns.max(2), "{columns} {frame:?}");
                }
            }
        }
    }

    #[test]
    fn columns_that_do_not_fit_are_left_out() {
        let mut list = list();
        let lines = frame(&mut list, "role>", (24, 80), Style::Plain).lines;
        assert_eq!(
            lines,
            [
                "role>                                                                     2/2",
                "    NAME           ACCOUNT              ROLE           SOURCE              LEFT",
                "> * payments-prod  111122223333 支払い  Deploy         dev                 41m",
                "  ! sandbox        444455556666         Administrator  a-long-source-pro…",
                "    more from corp",
                "    type to filter, Enter selects, Esc cancels",
            ]
            .map(|line| if line.starts_with("role>") {
                format!("role>{}2/2", " ".repeat(71))
            } else {
                line.to_owned()
            })
        );
        let narrow = frame(&mut list, "role>", (6, 40), Style::Plain).lines;
        assert_eq!(narrow[1], "> * payments-prod  111122223333 …  41m");
    }
}
