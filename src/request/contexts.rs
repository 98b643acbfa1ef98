//! Context assertions of trusted providers.

use serde_json::Value;

use super::identifiers::PolicyArn;
use super::strict_json::{self, text_members};
use super::value::{check_count, check_text};
use crate::error::Error;

const MAX_CONTEXTS: usize = 5;

/// A context assertion of a trusted provider, such as IAM Identity Center.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProvidedContext {
    provider_arn: PolicyArn,
    context_assertion: String,
}

impl ProvidedContext {
    /// Creates a context assertion, which has 4 to 2,048 characters.
    ///
    /// # Errors
    /// A part breaks the rules of STS.
    pub fn new(provider_arn: &str, context_assertion: &str) -> Result<Self, Error> {
        check_text(context_assertion, 4..=2048, "printable characters", |c| !c.is_control())
            .map_err(|error| Error::invalid(format!("ContextAssertion {error}")))?;
        let provider_arn =
            provider_arn.parse().map_err(|error| Error::invalid(format!("ProviderArn {error}")))?;
        Ok(Self { provider_arn, context_assertion: context_assertion.to_owned() })
    }

    /// Returns the provider that issued the assertion.
    pub fn provider_arn(&self) -> &PolicyArn {
        &self.provider_arn
    }

    /// Returns the assertion.
    pub fn context_assertion(&self) -> &str {
        &self.context_assertion
    }
}

/// Creates a context assertion from its provider's ARN and its text.
impl<P: AsRef<str>, A: AsRef<str>> TryFrom<(P, A)> for ProvidedContext {
    type Error = Error;

    fn try_from((provider_arn, context_assertion): (P, A)) -> Result<Self, Error> {
        Self::new(provider_arn.as_ref(), context_assertion.as_ref())
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

pub(crate) fn check_contexts(contexts: &[ProvidedContext]) -> Result<(), Error> {
    check_count(MAX_CONTEXTS, contexts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

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
