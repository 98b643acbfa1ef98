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

pub use snapshot::{EnvSnapshot, RestorePoint, ShellState};

use crate::export::identity::{
    ASSUMED_VARIABLES, Identity, REGION_VARIABLES, RegionChange, UnsupportedValue,
};

/// A shell dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shell {
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
pub struct ShellUpdate<'a> {
    /// The new identity.
    pub identity: &'a Identity,
    /// The previous variables, which the shell saves.
    pub restore_point: RestorePoint,
    /// The arguments of `arl` that get the same identity again. The shell saves them.
    pub refresh: Vec<String>,
    /// The roles that the shell remembers for `arl assume -`.
    pub memory: RoleMemory,
}

/// The roles that a shell remembers, as the arguments of `arl` that assume them.
#[derive(Debug, Default)]
pub struct RoleMemory {
    /// The arguments that get the new identity again. Empty if no arguments can.
    pub words: Vec<String>,
    /// Whether the shell's variables with the earlier roles came from the environment.
    pub is_untrusted: bool,
    /// Whether the shell function evaluates the statements. Only then do those for nushell, elvish, xonsh and
    /// PowerShell pass on the arguments, in variables that the function reads.
    pub is_for_function: bool,
}

impl Shell {
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
    pub fn from_executable(path: &str) -> Option<Self> {
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
    /// nushell, elvish, xonsh, PowerShell and cmd save nothing here. The hooks of the first four save the
    /// variables themselves.
    ///
    /// # Errors
    /// The dialect cannot express a value: the name of a profile, or, in tcsh, a previous value. Every
    /// dialect can express credentials.
    pub fn assume(self, update: &ShellUpdate<'_>) -> Result<Vec<u8>, UnsupportedValue> {
        let ShellUpdate { identity, restore_point, refresh, memory } = update;
        let mut to_unset = identity.variables_to_unset();
        let variables = identity.variables();
        let accepts = |value: &str| {
            !value.chars().any(char::is_control) && self.syntax().is_none_or(|syntax| (syntax.accepts)(value))
        };
        if let Some((name, _)) = variables.iter().find(|(_, value)| !accepts(value)) {
            return Err(UnsupportedValue { name });
        }
        let region = &identity.region;
        let mut text = Vec::new();
        if self.remembers_region() && matches!(restore_point, RestorePoint::Existing(_)) {
            // The statements that save the restore point unset these themselves, where the user had none.
            to_unset.retain(|name| !REGION_VARIABLES.contains(name));
        }
        match self {
            Self::Posix | Self::Bash | Self::Zsh => {
                posix::guard_readonly(&mut text, self.keywords(), *region != RegionChange::Keep, |text| {
                    posix::save_restore_point(text, restore_point, region, refresh, memory);
                    posix::assume(text, &to_unset, &variables, self != Self::Posix);
                });
            }
            Self::Fish => {
                fish::guard_universal(&mut text);
                fish::save_restore_point(&mut text, restore_point, region, refresh, memory);
                fish::assume(&mut text, &to_unset, &variables);
            }
            Self::Tcsh => {
                if !tcsh::can_save(restore_point) {
                    return Err(UnsupportedValue { name: "an identity variable in the environment" });
                }
                let mut line = String::new();
                tcsh::save_restore_point(&mut line, restore_point, region);
                tcsh::assume(&mut line, &to_unset, &variables);
                text = without_separator(line).into_bytes();
            }
            Self::Nushell => {
                let arguments = if memory.is_for_function { self.arguments(update) } else { Vec::new() };
                text = nushell::assume(&to_unset, &variables, &arguments).into_bytes();
            }
            Self::Elvish | Self::Xonsh | Self::PowerShell | Self::Cmd => {
                if let Some(syntax) = self.syntax() {
                    text = syntax.assume(&to_unset, &variables).into_bytes();
                    if let Some(list) = syntax.list.filter(|_| memory.is_for_function) {
                        let lists = self.arguments(update).into_iter();
                        text.extend(lists.flat_map(|(name, words)| (list(name, words) + "\n").into_bytes()));
                    }
                }
            }
        }
        Ok(text)
    }

    /// Whether the dialect can hand the arguments of a role to the shell function, which keeps them.
    pub fn has_argument_lists(self) -> bool {
        self == Self::Nushell || self.syntax().is_some_and(|syntax| syntax.list.is_some())
    }

    /// Returns the arguments of a role under the names by which the shell function finds them: those that
    /// renew it, and those for `arl assume -`.
    fn arguments<'a>(self, update: &'a ShellUpdate<'_>) -> Vec<(&'static str, &'a [String])> {
        vec![("arl_refresh", &update.refresh), ("arl_last", &update.memory.words)]
    }

    /// Returns the statements that remove arl's identity and restore the previous variables. `leftovers`
    /// names the variables of an old role that remain beside other keys, and the region variables that hold
    /// the role's region.
    pub fn clear(self, state: ShellState, leftovers: &[&'static str]) -> String {
        let names = self.checked(&[&ARL_VARIABLES, leftovers].concat());
        match self {
            Self::Posix | Self::Bash | Self::Zsh => posix::clear(state, &names),
            Self::Fish => fish::clear(state, &names),
            Self::Tcsh => without_separator(tcsh::clear(state, &names)),
            Self::Nushell | Self::Elvish | Self::Xonsh | Self::PowerShell | Self::Cmd => match state {
                ShellState::Role { .. } => self.unset(state, leftovers),
                ShellState::NoKeys { .. } | ShellState::OtherKeys { .. } => self.unset_all(&names),
            },
        }
    }

    /// Returns the statements that only unset the leftovers of a role whose keys are gone.
    pub fn remove_leftovers(self, state: ShellState, leftovers: &[&'static str]) -> String {
        self.expire(state, &[&ARL_VARIABLES, leftovers].concat())
    }

    /// Returns the statements that unset the identity variables that arl sets, and keep the saved variables
    /// for later. `leftovers` is as in [`Shell::clear`].
    pub fn unset(self, state: ShellState, leftovers: &[&'static str]) -> String {
        self.expire(state, &[&ASSUMED_VARIABLES, leftovers].concat())
    }

    fn expire(self, state: ShellState, names: &[&'static str]) -> String {
        match self {
            Self::Posix | Self::Bash | Self::Zsh => {
                without_separator(posix::expire(state, &self.checked(names)))
            }
            Self::Fish => fish::expire(state, &self.checked(names)),
            Self::Tcsh => without_separator(tcsh::expire(&self.checked(names))),
            _ => self.unset_all(names),
        }
    }

    /// Removes the region variables from the list for dialects whose statements check by themselves whether
    /// the region is the role's.
    fn checked(self, names: &[&'static str]) -> Vec<&'static str> {
        let mut names = names.to_vec();
        names.retain(|name| !self.remembers_region() || !REGION_VARIABLES.contains(name));
        names
    }

    fn unset_all(self, names: &[&'static str]) -> String {
        match self.syntax() {
            Some(syntax) => syntax.unset(names).concat(),
            None => nushell::assume(names, &[], &[]),
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

    /// Whether the dialect keeps the region from before the role in `__arl_region`.
    fn remembers_region(self) -> bool {
        matches!(self, Self::Posix | Self::Bash | Self::Zsh | Self::Fish | Self::Tcsh)
    }

    fn keywords(self) -> posix::Keywords {
        match self {
            Self::Bash => posix::Keywords::SwitchOff,
            Self::Posix => posix::Keywords::Refuse,
            _ => posix::Keywords::Ignore,
        }
    }

    fn syntax(self) -> Option<&'static simple::SimpleSyntax> {
        match self {
            Self::Elvish => Some(&elvish::SYNTAX),
            Self::Xonsh => Some(&xonsh::SYNTAX),
            Self::PowerShell => Some(&powershell::SYNTAX),
            Self::Cmd => Some(&cmd::SYNTAX),
            _ => None,
        }
    }
}

/// Ends the statements with a newline instead of a semicolon, so that the caller can append a semicolon.
fn without_separator(statements: String) -> String {
    format!("{}\n", statements.trim_end().trim_end_matches(';'))
}

/// The identity variables that belong to arl.
const ARL_VARIABLES: [&str; 7] = [
    "ARL_ROLE",
    "ARL_ROLE_ARN",
    "ARL_EXPIRES_AT",
    "ARL_KEY_ID",
    "ARL_SOURCE",
    "ARL_REGION",
    "ARL_USER_REGION",
];

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The error for an unknown dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownShell(String);

impl fmt::Display for UnknownShell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Shell::ALL.iter().map(|shell| shell.name()).collect();
        write!(f, "unknown shell `{}`; arl knows {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownShell {}

impl FromStr for Shell {
    type Err = UnknownShell;

    fn from_str(text: &str) -> Result<Self, UnknownShell> {
        Self::ALL
            .into_iter()
            .find(|shell| shell.name() == text)
            .or_else(|| Self::from_executable(text))
            .ok_or_else(|| UnknownShell(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_are_detected_from_executable_names() {
        for (path, shell) in [
            ("/bin/bash", Some(Shell::Bash)),
            ("-zsh", Some(Shell::Zsh)),
            ("/usr/bin/ksh93", Some(Shell::Posix)),
            ("/opt/bash-5.3", Some(Shell::Bash)),
            ("fish", Some(Shell::Fish)),
            ("/usr/bin/python3", None),
            ("", None),
        ] {
            assert_eq!(Shell::from_executable(path), shell, "{path}");
        }
    }
}
