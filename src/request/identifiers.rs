//! Request parameters that are plain text: external ID, MFA device and code, source identity, policy ARN. The
//! limits are those of the AssumeRole page of the STS API reference.

use std::fmt;
use std::str::FromStr;

use super::value::string_newtype;
use crate::arn::session::is_name_char;
use crate::error::{Error, try_from_text};
use crate::secret::Secret;

string_newtype! {
    /// The external ID, which protects a third party from assuming the role of the wrong customer: 2 to 1,224
    /// letters, digits and `_+=,.@:/-`.
    ExternalId, 2..=1224, "letters, digits and _+=,.@:/-", |c| is_name_char(c) || c == ':' || c == '/'
}

string_newtype! {
    /// The MFA device: the serial number of a hardware device or the ARN of a virtual one, with 9 to 256
    /// characters.
    SerialNumber, 9..=256, "letters, digits and _+=/:,.@-", |c| is_name_char(c) || c == ':' || c == '/'
}

string_newtype! {
    /// The source identity: the person or program that the session acts for, with 2 to 64 letters, digits and
    /// `_+=,.@-`. STS passes it on through role chaining.
    SourceIdentity, 2..=64, "letters, digits and _+=,.@-", is_name_char
}

string_newtype! {
    /// The ARN of a managed policy that limits the session, or of a context provider: 20 to 2,048 characters.
    PolicyArn, 20..=2048, "printable characters", |c: char| !c.is_control()
}

/// The six digits that an MFA device shows. A code works once. arl hides it in output anyway, because
/// another program could use it first.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenCode(Secret);

impl TokenCode {
    /// Returns the six digits.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for TokenCode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // `check_text` is not used, because its error would quote a character of the code.
        if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::invalid("must be the 6 digits that the MFA device shows"));
        }
        Ok(Self(Secret::new(text.to_owned())))
    }
}

impl fmt::Debug for TokenCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCode(…)")
    }
}

try_from_text!(ExternalId, SerialNumber, SourceIdentity, PolicyArn, TokenCode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_limits_are_inclusive() {
        assert!("ab".parse::<ExternalId>().is_ok());
        assert!("x".repeat(1224).parse::<ExternalId>().is_ok());
        let error = "a".parse::<ExternalId>().expect_err("too short").to_string();
        assert_eq!(error, "must have 2 to 1224 characters, not 1");
        let error = "a b".parse::<SourceIdentity>().expect_err("a blank").to_string();
        assert_eq!(error, "can contain letters, digits and _+=,.@-, but not ' '");
        assert!("x".repeat(65).parse::<SourceIdentity>().is_err());
        assert!("GAHT12345678".parse::<SerialNumber>().is_ok());
        assert!("12345678".parse::<SerialNumber>().is_err());
    }

    #[test]
    fn token_codes_are_redacted() {
        assert_eq!(format!("{:?}", "123456".parse::<TokenCode>()), "Ok(TokenCode(…))");
        let error = "12345x".parse::<TokenCode>().expect_err("a letter").to_string();
        assert!(!error.contains("12345"), "{error}");
    }
}
