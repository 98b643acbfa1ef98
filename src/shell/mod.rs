//! The dialects of shells: how each sets, unsets, quotes, restores and fails.

mod before;
mod fish;
mod posix;

use std::fmt;
use std::str::FromStr;

pub use before::Before;

use crate::identity::{IDENTITY_VARIABLES, Identity, Unprintable};

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

/// An identity on its way into a shell.
#[derive(Debug)]
pub struct Handover<'a> {
    /// Who the shell becomes.
    pub identity: &'a Identity,
    /// What the shell is to remember of the time before.
    pub memory: Memory,
    /// The command line that gets the same identity again, for the shell to keep: arguments of `arl`.
    pub refresh: Vec<String>,
}

/// What a shell remembers of the time before it became a role.
#[derive(Debug)]
pub enum Memory {
    /// Nothing yet: this is what stands there now.
    New(Before),
    /// It holds a role already and remembers what was before that. Only a change of region is new.
    Kept(Before),
    /// It holds a role, and the memory came through the environment, so it may be anybody's.
    Foreign,
}

/// What a shell that gives an identity up is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It holds a role of arl's. What it remembers of the time before may be put back.
    Role {
        /// The memory came through the environment, so it may be anybody's: unset only.
        is_foreign_memory: bool,
    },
    /// It holds no keys; a role may have expired before, and the memory may still be there.
    Nothing,
    /// It holds keys that are not arl's.
    ForeignKeys,
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

    /// The text that makes a shell of this dialect take the identity over: first the memory of what was
    /// there, then what must go, then what comes. Bytes, because the memory may hold any.
    ///
    /// # Errors
    /// A value holds a control character. No credentials do, but the name of a profile might.
    pub fn assume(self, handover: &Handover<'_>) -> Result<Vec<u8>, Unprintable> {
        let Handover { identity, memory, refresh } = handover;
        let absent = identity.absent_variables();
        let variables = identity.variables();
        if let Some((name, _)) = variables.iter().find(|(_, value)| value.chars().any(char::is_control)) {
            return Err(Unprintable { name });
        }
        let region = identity.region.as_deref();
        let mut text = Vec::new();
        match self {
            Self::Posix | Self::Bash | Self::Zsh => {
                posix::refuse_readonly(&mut text, region.is_some(), |text| {
                    posix::remember(text, memory, region, refresh);
                    posix::assume(text, &absent, &variables);
                });
            }
            Self::Fish => {
                fish::refuse_universal(&mut text, &absent);
                fish::remember(&mut text, memory, region, refresh);
                fish::assume(&mut text, &absent, &variables);
            }
        }
        Ok(text)
    }

    /// The text that makes a shell give arl's identity up and have back what it had before.
    pub fn clear(self, held: Held) -> String {
        match self {
            Self::Posix | Self::Bash | Self::Zsh => posix::clear(held),
            Self::Fish => fish::clear(held),
        }
    }

    /// The text that unsets every identity variable, and leaves the memory for later.
    pub fn unset(self) -> String {
        match self {
            Self::Posix | Self::Bash | Self::Zsh => posix::unset(&IDENTITY_VARIABLES),
            Self::Fish => fish::unset(&IDENTITY_VARIABLES),
        }
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
