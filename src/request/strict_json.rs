//! JSON that a person wrote. A member that stands twice in one object is a mistake, of which most readers believe the last
//! one and say nothing: half of a policy would be gone.

use serde_json::{Map, Value};

use super::value::InvalidValue;

/// The value, if the text is JSON at all.
///
/// # Errors
/// A member stands twice in one object.
pub(super) fn parse(text: &str) -> Result<Option<Value>, InvalidValue> {
    let Ok(value) = serde_json::from_str(text) else { return Ok(None) };
    if written_members(text) == members(&value) {
        return Ok(Some(value));
    }
    Err(InvalidValue::new("has an object in which a member stands twice"))
}

/// How many members the text has; it is known to be JSON.
fn written_members(text: &str) -> usize {
    let (mut count, mut in_text, mut is_escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b':' if !in_text => count += 1,
            _ => {}
        }
    }
    count
}

/// How many members a value has in all its objects.
fn members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        Value::Array(list) => list.iter().map(members).sum(),
        _ => 0,
    }
}

/// Exactly these text members of an object.
pub(super) fn text_members<'a, const N: usize>(value: &'a Value, names: [&str; N]) -> Option<[&'a str; N]> {
    let object: &Map<String, Value> = value.as_object().filter(|object| object.len() == N)?;
    let mut texts = [""; N];
    for (text, name) in texts.iter_mut().zip(names) {
        *text = object.get(name)?.as_str()?;
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_stands_twice_is_a_mistake() {
        for good in [r#"{"a":1,"b":{"a":"x:y\":"},"c":[{"a":1},{"a":2}]}"#, "[]", r#"{"a\\":":"}"#, "5"] {
            assert!(parse(good).expect(good).is_some(), "{good}");
        }
        for bad in [r#"{"a":1,"a":2}"#, r#"[{"x":{"a":1,"a":1}}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("a=b").expect("no JSON").is_none());
    }
}
