//! The policies that limit a session: an inline policy and managed ones.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::identifiers::PolicyArn;
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

/// Parses policy ARNs: separated by commas, a JSON list of ARNs or `{"arn": …}` objects, or one such object.
///
/// Whitespace around a comma is part of the ARN, as in every other program that splits at commas.
///
/// # Errors
/// The JSON has another shape, or an ARN is invalid.
pub fn parse_policy_arns(text: &str) -> Result<Vec<PolicyArn>, Error> {
    const SHAPE: &str = "must be ARNs separated by commas, or a JSON list of ARNs or {\"arn\": …} objects";
    let arn = |value: &Value| match value {
        Value::String(arn) => arn.parse(),
        Value::Object(object) => match (object.len(), object.get("arn")) {
            (1, Some(Value::String(arn))) => arn.parse(),
            _ => Err(Error::invalid(SHAPE)),
        },
        _ => Err(Error::invalid(SHAPE)),
    };
    match strict_json::parse(text)? {
        Some(Value::Array(list)) => list.iter().map(arn).collect(),
        Some(object @ Value::Object(_)) => Ok(vec![arn(&object)?]),
        Some(_) => Err(Error::invalid(SHAPE)),
        None => text.split(',').map(str::parse).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:iam::aws:policy/A1234";

    fn arns(text: &str) -> Result<Vec<String>, String> {
        let arns = parse_policy_arns(text).map_err(|error| error.to_string())?;
        Ok(arns.iter().map(ToString::to_string).collect())
    }

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

    #[test]
    fn parse_policy_arns_accepts_every_form() {
        let two = Ok(vec![ARN.to_owned(), ARN.to_owned()]);
        assert_eq!(arns(&format!("{ARN},{ARN}")), two);
        assert_eq!(arns(&format!(r#"["{ARN}",{{"arn":"{ARN}"}}]"#)), two);
        assert_eq!(arns(&format!(r#"{{"arn":"{ARN}"}}"#)), Ok(vec![ARN.to_owned()]));
        assert_eq!(arns("[]"), Ok(vec![]));
        for bad in ["", "5", "null", "{}", "[5]", r#"{"arn":5}"#, &format!("{ARN},")] {
            assert!(arns(bad).is_err(), "{bad}");
        }
    }
}
