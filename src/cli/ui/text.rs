//! Text for the user: text of other programs made safe for a terminal, tables, durations.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use arl::internal::shell::Shell;
use unicode_width::UnicodeWidthStr;

/// The most characters that arl prints of another program's text.
const MAX_MESSAGE_LEN: usize = 2000;

/// Whether a character could move the cursor, hide text or change its direction: Unicode's categories Cc, Cf,
/// Zl and Zp.
///
/// Source: `DerivedGeneralCategory.txt` of Unicode 17.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Escapes the unsafe characters of another program's text.
pub(crate) fn printable(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    for c in text.chars().take(MAX_MESSAGE_LEN) {
        if is_unsafe(c) {
            let _ = write!(printed, "\\u{{{:x}}}", u32::from(c));
        } else {
            printed.push(c);
        }
    }
    if text.chars().nth(MAX_MESSAGE_LEN).is_some() {
        printed.push('…');
    }
    printed
}

/// Escapes a cause, such as a program's error output, line by line. Each line after the first begins with
/// `|`, so that none looks like a line of arl's own.
pub(crate) fn printable_lines(text: &str) -> String {
    let text = text.trim_end();
    let end = text.char_indices().nth(MAX_MESSAGE_LEN).map_or(text.len(), |(index, _)| index);
    let mut printed = text[..end].lines().map(printable).collect::<Vec<_>>().join("\n    | ");
    if end < text.len() {
        printed.push('…');
    }
    printed
}

/// Whether a column of a table may become narrower, to fit into the width of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It may not become narrower.
    Never,
    /// It becomes narrower before the others, down to this width. If that is not enough, it is left out.
    First(usize),
    /// It becomes narrower, down to this width, once the others have their smallest widths.
    Last(usize),
}

/// The space between two columns.
const COLUMN_GAP: usize = 2;

/// Returns rows as text, each column as wide as its widest cell.
pub(crate) fn format_table<const N: usize>(rows: &[[String; N]]) -> String {
    format_table_within(rows, None, [Fit::Never; N])
}

/// Returns rows as text of at most this width, if the columns can be narrow enough. The widest column becomes
/// narrower first. If columns must be left out, the rightmost of those with [`Fit::First`] goes first.
pub(crate) fn format_table_within<const N: usize>(
    rows: &[[String; N]],
    width: Option<usize>,
    fits: [Fit; N],
) -> String {
    let mut shown: Vec<usize> = (0..N).collect();
    let mut widths = column_widths(rows, &shown, width, fits);
    while width.is_some_and(|width| table_width(&shown, &widths) > width)
        && let Some(place) = shown.iter().rposition(|&column| matches!(fits[column], Fit::First(_)))
    {
        shown.remove(place);
        widths = column_widths(rows, &shown, width, fits);
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for &column in &shown {
            let cell = shorten(&row[column], widths[column]);
            line.push_str(&cell);
            line.extend(std::iter::repeat_n(' ', widths[column] - cell.width() + COLUMN_GAP));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn table_width<const N: usize>(shown: &[usize], widths: &[usize; N]) -> usize {
    shown.iter().map(|&column| widths[column]).sum::<usize>() + COLUMN_GAP * shown.len().saturating_sub(1)
}

/// Returns the widths of the columns, which fit into `width` if the columns can be narrow enough.
fn column_widths<const N: usize>(
    rows: &[[String; N]],
    shown: &[usize],
    width: Option<usize>,
    fits: [Fit; N],
) -> [usize; N] {
    let natural = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let mut widths: [usize; N] = std::array::from_fn(natural);
    let least = |column: usize, is_last: bool| match fits[column] {
        Fit::First(least) if !is_last => Some(least),
        Fit::Last(least) if is_last => Some(least),
        _ => None,
    };
    for is_last in [false, true] {
        while width.is_some_and(|width| table_width(shown, &widths) > width) {
            let can_shrink =
                |column: &usize| least(*column, is_last).is_some_and(|least| widths[*column] > least);
            let columns = shown.iter().copied().filter(can_shrink);
            let Some(widest) = columns.max_by_key(|&column| widths[column]) else { break };
            widths[widest] -= 1;
        }
    }
    widths
}

/// The least width of a description beside what it describes.
const MIN_DESCRIPTION: usize = 24;

/// Breaks an indented line at this width. A description is a text after two or more spaces, and continues
/// below its own beginning. A line without an indent is returned as it is.
pub(crate) fn hang(line: &str, columns: usize) -> String {
    let text_at = |from: usize| line.len() - line[from..].trim_start_matches(' ').len();
    let indent = text_at(0);
    if indent == 0 || line.width() <= columns {
        return line.to_owned();
    }
    let gap = line[indent..].find("  ").map(|gap| indent + gap);
    let begin = gap.map_or(indent, text_at);
    let (mut text, mut place) = (line[..begin].to_owned(), begin);
    if gap.is_none() || begin + MIN_DESCRIPTION > columns {
        place = indent + 4;
    }
    if let Some(gap) = gap.filter(|_| place != begin) {
        text = format!("{}\n{}", &line[..gap], " ".repeat(place));
    }
    let mut column = if gap.is_some() { place } else { begin };
    for (index, word) in line[begin..].split(' ').enumerate() {
        if index > 0 && column + 1 + word.width() > columns {
            text.push('\n');
            text.push_str(&" ".repeat(place));
            column = place;
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.width();
    }
    text
}

/// Breaks lines at spaces so that they have at most this width. The text after a break begins in the column
/// `indent`. A word that is too long stays whole.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut wrapped = String::with_capacity(text.len());
    for line in text.lines() {
        let mut used = 0;
        let mut has_word = false;
        // Each piece is a word with the spaces before it.
        let mut rest = line;
        while !rest.is_empty() {
            let start = rest.find(|c| c != ' ').unwrap_or(rest.len());
            let end = rest[start..].find(' ').map_or(rest.len(), |length| start + length);
            let (piece, tail) = rest.split_at(end);
            if has_word && used + piece.width() > width && indent + piece.trim_start().width() <= width {
                let _ = write!(wrapped, "\n{:indent$}{}", "", piece.trim_start());
                used = indent + piece.trim_start().width();
            } else {
                wrapped.push_str(piece);
                used += piece.width();
            }
            (has_word, rest) = (true, tail);
        }
        wrapped.push('\n');
    }
    wrapped
}

/// Returns a text of at most this width. If it was cut, it ends with `…`.
pub(crate) fn shorten(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    if width == 0 {
        return Cow::Borrowed("");
    }
    // The width of a text is not the sum of its characters' widths: U+FE0F makes the one before it wider.
    let ends = text.char_indices().map(|(index, _)| index);
    let kept = ends.map(|end| &text[..end]).take_while(|kept| kept.width() < width).last();
    Cow::Owned(format!("{}…", kept.unwrap_or_default()))
}

/// Returns a duration such as `1h 5m`. Seconds appear only below 90 seconds.
pub(crate) fn human_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let rounded = if seconds < 90 { seconds } else { (seconds + 30) / 60 * 60 };
    humantime::format_duration(Duration::from_secs(rounded)).to_string()
}

/// Returns the last four characters of an access key ID, by which its owner recognizes it.
pub(crate) fn last_four(id: &str) -> &str {
    id.char_indices().rev().nth(3).map_or(id, |(index, _)| &id[index..])
}

/// Returns a command line that the user can type. Only words that the shell would change are quoted.
pub(crate) fn quote_words(shell: Shell, words: &[String]) -> String {
    let is_plain = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:@+=,".contains(&b))
    };
    let quoted = words.iter().map(|word| if is_plain(word) { word.clone() } else { shell.quote(word) });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_description_hangs_below_its_beginning() {
        let row = "  arl assume ROLE     switch this shell to the role";
        assert_eq!(hang(row, 80), row);
        let broken = "  arl assume ROLE     switch this shell to the\n                      role";
        assert_eq!(hang(row, 48), broken);
        // Beside it there is no room.
        assert_eq!(hang(row, 44), "  arl assume ROLE\n      switch this shell to the role");
        assert_eq!(hang("  one two three", 10), "  one two\n      three");
        assert_eq!(hang("one two three", 10), "one two three");
        assert_eq!(hang("  a-word-that-is-too-long  b", 10), "  a-word-that-is-too-long\n      b");
    }

    #[test]
    fn printable_lines_keeps_line_breaks_and_truncates() {
        assert_eq!(super::printable_lines("one\r\ntwo\u{1b}[2J\n"), "one\n    | two\\u{1b}[2J");
        let long = "ä\n".repeat(super::MAX_MESSAGE_LEN);
        assert_eq!(super::printable_lines(&long).matches('ä').count(), super::MAX_MESSAGE_LEN / 2);
        assert!(super::printable_lines(&long).ends_with('…'));
    }

    #[test]
    fn a_table_fits_and_its_columns_stay_in_line() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let rows = [row(["NAME", "ACCOUNT", "LEFT"]), row(["dev", "日本🚀 payments prod", "1h"])];
        assert_eq!(format_table(&rows), "NAME  ACCOUNT               LEFT\ndev   日本🚀 payments prod  1h\n");
        let fits = [Fit::Last(6), Fit::First(6), Fit::Never];
        let narrow = format_table_within(&rows, Some(20), fits);
        assert_eq!(narrow, "NAME  ACCOUNT   LEFT\ndev   日本🚀 …  1h\n");
        assert!(narrow.lines().all(|line| line.width() <= 20));
        // A column that cannot be narrow enough is left out.
        assert_eq!(format_table_within(&rows, Some(18), fits), "NAME  ACCOU…  LEFT\ndev   日本…   1h\n");
        assert_eq!(format_table_within(&rows, Some(17), fits), "NAME  LEFT\ndev   1h\n");
        assert_eq!((&*shorten("日本", 3), &*shorten("ab", 2), &*shorten("ab", 0)), ("日…", "ab", ""));
    }

    #[test]
    fn a_character_that_becomes_wider_by_the_next_one_fits_too() {
        let hearts = "\u{2764}\u{fe0f}".repeat(20);
        for text in [&*hearts, "1\u{fe0f}\u{20e3}2\u{fe0f}\u{20e3}3", "🇩🇪🇫🇷🇮🇹", "e\u{301}e\u{301}e\u{301}"]
        {
            for width in 0..50 {
                let short = shorten(text, width);
                assert!(short.width() <= width, "{text} {width}: {short}");
                let table = format_table_within(&[[text.to_owned()]], Some(width), [Fit::First(0)]);
                assert!(table.trim_end().width() <= width, "{text} {width}: {table}");
            }
        }
    }

    #[test]
    fn lines_are_broken_at_spaces_and_go_on_below_their_value() {
        let text = "source     profile `dev`, key …0001   (`source_profile = dev`)\nregion     eu-west-1\n";
        let expected = "source     profile `dev`, key\n           …0001\n           (`source_profile =\n           dev`)\nregion     eu-west-1\n";
        assert_eq!(wrap(text, 30, 11), expected);
        assert!(wrap(text, 30, 11).lines().all(|line| line.width() <= 30));
        assert_eq!(wrap(text, 200, 11), text);
        // An ARN is not broken, because it could not be copied.
        let long = "role       arn:aws:iam::123456789012:role/Deploy\n";
        assert_eq!(wrap(long, 20, 11), long);
    }

    #[test]
    fn printable_escapes_control_characters() {
        let hostile: String = (0..0x20)
            .chain(0x7f..0xa0)
            .chain(0x200b..=0x200f)
            .chain(0x2028..=0x202e)
            .chain(0x2060..=0x206f)
            .chain([0xfeff, 0xad, 0x61c, 0x180e, 0xfff9, 0xe0001, 0xe0041, 0x1d173])
            .filter_map(char::from_u32)
            .collect();
        let shown = printable(&hostile);
        assert!(shown.bytes().all(|b| b.is_ascii_graphic()), "{shown}");
        assert_eq!(printable("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(printable(&"x".repeat(3000)).chars().count(), MAX_MESSAGE_LEN + 1);
    }

    #[test]
    fn the_last_four_characters_may_be_of_any_script() {
        assert_eq!(last_four("AKIA€xy"), "A€xy");
        assert_eq!(last_four("€"), "€");
        assert_eq!(last_four("AKIAIOSFODNN7EXAMPLE"), "MPLE");
    }
}
