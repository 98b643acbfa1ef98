//! Reads the profiles of the shared config and credentials files as the AWS SDKs do.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::OnceLock;

use super::line::{Line, LineKind, Lines, SectionKind, SharedFile, has_profile_prefix, unquoted};

/// The error for an invalid line. arl does not skip such a line, because that could assign the next ones to
/// another profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidConfig {
    /// The file with the line.
    pub file: SharedFile,
    /// The line number, counted from 1.
    pub line: usize,
    /// What is wrong with the line.
    pub reason: &'static str,
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} {}", self.line, self.reason)
    }
}

impl std::error::Error for InvalidConfig {}

/// A map with a fixed seed: a random one costs a system call, and the user's own profile names are not an
/// attack.
type SectionIndex<'a> = HashMap<&'a str, usize, BuildHasherDefault<DefaultHasher>>;

/// The profiles of both files. It borrows their text.
#[derive(Debug, Default)]
pub struct SharedConfig<'a> {
    sections: Vec<Section<'a>>,
    /// These three maps give the index of a section by its name.
    profiles: SectionIndex<'a>,
    sso_sessions: SectionIndex<'a>,
    services: SectionIndex<'a>,
    /// The headers of sections in the config file that no program reads as a profile.
    ignored_headers: Vec<&'a str>,
}

/// A section that was probably meant to be a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MisnamedSection {
    /// The file with the section.
    pub file: SharedFile,
    /// The text between the brackets.
    pub header: String,
    /// The header that it should probably have.
    pub right_header: String,
}

/// The properties of one profile (or `sso-session`, or `services` section).
#[derive(Debug, Default, Clone)]
pub struct Section<'a> {
    /// The lines after the section's first header, and those after further headers with the same name.
    lines: Option<(SharedFile, &'a str)>,
    more_lines: Vec<(SharedFile, &'a str)>,
    /// Parsed on first use, because one call needs only a few of thousands of profiles.
    properties: OnceLock<Vec<Property<'a>>>,
}

#[derive(Debug, Clone)]
struct Property<'a> {
    file: SharedFile,
    key: &'a str,
    value: Cow<'a, str>,
}

impl<'a> Section<'a> {
    /// Creates a section from its lines, without the header.
    pub(super) fn of_lines(file: SharedFile, lines: &'a str) -> Self {
        Self { lines: Some((file, lines)), ..Self::default() }
    }

    /// Returns the value of a key, ignoring case. The credentials file wins over the config file, and a later
    /// line over an earlier one.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.find(key).map(|property| property.value.as_ref())
    }

    /// Does the same as [`Section::get`], but treats an empty value as unset: `aws configure set KEY ''`
    /// leaves `KEY = `.
    pub fn get_non_empty(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty())
    }

    /// Returns the value that a key has in one of the files.
    pub fn get_from(&self, file: SharedFile, key: &str) -> Option<&str> {
        let matches =
            |property: &&Property<'_>| property.file == file && property.key.eq_ignore_ascii_case(key);
        self.properties().iter().rfind(matches).map(|property| property.value.as_ref())
    }

    /// Returns the keys that the section has in one of the files.
    pub fn keys_in(&self, file: SharedFile) -> impl Iterator<Item = &str> {
        self.properties().iter().filter(move |property| property.file == file).map(|property| property.key)
    }

    /// Whether a part of the section is in this file.
    pub fn is_in(&self, file: SharedFile) -> bool {
        self.lines.iter().chain(&self.more_lines).any(|(other, _)| *other == file)
    }

    /// Returns the file from which [`Section::get`] takes the key.
    pub fn origin(&self, key: &str) -> Option<SharedFile> {
        self.find(key).map(|property| property.file)
    }

    fn find(&self, key: &str) -> Option<&Property<'a>> {
        self.properties().iter().rfind(|property| property.key.eq_ignore_ascii_case(key))
    }

    fn properties(&self) -> &[Property<'a>] {
        self.properties.get_or_init(|| {
            let mut properties = Vec::new();
            for &(file, lines) in self.lines.iter().chain(&self.more_lines) {
                read_properties(file, lines, &mut properties);
            }
            properties
        })
    }

    fn push_lines(&mut self, file: SharedFile, lines: &'a str) {
        match self.lines {
            None => self.lines = Some((file, lines)),
            Some(_) => self.more_lines.push((file, lines)),
        }
    }

    /// Returns the value of `key` inside the indented block `block =`, as in `s3 =` or `sts =`.
    pub fn get_nested(&self, block: &str, key: &str) -> Option<&str> {
        self.get(block)?.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case(key).then_some(value.trim())
        })
    }
}

impl<'a> SharedConfig<'a> {
    /// Parses both files. Pass the empty text for a missing file.
    ///
    /// # Errors
    /// The first line that is neither a section header, a property, a continuation, a comment nor blank.
    pub fn parse(config: &'a str, credentials: &'a str) -> Result<Self, InvalidConfig> {
        let mut shared = Self::default();
        shared.read(SharedFile::Config, config)?;
        shared.read(SharedFile::Credentials, credentials)?;
        Ok(shared)
    }

    /// Returns the profile with that name.
    pub fn profile(&self, name: &str) -> Option<&Section<'a>> {
        self.profiles.get(name).map(|&index| &self.sections[index])
    }

    /// Returns all profile names, sorted.
    pub fn profile_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.profiles.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// Returns the section that the user probably meant as the profile `name`: a section of the config file
    /// without the prefix `profile`, or one of the credentials file with it.
    pub fn misnamed_section(&self, name: &str) -> Option<MisnamedSection> {
        let found = |file, header: &str, right_header| {
            Some(MisnamedSection { file, header: header.to_owned(), right_header })
        };
        let is_meant = |header: &&str| match header.split_once([' ', '\t']) {
            _ if header.trim() == name => true,
            Some((kind, rest)) => {
                let is_profile = ["profile", "profiles"].iter().any(|word| kind.eq_ignore_ascii_case(word));
                is_profile && unquoted(rest.trim()) == name
            }
            None => false,
        };
        if let Some(header) = self.ignored_headers.iter().copied().find(is_meant) {
            return found(SharedFile::Config, header, format!("profile {name}"));
        }
        let headers = [format!("profile {name}"), format!("profile \"{name}\"")];
        let header = headers.iter().find(|header| self.profiles.contains_key(header.as_str()))?;
        found(SharedFile::Credentials, header, name.to_owned())
    }

    /// Returns the `[sso-session NAME]` section.
    pub fn sso_session(&self, name: &str) -> Option<&Section<'a>> {
        self.sso_sessions.get(name).map(|&index| &self.sections[index])
    }

    /// Returns the names of all `[sso-session]` sections, sorted.
    pub fn sso_session_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.sso_sessions.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// Returns the `[services NAME]` section.
    pub fn services(&self, name: &str) -> Option<&Section<'a>> {
        self.services.get(name).map(|&index| &self.sections[index])
    }

    /// Finds the sections and checks every line, but reads no property.
    fn read(&mut self, file: SharedFile, text: &'a str) -> Result<(), InvalidConfig> {
        // A profile has about 128 bytes. Reserving avoids moving thousands of profiles repeatedly.
        let expected = text.len() / 128;
        self.sections.reserve(expected);
        self.profiles.reserve(expected);
        // `[profile default]` hides `[default]`, whether it comes before or after it.
        let mut default_has_prefix = false;
        let mut section = SectionKind::BeforeFirst;
        // The index of the current section, and where its lines begin.
        let mut open: Option<(usize, usize)> = None;
        for Line { range, number, indent, kind } in Lines::of_file(text.as_bytes()) {
            if section == SectionKind::Ignored && indent > 0 {
                continue;
            }
            let invalid = |reason| Err(InvalidConfig { file, line: number, reason });
            match kind {
                LineKind::Blank | LineKind::Comment | LineKind::Continuation(_) => {}
                LineKind::UnclosedHeader => return invalid("has a section header without a `]`"),
                LineKind::NoDelimiter => return invalid("is not a `key = value` line"),
                LineKind::NoKey => return invalid("has no key before the `=`"),
                LineKind::Property { .. } if section == SectionKind::BeforeFirst => {
                    return invalid("comes before the first section");
                }
                LineKind::Property { .. } => {}
                LineKind::Header(header) => {
                    if let Some((index, begin)) = open.take() {
                        self.sections[index].push_lines(file, &text[begin..range.start]);
                    }
                    section = SectionKind::parse(file, &text[header.clone()]);
                    if section == SectionKind::Profile("default") && file == SharedFile::Config {
                        let has_prefix = has_profile_prefix(file, &text[header.clone()]);
                        if has_prefix && !default_has_prefix {
                            self.profiles.remove("default");
                        } else if !has_prefix && default_has_prefix {
                            section = SectionKind::Ignored;
                        }
                        default_has_prefix |= has_prefix;
                    }
                    if section == SectionKind::Ignored && file == SharedFile::Config {
                        self.ignored_headers.push(text[header.clone()].trim());
                    }
                    open = self.section_index(section).map(|index| (index, range.end));
                }
            }
        }
        if let Some((index, begin)) = open {
            self.sections[index].push_lines(file, &text[begin..]);
        }
        Ok(())
    }

    /// Returns the index of a section, and adds the section if it is new.
    fn section_index(&mut self, section: SectionKind<'a>) -> Option<usize> {
        let (names, name) = match section {
            SectionKind::BeforeFirst | SectionKind::Ignored => return None,
            SectionKind::Profile(name) => (&mut self.profiles, name),
            SectionKind::SsoSession(name) => (&mut self.sso_sessions, name),
            SectionKind::Services(name) => (&mut self.services, name),
        };
        let next = self.sections.len();
        let index = *names.entry(name).or_insert(next);
        if index == next {
            self.sections.push(Section::default());
        }
        Some(index)
    }
}

/// Reads the properties of a section's lines. [`SharedConfig::parse`] has refused the lines that are invalid.
fn read_properties<'a>(file: SharedFile, lines: &'a str, properties: &mut Vec<Property<'a>>) {
    for line in Lines::of_section(lines.as_bytes()) {
        match line.kind {
            LineKind::Property { key, value } => {
                let value = Cow::Borrowed(without_comment(lines[value].trim()));
                properties.push(Property { file, key: lines[key].trim(), value });
            }
            LineKind::Continuation(text) => {
                if let Some(property) = properties.last_mut() {
                    let value = property.value.to_mut();
                    value.push('\n');
                    value.push_str(&lines[text]);
                }
            }
            _ => {}
        }
    }
}

/// Removes a comment at the end of a line. Its `#` or `;` must follow whitespace.
fn without_comment(value: &str) -> &str {
    let bytes = value.as_bytes();
    let is_comment = |&index: &usize| {
        matches!(bytes[index], b'#' | b';') && index > 0 && matches!(bytes[index - 1], b' ' | b'\t')
    };
    (0..bytes.len()).find(is_comment).map_or(value, |index| value[..index].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\u{feff}# top\n[default]\nregion = eu-west-1 # home\n\n[profile dev]\nRole_Arn: arn:aws:iam::1:role/R\n  ; indented comment\nsource_profile=default\r\ns3 =\n    max = 20\n[profile \"a b\"]\nx = a#b;c\n[services local]\nsts =\n  endpoint_url = http://127.0.0.1:1\n[sso-session corp]\nsso_region = x\n[plugins]\nfoo = bar\n  more\n";

    #[test]
    fn parses_the_sdk_grammar() {
        let config = SharedConfig::parse(CONFIG, "[dev]\naws_access_key_id=AKIA\nregion = late\n")
            .expect("both files");
        assert_eq!(config.profile_names(), ["a b", "default", "dev"]);
        let dev = config.profile("dev").expect("dev");
        assert_eq!(dev.get("role_arn"), Some("arn:aws:iam::1:role/R"));
        assert_eq!(dev.get("source_profile"), Some("default"));
        assert_eq!(dev.get_nested("s3", "max"), Some("20"));
        assert_eq!(dev.origin("aws_access_key_id"), Some(SharedFile::Credentials));
        assert_eq!(config.profile("default").and_then(|p| p.get("region")), Some("eu-west-1"));
        assert_eq!(config.profile("a b").and_then(|p| p.get("x")), Some("a#b;c"));
        assert!(config.sso_session("corp").is_some());
        let local = config.services("local").expect("services");
        assert_eq!(local.get_nested("sts", "endpoint_url"), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn indented_sections_parse() {
        let text =
            "[default]\n  region = eu-west-1\n  s3 =\n    max = 1\n  output = json\n[default]\n  x = y\n";
        let config = SharedConfig::parse(text, "").expect(text);
        let default = config.profile("default").expect("default");
        assert_eq!((default.get("region"), default.get("output")), (Some("eu-west-1"), Some("json")));
        assert_eq!((default.get_nested("s3", "max"), default.get("x")), (Some("1"), Some("y")));
    }

    #[test]
    fn brackets_in_comments_are_ignored() {
        let text = "[default] # was [prod]\na=1\n[profile dev];[x]\nb=2\n[profile x]y]\nc=3\n[ profile e ]\n";
        let config = SharedConfig::parse(text, "").expect(text);
        assert_eq!(config.profile_names(), ["default", "dev", "e", "x]y"]);
    }

    #[test]
    fn profile_default_section_shadows_default() {
        for text in ["[default]\na=1\n[profile default]\nb=2\n", "[profile default]\nb=2\n[default]\na=1\n"] {
            let config = SharedConfig::parse(text, "").expect(text);
            let default = config.profile("default").expect("default");
            assert_eq!((default.get("a"), default.get("b")), (None, Some("2")), "{text}");
        }
    }

    #[test]
    fn invalid_lines_are_reported_by_number() {
        for (text, line) in [
            ("[a\nx=1", 1),
            ("x=1", 1),
            ("[default]\nfoo\n", 2),
            ("[default]\n = 1\n", 2),
            ("[default]\n  x\n", 2),
            ("  x\n", 1),
        ] {
            assert_eq!(SharedConfig::parse(text, "").expect_err(text).line, line, "{text}");
        }
    }
}
