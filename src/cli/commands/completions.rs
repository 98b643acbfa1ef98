//! `arl completions`: prints a completion script, and the candidates that such a script asks for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use clap_complete::engine::ArgValueCandidates;

use crate::cli::args::complete;
use crate::cli::args::help::TEMPLATE;
use crate::cli::env::shell_scripts;
use crate::cli::eval::guard::verb_of;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::is_unsafe;

const EXAMPLES: &str = "Examples:
  arl completions bash >> ~/.bash_completion
  arl completions fish > ~/.config/fish/completions/arl.fish
  arl completions zsh > ~/.zfunc/_arl             if ~/.zfunc is in $fpath

The script of `arl init` already includes the completion.";

/// How many characters of a candidate's help are shown.
const MAX_HELP: usize = 200;

#[derive(Debug, clap::Args)]
#[command(before_long_help = EXAMPLES, help_template = TEMPLATE)]
pub(crate) struct CompletionsArgs {
    /// bash, zsh or fish
    #[arg(add = ArgValueCandidates::new(complete::completion_shells))]
    shell: String,
    /// The index of the word to complete, which the completion scripts pass
    #[arg(long, hide = true)]
    index: Option<usize>,
    /// The words of the command line so far
    #[arg(last = true, hide = true)]
    words: Vec<OsString>,
}

pub(crate) fn run(args: CompletionsArgs, program: clap::Command, output: &Output) -> Result<(), CliError> {
    match args.index {
        Some(index) => output.write_data(candidates(program, args.words, index).as_bytes()),
        None => match shell_scripts::completion(&args.shell) {
            Some(text) => output.write_data(text.as_bytes()),
            None => {
                let refused = CliError::usage(format!("there is no completion script for `{}`", args.shell));
                Err(match arl::internal::closest(&args.shell, ["bash", "zsh", "fish"]).first() {
                    Some(similar) if args.shell != "tcsh" && args.shell != "ksh" => {
                        refused.hint(format!("did you mean `arl completions {similar}`?"))
                    }
                    _ => refused.hint("there are completion scripts for bash, zsh and fish"),
                })
            }
        },
    }
}

/// Returns one candidate per line, with its help after a tab. After an error there are no candidates, because
/// a shell shows no errors of a completion.
fn candidates(mut program: clap::Command, mut words: Vec<OsString>, index: usize) -> String {
    // zsh omits an empty last word.
    words.resize(words.len().max(index + 1), OsString::new());
    let is_flag = |text: &OsStr| text.as_encoded_bytes().starts_with(b"-");
    let wants_flag = is_flag(&words[index]);
    let takes_command = matches!(verb_of(&words).as_deref(), Some("exec" | "each"));
    let matches = clap_complete::engine::complete(&mut program, words, index, None).unwrap_or_default();
    // Among thirty flags it would be hard to find the roles, and the `--` after a role. So flags are
    // completed only after a `-`.
    let has_values = matches.iter().any(|candidate| !is_flag(candidate.get_value()));
    if !has_values && !wants_flag && takes_command {
        return "--\tthe command follows\n".to_owned();
    }
    let shown = matches.iter().filter(|candidate| {
        !candidate.is_hide_set() && (!has_values || wants_flag || !is_flag(candidate.get_value()))
    });
    let shown: Vec<(Cow<'_, str>, String)> = shown
        .map(|candidate| {
            let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
            let help: String = help.lines().next().unwrap_or_default().chars().take(MAX_HELP).collect();
            let help = help.replace(is_unsafe, "?");
            (candidate.get_value().to_string_lossy(), help)
        })
        .collect();
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for (_, help) in shown.iter().filter(|(_, help)| !help.is_empty()) {
        *uses.entry(help).or_default() += 1;
    }
    let mut text = String::new();
    for (value, help) in &shown {
        text.push_str(value);
        text.push('\t');
        text.push_str(help);
        // zsh lists candidates with the same description in one line, so the descriptions must differ.
        if !help.is_empty() && uses[&**help] > 1 {
            text.push_str(&format!(" ({value})"));
        }
        text.push('\n');
    }
    text
}
