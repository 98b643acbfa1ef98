//! The names of stored keys and of key stores.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// The longest name of a stored key, and of a store, in characters.
const MAX_NAME: usize = 64;

/// The name under which keys are stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // The name becomes a part of a URL, of a path and of a line in the shared config file.
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_.@+-".contains(&b);
        let begins_well = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        match text.as_bytes() {
            [] => Err(Error::invalid("must not be empty")),
            bytes if bytes.len() > MAX_NAME => {
                Err(Error::invalid(format!("must have at most {MAX_NAME} characters, not {}", bytes.len())))
            }
            [first, rest @ ..] if begins_well(*first) && rest.iter().all(|&b| fits(b)) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Error::invalid(
                "can contain letters, digits and _.@+-, and must begin with a letter, a digit or _",
            )),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a key store: what follows `docker-credential-` in the name of its helper program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreName(String);

impl StoreName {
    /// The stores that are tried if none was chosen, in this order.
    pub const KNOWN: [&str; 3] = ["osxkeychain", "secretservice", "pass"];

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the helper program.
    pub fn program(&self) -> String {
        format!("docker-credential-{}", self.0)
    }
}

impl FromStr for StoreName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // arl searches PATH for the program, so its name must not contain a path.
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
        if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(fits) {
            return Err(Error::invalid(format!(
                "must be the name of a docker-credential helper, such as {}",
                Self::KNOWN.join(", ")
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_url_a_path_or_a_flag_could_misread_are_refused() {
        for name in ["dev", "a.b", "ann@corp", "_x", "0", "a+b-c", &"x".repeat(64)] {
            assert!(name.parse::<KeyName>().is_ok(), "{name}");
        }
        for name in
            ["", ".", "..", "-x", "a/b", "a b", "a:b", "a%2f", "a?b", "a#b", "é", "a\nb", &"x".repeat(65)]
        {
            assert!(name.parse::<KeyName>().is_err(), "{name}");
        }
        for store in ["", "../x", "a b", "a/b", "a\u{1b}"] {
            assert!(store.parse::<StoreName>().is_err(), "{store}");
        }
    }
}
