//! The lexer of the shared files, for both the reader and the editor.
//!
//! It works on bytes, because the editor must preserve lines that are not UTF-8. For each line it returns the
//! kind, the indentation and the range. The grammar is that of "Shared config and credentials files" in the
//! AWS SDKs and Tools Reference Guide. As in botocore, `:` is a delimiter too, and comments and whole
//! sections may be indented.

use std::io::BufRead as _;
use std::ops::Range;

/// The file that a property is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SharedFile {
    /// `~/.aws/config`, or `AWS_CONFIG_FILE`.
    Config,
    /// `~/.aws/credentials`, or `AWS_SHARED_CREDENTIALS_FILE`.
    Credentials,
}

/// One line of a shared file. All ranges refer to the text that [`Lines`] was created from.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// The whole line, including its line ending.
    pub(crate) range: Range<usize>,
    /// The line number, counted from 1.
    pub(crate) number: usize,
    /// The number of whitespace bytes at the beginning of the line.
    pub(super) indent: usize,
    pub(crate) kind: LineKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineKind {
    Blank,
    Comment,
    /// A section header. The range is the text between the brackets.
    Header(Range<usize>),
    /// A line that begins with `[` and has no `]`.
    UnclosedHeader,
    /// A property, split at its delimiter. The key and the value may have whitespace around them.
    Property {
        key: Range<usize>,
        value: Range<usize>,
    },
    /// A line that continues the preceding value. The range excludes the whitespace around the text.
    Continuation(Range<usize>),
    /// A line with neither `=` nor `:`.
    NoDelimiter,
    /// A line that begins with `=` or `:`.
    NoKey,
}

/// Iterates over the lines of a file, or of a part of one.
pub(crate) struct Lines<'a> {
    text: &'a [u8],
    position: usize,
    number: usize,
    /// The indentation of the last key. Only a line that is indented further continues its value. A header
    /// resets it.
    key_indent: Option<usize>,
}

impl<'a> Lines<'a> {
    /// Lexes a whole file. A byte order mark at the beginning is skipped.
    pub(crate) fn of_file(text: &'a [u8]) -> Self {
        let position = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { position, ..Self::of_section(text) }
    }

    /// Lexes the lines of one section.
    pub(super) fn of_section(text: &'a [u8]) -> Self {
        Self { text, position: 0, number: 0, key_indent: None }
    }

    fn kind(&self, line: &[u8], start: usize) -> (usize, LineKind) {
        if let Some(delimiter) = plain_delimiter(line) {
            return (0, self.property(start, start + delimiter, start + line.len()));
        }
        let (indent, trimmed) = trimmed(line);
        let start = start + indent;
        let end = start + trimmed.len();
        let kind = match trimmed.first() {
            None => LineKind::Blank,
            Some(b'#' | b';') => LineKind::Comment,
            Some(_) if self.key_indent.is_some_and(|key| indent > key) => LineKind::Continuation(start..end),
            Some(b'[') => match header_end(&trimmed[1..]) {
                Some(close) => LineKind::Header(start + 1..start + 1 + close),
                None => LineKind::UnclosedHeader,
            },
            Some(b'=' | b':') => LineKind::NoKey,
            Some(_) => match delimiter(trimmed) {
                Some(delimiter) => self.property(start, start + delimiter, end),
                None => LineKind::NoDelimiter,
            },
        };
        (indent, kind)
    }

    fn property(&self, start: usize, delimiter: usize, end: usize) -> LineKind {
        LineKind::Property { key: start..delimiter, value: delimiter + 1..end }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let rest = self.text.get(self.position..).filter(|rest| !rest.is_empty())?;
        let length = line_length(rest);
        let start = self.position;
        self.position += length;
        self.number += 1;
        let (indent, kind) = self.kind(&rest[..length], start);
        match kind {
            LineKind::Property { .. } => self.key_indent = Some(indent),
            LineKind::Header(_) | LineKind::UnclosedHeader => self.key_indent = None,
            _ => {}
        }
        Some(Line { range: start..self.position, number: self.number, indent, kind })
    }
}

/// Returns the length of the first line, with its line end. `skip_until` searches many bytes at a time and,
/// unlike the crate memchr, does not ask the processor for its features first: on a virtual machine that
/// takes longer than reading a typical file.
fn line_length(mut text: &[u8]) -> usize {
    text.skip_until(b'\n').unwrap_or(text.len())
}

/// Returns the position of the delimiter in an unindented property. Most lines are such properties, and
/// skipping the trimming for them is what makes a file of 10,000 profiles parse in milliseconds.
fn plain_delimiter(line: &[u8]) -> Option<usize> {
    let is_plain = line.first().is_some_and(|&b| b.is_ascii_alphanumeric() || b == b'_');
    if is_plain { delimiter(line) } else { None }
}

fn delimiter(line: &[u8]) -> Option<usize> {
    line.iter().position(|&b| b == b'=' || b == b':')
}

/// Returns the indentation and the line without the whitespace around it. In a line that is UTF-8, this
/// includes Unicode whitespace.
fn trimmed(line: &[u8]) -> (usize, &[u8]) {
    match std::str::from_utf8(line) {
        Ok(text) => (line.len() - text.trim_start().len(), text.trim().as_bytes()),
        Err(_) => (line.len() - line.trim_ascii_start().len(), line.trim_ascii()),
    }
}

/// Returns the position of the `]` that closes a header, whose `[` has been removed: the first `]` followed
/// by nothing but a comment, else the last one. (botocore takes a `]` in a comment as part of the name, which
/// is never intended.)
fn header_end(header: &[u8]) -> Option<usize> {
    let is_last = |rest: &[u8]| matches!(rest.trim_ascii_start().first(), None | Some(b'#' | b';'));
    let is_end = |index: &usize| header[*index] == b']';
    let mut ends = (0..header.len()).filter(is_end);
    ends.find(|index| is_last(&header[index + 1..])).or_else(|| (0..header.len()).rfind(is_end))
}

/// The kind of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum SectionKind<'a> {
    /// Before the first header.
    BeforeFirst,
    /// A section that arl does not use, such as `[plugins]`.
    Ignored,
    Profile(&'a str),
    SsoSession(&'a str),
    Services(&'a str),
}

impl<'a> SectionKind<'a> {
    /// Parses the text between the brackets. The credentials file has only profiles, without a prefix.
    pub(super) fn parse(file: SharedFile, header: &'a str) -> Self {
        let header = header.trim();
        if file == SharedFile::Credentials {
            return Self::Profile(header);
        }
        let (kind, name) = match header.find([' ', '\t']) {
            Some(space) => (&header[..space], unquoted(header[space..].trim())),
            None => (header, ""),
        };
        match (kind, name) {
            ("default", "") => Self::Profile("default"),
            ("profile", name) if !name.is_empty() => Self::Profile(name),
            ("sso-session", name) if !name.is_empty() => Self::SsoSession(name),
            ("services", name) if !name.is_empty() => Self::Services(name),
            _ => Self::Ignored,
        }
    }
}

/// Whether the header has the prefix `profile`: `[profile default]` hides `[default]` in the config file.
pub(super) fn has_profile_prefix(file: SharedFile, header: &str) -> bool {
    file == SharedFile::Config && header.trim_start().starts_with("profile")
}

/// Removes quotes: botocore reads `[profile "a b"]` as the profile `a b`.
pub(super) fn unquoted(name: &str) -> &str {
    ['"', '\''].iter().find_map(|&quote| name.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lexes a file and describes each line by its kind and the text of its ranges.
    fn kinds(text: &[u8]) -> Vec<String> {
        let show = |range: &Range<usize>| String::from_utf8_lossy(&text[range.clone()]).trim().to_owned();
        Lines::of_file(text)
            .map(|line| match &line.kind {
                LineKind::Header(name) => format!("header {}", show(name)),
                LineKind::Property { key, value } => format!("{}|{}", show(key), show(value)),
                LineKind::Continuation(text) => format!("more {}", show(text)),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_line_is_told_by_its_first_character_and_its_indentation() {
        for (text, expected) in [
            ("[a]\nk = v\n  w\n", &["header a", "k|v", "more w"][..]),
            ("\u{feff}[a]\n\n # c\n; d\n", &["header a", "Blank", "Comment", "Comment"]),
            ("[a]\n  k: v\n  l=w\n   x\n", &["header a", "k|v", "l|w", "more x"]),
            ("[a]\nk=v\n [b]\n", &["header a", "k|v", "more [b]"]),
            ("[a]\n [b]\n", &["header a", "header b"]),
            ("[a\nk\n=v\n", &["UnclosedHeader", "NoDelimiter", "NoKey"]),
            ("[a] # [b]\n[c]d]", &["header a", "header c]d"]),
            ("k=v\r\n\u{a0}\r\n", &["k|v", "Blank"]),
        ] {
            assert_eq!(kinds(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(kinds(b"k = \xff\n  \xfe\n"), ["k|\u{fffd}", "more \u{fffd}"]);
    }

    #[test]
    fn the_ranges_of_the_lines_cover_the_file() {
        let text = b"# top\r\n[a]\nk=v\n\n  last";
        let mut next = 0;
        for line in Lines::of_file(text) {
            assert_eq!(line.range.start, next);
            next = line.range.end;
        }
        assert_eq!(next, text.len());
    }
}
