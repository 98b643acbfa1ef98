//! Explains a command line that clap refuses: what is wrong, and which command the user probably meant.

mod other_tools;

use std::ffi::OsString;

use arl::internal::RoleRef;
use arl::internal::shell::Shell;
use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::commands::Cli;
use crate::cli::commands::mistakes::other_tools::{flag_of_other_tools, verb_of_other_tools};
use crate::cli::eval::guard::verb_of;
use crate::cli::roles::needed::{profile_names, role_needed};
use crate::cli::ui::error::CliError;
use crate::cli::ui::text::quote_words;

/// Returns the error to show instead of clap's, with commands that the user can paste.
pub(crate) fn explain(error: &clap::Error, args: &[OsString]) -> CliError {
    let line = CommandLine::new(args);
    let subject = one(error, ContextKind::InvalidArg);
    let value = one(error, ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::InvalidSubcommand => line.unknown_verb(error),
        ErrorKind::UnknownArgument => line.unknown_argument(&subject, error),
        ErrorKind::MissingRequiredArgument => line.missing_argument(&many(error, ContextKind::InvalidArg)),
        ErrorKind::ArgumentConflict => {
            let others = many(error, ContextKind::PriorArg);
            let others: Vec<String> = others.iter().map(|other| format!("`{}`", flag_name(other))).collect();
            let others = if others.is_empty() { "itself".to_owned() } else { others.join(" and ") };
            CliError::usage(format!("`{}` and {others} cannot be used together", flag_name(&subject)))
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
            refused.caused_by(cause.replace("invalid digit found in string", "it is not a whole number"))
        }
        ErrorKind::InvalidUtf8 => CliError::usage("an argument is not UTF-8 text"),
        _ => CliError::usage(first_line(error)),
    }
}

/// A command line that may be invalid, split into words.
struct CommandLine {
    words: Vec<String>,
    verb: Option<String>,
    /// The word in the place of the subcommand.
    first: Option<String>,
}

impl CommandLine {
    fn new(args: &[OsString]) -> Self {
        let words = args.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        let is_known = |verb: &String| Cli::command().find_subcommand(verb).is_some();
        let first = verb_of(args);
        Self { words, verb: first.clone().filter(is_known), first }
    }

    /// Returns `arl SUBCOMMAND`, or `arl` if there is no known subcommand.
    fn command(&self) -> String {
        self.verb.as_ref().map_or_else(|| "arl".to_owned(), |verb| format!("arl {verb}"))
    }

    /// Returns the words after the subcommand, or after the word in its place.
    fn rest(&self) -> &[String] {
        let first = self.first.as_ref();
        let at = self.words.iter().position(|word| Some(word) == first);
        at.map_or(&[], |at| &self.words[at + 1..])
    }

    /// Returns the typed role, or `ROLE` if the line has none.
    fn role(&self) -> String {
        self.rest()
            .iter()
            .find(|word| is_role(word))
            .map_or_else(|| "ROLE".to_owned(), |role| quoted(&[role]))
    }

    fn unknown_verb(&self, error: &clap::Error) -> CliError {
        let word = one(error, ContextKind::InvalidSubcommand);
        let refused = CliError::usage(format!("`{}` has no command `{word}`", self.command()));
        if self.verb.is_some() {
            return refused.hint(format!("`{} --help` lists the commands", self.command()));
        }
        if is_role(&word) {
            let hint = match self.words.iter().position(|other| other == "--") {
                Some(at) => {
                    format!("arl exec {} -- {}", quoted(&[&word]), quoted(&refs(&self.words[at + 1..])))
                }
                None => {
                    format!("arl assume {}", quoted(&[&[word.as_str()], &refs(self.rest())[..]].concat()))
                }
            };
            return refused.hint(format!("that is a role; to become it: {hint}"));
        }
        if let Some(hint) = verb_of_other_tools(&word, self.rest()) {
            return refused.hint(hint);
        }
        match one(error, ContextKind::SuggestedSubcommand) {
            similar if similar.is_empty() => {
                refused.hint("`arl --help` lists the commands, `arl list` the roles")
            }
            similar => refused.hint(format!("did you mean `arl {similar}`?")),
        }
    }

    fn unknown_argument(&self, word: &str, error: &clap::Error) -> CliError {
        let Some(verb) = &self.verb else {
            let refused = CliError::usage(format!("`{word}` stands before the command"));
            let value = self.words.iter().skip_while(|other| *other != word).nth(1);
            let profile =
                value.filter(|value| !value.starts_with('-')).map_or("ROLE".into(), |value| quoted(&[value]));
            return match word {
                "--profile" | "-p" => refused.hint(format!("arl assume {profile}")),
                _ => refused.hint(flag_of_other_tools(word, "", &self.role()).unwrap_or_else(|| {
                    "the command comes first: arl assume ROLE; `arl --help` lists the commands".to_owned()
                })),
            };
        };
        if let Some(hint) = self.missing_separator(verb, word) {
            return CliError::usage(format!("`arl {verb}` has no use for `{word}`")).hint(hint);
        }
        if word.starts_with('-') {
            let refused = CliError::usage(format!("`arl {verb}` has no flag `{word}`"));
            if let Some(hint) = flag_of_other_tools(word, verb, &self.role()) {
                return refused.hint(hint);
            }
            return match many(error, ContextKind::SuggestedArg).first() {
                Some(similar) => refused.hint(format!("did you mean `{}`?", flag_name(similar))),
                None => refused.hint(format!("`arl {verb} --help` lists the flags")),
            };
        }
        let refused = CliError::usage(format!("`arl {verb}` has no use for `{word}`"));
        match verb.as_str() {
            "assume" | "console" | "write" | "explain" if is_role(word) => {
                let roles: Vec<&str> =
                    self.rest().iter().map(String::as_str).filter(|word| is_role(word)).collect();
                let each = if verb == "assume" { "COMMAND".to_owned() } else { format!("arl {verb} …") };
                refused
                    .hint(format!("one role at a time; for several: arl each {} -- {each}", quoted(&roles)))
            }
            "assume" => refused.hint(format!("to run a command as the role: {}", self.as_exec())),
            _ => refused.hint(format!("`arl {verb} --help` tells what it takes")),
        }
    }

    /// Returns the command line with `--` where the command begins, if `exec` or `each` lack it.
    fn missing_separator(&self, verb: &str, word: &str) -> Option<String> {
        if !["exec", "each"].contains(&verb) || self.words.iter().any(|word| word == "--") {
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

    /// Returns the words as `arl exec ROLE -- COMMAND`.
    fn as_exec(&self) -> String {
        let verb = self.verb.as_deref().filter(|verb| *verb == "each").unwrap_or("exec");
        let rest = self.rest();
        let roles = rest.iter().take_while(|word| is_role(word)).count().max(usize::from(verb == "exec"));
        let (roles, command) = if rest.first().is_some_and(|word| is_role(word)) {
            rest.split_at(roles.min(rest.len()))
        } else {
            (&[][..], rest)
        };
        let roles = if roles.is_empty() { "ROLE".to_owned() } else { quoted(&refs(roles)) };
        format!("arl {verb} {roles} -- {}", quoted(&refs(command)))
    }

    fn missing_argument(&self, missing: &[String]) -> CliError {
        let command = self.command();
        let names_role = missing
            .iter()
            .any(|name| ["ROLE", "--role-name", "--account-id"].iter().any(|role| name.contains(role)));
        if !names_role {
            let names: Vec<String> = missing.iter().map(|name| name.replace(['<', '>'], "")).collect();
            return CliError::usage(format!("`{command}` needs {}", names.join(" and ")))
                .hint(format!("`{command} --help` shows examples"));
        }
        if let Some(half) = ["--account-id", "--role-name"].into_iter().find(|flag| self.has_flag(flag)) {
            let other = if half == "--account-id" { "--role-name NAME" } else { "--account-id ID" };
            return CliError::usage(format!("`{half}` needs {other} beside it"));
        }
        role_needed(&command, "")
    }

    fn has_flag(&self, flag: &str) -> bool {
        let spelled =
            [flag.to_owned(), flag.replace("account-id", "account_id").replace("role-name", "role_name")];
        self.words.iter().any(|word| spelled.iter().any(|flag| word.split('=').next() == Some(flag)))
    }
}

/// Whether a word names a role: an ARN, ACCOUNT/NAME, SESSION:ACCOUNT/NAME, or an existing profile.
fn is_role(word: &str) -> bool {
    match RoleRef::parse(word) {
        Ok(RoleRef::Profile(name)) => profile_names().contains(&name),
        Ok(RoleRef::Arn(_) | RoleRef::AccountRole(..) | RoleRef::IdentityCenter { .. }) => true,
        Err(_) => false,
    }
}

fn refs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    quote_words(Shell::Posix, &words)
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
