//! Shows edits of a file as a unified diff without context.

use std::fmt::Write as _;

use arl::internal::{Change, Edited};

use crate::cli::ui::text::printable;

/// Returns the differences between a file and its edited text, and an empty text if they are equal.
pub(super) fn unified(name: &str, old: &[u8], edited: &Edited, is_colored: bool) -> String {
    if edited.changes.is_empty() {
        return String::new();
    }
    let paint = |code: &str, text: &str| {
        if is_colored { format!("\x1b[{code}m{text}\x1b[0m\n") } else { format!("{text}\n") }
    };
    let name = printable(name);
    let mut diff = paint("1", &format!("--- {name}")) + &paint("1", &format!("+++ {name}"));
    let (mut old_lines, mut new_lines) = (LineCounter::new(old), LineCounter::new(&edited.text));
    for Change { before, after } in &edited.changes {
        let (removed, added) = (lines(&old[before.clone()]), lines(&edited.text[after.clone()]));
        let same = removed.iter().zip(&added).take_while(|(a, b)| a == b).count();
        let same_end = removed[same..].iter().rev().zip(added[same..].iter().rev());
        let same_end = same_end.take_while(|(a, b)| a == b).count();
        let header = removed.first().filter(|_| same > 0).map_or("", |line| line.trim_end());
        let removed = &removed[same..removed.len() - same_end];
        let added = &added[same..added.len() - same_end];
        let place = |first: usize, count: usize| match count {
            // For an empty range, the position is that of the line before it.
            0 => format!("{},0", first + same),
            count => format!("{},{count}", first + same + 1),
        };
        let old_place = place(old_lines.before(before.start), removed.len());
        let new_place = place(new_lines.before(after.start), added.len());
        let hunk = format!("@@ -{old_place} +{new_place} @@ {}", printable(header));
        diff += &paint("36", hunk.trim_end());
        for (sign, code, lines) in [('-', "31", removed), ('+', "32", added)] {
            for line in lines {
                let mut text = String::new();
                let _ = write!(text, "{sign}{}", printable(line.trim_end_matches(['\r', '\n'])));
                diff += &paint(code, &text);
            }
        }
    }
    diff
}

fn lines(text: &[u8]) -> Vec<String> {
    text.split_inclusive(|&b| b == b'\n').map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

/// Counts the lines before each of a series of increasing positions.
struct LineCounter<'a> {
    text: &'a [u8],
    position: usize,
    count: usize,
}

impl<'a> LineCounter<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, position: 0, count: 0 }
    }

    fn before(&mut self, position: usize) -> usize {
        let passed = self.text.get(self.position..position).unwrap_or_default();
        self.count += passed.iter().filter(|&&b| b == b'\n').count();
        self.position = position;
        self.count
    }
}
