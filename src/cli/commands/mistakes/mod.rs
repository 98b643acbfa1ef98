//! Explains a command line that clap refuses: what is wrong, and which command the user probably meant.

mod flags;
mod line;
mod other_tools;

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::args::services::SERVICES;
use crate::cli::commands::Cli;
pub(crate) use crate::cli::commands::mistakes::line::is_role;
use crate::cli::commands::mistakes::line::{CommandLine, quoted, refs};
use crate::cli::commands::mistakes::other_tools::{
    line_of_other_tools, subcommand_of_other_tools, verb_of_other_tools,
};
use crate::cli::roles::needed::{profile_names, role_needed};
use crate::cli::ui::error::CliError;

/// Returns the error to show instead of clap's, with commands that the user can paste.
pub(crate) fn explain(error: &clap::Error, args: &[OsString]) -> CliError {
    let line = CommandLine::new(args);
    let subject = one(error, ContextKind::InvalidArg);
    let value = one(error, ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::InvalidSubcommand => line.unknown_verb(error),
        ErrorKind::UnknownArgument => line.unknown_argument(&subject, error),
        ErrorKind::MissingRequiredArgument => line.missing_argument(&many(error, ContextKind::InvalidArg)),
        ErrorKind::MissingSubcommand => {
            CliError::usage("there is no command").hint("`arl --help` lists the commands; `arl --version`")
        }
        ErrorKind::ArgumentConflict => {
            let others = many(error, ContextKind::PriorArg);
            let others: Vec<String> = others.iter().map(|other| format!("`{}`", flag_name(other))).collect();
            let others = if others.is_empty() { "itself".to_owned() } else { others.join(" and ") };
            let subject = flag_name(&subject);
            CliError::usage(format!("`{subject}` and {others} cannot be used together"))
                .hint(format!("leave `{subject}` out, or {others}"))
        }
        ErrorKind::TooManyValues => {
            let flag = flag_name(&subject);
            let refused = CliError::usage(format!("`{flag}` takes no value"));
            match line.place_of(flag) {
                Some(place) => refused.hint(line.with(place..place + 1, &[flag])),
                None => refused,
            }
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            CliError::usage(format!("`{}` needs a value", flag_name(&subject)))
                .hint(format!("{subject}; `{} --help` tells what it takes", line.command()))
        }
        ErrorKind::InvalidValue => {
            let valid = many(error, ContextKind::ValidValue);
            let refused = CliError::usage(format!(
                "`{}` must be {}, not `{value}`",
                flag_name(&subject),
                choice(&valid)
            ));
            match one(error, ContextKind::SuggestedValue) {
                similar if similar.is_empty() => refused,
                similar => refused.hint(format!("did you mean `{similar}`?")),
            }
        }
        ErrorKind::ValueValidation => {
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            let refused = CliError::usage(format!("`{}` does not take `{value}`", flag_name(&subject)));
            refused.caused_by(plain_cause(&cause))
        }
        ErrorKind::InvalidUtf8 => CliError::usage("an argument is not UTF-8 text"),
        _ => CliError::usage(first_line(error)),
    }
}

/// Returns the command line with `--` where the command begins.
pub(crate) fn with_separator(args: &[OsString]) -> String {
    CommandLine::new(args).as_exec()
}

impl CommandLine {
    fn unknown_verb(&self, error: &clap::Error) -> CliError {
        let word = one(error, ContextKind::InvalidSubcommand);
        let refused = CliError::usage(format!("`{}` has no command `{word}`", self.command()));
        let place = self.words.iter().position(|other| *other == word).unwrap_or(self.words.len());
        let instead = |command: &str| self.with(place..(place + 1).min(self.words.len()), &[command]);
        let similar = one(error, ContextKind::SuggestedSubcommand);
        if self.words.get(self.verb_place()).is_some_and(|verb| verb == "help") {
            return refused.hint(help_of(&word, self));
        }
        if let Some(verb) = &self.verb {
            return match subcommand_of_other_tools(verb, &word) {
                Some(command) => {
                    let needs_name = verb == "keys" && command != "list" && place + 1 == self.words.len();
                    refused.hint(format!("{}{}", instead(command), if needs_name { " NAME" } else { "" }))
                }
                None if similar.is_empty() => {
                    refused.hint(format!("`{} --help` lists the commands", self.command()))
                }
                None => refused.hint(format!("did you mean `{}`?", instead(&similar))),
            };
        }
        if is_role(&word) {
            return refused.hint(format!("that is a role; to become it: {}", self.with_role_first(&word)));
        }
        if word == "/?" {
            return refused.hint("arl --help");
        }
        let has_command = |verb: &str| Cli::command().find_subcommand(verb).is_some();
        let lower = word.to_lowercase();
        let words: Vec<&str> = word.split_whitespace().collect();
        if has_command(&lower) {
            return refused.hint(format!("did you mean `{}`?", instead(&lower)));
        }
        if words.first().is_some_and(|first| has_command(first)) {
            let line = self.with(place..place + 1, &words);
            return refused.hint(format!("that is one word; as several: {line}"));
        }
        if let Some(hint) = verb_of_other_tools(&lower, self) {
            return refused.hint(hint);
        }
        if similar.is_empty() {
            refused.hint("`arl --help` lists the commands, `arl list` the roles")
        } else {
            refused.hint(format!("did you mean `{}`?", instead(&similar)))
        }
    }

    /// Returns the line that uses the role that the user typed in the verb's place.
    fn with_role_first(&self, role: &str) -> String {
        if let Some(command) = self.behind_separator() {
            return format!("arl exec {} -- {}", quoted(&[role]), quoted(&refs(command)));
        }
        let rest = self.rest();
        let verb = rest.iter().position(|word| Cli::command().find_subcommand(word).is_some());
        let others = rest.iter().enumerate().filter(|(at, _)| Some(*at) != verb);
        let others: Vec<&str> = others.map(|(_, word)| word.as_str()).collect();
        let verb = verb.map_or("assume", |at| rest[at].as_str());
        format!("arl {verb} {}", quoted(&[&[role], &others[..]].concat()))
    }

    fn unknown_argument(&self, word: &str, error: &clap::Error) -> CliError {
        let Some(verb) = &self.verb else { return self.argument_before_the_verb(word) };
        let command = self.command();
        let refused = if word.starts_with('-') {
            CliError::usage(format!("`{command}` has no flag `{word}`"))
        } else {
            CliError::usage(format!("`{command}` has no use for `{word}`"))
        };
        let separator = self.separator();
        if separator < self.words.len() && !["exec", "each"].contains(&verb.as_str()) {
            if verb == "assume" && separator + 1 < self.words.len() {
                return refused.hint(format!("to run a command as the role: {}", self.as_exec()));
            }
            let line = self.with(separator..separator + 1, &[]);
            return refused.hint(format!("only `arl exec` and `arl each` have use for --; without: {line}"));
        }
        if let Some(line) = flags::in_another_form(self) {
            return refused.hint(format!("did you mean `{line}`?"));
        }
        if let Some(hint) = self.missing_separator(verb, word) {
            return CliError::usage(format!("`{command}` has no use for `{word}`")).hint(hint);
        }
        if word.starts_with('-') {
            return refused.hint(self.unknown_flag(word, &many(error, ContextKind::SuggestedArg)));
        }
        refused.hint(self.unknown_word(verb, word))
    }

    fn argument_before_the_verb(&self, word: &str) -> CliError {
        let refused = CliError::usage(format!("`{word}` stands before the subcommand"));
        let value = self.words.iter().skip_while(|other| *other != word).nth(1);
        let profile =
            value.filter(|value| !value.starts_with('-')).map_or("ROLE".into(), |value| quoted(&[value]));
        match word {
            "--profile" | "-p" => {
                refused.hint(self.after_the_verb(word).unwrap_or_else(|| format!("arl assume {profile}")))
            }
            "-?" => refused.hint("arl --help"),
            _ => refused.hint(line_of_other_tools(word, self).unwrap_or_else(|| {
                "the command comes first: arl assume ROLE; `arl --help` lists the commands".to_owned()
            })),
        }
    }

    /// Returns what to write in place of a flag that the command does not have.
    fn unknown_flag(&self, flag: &str, suggested: &[String]) -> String {
        if let Some(line) = line_of_other_tools(flag, self) {
            return line;
        }
        let similar = flags::similar(self, flag);
        // clap also suggests flags that have little in common, so take its suggestion only if `similar` has
        // it too.
        let known = suggested.iter().map(|flag| flag_name(flag).trim_start_matches('-'));
        let best = known.filter(|flag| similar.iter().any(|name| name == flag)).map(str::to_owned).next();
        match best.or_else(|| similar.into_iter().next()) {
            Some(name) => {
                let place = self.place_of(flag).unwrap_or(self.words.len());
                let value =
                    self.words.get(place).and_then(|word| word.split_once('=')).map(|(_, value)| value);
                let meant = value.map_or_else(|| format!("--{name}"), |value| format!("--{name}={value}"));
                format!("did you mean `--{name}`? {}", self.with(place..place + 1, &[&meant]))
            }
            None => format!("`{} --help` lists the flags", self.command()),
        }
    }

    /// Returns what to do about a word that the command has no use for.
    fn unknown_word(&self, verb: &str, word: &str) -> String {
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
        match verb {
            "assume" | "exec" | "console" | "write" | "explain" if profile_names().contains(&joined) => {
                format!("arl {verb} {}", quoted(&[&joined]))
            }
            "assume" | "exec" | "console" | "write" | "explain" if is_account_and_name(&typed) => {
                format!("did you mean `arl {verb} {}`?", typed.join("/"))
            }
            "assume" | "exec" | "console" | "write" | "explain" if is_role(word) => {
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
            _ => format!("`{} --help` tells what it takes", self.command()),
        }
    }

    /// Returns the command line with `--` where the command begins, if `exec` or `each` lack it.
    fn missing_separator(&self, verb: &str, word: &str) -> Option<String> {
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

    fn missing_argument(&self, missing: &[String]) -> CliError {
        let command = self.command();
        let names_role = missing
            .iter()
            .any(|name| ["ROLE", "--role-name", "--account-id"].iter().any(|role| name.contains(role)));
        if !names_role {
            let names: Vec<String> = missing.iter().map(|name| name.replace(['<', '>'], "")).collect();
            return CliError::usage(format!("`{command}` needs {}", names.join(" and ")))
                .hint(self.completed(&names));
        }
        if let Some(half) = ["--account-id", "--role-name"].into_iter().find(|flag| self.has_flag(flag)) {
            let other = if half == "--account-id" { "--role-name NAME" } else { "--account-id ID" };
            return CliError::usage(format!("`{half}` needs {other} beside it"))
                .hint(format!("arl {} {other}", quoted(&refs(&self.words))));
        }
        let behind = match (self.verb.as_deref(), self.behind_separator()) {
            (Some("exec" | "each"), Some(words)) => format!(" -- {}", quoted(&refs(words))),
            (Some("each"), None) => " -- COMMAND".to_owned(),
            (Some("configure"), _) => " --profile-name NAME".to_owned(),
            _ => String::new(),
        };
        role_needed(&command, &behind)
    }

    /// Returns the line with the missing arguments, or a hint about them.
    fn completed(&self, missing: &[String]) -> String {
        let rest = refs(self.rest());
        match (self.verb.as_deref(), rest.as_slice()) {
            (Some("configure"), ["list", ..]) => return "arl list".to_owned(),
            (Some("configure"), ["sso" | "sso-session", ..]) => {
                return "arl configure --sso SESSION --all".to_owned();
            }
            (Some("arn"), [role]) if role.contains('/') => {
                let role = role.replace("arn:aws:iam::", "").replace(":role", "");
                if let Some((account, name)) = role.split_once('/') {
                    return format!("arl arn {}", quoted(&[account, name]));
                }
            }
            (Some("arn"), [profile]) if is_role(profile) => {
                return format!("`arl explain {}` shows the ARN of a profile's role", quoted(&[profile]));
            }
            (Some("completions"), _) => {
                return "arl completions bash; there is one for zsh and for fish too".to_owned();
            }
            _ => {}
        }
        let behind = self.behind_separator().map(|words| format!(" -- {}", quoted(&refs(words))));
        format!("arl {} {}{}", quoted(&rest_of(self)), missing.join(" "), behind.unwrap_or_default())
    }
}

/// Returns the words before `--`.
fn rest_of(line: &CommandLine) -> Vec<&str> {
    refs(&line.words[..line.separator()])
}

/// Whether these are an account and the name of a role, with a space in place of the slash.
fn is_account_and_name(words: &[&str]) -> bool {
    let [account, name] = words else { return false };
    account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && is_role(&format!("{account}/{name}"))
}

/// Returns the command that shows the help that `arl help WORD` asks for.
fn help_of(word: &str, line: &CommandLine) -> String {
    let verb = verb_of_other_tools(word, line);
    let verb =
        verb.as_deref().and_then(|command| command.split(' ').nth(1)).filter(|verb| !verb.starts_with('-'));
    match verb {
        Some(verb) if !is_role(word) => format!("arl {verb} --help"),
        _ => "arl --help".to_owned(),
    }
}

/// Returns a cause in plain words instead of those of Rust's parsers.
fn plain_cause(cause: &str) -> String {
    if let Some((_, range)) = cause.split_once(" is not in ")
        && let Some((first, last)) = range.split_once("..=")
    {
        return format!("it must be {first} to {last}");
    }
    cause.replace("invalid digit found in string", "it is not a whole number")
}

/// Returns `--flag` of `--flag <VALUE>`, and `ROLE` of `[ROLE]`.
fn flag_name(text: &str) -> &str {
    text.split([' ', '=']).next().unwrap_or(text).trim_matches(['[', ']', '<', '>', '.'])
}

/// Returns `a, b or c`.
fn choice(values: &[String]) -> String {
    match values {
        [] => "another value".to_owned(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}

/// Returns the first line of clap's message, for mistakes that it describes well enough.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

fn one(error: &clap::Error, kind: ContextKind) -> String {
    many(error, kind).into_iter().next().unwrap_or_default()
}

fn many(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}
