//! A failed `arl assume` makes `eval` fail, in every shell and for every reason.

use std::io::Read;
use std::process::Stdio;

use arl_sts::Fault;

use crate::support::{DEPLOY, SHELLS, Stage};

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
    for (shell, _) in SHELLS {
        let stage = Stage::new();
        for (arguments, status) in failures {
            let line = if shell == "fish" {
                format!(
                    "arl {arguments} | source; and touch ran; set code $status; echo $code $AWS_ACCESS_KEY_ID"
                )
            } else {
                format!("eval \"$(arl {arguments})\" && touch ran; code=$?; echo $code $AWS_ACCESS_KEY_ID")
            };
            let run = stage.run(stage.as_ann(shell).args(["-c", &line]));
            assert!(!stage.home.join("ran").exists(), "{shell}: {arguments}");
            assert_eq!(
                run.stdout,
                format!("{status} AKIAIOSFODNN7ANN0001\n"),
                "{shell}: {arguments}: {run:?}"
            );
        }
        // A control: if assume succeeds, the next command runs.
        let line = if shell == "fish" {
            format!("arl assume {DEPLOY} | source; and touch ran")
        } else {
            format!("eval \"$(arl assume {DEPLOY})\" && touch ran")
        };
        let _ = stage.run(stage.as_ann(shell).args(["-c", &line])).success();
        assert!(stage.home.join("ran").exists(), "{shell}");
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
    for (shell, _) in SHELLS.iter().filter(|(shell, _)| *shell != "fish") {
        let stage = Stage::new();
        let line =
            format!("readonly AWS_PROFILE; eval \"$(arl assume {DEPLOY})\"; echo $? $AWS_ACCESS_KEY_ID");
        let run = stage.run(stage.as_ann(shell).args(["-c", &line]));
        assert_eq!(run.stdout, "1 AKIAIOSFODNN7ANN0001\n", "{shell}: {run:?}");
        assert!(run.stderr.contains("is readonly, so nothing was changed"), "{shell}: {run:?}");
    }
}

#[test]
fn evaluating_help_changes_nothing() {
    for (shell, _) in SHELLS {
        let stage = Stage::new();
        for verb in ["assume", "clear", "init", ""] {
            let line = match shell {
                "fish" => format!("arl {verb} --help | source; echo; echo is $AWS_ACCESS_KEY_ID"),
                _ => format!("eval \"$(arl {verb} --help)\"; echo; echo is $AWS_ACCESS_KEY_ID"),
            };
            let output = stage.as_ann(shell).args(["-c", &line]).output().unwrap();
            let stdout = String::from_utf8_lossy(&output.stdout);
            assert!(!stdout.contains("is ASIA"), "{shell} {verb}: {stdout}");
            assert!(stage.sts.requests().is_empty(), "{shell} {verb}");
        }
        assert_eq!(
            std::fs::read_dir(&stage.home)
                .unwrap()
                .filter(|entry| !entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'))
                .count(),
            0,
            "{shell}"
        );
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
    let line = format!(
        "set -Ux AWS_CREDENTIAL_FILE x; arl assume {DEPLOY} | source; and touch ran; echo $AWS_ACCESS_KEY_ID"
    );
    let run = stage.run(stage.as_ann("fish").args(["-c", &line]));
    assert!(run.stderr.contains("set -eU AWS_CREDENTIAL_FILE"), "{run:?}");
    assert_eq!(run.stdout, "AKIAIOSFODNN7ANN0001\n");
    assert!(!stage.home.join("ran").exists());
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
        assert_eq!(out, "(exit 1);\n", "{signal}");
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(number), "{signal}");
    }
}
