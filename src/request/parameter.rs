//! The value of one request parameter, of any type.

use std::borrow::Cow;
use std::fmt;

use super::contexts::ProvidedContext;
use super::duration::SessionDuration;
use super::identifiers::{PolicyArn, TokenCode};
use super::tags::{Tag, TagKey};

/// The value of one AssumeRole parameter.
///
/// `Display` writes only what the user may see: for an MFA code `(given)`, for a context its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue<'a> {
    /// A text, as it is sent.
    Text(Cow<'a, str>),
    /// `DurationSeconds`.
    Duration(SessionDuration),
    /// `PolicyArns`.
    PolicyArns(&'a [PolicyArn]),
    /// `Tags`.
    Tags(&'a [Tag]),
    /// `TransitiveTagKeys`.
    TagKeys(&'a [TagKey]),
    /// `TokenCode`.
    TokenCode(&'a TokenCode),
    /// `ProvidedContexts`.
    Contexts(&'a [ProvidedContext]),
    /// A form field of a parameter that arl does not know.
    Field {
        /// The field name, as the AWS Query protocol spells it.
        name: String,
        /// The field value.
        value: String,
    },
}

impl fmt::Display for ParameterValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Duration(duration) => write!(f, "{}", duration.as_secs()),
            Self::PolicyArns(arns) => join(f, arns.iter().map(PolicyArn::as_str)),
            Self::Tags(tags) => {
                join(f, tags.iter().map(|tag| format!("{}={}", tag.key().as_str(), tag.value())))
            }
            Self::TagKeys(keys) => join(f, keys.iter().map(TagKey::as_str)),
            Self::TokenCode(_) => f.write_str("(given)"),
            Self::Contexts(contexts) => {
                join(f, contexts.iter().map(|context| context.provider_arn().as_str()))
            }
            Self::Field { name, value } => write!(f, "{name}={value}"),
        }
    }
}

/// Writes a list with commas between its items.
fn join<T: AsRef<str>>(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item = T>) -> fmt::Result {
    for (index, item) in items.enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        f.write_str(item.as_ref())?;
    }
    Ok(())
}
