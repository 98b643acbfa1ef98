//! tcsh, nushell, elvish and xonsh running scripts; and PowerShell and cmd, whose statements are compared as
//! text.

use std::fs;
use std::path::{Path, PathBuf};

use arl::internal::shell::{RestorePoint, RoleMemory, Shell as Dialect, ShellUpdate};
use arl_sts::World;

use crate::hooks::READ_ONLY;
use crate::quoting::{identity, values};
use crate::shell::{ASKING, ELVISH, NUSHELL, Shell, ShellSession, TCSH, XONSH};
use crate::support::{DEPLOY, Stage};

const CLOSED: &str = "123456789012/Closed";

/// The directory of the shell scripts.
fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("shell")
}

#[test]
fn every_shell_reads_back_hostile_values_exactly() {
    let values = values(400);
    for shell in ASKING {
        let name = shell.name;
        let stage = Stage::new();
        let dialect: Dialect = name.parse().unwrap();
        let (mut script, mut expected) = (String::new(), String::new());
        for value in &values {
            let identity = identity(value);
            let handover = ShellUpdate {
                identity: &identity,
                restore_point: RestorePoint::Untrusted,
                refresh: vec![value.clone()],
                memory: RoleMemory { words: vec![value.clone()], is_untrusted: false, is_for_function: true },
            };
            let Ok(text) = dialect.assume(&handover) else {
                assert!(value.chars().any(char::is_control), "{name} refuses {value:?}");
                continue;
            };
            script.push_str(&String::from_utf8(text).unwrap());
            script.push_str(match name {
                "xonsh" => "print(__xonsh__.env['ARL_SOURCE'])\n",
                "nushell" => "",
                _ => "printenv ARL_SOURCE\n",
            });
            expected.push_str(value);
            expected.push('\n');
        }
        if name == "nushell" {
            // nushell's statements are a JSON object on one line.
            fs::write(stage.home.join("lines"), &script).unwrap();
            let load = "with-env {ARL_SOURCE: ($line | from json | get ARL_SOURCE)} { ^printenv ARL_SOURCE }";
            script = format!("open --raw lines | lines | each {{|line| {load} }} | str join \"\\n\"\n");
        }
        let run = ShellSession::without_init(&stage, shell).line(script).run();
        for (actual, value) in run.stdout.lines().zip(expected.lines()) {
            assert_eq!(actual, value, "{name}");
        }
        let (actual, expected) = (run.stdout.trim_end_matches('\n'), expected.trim_end_matches('\n'));
        assert_eq!(actual, expected, "{name}: {}", run.stderr);
        assert!(!run.has_file("CANARY") && !run.has_file("CANARY;"), "{name}");
    }
}

#[test]
fn a_failed_assume_fails_in_these_shells() {
    for (shell, evaluate) in [
        (TCSH, "eval \"`arl assume ROLE`\" && touch ran"),
        (NUSHELL, "arl assume ROLE --shell nushell | from json | load-env\ntouch ran"),
        (ELVISH, "eval (arl assume ROLE | slurp)\ntouch ran"),
        (XONSH, "execx($(arl assume ROLE --shell xonsh))\ntouch ran"),
    ] {
        let stage = Stage::new();
        let session = ShellSession::without_init(&stage, shell);
        let run = session.line(evaluate.replace("ROLE", CLOSED)).run();
        assert!(!run.has_file("ran"), "{run:?}");
    }
    for (dialect, statement) in [("powershell", "throw 'arl failed with status 1'\n"), ("cmd", "exit /b 1\n")]
    {
        let stage = Stage::new();
        assert_eq!(stage.arl(&["assume", CLOSED, "--shell", dialect]).stdout, statement);
    }
}

#[test]
fn tcsh_assumes_and_clears_a_role_with_eval() {
    let stage = Stage::new();
    let session = ShellSession::without_init(&stage, TCSH)
        .line("setenv AWS_PROFILE \"it's odd\\!\"")
        .export("AWS_REGION", "us-east-2")
        .dump("before")
        .line(format!("eval \"`arl assume {DEPLOY} --region eu-west-1`\""))
        .dump("assumed");
    let run = session.line("eval \"`arl clear`\"").dump("after").run();
    assert_eq!(run.status, 0, "{run:?}");
    let assumed = run.environment("assumed");
    assert!(assumed.has("AWS_REGION=eu-west-1"), "{run:?}");
    assert!(assumed.has(&format!("ARL_ROLE_ARN={DEPLOY}")), "{run:?}");
    assert_eq!(run.environment("after"), run.environment("before"), "{run:?}");
    // A value with a newline cannot be restored in tcsh, so assume fails.
    let stage = Stage::new();
    let mut command = stage.as_ann("arl");
    command.args(["assume", DEPLOY, "--shell", "tcsh"]).env("AWS_CREDENTIAL_SCOPE", "a\nb");
    stage.run(&mut command).failure(1, "contains characters that the output format cannot represent");
}

/// Defines the function `arl` in a script.
fn source(shell: Shell, file: &str) -> String {
    let path = scripts().join(file);
    if shell.name != "elvish" {
        return format!("source {}", path.display());
    }
    // elvish cannot set key bindings without a terminal.
    let text = fs::read_to_string(path).unwrap();
    let is_binding = |line: &&str| line.starts_with("edit:") || line.starts_with("set edit:");
    text.lines().filter(|line| !is_binding(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn nushell_elvish_and_xonsh_functions_switch_expire_and_restore() {
    for (shell, file, on_failure, hook) in [
        (NUSHELL, "arl.nu", "try { COMMAND } catch { 'failed' o> failed }", "__arl_hook"),
        (ELVISH, "arl.elv", "try { COMMAND } catch e { echo failed > failed }", "__arl_hook"),
        (XONSH, "arl.xsh", "COMMAND or echo failed > failed", "events.on_pre_prompt.fire()"),
    ] {
        let stage = Stage::new();
        let save = if shell.name == "nushell" { "| save explained" } else { "> explained" };
        let run = ShellSession::without_init(&stage, shell)
            .variable("AWS_REGION", "us-east-2")
            .variable("AWS_PROFILE", "it's \"odd\" $(touch CANARY)")
            .line(source(shell, file))
            .dump("before")
            .assume(&format!("{DEPLOY} --region eu-west-1"))
            .dump("first")
            .assume(READ_ONLY)
            .dump("second")
            .line(on_failure.replace("COMMAND", &format!("arl assume {CLOSED}")))
            .dump("after-failure")
            .line(format!("arl exec {DEPLOY} -- sh -c 'env -0 >child'"))
            .line(format!("arl explain {READ_ONLY} --json {save}"))
            .expire()
            .lines([hook, hook])
            .dump("cleared")
            .clear()
            .dump("after")
            .assume(&format!("{DEPLOY} --region eu-west-1"))
            .export("AWS_ACCESS_KEY_ID", "AKIAMINE")
            .expire()
            .export("AWS_CREDENTIAL_EXPIRATION", "1970-01-01T00:00:01Z")
            .line(hook)
            .dump("other-keys")
            .run();
        let first = run.environment("first");
        assert!(first.has(&format!("ARL_ROLE_ARN={DEPLOY}")) && first.has("AWS_REGION=eu-west-1"), "{run:?}");
        assert!(!first.has_any("AWS_PROFILE") && !first.has_any("__arl"), "{run:?}");
        let second = run.environment("second");
        assert!(second.has("ARL_ROLE_ARN=arn:aws:iam::123456789012:role/ReadOnly"), "{run:?}");
        assert!(second.has("AWS_REGION=us-east-2"), "{run:?}");
        assert!(run.has_file("failed"), "{run:?}");
        assert_eq!(run.environment("after-failure"), second, "{run:?}");
        assert!(run.environment("child").has(&format!("ARL_ROLE_ARN={DEPLOY}")), "{run:?}");
        for request in stage.assumed() {
            assert_eq!(request.access_key_id, World::ANN_KEY, "{run:?}");
        }
        assert!(run.file("explained").contains("environment, key …0001"), "{run:?}");
        for gone in ["AWS_ACCESS", "ARL_", "AWS_SES"] {
            assert!(!run.environment("cleared").has_any(gone), "{gone}: {run:?}");
        }
        let expired = "arl: role/ReadOnly in 123456789012 expired";
        assert_eq!(run.stderr.matches(expired).count(), 1, "{run:?}");
        assert_eq!(run.environment("after"), run.environment("before"), "{run:?}");
        // If other keys replaced the role's, expiry removes the role's remaining variables.
        let other_keys = run.environment("other-keys");
        for left in ["ARL_", "AWS_CREDENTIAL_EXP", "AWS_ACCOUNT_ID"] {
            assert!(!other_keys.has_any(left), "{left}: {run:?}");
        }
        assert!(other_keys.has("AWS_ACCESS_KEY_ID=AKIAMINE"), "{run:?}");
        assert!(other_keys.has("AWS_REGION=us-east-2"), "{run:?}");
        assert!(other_keys.has_any("AWS_SESSION_TOKEN"), "{run:?}");
        assert!(!run.has_file("CANARY"), "{run:?}");
    }
}

#[test]
fn sourcing_the_nushell_script_twice_installs_each_hook_once() {
    let stage = Stage::new();
    let count = "print ($env.config.hooks.pre_prompt | where arl | length) \
                 ($env.config.hooks.pre_execution | where arl | length)";
    let run = ShellSession::new(&stage, NUSHELL).line(NUSHELL.init).line(count).run();
    assert_eq!((run.status, &*run.stdout), (0, "1\n1\n"), "{run:?}");
}

#[test]
fn the_tcsh_alias_switches_roles_and_restores() {
    let stage = Stage::new();
    let run = ShellSession::without_init(&stage, TCSH)
        .variable("AWS_REGION", "us-east-2")
        .line(source(TCSH, "arl.tcsh"))
        .dump("before")
        .assume(&format!("{DEPLOY} --region eu-west-1"))
        .assume(&format!("{READ_ONLY} --role-session-name {{user}} --tags \"a=b c\""))
        .append_status("status")
        .dump("second")
        .assume(CLOSED)
        .append_status("status")
        .line(format!("arl exec {DEPLOY} -- sh -c 'echo \"$ARL_ROLE_ARN $1\" > child; exit 5' sh \"x  y\""))
        .append_status("status")
        .line(format!("(arl explain {READ_ONLY} --json) > explained"))
        .dump("after-failure")
        .clear()
        .dump("after")
        .run();
    assert_eq!(run.file("status"), "0\n1\n5\n", "{run:?}");
    assert_eq!(run.file("child"), format!("{DEPLOY} x  y\n"), "{run:?}");
    assert!(run.file("explained").contains("environment, key …0001"), "{run:?}");
    assert!(run.environment("second").has("AWS_REGION=us-east-2"), "{run:?}");
    // The whole environment, not only the AWS variables.
    let environment = |dump: &str| {
        let text = run.file(dump);
        let variables = text.split('\0').filter(|variable| !variable.starts_with("_="));
        let mut variables: Vec<String> = variables.map(str::to_owned).collect();
        variables.sort();
        variables
    };
    assert_eq!(environment("after-failure"), environment("second"), "{run:?}");
    assert_eq!(environment("after"), environment("before"), "{run:?}");
    assert_eq!(stage.assumed()[1].get("Tags.member.1.Value"), Some("b c"));
    for request in stage.assumed() {
        assert_eq!(request.access_key_id, World::ANN_KEY);
    }
}

#[test]
fn scripts_of_these_shells_clear_every_identity_variable() {
    for name in ["arl.nu", "arl.elv", "arl.xsh", "arl.ps1"] {
        let text = fs::read_to_string(scripts().join(name)).unwrap();
        for variable in arl::internal::IDENTITY_VARIABLES {
            let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            assert!(words.any(|word| word == variable), "{name} does not clear {variable}");
        }
    }
}

#[test]
fn init_prints_a_script_for_every_shell_but_cmd() {
    let stage = Stage::new();
    for shell in
        ["bash", "zsh", "fish", "ksh", "mksh", "sh", "nushell", "elvish", "xonsh", "tcsh", "powershell"]
    {
        assert!(stage.arl(&["init", shell]).success().contains("arl"), "{shell}");
    }
    stage.arl(&["init", "cmd"]).failure(2, "there is no shell integration for `cmd`");
}

/// `timeout`, `nice` and `op run --` run between the shell and arl; xonsh is a program of Python's.
#[test]
fn the_statements_are_for_the_nearest_shell_above() {
    for (program, flag, dialect) in [
        ("fish", "-c", "fish"),
        ("tcsh", "-fc", "tcsh"),
        ("elvish", "-c", "elvish"),
        ("zsh", "-fc", "zsh"),
        ("mksh", "-c", "posix"),
        ("xonsh", "-c", "xonsh"),
    ] {
        for wrapper in ["", "timeout 60 ", "timeout 60 nice timeout 60 nice timeout 60 "] {
            let stage = Stage::new();
            let arl = format!("{wrapper}env arl clear");
            let mut command = stage.as_ann(program);
            command.env("SHELL", "/bin/sh").env("XONSH_SHOW_TRACEBACK", "0");
            let printed = stage.run(command.args([flag, &arl])).success();
            let expected = stage.arl(&["clear", "--shell", dialect]).success();
            assert_eq!(printed, expected, "{program}: {arl}");
        }
    }
    // Too far away, or no shell at all: SHELL counts.
    let stage = Stage::new();
    let mut command = stage.as_ann("fish");
    command.env("SHELL", "/bin/tcsh").args(["-c", &format!("{}env arl clear", "timeout 60 ".repeat(9))]);
    assert_eq!(stage.run(&mut command).success(), stage.arl(&["clear", "--shell", "tcsh"]).success());
}
