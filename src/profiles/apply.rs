//! Edits sections of a shared file, in one pass, and leaves every other byte as it is.

use std::ops::Range;

use super::config::Section;
use super::edit::{ProfileEdit, is_expiry_comment};
use super::find::{EditError, find_sections};
use super::line::{LineKind, Lines, SectionKind, SharedFile};

/// An edited file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// Its bytes.
    pub text: Vec<u8>,
    /// The changed parts, in the order of the new file.
    pub changes: Vec<Change>,
}

/// A part of a file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its byte range in the old file.
    pub before: Range<usize>,
    /// Its byte range in the new file.
    pub after: Range<usize>,
}

/// Makes several edits of one file. No two edits may have the same section. New sections come last.
///
/// # Errors
/// A section to edit occurs twice or is indented, or the edited file does not read as intended.
pub fn apply_all(edits: &[ProfileEdit<'_>], text: &[u8]) -> Result<Edited, EditError> {
    let Some(file) = edits.first().map(|edit| edit.file) else {
        return Ok(Edited { text: text.to_vec(), changes: Vec::new() });
    };
    let targets: Vec<SectionKind<'_>> = edits.iter().map(ProfileEdit::target).collect();
    let found = find_sections(file, text, &targets)?;
    let line_ending = detect_line_ending(text);
    let (mut new, mut changes, mut copied) = (Vec::with_capacity(text.len()), Vec::new(), 0);
    for (index, range) in in_order(&found) {
        new.extend_from_slice(&text[copied..range.start]);
        copied = range.end;
        let section = edits[index].edited_section(&text[range.clone()], line_ending);
        if section != text[range.clone()] {
            changes.push(Change { before: range, after: new.len()..new.len() + section.len() });
        }
        new.extend(section);
    }
    new.extend_from_slice(&text[copied..]);
    let mut has_blank_end = Lines::of_file(&new).last().is_none_or(|line| line.kind == LineKind::Blank);
    for (edit, _) in edits.iter().zip(&found).filter(|(edit, range)| range.is_none() && !edit.set.is_empty())
    {
        let start = new.len();
        if !new.is_empty() && !new.ends_with(b"\n") {
            new.extend_from_slice(line_ending);
        }
        if !has_blank_end {
            new.extend_from_slice(line_ending);
        }
        new.extend(edit.new_section(line_ending));
        has_blank_end = false;
        changes.push(Change { before: text.len()..text.len(), after: start..new.len() });
    }
    let after = find_sections(file, &new, &targets)?;
    verify(edits, (text, &found), (&new, &after))?;
    Ok(Edited { text: new, changes })
}

/// Makes the edits like [`apply_all`], unless a section that they change differs from the one in `seen`. The
/// caller has decided what to edit from that text, so the edit could overwrite settings that the caller has
/// not checked.
///
/// # Errors
/// As [`apply_all`], and [`EditError::Changed`].
pub fn apply_if_unchanged(edits: &[ProfileEdit<'_>], seen: &[u8], text: &[u8]) -> Result<Edited, EditError> {
    let edited = apply_all(edits, text)?;
    let Some(file) = edits.first().map(|edit| edit.file) else { return Ok(edited) };
    let targets: Vec<SectionKind<'_>> = edits.iter().map(ProfileEdit::target).collect();
    // If the text in `seen` cannot be edited, another program has repaired the file since.
    let before = find_sections(file, seen, &targets).map_err(|_| EditError::Changed)?;
    let now = find_sections(file, text, &targets)?;
    let line_ending = detect_line_ending(text);
    for ((edit, before), now) in edits.iter().zip(before).zip(now) {
        let before = before.map(|range| &seen[range]);
        let now = now.map(|range| &text[range]);
        let has_effect = match now {
            Some(now) => edit.edited_section(now, line_ending) != now,
            None => !edit.set.is_empty(),
        };
        // A section that was added after this one begins with an empty line.
        if has_effect && before.map(<[u8]>::trim_ascii_end) != now.map(<[u8]>::trim_ascii_end) {
            return Err(EditError::Changed);
        }
    }
    Ok(edited)
}

impl ProfileEdit<'_> {
    /// Returns the edited bytes. They equal `text` if there is nothing to change.
    ///
    /// # Errors
    /// As [`apply_all`].
    pub fn apply(&self, text: &[u8]) -> Result<Vec<u8>, EditError> {
        apply_all(std::slice::from_ref(self), text).map(|edited| edited.text)
    }

    /// Whether arl wrote the keys of the profile.
    ///
    /// # Errors
    /// As [`apply_all`].
    pub fn is_managed(&self, text: &[u8]) -> Result<bool, EditError> {
        let found = find_sections(self.file, text, &[self.target()])?.pop().flatten();
        Ok(found.is_some_and(|section| {
            let section = &text[section];
            Lines::of_section(section).any(|line| is_expiry_comment(&section[line.range]))
        }))
    }
}

/// Returns the names of the profiles of the credentials file whose keys arl wrote, in the order of the file.
pub fn managed_profiles(text: &[u8]) -> Vec<&str> {
    let (mut names, mut current) = (Vec::new(), None);
    for line in Lines::of_file(text) {
        match line.kind {
            LineKind::Header(header) => {
                let header = std::str::from_utf8(&text[header]).unwrap_or_default();
                current = match SectionKind::parse(SharedFile::Credentials, header) {
                    SectionKind::Profile(name) => Some(name),
                    _ => None,
                };
            }
            LineKind::Comment if is_expiry_comment(&text[line.range]) => names.extend(current.take()),
            _ => {}
        }
    }
    names
}

/// Returns the sections that were found, with their edits, in the order of the file.
fn in_order(found: &[Option<Range<usize>>]) -> Vec<(usize, Range<usize>)> {
    let mut found: Vec<_> =
        found.iter().enumerate().filter_map(|(index, range)| Some((index, range.clone()?))).collect();
    found.sort_by_key(|(_, range)| range.start);
    found
}

/// Reads the edited file and compares: the sections must have the intended values, and everything else must
/// be unchanged.
fn verify(
    edits: &[ProfileEdit<'_>],
    (before, old): (&[u8], &[Option<Range<usize>>]),
    (after, new): (&[u8], &[Option<Range<usize>>]),
) -> Result<(), EditError> {
    if !is_rest_unchanged((before, old), (after, new)) {
        return Err(EditError::VerificationFailed("change other lines"));
    }
    for (edit, range) in edits.iter().zip(new) {
        // A line that is not UTF-8 contains none of these keys.
        let text = String::from_utf8_lossy(&after[range.clone().unwrap_or_default()]);
        let section = Section::of_lines(edit.file, text.split_once('\n').map_or("", |(_, lines)| lines));
        let is_set = edit.set.iter().all(|(key, value)| section.get(key) == Some(value));
        if !is_set || edit.unset.iter().any(|key| section.get(key).is_some()) {
            return Err(EditError::VerificationFailed("not have the intended values"));
        }
    }
    Ok(())
}

/// Whether the sections have the same order, and the bytes before, between and after them are the same, apart
/// from whitespace before new sections.
fn is_rest_unchanged(
    (before, old): (&[u8], &[Option<Range<usize>>]),
    (after, new): (&[u8], &[Option<Range<usize>>]),
) -> bool {
    let (mut gaps, mut kept, mut gap, mut copied) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (index, range) in in_order(old) {
        gap.extend_from_slice(&before[copied..range.start]);
        copied = range.end;
        if new[index].is_some() {
            gaps.push(std::mem::take(&mut gap));
            kept.push(index);
        }
    }
    gap.extend_from_slice(&before[copied..]);
    let mut sections = in_order(new).into_iter();
    let mut position = 0;
    for (expected, index) in gaps.iter().zip(kept) {
        let Some((found, range)) = sections.next() else { return false };
        if found != index || after[position..range.start] != **expected {
            return false;
        }
        position = range.end;
    }
    let mut rest = Vec::new();
    for (_, range) in sections {
        rest.extend_from_slice(&after[position..range.start]);
        position = range.end;
    }
    rest.extend_from_slice(&after[position..]);
    rest.strip_prefix(gap.as_slice()).is_some_and(|added| added.trim_ascii().is_empty())
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
    use crate::profiles::edit::EditedSection;
    use crate::profiles::line::SharedFile;
    use crate::profiles::profile_name::ProfileName;

    fn edit(profile: &ProfileName, set: bool) -> ProfileEdit<'_> {
        let keys =
            [("aws_access_key_id", "ASIANEW"), ("aws_secret_access_key", "s+/="), ("aws_session_token", "t")];
        ProfileEdit {
            file: SharedFile::Credentials,
            section: EditedSection::Profile,
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
    fn a_section_that_has_changed_since_it_was_checked_is_not_edited() {
        let name: ProfileName = "p".parse().expect("a name");
        let after = |text: &str, is_set: bool| {
            edit(&name, is_set).apply(text.as_bytes()).map(|text| String::from_utf8(text).expect("UTF-8"))
        };
        let seen = "[p]\nregion=x\n";
        let written = after(seen, true).expect("editable");
        for (is_set, seen, now, is_edited) in [
            (true, "", "", true),
            (true, seen, seen, true),
            (true, seen, "[a]\nb=c\n\n[p]\nregion=x\n\n[q]\nr=s\n", true),
            (true, seen, "[p]\nregion=y\n", false),
            (true, seen, "", false),
            (true, "", seen, false),
            // Another process has made the same edit.
            (true, seen, written.as_str(), true),
            (false, written.as_str(), written.as_str(), true),
            (false, written.as_str(), "[p]\naws_access_key_id=AKIAOTHER\n", false),
            (false, written.as_str(), seen, true),
            (true, "[p]\n[p]\n", "[p]\n", false),
        ] {
            let edited = apply_if_unchanged(&[edit(&name, is_set)], seen.as_bytes(), now.as_bytes());
            let expected = if is_edited { after(now, is_set) } else { Err(EditError::Changed) };
            let edited = edited.map(|edited| String::from_utf8(edited.text).expect("UTF-8"));
            assert_eq!(edited, expected, "{seen:?} {now:?}");
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

    #[test]
    fn many_profiles_are_edited_at_once_and_nothing_else_changes() {
        let names: Vec<ProfileName> =
            ["new", "old", "gone", "other"].map(|name| name.parse().expect("a name")).into();
        let edit = |index: usize, section, value: &str| ProfileEdit {
            file: SharedFile::Config,
            section,
            profile: &names[index],
            set: if value.is_empty() { Vec::new() } else { vec![("region", value.to_owned())] },
            unset: if value.is_empty() { &["region"] } else { &[] },
            expires: None,
        };
        let profile = EditedSection::Profile;
        let edits = [
            edit(0, profile, "x"),
            edit(1, profile, "y"),
            edit(2, profile, ""),
            edit(3, EditedSection::SsoSession, "z"),
        ];
        let before = "# top\n[profile gone]\nregion=q\n\n[profile other]\nregion = \u{e4}\n[profile old]\nk=v\n\n[services s]\na=b";
        let edited = apply_all(&edits, before.as_bytes()).expect("editable");
        let after = "# top\n[profile other]\nregion = \u{e4}\n[profile old]\nk=v\nregion=y\n\n[services s]\na=b\n\n\
                     [profile new]\nregion=x\n\n[sso-session other]\nregion=z\n";
        assert_eq!(String::from_utf8_lossy(&edited.text), after);
        assert_eq!(edited.changes.len(), 4);
        for Change { before: old, after: new } in &edited.changes {
            assert_ne!(before.as_bytes().get(old.clone()), edited.text.get(new.clone()));
        }
        let again = apply_all(&edits, &edited.text).expect("editable");
        assert_eq!((again.text, again.changes.len()), (edited.text, 0));
        let twice = apply_all(&edits, b"[profile old]\n[profile new]\n[profile old]\n");
        assert_eq!(twice.err(), Some(EditError::DuplicateProfile(1, 3)));
    }
}
