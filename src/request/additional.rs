//! AssumeRole parameters that arl does not know.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value;

use super::strict_json;
use crate::error::{Error, try_from_text};

/// AssumeRole parameters that STS knows and arl does not, given as a JSON object.
///
/// They are sent as the AWS Query protocol spells them: `Name=text`, `Name.member.1=…`, `Name.Key=…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdditionalParameters(BTreeMap<String, Value>);

impl AdditionalParameters {
    /// Removes a parameter and returns its value as text, in the form that the parser of that parameter
    /// reads. A list or an object is returned as JSON.
    #[doc(hidden)]
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }

    /// Returns the names of the parameters.
    #[doc(hidden)]
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the parameters as form fields, sorted by name.
    #[doc(hidden)]
    pub fn form_fields(&self) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        for (name, value) in &self.0 {
            flatten(name.clone(), value, &mut fields);
        }
        fields
    }
}

impl FromStr for AdditionalParameters {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let object = strict_json::parse_object(text)?;
        for (name, value) in &object {
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(Error::invalid(format!(
                    "contains {name:?}, which cannot be the name of a parameter"
                )));
            }
            if name == "Action" || name == "Version" {
                return Err(Error::invalid(format!("cannot change {name}")));
            }
            if has_null(value) {
                return Err(Error::invalid(format!("sets {name} to null, which STS cannot represent")));
            }
        }
        Ok(Self(object.into_iter().collect()))
    }
}

try_from_text!(AdditionalParameters);

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.iter().any(has_null),
        Value::Object(object) => object.values().any(has_null),
        _ => false,
    }
}

fn flatten(name: String, value: &Value, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Array(list) if list.is_empty() => fields.push((name, String::new())),
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                flatten(format!("{name}.member.{}", index + 1), item, fields);
            }
        }
        Value::Object(object) => {
            for (key, item) in object {
                flatten(format!("{name}.{key}"), item, fields);
            }
        }
        Value::String(text) => fields.push((name, text.clone())),
        other => fields.push((name, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additional_parameters_use_query_protocol_names() {
        let parameters: AdditionalParameters =
            r#"{"New":{"A":"x","B":[1,{"C":true}]},"List":[],"Size":10}"#.parse().expect("an object");
        let fields: Vec<String> =
            parameters.form_fields().iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(fields, ["List=", "New.A=x", "New.B.member.1=1", "New.B.member.2.C=true", "Size=10"]);
    }

    #[test]
    fn action_and_version_are_rejected() {
        for bad in [r#"{"Action":"GetCallerIdentity"}"#, r#"{"a&b":"c"}"#, r#"{"A":null}"#, "[]", "x"] {
            assert!(bad.parse::<AdditionalParameters>().is_err(), "{bad}");
        }
    }
}
