//! Request parameters that are lists: managed policies, tags, provided contexts, and whatever STS gains later.
//!
//! Each is read from what people type: a short form with commas, or the JSON of the STS API.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::json;
use super::text::{InvalidValue, PolicyArn, TAG_ALPHABET, check, is_tag_char};

/// More session tags, or transitive keys, are refused.
const MAX_TAGS: usize = 50;
const MAX_CONTEXTS: usize = 5;

/// The key of a session tag: 1 to 128 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TagKey(String);

impl TagKey {
    /// The key as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TagKey {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        check(text, 1..=128, TAG_ALPHABET, is_tag_char)
            .map_err(|error| InvalidValue::new(format!("tag key {text:?} {error}")))?;
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
    /// Checks and takes key and value over; the value has 0 to 256 characters.
    ///
    /// # Errors
    /// Key or value break STS's rules.
    pub fn new(key: &str, value: &str) -> Result<Self, InvalidValue> {
        let parsed = key.parse()?;
        check(value, 0..=256, TAG_ALPHABET, is_tag_char)
            .map_err(|error| InvalidValue::new(format!("the value of tag {key:?} {error}")))?;
        Ok(Self { key: parsed, value: value.to_owned() })
    }

    /// The key.
    pub fn key(&self) -> &TagKey {
        &self.key
    }

    /// The value; may be empty.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// A context assertion of a trusted provider, such as IAM Identity Center.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProvidedContext {
    provider_arn: PolicyArn,
    context_assertion: String,
}

impl ProvidedContext {
    /// Checks and takes both parts over; the assertion has 4 to 2,048 characters.
    ///
    /// # Errors
    /// A part breaks STS's rules.
    pub fn new(provider_arn: &str, context_assertion: &str) -> Result<Self, InvalidValue> {
        check(context_assertion, 4..=2048, "printable characters", |c| !c.is_control())
            .map_err(|error| InvalidValue::new(format!("ContextAssertion {error}")))?;
        let provider_arn =
            provider_arn.parse().map_err(|error| InvalidValue::new(format!("ProviderArn {error}")))?;
        Ok(Self { provider_arn, context_assertion: context_assertion.to_owned() })
    }

    /// Who vouches.
    pub fn provider_arn(&self) -> &PolicyArn {
        &self.provider_arn
    }

    /// What is vouched for.
    pub fn context_assertion(&self) -> &str {
        &self.context_assertion
    }
}

/// Reads policy ARNs: separated by commas, a JSON list of ARNs or `{"arn": …}` objects, or one such object.
///
/// Blanks belong to the ARN, as they do for everybody else who splits at commas.
///
/// # Errors
/// The JSON has another shape, or an ARN is none.
pub fn parse_policy_arns(text: &str) -> Result<Vec<PolicyArn>, InvalidValue> {
    const SHAPE: &str = "must be ARNs separated by commas, or a JSON list of ARNs or {\"arn\": …} objects";
    let arn = |value: &Value| match value {
        Value::String(arn) => arn.parse(),
        Value::Object(object) => match (object.len(), object.get("arn")) {
            (1, Some(Value::String(arn))) => arn.parse(),
            _ => Err(InvalidValue::new(SHAPE)),
        },
        _ => Err(InvalidValue::new(SHAPE)),
    };
    match json::parse(text)? {
        Some(Value::Array(list)) => list.iter().map(arn).collect(),
        Some(object @ Value::Object(_)) => Ok(vec![arn(&object)?]),
        Some(_) => Err(InvalidValue::new(SHAPE)),
        None => text.split(',').map(str::parse).collect(),
    }
}

/// Reads tags: `K=V,K=V`, a JSON object, or a JSON list of `{"Key", "Value"}` objects.
///
/// # Errors
/// Another shape, or a tag that breaks STS's rules.
pub fn parse_tags(text: &str) -> Result<Vec<Tag>, InvalidValue> {
    const SHAPE: &str = "must be Key=Value pairs separated by commas, a JSON object of texts, \
                         or a JSON list of {\"Key\": …, \"Value\": …}";
    let shape = || InvalidValue::new(SHAPE);
    match json::parse(text)? {
        Some(Value::Object(object)) => {
            object.iter().map(|(key, value)| Tag::new(key, value.as_str().ok_or_else(shape)?)).collect()
        }
        Some(Value::Array(list)) => list
            .iter()
            .map(|item| {
                let [key, value] = members(item, ["Key", "Value"]).ok_or_else(shape)?;
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

/// Reads tag keys: separated by commas, or a JSON list. Blanks belong to the key: STS allows them there.
///
/// # Errors
/// Another shape, or a key that breaks STS's rules.
pub fn parse_tag_keys(text: &str) -> Result<Vec<TagKey>, InvalidValue> {
    let shape = || InvalidValue::new("must be tag keys separated by commas, or a JSON list of texts");
    match json::parse(text)? {
        Some(Value::Array(list)) => list.iter().map(|key| key.as_str().ok_or_else(shape)?.parse()).collect(),
        Some(_) => Err(shape()),
        None => text.split(',').map(str::parse).collect(),
    }
}

/// Reads provided contexts: `ProviderArn=…,ContextAssertion=…`, or a JSON object or list of objects with these members.
///
/// # Errors
/// Another shape, or a part that breaks STS's rules.
pub fn parse_provided_contexts(text: &str) -> Result<Vec<ProvidedContext>, InvalidValue> {
    let shape = || {
        InvalidValue::new(
            "must be ProviderArn=…,ContextAssertion=…, or JSON: [{\"ProviderArn\": …, \"ContextAssertion\": …}]",
        )
    };
    let context = |value: &Value| {
        let [arn, assertion] = members(value, ["ProviderArn", "ContextAssertion"]).ok_or_else(shape)?;
        ProvidedContext::new(arn, assertion)
    };
    match json::parse(text)? {
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

/// At most 50, with keys that differ in more than case.
pub(crate) fn check_tags(tags: &[Tag]) -> Result<(), InvalidValue> {
    let mut keys: Vec<String> = tags.iter().map(|tag| tag.key.0.to_lowercase()).collect();
    keys.sort_unstable();
    if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(InvalidValue::new(format!("gives tag {:?} twice (STS ignores case there)", pair[0])));
    }
    at_most(MAX_TAGS, tags.len())
}

pub(crate) fn check_tag_keys(keys: &[TagKey]) -> Result<(), InvalidValue> {
    at_most(MAX_TAGS, keys.len())
}

pub(crate) fn check_contexts(contexts: &[ProvidedContext]) -> Result<(), InvalidValue> {
    at_most(MAX_CONTEXTS, contexts.len())
}

fn at_most(max: usize, count: usize) -> Result<(), InvalidValue> {
    if count > max {
        return Err(InvalidValue::new(format!("takes at most {max}, has {count}")));
    }
    Ok(())
}

/// The text as JSON, if it is any. A bare number or word is JSON too, and no list: the callers say so.
/// Exactly these text members of an object.
fn members<'a, const N: usize>(value: &'a Value, names: [&str; N]) -> Option<[&'a str; N]> {
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

    const ARN: &str = "arn:aws:iam::aws:policy/A1234";

    fn arns(text: &str) -> Result<Vec<String>, String> {
        let arns = parse_policy_arns(text).map_err(|error| error.to_string())?;
        Ok(arns.iter().map(ToString::to_string).collect())
    }

    fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
        let tags = parse_tags(text).map_err(|error| error.to_string())?;
        Ok(tags.iter().map(|tag| (tag.key().as_str().to_owned(), tag.value().to_owned())).collect())
    }

    #[test]
    fn policy_arns_come_in_every_form_people_type() {
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
    fn tags_come_in_every_form_people_type() {
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
    fn a_tag_key_counts_once_whatever_its_case() {
        let tags = parse_tags("Team=a,team=b").expect("two tags");
        let error = check_tags(&tags).expect_err("twice").to_string();
        assert!(error.contains("\"team\" twice"), "{error}");
        let many: Vec<Tag> = (0..51).map(|n| Tag::new(&format!("k{n}"), "").expect("a tag")).collect();
        assert_eq!(check_tags(&many).expect_err("51").to_string(), "takes at most 50, has 51");
    }

    #[test]
    fn contexts_come_short_or_as_json() {
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
