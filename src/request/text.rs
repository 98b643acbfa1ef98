//! Request parameters that are plain texts with a length and an alphabet.
//!
//! Lengths and alphabets: the AssumeRole page of the STS API reference (model 2011-06-15). `\w` there is ASCII.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A value that STS would refuse: the rule and how the value breaks it.
///
/// The message goes on after the parameter's name: "must have 2 to 64 characters, has 1".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue(String);

impl InvalidValue {
    pub(crate) fn new(fault: impl Into<String>) -> Self {
        Self(fault.into())
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidValue {}

/// Checks length (in characters) and alphabet; `alphabet` says in words what `allowed` allows.
pub(crate) fn check(
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

/// The characters of most STS identifiers: `[\w+=,.@-]`.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, the characters of session tags.
pub(crate) fn is_tag_char(c: char) -> bool {
    c.is_alphabetic() || c.is_numeric() || "_.:/=+-@".contains(c) || (c.is_whitespace() && !c.is_control())
}

pub(crate) const TAG_ALPHABET: &str = "letters, digits, spaces and _.:/=+-@";

macro_rules! text_parameter {
    ($(#[$doc:meta])* $name:ident, $length:expr, $alphabet:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text as it is sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                check(text, $length, $alphabet, $allowed)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_parameter! {
    /// What a third party was given so that it cannot be tricked into using somebody else's role.
    ExternalId, 2..=1224, "letters, digits and _+=,.@:/-", |c| is_name_char(c) || c == ':' || c == '/'
}

text_parameter! {
    /// The MFA device: a hardware serial number or a virtual device's ARN.
    SerialNumber, 9..=256, "letters, digits and _+=/:,.@-", |c| is_name_char(c) || c == ':' || c == '/'
}

text_parameter! {
    /// Who is behind the session; STS keeps it through role chaining.
    SourceIdentity, 2..=64, "letters, digits and _+=,.@-", is_name_char
}

text_parameter! {
    /// The ARN of a managed policy that limits the session, or of a context provider.
    PolicyArn, 20..=2048, "printable characters", |c: char| !c.is_control()
}

/// The six digits of an MFA device. Single use, but never shown: whoever reads one first can use it.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenCode(crate::secret::Secret);

impl TokenCode {
    /// The six digits.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for TokenCode {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        // The general check would show a character of the code.
        if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidValue::new("must be the 6 digits that the MFA device shows"));
        }
        Ok(Self(crate::secret::Secret::new(text.to_owned())))
    }
}

impl fmt::Debug for TokenCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_inclusive() {
        assert!("ab".parse::<ExternalId>().is_ok());
        assert!("x".repeat(1224).parse::<ExternalId>().is_ok());
        let error = "a".parse::<ExternalId>().expect_err("too short").to_string();
        assert_eq!(error, "must have 2 to 1224 characters, has 1");
        let error = "a b".parse::<SourceIdentity>().expect_err("a blank").to_string();
        assert_eq!(error, "can hold letters, digits and _+=,.@-, but not ' '");
        assert!("x".repeat(65).parse::<SourceIdentity>().is_err());
        assert!("GAHT12345678".parse::<SerialNumber>().is_ok());
        assert!("12345678".parse::<SerialNumber>().is_err());
    }

    #[test]
    fn a_code_is_not_shown() {
        assert_eq!(format!("{:?}", "123456".parse::<TokenCode>()), "Ok(TokenCode(…))");
        let error = "12345x".parse::<TokenCode>().expect_err("a letter").to_string();
        assert!(!error.contains("12345"), "{error}");
    }
}
