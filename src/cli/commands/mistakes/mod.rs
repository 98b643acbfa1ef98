//! Explains a command line that clap refuses: what is wrong, and which command the user probably meant.

mod flags;
mod line;
mod missing;
mod other_tools;
mod verbs;
mod words;

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::commands::Cli;
pub(crate) use crate::cli::commands::mistakes::line::is_role;
use crate::cli::commands::mistakes::line::{CommandLine, quoted};
use crate::cli::commands::mistakes::other_tools::line_of_other_tools;
use crate::cli::ui::error::{CliError, choice};

/// Returns the error to show instead of clap's, with commands that the user can paste.
pub(crate) fn explain(error: &clap::Error, args: &[OsString]) -> CliError {
    let line = CommandLine::new(args);
    let subject = one(error, ContextKind::InvalidArg);
    let value = one(error, ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::InvalidSubcommand => line.unknown_verb(error),
        ErrorKind::UnknownArgument => line.unknown_argument(&subject, error),
        ErrorKind::MissingRequiredArgument => line.missing_argument(&many(error, ContextKind::InvalidArg)),
        ErrorKind::MissingSubcommand => CliError::usage("there is no command")
            .hint("`arl --help` lists the commands; `arl --version` prints the version"),
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
            let flag = flag_name(&subject);
            let placeholder = subject.split_once('<').map_or("VALUE", |(_, name)| name.trim_end_matches('>'));
            let meant = match line.place_of(flag) {
                Some(place) => line.with(place..place + 1, &[flag, placeholder]),
                None => format!("{flag} {placeholder}"),
            };
            CliError::usage(format!("`{flag}` needs a value"))
                .hint(format!("{meant}; `{} --help` describes it", line.command()))
        }
        ErrorKind::InvalidValue => {
            let valid = many(error, ContextKind::ValidValue);
            let refused = CliError::usage(format!(
                "`{}` must be {}, not `{value}`",
                flag_name(&subject),
                choice(&valid)
            ));
            match one(error, ContextKind::SuggestedValue) {
                similar if similar.is_empty() => {
                    refused.hint(format!("`{} --help` describes the values", line.command()))
                }
                similar => refused.hint(format!("did you mean `{similar}`?")),
            }
        }
        ErrorKind::ValueValidation => {
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            let refused = CliError::usage(format!("`{}` does not take `{value}`", flag_name(&subject)));
            let hint = format!("`{} --help` describes it", line.command());
            refused.caused_by(plain_cause(&cause)).hint(hint)
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
    fn unknown_argument(&self, word: &str, error: &clap::Error) -> CliError {
        let Some(verb) = &self.verb else { return self.argument_before_the_verb(word) };
        let command = self.command();
        let refused = if word.starts_with('-') {
            CliError::usage(format!("`{command}` has no flag `{word}`"))
        } else {
            CliError::usage(format!("`{command}` does not take the argument `{word}`"))
        };
        let separator = self.separator();
        if separator < self.words.len() && !["exec", "each"].contains(&verb.as_str()) {
            if verb == "assume" && separator + 1 < self.words.len() {
                return refused.hint(format!("to run a command as the role: {}", self.as_exec()));
            }
            let line = self.with(separator..separator + 1, &[]);
            return refused.hint(format!("only `arl exec` and `arl each` take --; without it: {line}"));
        }
        if let Some(line) = flags::in_another_form(self) {
            return refused.hint(format!("did you mean `{line}`?"));
        }
        if let Some(hint) = self.missing_separator(verb, word) {
            return CliError::usage(format!("`{command}` does not take the argument `{word}`")).hint(hint);
        }
        if word.starts_with('-') {
            return refused.hint(self.unknown_flag(word, &many(error, ContextKind::SuggestedArg)));
        }
        refused.hint(self.unknown_word(verb, word))
    }

    fn argument_before_the_verb(&self, word: &str) -> CliError {
        let place = self.place_of(word).unwrap_or(self.words.len());
        let mut cli = Cli::command();
        cli.build();
        let known = flags::similar_to(word, flags::long_names(&cli));
        if let Some(name) = known.first() {
            return CliError::usage(format!("`arl` has no flag `{word}`"))
                .hint(format!("did you mean `{}`?", self.with(place..place + 1, &[&format!("--{name}")])));
        }
        let refused = match self.words.get(place + 1) {
            Some(_) => CliError::usage(format!("`{word}` must come after the command")),
            None => CliError::usage(format!("`arl` has no flag `{word}`")),
        };
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
