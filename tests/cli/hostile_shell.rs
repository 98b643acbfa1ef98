//! Shells whose settings get in arl's way: readonly variables, keys loaded over a role, aliases, assignments
//! before the command.

use crate::hooks::READ_ONLY;
use crate::shell::{ALL, BASH, FISH, HOOKED, KSH, MKSH, Shell, ShellSession, TCSH, ZSH};
use crate::support::{DEPLOY, Stage};

const REGIONAL: &str = "[profile regional]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\n\
                        region = eu-west-1\ncredential_source = Environment\n";

const ANN: &str = "[ann]\naws_access_key_id = AKIAIOSFODNN7ANN0001\n\
                   aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n";

/// A stage with a role profile that has a region.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.profiles(REGIONAL, "");
    stage
}

/// The line that makes the session expire in 1970, for the hook and for what compares its expiration.
fn expire(shell: Shell) -> String {
    let expiration = shell.export("AWS_CREDENTIAL_EXPIRATION", "1970-01-01T00:00:01Z");
    format!("{expiration}; {}", shell.export("ARL_EXPIRES_AT", "1"))
}

#[test]
fn a_refused_assume_keeps_the_role_and_returns_a_failure() {
    for shell in ALL {
        let stage = stage();
        let (obstacle, message) = if shell.is_fish() {
            ("set -Ux AWS_CREDENTIAL_FILE /x", "universal variables")
        } else {
            ("export AWS_REGION=us-east-1; readonly AWS_REGION", "is readonly")
        };
        let session = ShellSession::new(&stage, shell).assume(READ_ONLY).dump("first").line(obstacle);
        let session = session.assume("regional").append_status("statuses");
        let run = session.line("arl assume regional && echo went on >>statuses").dump("then").run();
        assert_eq!(run.file("statuses"), "1\n", "{run:?}");
        assert_eq!(run.stderr.matches(message).count(), 2, "{run:?}");
        let role = |dump: &str| run.environment(dump).without(&["AWS_REGION=", "AWS_CREDENTIAL_FILE="]);
        assert_eq!(role("then"), role("first"), "{run:?}");
    }
}

#[test]
fn eval_of_a_refused_assume_is_a_failure() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let stage = stage();
        let assume = "eval \"$(arl assume regional)\" && echo went on";
        let session =
            ShellSession::new(&stage, *shell).line(assume).line("readonly AWS_REGION=x").line(assume);
        let run = session.run();
        assert_eq!(run.stdout, "went on\n", "{run:?}");
    }
}

#[test]
fn expiry_removes_what_the_role_left_beside_other_keys() {
    for shell in HOOKED {
        let stage = stage();
        let session = ShellSession::new(&stage, shell).assume("regional").dump("assumed");
        let other_keys = format!(
            "{}; {}",
            shell.export("AWS_ACCESS_KEY_ID", "AKIAMINE"),
            shell.fish_or("set -e AWS_SESSION_TOKEN", "unset AWS_SESSION_TOKEN")
        );
        let run = session.line(other_keys).line(expire(shell)).dump("after").typed();
        assert!(run.environment("assumed").has("AWS_REGION=eu-west-1"), "{run:?}");
        let after = run.environment("after");
        assert!(after.has("AWS_ACCESS_KEY_ID=AKIAMINE"), "{run:?}");
        for left in
            ["ARL_", "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID", "AWS_REGION", "AWS_DEFAULT_REGION"]
        {
            assert!(!after.has_any(left), "{left}: {after:?} {run:?}");
        }
    }
}

#[test]
fn expiry_keeps_the_expiration_and_the_account_of_other_keys() {
    for shell in HOOKED {
        let stage = Stage::new();
        let other_keys = [
            shell.export("AWS_ACCESS_KEY_ID", "ASIAMINE"),
            shell.export("AWS_CREDENTIAL_EXPIRATION", "2039-01-01T00:00:00Z"),
            shell.export("AWS_ACCOUNT_ID", "999999999999"),
        ];
        let session = ShellSession::new(&stage, shell).assume(DEPLOY).line(other_keys.join("; "));
        let run = session.expire().dump("after").typed();
        let after = run.environment("after");
        for variable in ["AWS_CREDENTIAL_EXPIRATION=2039-01-01T00:00:00Z", "AWS_ACCOUNT_ID=999999999999"] {
            assert!(after.has(variable), "{variable}: {run:?}");
        }
        assert!(!after.has_any("ARL_"), "{run:?}");
    }
}

/// Some logout scripts unset the keys. The original environment is still there for `arl clear`.
#[test]
fn expiry_removes_the_rest_of_a_role_whose_keys_were_unset() {
    for shell in HOOKED {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).dump("before").assume(DEPLOY);
        let session = session.unset("AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN");
        let run = session.line(expire(shell)).dump("after").clear().dump("cleared").typed();
        for left in ["ARL_", "AWS_CREDENTIAL_E", "AWS_ACCOUNT"] {
            assert!(!run.environment("after").has_any(left), "{left}: {run:?}");
        }
        assert_eq!(run.environment("cleared"), run.environment("before"), "{run:?}");
    }
}

/// direnv and similar tools load other keys in one directory, and the previous ones when the user leaves it.
#[test]
fn a_role_survives_other_keys_that_were_loaded_for_a_while() {
    for shell in HOOKED {
        let stage = stage();
        let session = ShellSession::new(&stage, shell).dump("before").assume("regional").dump("assumed");
        let session = session.line(shell.fish_or("set kept $AWS_ACCESS_KEY_ID", "kept=$AWS_ACCESS_KEY_ID"));
        let session = session.export("AWS_ACCESS_KEY_ID", "AKIAMINE").prompt();
        let back = shell.fish_or("set -gx AWS_ACCESS_KEY_ID $kept", "export AWS_ACCESS_KEY_ID=\"$kept\"");
        let run = session.line(back).dump("then").clear().dump("cleared").typed();
        assert_eq!(run.environment("then"), run.environment("assumed"), "{run:?}");
        assert_eq!(run.environment("cleared"), run.environment("before"), "{run:?}");
    }
}

/// The hook of tcsh runs `arl clear --expired` at every prompt.
#[test]
fn clear_expired_changes_nothing_before_the_session_expires() {
    let stage = Stage::new();
    let clear = |expires_at: &str| {
        let mut arl = stage.as_ann("arl");
        arl.args(["clear", "--expired", "--shell", "bash"])
            .env("ARL_KEY_ID", "ASIAROLE")
            .env("ARL_EXPIRES_AT", expires_at);
        stage.run(&mut arl).success()
    };
    assert_eq!(clear("4102444800"), "");
    let cleared = clear("1");
    let unset =
        "\\unset ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION\n";
    assert!(cleared.ends_with(unset) && !cleared.contains("AWS_ACCESS_KEY_ID"), "{cleared}");
}

#[test]
fn a_clear_that_a_readonly_variable_prevents_changes_nothing() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        for name in ["AWS_REGION", "AWS_SESSION_TOKEN"] {
            let stage = stage();
            let session = ShellSession::new(&stage, *shell).assume("regional").dump("assumed");
            let session = session.line(format!("readonly {name}")).clear().append_status("status");
            let run = session.dump("then").run();
            assert_eq!(run.file("status"), "1\n", "{name}: {run:?}");
            assert_eq!(run.environment("then"), run.environment("assumed"), "{name}: {run:?}");
            assert_eq!(
                run.stderr.matches("is readonly, or set -k is on, so arl changed nothing").count(),
                1,
                "{run:?}"
            );
        }
    }
}

#[test]
fn expiry_and_clear_restore_the_original_region() {
    for shell in HOOKED {
        for original in [None, Some("us-west-2")] {
            let stage = stage();
            let session = ShellSession::new(&stage, shell);
            let session = match original {
                Some(region) => session.export("AWS_REGION", region),
                None => session,
            };
            let session = session.dump("before").assume("regional").expire().dump("after");
            let run = session.assume(READ_ONLY).clear().dump("cleared").typed();
            let regions = |dump: &str| run.environment(dump).only(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
            for dump in ["after", "cleared"] {
                assert_eq!(regions(dump), regions("before"), "{dump}: {run:?}");
            }
        }
    }
}

#[test]
fn expiry_keeps_a_region_chosen_since() {
    for shell in HOOKED {
        let stage = stage();
        let session = ShellSession::new(&stage, shell).assume("regional").export("AWS_REGION", "ap-south-1");
        let run = session.expire().dump("after").typed();
        let after = run.environment("after");
        assert!(after.has("AWS_REGION=ap-south-1"), "{run:?}");
        assert!(!after.has_any("AWS_DEFAULT_REGION"), "{run:?}");
    }
}

#[test]
fn the_function_works_where_arl_is_also_an_alias() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        let session = ShellSession::without_init(&stage, *shell);
        // bash expands no aliases in scripts by default.
        let session = if shell.name == "bash" { session.flags(&["-O", "expand_aliases"]) } else { session };
        let session = session.line("alias arl='arl --color never'").line(shell.init).assume(DEPLOY);
        let run = session.dump("after").clear().run();
        assert!(run.environment("after").has_any("ARL_ROLE_ARN="), "{run:?}");
        assert_eq!(run.stdout, "", "{run:?}");
    }
}

/// The shell undoes such an assignment after the command, so that it would hide the role or remove it, and
/// `arl clear` would put back a profile that the shell itself never had.
#[test]
fn an_assignment_before_assume_is_refused() {
    for shell in [BASH, ZSH, FISH] {
        for (assignment, own, flag) in [
            ("AWS_PROFILE=ann", None, "--profile"),
            ("AWS_PROFILE=ann", Some(("AWS_PROFILE", "ann")), "--profile"),
            ("AWS_REGION=eu-west-3", None, "--region"),
        ] {
            let stage = Stage::new();
            stage.profiles("", ANN);
            let mut session = ShellSession::new(&stage, shell);
            if let Some((name, value)) = own {
                session = session.unset("AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY").export(name, value);
            }
            let session = session
                .line(format!("{assignment} arl assume {DEPLOY} && echo went on >went"))
                .line("arl clear");
            let run = session.dump("after").typed();
            let after = run.environment("after");
            assert!(!after.has_any("ARL_ROLE_ARN=") && !after.has_any("AWS_REGION=eu-west-3"), "{run:?}");
            assert_eq!(after.has_any("AWS_PROFILE="), own.is_some(), "{run:?}");
            assert_eq!(run.file("went"), "", "{run:?}");
            assert!(run.stdout.contains("is set only for this command"), "{run:?}");
            assert!(run.stdout.contains(&format!("use {flag}, or export the variable first")), "{run:?}");
        }
    }
}

/// A variable that is local to a function hides what arl sets, and comes back in the same way.
#[test]
fn a_local_variable_is_refused_like_an_assignment() {
    for (shell, function) in [
        (BASH, format!("f() {{ local AWS_PROFILE=ann; export AWS_PROFILE; arl assume {DEPLOY}; }}")),
        (FISH, format!("function f; set -lx AWS_PROFILE ann; arl assume {DEPLOY}; end")),
    ] {
        let stage = Stage::new();
        stage.profiles("", ANN);
        let session = ShellSession::new(&stage, shell).line(function).line("f").line("arl clear");
        let run = session.dump("after").run();
        assert!(run.stderr.contains("AWS_PROFILE is set only for this command"), "{run:?}");
        let after = run.environment("after");
        assert!(!after.has_any("ARL_ROLE_ARN=") && !after.has_any("AWS_PROFILE="), "{run:?}");
    }
}

#[test]
fn in_eval_an_assignment_before_assume_fails_or_stays_with_arl() {
    for shell in ALL.into_iter().filter(|shell| shell.name != "fish") {
        let stage = Stage::new();
        stage.profiles("", ANN);
        let assume =
            format!("eval \"$(AWS_PROFILE=ann AWS_REGION=eu-west-3 arl assume {DEPLOY} --shell posix)\"");
        // Without the function, the shell gets the role, and later only what it had itself.
        let session =
            ShellSession::without_init(&stage, shell).unset("AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY");
        let session = session.line(&assume).dump("assumed").line("eval \"$(arl clear --shell posix)\"");
        let run = session.dump("after").run();
        assert!(run.environment("assumed").has("AWS_REGION=eu-west-3"), "{run:?}");
        let after = run.environment("after");
        assert!(!after.has_any("AWS_PROFILE=") && !after.has_any("AWS_REGION="), "{run:?}");
    }
    let stage = Stage::new();
    stage.profiles("", ANN);
    let assume = format!("eval \"$(AWS_PROFILE=ann arl assume {DEPLOY})\" && echo went on");
    let run = ShellSession::new(&stage, BASH).line(assume).run();
    assert!(run.stderr.contains("AWS_PROFILE is set only for this command"), "{run:?}");
    assert_eq!(run.stdout, "", "{run:?}");
}

/// zsh would restore the keys after the command.
#[test]
fn zsh_refuses_key_assignments_before_assume() {
    let stage = Stage::new();
    let keys = "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY=x";
    // The screen shows the typed lines as well: `we''nt` appears only in the output as one word.
    let separate = format!("export AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID; arl assume {DEPLOY}");
    let run = ShellSession::new(&stage, ZSH)
        .line(format!("{keys} arl assume {DEPLOY} && echo went on"))
        .line("arl status")
        .line(format!("{separate} && echo we''nt on"))
        .typed();
    assert!(run.stdout.contains("is set only for this command"), "{run:?}");
    assert!(run.stdout.contains("no role"), "{run:?}");
    assert_eq!(run.stdout.matches("\nwent on").count(), 1, "{run:?}");
}

#[test]
fn zsh_accepts_other_assignments_before_assume() {
    let stage = Stage::new();
    stage.profiles("", ANN);
    let assume = format!("arl assume {DEPLOY} >/dev/null && echo we''nt on");
    let run = ShellSession::new(&stage, ZSH)
        .line("export AWS_PROFILE=x; IFS=:")
        .line(format!("TF_VAR_AWS_PROFILE=x {assume}"))
        .line(format!("MY_AWS_ACCESS_KEY_ID=x {assume}"))
        .line(format!("export AWS_PROFILE=ann; {assume}"))
        .typed();
    assert_eq!(run.stdout.matches("\nwent on").count(), 3, "{run:?}");
}

/// zsh shows the hook the whole line. Only the command with the assignment is refused, wherever it is.
#[test]
fn zsh_refuses_the_command_with_the_assignment_alone() {
    for (line, is_refused) in [
        ("AWS_PROFILE=ann arl list; arl assume ROLE", false),
        ("AWS_PROFILE=ann arl --version && arl assume ROLE", false),
        ("AWS_PROFILE=ann true; arl assume ROLE", false),
        ("AWS_PROFILE=ann arl exec ROLE -- true; arl assume ROLE", false),
        ("true; AWS_PROFILE=ann arl assume ROLE", true),
        ("true && AWS_REGION=eu-west-3 arl -q assume ROLE", true),
        ("AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=y arl assume ROLE", true),
        ("(AWS_PROFILE=ann arl assume ROLE)", true),
        ("arl assume ROLE; AWS_PROFILE=ann arl clear", false),
    ] {
        let stage = Stage::new();
        stage.profiles("", ANN);
        let line = line.replace("ROLE", DEPLOY);
        let run = ShellSession::new(&stage, ZSH).line(&line).dump("after").typed();
        assert_eq!(run.environment("after").has_any("ARL_ROLE_ARN="), !is_refused, "{line} {run:?}");
    }
}

#[test]
fn the_function_works_with_zsh_options_that_emulate_other_shells() {
    for options in ["sh_glob", "ksh_arrays", "sh_word_split"] {
        let stage = Stage::new();
        let session = ShellSession::without_init(&stage, ZSH).flags(&["-f"]);
        let session = session.line(format!("setopt {options}")).line(ZSH.init).assume(DEPLOY).dump("after");
        let run = session.line("eval \"$(arl clear)\"").dump("cleared").run();
        assert!(!run.stderr.contains("eval"), "{options}: {run:?}");
        assert!(run.environment("after").has_any("ARL_"), "{options}: {run:?}");
        assert!(!run.environment("cleared").has_any("ARL_"), "{options}: {run:?}");
    }
}

#[test]
fn help_flags_among_other_short_flags_print_help() {
    for shell in ALL {
        let stage = Stage::new();
        let lines = ["arl assume -hv", "arl clear -hq", "arl assume -vh"];
        let run = ShellSession::new(&stage, shell).lines(lines).run();
        assert_eq!(run.stdout.matches("Usage:").count(), 3, "{run:?}");
        assert_eq!(run.stderr, "", "{run:?}");
    }
}

#[test]
fn an_unusual_ifs_changes_no_message() {
    let stage = Stage::new();
    let run = ShellSession::new(&stage, BASH).assume(DEPLOY).line("IFS=:").expire().prompt().typed();
    assert!(run.stdout.contains("arl: role/Deploy in 123456789012 expired"), "{run:?}");
    assert!(!run.stdout.contains("not a valid identifier"), "{run:?}");
}

#[test]
fn status_names_a_profile_that_an_sdk_would_prefer() {
    let stage = Stage::new();
    let session = ShellSession::new(&stage, BASH).assume(DEPLOY).line("arl status");
    let run = session.export("AWS_PROFILE", "ann").line("arl status").run();
    assert_eq!(run.stdout.matches("AWS_PROFILE=ann is set").count(), 1, "{run:?}");
}

#[test]
fn a_debug_trap_sees_no_secret_and_stays_set() {
    for (shell, trap) in [
        (BASH, "set -T; trap 'echo \"$BASH_COMMAND\" >>seen' DEBUG"),
        (ZSH, "trap 'print -r -- \"$ZSH_DEBUG_CMD\" >>seen' DEBUG"),
    ] {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).line(trap).assume(DEPLOY).assume(READ_ONLY);
        let session = session.line("export ARL_ON_EXPIRY=restore ARL_EXPIRES_AT=1").prompt();
        let run = session.assume(DEPLOY).clear().line("echo the end").typed();
        stage.assert_no_secret(&run.file("seen"));
        assert!(run.file("seen").contains("echo the end"), "{run:?}");
    }
}

/// zsh expands a global alias in any word that is not quoted, also in what is evaluated.
#[test]
fn global_aliases_of_zsh_change_nothing_in_the_function() {
    let words = [
        "--help",
        "-h",
        "--",
        "local",
        "if",
        "then",
        "fi",
        "case",
        "in",
        "esac",
        "x",
        "arl",
        "assume",
        "clear",
        "eval",
        "unset",
        "export",
        "0",
        "1",
        "return",
        "typeset",
        "values",
        "set",
        "AWS_PROFILE",
        "AWS_REGION",
    ];
    for prefix in ["alias -g --", "alias --"] {
        let stage = Stage::new();
        let aliases = words.map(|word| format!("{prefix} '{word}'='{word} 2>&1 | sort)('")).join("\n");
        let session = ShellSession::without_init(&stage, ZSH).flags(&["-f"]);
        let quoted = "'eval' \"$(\\arl 'init' 'zsh')\"";
        let session = session.line(aliases).line(quoted).line(format!("'arl' 'assume' {DEPLOY}"));
        let session = session.line("'env' '-0' >held").line("'arl' 'assume' '--help' >help");
        let session = session.line("[[ -o aliases ]] && 'touch' on").line("'arl' 'clear'").dump("after");
        let run = session.run();
        assert!(run.environment("held").has("ARL_ROLE_ARN=arn:aws:iam::123456789012:role/Deploy"), "{run:?}");
        assert!(run.file("help").starts_with("Switch this shell"), "{run:?}");
        assert!(run.has_file("on"), "{run:?}");
        assert!(!run.environment("after").has_any("ARL_ROLE_ARN"), "{run:?}");
        assert_eq!(run.stdout, "", "{run:?}");
    }
    // A restore point and a readable script are evaluated later.
    let stage = Stage::new();
    let session = ShellSession::new(&stage, ZSH).dump("before").assume(DEPLOY);
    let session = session.line("alias -g 'AWS_REGION=x' 'unset=x' 'fi=x' '1=x' 'export=x'");
    let run =
        session.line("arl assume 123456789012/ReadOnly").clear().line("unalias -m '*'").dump("after").run();
    assert_eq!(run.environment("after"), run.environment("before"), "{run:?}");
}

/// `set echo` and `set verbose` of tcsh, the attribute of traced functions, and DEBUG traps.
#[test]
fn no_trace_of_any_shell_shows_a_secret_and_each_stays_on() {
    for settings in ["set echo", "set verbose", "set echo verbose"] {
        let stage = Stage::new();
        let name = settings.split(' ').next_back().unwrap();
        let session = ShellSession::new(&stage, TCSH).line(settings).assume(DEPLOY);
        let session = session
            .line(format!("if ( $?{name} ) touch traced"))
            .line("arl exec 123456789012/ReadOnly -- sh -c 'exit 7'");
        let run = session.append_status("status").assume(READ_ONLY).clear().append_status("status").run();
        stage.assert_no_secret(&run.stdout);
        assert!(run.has_file("traced"), "{settings}: {run:?}");
        assert_eq!(run.file("status"), "7\n0\n", "{settings}: {run:?}");
    }
    let stage = Stage::new();
    let session = ShellSession::new(&stage, TCSH).line("set echo verbose").assume(DEPLOY).expire().prompt();
    let run = session.line("if ( $?echo && $?verbose ) touch traced").typed();
    stage.assert_no_secret(&run.stdout);
    assert!(run.has_file("traced"), "{run:?}");
    assert!(run.stdout.contains("its credentials were cleared"), "{run:?}");
    for (shell, settings) in [
        (BASH, "declare -ft arl; trap 'echo \"$BASH_COMMAND\" >>seen' DEBUG"),
        (BASH, "set -E; trap 'echo \"$BASH_COMMAND\" >>seen' ERR"),
        (BASH, "trap 'echo \"$BASH_COMMAND\" >>seen' RETURN; set -T; set -x"),
        (ZSH, "functions -T arl; functions -t __arl_use_original_env"),
        (KSH, "typeset -ft arl; trap 'print -r -- \"${.sh.command}\" >>seen' DEBUG"),
        (MKSH, "typeset -ft arl; set -x"),
    ] {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).line(settings).assume(DEPLOY).assume(READ_ONLY);
        let run = session.assume("123456789012/Closed").clear().run();
        stage.assert_no_secret(&run.file("seen"));
        stage.assert_no_secret(&run.stdout);
    }
}
