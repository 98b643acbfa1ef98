//! The notations of lists on a command line and in a profile.
//!
//! Each list is read in two forms: a short one with commas, and the JSON of the STS API.

use serde_json::{Map, Value};

use super::contexts::ProvidedContext;
use super::identifiers::PolicyArn;
use super::strict_json;
use super::tags::{Tag, TagKey};
use crate::error::Error;

/// Parses tags: `K=V,K=V`, a JSON object, or a JSON list of `{"Key", "Value"}` objects.
///
/// # Errors
/// The text has another shape, or a tag breaks the rules of STS.
pub fn parse_tags(text: &str) -> Result<Vec<Tag>, Error> {
    const SHAPE: &str = "must be Key=Value pairs separated by commas, a JSON object of strings, \
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
    let shape = || Error::invalid("must be tag keys separated by commas, or a JSON list of strings");
    match strict_json::parse(text)? {
        Some(Value::Array(list)) => list.iter().map(|key| key.as_str().ok_or_else(shape)?.parse()).collect(),
        Some(_) => Err(shape()),
        None => text.split(',').map(str::parse).collect(),
    }
}

/// Parses policy ARNs: separated by commas, a JSON list of ARNs or `{"arn": …}` objects, or one such object.
///
/// Whitespace around a comma is part of the ARN, as in every other program that splits at commas.
///
/// # Errors
/// The JSON has another shape, or an ARN is invalid.
pub fn parse_policy_arns(text: &str) -> Result<Vec<PolicyArn>, Error> {
    const SHAPE: &str = "must be ARNs separated by commas, or a JSON list of ARNs or of {\"arn\": …} objects";
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
        None => {
            let part = |part: &str| {
                part.parse().map_err(|error| match part.starts_with("arn:") {
                    true => error,
                    false => Error::invalid(SHAPE),
                })
            };
            text.split(',').map(part).collect()
        }
    }
}

/// Parses provided contexts: `ProviderArn=…,ContextAssertion=…`, or a JSON object or list of objects with
/// these members.
///
/// # Errors
/// The text has another shape, or a part breaks the rules of STS.
pub fn parse_provided_contexts(text: &str) -> Result<Vec<ProvidedContext>, Error> {
    let shape = || {
        Error::invalid(
            "must be ProviderArn=…,ContextAssertion=…, or JSON: [{\"ProviderArn\": …, \"ContextAssertion\": …}]",
        )
    };
    let context = |value: &Value| {
        let [arn, assertion] = text_members(value, ["ProviderArn", "ContextAssertion"]).ok_or_else(shape)?;
        ProvidedContext::new(arn, assertion)
    };
    match strict_json::parse(text)? {
        Some(Value::Array(list)) => list.iter().map(context).collect(),
        Some(object @ Value::Object(_)) => Ok(vec![context(&object)?]),
        Some(_) => Err(shape()),
        None => {
            let (arn, assertion) = text
                .strip_prefix("ProviderArn=")
                .and_then(|rest| rest.split_once(",ContextAssertion="))
                .ok_or_else(shape)?;
            Ok(vec![ProvidedContext::new(arn, assertion)?])
        }
    }
}

/// Returns the text members of an object that has exactly these members.
fn text_members<'a, const N: usize>(value: &'a Value, names: [&str; N]) -> Option<[&'a str; N]> {
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

    const ARN: &str = "arn:aws:iam::aws:policy/A1234";

    fn arns(text: &str) -> Result<Vec<String>, String> {
        let arns = parse_policy_arns(text).map_err(|error| error.to_string())?;
        Ok(arns.iter().map(ToString::to_string).collect())
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

    #[test]
    fn parse_provided_contexts_accepts_every_form() {
        let arn = "arn:aws:iam::aws:contextProvider/IdentityCenter";
        for text in [
            format!("ProviderArn={arn},ContextAssertion=abcd"),
            format!(r#"{{"ProviderArn":"{arn}","ContextAssertion":"abcd"}}"#),
            format!(r#"[{{"ProviderArn":"{arn}","ContextAssertion":"abcd"}}]"#),
        ] {
            let contexts = parse_provided_contexts(&text).expect(&text);
            assert_eq!(contexts[0].provider_arn().as_str(), arn);
            assert_eq!(contexts[0].context_assertion(), "abcd");
        }
        assert!(parse_provided_contexts("ContextAssertion=abcd").is_err());
    }
}
