//! Session tags and transitive tag keys.

use std::str::FromStr;

use super::value::{TAG_ALPHABET, check_count, check_text, is_tag_char};
use crate::error::{Error, try_from_text};

/// The most session tags, or transitive tag keys, that STS accepts.
const MAX_TAGS: usize = 50;

/// The key of a session tag: 1 to 128 letters, digits, spaces and `_.:/=+-@`.
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

/// A session tag: a key, and a value of 0 to 256 characters from the same alphabet.
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

/// Checks that there are at most 50 tags, and that no two keys differ only in case.
pub(crate) fn check_tags(tags: &[Tag]) -> Result<(), Error> {
    let mut keys: Vec<String> = tags.iter().map(|tag| tag.key.0.to_lowercase()).collect();
    keys.sort_unstable();
    if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::invalid(format!(
            "has the tag {:?} twice (STS ignores case in tag keys)",
            pair[0]
        )));
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

    #[test]
    fn tag_keys_are_case_insensitive() {
        let tags = [Tag::new("Team", "a").expect("a tag"), Tag::new("team", "b").expect("a tag")];
        let error = check_tags(&tags).expect_err("twice").to_string();
        assert!(error.contains("\"team\" twice"), "{error}");
        let many: Vec<Tag> = (0..51).map(|n| Tag::new(&format!("k{n}"), "").expect("a tag")).collect();
        assert_eq!(check_tags(&many).expect_err("51").to_string(), "accepts at most 50, not 51");
    }
}
