//! JSON in which no object has two members with the same name.
//!
//! Most readers silently keep the last of two such members. In a policy that would drop the first one.

use std::fmt;

use serde_core::de::{self, Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::error::Error;

/// Parses a text. Returns `None` if it is not JSON, because other forms are accepted too.
///
/// # Errors
/// An object has two members with the same name. The error contains the name.
pub(super) fn parse(text: &str) -> Result<Option<Value>, Error> {
    match serde_json::from_str(text) {
        Ok(Strict(value)) => Ok(Some(value)),
        // `Strict` accepts every JSON value, so the only data error is its own.
        Err(error) if error.classify() == Category::Data => Err(Error::invalid(error.to_string())),
        Err(_) => Ok(None),
    }
}

/// Parses a text that must be a JSON object.
///
/// # Errors
/// The text is not a JSON object, or an object has two members with the same name.
pub(super) fn parse_object(text: &str) -> Result<Map<String, Value>, Error> {
    if let Some(Value::Object(object)) = parse(text)? {
        return Ok(object);
    }
    serde_json::from_str(text).map_err(|error| Error::invalid(format!("must be a JSON object: {error}")))
}

/// A JSON value without duplicate members.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Strict, E> {
        Ok(Strict(Value::Null))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Strict(Value::Array(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Strict, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("has an object with two members named {name:?}")));
            }
            let Strict(value) = members.next_value()?;
            object.insert(name, value);
        }
        Ok(Strict(Value::Object(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_members_of_one_object_are_refused_by_name() {
        let all_kinds = r#"{"a":[1,-2,0.5,true,null,"x:y\"","\u00e9"],"b":{"a":1},"c":[{"a":1},{"a":2}]}"#;
        for good in [all_kinds, "[]", r#"{"a\\":":"}"#, "5"] {
            assert_eq!(parse(good).expect(good), serde_json::from_str(good).ok(), "{good}");
        }
        for bad in [r#"{"a":1,"a":2}"#, r#"[{"x":{"a":1,"a":1}}]"#, r#"{"a":1,"\u0061":2}"#] {
            let error = parse(bad).expect_err(bad).to_string();
            assert!(error.starts_with(r#"has an object with two members named "a" at line 1"#), "{error}");
        }
        for other in ["a=b", "", "{", "{} {}"] {
            assert_eq!(parse(other).expect(other), None, "{other}");
        }
    }
}
