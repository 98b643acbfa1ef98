//! What the hook does when a session has expired.

use arl_sts::World;

use super::{ANN_KEY, EXPIRED};
use crate::shell::{BASH, FISH, HOOKED, ShellSession, ZSH, evaluate};
use crate::support::{DEPLOY, Stage};

#[test]
fn the_prompt_clears_an_expired_role_once() {
    for shell in HOOKED {
        let stage = Stage::new();
        let session =
            ShellSession::new(&stage, shell).assume(DEPLOY).dump("assumed").expire().dump("cleared");
        let run = session.prompt().prompt().typed();
        let assumed = run.environment("assumed");
        assert!(assumed.has_any("AWS_SESSION_TOKEN=FwoG"), "{run:?}");
        assert!(!assumed.has_any("__arl"), "child processes see the restore point: {run:?}");
        let stage_variables =
            ["AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_ENDPOINT_URL_STS"];
        assert_eq!(run.environment("cleared").names(), stage_variables, "{run:?}");
        assert_eq!(run.stdout.matches(EXPIRED).count(), 1, "{run:?}");
        assert!(run.stdout.contains("its credentials were cleared"), "{run:?}");
    }
}

#[test]
fn the_message_of_an_expired_role_begins_with_the_name_that_was_typed() {
    for shell in HOOKED {
        let stage = Stage::new();
        let profile = "[profile prod]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\ncredential_source = Environment\n";
        stage.profiles(profile, "");
        let run = ShellSession::new(&stage, shell).assume("prod").expire().prompt().typed();
        let message = "arl: prod (role/Deploy in 123456789012) expired";
        assert_eq!(run.stdout.matches(message).count(), 1, "{run:?}");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let session = ShellSession::new(&stage, shell).assume("prod");
        let run = session.export("ARL_EXPIRES_AT", &now.to_string()).prompt().typed();
        let message = "arl: prod (role/Deploy in 123456789012) just expired";
        assert_eq!(run.stdout.matches(message).count(), 1, "{run:?}");
    }
}

#[test]
fn a_command_at_an_idle_prompt_runs_with_the_expired_keys_and_never_with_others() {
    // The session expires while the prompt waits, after arl's own hook has looked.
    let zsh = "later() { [ -n \"$AWS_SESSION_TOKEN\" ] && [ ! -e late ] && touch late && ARL_EXPIRES_AT=1; }; \
               precmd_functions+=(later)";
    let bash = "later() { [ -n \"$AWS_SESSION_TOKEN\" ] && [ ! -e late ] && touch late && ARL_EXPIRES_AT=1; }; \
                PROMPT_COMMAND+=';later'";
    let fish = "function later --on-event fish_prompt; test -n \"$AWS_SESSION_TOKEN\"; and not test -e late; \
                and touch late; and set -gx ARL_EXPIRES_AT 1; end";
    for (shell, hook) in [(ZSH, zsh), (BASH, bash), (FISH, fish)] {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).line(hook).assume(DEPLOY);
        let run = session
            .line("echo $AWS_ACCESS_KEY_ID >ran-as")
            .line("echo \"[$AWS_ACCESS_KEY_ID]\" >then")
            .typed();
        assert!(run.file("ran-as").starts_with("ASIA"), "{run:?}");
        assert_eq!(run.file("then"), "[]\n", "{run:?}");
        let warnings = run.stdout.matches("the next prompt clears its credentials").count();
        // bash before 5.3 cannot run a hook between the prompt and the command.
        assert_eq!(warnings, usize::from(shell.name != "bash"), "{run:?}");
    }
}

#[test]
fn expiry_leaves_other_keys_alone() {
    for shell in HOOKED {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).assume(DEPLOY).export("AWS_ACCESS_KEY_ID", "AKIAMINE");
        let run = session.expire().dump("after").clear().dump("cleared").typed();
        for dump in ["after", "cleared"] {
            let environment = run.environment(dump);
            assert!(environment.has("AWS_ACCESS_KEY_ID=AKIAMINE"), "{dump}: {run:?}");
            assert!(environment.has_any("AWS_SESSION_TOKEN"), "{dump}: {run:?}");
        }
        assert!(!run.stdout.contains(EXPIRED), "{run:?}");
    }
}

#[test]
fn invalid_expiry_times_are_ignored_and_never_executed() {
    for shell in HOOKED {
        for time in ["a[$(touch CANARY)]", "soon", "-1", "1 2", "99999999999999999999999999", ""] {
            let stage = Stage::new();
            let session = ShellSession::new(&stage, shell).assume(DEPLOY).export("ARL_EXPIRES_AT", time);
            let run = session.prompt().dump("after").typed();
            assert!(!run.has_file("CANARY"), "{time}: {run:?}");
            assert!(run.environment("after").has_any("AWS_SESSION_TOKEN"), "{time}: {run:?}");
            assert!(!run.stdout.contains("integer expression"), "{time}: {run:?}");
        }
    }
}

#[test]
fn init_can_run_twice_and_expiry_clears_without_the_arl_program() {
    for shell in HOOKED {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).dump("before").assume(DEPLOY).line(shell.init);
        let session = session.clear().dump("after").assume(DEPLOY);
        let without_arl = shell.fish_or("set -gx PATH /usr/bin /bin", "export PATH=/usr/bin:/bin");
        let run = session.line(without_arl).expire().dump("cleared").typed();
        assert_eq!(run.environment("after"), run.environment("before"), "{run:?}");
        assert_eq!(run.stdout.matches(EXPIRED).count(), 1, "{run:?}");
        assert_eq!(run.environment("cleared").names().len(), 3, "{run:?}");
    }
}

#[test]
fn on_expiry_restore_brings_back_the_original_environment() {
    for shell in HOOKED {
        let stage = Stage::new();
        let settings =
            format!("{}; {}", shell.export("ARL_ON_EXPIRY", "restore"), shell.export("ARL_EXPIRES_AT", "1"));
        let session = ShellSession::new(&stage, shell).dump("before").assume(DEPLOY).line(settings);
        let run = session.prompt().unset("ARL_ON_EXPIRY").dump("after").typed();
        assert_eq!(run.environment("after"), run.environment("before"), "{run:?}");
        assert!(run.stdout.contains("what was here before is back"), "{run:?}");
    }
}

#[test]
fn on_expiry_refresh_assumes_the_role_again() {
    for shell in HOOKED {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell)
            .export("ARL_ON_EXPIRY", "refresh")
            .line(format!("arl -v assume {DEPLOY} --role-session-name 'ann'"));
        let run = session.expire().dump("refreshed").expire().dump("again").clear().dump("after").typed();
        for dump in ["refreshed", "again"] {
            assert!(run.environment(dump).has_any("AWS_SESSION_TOKEN=FwoG"), "{dump}: {run:?}");
        }
        assert_eq!(stage.assumed().len(), 3, "{run:?}");
        for request in stage.assumed() {
            assert_eq!(request.access_key_id, World::ANN_KEY, "{run:?}");
            assert_eq!(request.get("RoleSessionName"), Some("ann"), "{run:?}");
        }
        assert!(run.environment("after").has(ANN_KEY), "{run:?}");
    }
}

#[test]
fn a_failed_refresh_is_tried_once_and_clears_the_role() {
    for shell in HOOKED {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).export("ARL_ON_EXPIRY", "refresh").assume(DEPLOY);
        let session = session.export("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1").expire();
        let run = session.prompt().prompt().dump("cleared").typed();
        assert!(!run.environment("cleared").has_any("AWS_ACCESS_KEY_ID"), "{run:?}");
        assert_eq!(run.stdout.matches("Connection refused").count(), 1, "{run:?}");
        assert_eq!(run.stdout.matches(EXPIRED).count(), 1, "{run:?}");
    }
}

#[test]
fn a_hostile_role_name_in_the_environment_writes_no_escape_sequence_to_the_terminal() {
    for shell in HOOKED {
        let stage = Stage::new();
        // printf makes the escape character, so that the echo of the typed line does not contain it.
        let set = shell.fish_or(
            "set -gx ARL_ROLE_ARN (printf 'x\\033]0;owned\\007'); set -gx ARL_ROLE $ARL_ROLE_ARN",
            "ARL_ROLE_ARN=$(printf 'x\\033]0;owned\\007') ARL_ROLE=$ARL_ROLE_ARN",
        );
        let session = ShellSession::new(&stage, shell).assume(DEPLOY);
        let run = session.line(format!("{set}; {}", shell.export("ARL_EXPIRES_AT", "1"))).prompt().typed();
        assert!(run.stdout.contains("arl: a role expired"), "{run:?}");
        assert!(!run.stdout.contains("\u{1b}]0;owned"), "{run:?}");
    }
}

#[test]
fn a_new_bash_clears_an_inherited_expired_role_silently_and_keeps_the_users_variables() {
    let stage = Stage::new();
    let session = ShellSession::new(&stage, BASH)
        .without_keys()
        .variable("AWS_ACCESS_KEY_ID", "ASIAOLD")
        .variable("AWS_SECRET_ACCESS_KEY", "old")
        .variable("ARL_KEY_ID", "ASIAOLD")
        .variable("ARL_EXPIRES_AT", "1")
        // The hook has a variable of this name.
        .variable("now", "mine");
    let run = session.line("echo \"$now [${AWS_ACCESS_KEY_ID-}]\" >after").typed();
    assert_eq!(run.file("after"), "mine []\n", "{run:?}");
    assert!(!run.stdout.contains("expired"), "{run:?}");
}

#[test]
fn a_traced_hook_shows_no_secret() {
    for shell in HOOKED {
        for policy in ["clear", "restore", "refresh"] {
            let stage = Stage::new();
            let session = ShellSession::new(&stage, shell)
                .export("ARL_ON_EXPIRY", policy)
                .line(shell.fish_or("set fish_trace 1", "set -xv"));
            let run = session.assume(DEPLOY).expire().prompt().clear().typed();
            stage.assert_no_secret(&run.stdout);
        }
    }
}

#[test]
fn arguments_that_work_only_once_are_not_stored_for_a_refresh() {
    let stage = Stage::new();
    stage.sts.change(|world| world.roles.get_mut(DEPLOY).unwrap().trusts.push(DEPLOY.into()));
    let stored = |lines: &[String]| {
        let text = lines.join("; ") + "; printf %s \"$__arl_refresh\"";
        stage.run(stage.as_ann("sh").args(["-c", &text])).stdout
    };
    // The role to chain from is gone after the switch.
    let chained =
        [evaluate("sh", &format!("assume {DEPLOY}")), evaluate("sh", &format!("assume {DEPLOY} --chain"))];
    assert_eq!(stored(&chained), "");
    // An MFA code works once.
    let mfa = format!("-vq assume {DEPLOY} --serial-number {} --token-code 100042", World::ANN_MFA);
    let with_code = ["unset AWS_ACCESS_KEY_ID".to_owned(), "printf x | cat".to_owned(), evaluate("sh", &mfa)];
    let text = stored(&with_code);
    assert!(!text.contains("100042"), "{text}");
    // A file is stored with its absolute path, and flags of the output are not stored.
    std::fs::write(stage.home.join("p.json"), "{\"Statement\":[]}").unwrap();
    let policy = evaluate("sh", &format!("assume {DEPLOY} -v --policy file://p.json --shell posix"));
    let expected = format!("'assume' '{DEPLOY}' '--policy' 'file://{}/p.json'", stage.home.display());
    assert_eq!(stored(&[policy]), expected);
}
