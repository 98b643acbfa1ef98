//! Each system call of a writer fails, or kills it.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::{KINDS, Kind, Writer, print_row};

const FAULTS: [&str; 5] = ["signal=SIGKILL", "error=ENOSPC", "error=EIO", "error=EACCES", "error=EROFS"];

/// The writer, under strace with these arguments.
fn traced(writer: &Writer, step: usize, arguments: &[&str]) -> Command {
    let command = writer.command(step);
    let mut strace = writer.stage.bare("timeout");
    // A call that fails must not make arl wait for ever.
    strace.args(["--signal=KILL", "30", "strace", "--follow-forks", "--quiet=all"]).args(arguments);
    strace.arg("--").arg(command.get_program()).args(command.get_args());
    strace.env_clear();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => strace.env(name, value),
            None => strace.env_remove(name),
        };
    }
    strace.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    strace
}

/// How often the writer makes each system call.
fn system_calls(writer: &Writer) -> BTreeMap<String, usize> {
    writer.reset();
    let log = writer.stage.home.join("trace");
    assert!(traced(writer, 1, &["--output", log.to_str().unwrap()]).status().unwrap().success());
    let mut calls = BTreeMap::new();
    for line in fs::read_to_string(log).unwrap().lines() {
        let call = line.split_once(' ').unwrap().1.trim_start();
        if let Some((name, _)) = call.split_once('(').filter(|(name, _)| !name.contains([' ', '<', '+'])) {
            *calls.entry(name.to_owned()).or_default() += 1;
        }
    }
    calls
}

/// What came of the faults.
#[derive(Default, Debug)]
struct Figures {
    runs: usize,
    reported: usize,
    new: usize,
    torn: usize,
    silent: usize,
    hung: usize,
}

fn inject(writer: &Writer, is_tested: impl Fn(usize) -> bool) -> Figures {
    let mut figures = Figures::default();
    let mut number = 0;
    for (name, count) in system_calls(writer) {
        for fault in FAULTS {
            for when in 1..=count {
                number += 1;
                if !is_tested(number) {
                    continue;
                }
                writer.reset();
                let before = writer.version();
                let injection = format!("inject={name}:{fault}:when={when}");
                let only = format!("trace={name}");
                let arguments = ["--output=/dev/null", "-e", &only, "-e", &injection];
                let status = traced(writer, number, &arguments).status().unwrap();
                let after = writer.version();
                let case = || format!("{:?}, {injection}: {status:?}, {after:?}", writer.kind);
                figures.runs += 1;
                figures.reported += usize::from(!status.success());
                figures.hung += usize::from(status.code() == Some(137) && !fault.contains("KILL"));
                figures.torn += usize::from(after.is_err());
                figures.new += usize::from(after.is_ok() && before != after);
                if writer.kind == Kind::InPlace {
                    continue;
                }
                assert!(after.is_ok(), "{}", case());
                // A session is of use even if it could not be cached. Everything else must say that it failed.
                let is_silent = status.success() && before == after && writer.kind != Kind::CacheEntry;
                figures.silent += usize::from(is_silent);
                assert!(!is_silent, "{}", case());
            }
        }
    }
    figures
}

#[test]
fn a_failing_system_call_leaves_the_old_file_or_the_new_one() {
    let is_all = std::env::var("ARL_CRASH_SYSCALLS").is_ok_and(|which| which == "all");
    print_row("| file | faults | reported | new version | torn | success without effect | hung |");
    print_row("|---|---|---|---|---|---|---|");
    for kind in KINDS.into_iter().chain([Kind::InPlace]) {
        let writer = Writer::new(kind);
        let stride = if is_all { 1 } else { 41 };
        let is_control = kind == Kind::InPlace;
        let Figures { runs, reported, new, torn, silent, hung } =
            inject(&writer, |number| is_control || number % stride == 0);
        print_row(&format!("| {kind:?} | {runs} | {reported} | {new} | {torn} | {silent} | {hung} |"));
        if is_control {
            assert!(torn > 0, "the control does not fail, so the others prove nothing");
            continue;
        }
        assert_eq!((torn, hung), (0, 0), "{kind:?}");
        writer.reset();
        assert!(writer.command(0).status().unwrap().success(), "{kind:?}: nothing works afterwards");
    }
}
