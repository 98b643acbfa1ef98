//! A change to one section of a shared file.
//!
//! The editor works on bytes, because lines that it does not change need not be UTF-8.

use super::line::{Line, LineKind, Lines, SectionKind, SharedFile, has_profile_prefix};
use super::profile_name::ProfileName;

/// The beginning of the comment that marks a profile whose keys arl wrote.
const EXPIRY_COMMENT_PREFIX: &[u8] = b"# expires ";
/// The end of that comment.
const EXPIRY_COMMENT_SUFFIX: &[u8] = b" (arl)";

/// The kind of section to edit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EditedSection {
    /// A profile.
    #[default]
    Profile,
    /// An `[sso-session]` of the config file.
    SsoSession,
}

/// A change to one profile, or to one `[sso-session]`.
#[derive(Debug, Clone)]
pub struct ProfileEdit<'a> {
    /// The file to edit. The two files spell section headers differently.
    pub file: SharedFile,
    /// The kind of section.
    pub section: EditedSection,
    /// The name of the profile, or of the session.
    pub profile: &'a ProfileName,
    /// The keys to set, with their values. Other keys stay as they are.
    pub set: Vec<(&'static str, String)>,
    /// The keys to remove.
    pub unset: &'a [&'a str],
    /// The expiration that the comment above the keys mentions.
    pub expires: Option<String>,
}

impl ProfileEdit<'_> {
    /// Returns the section to edit.
    pub(super) fn target(&self) -> SectionKind<'_> {
        match self.section {
            EditedSection::Profile => SectionKind::Profile(self.profile.as_str()),
            EditedSection::SsoSession => SectionKind::SsoSession(self.profile.as_str()),
        }
    }

    fn header(&self) -> String {
        match (self.section, self.file, self.profile.as_str()) {
            (EditedSection::SsoSession, _, name) => format!("[sso-session {name}]"),
            (_, SharedFile::Config, name) if name != "default" => format!("[profile {name}]"),
            (_, _, name) => format!("[{name}]"),
        }
    }

    /// Returns the section with its header, for a file that lacks it.
    pub(super) fn new_section(&self, line_ending: &[u8]) -> Vec<u8> {
        let mut new = self.header().into_bytes();
        new.extend_from_slice(line_ending);
        new.extend(self.rendered_lines(line_ending));
        new
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

    /// Removes the lines of the keys that this edit sets or unsets. Inserts the new lines where the first of
    /// them was, else after the last key.
    pub(super) fn edited_section(&self, section: &[u8], line_ending: &[u8]) -> Vec<u8> {
        let mut output: Vec<u8> = Vec::new();
        // Where in `output` the new lines go.
        let mut insert_at = None;
        let mut after_last_key = 0;
        // Whether the preceding key was removed. Its continuation lines are then removed too.
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

    /// Whether the section is `[profile default]`, which arl never writes. Even an empty one hides
    /// `[default]`.
    fn hides_another(&self, section: &[u8]) -> bool {
        let header = section.trim_ascii_start().strip_prefix(b"[").unwrap_or_default();
        self.target() == SectionKind::Profile("default")
            && has_profile_prefix(self.file, &String::from_utf8_lossy(header))
    }
}

/// Whether a line is the comment that marks a profile whose keys arl wrote.
pub(super) fn is_expiry_comment(line: &[u8]) -> bool {
    line.starts_with(EXPIRY_COMMENT_PREFIX) && line.trim_ascii_end().ends_with(EXPIRY_COMMENT_SUFFIX)
}

/// Returns the position after the last of the leading indented comments, or 0 if there is none. The SDKs read
/// an indented comment as a part of the value above it, so no new key may come before one.
fn indented_comments(lines: &[u8]) -> usize {
    let is_skipped = |line: &Line| matches!(line.kind, LineKind::Comment | LineKind::Blank);
    let leading = Lines::of_section(lines).take_while(is_skipped);
    let is_comment = |line: &Line| line.kind == LineKind::Comment && line.indent > 0;
    leading.filter(is_comment).last().map_or(0, |line| line.range.end)
}
