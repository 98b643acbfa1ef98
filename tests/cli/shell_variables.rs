//! The user's shell may have made any variable readonly, or given it an attribute that changes what is
//! assigned. Then arl works, or it fails with a line and a status: it never prints a secret, and never
//! succeeds without a role.

use arl_sts::World;

use crate::shell::{ALL, BASH, HOOKED, Shell, ShellRun, ShellSession};
use crate::support::{DEPLOY, Stage};

/// The variables that the scripts use, as they lie.
fn own_variables(script: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shell").join(script);
    let text = std::fs::read_to_string(path).unwrap();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let functions: Vec<&str> = text.lines().filter_map(|line| line.strip_suffix("() {")).collect();
    let mut names: Vec<String> = text
        .split(|c| !is_name(c))
        .filter(|word| word.starts_with("__arl_") && !functions.contains(word) && word.len() > 6)
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    assert!(names.len() > 10, "{names:?}");
    names
}

/// Runs lines in a shell whose stdout is a file. Nothing secret may be printed.
#[track_caller]
fn run(stage: &Stage, shell: &Shell, lines: &str) -> ShellRun {
    let run = ShellSession::new(stage, *shell).line(lines).run();
    stage.assert_no_secret(&run.stdout);
    assert!(!run.stdout.contains("unset"), "{}: {run:?}", shell.name);
    run
}

/// The AWS and arl variables of a dump, but for the stage's own, sorted.
fn identity_of(stage: &Stage, dump: &str) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(stage.home.join(dump)).unwrap();
    let variables = bytes.split(|&byte| byte == 0).filter(|variable| {
        let is_identity = [&b"AWS_"[..], b"ARL_", b"__arl"].iter().any(|start| variable.starts_with(start));
        is_identity && !variable.starts_with(b"ARL_CACHE=")
    });
    let mut variables: Vec<Vec<u8>> = variables.map(<[u8]>::to_vec).collect();
    variables.sort();
    variables
}

/// The identity in a dump is one that STS has given out, byte for byte.
fn is_a_session(stage: &Stage, dump: &str) -> bool {
    let variables = identity_of(stage, dump);
    let get = |name: &str| {
        let start = format!("{name}=");
        let found = variables.iter().find_map(|v| v.strip_prefix(start.as_bytes()));
        found.map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let (id, secret, token) =
        (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY"), get("AWS_SESSION_TOKEN"));
    let mut is_known = false;
    stage.sts.change(|world: &mut World| {
        let key = id.as_ref().and_then(|id| world.keys.get(id));
        is_known = key.is_some_and(|key| {
            Some(&key.secret) == secret.as_ref() && key.token.is_some() && key.token == token
        });
    });
    is_known
}

fn script_of(shell: &Shell) -> &'static str {
    match shell.name {
        "bash" => "arl.bash",
        "zsh" => "arl.zsh",
        "fish" => "arl.fish",
        "mksh" | "ksh93" => "arl.ksh",
        _ => "arl.sh",
    }
}

/// `plain` is what goes on in the shell itself; `substitution` is what an old script may still say.
#[test]
fn a_readonly_variable_never_makes_a_success_without_a_role_nor_prints_a_secret() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let mut names = own_variables(script_of(shell));
        names.extend(
            ["word", "verb", "out", "name", "status", "options", "rest", "IFS", "REPLY"].map(str::to_owned),
        );
        if script_of(shell) == "arl.ksh" {
            names.extend(own_variables("arl.sh"));
        }
        let stage = Stage::new();
        for name in names.iter().filter(|name| *name != "status" || shell.name != "zsh") {
            for assume in [format!("arl assume {DEPLOY}"), format!("eval \"$(arl assume {DEPLOY})\"")] {
                let lines =
                    format!("readonly {name}; if {assume}; then echo went on >went; fi; env -0 >after");
                let run = run(&stage, shell, &lines);
                let went_on = stage.home.join("went").exists();
                let has_role = is_a_session(&stage, "after");
                assert_eq!(went_on, has_role, "{} {name} {assume}: {run:?}", shell.name);
                if !has_role {
                    assert!(run.stderr.contains("arl: "), "{} {name} {assume}: {run:?}", shell.name);
                    assert!(name.starts_with("__arl_") || name == "IFS", "{} {name}: {run:?}", shell.name);
                    assert!(
                        identity_of(&stage, "after")
                            .contains(&b"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7ANN0001".to_vec())
                    );
                }
                let _ = std::fs::remove_file(stage.home.join("went"));
                std::fs::remove_file(stage.home.join("after")).unwrap();
            }
        }
    }
}

/// What may be in a user's shell that changes an assignment or the arguments of a command.
#[test]
fn attributes_and_options_do_not_change_the_role_that_the_shell_becomes() {
    let all = |declare: &str, script: &str| {
        own_variables(script).iter().map(|name| format!("{declare} {name}")).collect::<Vec<_>>().join("; ")
    };
    let identity =
        |declare: &str| arl::internal::IDENTITY_VARIABLES.map(|name| format!("{declare} {name}")).join("; ");
    let mut cases = Vec::new();
    for attribute in ["-u", "-l", "-i", "-x", "-a", "-A"] {
        let declare = format!("declare {attribute}");
        cases.push((BASH, format!("shopt -s localvar_inherit; {}", all(&declare, "arl.bash"))));
    }
    cases.push((BASH, "shopt -s localvar_inherit; declare -n __arl_out=victim __arl_word=victim".into()));
    cases.push((BASH, "shopt -s localvar_inherit localvar_unset; set -k".into()));
    cases.push((BASH, "declare -i word verb; declare -u out apply; set -k".into()));
    cases.push((BASH, identity("declare -u")));
    for shell in ALL {
        match shell.name {
            "zsh" => {
                cases.push((shell, all("typeset -u", "arl.zsh")));
                cases.push((shell, all("typeset -gi", "arl.zsh")));
                cases.push((shell, identity("typeset -u")));
                cases.push((shell, "setopt warn_create_global warn_nested_var posix_builtins".into()));
            }
            "mksh" | "ksh93" => {
                for attribute in ["-u", "-i", "-l"] {
                    let declare = format!("typeset {attribute}");
                    let lines = [all(&declare, "arl.sh"), all(&declare, "arl.ksh")].join("; ");
                    cases.push((shell, lines));
                }
            }
            "fish" => {
                let names = ["word", "verb", "apply", "back", "skip", "lines", "question", "name"];
                cases.push((shell, names.map(|name| format!("set -gx {name} mine")).join("; ")));
            }
            _ => {}
        }
    }
    for (shell, before) in cases {
        let (separator, bare, bare_clear) = if shell.is_fish() {
            ("; and", format!("arl assume {DEPLOY} | source"), "arl clear | source")
        } else {
            (" &&", format!("eval \"$(command arl assume {DEPLOY})\""), "eval \"$(command arl clear)\"")
        };
        for (assume, clear) in [(format!("arl assume {DEPLOY}"), "arl clear"), (bare, bare_clear)] {
            let stage = Stage::new();
            let lines = format!(
                "victim=mine\n{before}\nenv -0 >before\n{assume}{separator} touch went\nenv -0 >held\n\
                 arl exec 123456789012/ReadOnly -- sh -c 'echo $ARL_ROLE_ARN >child'\n{clear}\nenv -0 >after"
            );
            let lines = if shell.is_fish() { lines.replace("victim=mine\n", "") } else { lines };
            let run = run(&stage, &shell, &lines);
            assert!(is_a_session(&stage, "held"), "{}: {before} {assume}: {run:?}", shell.name);
            assert!(stage.home.join("went").exists(), "{}: {before} {assume}: {run:?}", shell.name);
            assert_eq!(run.stdout, "", "{}: {before} {assume}: {run:?}", shell.name);
            let read_only = "arn:aws:iam::123456789012:role/ReadOnly\n";
            assert_eq!(run.file("child"), read_only, "{}: {before} {assume}: {run:?}", shell.name);
            let own = |name: &str| {
                let mut variables = identity_of(&stage, name);
                variables.retain(|v| !v.starts_with(b"__arl"));
                variables
            };
            assert_eq!(own("after"), own("before"), "{}: {before} {clear}: {run:?}", shell.name);
        }
    }
}

/// ksh parses `export NAME=value` differently then, so the role would not arrive.
#[test]
fn set_k_is_an_error_in_ksh() {
    for shell in ALL.iter().filter(|shell| shell.name.contains("ksh")) {
        for assume in [format!("arl assume {DEPLOY}"), format!("eval \"$(command arl assume {DEPLOY})\"")] {
            let stage = Stage::new();
            let run = run(&stage, shell, &format!("set -k\n{assume} && touch went\nset +k\nenv -0 >after"));
            assert!(!run.has_file("went"), "{assume}: {run:?}");
            assert!(run.stderr.contains("set -k is on"), "{assume}: {run:?}");
            assert!(!is_a_session(&stage, "after"), "{assume}: {run:?}");
        }
    }
}

#[test]
fn the_hook_works_under_set_k_and_with_readonly_names_of_the_users_own() {
    for shell in HOOKED.iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        let keyword = if shell.name == "bash" { "set -k" } else { "true" };
        let run = ShellSession::new(&stage, *shell)
            .lines([
                "readonly now left options told rest",
                keyword,
                "sh -c 'exit 7'",
                "echo $? >idle",
                &format!("arl assume {DEPLOY}"),
                "sh -c 'exit 7'",
                "echo $? >armed",
                "export ARL_ON_EXPIRY; ARL_ON_EXPIRY=restore",
                "export ARL_EXPIRES_AT; ARL_EXPIRES_AT=1; sh -c 'exit 7'",
                "echo $? >cleared",
                "env -0 >after",
            ])
            .typed();
        for name in ["idle", "armed", "cleared"] {
            assert_eq!(run.file(name), "7\n", "{} {name}: {run:?}", shell.name);
        }
        let after = identity_of(&stage, "after");
        assert!(
            after.contains(&b"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7ANN0001".to_vec()),
            "{}: {run:?}",
            shell.name
        );
        assert_eq!(
            run.stdout.matches("your previous credentials are back").count(),
            1,
            "{}: {run:?}",
            shell.name
        );
        stage.assert_no_secret(&run.stdout);
    }
}

/// The hook of ksh has no variables of its own, so it clears the role anyway.
#[test]
fn a_readonly_variable_does_not_keep_an_expired_role_in_ksh() {
    for shell in HOOKED.iter().filter(|shell| shell.name.contains("ksh")) {
        for name in ["__arl_out", "__arl_name", "__arl_restore"] {
            let stage = Stage::new();
            let assume = format!("arl assume {DEPLOY}; readonly {name}");
            let run = ShellSession::new(&stage, *shell)
                .line(assume)
                .lines(["export ARL_EXPIRES_AT=1", "env -0 >after", "true", "true"])
                .typed();
            let after = identity_of(&stage, "after");
            let is_role =
                |v: &Vec<u8>| v.starts_with(b"AWS_SESSION_TOKEN") || v.starts_with(b"ARL_EXPIRES_AT");
            assert!(!after.iter().any(is_role), "{} {name}: {run:?}", shell.name);
            assert_eq!(run.stdout.matches("cleared").count(), 1, "{} {name}: {run:?}", shell.name);
        }
    }
}

/// tcsh ends a script at a readonly variable, and an interactive line.
#[test]
fn a_readonly_variable_ends_tcsh_loudly() {
    for name in
        ["__arl_text", "__arl_status", "__arl_args", "__arl_from_original", "__arl_do", "__arl_restore"]
    {
        let stage = Stage::new();
        let text = format!(
            "arl init tcsh > arl.tcsh\nsource arl.tcsh\nset -r {name} = true\narl assume {DEPLOY} && touch went\n"
        );
        std::fs::write(stage.home.join("script"), text).unwrap();
        let run = stage.run(stage.as_ann("tcsh").args(["-f", "script"]));
        assert_ne!(run.status, 0, "{name}: {run:?}");
        assert!(run.stderr.contains("read-only"), "{name}: {run:?}");
        assert_eq!(run.stdout, "", "{name}: {run:?}");
        assert!(!stage.home.join("went").exists(), "{name}: {run:?}");
    }
}

/// What the environment calls like a variable of arl's own is not shown.
#[test]
fn zsh_takes_no_prefix_from_the_environment() {
    let stage = Stage::new();
    let mut zsh = stage.as_ann("zsh");
    zsh.arg("-f").env("__arl_prefix_assignment", "\u{1b}]0;owned\u{7}");
    let run =
        stage.run(zsh.args(["-c", &format!("eval \"$(arl init zsh)\"; arl assume {DEPLOY}; env -0 >after")]));
    assert!(!run.stderr.contains("owned"), "{run:?}");
    assert!(is_a_session(&stage, "after"), "{run:?}");
}
