//! A command line that may be wrong, as words, and the corrected lines that the user probably meant.

use std::ffi::OsString;
use std::ops::Range;

use arl::internal::RoleRef;
use arl::internal::shell::Shell;
use clap::CommandFactory as _;

use crate::cli::commands::Cli;
use crate::cli::eval::guard::verb_of;
use crate::cli::roles::needed::profile_names;
use crate::cli::ui::text::quote_words;

/// A command line that may be wrong, as words.
pub(super) struct CommandLine {
    /// The words after `arl`.
    pub(super) words: Vec<String>,
    /// The verb, if there is a command of that name.
    pub(super) verb: Option<String>,
    /// The command below the verb: `add` of `keys add`.
    pub(super) subcommand: Option<String>,
    /// The word in the verb's place.
    first: Option<String>,
}

impl CommandLine {
    pub(super) fn new(args: &[OsString]) -> Self {
        let words: Vec<String> =
            args.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        let first = verb_of(args);
        let cli = Cli::command();
        let verb = first.clone().filter(|verb| cli.find_subcommand(verb).is_some());
        let mut line = Self { words, verb, subcommand: None, first };
        line.subcommand = line.find_subcommand();
        line
    }

    pub(super) fn of_words(words: &[String]) -> Self {
        let args: Vec<OsString> = std::iter::once("arl").chain(refs(words)).map(OsString::from).collect();
        Self::new(&args)
    }

    /// Returns the line, with `--` where a command begins if it has one.
    pub(super) fn as_exec_if_it_has_a_command(&self) -> String {
        let line = self.as_exec();
        line.strip_suffix(" -- COMMAND").unwrap_or(&line).to_owned()
    }

    fn find_subcommand(&self) -> Option<String> {
        let command = built(self.verb.as_deref()?, None);
        let word = self.rest().iter().find(|word| !word.starts_with('-'))?;
        command.find_subcommand(word).map(|_| word.clone())
    }

    /// Returns `arl VERB`, or `arl` if there is no verb.
    pub(super) fn command(&self) -> String {
        let words = [self.verb.as_deref(), self.subcommand.as_deref()].into_iter().flatten();
        ["arl"].into_iter().chain(words).collect::<Vec<_>>().join(" ")
    }

    /// Returns clap's description of the command, with its flags.
    pub(super) fn described(&self) -> Option<clap::Command> {
        Some(built(self.verb.as_deref()?, self.subcommand.as_deref()))
    }

    /// Returns the index of the word in the verb's place, or the number of words if there is none.
    pub(super) fn verb_place(&self) -> usize {
        let first = self.first.as_ref();
        self.words.iter().position(|word| Some(word) == first).unwrap_or(self.words.len())
    }

    /// Returns the words after the verb, or after the word in its place.
    pub(super) fn rest(&self) -> &[String] {
        self.words.get(self.verb_place() + 1..).unwrap_or_default()
    }

    /// Returns the index of `--`, or the number of words if there is none.
    pub(super) fn separator(&self) -> usize {
        self.words.iter().position(|word| word == "--").unwrap_or(self.words.len())
    }

    /// Returns the words after `--`.
    pub(super) fn behind_separator(&self) -> Option<&[String]> {
        self.words.get(self.separator() + 1..)
    }

    /// Returns the index of the word with the flag that clap names: of `-ex` for `-e`, of `--output=json` for
    /// `--output`.
    pub(super) fn place_of(&self, named: &str) -> Option<usize> {
        let is_short = named.starts_with('-') && !named.starts_with("--");
        let is_it = |word: &String| {
            word == named || word.strip_prefix(named).is_some_and(|rest| rest.starts_with('=') || is_short)
        };
        self.words[..self.separator()].iter().position(is_it)
    }

    /// Returns the line with `words` in place of those at the indices `place`, which may be at its end.
    pub(super) fn with(&self, place: Range<usize>, words: &[&str]) -> String {
        let mut line: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let end = line.len();
        line.splice(place.start.min(end)..place.end.min(end), words.iter().copied());
        format!("arl {}", quoted(&line))
    }

    /// Returns the line with a flag and its value after the verb, if there is one.
    pub(super) fn after_the_verb(&self, flag: &str) -> Option<String> {
        let mut rest = self.words.clone();
        let place = rest.iter().position(|word| word == flag)?;
        let flag: Vec<String> = rest.drain(place..rest.len().min(place + 2)).collect();
        let line = Self::of_words(&rest);
        let verb = rest.iter().position(|word| Some(word) == line.verb.as_ref())?;
        rest.splice(verb + 1..verb + 1, flag);
        Some(format!("arl {}", quoted(&refs(&rest))))
    }

    /// Returns the typed role, or `ROLE` if the line has none.
    pub(super) fn role(&self) -> String {
        self.words[..self.separator()]
            .iter()
            .find(|word| is_role(word))
            .map_or_else(|| "ROLE".to_owned(), |role| quoted(&[role]))
    }

    /// Returns the words as `arl exec ROLE -- COMMAND`.
    pub(super) fn as_exec(&self) -> String {
        let verb = self.verb.as_deref().filter(|verb| *verb == "each").unwrap_or("exec");
        let words: Vec<&str> = self.rest().iter().map(String::as_str).filter(|word| *word != "--").collect();
        let is_pattern = |word: &str| verb == "each" && word.contains(['*', '?']);
        let is_own = |word: &str| word.starts_with('-') || is_role(word) || is_pattern(word);
        // The flags before the command include their values.
        let mut end = 0;
        while let Some(word) = words.get(end).filter(|word| is_own(word)) {
            let has_value = word.starts_with('-') && !word.contains('=') && self.takes_value(word);
            end = (end + 1 + usize::from(has_value)).min(words.len());
        }
        let (own, command) = words.split_at(end);
        // `assume` has flags about its output, which `exec` does not have.
        let is_of_exec = |word: &&str| verb == "each" || !["--json", "--env", "--show"].contains(word);
        let own: Vec<&str> = own.iter().copied().filter(is_of_exec).collect();
        let is_role_flag = |word: &str| {
            ["--account-id", "--roles-from"].iter().any(|flag| word.split('=').next() == Some(flag))
        };
        let has_role = own.iter().any(|word| is_role(word) || is_pattern(word) || is_role_flag(word));
        let own = if has_role { quoted(&own) } else { [&own[..], &["ROLE"]].concat().join(" ") };
        let command = if command.is_empty() { "COMMAND".to_owned() } else { quoted(command) };
        format!("arl {verb} {own} -- {command}")
    }

    /// Whether a flag of this command takes a value.
    pub(super) fn takes_value(&self, flag: &str) -> bool {
        let Some(command) = self.described() else { return false };
        command.get_arguments().any(|argument| {
            let is_it = match flag.strip_prefix("--") {
                Some(long) => {
                    argument.get_long_and_visible_aliases().is_some_and(|names| names.contains(&long))
                }
                None => argument.get_short().is_some_and(|short| flag == format!("-{short}")),
            };
            is_it && argument.get_action().takes_values()
        })
    }

    pub(super) fn has_flag(&self, flag: &str) -> bool {
        let spelled = [flag.to_owned(), flag[2..].replace('-', "_")];
        let is_it = |word: &String| {
            let name = word.split('=').next().unwrap_or_default();
            name == spelled[0] || name.strip_prefix("--") == Some(&spelled[1])
        };
        self.words.iter().any(is_it)
    }
}

/// Returns the description of a command. clap adds the flags of a command when it is built.
fn built(verb: &str, subcommand: Option<&str>) -> clap::Command {
    let mut cli = Cli::command();
    cli.build();
    let mut command = cli.find_subcommand(verb).cloned().unwrap_or(cli);
    command.build();
    match subcommand.and_then(|name| command.find_subcommand(name)) {
        Some(below) => below.clone(),
        None => command,
    }
}

/// Whether a word names a role: an ARN, ACCOUNT/NAME, or a profile that exists.
pub(crate) fn is_role(word: &str) -> bool {
    match RoleRef::parse(word) {
        Ok(RoleRef::Profile(name)) => profile_names().contains(&name),
        Ok(RoleRef::Arn(_) | RoleRef::AccountRole(..) | RoleRef::IdentityCenter { .. }) => true,
        Err(_) => false,
    }
}

pub(super) fn refs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

pub(super) fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    quote_words(Shell::Posix, &words)
}
