//! Session tags and transitive tag keys.
//!
//! Both are read in two forms: a short one with commas, and the JSON of the STS API.

use std::str::FromStr;

use serde_json::Value;

use super::strict_json::{self, text_members};
use super::value::{TAG_ALPHABET, check_count, check_text, is_tag_char};
use crate::error::{Error, try_from_text};

/// The most session tags, or transitive tag keys, that STS accepts.
const MAX_TAGS: usize = 50;

/// The key of a session tag: 1 to 128 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TagKey(String);

impl TagKey {
    /// Returns the key as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TagKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        check_text(text, 1..=128, TAG_ALPHABET, is_tag_char)
            .map_err(|error| Error::invalid(format!("tag key {text:?} {error}")))?;
        Ok(Self(text.to_owned()))
    }
}

/// A session tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag {
    key: TagKey,
    value: String,
}

impl Tag {
    /// Creates a tag. The value has 0 to 256 characters.
    ///
    /// # Errors
    /// The key or the value breaks the rules of STS.
    pub fn new(key: &str, value: &str) -> Result<Self, Error> {
        let parsed = key.parse()?;
        check_text(value, 0..=256, TAG_ALPHABET, is_tag_char)
            .map_err(|error| Error::invalid(format!("the value of tag {key:?} {error}")))?;
        Ok(Self { key: parsed, value: value.to_owned() })
    }

    /// Returns the key.
    pub fn key(&self) -> &TagKey {
        &self.key
    }

    /// Returns the value, which may be empty.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Parses tags: `K=V,K=V`, a JSON object, or a JSON list of `{"Key", "Value"}` objects.
///
/// # Errors
/// The text has another shape, or a tag breaks the rules of STS.
pub fn parse_tags(text: &str) -> Result<Vec<Tag>, Error> {
    const SHAPE: &str = "must be Key=Value pairs separated by commas, a JSON object of texts, \
                         or a JSON list of {\"Key\": …, \"Value\": …}";
    let shape = || Error::invalid(SHAPE);
    match strict_json::parse(text)? {
        Some(Value::Object(object)) => {
            object.iter().map(|(key, value)| Tag::new(key, value.as_str().ok_or_else(shape)?)).collect()
        }
        Some(Value::Array(list)) => list
            .iter()
            .map(|item| {
                let [key, value] = text_members(item, ["Key", "Value"]).ok_or_else(shape)?;
                Tag::new(key, value)
            })
            .collect(),
        Some(_) => Err(shape()),
        None => text
            .split(',')
            .map(|pair| {
                let (key, value) = pair.split_once('=').ok_or_else(shape)?;
                Tag::new(key, value)
            })
            .collect(),
    }
}

/// Parses tag keys: separated by commas, or a JSON list. Whitespace is part of the key, because STS allows it
/// there.
///
/// # Errors
/// The text has another shape, or a key breaks the rules of STS.
pub fn parse_tag_keys(text: &str) -> Result<Vec<TagKey>, Error> {
    let shape = || Error::invalid("must be tag keys separated by commas, or a JSON list of texts");
    match strict_json::parse(text)? {
        Some(Value::Array(list)) => list.iter().map(|key| key.as_str().ok_or_else(shape)?.parse()).collect(),
        Some(_) => Err(shape()),
        None => text.split(',').map(str::parse).collect(),
    }
}

/// Checks that there are at most 50 tags, and that no two keys differ only in case.
pub(crate) fn check_tags(tags: &[Tag]) -> Result<(), Error> {
    let mut keys: Vec<String> = tags.iter().map(|tag| tag.key.0.to_lowercase()).collect();
    keys.sort_unstable();
    if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::invalid(format!("gives tag {:?} twice (STS ignores case there)", pair[0])));
    }
    check_count(MAX_TAGS, tags.len())
}

pub(crate) fn check_tag_keys(keys: &[TagKey]) -> Result<(), Error> {
    check_count(MAX_TAGS, keys.len())
}

try_from_text!(TagKey);

/// Creates a tag from a key and a value.
impl<K: AsRef<str>, V: AsRef<str>> TryFrom<(K, V)> for Tag {
    type Error = Error;

    fn try_from((key, value): (K, V)) -> Result<Self, Error> {
        Self::new(key.as_ref(), value.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
        let tags = parse_tags(text).map_err(|error| error.to_string())?;
        Ok(tags.iter().map(|tag| (tag.key().as_str().to_owned(), tag.value().to_owned())).collect())
    }

    #[test]
    fn parse_tags_accepts_every_form() {
        let foo_bar = |value: &str| Ok(vec![("foo".to_owned(), value.to_owned())]);
        assert_eq!(pairs("foo=bar"), foo_bar("bar"));
        assert_eq!(pairs("foo=a=b"), foo_bar("a=b"));
        assert_eq!(pairs("foo="), foo_bar(""));
        assert_eq!(pairs(r#"{"foo":"bar"}"#), foo_bar("bar"));
        assert_eq!(pairs(r#"[{"Key":"foo","Value":"bar"}]"#), foo_bar("bar"));
        for bad in ["", "foo", "5", r#"{"foo":1}"#, r#"[{"Key":"foo"}]"#, "a;b=c", "=v"] {
            assert!(pairs(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tag_keys_are_case_insensitive() {
        let tags = parse_tags("Team=a,team=b").expect("two tags");
        let error = check_tags(&tags).expect_err("twice").to_string();
        assert!(error.contains("\"team\" twice"), "{error}");
        let many: Vec<Tag> = (0..51).map(|n| Tag::new(&format!("k{n}"), "").expect("a tag")).collect();
        assert_eq!(check_tags(&many).expect_err("51").to_string(), "takes at most 50, has 51");
    }
}
