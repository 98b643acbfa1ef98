//! `--help` and `-h` of arl and of every subcommand.

use crate::snapshot::Snapshots;
use crate::support::Stage;

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
            for subcommand in subcommands(&short.stdout) {
                commands.push([&command[..], &[subcommand.to_owned()]].concat());
            }
        }
    });
}

/// The names under `Commands:`, without `help`.
fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = commands.map_while(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help")
}
