//! Edits one profile of a shared file and leaves every other byte as it is.
//!
//! The editor works on bytes, because lines that it does not change need not be UTF-8.

use std::fmt;
use std::ops::Range;

use super::config::Section;
use super::line::{Line, LineKind, Lines, SectionKind, SharedFile, has_profile_prefix};
use super::profile_name::ProfileName;

/// The beginning of the comment that marks a profile as arl's.
const EXPIRY_COMMENT_PREFIX: &[u8] = b"# expires ";
/// The end of that comment.
const EXPIRY_COMMENT_SUFFIX: &[u8] = b" (arl)";

/// A change to one profile.
#[derive(Debug, Clone)]
pub struct ProfileEdit<'a> {
    /// The file to edit. The two files spell section headers differently.
    pub file: SharedFile,
    /// The profile to edit.
    pub profile: &'a ProfileName,
    /// The keys to set, with their values. Other keys stay as they are.
    pub set: Vec<(&'static str, String)>,
    /// The keys to remove.
    pub unset: &'a [&'a str],
    /// The expiration that the comment above the keys mentions.
    pub expires: Option<String>,
}

/// Why a file cannot be edited safely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditError {
    /// The profile has two sections, on these lines. Programs differ in which of them counts.
    DuplicateProfile(usize, usize),
    /// A line of the profile, or inside it, is indented without continuing a value. Programs differ in what
    /// it belongs to.
    UnexpectedIndent(usize),
    /// The edited file would not read as intended. Nothing was written.
    VerificationFailed(&'static str),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateProfile(first, second) => write!(
                f,
                "the profile stands there twice, on lines {first} and {second}, and readers differ in which one counts"
            ),
            Self::UnexpectedIndent(line) => {
                write!(f, "line {line} is indented, and readers differ in what it belongs to")
            }
            Self::VerificationFailed(what) => write!(f, "the result would {what}, so nothing was written"),
        }
    }
}

impl std::error::Error for EditError {}

/// Where a profile's section stands.
struct FoundSection {
    /// The line number of the header.
    number: usize,
    range: Range<usize>,
    /// Whether its header is spelt `[profile NAME]`.
    has_prefix: bool,
}

impl ProfileEdit<'_> {
    /// Returns the edited bytes. They equal `text` if there is nothing to change.
    ///
    /// # Errors
    /// The profile exists twice or is indented, or the edited file does not read as intended.
    pub fn apply(&self, text: &[u8]) -> Result<Vec<u8>, EditError> {
        let line_ending = detect_line_ending(text);
        let edited = match self.section(text)? {
            Some(section) => {
                let new = self.edited_section(&text[section.clone()], line_ending);
                [&text[..section.start], &new, &text[section.end..]].concat()
            }
            None if self.set.is_empty() => text.to_vec(),
            None => self.append_section(text, line_ending),
        };
        self.verify(text, &edited)?;
        Ok(edited)
    }

    /// Whether arl wrote the keys of the profile.
    ///
    /// # Errors
    /// As [`ProfileEdit::apply`].
    pub fn is_managed(&self, text: &[u8]) -> Result<bool, EditError> {
        let section = self.section(text)?;
        Ok(section.is_some_and(|section| {
            let section = &text[section];
            Lines::of_section(section).any(|line| is_expiry_comment(&section[line.range]))
        }))
    }

    /// Returns the range of the profile's lines, header included.
    fn section(&self, text: &[u8]) -> Result<Option<Range<usize>>, EditError> {
        let mut target: Option<FoundSection> = None;
        let mut is_open = false;
        for Line { range, number, indent, kind } in Lines::of_file(text) {
            let header = match kind {
                LineKind::Blank | LineKind::Comment | LineKind::Continuation(_) => continue,
                LineKind::Header(header) => std::str::from_utf8(&text[header]).unwrap_or_default(),
                LineKind::UnclosedHeader => "",
                LineKind::Property { .. } | LineKind::NoDelimiter | LineKind::NoKey => {
                    if is_open && indent > 0 {
                        return Err(EditError::UnexpectedIndent(number));
                    }
                    continue;
                }
            };
            let is_profile =
                SectionKind::parse(self.file, header) == SectionKind::Profile(self.profile.as_str());
            if indent > 0 {
                if is_open || is_profile {
                    return Err(EditError::UnexpectedIndent(number));
                }
                continue;
            }
            if is_open && let Some(target) = &mut target {
                target.range.end = range.start;
            }
            is_open = false;
            if !is_profile {
                continue;
            }
            let has_prefix = has_profile_prefix(self.file, header);
            if let Some(FoundSection { number: first, has_prefix: first_has_prefix, .. }) = target {
                if self.profile.as_str() != "default" || has_prefix == first_has_prefix {
                    return Err(EditError::DuplicateProfile(first, number));
                }
                // `[profile default]` hides `[default]` in the config file.
                if first_has_prefix {
                    continue;
                }
            }
            target = Some(FoundSection { number, range: range.start..text.len(), has_prefix });
            is_open = true;
        }
        Ok(target.map(|target| target.range))
    }

    fn header(&self) -> String {
        match (self.file, self.profile.as_str()) {
            (SharedFile::Config, name) if name != "default" => format!("[profile {name}]"),
            (_, name) => format!("[{name}]"),
        }
    }

    /// Returns the lines that this edit writes, the comment first.
    fn rendered_lines(&self, end: &[u8]) -> Vec<u8> {
        let mut text = match &self.expires {
            Some(expires) => [EXPIRY_COMMENT_PREFIX, expires.as_bytes(), EXPIRY_COMMENT_SUFFIX, end].concat(),
            None => Vec::new(),
        };
        for (key, value) in &self.set {
            text.extend_from_slice(format!("{key}={value}").as_bytes());
            text.extend_from_slice(end);
        }
        text
    }

    /// Whether a line of the section holds a key that this edit sets or unsets.
    fn manages(&self, kind: &LineKind, section: &[u8]) -> bool {
        let LineKind::Property { key, .. } = kind else { return false };
        let Ok(key) = std::str::from_utf8(&section[key.clone()]) else { return false };
        let mut owned = self.set.iter().map(|(name, _)| name).chain(self.unset);
        owned.any(|name| name.eq_ignore_ascii_case(key.trim()))
    }

    /// Removes the lines that this edit owns and inserts the new ones at the first of them, or after the last
    /// key.
    fn edited_section(&self, section: &[u8], line_ending: &[u8]) -> Vec<u8> {
        let mut output: Vec<u8> = Vec::new();
        // Where in `output` the new lines go.
        let mut insert_at = None;
        let mut after_last_key = 0;
        // Whether the preceding key was removed, so that its continuation lines go too.
        let mut is_dropping = false;
        for Line { range, indent, kind, .. } in Lines::of_section(section) {
            let line = &section[range];
            let is_dropped = match &kind {
                LineKind::Continuation(_) => is_dropping,
                LineKind::Comment => is_dropping && indent > 0 || is_expiry_comment(line),
                LineKind::Blank => false,
                kind => {
                    is_dropping = self.manages(kind, section);
                    is_dropping
                }
            };
            if is_dropped {
                insert_at = insert_at.or(Some(output.len()));
                continue;
            }
            output.extend_from_slice(line);
            if !matches!(kind, LineKind::Blank | LineKind::Comment) {
                if !output.ends_with(b"\n") {
                    output.extend_from_slice(line_ending);
                }
                after_last_key = output.len();
            }
        }
        let insert_at = insert_at.unwrap_or(after_last_key);
        let insert_at = insert_at + indented_comments(&output[insert_at..]);
        let rest = output.split_off(insert_at);
        if !output.ends_with(b"\n") {
            output.extend_from_slice(line_ending);
        }
        output.extend(self.rendered_lines(line_ending));
        output.extend(rest);
        let is_header_alone = Lines::of_section(&output).skip(1).all(|line| line.kind == LineKind::Blank);
        if self.set.is_empty() && is_header_alone && !self.hides_another(&output) {
            output.clear();
        }
        output
    }

    /// Whether it is `[profile default]`, which arl never writes. Even an empty one hides `[default]`.
    fn hides_another(&self, section: &[u8]) -> bool {
        let header = section.trim_ascii_start().strip_prefix(b"[").unwrap_or_default();
        self.profile.as_str() == "default" && has_profile_prefix(self.file, &String::from_utf8_lossy(header))
    }

    fn append_section(&self, text: &[u8], line_ending: &[u8]) -> Vec<u8> {
        let mut new = text.to_vec();
        if !new.is_empty() && !new.ends_with(b"\n") {
            new.extend_from_slice(line_ending);
        }
        if Lines::of_file(&new).last().is_some_and(|line| line.kind != LineKind::Blank) {
            new.extend_from_slice(line_ending);
        }
        new.extend_from_slice(self.header().as_bytes());
        new.extend_from_slice(line_ending);
        new.extend(self.rendered_lines(line_ending));
        new
    }

    /// Reads the result again and compares: the profile must have the intended values, and everything else
    /// must be unchanged.
    fn verify(&self, before: &[u8], after: &[u8]) -> Result<(), EditError> {
        let (old, new) = (self.section(before)?, self.section(after)?);
        let is_rest_unchanged = match (&old, &new) {
            (Some(old), Some(new)) => {
                before[..old.start] == after[..new.start] && before[old.end..] == after[new.end..]
            }
            (Some(old), None) => [&before[..old.start], &before[old.end..]].concat() == after,
            (None, Some(new)) => {
                after.starts_with(before) && after[before.len()..new.start].trim_ascii().is_empty()
            }
            (None, None) => before == after,
        };
        if !is_rest_unchanged {
            return Err(EditError::VerificationFailed("change other lines"));
        }
        // A line that is not UTF-8 contains none of these keys.
        let text = String::from_utf8_lossy(&after[new.unwrap_or_default()]);
        let section = Section::of_lines(self.file, text.split_once('\n').map_or("", |(_, lines)| lines));
        let is_set = self.set.iter().all(|(key, value)| section.get(key) == Some(value));
        let is_unset = self.unset.iter().all(|key| section.get(key).is_none());
        if is_set && is_unset {
            Ok(())
        } else {
            Err(EditError::VerificationFailed("not read as what was meant"))
        }
    }
}

/// Whether a line is the comment that marks a profile as arl's.
fn is_expiry_comment(line: &[u8]) -> bool {
    line.starts_with(EXPIRY_COMMENT_PREFIX) && line.trim_ascii_end().ends_with(EXPIRY_COMMENT_SUFFIX)
}

/// Returns where the indented comments at the beginning end. The SDKs read them as a part of the value
/// above them, so no new key may stand above.
fn indented_comments(lines: &[u8]) -> usize {
    let is_skipped = |line: &Line| matches!(line.kind, LineKind::Comment | LineKind::Blank);
    let leading = Lines::of_section(lines).take_while(is_skipped);
    let is_comment = |line: &Line| line.kind == LineKind::Comment && line.indent > 0;
    leading.filter(is_comment).last().map_or(0, |line| line.range.end)
}

/// Returns the line ending that most lines have.
fn detect_line_ending(text: &[u8]) -> &'static [u8] {
    let (mut all, mut with_cr) = (0, 0);
    for line in Lines::of_file(text) {
        all += 1;
        with_cr += usize::from(text[line.range].ends_with(b"\r\n"));
    }
    if with_cr * 2 > all { b"\r\n" } else { b"\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(profile: &ProfileName, set: bool) -> ProfileEdit<'_> {
        let keys =
            [("aws_access_key_id", "ASIANEW"), ("aws_secret_access_key", "s+/="), ("aws_session_token", "t")];
        ProfileEdit {
            file: SharedFile::Credentials,
            profile,
            set: if set { keys.map(|(k, v)| (k, v.to_owned())).to_vec() } else { Vec::new() },
            unset: if set {
                &["aws_security_token"]
            } else {
                &["aws_access_key_id", "aws_secret_access_key", "aws_session_token"]
            },
            expires: set.then(|| "2026-01-01T00:00:00Z".to_owned()),
        }
    }

    const KEYS: &str = "# expires 2026-01-01T00:00:00Z (arl)\naws_access_key_id=ASIANEW\naws_secret_access_key=s+/=\naws_session_token=t\n";

    #[test]
    fn edit_changes_only_the_profile() {
        let name: ProfileName = "p".parse().expect("a name");
        for (before, after) in [
            ("", "[p]\nKEYS"),
            ("[p] # was [q]\n", "[p] # was [q]\nKEYS"),
            ("[a]\nx=1", "[a]\nx=1\n\n[p]\nKEYS"),
            ("[a]\nx=1\n\n", "[a]\nx=1\n\n[p]\nKEYS"),
            (
                "# top\n[p]\n# mine\nregion = x\n\n[b]\ny=2\n",
                "# top\n[p]\n# mine\nregion = x\nKEYS\n[b]\ny=2\n",
            ),
            (
                "[p]\nAWS_Access_Key_Id = old\n  more\n\n   still\naws_security_token=z\nregion=x\n# end\n[b]\n",
                "[p]\nKEYS\nregion=x\n# end\n[b]\n",
            ),
            ("[p] # note\naws_session_token: old\n[b]\n", "[p] # note\nKEYS[b]\n"),
            ("[p]", "[p]\nKEYS"),
            ("[p]\n  # mine\n\n# me\n ; too\n# end\n", "[p]\n  # mine\n\n# me\n ; too\nKEYS# end\n"),
            ("[p]\n # mine", "[p]\n # mine\nKEYS"),
            ("[p]\n# expires x (arl)\n # mine\nregion=x\n", "[p]\n # mine\nKEYSregion=x\n"),
        ] {
            let after = after.replace("KEYS", KEYS);
            let edited = edit(&name, true).apply(before.as_bytes()).expect(before);
            assert_eq!(String::from_utf8_lossy(&edited), after, "{before:?}");
            // Editing again changes nothing.
            assert_eq!(edit(&name, true).apply(&edited).as_deref(), Ok(edited.as_slice()), "{before:?}");
        }
    }

    #[test]
    fn removing_a_written_profile_restores_the_file() {
        let name: ProfileName = "p".parse().expect("a name");
        let files: [&[u8]; 4] =
            [b"[a]\nx=1\n\n", b"", b"[a]\nx=1\n\n[b]\ny = \xff\n\n", b"[p]\nregion=x\n[a]\n"];
        for before in files {
            let written = edit(&name, true).apply(before).expect("editable");
            assert!(edit(&name, true).is_managed(&written).expect("readable"));
            let removed = edit(&name, false).apply(&written).expect("editable");
            assert_eq!(removed, before);
        }
    }

    #[test]
    fn ambiguous_profiles_are_rejected() {
        let name: ProfileName = "p".parse().expect("a name");
        let twice = edit(&name, true).apply(b"[p]\na=1\n[b]\n[p]\n");
        assert_eq!(twice, Err(EditError::DuplicateProfile(1, 4)));
        assert_eq!(edit(&name, true).apply(b"[b]\n [p]\n"), Err(EditError::UnexpectedIndent(2)));
        for (text, line) in [
            ("[p]\n  aws_access_key_id = OLD\n", 2),
            ("[p]\n [b]\naws_access_key_id=B\n", 2),
            ("[p]\n# c\n\n  region=x\n  [b]\n", 4),
        ] {
            assert_eq!(
                edit(&name, true).apply(text.as_bytes()),
                Err(EditError::UnexpectedIndent(line)),
                "{text:?}"
            );
        }
        for bad in ["", "DEFAULT", "a b", "a]\n[b", "a\nb", "ä"] {
            assert!(bad.parse::<ProfileName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_empty_section_that_hides_another_one_stays() {
        let name: ProfileName = "default".parse().expect("a name");
        let removal = ProfileEdit { file: SharedFile::Config, ..edit(&name, false) };
        let edited = removal.apply(b"[default]\n[profile default]\naws_session_token=t\n[default]\n");
        assert_eq!(edited.as_deref(), Ok(&b"[default]\n[profile default]\n[default]\n"[..]));
    }

    #[test]
    fn line_endings_are_preserved() {
        let name: ProfileName = "p".parse().expect("a name");
        let edited = edit(&name, true).apply(b"\xef\xbb\xbf[a]\r\nx=1\r\n").expect("editable");
        let text = String::from_utf8_lossy(&edited);
        assert!(text.ends_with(&format!("\r\n\r\n[p]\r\n{}", KEYS.replace('\n', "\r\n"))), "{text:?}");
    }
}
