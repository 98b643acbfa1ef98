//! Statements for each shell: how it sets, unsets, quotes, restores and fails.

mod cmd;
mod elvish;
mod fish;
mod nushell;
mod posix;
mod powershell;
mod simple;
mod snapshot;
mod tcsh;
mod xonsh;

use std::fmt;
use std::str::FromStr;

pub use snapshot::{Before, Held, Memory};

use crate::export::identity::{Identity, SET_VARIABLES, Unprintable};

/// A shell dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// sh, dash, ksh, mksh, busybox and other POSIX shells.
    Posix,
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
    /// tcsh.
    Tcsh,
    /// nushell: JSON for `load-env` and `hide-env`.
    Nushell,
    /// elvish.
    Elvish,
    /// xonsh.
    Xonsh,
    /// PowerShell.
    PowerShell,
    /// cmd.exe.
    Cmd,
}

/// An identity to export to a shell.
#[derive(Debug)]
pub struct Handover<'a> {
    /// The new identity.
    pub identity: &'a Identity,
    /// What the shell saves of its previous variables.
    pub memory: Memory,
    /// The arguments of `arl` that get the same identity again. The shell saves them.
    pub refresh: Vec<String>,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 10] = [
        Self::Posix,
        Self::Bash,
        Self::Zsh,
        Self::Fish,
        Self::Tcsh,
        Self::Nushell,
        Self::Elvish,
        Self::Xonsh,
        Self::PowerShell,
        Self::Cmd,
    ];

    /// Returns the name that `--shell` accepts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Posix => "posix",
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Tcsh => "tcsh",
            Self::Nushell => "nushell",
            Self::Elvish => "elvish",
            Self::Xonsh => "xonsh",
            Self::PowerShell => "powershell",
            Self::Cmd => "cmd",
        }
    }

    /// Returns the dialect of a shell executable, for instance `/usr/bin/zsh-5.9`.
    pub fn of_executable(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next()?.trim_start_matches('-');
        let stem: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
        match stem.as_str() {
            "sh" | "ash" | "dash" | "ksh" | "mksh" | "busybox" | "yash" | "posh" => Some(Self::Posix),
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            "csh" | "tcsh" => Some(Self::Tcsh),
            "nu" | "nushell" => Some(Self::Nushell),
            "elvish" => Some(Self::Elvish),
            "xonsh" => Some(Self::Xonsh),
            "pwsh" | "powershell" => Some(Self::PowerShell),
            _ => None,
        }
    }

    /// Returns the statements that give a shell the identity: they save the previous variables, unset
    /// variables, and set variables. The result is bytes, because previous values may be any bytes.
    ///
    /// nushell, elvish, xonsh, PowerShell and cmd save nothing here. The hooks of the first four do it by
    /// their own means.
    ///
    /// # Errors
    /// The dialect cannot express a value. That never concerns credentials, but possibly the name of a
    /// profile, or, in tcsh, a previous value.
    pub fn assume(self, handover: &Handover<'_>) -> Result<Vec<u8>, Unprintable> {
        let Handover { identity, memory, refresh } = handover;
        let absent = identity.absent_variables();
        let variables = identity.variables();
        let can_hold = |value: &str| {
            !value.chars().any(char::is_control)
                && self.syntax().is_none_or(|syntax| (syntax.can_hold)(value))
        };
        if let Some((name, _)) = variables.iter().find(|(_, value)| !can_hold(value)) {
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
                fish::refuse_universal(&mut text);
                fish::remember(&mut text, memory, region, refresh);
                fish::assume(&mut text, &absent, &variables);
            }
            Self::Tcsh => {
                if !tcsh::can_remember(memory) {
                    return Err(Unprintable { name: "a variable that stands there now" });
                }
                let mut line = String::new();
                tcsh::remember(&mut line, memory, region);
                tcsh::assume(&mut line, &absent, &variables);
                text = line.into_bytes();
            }
            Self::Nushell => text = nushell::assume(&absent, &variables).into_bytes(),
            Self::Elvish | Self::Xonsh | Self::PowerShell | Self::Cmd => {
                let lines = self.syntax().map(|syntax| syntax.assume(&absent, &variables));
                text = lines.unwrap_or_default().into_bytes();
            }
        }
        Ok(text)
    }

    /// Returns the statements that remove arl's identity and restore the previous variables. `left` names the
    /// variables of an old role that remain beside other keys.
    pub fn clear(self, held: Held, left: &[&'static str]) -> String {
        let own = [&ARL_VARIABLES, left].concat();
        match self {
            Self::Posix | Self::Bash | Self::Zsh => posix::clear(held, &own),
            Self::Fish => fish::clear(held, &own),
            Self::Tcsh => tcsh::clear(held, &own),
            Self::Nushell | Self::Elvish | Self::Xonsh | Self::PowerShell | Self::Cmd => match held {
                Held::Role { .. } => self.unset(),
                Held::Nothing { .. } | Held::ForeignKeys { .. } => self.unset_all(&own),
            },
        }
    }

    /// Returns the statements that only unset the leftovers of a role whose keys are gone.
    pub fn tidy(self, left: &[&'static str]) -> String {
        self.unset_all(&[&ARL_VARIABLES, left].concat())
    }

    /// Returns the statements that unset the identity variables that arl sets, and keep the saved variables
    /// for later.
    pub fn unset(self) -> String {
        self.unset_all(&SET_VARIABLES)
    }

    fn unset_all(self, names: &[&'static str]) -> String {
        match self {
            Self::Posix | Self::Bash | Self::Zsh => posix::unset(names),
            Self::Fish => fish::unset(names),
            Self::Tcsh => tcsh::unset(names) + "\n",
            Self::Nushell => nushell::assume(names, &[]),
            Self::Elvish | Self::Xonsh | Self::PowerShell | Self::Cmd => {
                self.syntax().map(|syntax| syntax.unset(names).concat()).unwrap_or_default()
            }
        }
    }

    /// Returns the statement that makes `eval` fail with this status. Without it, a failed call would look
    /// successful, with the old identity in place. For nushell it is invalid JSON, so that `from json` fails.
    pub fn failure(self, status: u8) -> String {
        match self {
            Self::Posix | Self::Bash | Self::Zsh => posix::failure(status),
            Self::Fish => fish::failure(status),
            Self::Tcsh => tcsh::failure(status),
            Self::Nushell => format!("arl failed with status {status}\n"),
            Self::Elvish | Self::Xonsh | Self::PowerShell | Self::Cmd => {
                self.syntax().map(|syntax| (syntax.failure)(status)).unwrap_or_default()
            }
        }
    }

    /// Returns the value as one quoted word.
    pub fn quote(self, value: &str) -> String {
        match self {
            Self::Posix | Self::Bash | Self::Zsh => posix::quote(value),
            Self::Fish => fish::quote(value),
            Self::Tcsh => tcsh::quote(value),
            Self::Nushell => nushell::quote(value),
            Self::Elvish | Self::Xonsh | Self::PowerShell | Self::Cmd => {
                self.syntax().map(|syntax| (syntax.quote)(value)).unwrap_or_default()
            }
        }
    }

    fn syntax(self) -> Option<&'static simple::Syntax> {
        match self {
            Self::Elvish => Some(&elvish::SYNTAX),
            Self::Xonsh => Some(&xonsh::SYNTAX),
            Self::PowerShell => Some(&powershell::SYNTAX),
            Self::Cmd => Some(&cmd::SYNTAX),
            _ => None,
        }
    }
}

/// The identity variables that belong to arl.
const ARL_VARIABLES: [&str; 4] = ["ARL_ROLE_ARN", "ARL_EXPIRES_AT", "ARL_KEY_ID", "ARL_SOURCE"];

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The error for an unknown dialect.
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
