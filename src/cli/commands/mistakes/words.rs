//! Explains a word that a command does not take.

use crate::cli::args::services::SERVICES;
use crate::cli::commands::mistakes::line::{CommandLine, is_role, quoted, refs};
use crate::cli::roles::needed::profile_names;

impl CommandLine {
    /// Returns what to do about a word that the command does not take.
    pub(super) fn unknown_word(&self, verb: &str, word: &str) -> String {
        let rest = refs(self.rest());
        let roles: Vec<&str> = rest.iter().copied().filter(|word| is_role(word)).collect();
        let place = self.words.iter().position(|other| other == word).unwrap_or(self.words.len());
        let typed: Vec<&str> = rest.iter().copied().filter(|word| !word.starts_with('-')).collect();
        let before = place.checked_sub(1).and_then(|before| self.words.get(before));
        if let Some(flag) = before.filter(|flag| flag.starts_with("--") && !self.takes_value(flag))
            && ["true", "false", "yes", "no", "on", "off", "1", "0"].contains(&word)
        {
            return format!("`{flag}` takes no value: {}", self.with(place..place + 1, &[]));
        }
        let joined = typed.join(" ");
        let profiles = profile_names();
        let meant = ["-", "_", "/", ".", ""].into_iter().map(|between| typed.join(between));
        let meant = meant.into_iter().find(|name| typed.len() > 1 && profiles.contains(name));
        let takes_one_role = ["assume", "exec", "console", "write", "explain"].contains(&verb);
        if let Some(meant) = meant.filter(|_| takes_one_role) {
            return format!("did you mean `arl {verb} {}`?", quoted(&[&meant]));
        }
        match verb {
            _ if takes_one_role && profiles.contains(&joined) => {
                format!("arl {verb} {}", quoted(&[&joined]))
            }
            _ if takes_one_role && is_account_and_name(&typed) => {
                format!("did you mean `arl {verb} {}`?", typed.join("/"))
            }
            _ if takes_one_role && is_role(word) => {
                let each = match (verb, self.behind_separator()) {
                    ("exec", Some(command)) => quoted(&refs(command)),
                    ("assume" | "exec", _) => "COMMAND".to_owned(),
                    _ => format!("arl {verb} …"),
                };
                format!("one role at a time; for several: arl each {} -- {each}", quoted(&roles))
            }
            "assume" => format!("to run a command as the role: {}", self.as_exec()),
            "console" if SERVICES.iter().any(|(name, ..)| *name == word) => {
                self.with(place..place + 1, &["--service", word])
            }
            "write" | "configure" => self.with(place..place + 1, &["--profile-name", word]),
            "list" => {
                format!("one pattern at a time: arl list {}", quoted(&[&format!("{}*", typed.join("*"))]))
            }
            "login" | "logout" => {
                let line = self.with(place..place + 1, &[]);
                format!("one sign-in at a time: {line}")
            }
            "status" | "clear" | "cache" => {
                let line = self.with(place..place + 1, &[]);
                match roles.as_slice() {
                    [role, ..] if verb == "status" => {
                        format!(
                            "`{line}` is about this shell; about that role: arl explain {}",
                            quoted(&[role])
                        )
                    }
                    _ => line,
                }
            }
            "arn" => format!("{} takes an account and a name: arl arn 123456789012 Deploy", self.command()),
            "keys" => self.with(place..place + 1, &[]),
            _ => format!("`{} --help` describes it", self.command()),
        }
    }

    /// Returns the command line with `--` where the command begins, if `exec` or `each` lack it.
    pub(super) fn missing_separator(&self, verb: &str, word: &str) -> Option<String> {
        if !["exec", "each"].contains(&verb) || self.behind_separator().is_some() {
            return None;
        }
        // For `-it`, clap names only one letter.
        let is_the_word = |other: &str| {
            other == word || (!word.starts_with("--") && word.starts_with('-') && other.starts_with(word))
        };
        let before = self.rest().iter().take_while(|other| !is_the_word(other));
        let is_behind_command = before.filter(|other| !other.starts_with('-') && !is_role(other)).count() > 0;
        (is_behind_command || !word.starts_with('-'))
            .then(|| format!("put -- before the command: {}", self.as_exec()))
    }
}

/// Whether these are an account and the name of a role, with a space in place of the slash.
fn is_account_and_name(words: &[&str]) -> bool {
    let [account, name] = words else { return false };
    account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && is_role(&format!("{account}/{name}"))
}
