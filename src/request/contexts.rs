//! Context assertions of trusted providers.

use super::identifiers::PolicyArn;
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

pub(crate) fn check_contexts(contexts: &[ProvidedContext]) -> Result<(), Error> {
    check_count(MAX_CONTEXTS, contexts.len())
}
