//! The hooks of tcsh, nushell, elvish and xonsh, whose line editors ask the terminal questions; and dash,
//! which has the function only. `hooks` shows the same of the other shells.

use std::fs;

use arl_sts::{Recorded, World};

use crate::shell::{ASKING, DASH, ELVISH, NUSHELL, ShellSession, XONSH};
use crate::support::{DEPLOY, Stage};

const CLEARED: &str = "its credentials were cleared";

#[test]
fn the_prompt_clears_an_expired_role_once_and_assume_and_clear_work_afterwards() {
    for shell in ASKING {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).dump("before").assume(DEPLOY).dump("assumed").expire();
        let session = session.dump("cleared").assume(DEPLOY).line(shell.init).dump("again").expire();
        let run = session.dump("cleared-again").clear().dump("after").typed();
        for dump in ["assumed", "again"] {
            assert!(run.environment(dump).has_any("AWS_SESSION_TOKEN=FwoG"), "{dump}: {run:?}");
        }
        for dump in ["cleared", "cleared-again"] {
            for gone in ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "ARL_"] {
                assert!(!run.environment(dump).has_any(gone), "{dump} {gone}: {run:?}");
            }
        }
        // Once for each role, although init ran twice before the second expiry.
        assert_eq!(run.stdout.matches(CLEARED).count(), 2, "{run:?}");
        assert_eq!(run.environment("after"), run.environment("before"), "{run:?}");
        for request in stage.assumed() {
            assert_eq!(request.access_key_id, World::ANN_KEY, "{run:?}");
        }
    }
}

#[test]
fn hooks_keep_the_status_of_the_last_command() {
    for shell in ASKING.into_iter().filter(|shell| shell.name != "elvish") {
        let stage = Stage::new();
        // `FILE<tab>LINE`: nothing is typed between this line and the next.
        let fail = |file: &str| format!("{file}\tsh -c 'touch {file}; exit 7'");
        let session = ShellSession::new(&stage, shell).line(fail("one")).append_status("no-role");
        let run = session.assume(DEPLOY).line(fail("two")).append_status("role").typed();
        for file in ["no-role", "role"] {
            assert_eq!(run.file(file).trim(), "7", "{file}: {run:?}");
        }
    }
}

#[test]
fn expiry_leaves_other_keys_alone() {
    for shell in ASKING {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).assume(DEPLOY).export("AWS_ACCESS_KEY_ID", "AKIAMINE");
        let run = session.expire().dump("after").clear().dump("cleared").typed();
        for dump in ["after", "cleared"] {
            assert!(run.environment(dump).has("AWS_ACCESS_KEY_ID=AKIAMINE"), "{dump}: {run:?}");
            assert!(run.environment(dump).has_any("AWS_SESSION_TOKEN"), "{dump}: {run:?}");
        }
        assert!(!run.stdout.contains(CLEARED), "{run:?}");
    }
}

/// Lets the session expire between the prompt and the command that writes `ran-as`, in shells that can do
/// that.
fn expire_late(shell: &str) -> Option<&'static str> {
    match shell {
        "xonsh" => Some(
            "_ = events.on_transform_command(lambda cmd, **_: \
             ('ran-as' in cmd and __xonsh__.env.update(ARL_EXPIRES_AT='1'), cmd)[1])",
        ),
        "nushell" => Some(
            "$env.config.hooks.pre_prompt ++= [{|| if 'AWS_SESSION_TOKEN' in $env \
             and not ('late' | path exists) { touch late; $env.ARL_EXPIRES_AT = '1' } }]",
        ),
        _ => None,
    }
}

#[test]
fn a_command_at_an_idle_prompt_runs_with_the_expired_keys_and_never_with_others() {
    for shell in ASKING {
        let stage = Stage::new();
        let late = expire_late(shell.name);
        let session = ShellSession::new(&stage, shell).lines(late);
        // Nothing may be typed in between: it would be the next command.
        let session = session.line(format!("made\tarl assume {DEPLOY}; touch made"));
        let session = match late {
            Some(_) => session.dump("ran-as"),
            // The session expires while this line runs.
            None => {
                session.line(format!("{}; {}", shell.export("ARL_EXPIRES_AT", "1"), shell.dump("ran-as")))
            }
        };
        let run = session.dump("then").typed();
        assert!(run.environment("ran-as").has_any("AWS_ACCESS_KEY_ID=ASIA"), "{run:?}");
        assert!(!run.environment("then").has_any("AWS_ACCESS_KEY_ID"), "{run:?}");
        let warnings = run.stdout.matches("the next prompt clears its credentials").count();
        assert_eq!(warnings, usize::from(late.is_some()), "{run:?}");
        assert_eq!(run.stdout.matches(CLEARED).count(), 1, "{run:?}");
        if late.is_some() {
            let stage = Stage::new();
            let session = ShellSession::new(&stage, shell).lines(late);
            let session = session.line(shell.export("ARL_ON_EXPIRY", "restore"));
            let session =
                session.line(format!("made\tarl assume {DEPLOY}; touch made")).dump("ran-as").typed();
            assert!(session.stdout.contains("puts back your previous credentials"), "{session:?}");
        }
    }
}

#[test]
fn expiry_clears_without_the_arl_program() {
    for shell in ASKING.into_iter().filter(|shell| shell.name != "tcsh") {
        let stage = Stage::new();
        let without_arl = match shell.name {
            "elvish" => "set paths = [/usr/bin /bin]",
            "xonsh" => "$PATH = ['/usr/bin', '/bin']",
            _ => "$env.PATH = ['/usr/bin' '/bin']",
        };
        let session = ShellSession::new(&stage, shell).assume(DEPLOY).line(without_arl).expire();
        let run = session.dump("then").dump("later").typed();
        assert!(!run.environment("then").has_any("AWS_ACCESS_KEY_ID"), "{run:?}");
        assert_eq!(run.stdout.matches(CLEARED).count(), 1, "{run:?}");
    }
}

/// The hook of tcsh calls arl to learn whether the session has expired. Without arl the keys stay, and AWS
/// refuses them; no other identity replaces them.
#[test]
fn tcsh_reports_a_missing_arl_program_once_and_keeps_the_keys() {
    let stage = Stage::new();
    let session = ShellSession::new(&stage, crate::shell::TCSH).assume(DEPLOY);
    let run = session.export("PATH", "/usr/bin:/bin").prompt().dump("then").dump("later").typed();
    assert!(run.environment("later").has_any("AWS_ACCESS_KEY_ID=ASIA"), "{run:?}");
    assert_eq!(run.stdout.matches("Command not found").count(), 1, "{run:?}");
}

#[test]
fn dash_has_the_function_and_no_hook() {
    let stage = Stage::new();
    let session =
        ShellSession::new(&stage, DASH).dump("before").assume(DEPLOY).line(DASH.init).dump("assumed");
    let session = session.assume("123456789012/Closed").append_status("status").dump("still");
    let run = session.expire().dump("expired").clear().dump("after").typed();
    assert_eq!(run.file("status"), "1\n", "{run:?}");
    assert!(run.environment("assumed").has_any("AWS_SESSION_TOKEN=FwoG"), "{run:?}");
    assert_eq!(run.environment("still"), run.environment("assumed"), "{run:?}");
    // Expired keys make commands fail. Nothing replaces them with the next source that an SDK would find.
    assert!(run.environment("expired").has_any("AWS_SESSION_TOKEN=FwoG"), "{run:?}");
    assert_eq!(run.environment("after"), run.environment("before"), "{run:?}");
}

/// `hooks::previous` shows the same of the shells that evaluate statements.
#[test]
fn dash_is_the_role_before_this_one() {
    const READ_ONLY: &str = "arn:aws:iam::123456789012:role/ReadOnly";
    for shell in [ELVISH, XONSH, NUSHELL] {
        let stage = Stage::new();
        fs::write(stage.home.join("p.json"), r#"{"Version":"2012-10-17","Statement":[]}"#).unwrap();
        let session = ShellSession::new(&stage, shell).assume("-").dump("none");
        let session = session.assume(&format!("{DEPLOY} --duration 30m --policy file://p.json"));
        let session = session.assume(READ_ONLY).assume("-").dump("first");
        // A role that is assumed again is no other one.
        let session = session.assume("-").assume(READ_ONLY).assume("-").dump("again");
        let session = session.assume("-").dump("second").clear().assume("-").dump("cleared");
        // A second `arl init` keeps the memory, and a failure changes nothing.
        let session = session.line(shell.init).assume("nosuch").assume("-").dump("failed");
        // A role that was assumed with --chain cannot be assumed so again, but the one before it can.
        let session = session.assume("arn:aws:iam::123456789012:role/Chained --chain").dump("chained");
        let session = session.assume("- --duration 20m").dump("after-chain");
        let run = session.typed();
        assert!(!run.environment("none").has_any("ARL_ROLE"), "{run:?}");
        for (dump, role) in [
            ("first", "Deploy"),
            ("again", "Deploy"),
            ("second", "ReadOnly"),
            ("cleared", "ReadOnly"),
            ("failed", "Deploy"),
            ("chained", "Chained"),
            ("after-chain", "Deploy"),
        ] {
            let role = format!("ARL_ROLE=123456789012/{role}");
            assert!(run.environment(dump).has(&role), "{dump} {role}: {run:?}");
            assert!(!run.environment(dump).has_any("arl_"), "{dump}: {run:?}");
        }
        let has = |request: &Recorded, name: &str, value: &str| {
            request.parameters.iter().any(|(other, text)| other == name && text == value)
        };
        let of_deploy: Vec<Recorded> =
            stage.assumed().into_iter().filter(|request| has(request, "RoleArn", DEPLOY)).collect();
        assert!(of_deploy.iter().any(|request| has(request, "DurationSeconds", "1800")), "{of_deploy:?}");
        assert!(has(of_deploy.last().unwrap(), "DurationSeconds", "1200"), "{of_deploy:?}");
    }
}
