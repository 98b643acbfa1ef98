//! Exit statuses, and which commands the function leaves to the arl program.

use super::{CLOSED, READ_ONLY};
use crate::shell::{ALL, BASH, FISH, HOOKED, ShellSession, ZSH, evaluate};
use crate::support::{DEPLOY, Stage};

#[test]
fn hooks_keep_the_status_of_the_last_command() {
    for shell in HOOKED {
        let stage = Stage::new();
        let fail = "sh -c 'exit 7'";
        let session = ShellSession::new(&stage, shell).line(fail).append_status("no-role");
        let session = session.assume(DEPLOY).line(fail).append_status("role");
        let expire = shell.fish_or("set -gx ARL_EXPIRES_AT 1", "export ARL_EXPIRES_AT=1");
        let run = session.line(format!("{expire}; {fail}")).append_status("expiry").typed();
        for file in ["no-role", "role", "expiry"] {
            assert_eq!(run.file(file), "7\n", "{file}: {run:?}");
        }
    }
    for (shell, show) in [
        (BASH, "echo ${PIPESTATUS[*]} >statuses"),
        (ZSH, "echo $pipestatus >statuses"),
        (FISH, "echo $pipestatus >statuses"),
    ] {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).assume(DEPLOY);
        let run = session.line("true | sh -c 'exit 3' | true").line(show).typed();
        assert_eq!(run.file("statuses"), "0 3 0\n", "{run:?}");
    }
}

#[test]
fn a_failed_assume_keeps_the_role_and_returns_its_status() {
    for shell in ALL {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).assume(DEPLOY).dump("first");
        let run = session
            .assume(CLOSED)
            .append_status("statuses")
            .assume(&format!("{READ_ONLY} --duration 1s"))
            .append_status("statuses")
            .assume("123456789012/NeedsMfa --serial-number GAHT12345678")
            .append_status("statuses")
            .dump("then")
            .run();
        assert_eq!(run.file("statuses"), "1\n2\n3\n", "{run:?}");
        assert_eq!(run.environment("then"), run.environment("first"), "{run:?}");
    }
}

#[test]
fn commands_that_print_no_statements_pass_through_the_function() {
    for shell in ALL {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell)
            .line("umask 077")
            .assume(DEPLOY)
            .dump("first")
            .line(format!("arl --color never assume {READ_ONLY} --json >json"))
            .assume(&format!("{READ_ONLY} --shell posix >statements"))
            .line(format!("arl exec {READ_ONLY} -- sh -c 'echo $ARL_SOURCE; exit 9' >child"))
            .append_status("status")
            .assume(&format!("{READ_ONLY} --format=dotenv >dotenv"))
            .line(format!("arl explain {READ_ONLY} --json >explained"))
            .line(format!("arl write {READ_ONLY} --profile-name ro"))
            .line(format!("arl each {READ_ONLY} -- sh -c 'echo $ARL_SOURCE' >each"))
            .assume("--help >help")
            .dump("then");
        let session =
            session.line(format!("arl -q assume {READ_ONLY}")).line("arl status --json >role-status");
        let run = session.clear().line("arl status >status-without-role").run();
        assert_eq!(run.environment("then"), run.environment("first"), "{run:?}");
        assert!(run.file("json").starts_with('{'), "{run:?}");
        assert!(run.file("statements").contains("\\export"), "{run:?}");
        assert_eq!(run.file("child"), "env:AKIAIOSFODNN7ANN0001\n", "{run:?}");
        assert_eq!(run.file("status"), "9\n", "{run:?}");
        assert!(run.file("dotenv").starts_with("AWS_ACCESS_KEY_ID="), "{run:?}");
        assert!(run.file("explained").contains("environment, key …0001"), "{run:?}");
        assert!(run.file(".aws/credentials").contains("[ro]"), "{run:?}");
        assert_eq!(run.file("each"), format!("{READ_ONLY}: env:AKIAIOSFODNN7ANN0001\n"), "{run:?}");
        assert!(run.file("help").starts_with("Switch this shell"), "{run:?}");
        assert!(run.file("role-status").contains("role/ReadOnly\""), "{run:?}");
        let without_role =
            "no role; arl did not set the keys in this shell\n  hook      scripts have no prompt hook\n";
        assert_eq!(run.file("status-without-role"), without_role, "{run:?}");
    }
}

/// Prints the role of this shell, or `none`.
const PRINT_ROLE: &str = "sh -c 'echo ${ARL_ROLE_ARN:-none}'";

#[test]
fn in_a_pipeline_the_subshell_becomes_the_role_and_the_pipe_gets_no_secret() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        let run = ShellSession::new(&stage, *shell)
            .line(format!("{{ arl assume {DEPLOY} && {PRINT_ROLE}; }} | cat >log"))
            .line(format!(
                "for r in {READ_ONLY} {DEPLOY}; do arl assume $r && {PRINT_ROLE}; done | cat >>log"
            ))
            .line(format!("( ( arl assume {DEPLOY} && {PRINT_ROLE} ) ) | cat >>log"))
            .line(format!("{{ arl assume {CLOSED} 2>/dev/null || {PRINT_ROLE}; }} | cat >>log"))
            .line(format!("arl assume {DEPLOY}; {{ arl clear && {PRINT_ROLE}; }} | cat >>log"))
            .run();
        assert_eq!(run.status, 0, "{run:?}");
        stage.assert_no_secret(&run.file("log"));
        let read_only = "arn:aws:iam::123456789012:role/ReadOnly";
        let expected = format!("{DEPLOY}\n{read_only}\n{DEPLOY}\n{DEPLOY}\n(exit 1)\nnone\nnone\n");
        assert_eq!(run.file("log"), expected, "{run:?}");
    }
}

#[test]
fn a_substitution_that_the_shell_evaluates_gets_the_statements_however_deep_it_is() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        let (assume, clear) = (evaluate("sh", &format!("assume {DEPLOY}")), evaluate("sh", "clear"));
        let piped = format!("{{ {assume}; {PRINT_ROLE}; {clear}; {PRINT_ROLE}; }} | cat");
        // Another process reads the pipe that the whole shell writes to.
        let inherited = format!("( arl assume {DEPLOY} && {PRINT_ROLE} )");
        let nested = format!("x=$(y=$(arl assume {DEPLOY}); printf '%s\\n' \"$y\"); eval \"$x\"");
        let run = ShellSession::new(&stage, *shell)
            .line(inherited)
            .line(piped)
            .line(format!("{nested}; {PRINT_ROLE}; arl clear"))
            .line(format!("eval \"$( (arl assume {DEPLOY}) )\"; {PRINT_ROLE}; arl clear"))
            .line(format!(
                "if eval \"$(arl assume {CLOSED} 2>/dev/null)\"; then echo wrong; else echo $?; fi"
            ))
            // Settings for patterns, errors and word splitting do not matter.
            .line(format!("set -f; set -eu; IFS=0123456789; eval \"$(arl assume {DEPLOY})\"; {PRINT_ROLE}"))
            .run();
        assert_eq!(run.status, 0, "{run:?}");
        let expected = format!("{DEPLOY}\n{DEPLOY}\nnone\n{DEPLOY}\n{DEPLOY}\n1\n{DEPLOY}\n");
        assert_eq!(run.stdout, expected, "{run:?}");
    }
}
