//! arl evaluates the text of its own shell variables. Text of the same name that came from the environment is
//! not arl's and is never evaluated, in any shell, whether it was there before `arl init` or a tool exported
//! it later.

use std::process::Command;

use crate::hooks::READ_ONLY;
use crate::shell::{ALL, HOOKED, NUSHELL, ShellSession};
use crate::support::{DEPLOY, Run, Stage};

/// The variables whose text the scripts or the printed statements evaluate.
const STATE: [&str; 5] = ["__arl_restore", "__arl_refresh", "__arl_region", "__arl_last", "__arl_previous"];

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
            .line("arl assume - || true")
            .line(&export)
            .assume(READ_ONLY)
            .line(&export)
            .clear()
            .line(&export)
            .line("arl assume - || true")
            .clear()
            .dump("after")
            .run();
        assert!(!run.has_file("CANARY"), "{run:?}");
        // fish leaves these as the test exported them, and ignores them.
        let ignored = ["__arl_last", "__arl_previous"].map(|name| format!("{name}={HOSTILE}"));
        let after = run.environment("after").without(&[&ignored[0], &ignored[1]]);
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
            .line(format!("{prefix} arl assume - || true"))
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

/// Every name that begins with `__arl_` in a script, and the variables that arl sets or reads.
fn injected_names() -> Vec<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/shell");
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names: std::collections::BTreeSet<String> = arl::internal::IDENTITY_VARIABLES
        .iter()
        .chain(&[
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "ARL_SUBSHELL",
            // Not ARL_PICKER and ARL_BROWSER, which are commands of the user's.
            "ARL_HOOK",
            "arl_memory",
            "fish_trace",
            "PROMPT_COMMAND",
        ])
        .map(|&name| name.to_owned())
        .collect();
    for entry in std::fs::read_dir(directory).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let words = text.split(|c| !is_name(c)).filter(|word| word.starts_with("__arl_") && word.len() > 6);
        names.extend(words.map(str::to_owned));
    }
    // bash runs its own PROMPT_COMMAND.
    names.remove("PROMPT_COMMAND");
    names.into_iter().collect()
}

/// Texts that run `touch CANARY` in one shell or another, if it evaluates them or puts them into a word.
const PAYLOADS: [&str; 14] = [
    "touch CANARY; true",
    "$(touch CANARY)",
    "`touch CANARY`",
    "a[$(touch CANARY)]",
    "'; touch CANARY; '",
    "\"; touch CANARY; \"",
    "x\ntouch CANARY\n",
    "1; touch CANARY",
    "(touch CANARY)",
    "{ ^touch CANARY }",
    "__import__('os').system('touch CANARY')",
    "$[__import__('os').system('touch CANARY')]",
    "x' | e:touch CANARY; '",
    "99999999999) ( touch CANARY )",
];

/// What a shell does with arl from its start to the expiry of a role, with the hook called by name.
fn session_of(shell: &str) -> String {
    let lines = |parts: &[&str]| parts.join("\n").replace("ROLE", DEPLOY).replace("OTHER", READ_ONLY);
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/shell");
    match shell {
        "nushell" => lines(&[
            &format!("source {directory}/arl.nu"),
            "try { arl exec OTHER -- uname }; try { arl assume - }; try { arl assume ROLE }; try { arl assume OTHER --chain }",
            "try { arl assume - }; try { arl status }",
            "try { __arl_hook }; try { __arl_preexec }; $env.ARL_EXPIRES_AT = '1'; try { __arl_preexec }; try { __arl_hook }",
            "try { arl clear }; touch done",
        ]),
        "elvish" => {
            let text = std::fs::read_to_string(format!("{directory}/arl.elv")).unwrap();
            let text: String = text.split_inclusive('\n').filter(|line| !line.contains("edit:")).collect();
            lines(&[
                &text,
                "try { arl exec OTHER -- true } catch e { nop }; try { arl assume - } catch e { nop }",
                "try { arl assume ROLE } catch e { nop }; try { arl assume OTHER --chain } catch e { nop }",
                "try { arl assume - } catch e { nop }; try { arl status } catch e { nop }; try { __arl_hook } catch e { nop }",
                "set-env ARL_EXPIRES_AT 1; try { __arl_hook } catch e { nop }; try { arl clear } catch e { nop }; touch done",
            ])
        }
        "xonsh" => lines(&[
            "execx($(arl init xonsh))",
            "arl exec OTHER -- true",
            "arl assume -",
            "arl assume ROLE",
            "arl assume OTHER --chain",
            "arl assume -",
            "arl status",
            "events.on_pre_prompt.fire()",
            "$ARL_EXPIRES_AT = '1'",
            "events.on_precommand.fire(cmd='x')",
            "events.on_pre_prompt.fire()",
            "arl clear",
            "touch done",
        ]),
        "tcsh" => lines(&[
            "\\arl init tcsh > arl.tcsh",
            "source arl.tcsh",
            "arl exec OTHER -- true",
            "arl assume -",
            "arl assume ROLE",
            "arl assume OTHER --chain",
            "arl assume -",
            "arl status",
            "eval \"$__arl_hook:q\"",
            "setenv ARL_EXPIRES_AT 1",
            "eval \"$__arl_hook:q\"",
            "arl clear",
            "touch done",
        ]),
        "fish" => lines(&[
            "command arl init fish | source",
            "arl exec OTHER -- true; arl assume -; arl assume ROLE; arl assume OTHER --chain; arl assume -",
            "arl status; __arl_hook; __arl_preexec",
            "set -gx ARL_EXPIRES_AT 1; __arl_preexec; __arl_hook; arl clear; touch done",
        ]),
        _ => {
            let init = shell.trim_end_matches(char::is_numeric);
            let init = if shell == "dash" || shell == "sh" { "sh" } else { init };
            let hook = match shell {
                "bash" => "__arl_preexec; __arl_hook",
                "zsh" => "__arl_preexec 'AWS_PROFILE=x arl' '' 'AWS_PROFILE=x arl assume'; __arl_hook",
                "ksh93" | "mksh" => "__arl_hook",
                _ => ":",
            };
            lines(&[
                &format!("eval \"$(command arl init {init})\""),
                "arl exec OTHER -- true; arl assume -; arl assume ROLE; eval \"$(arl assume OTHER --chain)\"",
                "arl assume -; eval \"$(arl assume -)\"; arl status",
                hook,
                "export ARL_EXPIRES_AT=1",
                hook,
                "arl clear; touch done",
            ])
        }
    }
}

const SHELLS: [&str; 11] =
    ["sh", "dash", "bash", "zsh", "ksh93", "mksh", "fish", "tcsh", "nushell", "elvish", "xonsh"];

/// A shell that runs the file `script`.
fn script_of(stage: &Stage, shell: &str) -> Command {
    let mut command = stage.as_ann(if shell == "nushell" { NUSHELL.program() } else { shell.to_owned() });
    command.args(match shell {
        "zsh" | "tcsh" => &["-f", "script"][..],
        "fish" => &["--no-config", "script"],
        "nushell" => &["--no-config-file", "script"],
        "elvish" => &["-norc", "script"],
        "xonsh" => &["--no-rc", "script"],
        _ => &["script"],
    });
    command
}

/// Words in the environment that would assume a role if arl took them for its own memory.
#[test]
fn a_role_that_the_environment_names_is_never_assumed() {
    const NAMED: &str = "arn:aws:iam::123456789012:role/Long";
    let mut tried = 0;
    for shell in SHELLS {
        for words in [NAMED.to_owned(), format!("assume {NAMED}"), format!("'assume' '{NAMED}'")] {
            let stage = Stage::new();
            std::fs::write(stage.home.join("script"), session_of(shell)).unwrap();
            let mut command = script_of(&stage, shell);
            command.env("ARL_ON_EXPIRY", "refresh");
            for name in STATE.iter().chain(&["__arl_memory", "arl_memory", "ARL_HOOK"]) {
                command.env(name, &words);
                tried += 1;
            }
            let run = stage.run(&mut command);
            let assumed = stage.assumed();
            assert!(!assumed.is_empty(), "{shell} {words}: {run:?}");
            let is_named = assumed.iter().any(|request| request.get("RoleArn") == Some(NAMED));
            assert!(!is_named, "{shell} {words}: {run:?}");
            assert!(stage.home.join("done").exists() || shell == "tcsh", "{shell} {words}: {run:?}");
        }
    }
    #[expect(clippy::print_stdout, reason = "the count is what the test is for")]
    {
        println!("{tried} memories of roles injected, 0 assumed");
    }
}

/// `ARL_PICKER` and `ARL_BROWSER` are commands, and run only where the user chooses a role at a terminal or
/// opens the console.
#[test]
fn commands_of_the_user_run_only_for_what_they_are_for() {
    for shell in SHELLS {
        let stage = Stage::new();
        std::fs::write(stage.home.join("script"), session_of(shell)).unwrap();
        let mut command = script_of(&stage, shell);
        command.env("ARL_PICKER", "touch CANARY").env("ARL_BROWSER", "touch CANARY %u");
        let run = stage.run(&mut command);
        assert_not_evaluated(&stage, shell, &run);
        assert!(stage.home.join("done").exists() || shell == "tcsh", "{shell}: {run:?}");
    }
}

/// Each value is given to one shell in one variable. In the first round the shell's own identity stays valid, so that
/// roles are assumed; in the second one every variable of the identity is hostile as well; in the third one only
/// numbers are, of a role that the shell holds.
#[test]
fn no_injected_environment_value_is_executed_in_any_shell() {
    let names = injected_names();
    let mut injected = 0;
    for shell in SHELLS {
        let script = session_of(shell);
        for (number, payload) in PAYLOADS.iter().enumerate() {
            // xonsh takes half a second to start.
            if shell == "xonsh" && number % 3 != 0 && !payload.contains("import") {
                continue;
            }
            let on_expiry = ["clear", "restore", "refresh"][number % 3];
            for round in 0..3 {
                let stage = Stage::new();
                std::fs::write(stage.home.join("script"), &script).unwrap();
                let mut command = script_of(&stage, shell);
                command.env("ARL_ON_EXPIRY", on_expiry);
                for name in &names {
                    let is_identity = name.starts_with("AWS_");
                    let is_injected = match round {
                        0 => !is_identity,
                        1 => true,
                        _ => !is_identity && name != "ARL_KEY_ID" && name != "ARL_EXPIRES_AT",
                    };
                    if is_injected {
                        command.env(name, payload);
                        injected += 1;
                    }
                }
                if round == 2 {
                    command.env("ARL_KEY_ID", "AKIAIOSFODNN7ANN0001").env("ARL_EXPIRES_AT", "1");
                }
                let run = stage.run(&mut command);
                assert!(!stage.home.join("CANARY").exists(), "{shell} {round} {payload:?}: {run:?}");
                // tcsh ends a script at an error of its own, and nushell's lists and records may not take a string.
                let ends_early = shell == "tcsh" || payload.contains('\n');
                assert!(
                    ends_early || stage.home.join("done").exists(),
                    "{shell} {round} {payload:?}: {run:?}"
                );
            }
        }
    }
    #[expect(clippy::print_stdout, reason = "the count is what the test is for")]
    {
        println!("{injected} values injected, 0 executed");
    }
    assert!(injected >= 10_000, "only {injected}");
}
