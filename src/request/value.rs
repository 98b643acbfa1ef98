//! What all request parameters share: the error, the checks of length and characters, and the macros for text
//! types.
//!
//! The lengths and characters are those of the AssumeRole page of the STS API reference (model 2011-06-15),
//! where `\w` is ASCII.

use std::fmt;
use std::ops::RangeInclusive;

/// The error for a value that STS would refuse: the rule, and how the value breaks it.
///
/// The message follows the name of the parameter: "must have 2 to 64 characters, has 1".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue(String);

impl InvalidValue {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidValue {}

/// Checks the number of characters and the characters. `alphabet` describes those that `allowed` accepts.
pub(crate) fn check_text(
    text: &str,
    length: RangeInclusive<usize>,
    alphabet: &str,
    allowed: impl Fn(char) -> bool,
) -> Result<(), InvalidValue> {
    let count = text.chars().count();
    if !length.contains(&count) {
        let (min, max) = (length.start(), length.end());
        let rule = if min == max { format!("exactly {min}") } else { format!("{min} to {max}") };
        return Err(InvalidValue(format!("must have {rule} characters, has {count}")));
    }
    match text.chars().find(|&c| !allowed(c)) {
        Some(bad) => Err(InvalidValue(format!("can hold {alphabet}, but not {bad:?}"))),
        None => Ok(()),
    }
}

/// Whether the character is one of those in most STS identifiers: `[\w+=,.@-]`.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

/// Whether the character is allowed in session tags: `[\p{L}\p{Z}\p{N}_.:/=+\-@]`.
pub(crate) fn is_tag_char(c: char) -> bool {
    c.is_alphabetic() || c.is_numeric() || "_.:/=+-@".contains(c) || (c.is_whitespace() && !c.is_control())
}

pub(crate) const TAG_ALPHABET: &str = "letters, digits, spaces and _.:/=+-@";

/// Defines a parameter that is a text with a limited length and alphabet.
macro_rules! string_newtype {
    ($(#[$doc:meta])* $name:ident, $length:expr, $alphabet:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Returns the text as it is sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                $crate::request::value::check_text(text, $length, $alphabet, $allowed)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use string_newtype;

/// Lets callers pass text where a parameter is expected.
macro_rules! try_from_text {
    ($($parameter:ty),+) => {$(
        impl TryFrom<&str> for $parameter {
            type Error = InvalidValue;

            fn try_from(text: &str) -> Result<Self, InvalidValue> {
                text.parse()
            }
        }

        impl TryFrom<String> for $parameter {
            type Error = InvalidValue;

            fn try_from(text: String) -> Result<Self, InvalidValue> {
                text.parse()
            }
        }
    )+};
}
pub(crate) use try_from_text;

/// Checks the length of a list.
pub(crate) fn check_count(max: usize, count: usize) -> Result<(), InvalidValue> {
    if count > max {
        return Err(InvalidValue::new(format!("takes at most {max}, has {count}")));
    }
    Ok(())
}
