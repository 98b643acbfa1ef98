//! What `arl clear` brings back, and where the next role starts from.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use arl_sts::World;

use super::{ANN_KEY, CLOSED, READ_ONLY};
use crate::shell::{ALL, HOOKED, ShellSession, evaluate};
use crate::support::{DEPLOY, Stage};

const BOB: &str = "aws_access_key_id = AKIABOB\naws_secret_access_key = bobsecretbobsecret\n";

#[test]
fn clear_after_expiry_restores_the_original_environment() {
    for shell in HOOKED {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).dump("before").assume(DEPLOY).expire().prompt();
        let run = session.clear().dump("after").typed();
        assert_eq!(run.environment("after"), run.environment("before"), "{run:?}");
    }
}

#[test]
fn assume_after_expiry_starts_from_the_original_credentials() {
    for shell in HOOKED {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).assume(DEPLOY).expire().prompt();
        let run = session.assume(READ_ONLY).clear().dump("after").typed();
        assert_eq!(stage.assumed().len(), 2, "{run:?}");
        assert_eq!(stage.assumed()[1].access_key_id, World::ANN_KEY, "{run:?}");
        assert!(run.environment("after").has(ANN_KEY), "{run:?}");
    }
}

#[test]
fn clear_after_several_roles_restores_the_original_environment() {
    let keys =
        format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", World::ANN_KEY, World::ANN_SECRET);
    for shell in ALL {
        for start in ["nothing", "keys", "profile", "container", "unusual"] {
            let stage = Stage::new();
            stage.profiles("", &format!("[dev]\n{keys}[default]\n{keys}"));
            let session = ShellSession::new(&stage, shell);
            let session = match start {
                "keys" => session,
                "profile" => session
                    .without_keys()
                    .variable("AWS_PROFILE", "dev")
                    .variable("AWS_REGION", "eu-north-1")
                    .variable("AWS_DEFAULT_REGION", "eu-south-1"),
                "container" => session
                    .without_keys()
                    .variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/x")
                    .variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a b"),
                "unusual" => session
                    .variable("AWS_ROLE_SESSION_NAME", OsStr::from_bytes(b"\xff'\\\"\n!$x`y`\n\n"))
                    .variable("AWS_CREDENTIAL_SCOPE", "a'b\nc$(touch CANARY)")
                    .variable("AWS_DEFAULT_REGION", "eu-central-1"),
                _ => session.without_keys(),
            };
            let run = session
                .dump("before")
                .assume(&format!("{DEPLOY} --region eu-west-1"))
                .dump("first")
                .assume(READ_ONLY)
                .dump("second")
                .assume(&format!("{READ_ONLY} --region us-west-2"))
                .clear()
                .dump("after")
                .run();
            assert_eq!(run.status, 0, "{start}: {run:?}");
            assert_eq!(run.environment("after"), run.environment("before"), "{start}: {run:?}");
            assert!(run.environment("first").has("AWS_REGION=eu-west-1"), "{start}: {run:?}");
            assert!(!run.environment("second").has("AWS_REGION=eu-west-1"), "{start}: {run:?}");
            assert_eq!(stage.assumed().len(), 3, "{start}: {run:?}");
            for request in stage.assumed() {
                assert_eq!(request.access_key_id, World::ANN_KEY, "{start}: {run:?}");
            }
            assert!(!run.has_file("CANARY"), "{start}: {run:?}");
        }
    }
}

#[test]
fn clear_keeps_a_region_and_a_profile_chosen_since() {
    for shell in ALL {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell)
            .variable("AWS_REGION", "eu-north-1")
            .variable("AWS_PROFILE", "")
            .assume(&format!("{DEPLOY} --region eu-west-1"));
        let session = session.export("AWS_REGION", "ap-south-1").export("AWS_PROFILE", "chosen");
        let run = session.clear().dump("after").run();
        for kept in ["AWS_REGION=ap-south-1", "AWS_PROFILE=chosen", ANN_KEY] {
            assert!(run.environment("after").has(kept), "{kept}: {run:?}");
        }
    }
}

#[test]
fn restore_variables_are_neither_exported_nor_taken_from_the_environment() {
    for shell in ALL {
        // Exports every variable that is set from now on.
        let export_all = shell.fish_or("true", "set -a");
        // A parent process that would like to have its text evaluated.
        let hostile = |stage| {
            let session = ShellSession::without_init(stage, shell);
            let names = ["__arl_restore", "__arl_refresh", "__arl_region"];
            names.into_iter().fold(session, |session, name| session.variable(name, "touch CANARY"))
        };

        let stage = Stage::new();
        let session =
            hostile(&stage).line(shell.init).line(export_all).clear().assume(DEPLOY).dump("assumed");
        let run = session.assume(READ_ONLY).clear().dump("after").run();
        assert!(!run.has_file("CANARY"), "{run:?}");
        assert!(!run.environment("assumed").has_any("__arl"), "{run:?}");
        assert!(run.environment("after").has(ANN_KEY), "{run:?}");

        // Without the function, and without any keys.
        let stage = Stage::new();
        let run = hostile(&stage).without_keys().line(evaluate(shell.name, "clear")).run();
        assert!(!run.has_file("CANARY"), "{run:?}");

        // Without the function, with keys.
        let stage = Stage::new();
        let session =
            hostile(&stage).line(export_all).line(evaluate(shell.name, &format!("assume {DEPLOY}")));
        let run = session.line(evaluate(shell.name, "clear")).dump("after").run();
        assert!(!run.has_file("CANARY"), "{run:?}");
        assert!(run.environment("after").has(ANN_KEY), "{run:?}");
    }
}

#[test]
fn clear_in_a_child_shell_removes_the_role_without_restoring_anything() {
    for shell in ALL {
        let stage = Stage::new();
        let init = match shell.name {
            "fish" => "arl init fish | source",
            "zsh" => "eval \"$(arl init zsh)\"",
            _ => "eval \"$(arl init sh)\"",
        };
        let child = format!("{} -c '{init}; arl clear; env -0 >after'", shell.name);
        let run = ShellSession::new(&stage, shell).assume(DEPLOY).line(child).run();
        assert_eq!(run.environment("after").names().len(), 3, "{run:?}");
    }
}

#[test]
fn eval_works_where_the_function_is_installed() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        let assume = evaluate(shell.name, &format!("assume {DEPLOY}"));
        let closed = evaluate(shell.name, &format!("assume {CLOSED}"));
        let session = ShellSession::new(&stage, *shell).line(assume).append_status("status").dump("assumed");
        let session = session.line(format!("{closed} && touch ran")).line(evaluate(shell.name, "clear"));
        let run = session.dump("after").run();
        assert_eq!(run.file("status"), "0\n", "{run:?}");
        assert!(run.environment("assumed").has_any("AWS_SESSION_TOKEN"), "{run:?}");
        assert!(run.environment("after").has(ANN_KEY), "{run:?}");
        assert!(!run.has_file("ran"), "{run:?}");
    }
}

#[test]
fn the_function_in_a_subshell_changes_only_the_subshell() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        let subshell = format!("(arl assume {DEPLOY}; echo $ARL_ROLE_ARN >inside; exit 3)");
        let line = format!("{{ {subshell}; echo \"$? $ARL_ROLE_ARN\" >outside; }} >log");
        let run = ShellSession::new(&stage, *shell).line(line).run();
        let files = (run.file("inside"), run.file("outside"), run.file("log"));
        assert_eq!(files, (format!("{DEPLOY}\n"), "3 \n".into(), String::new()), "{run:?}");
    }
}

#[test]
fn a_profile_chosen_since_takes_precedence_over_the_original_credentials() {
    for shell in HOOKED {
        let stage = Stage::new();
        stage.sts.change(|world| {
            world.add_user("arn:aws:iam::111122223333:user/bob", "AKIABOB", "bobsecretbobsecret");
        });
        stage.profiles("", &format!("[bob]\n{BOB}"));
        let exec = format!("arl exec {READ_ONLY} -- true");
        // While the role is active, and after it has expired; the profile survives the expiry.
        let session =
            ShellSession::new(&stage, shell).assume(DEPLOY).export("AWS_PROFILE", "bob").line(&*exec);
        let run = session.expire().dump("cleared").line(&*exec).typed();
        let signers: Vec<String> = stage.assumed().into_iter().map(|request| request.access_key_id).collect();
        assert_eq!(signers, [World::ANN_KEY, "AKIABOB", "AKIABOB"], "{run:?}");
        assert!(run.environment("cleared").has("AWS_PROFILE=bob"), "{run:?}");
    }
}

#[test]
fn clear_restores_no_keys_that_other_keys_have_replaced_since() {
    for shell in HOOKED {
        let stage = Stage::new();
        stage.profiles("", &format!("[default]\n{BOB}"));
        let session = ShellSession::new(&stage, shell).assume(DEPLOY).export("AWS_ACCESS_KEY_ID", "AKIAMINE");
        let session = session.expire().prompt();
        let session = session.unset("AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN");
        let run = session.clear().dump("after").typed();
        assert!(!run.environment("after").has_any("AWS_ACCESS_KEY_ID"), "{run:?}");
    }
}
