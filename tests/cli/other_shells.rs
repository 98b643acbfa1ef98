//! tcsh, nushell, elvish and xonsh running scripts; and PowerShell and cmd, whose statements are compared as
//! text.

use std::path::Path;
use std::process::Command;

use arl::shell::{Dialect, Handover, Memory};
use arl_sts::World;

use crate::quoting::{identity, values};
use crate::support::{DEPLOY, Run, Stage};

const READ_ONLY: &str = "123456789012/ReadOnly";

/// nushell from the package registry; `tests/install-tools.sh` puts it there.
pub(crate) fn nushell() -> String {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/nushell/node_modules/@nushell/linux-x64/bin/nu");
    assert!(path.exists(), "{} is missing: run tests/install-tools.sh", path.display());
    path.display().to_string()
}

/// A shell that runs a file without anybody's settings.
fn shell(stage: &Stage, name: &str, file: &str) -> Command {
    let mut command = match name {
        "nushell" => stage.as_ann(nushell()),
        _ => stage.as_ann(name),
    };
    let flags: &[&str] = match name {
        "tcsh" => &["-f"],
        "nushell" => &["--no-config-file"],
        "elvish" => &["-norc"],
        "xonsh" => &["--no-rc"],
        _ => &[],
    };
    command.args(flags).arg(file);
    command
}

fn run(stage: &Stage, name: &str, text: &str) -> Run {
    std::fs::write(stage.home.join("script"), text).unwrap();
    stage.run(&mut shell(stage, name, "script"))
}

/// The identity variables in a dump that `env` made, sorted.
pub(crate) fn identity_of(stage: &Stage, dump: &str, run: &Run) -> Vec<String> {
    let text = std::fs::read_to_string(stage.home.join(dump))
        .unwrap_or_else(|error| panic!("{dump}: {error}: {run:?}"));
    let is_ours = |line: &&str| ["AWS_", "ARL_", "__arl"].iter().any(|start| line.starts_with(start));
    // Of the stage, not of the shell.
    let is_ours = |line: &&str| is_ours(line) && !line.starts_with("ARL_CACHE=");
    let mut lines: Vec<String> = text.lines().filter(is_ours).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn every_shell_reads_back_hostile_values_exactly() {
    let values = values(400);
    for name in ["tcsh", "nushell", "elvish", "xonsh"] {
        let stage = Stage::new();
        let dialect: Dialect = name.parse().unwrap();
        let (mut script, mut expected) = (String::new(), String::new());
        for value in &values {
            let identity = identity(value);
            let handover =
                Handover { identity: &identity, memory: Memory::Foreign, refresh: vec![value.clone()] };
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
            std::fs::write(stage.home.join("lines"), &script).unwrap();
            script = "open --raw lines | lines | each {|line| with-env {ARL_SOURCE: ($line | from json | get ARL_SOURCE)} { ^printenv ARL_SOURCE } } | str join \"\\n\"\n".into();
        }
        std::fs::write(stage.home.join("script"), script).unwrap();
        let output = shell(&stage, name, "script").output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        for (was, value) in stdout.lines().zip(expected.lines()) {
            assert_eq!(was, value, "{name}");
        }
        assert_eq!(
            stdout.trim_end_matches('\n'),
            expected.trim_end_matches('\n'),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!stage.home.join("CANARY").exists() && !stage.home.join("CANARY;").exists(), "{name}");
    }
}

#[test]
fn a_failed_assume_fails_in_these_shells() {
    for (name, text) in [
        ("tcsh", "eval \"`arl assume ROLE`\" && touch ran\n"),
        ("nushell", "arl assume ROLE --shell nushell | from json | load-env\ntouch ran\n"),
        ("elvish", "eval (arl assume ROLE | slurp)\ntouch ran\n"),
        ("xonsh", "execx($(arl assume ROLE --shell xonsh))\ntouch ran\n"),
    ] {
        let stage = Stage::new();
        let failed = run(&stage, name, &text.replace("ROLE", "123456789012/Closed"));
        assert!(!stage.home.join("ran").exists(), "{name}: {failed:?}");
    }
    for (dialect, statement) in [("powershell", "throw 'arl failed with status 1'\n"), ("cmd", "exit /b 1\n")]
    {
        let stage = Stage::new();
        assert_eq!(stage.arl(&["assume", "123456789012/Closed", "--shell", dialect]).stdout, statement);
    }
}

#[test]
fn tcsh_assumes_and_clears_a_role_with_eval() {
    let stage = Stage::new();
    let text = format!(
        "setenv AWS_PROFILE \"it's odd\\!\"\nsetenv AWS_REGION us-east-2\nenv > before\n\
         eval \"`arl assume {DEPLOY} --region eu-west-1`\"\nenv > held\neval \"`arl clear`\"\nenv > after\n"
    );
    let run = run(&stage, "tcsh", &text);
    assert_eq!(run.status, 0, "{run:?}");
    let held = identity_of(&stage, "held", &run);
    for line in ["AWS_REGION=eu-west-1".to_owned(), format!("ARL_ROLE_ARN={DEPLOY}")] {
        assert!(held.contains(&line), "{run:?}");
    }
    assert_eq!(identity_of(&stage, "after", &run), identity_of(&stage, "before", &run));
    // A value with a newline cannot be restored in tcsh, so assume fails.
    let stage = Stage::new();
    let mut command = stage.as_ann("arl");
    command.args(["assume", DEPLOY, "--shell", "tcsh"]).env("AWS_CREDENTIAL_SCOPE", "a\nb");
    stage.run(&mut command).failure(1, "holds characters that the output format cannot carry");
}

#[test]
fn nushell_elvish_and_xonsh_functions_switch_expire_and_restore() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("shell");
    for (name, file, script) in [
        (
            "nushell",
            "arl.nu",
            "SOURCE\n^env o> before\narl assume DEPLOY --region eu-west-1\n^env o> a\narl assume READONLY\n^env o> b\ntry { arl assume 123456789012/Closed } catch { 'failed' o> failed }\n^env o> c\narl exec DEPLOY -- sh -c 'echo $0 >child; env >>child'\narl explain READONLY --json | save told\n$env.ARL_EXPIRES_AT = '1'\n__arl_hook\n__arl_hook\n^env o> cleared\narl clear\n^env o> after\narl assume DEPLOY --region eu-west-1\n$env.AWS_ACCESS_KEY_ID = 'AKIAMINE'\n$env.ARL_EXPIRES_AT = '1'\n$env.AWS_CREDENTIAL_EXPIRATION = '1970-01-01T00:00:01Z'\n__arl_hook\n^env o> mine\n",
        ),
        (
            "elvish",
            "arl.elv",
            "SOURCE\nenv > before\narl assume DEPLOY --region eu-west-1\nenv > a\narl assume READONLY\nenv > b\ntry { arl assume 123456789012/Closed } catch e { echo failed > failed }\nenv > c\narl exec DEPLOY -- sh -c 'env >child'\narl explain READONLY --json > told\nset-env ARL_EXPIRES_AT 1\n__arl_hook\n__arl_hook\nenv > cleared\narl clear\nenv > after\narl assume DEPLOY --region eu-west-1\nset-env AWS_ACCESS_KEY_ID AKIAMINE\nset-env ARL_EXPIRES_AT 1\nset-env AWS_CREDENTIAL_EXPIRATION 1970-01-01T00:00:01Z\n__arl_hook\nenv > mine\n",
        ),
        (
            "xonsh",
            "arl.xsh",
            "SOURCE\nenv > before\narl assume DEPLOY --region eu-west-1\nenv > a\narl assume READONLY\nenv > b\narl assume 123456789012/Closed or echo failed > failed\nenv > c\narl exec DEPLOY -- sh -c 'env >child'\narl explain READONLY --json > told\n$ARL_EXPIRES_AT = '1'\nevents.on_pre_prompt.fire()\nevents.on_pre_prompt.fire()\nenv > cleared\narl clear\nenv > after\narl assume DEPLOY --region eu-west-1\n$AWS_ACCESS_KEY_ID = 'AKIAMINE'\n$ARL_EXPIRES_AT = '1'\n$AWS_CREDENTIAL_EXPIRATION = '1970-01-01T00:00:01Z'\nevents.on_pre_prompt.fire()\nenv > mine\n",
        ),
    ] {
        let stage = Stage::new();
        let path = directory.join(file);
        let source = match name {
            // Key bindings need a terminal.
            "elvish" => std::fs::read_to_string(&path)
                .unwrap()
                .lines()
                .filter(|line| !line.starts_with("edit:") && !line.starts_with("set edit:"))
                .collect::<Vec<_>>()
                .join("\n"),
            _ => format!("source {}", path.display()),
        };
        let text = script.replace("SOURCE", &source).replace("DEPLOY", DEPLOY).replace("READONLY", READ_ONLY);
        std::fs::write(stage.home.join("script"), text).unwrap();
        let mut command = shell(&stage, name, "script");
        command.env("AWS_REGION", "us-east-2").env("AWS_PROFILE", "it's \"odd\" $(touch CANARY)");
        let run = stage.run(&mut command);
        let ours = |dump: &str| identity_of(&stage, dump, &run);
        let has = |dump: &str, line: &str| ours(dump).iter().any(|l| l == line);
        assert!(
            has("a", &format!("ARL_ROLE_ARN={DEPLOY}")) && has("a", "AWS_REGION=eu-west-1"),
            "{name}: {run:?}"
        );
        assert!(!ours("a").iter().any(|l| l.starts_with("AWS_PROFILE") || l.starts_with("__arl")), "{name}");
        assert!(
            has("b", "ARL_ROLE_ARN=arn:aws:iam::123456789012:role/ReadOnly")
                && has("b", "AWS_REGION=us-east-2"),
            "{name}: {run:?}"
        );
        assert!(stage.home.join("failed").exists(), "{name}: {run:?}");
        assert_eq!(ours("c"), ours("b"), "{name}");
        assert!(has("child", &format!("ARL_ROLE_ARN={DEPLOY}")), "{name}: {run:?}");
        for request in stage.assumed() {
            assert_eq!(request.access_key_id, World::ANN_KEY, "{name}");
        }
        let told = std::fs::read_to_string(stage.home.join("told")).unwrap();
        assert!(told.contains("environment, key …0001"), "{name}: {told} {run:?}");
        assert!(
            !ours("cleared")
                .iter()
                .any(|l| l.starts_with("AWS_ACCESS") || l.starts_with("ARL_") || l.starts_with("AWS_SES")),
            "{name}: {run:?}"
        );
        assert_eq!(
            run.stderr.matches("arl: role/ReadOnly in 123456789012 expired").count(),
            1,
            "{name}: {run:?}"
        );
        assert_eq!(ours("after"), ours("before"), "{name}: {run:?}");
        // If other keys replaced the role's, expiry removes the role's remaining variables.
        let left = |l: &String| {
            l.starts_with("ARL_") || l.starts_with("AWS_CREDENTIAL_EXP") || l.starts_with("AWS_ACCOUNT_ID")
        };
        assert!(!ours("mine").iter().any(left), "{name}: {run:?}");
        let kept = has("mine", "AWS_ACCESS_KEY_ID=AKIAMINE") && has("mine", "AWS_REGION=us-east-2");
        assert!(kept && ours("mine").iter().any(|l| l.starts_with("AWS_SESSION_TOKEN")), "{name}: {run:?}");
        assert!(!stage.home.join("CANARY").exists(), "{name}");
    }
}

#[test]
fn sourcing_the_nushell_script_twice_installs_each_hook_once() {
    let stage = Stage::new();
    let source = format!("source {}/shell/arl.nu\n", env!("CARGO_MANIFEST_DIR"));
    let count = "print ($env.config.hooks.pre_prompt | where arl | length) ($env.config.hooks.pre_execution | where arl | length)\n";
    assert_eq!(run(&stage, "nushell", &format!("{source}{source}{count}")).success(), "1\n1\n");
}

#[test]
fn the_tcsh_alias_switches_roles_and_restores() {
    let stage = Stage::new();
    let text = format!(
        "source {}/shell/arl.tcsh\nenv > before\narl assume {DEPLOY} --region eu-west-1\n\
         arl assume {READ_ONLY} --role-session-name {{user}} --tags \"a=b c\"\necho $status > status\nenv > b\n\
         arl assume 123456789012/Closed\necho $status >> status\n\
         arl exec {DEPLOY} -- sh -c 'echo \"$ARL_ROLE_ARN $1\" > child; exit 5' sh \"x  y\"\necho $status >> status\n\
         (arl explain {READ_ONLY} --json) > told\nenv > c\narl clear\nenv > after\n",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut command = shell(&stage, "tcsh", "script");
    std::fs::write(stage.home.join("script"), text).unwrap();
    let run = stage.run(command.env("AWS_REGION", "us-east-2"));
    let read = |name: &str| {
        let text = std::fs::read_to_string(stage.home.join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}: {run:?}"));
        let mut lines: Vec<String> =
            text.lines().filter(|l| !l.starts_with("_=")).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(read("status"), ["0", "1", "5"], "{run:?}");
    assert_eq!(read("child"), [format!("{DEPLOY} x  y")], "{run:?}");
    assert!(read("told")[0].contains("environment, key …0001"), "{run:?}");
    assert!(read("b").contains(&"AWS_REGION=us-east-2".to_owned()), "{run:?}");
    assert_eq!(read("c"), read("b"));
    assert_eq!(read("after"), read("before"));
    assert_eq!(stage.assumed()[1].get("Tags.member.1.Value"), Some("b c"));
    for request in stage.assumed() {
        assert_eq!(request.access_key_id, World::ANN_KEY);
    }
}

#[test]
fn scripts_of_these_shells_clear_every_identity_variable() {
    for name in ["arl.nu", "arl.elv", "arl.xsh", "arl.ps1"] {
        let text =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("shell").join(name)).unwrap();
        for variable in arl::IDENTITY_VARIABLES {
            let known =
                text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == variable);
            assert!(known, "{name} does not clear {variable}");
        }
    }
    let stage = Stage::new();
    for shell in
        ["bash", "zsh", "fish", "ksh", "mksh", "sh", "nushell", "elvish", "xonsh", "tcsh", "powershell"]
    {
        assert!(stage.arl(&["init", shell]).success().contains("arl"), "{shell}");
    }
    stage.arl(&["init", "cmd"]).failure(2, "there is no hook for `cmd`");
}
