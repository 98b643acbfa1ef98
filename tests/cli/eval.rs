//! A failed `arl assume` makes `eval` fail, in every shell and for every reason.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use arl_sts::{Fault, World};

use crate::shell::{EVALUATING, FISH, Shell, ShellSession, evaluate};
use crate::support::{DEPLOY, Stage};

/// Evaluates what `arl ARGUMENTS` prints, and creates the file `ran` if that succeeds.
fn evaluate_then_touch(shell: Shell, arguments: &str) -> String {
    format!("{}{} touch ran", evaluate(shell.name, arguments), shell.fish_or("; and", " &&"))
}

#[test]
fn commands_after_a_failed_assume_do_not_run() {
    let failures: [(&str, u8); 9] = [
        ("assume 123456789012/Closed", 1),
        ("assume no-such-profile", 1),
        ("assume 123456789012/Deploy --duration 1s", 2),
        ("assume 123456789012/Deploy --no-such-flag", 2),
        ("assume", 2),
        ("asume 123456789012/Deploy", 2),
        ("", 2),
        ("--color sometimes assume 123456789012/Deploy", 2),
        ("assume 123456789012/NeedsMfa --serial-number GAHT12345678", 3),
    ];
    for shell in EVALUATING {
        let stage = Stage::new();
        for (arguments, status) in failures {
            let session =
                ShellSession::without_init(&stage, shell).line(evaluate_then_touch(shell, arguments));
            let run = session.append_status("status").line("echo $AWS_ACCESS_KEY_ID").run();
            assert!(!run.has_file("ran"), "{arguments}: {run:?}");
            assert_eq!(run.file("status"), format!("{status}\n"), "{arguments}: {run:?}");
            assert_eq!(run.stdout, format!("{}\n", World::ANN_KEY), "{arguments}: {run:?}");
            fs::remove_file(stage.home.join("status")).unwrap();
        }
        // A control: if assume succeeds, the next command runs.
        let session = ShellSession::without_init(&stage, shell);
        let run = session.line(evaluate_then_touch(shell, &format!("assume {DEPLOY}"))).run();
        assert_eq!(run.status, 0, "{run:?}");
        assert!(run.has_file("ran"), "{run:?}");
    }
}

#[test]
fn contradicting_output_flags_fail() {
    let stage = Stage::new();
    for flags in ["--env --json", "--json --env", "--format json --format env", "--json --format env"] {
        let line = format!("eval \"$(arl assume 123456789012/Closed {flags})\" && touch ran");
        let run = stage.run(stage.as_ann("sh").args(["-c", &line]));
        assert_ne!(run.status, 0, "{flags}: {run:?}");
        assert!(!stage.home.join("ran").exists(), "{flags}");
    }
}

#[test]
fn a_readonly_variable_makes_assume_fail_and_change_nothing() {
    for shell in EVALUATING.into_iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        let session = ShellSession::without_init(&stage, shell).line("readonly AWS_PROFILE");
        let session = session.line(evaluate(shell.name, &format!("assume {DEPLOY}"))).append_status("status");
        let run = session.line("echo $AWS_ACCESS_KEY_ID").run();
        assert_eq!(run.file("status"), "1\n", "{run:?}");
        assert_eq!(run.stdout, format!("{}\n", World::ANN_KEY), "{run:?}");
        assert!(run.stderr.contains("is readonly, or set -k is on, so arl changed nothing"), "{run:?}");
    }
}

/// The statements end without a separator, so that one more can follow in the same word.
#[test]
fn a_statement_can_follow_in_the_same_command_line() {
    for shell in ["sh", "dash", "bash", "zsh", "ksh93", "mksh", "fish"] {
        let stage = Stage::new();
        let dialect = if shell == "fish" { "fish" } else { "posix" };
        let line = format!("{shell} -c \"$(arl assume {DEPLOY} --shell {dialect}); echo x\\$ARL_ROLE_ARN\"");
        let run = stage.run(stage.as_ann("sh").args(["-c", &line]));
        assert_eq!(run.success(), format!("x{DEPLOY}\n"), "{shell}");
    }
}

#[test]
fn evaluating_help_changes_nothing() {
    for shell in EVALUATING {
        let stage = Stage::new();
        for verb in ["assume", "clear", "init", ""] {
            let session = ShellSession::without_init(&stage, shell);
            let session = session.line(evaluate(shell.name, &format!("{verb} --help"))).line("echo");
            let run = session.line("echo is $AWS_ACCESS_KEY_ID").run();
            assert!(!run.stdout.contains("is ASIA"), "{verb}: {run:?}");
            assert!(stage.sts.requests().is_empty(), "{verb}: {run:?}");
        }
        let entries = fs::read_dir(&stage.home).unwrap();
        let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(names.find(|name| !name.starts_with('.')), None, "{} created a file", shell.name);
    }
}

#[test]
fn fish_can_use_eval() {
    let stage = Stage::new();
    let bad = "eval (arl assume 123456789012/Closed | string collect); and touch ran";
    let run = stage.run(stage.as_ann("fish").args(["-c", bad]));
    assert_eq!(run.status, 1, "{run:?}");
    assert!(!stage.home.join("ran").exists());
    let good = format!("eval (arl assume {DEPLOY} | string collect); and touch ran");
    let _ = stage.run(stage.as_ann("fish").args(["-c", &good])).success();
    assert!(stage.home.join("ran").exists());
}

#[test]
fn errexit_stops_at_a_failed_assume() {
    for shell in ["sh", "bash", "zsh", "ksh93", "mksh"] {
        let stage = Stage::new();
        let line = "set -e; eval \"$(arl assume 123456789012/Closed)\"; touch ran";
        assert_eq!(stage.run(stage.as_ann(shell).args(["-c", line])).status, 1, "{shell}");
        assert!(!stage.home.join("ran").exists(), "{shell}");
    }
}

#[test]
fn a_fish_universal_variable_makes_assume_fail_and_change_nothing() {
    let stage = Stage::new();
    let session = ShellSession::without_init(&stage, FISH).line("set -Ux AWS_CREDENTIAL_FILE x");
    let session = session.line(evaluate_then_touch(FISH, &format!("assume {DEPLOY}")));
    let run = session.line("echo $AWS_ACCESS_KEY_ID").run();
    assert!(run.stderr.contains("set -eU AWS_CREDENTIAL_FILE"), "{run:?}");
    assert_eq!(run.stdout, format!("{}\n", World::ANN_KEY), "{run:?}");
    assert!(!run.has_file("ran"), "{run:?}");
}

#[test]
fn an_interrupted_assume_writes_the_failing_statement_and_dies_by_the_signal() {
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let stage = Stage::new();
        stage.sts.inject(Fault::Silence, 1);
        let mut command = stage.as_ann("arl");
        command.args(["assume", DEPLOY, "--shell", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        while stage.sts.requests().is_empty() {
            std::thread::yield_now();
        }
        let kill = stage.run(stage.bare("kill").args([&format!("-{signal}"), &child.id().to_string()]));
        assert_eq!(kill.status, 0);
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(out, "(exit 1)\n", "{signal}");
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(number), "{signal}");
    }
}
