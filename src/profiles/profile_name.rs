//! Profile names that every program understands.

use std::fmt;
use std::str::FromStr;

/// A profile name that every reader of the shared files understands and that cannot begin another section.
///
/// Source: "Format of the configuration files", AWS SDKs and Tools Reference Guide: letters, digits and `_ -
/// / . % @ : +`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileName(String);

impl ProfileName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The error for a text that cannot be a profile name: the rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidProfileName(&'static str);

impl fmt::Display for InvalidProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidProfileName {}

impl FromStr for ProfileName {
    type Err = InvalidProfileName;

    fn from_str(text: &str) -> Result<Self, InvalidProfileName> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_-/.%@:+".contains(&b);
        match text {
            "" => Err(InvalidProfileName("must not be empty")),
            "DEFAULT" => Err(InvalidProfileName(
                "must not be DEFAULT, because botocore applies its keys to every profile",
            )),
            _ if text.len() > 256 => Err(InvalidProfileName("must have at most 256 characters")),
            _ if !text.bytes().all(fits) => Err(InvalidProfileName(
                "can contain only letters, digits and _-/.%@:+, which all SDKs accept",
            )),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
