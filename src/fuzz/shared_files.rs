//! The lexer, the reader and the editor of the shared files.

use std::collections::BTreeMap;

use super::{parts, text_parts};
use crate::profiles::{
    EditedSection, LineKind, Lines, ProfileEdit, ProfileName, RoleProfile, SharedConfig, SharedFile,
};
use crate::source::{ShellRole, SourceResolver};

/// The keys that the targets compare.
const KEYS: [&str; 9] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "credential_process",
    "region",
    "role_arn",
    "source_profile",
    "s3",
    "x",
];

/// Checks that the lexer's lines cover the file, and that no function of the reader panics on a file that it
/// accepts.
pub(super) fn read(data: &[u8]) {
    for file in parts::<2>(data) {
        assert_lines_cover(file);
    }
    let Some([config, credentials]) = text_parts::<2>(data) else { return };
    let Ok(shared) = SharedConfig::parse(config, credentials) else { return };
    let none = |_: &str| None;
    let resolver = SourceResolver::new(&shared, &none, ShellRole::Ignore);
    let _ = (resolver.select(), resolver.default_profile_shadows_endpoint());
    for name in shared.profile_names() {
        let section = shared.profile(name).expect("a profile that is listed");
        for key in KEYS {
            // The case of a key makes no difference.
            assert_eq!(section.get(key), section.get(&key.to_uppercase()));
            assert_eq!(section.get(key).is_some(), section.origin(key).is_some());
            let _ = section.get_nested(key, "addressing_style");
        }
        let _ = RoleProfile::read(name, section);
        let _ = (resolver.profile(name), resolver.source_of_role(name), shared.misnamed_section(name));
    }
    for name in shared.sso_session_names() {
        assert!(shared.sso_session(name).is_some(), "{name:?}");
    }
}

fn assert_lines_cover(file: &[u8]) {
    let mut next = if file.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    for (index, line) in Lines::of_file(file).enumerate() {
        assert_eq!((line.range.start, line.number), (next, index + 1));
        next = line.range.end;
        let inner = match line.kind {
            LineKind::Header(inner) | LineKind::Continuation(inner) => inner,
            LineKind::Property { key, value } => {
                assert!(!key.is_empty() && key.end < value.start, "{key:?} {value:?}");
                key.start..value.end
            }
            _ => continue,
        };
        assert!(line.range.start <= inner.start && inner.end <= line.range.end, "{inner:?}");
    }
    assert!(next == file.len() || file.is_empty(), "{next} of {}", file.len());
}

/// Checks that after an edit that the editor accepts, the reader gets the new values and the rest of the file
/// is unchanged.
pub(super) fn edit(data: &[u8]) {
    let [before, name, value, kind] = parts::<4>(data);
    let texts = (std::str::from_utf8(name), std::str::from_utf8(value));
    let (Ok(name), Ok(value)) = texts else { return };
    let Ok(profile) = name.parse::<ProfileName>() else { return };
    let file = if kind.is_empty() { SharedFile::Credentials } else { SharedFile::Config };
    let key = if kind.is_empty() { "aws_access_key_id" } else { "credential_process" };
    let expires = kind.is_empty().then(|| "2026-01-01T00:00:00Z".to_owned());
    let edit = ProfileEdit {
        file,
        section: EditedSection::Profile,
        profile: &profile,
        set: vec![(key, value.to_owned()), ("x", "1".to_owned())],
        unset: &["aws_security_token"],
        expires,
    };
    let removal = ProfileEdit { set: Vec::new(), unset: &[key, "x"], expires: None, ..edit.clone() };
    let _ = edit.is_managed(before);
    let Ok(after) = edit.apply(before) else { return };
    assert_eq!(edit.apply(&after).as_deref(), Ok(after.as_slice()), "a second edit changes something");
    let removed = removal.apply(&after).expect("what was written can be removed");
    for changed in [&after, &removed] {
        assert!(outside(before, file, name) == outside(changed, file, name), "other lines have changed");
    }
    if let (Some(old), Some(new), Some(gone)) =
        (values(before, file), values(&after, file), values(&removed, file))
    {
        assert_eq!(new.get(name).and_then(|keys| keys.get(key)).map(String::as_str), Some(value));
        for (other, keys) in new.iter().chain(&gone).filter(|(other, _)| *other != name) {
            assert_eq!(old.get(other), Some(keys), "the profile {other:?} has changed");
        }
        let has_keys = |keys: &BTreeMap<_, _>| keys.contains_key(key) || keys.contains_key("x");
        assert!(!gone.get(name).is_some_and(has_keys), "the keys are still there");
    } else {
        // A file that arl could read must still be readable.
        assert!(values(before, file).is_none() || values(&after, file).is_some(), "the file is broken now");
    }
}

/// Returns the lines outside of a profile, without the blank ones at the end. It finds sections in a simpler
/// way than the editor: a section begins with `[` in the first column and ends before the next one.
fn outside(text: &[u8], file: SharedFile, name: &str) -> Vec<u8> {
    let mut inside = false;
    let mut rest = Vec::new();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b"[") {
            inside = is_header(line, file, name);
        }
        if !inside {
            rest.extend_from_slice(line);
        }
    }
    rest.trim_ascii_end().to_vec()
}

/// Whether a line that begins with `[` could be the header of the profile.
fn is_header(line: &[u8], file: SharedFile, name: &str) -> bool {
    let line = &String::from_utf8_lossy(line);
    let headers = [format!("profile {name}"), name.to_owned()];
    let inner = line[1..].rfind(']').map_or("", |end| line[1..=end].trim());
    let inner = line[1..]
        .find(']')
        .filter(|end| {
            let rest = line[end + 2..].trim_start();
            rest.is_empty() || rest.starts_with(['#', ';'])
        })
        .map_or(inner, |end| line[1..=end].trim());
    let words: Vec<&str> = inner.split(['"', '\'', ' ', '\t']).filter(|word| !word.is_empty()).collect();
    match file {
        SharedFile::Credentials => inner == name,
        SharedFile::Config => headers.contains(&words.join(" ")),
    }
}

/// Returns the values that the reader gets for each profile. `None` if it refuses the file.
fn values(text: &[u8], file: SharedFile) -> Option<BTreeMap<String, BTreeMap<&'static str, String>>> {
    let text = std::str::from_utf8(text).ok()?;
    let (config, credentials) = if file == SharedFile::Config { (text, "") } else { ("", text) };
    let shared = SharedConfig::parse(config, credentials).ok()?;
    let of = |name: &&str| {
        let section = shared.profile(name)?;
        let keys = KEYS.iter().filter_map(|key| Some((*key, section.get(key)?.to_owned())));
        Some(((*name).to_owned(), keys.collect()))
    };
    Some(shared.profile_names().iter().filter_map(of).collect())
}
