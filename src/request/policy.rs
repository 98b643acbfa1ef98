//! The inline policy that limits a session.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::strict_json;
use crate::error::{Error, try_from_text};

/// An inline session policy: one JSON object in as few characters as possible, because STS limits their
/// number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy(String);

impl Policy {
    /// Returns the JSON as it is sent: without whitespace, with sorted members, and with characters above
    /// U+00FF escaped.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Policy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        strict_json::parse_object(text).map(Self::from_object)
    }
}

impl TryFrom<Value> for Policy {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self, Error> {
        match value {
            Value::Object(object) => Ok(Self::from_object(object)),
            _ => Err(Error::invalid("must be a JSON object")),
        }
    }
}

impl Policy {
    fn from_object(object: Map<String, Value>) -> Self {
        let compact = Value::Object(object).to_string();
        let mut policy = String::with_capacity(compact.len());
        for c in compact.chars() {
            // STS accepts U+0020 to U+00FF here. Characters above that need JSON escapes.
            if c <= '\u{ff}' {
                policy.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    policy.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
        Self(policy)
    }
}

try_from_text!(Policy);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_compacted_and_escaped() {
        let policy: Policy = " { \"b\" : [1, 2] ,\n \"a\":\"ü € 𝄞\" } ".parse().expect("an object");
        assert_eq!(policy.as_str(), r#"{"a":"ü \u20ac \ud834\udd1e","b":[1,2]}"#);
    }

    #[test]
    fn policies_must_be_json_objects() {
        for bad in ["", "[]", "\"x\"", "nope", "{\"a\":NaN}", "{} {}", "{\"a\":1,\"a\":2}"] {
            assert!(bad.parse::<Policy>().is_err(), "{bad}");
        }
    }
}
