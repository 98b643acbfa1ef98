//! The checks of length and characters that the request parameters share, and the macro for text types.
//!
//! The lengths and characters are those of the AssumeRole page of the STS API reference (model 2011-06-15),
//! where `\w` is ASCII.

use std::ops::RangeInclusive;

use crate::error::Error;

/// Checks the number of characters and the characters. `alphabet` describes those that `allowed` accepts.
pub(crate) fn check_text(
    text: &str,
    length: RangeInclusive<usize>,
    alphabet: &str,
    allowed: impl Fn(char) -> bool,
) -> Result<(), Error> {
    let count = text.chars().count();
    if !length.contains(&count) {
        let (min, max) = (length.start(), length.end());
        let rule = if min == max { format!("exactly {min}") } else { format!("{min} to {max}") };
        return Err(Error::invalid(format!("must have {rule} characters, not {count}")));
    }
    match text.chars().find(|&c| !allowed(c)) {
        Some(bad) => Err(Error::invalid(format!("can contain {alphabet}, but not {bad:?}"))),
        None => Ok(()),
    }
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
            type Err = $crate::error::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
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

/// Checks the length of a list.
pub(crate) fn check_count(max: usize, count: usize) -> Result<(), Error> {
    if count > max {
        return Err(Error::invalid(format!("accepts at most {max}, not {count}")));
    }
    Ok(())
}
