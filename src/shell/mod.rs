//! The dialects of shells: how each sets, unsets, quotes and fails.

mod fish;
mod posix;

use std::fmt;
use std::str::FromStr;

use crate::identity::{Identity, Unprintable};

/// The syntax of a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// sh, dash, ksh, mksh, busybox and whatever else follows POSIX.
    Posix,
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 4] = [Self::Posix, Self::Bash, Self::Zsh, Self::Fish];

    /// The name that `--shell` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Posix => "posix",
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    /// The dialect of a shell's executable, for instance `/usr/bin/zsh-5.9`.
    pub fn of_executable(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next()?.trim_start_matches('-');
        let stem: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
        match stem.as_str() {
            "sh" | "ash" | "dash" | "ksh" | "mksh" | "busybox" | "yash" | "posh" => Some(Self::Posix),
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            _ => None,
        }
    }

    /// The text that makes a shell of this dialect take the identity over: first what must go, then what comes.
    ///
    /// # Errors
    /// A value holds a control character. No credentials do, but the name of a profile might.
    pub fn assume(self, identity: &Identity) -> Result<String, Unprintable> {
        let absent = identity.absent_variables();
        let variables = identity.variables();
        if let Some((name, _)) = variables.iter().find(|(_, value)| value.chars().any(char::is_control)) {
            return Err(Unprintable { name });
        }
        Ok(match self {
            Self::Posix | Self::Bash | Self::Zsh => posix::assume(&absent, &variables),
            Self::Fish => fish::assume(&absent, &variables),
        })
    }

    /// The statement that makes `eval` fail with this status, without which a failed call would look like a
    /// success with the old identity in place.
    pub fn failure(self, status: u8) -> String {
        match self {
            Self::Posix | Self::Bash | Self::Zsh => posix::failure(status),
            Self::Fish => fish::failure(status),
        }
    }

    /// The value as a word that this dialect reads back as the same value. Always quoted.
    pub fn quote(self, value: &str) -> String {
        match self {
            Self::Posix | Self::Bash | Self::Zsh => posix::quote(value),
            Self::Fish => fish::quote(value),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No dialect has that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDialect(String);

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
        write!(f, "there is no dialect `{}`; there are {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownDialect {}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.name() == text)
            .or_else(|| Self::of_executable(text))
            .ok_or_else(|| UnknownDialect(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_known_by_its_executable() {
        for (path, dialect) in [
            ("/bin/bash", Some(Dialect::Bash)),
            ("-zsh", Some(Dialect::Zsh)),
            ("/usr/bin/ksh93", Some(Dialect::Posix)),
            ("/opt/bash-5.3", Some(Dialect::Bash)),
            ("fish", Some(Dialect::Fish)),
            ("/usr/bin/python3", None),
            ("", None),
        ] {
            assert_eq!(Dialect::of_executable(path), dialect, "{path}");
        }
    }
}
