//! The shared config and credentials files, read the way the AWS SDKs read them.
//!
//! Grammar: "Shared config and credentials files" in the AWS SDKs and Tools Reference Guide. Three liberties:
//! `:` delimits as `=` does, and comments or whole sections may be indented, because botocore reads them so.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::OnceLock;

/// Which of the two files a property stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SharedFile {
    /// `~/.aws/config`, or `AWS_CONFIG_FILE`.
    Config,
    /// `~/.aws/credentials`, or `AWS_SHARED_CREDENTIALS_FILE`.
    Credentials,
}

/// A line that cannot be understood. Skipping it could change whose keys the next lines are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidConfig {
    /// The file.
    pub file: SharedFile,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: &'static str,
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} {}", self.line, self.fault)
    }
}

impl std::error::Error for InvalidConfig {}

/// Without random keys, which would have to be asked of the kernel: the names are the person's own.
type ByName<'a> = HashMap<&'a str, usize, BuildHasherDefault<DefaultHasher>>;

/// The profiles of both files. Borrows their texts.
#[derive(Debug, Default)]
pub struct SharedConfig<'a> {
    sections: Vec<Section<'a>>,
    /// By name, as the next two: where the section is.
    profiles: ByName<'a>,
    sso_sessions: ByName<'a>,
    services: ByName<'a>,
}

/// The properties of one profile (or `sso-session`, or `services` section).
#[derive(Debug, Default, Clone)]
pub struct Section<'a> {
    /// Where its lines stand: the first place, and others if it is opened again.
    lines: Option<(SharedFile, &'a str)>,
    more_lines: Vec<(SharedFile, &'a str)>,
    /// Read when somebody asks: of thousands of profiles a call needs a few.
    properties: OnceLock<Vec<Property<'a>>>,
}

#[derive(Debug, Clone)]
struct Property<'a> {
    file: SharedFile,
    key: &'a str,
    value: Cow<'a, str>,
}

impl<'a> Section<'a> {
    /// The value of a key, whatever the key's case; the credentials file beats the config file, later lines earlier ones.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.find(key).map(|property| property.value.as_ref())
    }

    /// [`Section::get`], where nothing counts as unset: `aws configure set KEY ''` leaves `KEY = `.
    pub fn get_filled(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty())
    }

    /// The value of a key in one of the files.
    pub fn get_in(&self, file: SharedFile, key: &str) -> Option<&str> {
        let is_it =
            |property: &&Property<'_>| property.file == file && property.key.eq_ignore_ascii_case(key);
        self.properties().iter().rev().find(is_it).map(|property| property.value.as_ref())
    }

    /// The file that [`Section::get`] takes the key from.
    pub fn file_of(&self, key: &str) -> Option<SharedFile> {
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

    fn add_lines(&mut self, file: SharedFile, lines: &'a str) {
        match self.lines {
            None => self.lines = Some((file, lines)),
            Some(_) => self.more_lines.push((file, lines)),
        }
    }

    /// The value of `key` inside the indented block `block =`, as in `s3 =` or `sts =`.
    pub fn get_nested(&self, block: &str, key: &str) -> Option<&str> {
        self.get(block)?.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case(key).then_some(value.trim())
        })
    }
}

impl<'a> SharedConfig<'a> {
    /// Reads both texts; a missing file is the empty text.
    ///
    /// # Errors
    /// The first line that is neither section, property, continuation, comment nor blank.
    pub fn parse(config: &'a str, credentials: &'a str) -> Result<Self, InvalidConfig> {
        let mut shared = Self::default();
        shared.read(SharedFile::Config, config)?;
        shared.read(SharedFile::Credentials, credentials)?;
        Ok(shared)
    }

    /// The profile of that name.
    pub fn profile(&self, name: &str) -> Option<&Section<'a>> {
        self.profiles.get(name).map(|&at| &self.sections[at])
    }

    /// All profile names, sorted.
    pub fn profile_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.profiles.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// The `[sso-session NAME]` section.
    pub fn sso_session(&self, name: &str) -> Option<&Section<'a>> {
        self.sso_sessions.get(name).map(|&at| &self.sections[at])
    }

    /// The `[services NAME]` section.
    pub fn services(&self, name: &str) -> Option<&Section<'a>> {
        self.services.get(name).map(|&at| &self.sections[at])
    }

    /// Finds the sections and looks at every line, but keeps no property.
    fn read(&mut self, file: SharedFile, text: &'a str) -> Result<(), InvalidConfig> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // A profile takes some hundred characters; thousands of them are not moved about again and again.
        let expected = text.len() / 128;
        self.sections.reserve(expected);
        self.profiles.reserve(expected);
        // `[profile default]` hides `[default]`, in whatever order they stand.
        let mut default_has_prefix = false;
        let mut place = Place::Nowhere;
        // The section whose lines begin there.
        let mut open: Option<(usize, usize)> = None;
        // A section that is opened again has properties, but its first line continues none of them.
        let mut last_indent = None;
        let mut next = 0;
        for (index, whole) in text.split_inclusive('\n').enumerate() {
            let start = next;
            next += whole.len();
            if place == Place::Ignored && whole.starts_with([' ', '\t']) {
                continue;
            }
            let wrong = |fault| InvalidConfig { file, line: index + 1, fault };
            if is_plain_property(whole.as_bytes()) && place != Place::Nowhere {
                last_indent = Some(0);
                continue;
            }
            match Line::of(whole, last_indent).map_err(wrong)? {
                Line::Empty | Line::Continuation(_) => {}
                Line::Property { indent, .. } => {
                    if place == Place::Nowhere {
                        return Err(wrong("stands before the first section"));
                    }
                    last_indent = Some(indent);
                }
                Line::Header(header) => {
                    if let Some((at, begin)) = open.take() {
                        self.sections[at].add_lines(file, &text[begin..start]);
                    }
                    place = Place::of(file, header.trim());
                    if place == Place::Profile("default") && file == SharedFile::Config {
                        let prefixed = header.trim_start().starts_with("profile");
                        if prefixed && !default_has_prefix {
                            self.profiles.remove("default");
                        } else if !prefixed && default_has_prefix {
                            place = Place::Ignored;
                        }
                        default_has_prefix |= prefixed;
                    }
                    open = place.section(self).map(|at| (at, next));
                    last_indent = None;
                }
            }
        }
        if let Some((at, begin)) = open {
            self.sections[at].add_lines(file, &text[begin..]);
        }
        Ok(())
    }
}

/// What a line is.
enum Line<'a> {
    /// Blank, or a comment.
    Empty,
    /// What stands between the brackets.
    Header(&'a str),
    /// It goes on with the value before.
    Continuation(&'a str),
    Property {
        key: &'a str,
        value: &'a str,
        indent: usize,
    },
}

impl<'a> Line<'a> {
    /// `last_indent` is how far the key before is indented; only what is indented further continues it.
    fn of(line: &'a str, last_indent: Option<usize>) -> Result<Self, &'static str> {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            return Ok(Self::Empty);
        }
        let indent = line.len() - line.trim_start().len();
        if last_indent.is_some_and(|last| indent > last) {
            return Ok(Self::Continuation(trimmed));
        }
        if let Some(header) = trimmed.strip_prefix('[') {
            let close = end_of_header(header.as_bytes()).ok_or("opens a section without a `]`")?;
            return Ok(Self::Header(&header[..close]));
        }
        let at = trimmed.bytes().position(|b| b == b'=' || b == b':').ok_or("is no `key = value`")?;
        let (key, value) = (trimmed[..at].trim_end(), trimmed[at + 1..].trim_start());
        if key.is_empty() {
            return Err("has no key before the `=`");
        }
        Ok(Self::Property { key, value, indent })
    }
}

/// Where a header ends, whose `[` is off already: at the first `]` that nothing but a comment follows, else at the last
/// one. To botocore a `]` in a comment belongs to the name, which nobody means.
pub(crate) fn end_of_header(header: &[u8]) -> Option<usize> {
    let is_last = |rest: &[u8]| matches!(rest.trim_ascii_start().first(), None | Some(b'#' | b';'));
    let is_end = |at: &usize| header[*at] == b']';
    let mut ends = (0..header.len()).filter(is_end);
    ends.find(|at| is_last(&header[at + 1..])).or_else(|| (0..header.len()).rfind(is_end))
}

/// Whether the line is a property for sure, at a glance: most lines are, and nobody asks yet what it says.
fn is_plain_property(line: &[u8]) -> bool {
    let begins = line.first().is_some_and(|&b| b.is_ascii_alphanumeric() || b == b'_');
    begins && line.iter().any(|&b| b == b'=' || b == b':')
}

/// The properties of a section's lines, which are known to make sense.
fn read_properties<'a>(file: SharedFile, lines: &'a str, properties: &mut Vec<Property<'a>>) {
    let mut last_indent = None;
    for line in lines.lines() {
        match Line::of(line, last_indent) {
            Ok(Line::Property { key, value, indent }) => {
                let value = Cow::Borrowed(without_comment(value));
                properties.push(Property { file, key, value });
                last_indent = Some(indent);
            }
            Ok(Line::Continuation(text)) => {
                if let Some(property) = properties.last_mut() {
                    let value = property.value.to_mut();
                    value.push('\n');
                    value.push_str(text);
                }
            }
            Ok(Line::Empty | Line::Header(_)) | Err(_) => {}
        }
    }
}

/// A comment at the end of a line needs a blank before its `#` or `;`.
fn without_comment(value: &str) -> &str {
    let bytes = value.as_bytes();
    let is_comment =
        |&at: &usize| matches!(bytes[at], b'#' | b';') && at > 0 && matches!(bytes[at - 1], b' ' | b'\t');
    (0..bytes.len()).find(is_comment).map_or(value, |at| value[..at].trim_end())
}

/// The section that the lines being read belong to.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    Nowhere,
    /// A section of no interest, such as `[plugins]`.
    Ignored,
    Profile(&'a str),
    SsoSession(&'a str),
    Services(&'a str),
}

impl<'a> Place<'a> {
    fn of(file: SharedFile, header: &'a str) -> Self {
        if file == SharedFile::Credentials {
            return Self::Profile(header);
        }
        let (kind, name) = match header.find([' ', '\t']) {
            Some(blank) => (&header[..blank], unquoted(header[blank..].trim())),
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

    /// Where the section is, which comes into being here if it is new.
    fn section(&self, config: &mut SharedConfig<'a>) -> Option<usize> {
        let (names, name) = match self {
            Self::Nowhere | Self::Ignored => return None,
            Self::Profile(name) => (&mut config.profiles, name),
            Self::SsoSession(name) => (&mut config.sso_sessions, name),
            Self::Services(name) => (&mut config.services, name),
        };
        let next = config.sections.len();
        let at = *names.entry(name).or_insert(next);
        if at == next {
            config.sections.push(Section::default());
        }
        Some(at)
    }
}

/// botocore reads `[profile "a b"]` as the profile `a b`.
fn unquoted(name: &str) -> &str {
    ['"', '\''].iter().find_map(|&quote| name.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\u{feff}# top\n[default]\nregion = eu-west-1 # home\n\n[profile dev]\nRole_Arn: arn:aws:iam::1:role/R\n  ; indented comment\nsource_profile=default\r\ns3 =\n    max = 20\n[profile \"a b\"]\nx = a#b;c\n[services local]\nsts =\n  endpoint_url = http://127.0.0.1:1\n[sso-session corp]\nsso_region = x\n[plugins]\nfoo = bar\n  more\n";

    #[test]
    fn the_grammar_of_the_sdks() {
        let config = SharedConfig::parse(CONFIG, "[dev]\naws_access_key_id=AKIA\nregion = late\n")
            .expect("both files");
        assert_eq!(config.profile_names(), ["a b", "default", "dev"]);
        let dev = config.profile("dev").expect("dev");
        assert_eq!(dev.get("role_arn"), Some("arn:aws:iam::1:role/R"));
        assert_eq!(dev.get("source_profile"), Some("default"));
        assert_eq!(dev.get_nested("s3", "max"), Some("20"));
        assert_eq!(dev.file_of("aws_access_key_id"), Some(SharedFile::Credentials));
        assert_eq!(config.profile("default").and_then(|p| p.get("region")), Some("eu-west-1"));
        assert_eq!(config.profile("a b").and_then(|p| p.get("x")), Some("a#b;c"));
        assert!(config.sso_session("corp").is_some());
        let local = config.services("local").expect("services");
        assert_eq!(local.get_nested("sts", "endpoint_url"), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn a_section_may_be_indented_as_a_whole() {
        let text =
            "[default]\n  region = eu-west-1\n  s3 =\n    max = 1\n  output = json\n[default]\n  x = y\n";
        let config = SharedConfig::parse(text, "").expect(text);
        let default = config.profile("default").expect("default");
        assert_eq!((default.get("region"), default.get("output")), (Some("eu-west-1"), Some("json")));
        assert_eq!((default.get_nested("s3", "max"), default.get("x")), (Some("1"), Some("y")));
    }

    #[test]
    fn a_bracket_in_a_comment_belongs_to_no_name() {
        let text = "[default] # was [prod]\na=1\n[profile dev];[x]\nb=2\n[profile x]y]\nc=3\n[ profile e ]\n";
        let config = SharedConfig::parse(text, "").expect(text);
        assert_eq!(config.profile_names(), ["default", "dev", "e", "x]y"]);
    }

    #[test]
    fn the_prefixed_default_hides_the_bare_one() {
        for text in ["[default]\na=1\n[profile default]\nb=2\n", "[profile default]\nb=2\n[default]\na=1\n"] {
            let config = SharedConfig::parse(text, "").expect(text);
            let default = config.profile("default").expect("default");
            assert_eq!((default.get("a"), default.get("b")), (None, Some("2")), "{text}");
        }
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
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
