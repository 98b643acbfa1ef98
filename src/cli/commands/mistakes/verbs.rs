//! Explains a first word that is not a command.

use arl::internal::closest;
use clap::CommandFactory as _;
use clap::error::ContextKind;

use crate::cli::commands::Cli;
use crate::cli::commands::mistakes::line::{CommandLine, is_role, quoted, refs};
use crate::cli::commands::mistakes::one;
use crate::cli::commands::mistakes::other_tools::{subcommand_of_other_tools, verb_of_other_tools};
use crate::cli::ui::error::CliError;

impl CommandLine {
    pub(super) fn unknown_verb(&self, error: &clap::Error) -> CliError {
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
        match word.as_str() {
            "/?" => return refused.hint("arl --help"),
            "-" => return refused.hint("to go back to the previous role: arl assume -"),
            _ => {}
        }
        let has_command = |verb: &str| Cli::command().find_subcommand(verb).is_some();
        let lower = word.to_lowercase();
        let words: Vec<&str> = word.split_whitespace().collect();
        if has_command(&lower) {
            return refused.hint(format!("did you mean `{}`?", instead(&lower)));
        }
        if words.first().is_some_and(|first| has_command(first)) {
            let line = self.with(place..place + 1, &words);
            return refused.hint(format!("that is one word; as separate words: {line}"));
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
}

/// Returns the command that shows the help that `arl help WORD` asks for.
fn help_of(word: &str, line: &CommandLine) -> String {
    let verb = verb_of_other_tools(word, line);
    let verb =
        verb.as_deref().and_then(|command| command.split(' ').nth(1)).filter(|verb| !verb.starts_with('-'));
    let cli = Cli::command();
    let known: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    match verb {
        _ if is_role(word) => "arl --help".to_owned(),
        Some(verb) => format!("arl {verb} --help"),
        None => match closest(word, known).first() {
            Some(similar) => format!("did you mean `arl {similar} --help`?"),
            None => "arl --help".to_owned(),
        },
    }
}
