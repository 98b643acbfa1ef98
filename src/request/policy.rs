//! The inline session policy.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::json;
use super::text::InvalidValue;

/// An inline session policy: one JSON object, in the fewest characters, since STS counts them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy(String);

impl Policy {
    /// The JSON as it is sent: without blanks, members in alphabetical order, other scripts escaped.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Policy {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        json::parse(text)?;
        let object: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| InvalidValue::new(format!("must be a JSON object: {error}")))?;
        Ok(Self::of_object(object))
    }
}

impl TryFrom<Value> for Policy {
    type Error = InvalidValue;

    fn try_from(value: Value) -> Result<Self, InvalidValue> {
        match value {
            Value::Object(object) => Ok(Self::of_object(object)),
            _ => Err(InvalidValue::new("must be a JSON object")),
        }
    }
}

impl Policy {
    fn of_object(object: Map<String, Value>) -> Self {
        let compact = Value::Object(object).to_string();
        let mut policy = String::with_capacity(compact.len());
        for c in compact.chars() {
            // The field takes U+0020 to U+00FF; beyond that only JSON's own escapes get through.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_sent_short_and_in_the_alphabet_of_the_field() {
        let policy: Policy = " { \"b\" : [1, 2] ,\n \"a\":\"ü € 𝄞\" } ".parse().expect("an object");
        assert_eq!(policy.as_str(), r#"{"a":"ü \u20ac \ud834\udd1e","b":[1,2]}"#);
    }

    #[test]
    fn only_objects_are_policies() {
        for bad in ["", "[]", "\"x\"", "nope", "{\"a\":NaN}", "{} {}", "{\"a\":1,\"a\":2}"] {
            assert!(bad.parse::<Policy>().is_err(), "{bad}");
        }
    }
}
