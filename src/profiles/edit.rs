//! The line editor. Works on bytes: what it does not own it does not even read as text.

use std::fmt;
use std::ops::Range;

use super::config::{SharedConfig, SharedFile, end_of_header};
use super::profile_name::ProfileName;

/// How the comment begins that marks a profile as arl's.
const MARK: &[u8] = b"# expires ";
/// How it ends.
const MARK_END: &[u8] = b" (arl)";

/// What is to become of one profile.
#[derive(Debug, Clone)]
pub struct ProfileEdit<'a> {
    /// Which of the two files, since they spell sections differently.
    pub file: SharedFile,
    /// The profile.
    pub profile: &'a ProfileName,
    /// Keys with their values; anything else in the profile stays.
    pub set: Vec<(&'static str, String)>,
    /// Keys that must not be there afterwards.
    pub unset: &'a [&'a str],
    /// What the comment above the keys says: when they expire.
    pub expires: Option<String>,
}

/// A file that cannot be edited without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditError {
    /// The profile stands in two places, on these lines. Which one counts depends on the reader.
    Twice(usize, usize),
    /// This line, of the profile or in the middle of it, is indented although it continues nothing: readers differ in
    /// what it belongs to.
    Indented(usize),
    /// The result would not be what was meant; nothing has been written.
    Check(&'static str),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(first, second) => write!(
                f,
                "the profile stands there twice, on lines {first} and {second}, and readers differ in which one counts"
            ),
            Self::Indented(line) => {
                write!(f, "line {line} is indented, and readers differ in what it belongs to")
            }
            Self::Check(what) => write!(f, "the result would {what}, so nothing was written"),
        }
    }
}

impl std::error::Error for EditError {}

impl ProfileEdit<'_> {
    /// The file's new bytes; the old ones if there is nothing to change.
    ///
    /// # Errors
    /// The profile stands there twice or indented, or a check of the result fails.
    pub fn apply(&self, text: &[u8]) -> Result<Vec<u8>, EditError> {
        let end = line_end(text);
        let edited = match self.section(text)? {
            Some(section) => {
                let new = self.edited_section(&text[section.clone()], end);
                [&text[..section.start], &new, &text[section.end..]].concat()
            }
            None if self.set.is_empty() => text.to_vec(),
            None => self.appended(text, end),
        };
        self.check(text, &edited)?;
        Ok(edited)
    }

    /// Whether the profile's keys were written by arl.
    ///
    /// # Errors
    /// As [`ProfileEdit::apply`].
    pub fn is_marked(&self, text: &[u8]) -> Result<bool, EditError> {
        let section = self.section(text)?;
        Ok(section.is_some_and(|section| lines(&text[section]).any(is_mark)))
    }

    /// Where the profile's lines are, header included.
    fn section(&self, text: &[u8]) -> Result<Option<Range<usize>>, EditError> {
        let mut found: Option<(usize, Range<usize>)> = None;
        let mut default_with_prefix = false;
        let (mut start, mut is_open) = (0, false);
        // How far the last key of the open section is indented; only what is indented further continues it.
        let mut last_indent = None;
        for (index, line) in lines(text).enumerate() {
            let (begin, number) = (start, index + 1);
            start += line.len();
            let trimmed = trim(line);
            let is_comment = trimmed.is_empty() || trimmed[0] == b'#' || trimmed[0] == b';';
            let indent = without_bom(line).len() - without_bom(line).trim_ascii_start().len();
            let continues = last_indent.is_some_and(|last| indent > last);
            if is_open && !is_comment && !continues {
                if indent > 0 {
                    return Err(EditError::Indented(number));
                }
                last_indent = Some(indent);
            }
            if !trimmed.starts_with(b"[") {
                continue;
            }
            let name = self.name_of(trimmed);
            let is_ours = name.as_deref() == Some(self.profile.as_str());
            if indent > 0 {
                if is_ours && !continues {
                    return Err(EditError::Indented(number));
                }
                continue;
            }
            last_indent = None;
            if is_open && let Some((_, range)) = &mut found {
                range.end = begin;
                is_open = false;
            }
            if !is_ours {
                continue;
            }
            // `[profile default]` hides `[default]` in the config file.
            let has_prefix =
                self.file == SharedFile::Config && trimmed[1..].trim_ascii_start().starts_with(b"profile");
            match &found {
                Some(_) if self.profile.as_str() == "default" && has_prefix && !default_with_prefix => {}
                Some(_) if self.profile.as_str() == "default" && !has_prefix && default_with_prefix => {
                    continue;
                }
                Some((first, _)) => return Err(EditError::Twice(*first, number)),
                None => {}
            }
            default_with_prefix = has_prefix;
            found = Some((number, begin..text.len()));
            is_open = true;
        }
        Ok(found.map(|(_, range)| range))
    }

    /// The profile that a header names in this file.
    fn name_of(&self, header: &[u8]) -> Option<String> {
        let header = header.strip_prefix(b"[")?;
        let inner = std::str::from_utf8(&header[..end_of_header(header)?]).ok()?.trim();
        if self.file == SharedFile::Credentials || inner == "default" {
            return Some(inner.to_owned());
        }
        let name = inner.strip_prefix("profile")?;
        let name = name.strip_prefix([' ', '\t'])?.trim();
        let unquoted = ['"', '\''].iter().find_map(|&q| name.strip_prefix(q)?.strip_suffix(q));
        Some(unquoted.unwrap_or(name).to_owned())
    }

    fn header(&self) -> String {
        match (self.file, self.profile.as_str()) {
            (SharedFile::Config, name) if name != "default" => format!("[profile {name}]"),
            (_, name) => format!("[{name}]"),
        }
    }

    /// The owned lines as they are written, the comment first.
    fn written(&self, end: &[u8]) -> Vec<u8> {
        let mut text = self.mark(end);
        for (key, value) in &self.set {
            text.extend_from_slice(format!("{key}={value}").as_bytes());
            text.extend_from_slice(end);
        }
        text
    }

    fn mark(&self, end: &[u8]) -> Vec<u8> {
        let Some(expires) = &self.expires else { return Vec::new() };
        [MARK, expires.as_bytes(), MARK_END, end].concat()
    }

    fn owns(&self, key: &str) -> bool {
        self.set.iter().map(|(name, _)| name).chain(self.unset).any(|name| name.eq_ignore_ascii_case(key))
    }

    /// Takes the owned lines out and puts the new ones where the first of them was, else after the last key.
    fn edited_section(&self, section: &[u8], end: &[u8]) -> Vec<u8> {
        let mut kept: Vec<u8> = Vec::new();
        // Where in `kept` the new lines go.
        let mut place = None;
        let mut after_last_key = 0;
        // The lines that continue a key that is gone go with it.
        let mut swallows = false;
        for (index, line) in lines(section).enumerate() {
            let trimmed = trim(line);
            let is_blank = trimmed.is_empty();
            let is_indented = matches!(line.first(), Some(b' ' | b'\t')) && index > 0;
            if is_indented && !is_blank {
                if swallows {
                    continue;
                }
            } else if is_mark(line) {
                place = place.or(Some(kept.len()));
                continue;
            } else if index > 0 && !is_blank && !matches!(line[0], b'#' | b';') {
                swallows = key_of(trimmed).is_some_and(|key| self.owns(key));
                if swallows {
                    place = place.or(Some(kept.len()));
                    continue;
                }
            }
            kept.extend_from_slice(line);
            if !is_blank && (index == 0 || !matches!(trimmed[0], b'#' | b';')) {
                if !kept.ends_with(b"\n") {
                    kept.extend_from_slice(end);
                }
                after_last_key = kept.len();
            }
        }
        let at = place.unwrap_or(after_last_key).min(kept.len());
        let rest = kept.split_off(at);
        kept.extend(self.written(end));
        kept.extend(rest);
        if self.set.is_empty() && lines(&kept).skip(1).all(|line| trim(line).is_empty()) {
            // Nothing but the header is left.
            kept.clear();
        }
        kept
    }

    fn appended(&self, text: &[u8], end: &[u8]) -> Vec<u8> {
        let mut new = text.to_vec();
        if !new.is_empty() && !new.ends_with(b"\n") {
            new.extend_from_slice(end);
        }
        if lines(&new).last().is_some_and(|line| !trim(line).is_empty()) {
            new.extend_from_slice(end);
        }
        new.extend_from_slice(self.header().as_bytes());
        new.extend_from_slice(end);
        new.extend(self.written(end));
        new
    }

    /// Reads the result again, and compares all that lies outside of the profile.
    fn check(&self, before: &[u8], after: &[u8]) -> Result<(), EditError> {
        let (old, new) = (self.section(before)?, self.section(after)?);
        let same = match (&old, &new) {
            (Some(old), Some(new)) => {
                before[..old.start] == after[..new.start] && before[old.end..] == after[new.end..]
            }
            (Some(old), None) => [&before[..old.start], &before[old.end..]].concat() == after,
            (None, Some(new)) => {
                after.starts_with(before) && trim(&after[before.len()..new.start]).is_empty()
            }
            (None, None) => before == after,
        };
        if !same {
            return Err(EditError::Check("change other lines"));
        }
        let section = new.map_or(&[][..], |range| &after[range]);
        let value = |key: &str| {
            let mut values =
                lines(section).skip(1).filter(|line| !matches!(line.first(), Some(b' ' | b'\t')));
            values.find_map(|line| {
                let line = std::str::from_utf8(trim(line)).ok()?;
                let (name, value) = line.split_once('=')?;
                name.trim().eq_ignore_ascii_case(key).then(|| value.trim().to_owned())
            })
        };
        let set = self.set.iter().all(|(key, wanted)| value(key).as_ref() == Some(wanted));
        let unset = self.unset.iter().all(|key| value(key).is_none());
        if set && unset && self.is_read_so(after) {
            Ok(())
        } else {
            Err(EditError::Check("not read as what was meant"))
        }
    }
}

impl ProfileEdit<'_> {
    /// Whether arl's own reader, which reads as the SDKs do, finds the values. What it cannot read it cannot judge.
    fn is_read_so(&self, text: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(text) else { return true };
        let parsed = match self.file {
            SharedFile::Config => SharedConfig::parse(text, ""),
            SharedFile::Credentials => SharedConfig::parse("", text),
        };
        let Ok(config) = parsed else { return true };
        let get = |key: &str| {
            config.profile(self.profile.as_str()).and_then(|section| section.get(key).map(str::to_owned))
        };
        self.set.iter().all(|(key, wanted)| get(key).as_ref() == Some(wanted))
            && self.unset.iter().all(|key| get(key).is_none())
    }
}

/// The lines with their ends. A lone carriage return ends none.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&b| b == b'\n')
}

/// Without the mark that some editors put at the beginning of a file.
fn without_bom(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

fn trim(line: &[u8]) -> &[u8] {
    without_bom(line).trim_ascii()
}

fn is_mark(line: &[u8]) -> bool {
    line.starts_with(MARK) && trim(line).ends_with(MARK_END)
}

fn key_of(line: &[u8]) -> Option<&str> {
    let at = line.iter().position(|&b| b == b'=' || b == b':')?;
    std::str::from_utf8(&line[..at]).ok().map(str::trim)
}

/// The line end that most lines have.
fn line_end(text: &[u8]) -> &'static [u8] {
    let (all, with_cr) =
        lines(text).fold((0, 0), |(all, cr), line| (all + 1, cr + usize::from(line.ends_with(b"\r\n"))));
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
    fn one_profile_changes_and_nothing_else() {
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
        ] {
            let after = after.replace("KEYS", KEYS);
            let edited = edit(&name, true).apply(before.as_bytes()).expect(before);
            assert_eq!(String::from_utf8_lossy(&edited), after, "{before:?}");
            // Written again it stays as it is.
            assert_eq!(edit(&name, true).apply(&edited).as_deref(), Ok(edited.as_slice()), "{before:?}");
        }
    }

    #[test]
    fn a_profile_of_arls_goes_as_it_came() {
        let name: ProfileName = "p".parse().expect("a name");
        let files: [&[u8]; 4] =
            [b"[a]\nx=1\n\n", b"", b"[a]\nx=1\n\n[b]\ny = \xff\n\n", b"[p]\nregion=x\n[a]\n"];
        for before in files {
            let written = edit(&name, true).apply(before).expect("editable");
            assert!(edit(&name, true).is_marked(&written).expect("readable"));
            let removed = edit(&name, false).apply(&written).expect("editable");
            assert_eq!(removed, before);
        }
    }

    #[test]
    fn what_readers_would_understand_differently_is_refused() {
        let name: ProfileName = "p".parse().expect("a name");
        let twice = edit(&name, true).apply(b"[p]\na=1\n[b]\n[p]\n");
        assert_eq!(twice, Err(EditError::Twice(1, 4)));
        assert_eq!(edit(&name, true).apply(b"[b]\n [p]\n"), Err(EditError::Indented(2)));
        for (text, line) in [
            ("[p]\n  aws_access_key_id = OLD\n", 2),
            ("[p]\n [b]\naws_access_key_id=B\n", 2),
            ("[p]\n# c\n\n  region=x\n  [b]\n", 4),
        ] {
            assert_eq!(edit(&name, true).apply(text.as_bytes()), Err(EditError::Indented(line)), "{text:?}");
        }
        for bad in ["", "DEFAULT", "a b", "a]\n[b", "a\nb", "ä"] {
            assert!(bad.parse::<ProfileName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn line_ends_stay() {
        let name: ProfileName = "p".parse().expect("a name");
        let edited = edit(&name, true).apply(b"\xef\xbb\xbf[a]\r\nx=1\r\n").expect("editable");
        let text = String::from_utf8_lossy(&edited);
        assert!(text.ends_with(&format!("\r\n\r\n[p]\r\n{}", KEYS.replace('\n', "\r\n"))), "{text:?}");
    }
}
