//! Parses, without clap, the command lines that must be fast: `exec ROLE -- COMMAND` and `assume ROLE
//! --json`, with the most common flags.
//!
//! In the static program, clap adds 0.32 to 0.33 times the run time of `env true` to a cached call, although
//! it builds the flags of one subcommand only (600 runs in turns, 2026-11-25). clap parses every other
//! command line and reports every error. A test checks that this parser gets the same result as clap for
//! everything that it accepts.

use std::ffi::OsString;

use crate::cli::args::global::GlobalArgs;
use crate::cli::args::role::RoleArgs;
use crate::cli::commands::assume::AssumeArgs;
use crate::cli::commands::exec::ExecArgs;
use crate::cli::commands::{Cli, Command};
use crate::cli::ui::output::ColorChoice;

/// Parses a command line. `None` leaves it to clap.
pub(crate) fn parse(args: &[OsString]) -> Option<Cli> {
    let (verb, words) = args.get(1..)?.split_first()?;
    let command = match verb.to_str()? {
        "assume" => assume(words),
        "exec" => exec(words),
        _ => None,
    }?;
    let global = GlobalArgs { verbose: false, quiet: false, color: ColorChoice::Auto };
    Some(Cli { global, command })
}

fn assume(words: &[OsString]) -> Option<Command> {
    let (mut role, mut json) = (RoleArgs::default(), false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.to_str()? {
            "--json" if !json => json = true,
            word => take_flag(&mut role, word, &mut words)?,
        }
    }
    role.role.as_ref()?;
    Some(Command::Assume(AssumeArgs::plain(role, json)))
}

fn exec(words: &[OsString]) -> Option<Command> {
    let end = words.iter().position(|word| word == "--")?;
    let mut role = RoleArgs::default();
    let mut own_args = words[..end].iter();
    while let Some(word) = own_args.next() {
        take_flag(&mut role, word.to_str()?, &mut own_args)?;
    }
    role.role.as_ref()?;
    Some(Command::Exec(ExecArgs::plain(role, words[end + 1..].to_vec())))
}

/// Reads the role, or a flag with its value. `None` if it occurs twice or is not known here.
fn take_flag<'a>(
    role: &mut RoleArgs,
    word: &str,
    words: &mut impl Iterator<Item = &'a OsString>,
) -> Option<()> {
    let slot = match word {
        "--refresh" => return (!std::mem::replace(&mut role.refresh, true)).then_some(()),
        "--profile" => &mut role.profile,
        "--region" => &mut role.region,
        "--duration" => &mut role.duration,
        "--role-session-name" => &mut role.role_session_name,
        "--external-id" => &mut role.external_id,
        _ => return set_once(&mut role.role, word),
    };
    set_once(slot, words.next()?.to_str()?)
}

fn set_once(slot: &mut Option<String>, word: &str) -> Option<()> {
    let is_plain = !word.is_empty() && !word.starts_with('-');
    (is_plain && slot.replace(word.to_owned()).is_none()).then_some(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        std::iter::once("arl").chain(line.split(' ')).map(OsString::from).collect()
    }

    #[test]
    fn fast_path_parses_like_clap() {
        for line in [
            "assume R",
            "assume R --json",
            "assume --json --profile dev arn:aws:iam::123456789012:role/R",
            "assume 123456789012/R --region eu-west-1 --duration 2h --role-session-name ann --external-id x7",
            "exec R -- true",
            "assume R --refresh --json",
            "exec R -- sh -c --json -- --profile",
            "exec --profile dev R -- ls -la",
            "exec R --",
        ] {
            let by_hand = parse(&words(line)).expect(line);
            let by_clap = Cli::try_parse_from(words(line)).expect(line);
            assert_eq!(format!("{by_hand:?}"), format!("{by_clap:?}"), "{line}");
        }
    }

    #[test]
    fn fast_path_leaves_other_command_lines_to_clap() {
        for line in [
            "",
            "assume",
            "assume R S",
            "assume R --json --json",
            "assume R --json --env",
            "assume R --profile",
            "assume R --profile --json",
            "assume R --profile a --profile b",
            "assume R --profile=a",
            "assume R --chain",
            "assume R --refresh --refresh",
            "assume R --refresh --no-cache",
            "assume -v R",
            "-v assume R",
            "assume  R",
            "assume R -- x",
            "exec -- true",
            "exec R true",
            "exec R",
            "exec R S -- true",
            "exec R --json -- true",
            "write R --profile-name x",
            "asume R",
        ] {
            assert!(parse(&words(line)).is_none(), "{line}");
        }
    }
}
