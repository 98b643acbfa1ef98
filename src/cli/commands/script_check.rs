//! Checks the lists of subcommands and flags outside of clap against clap's command.
//!
//! The shell functions and `eval/guard.rs` have such lists, because they read command lines without clap.

use std::collections::BTreeSet;

use clap::CommandFactory;

use crate::cli::commands::Cli;
use crate::cli::commands::assume::refresh::CODE_FLAGS;
use crate::cli::env::shell_scripts;
use crate::cli::eval::guard::NON_EVAL_VERBS;

/// The subcommands whose output is for `eval`.
const EVAL_VERBS: [&str; 3] = ["assume", "clear", "init"];

fn command() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// Each shell with its script, without comments.
fn scripts() -> impl Iterator<Item = (&'static str, String)> {
    let code = |text: &str| {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    shell_scripts::hook_names().map(move |shell| {
        let script = shell_scripts::hook(shell).expect("a script");
        (shell, code(&script))
    })
}

/// Returns the words of the lines that `is_wanted` selects.
fn words(text: &str, is_wanted: impl Fn(&str) -> bool) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| is_wanted(line));
    lines.flat_map(|line| line.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)))).collect()
}

#[test]
fn shell_functions_start_every_command_with_a_role_from_the_original_source() {
    let command = command();
    let takes_role = |verb: &&clap::Command| verb.get_arguments().any(|arg| arg.get_long() == Some("via"));
    // `configure` only writes the name of a source, so it does not start from one.
    let expected: BTreeSet<&str> = command
        .get_subcommands()
        .filter(takes_role)
        .map(clap::Command::get_name)
        .filter(|name| *name != "configure")
        .collect();
    assert!(expected.len() >= 6, "{expected:?}");
    let all: BTreeSet<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    for (shell, text) in scripts() {
        let listed = words(&text, |line| match shell {
            "nu" | "nushell" => line.starts_with("def --env --wrapped \"arl "),
            _ => line.contains("explain"),
        });
        let listed: BTreeSet<&str> = listed.intersection(&all).copied().collect();
        assert_eq!(listed, expected, "the verbs in the script of {shell}");
    }
}

#[test]
fn shell_functions_evaluate_no_output_that_a_flag_makes_something_else() {
    let command = command();
    let assume = command.find_subcommand("assume").expect("a command");
    let clear = command.find_subcommand("clear").expect("a command");
    let is_output_flag = |arg: &&clap::Arg| arg.get_help_heading() == Some("Output") && arg.get_id() != "env";
    let mut expected: BTreeSet<String> = assume
        .get_arguments()
        .filter(is_output_flag)
        .filter_map(|arg| Some(format!("--{}", arg.get_long()?)))
        .collect();
    expected.insert("--help".to_owned());
    for (shell, text) in scripts() {
        let listed = words(&text, |line| line.contains("--json"));
        let flags = listed.into_iter().filter(|word| word.starts_with("--"));
        // Some scripts handle the hook's own `arl clear --expired` in the same place.
        let (of_clear, of_assume): (Vec<&str>, Vec<&str>) = flags.partition(|flag| *flag == "--expired");
        let of_assume: BTreeSet<String> = of_assume.into_iter().map(str::to_owned).collect();
        assert_eq!(of_assume, expected, "the flags in the script of {shell}");
        let is_flag_of_clear =
            |flag: &&str| clear.get_arguments().any(|arg| arg.get_long() == Some(&flag[2..]));
        assert!(of_clear.iter().all(is_flag_of_clear), "{shell}");
    }
}

#[test]
fn every_command_prints_for_eval_or_does_not() {
    let command = command();
    let all: BTreeSet<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let listed: BTreeSet<&str> = NON_EVAL_VERBS.into_iter().chain(EVAL_VERBS).collect();
    assert_eq!(listed, all);
}

#[test]
fn a_refresh_repeats_no_mfa_code() {
    let command = command();
    let mut args = command.find_subcommand("assume").expect("a command").get_arguments();
    let code = args.find(|arg| arg.get_id() == "token_code").expect("a flag");
    let spellings = code.get_long_and_visible_aliases().unwrap_or_default();
    let aliases = code.get_all_aliases().unwrap_or_default();
    let expected: BTreeSet<String> =
        spellings.into_iter().chain(aliases).map(|flag| format!("--{flag}")).collect();
    assert_eq!(CODE_FLAGS.map(str::to_owned).into_iter().collect::<BTreeSet<_>>(), expected);
}
