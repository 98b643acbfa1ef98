//! arl evaluates the text of its own shell variables. Text of the same name that came from the environment is
//! not arl's and is never evaluated, in any shell, whether it was there before `arl init` or a tool exported
//! it later.

use crate::hooks::READ_ONLY;
use crate::shell::{ALL, HOOKED, NUSHELL, ShellSession};
use crate::support::{DEPLOY, Run, Stage};

/// The variables whose text the scripts or the printed statements evaluate.
const STATE: [&str; 3] = ["__arl_restore", "__arl_refresh", "__arl_region"];

/// What a hostile environment would like to have evaluated.
const HOSTILE: &str = "touch CANARY; true";

#[track_caller]
fn assert_not_evaluated(stage: &Stage, shell: &str, run: &Run) {
    assert!(!stage.home.join("CANARY").exists(), "{shell}: {run:?}");
}

fn tcsh(stage: &Stage, environment: &[&str], text: &str) -> Run {
    std::fs::write(stage.home.join("script"), text).unwrap();
    let mut command = stage.as_ann("tcsh");
    for name in environment {
        command.env(name, HOSTILE);
    }
    stage.run(command.args(["-f", "script"]))
}

#[test]
fn a_state_variable_exported_after_init_is_not_evaluated_by_any_verb() {
    for shell in ALL {
        let stage = Stage::new();
        let export = STATE.map(|name| shell.export(name, HOSTILE)).join("; ");
        let run = ShellSession::new(&stage, shell)
            // Without a role, and with one.
            .line(&export)
            .line(format!("arl exec {READ_ONLY} -- true"))
            .assume(DEPLOY)
            .line(&export)
            .line(format!("arl exec {READ_ONLY} -- true"))
            .line(format!("arl assume {READ_ONLY} --chain || true"))
            .line(&export)
            .assume(READ_ONLY)
            .line(&export)
            .clear()
            .dump("after")
            .run();
        assert!(!run.has_file("CANARY"), "{run:?}");
        let after = run.environment("after");
        assert!(!after.has_any("__arl") && !after.has_any("AWS_SESSION_TOKEN"), "{run:?}");
    }
}

#[test]
fn an_assignment_before_the_command_is_not_evaluated() {
    for shell in ALL {
        let stage = Stage::new();
        let prefix = STATE.map(|name| format!("{name}='{HOSTILE}'")).join(" ");
        let run = ShellSession::new(&stage, shell)
            .assume(DEPLOY)
            .line(format!("{prefix} arl exec {READ_ONLY} -- true"))
            .line(format!("{prefix} arl assume {READ_ONLY}"))
            .line(format!("{prefix} arl clear"))
            .run();
        // In dash and ksh93 such an assignment sets a plain variable of the shell, which the user has typed.
        if shell.name != "dash" && shell.name != "ksh93" {
            assert!(!run.has_file("CANARY"), "{run:?}");
        }
    }
}

#[test]
fn a_state_variable_exported_after_init_is_not_evaluated_when_the_role_expires() {
    for shell in HOOKED {
        for policy in ["clear", "restore", "refresh"] {
            for foreign_keys in [false, true] {
                let stage = Stage::new();
                let mut session =
                    ShellSession::new(&stage, shell).assume(DEPLOY).export("ARL_ON_EXPIRY", policy);
                for name in STATE {
                    session = session.export(name, HOSTILE);
                }
                if foreign_keys {
                    session = session.export("AWS_ACCESS_KEY_ID", "AKIAMINE");
                }
                let run = session.expire().prompt().dump("after").typed();
                assert!(!run.has_file("CANARY"), "{policy}: {run:?}");
                assert!(!run.environment("after").has_any("ARL_EXPIRES_AT"), "{policy}: {run:?}");
            }
        }
    }
}

/// `$?__arl_restore` is true in tcsh for an environment variable as well.
#[test]
fn tcsh_does_not_evaluate_the_environment() {
    let assume = format!("arl assume {DEPLOY}");
    let read_only = format!("arl assume {READ_ONLY}");
    let exec = format!("arl exec {READ_ONLY} -- true");
    let init = "arl init tcsh > arl.tcsh; source arl.tcsh";
    let setenv = STATE.map(|name| format!("setenv {name} '{HOSTILE}'")).join("; ");
    let hook = "setenv ARL_EXPIRES_AT 1; eval \"$__arl_hook:q\"";
    let bare_assume = format!("eval \"`\\arl assume {DEPLOY} --shell tcsh`\"");
    let bare_assume_chain = format!("eval \"`\\arl assume {READ_ONLY} --chain --shell tcsh`\"");
    let no_keys = "unsetenv AWS_ACCESS_KEY_ID; unsetenv AWS_SECRET_ACCESS_KEY";
    let own_keys = "setenv ARL_KEY_ID $AWS_ACCESS_KEY_ID";
    let bare_clear = "eval \"`\\arl clear --shell tcsh`\"";
    for (name, lines) in [
        ("before init", vec![init, &assume, &exec, &read_only, "arl clear"]),
        ("at once", vec![init, &exec]),
        ("before the first role", vec![init, &setenv, &assume]),
        ("after init", vec![init, &assume, &setenv, &exec, &setenv, &read_only, &setenv, "arl clear"]),
        ("clear without a role", vec![init, &setenv, "arl clear"]),
        ("at expiry", vec![init, &assume, "setenv ARL_ON_EXPIRY restore", &setenv, hook]),
        ("then restored", vec![init, &assume, &setenv, hook, &read_only, "arl clear"]),
        ("bare statements", vec![&bare_assume, &setenv, &bare_assume_chain, bare_clear]),
        ("bare clear", vec![bare_clear]),
        ("without keys", vec![init, no_keys, &assume, &setenv, &exec, &setenv, "arl clear"]),
        ("in a child of the role", vec![own_keys, init, &assume, &setenv, &exec, &setenv, "arl clear"]),
        ("in a child of the role, later", vec![own_keys, init, &setenv, &exec, &setenv, &assume]),
        ("clear in a child of the role", vec![own_keys, init, &setenv, "arl clear"]),
        ("bare statements in a child", vec![own_keys, &bare_assume, &setenv, bare_clear]),
    ] {
        let stage = Stage::new();
        let run = tcsh(&stage, &STATE, &format!("{}\nenv > after\n", lines.join("\n")));
        assert!(!stage.home.join("CANARY").exists(), "{name}: {run:?}");
        assert!(stage.home.join("after").exists(), "{name}: {run:?}");
    }
}

#[test]
fn tcsh_restores_what_it_remembers_although_the_environment_names_the_variable() {
    let stage = Stage::new();
    let text = format!(
        "arl init tcsh > arl.tcsh\nsource arl.tcsh\narl assume {DEPLOY}\nsetenv __arl_restore '{HOSTILE}'\n\
         arl clear\necho $AWS_ACCESS_KEY_ID\n"
    );
    let run = tcsh(&stage, &[], &text);
    assert_eq!(run.stdout, "AKIAIOSFODNN7ANN0001\n", "{run:?}");
}

/// These shells remember in values of their own language. A string of that name is nothing to them.
#[test]
fn the_other_shells_ignore_a_memory_from_the_environment() {
    let nu_script = format!("{}/shell/arl.nu", env!("CARGO_MANIFEST_DIR"));
    let nu = format!(
        "source {nu_script}\narl clear\narl assume {DEPLOY}\narl exec {READ_ONLY} -- uname\n\
         arl assume {READ_ONLY} --region eu-west-1\narl clear\n^env o> after\n\
         $env.__arl_memory = '{HOSTILE}'\narl assume {DEPLOY}\n$env.__arl_memory = '{HOSTILE}'\n\
         $env.ARL_EXPIRES_AT = '1'\n$env.ARL_ON_EXPIRY = 'refresh'\n__arl_hook\n^env o> expired\n"
    );
    // The lines for the line editor need a terminal.
    let elvish_init =
        std::fs::read_to_string(format!("{}/shell/arl.elv", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let elvish_init: String =
        elvish_init.split_inclusive('\n').filter(|line| !line.contains("edit:")).collect();
    let elvish = format!(
        "{elvish_init}\narl clear\narl assume {DEPLOY}\narl exec {READ_ONLY} -- uname\n\
         arl assume {READ_ONLY} --region eu-west-1\narl clear\nenv > after\n"
    );
    let xonsh = format!(
        "execx($(arl init xonsh))\narl clear\narl assume {DEPLOY}\narl exec {READ_ONLY} -- uname\n\
         arl assume {READ_ONLY} --region eu-west-1\narl clear\nenv > after\n"
    );
    for (name, program, flag, script) in [
        ("nushell", NUSHELL.program(), "--no-config-file", nu),
        ("xonsh", "xonsh".into(), "--no-rc", xonsh),
        ("elvish", "elvish".into(), "-norc", elvish),
    ] {
        let stage = Stage::new();
        std::fs::write(stage.home.join("script"), script).unwrap();
        let mut command = stage.as_ann(program);
        for variable in ["__arl_memory", "__arl_restore", "__arl_refresh", "__arl_region", "arl_memory"] {
            command.env(variable, HOSTILE);
        }
        let run = stage.run(command.args([flag, "script"]));
        assert_eq!(run.status, 0, "{name}: {run:?}");
        assert_not_evaluated(&stage, name, &run);
        let after = std::fs::read_to_string(stage.home.join("after")).unwrap();
        assert!(after.contains("AWS_ACCESS_KEY_ID=AKIAIOSFODNN7ANN0001"), "{name}: {after} {run:?}");
        assert!(!after.contains("ARL_ROLE_ARN="), "{name}: {after} {run:?}");
        if name == "nushell" {
            let expired = std::fs::read_to_string(stage.home.join("expired")).unwrap();
            assert!(!expired.contains("AWS_ACCESS_KEY_ID="), "{name}: {expired} {run:?}");
        }
    }
}
