//! The hooks of tcsh, nushell, elvish and xonsh, whose line editors ask the terminal questions; and dash,
//! which has the function only. `hooks` shows the same of the other shells.

use arl_sts::World;

use crate::shell::{ASKING, DASH, ShellSession};
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
