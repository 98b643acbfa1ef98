//! `--help` and `-h` of arl and of every subcommand.

use crate::snapshot::Snapshots;
use crate::support::{Run, Stage, in_terminal};

#[test]
fn snapshots_of_help() {
    let stage = Stage::new();
    Snapshots::check("help", |snapshots| {
        let mut commands: Vec<Vec<String>> = vec![Vec::new()];
        while let Some(command) = commands.pop() {
            let help = |flag: &str| {
                let mut arl = stage.bare("arl");
                stage.run(arl.args(&command).arg(flag))
            };
            let name = [&["arl".to_owned()], &command[..]].concat().join("-");
            let short = help("-h");
            snapshots.assert_snapshot(&format!("{name}-short"), &stage, &short);
            snapshots.assert_snapshot(&name, &stage, &help("--help"));
            let subcommands = subcommands(&short.stdout);
            assert!(!subcommands.is_empty() || !command.is_empty(), "arl has commands");
            for subcommand in subcommands {
                commands.push([&command[..], &[subcommand.to_owned()]].concat());
            }
        }
    });
}

/// The names in the groups of arl's own help, or under `Commands:`, without `help`.
fn subcommands(help: &str) -> Vec<&str> {
    let groups =
        help.lines().skip_while(|line| !line.starts_with("Use a role")).take_while(|line| !line.is_empty());
    // `More        cache, arn` lists names only.
    let in_groups = groups.flat_map(|line| {
        let listed = line.strip_prefix("More ");
        let names = listed.unwrap_or_else(|| line[12..].split(' ').next().unwrap_or_default());
        names.split(',').map(str::trim)
    });
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = commands.map_while(|line| line.strip_prefix("  ")?.split(' ').next());
    in_groups.chain(names).filter(|name| !name.is_empty() && *name != "help").collect()
}

/// At a terminal of any width no line is longer than it, and the rest of a description is below its beginning.
#[test]
fn help_fits_the_terminal() {
    let stage = Stage::new();
    for columns in [80, 60] {
        for words in [
            "",
            "assume",
            "exec",
            "each",
            "console",
            "configure",
            "keys",
            "keys add",
            "login",
            "status",
            "write",
        ] {
            for flag in ["-h", "--help"] {
                let line = format!("sh -c 'stty cols {columns} rows 24; exec arl {words} {flag}'");
                let run = Run::of(in_terminal(&stage, &line).env("NO_COLOR", "1").output().unwrap());
                let long: Vec<&str> =
                    run.stdout.lines().filter(|line| line.trim_end().chars().count() > columns).collect();
                // A word cannot be broken.
                let is_word = |line: &&str| line.trim().split(' ').any(|word| word.len() + 30 > columns);
                assert!(long.iter().all(is_word), "arl {words} {flag} at {columns}: {long:#?}");
            }
        }
    }
    let run =
        Run::of(in_terminal(&stage, "sh -c 'stty cols 80 rows 24; exec arl assume -h'").output().unwrap());
    assert!(run.stdout.contains("choose\r\n                                     from a list\r\n"), "{run:?}");
    let colored = stage.run(stage.bare("arl").args(["keys", "-h", "--color=always"]));
    assert!(colored.success().contains("\u{1b}["), "--color=always");
    // A command that needs another one shows the same help without a flag.
    let run = Run::of(in_terminal(&stage, "sh -c 'stty cols 80 rows 24; exec arl keys'").output().unwrap());
    let short =
        Run::of(in_terminal(&stage, "sh -c 'stty cols 80 rows 24; exec arl keys -h'").output().unwrap());
    assert_eq!((run.status, &run.stdout), (2, &short.stdout), "{run:?}");
}
