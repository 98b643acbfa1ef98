//! What a person's shell may hold that gets in arl's way: readonly variables, keys loaded over a role, aliases, prefixes.

use crate::hooks::{ALL, BASH, HOOKED, READ_ONLY, Shell, ZSH, identity_of, written};
use crate::support::{DEPLOY, Stage};

const REGIONAL: &str = "[profile regional]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nregion = eu-west-1\ncredential_source = Environment\n";

#[test]
fn a_refused_switch_keeps_the_role_and_says_so_in_its_status() {
    for shell in ALL {
        let stage = Stage::new();
        stage.profiles(REGIONAL, "");
        let status = shell.status();
        let (before, refused) = if shell.is_fish() {
            ("set -Ux AWS_CREDENTIAL_FILE /x", "universal variables")
        } else {
            ("export AWS_REGION=us-east-1; readonly AWS_REGION", "is readonly")
        };
        let lines = [
            format!("arl assume {READ_ONLY}"),
            "env -0 >first".into(),
            before.into(),
            format!("arl assume regional; echo {status} >statuses"),
            "arl assume regional && echo went on >>statuses".into(),
            "env -0 >then".into(),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let run = shell.run(&stage, stage.as_ann(shell.name), &lines);
        assert_eq!(written(&stage, "statuses"), "1\n", "{}: {run:?}", shell.name);
        assert_eq!(run.stderr.matches(refused).count(), 2, "{}: {run:?}", shell.name);
        let own = |name: &str| {
            let mut variables = identity_of(&stage, name);
            variables.retain(|v| !v.starts_with(b"AWS_REGION=") && !v.starts_with(b"AWS_CREDENTIAL_FILE="));
            variables
        };
        assert_eq!(own("then"), own("first"), "{}: {run:?}", shell.name);
        if !shell.is_fish() {
            // In a substitution the shell that reads must hear of it too.
            let inner = "eval \"$(arl assume regional)\" && echo went on; readonly AWS_REGION=x; \
                         eval \"$(arl assume regional)\" && echo went on";
            let run = shell.run(&stage, stage.as_ann(shell.name), &[inner]);
            assert_eq!(run.stdout, "went on\n", "{}: {run:?}", shell.name);
        }
    }
}

const ANN: &str = "[ann]\naws_access_key_id = AKIAIOSFODNN7ANN0001\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n";

/// Lets the session be over since 1970, for the hook and for what compares its end.
fn expire(shell: &Shell) -> String {
    let end = shell.export("AWS_CREDENTIAL_EXPIRATION", "1970-01-01T00:00:01Z");
    format!("{end}; {}", shell.export("ARL_EXPIRES_AT", "1"))
}

#[test]
fn what_a_role_leaves_beside_other_keys_goes_when_it_is_over() {
    for shell in HOOKED {
        let stage = Stage::new();
        stage.profiles(REGIONAL, "");
        let mine = shell.export("AWS_ACCESS_KEY_ID", "AKIAMINE");
        let no_token = if shell.is_fish() { "set -e AWS_SESSION_TOKEN" } else { "unset AWS_SESSION_TOKEN" };
        let run = shell.type_lines(
            &stage,
            &[
                "arl assume regional",
                "env -0 >held",
                &format!("{mine}; {no_token}"),
                &expire(&shell),
                "env -0 >after",
            ],
        );
        let held = identity_of(&stage, "held");
        assert!(held.contains(&b"AWS_REGION=eu-west-1".to_vec()), "{}: {run:?}", shell.name);
        let text = |v: &[u8]| String::from_utf8_lossy(v).into_owned();
        let after: Vec<String> = identity_of(&stage, "after").iter().map(|v| text(v)).collect();
        let left = |v: &&String| {
            let of_role = ["AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID", "AWS_REGION", "AWS_DEFAULT_REGION"];
            v.starts_with("ARL_") || of_role.iter().any(|name| v.starts_with(name))
        };
        assert_eq!(after.iter().filter(left).count(), 0, "{}: {after:?} {run:?}", shell.name);
        assert!(after.contains(&"AWS_ACCESS_KEY_ID=AKIAMINE".to_owned()), "{}: {run:?}", shell.name);
    }
}

#[test]
fn an_end_and_an_account_that_came_with_other_keys_stay() {
    for shell in HOOKED {
        let stage = Stage::new();
        let lines = [
            format!("arl assume {DEPLOY}"),
            [
                shell.export("AWS_ACCESS_KEY_ID", "ASIAMINE"),
                shell.export("AWS_CREDENTIAL_EXPIRATION", "2039-01-01T00:00:00Z"),
                shell.export("AWS_ACCOUNT_ID", "999999999999"),
            ]
            .join("; "),
            shell.export("ARL_EXPIRES_AT", "1"),
            "env -0 >after".into(),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let run = shell.type_lines(&stage, &lines);
        let after = identity_of(&stage, "after");
        for variable in ["AWS_CREDENTIAL_EXPIRATION=2039-01-01T00:00:00Z", "AWS_ACCOUNT_ID=999999999999"] {
            assert!(after.contains(&variable.as_bytes().to_vec()), "{}: {run:?}", shell.name);
        }
        assert!(!after.iter().any(|v| v.starts_with(b"ARL_")), "{}: {run:?}", shell.name);
    }
}

/// Somebody's logout: the keys go, and what was before the role is still there for `arl clear`.
#[test]
fn a_role_whose_keys_were_unset_is_over() {
    for shell in HOOKED {
        let stage = Stage::new();
        let gone = if shell.is_fish() { "set -e" } else { "unset" };
        let run = shell.type_lines(
            &stage,
            &[
                "env -0 >before",
                &format!("arl assume {DEPLOY}"),
                &format!("{gone} AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"),
                &expire(&shell),
                "env -0 >after",
                "arl clear",
                "env -0 >cleared",
            ],
        );
        let after = identity_of(&stage, "after");
        let of_role = |v: &Vec<u8>| {
            v.starts_with(b"ARL_") || v.starts_with(b"AWS_CREDENTIAL_E") || v.starts_with(b"AWS_ACCOUNT")
        };
        assert!(!after.iter().any(of_role), "{}: {run:?}", shell.name);
        assert_eq!(identity_of(&stage, "cleared"), identity_of(&stage, "before"), "{}: {run:?}", shell.name);
    }
}

/// direnv and its like load other keys in one directory and put the old ones back behind it.
#[test]
fn a_detour_through_other_keys_costs_nothing() {
    for shell in HOOKED {
        let stage = Stage::new();
        stage.profiles(REGIONAL, "");
        let other = shell.export("AWS_ACCESS_KEY_ID", "AKIAMINE");
        let back = if shell.is_fish() {
            "set -gx AWS_ACCESS_KEY_ID $kept"
        } else {
            "export AWS_ACCESS_KEY_ID=\"$kept\""
        };
        let keep = if shell.is_fish() { "set kept $AWS_ACCESS_KEY_ID" } else { "kept=$AWS_ACCESS_KEY_ID" };
        let run = shell.type_lines(
            &stage,
            &[
                "env -0 >before",
                "arl assume regional",
                "env -0 >held",
                keep,
                &other,
                "true",
                back,
                "env -0 >then",
                "arl clear",
                "env -0 >cleared",
            ],
        );
        assert_eq!(identity_of(&stage, "then"), identity_of(&stage, "held"), "{}: {run:?}", shell.name);
        assert_eq!(identity_of(&stage, "cleared"), identity_of(&stage, "before"), "{}: {run:?}", shell.name);
    }
}

/// tcsh asks at every prompt.
#[test]
fn what_is_not_over_is_not_cleared_either() {
    let stage = Stage::new();
    let clear = |end: &str| {
        let mut arl = stage.as_ann("arl");
        arl.args(["clear", "--expired", "--shell", "bash"])
            .env("ARL_KEY_ID", "ASIAROLE")
            .env("ARL_EXPIRES_AT", end);
        stage.run(&mut arl).success()
    };
    assert_eq!(clear("4102444800"), "");
    assert_eq!(clear("1"), "\\unset ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE;\n");
}

#[test]
fn a_clear_that_cannot_be_is_none() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        for name in ["AWS_REGION", "AWS_SESSION_TOKEN"] {
            let stage = Stage::new();
            stage.profiles(REGIONAL, "");
            let lines = [
                "arl assume regional".to_owned(),
                "env -0 >held".to_owned(),
                format!("readonly {name}; arl clear; echo $? >status"),
                "env -0 >then".to_owned(),
            ];
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let run = shell.run(&stage, stage.as_ann(shell.name), &lines);
            assert_eq!(written(&stage, "status"), "1\n", "{} {name}: {run:?}", shell.name);
            assert_eq!(identity_of(&stage, "then"), identity_of(&stage, "held"), "{} {name}", shell.name);
            assert_eq!(run.stderr.matches("is readonly, so nothing was changed").count(), 1, "{run:?}");
        }
    }
}

#[test]
fn the_roles_region_goes_with_it() {
    for shell in HOOKED {
        for before in [None, Some("us-west-2")] {
            let stage = Stage::new();
            stage.profiles(REGIONAL, "");
            let set = before.map_or_else(|| "true".into(), |region| shell.export("AWS_REGION", region));
            let lines = [
                set,
                "env -0 >before".into(),
                "arl assume regional".into(),
                shell.export("ARL_EXPIRES_AT", "1"),
                "env -0 >after".into(),
                format!("arl assume {READ_ONLY}"),
                "arl clear".into(),
                "env -0 >cleared".into(),
            ];
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let run = shell.type_lines(&stage, &lines);
            let regions = |name: &str| {
                let mut variables = identity_of(&stage, name);
                variables.retain(|v| v.starts_with(b"AWS_REGION") || v.starts_with(b"AWS_DEFAULT_REGION"));
                variables
            };
            for name in ["after", "cleared"] {
                assert_eq!(regions(name), regions("before"), "{} {name}: {run:?}", shell.name);
            }
        }
    }
}

#[test]
fn a_region_chosen_since_stays() {
    for shell in HOOKED {
        let stage = Stage::new();
        stage.profiles(REGIONAL, "");
        let lines = [
            "arl assume regional".into(),
            shell.export("AWS_REGION", "ap-south-1"),
            shell.export("ARL_EXPIRES_AT", "1"),
            "env -0 >after".into(),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let run = shell.type_lines(&stage, &lines);
        let after = identity_of(&stage, "after");
        assert!(after.contains(&b"AWS_REGION=ap-south-1".to_vec()), "{}: {run:?}", shell.name);
        assert!(!after.iter().any(|v| v.starts_with(b"AWS_DEFAULT_REGION")), "{}: {run:?}", shell.name);
    }
}

#[test]
fn an_alias_of_the_name_does_no_harm() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        let mut command = stage.as_ann(shell.name);
        if shell.name == "bash" {
            command.args(["-O", "expand_aliases"]);
        }
        let text = format!(
            "alias arl='arl --color never'\n{}\narl assume {DEPLOY}\nenv -0 >after\narl clear",
            shell.init
        );
        let run = stage.run(command.args(["-c", &text]));
        let after = identity_of(&stage, "after");
        assert!(after.iter().any(|v| v.starts_with(b"ARL_ROLE_ARN=")), "{}: {run:?}", shell.name);
        assert_eq!(run.stdout, "", "{}: {run:?}", shell.name);
    }
}

#[test]
fn a_profile_before_the_command_that_would_come_back_is_refused() {
    for shell in [BASH, ZSH] {
        let stage = Stage::new();
        stage.profiles("", ANN);
        let lines = [
            "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; export AWS_PROFILE=ann".to_owned(),
            format!("AWS_PROFILE=ann arl assume {DEPLOY} && echo went on >went"),
            "env -0 >after".into(),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let run = shell.type_lines(&stage, &lines);
        let after = identity_of(&stage, "after");
        let has = |name: &[u8]| after.iter().any(|v| v.starts_with(name));
        assert!(has(b"AWS_PROFILE=") && !has(b"ARL_ROLE_ARN="), "{}: {run:?}", shell.name);
        assert_eq!(written(&stage, "went"), "", "{}: {run:?}", shell.name);
        assert!(
            run.stdout.contains("AWS_PROFILE before the command ends with it"),
            "{}: {run:?}",
            shell.name
        );
    }
}

#[test]
fn zsh_refuses_keys_that_it_would_take_back() {
    let stage = Stage::new();
    let line = format!(
        "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY=x arl assume {DEPLOY} && echo went on"
    );
    let separate =
        format!("export AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID; arl assume {DEPLOY} && echo we''nt on");
    let run = ZSH.type_lines(&stage, &[&line, "arl status", &separate]);
    assert!(run.stdout.contains("before the command ends with it"), "{run:?}");
    assert!(run.stdout.contains("no role"), "{run:?}");
    assert_eq!(run.stdout.matches("\nwent on").count(), 1, "{run:?}");
}

#[test]
fn zsh_takes_nothing_else_for_a_prefix() {
    let stage = Stage::new();
    stage.profiles("", ANN);
    let assume = format!("arl assume {DEPLOY} >/dev/null && echo we''nt on");
    let lines = [
        "export AWS_PROFILE=x; IFS=:".to_owned(),
        format!("TF_VAR_AWS_PROFILE=x {assume}"),
        format!("MY_AWS_ACCESS_KEY_ID=x {assume}"),
        format!("AWS_REGION=eu-west-3 {assume}"),
        format!("export AWS_PROFILE=ann; {assume}"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let run = ZSH.type_lines(&stage, &lines);
    assert_eq!(run.stdout.matches("\nwent on").count(), 4, "{run:?}");
}

#[test]
fn zsh_with_the_patterns_of_sh_or_the_arrays_of_ksh_works_too() {
    for options in ["sh_glob", "ksh_arrays", "sh_word_split"] {
        let stage = Stage::new();
        let lines =
            [&format!("arl assume {DEPLOY}"), "env -0 >after", "eval \"$(arl clear)\"", "env -0 >cleared"];
        let mut zsh = stage.as_ann("zsh");
        let text =
            [&["setopt ", options, "\n", "eval \"$(arl init zsh)\"\n"].concat(), &lines.join("\n")[..]]
                .concat();
        let run = stage.run(zsh.args(["-f", "-c", &text]));
        assert!(!run.stderr.contains("eval"), "{options}: {run:?}");
        assert!(identity_of(&stage, "after").iter().any(|v| v.starts_with(b"ARL_")), "{options}: {run:?}");
        assert!(!identity_of(&stage, "cleared").iter().any(|v| v.starts_with(b"ARL_")), "{options}: {run:?}");
    }
}

#[test]
fn help_behind_another_short_flag_is_not_evaluated() {
    for shell in ALL {
        let stage = Stage::new();
        let lines = ["arl assume -hv", "arl clear -hq", "arl assume -vh"];
        let run = shell.run(&stage, stage.as_ann(shell.name), &lines);
        assert_eq!(run.stdout.matches("Usage:").count(), 3, "{}: {run:?}", shell.name);
        assert_eq!(run.stderr, "", "{}", shell.name);
    }
}

#[test]
fn an_odd_ifs_changes_no_message() {
    let stage = Stage::new();
    let lines = [&format!("arl assume {DEPLOY}"), "IFS=:", "export ARL_EXPIRES_AT=1", "true"];
    let run = BASH.type_lines(&stage, &lines.map(|line| line as &str));
    assert!(run.stdout.contains("arl: role/Deploy in 123456789012 expired"), "{run:?}");
    assert!(!run.stdout.contains("not a valid identifier"), "{run:?}");
}

#[test]
fn status_names_a_profile_that_an_sdk_would_prefer() {
    let stage = Stage::new();
    let lines = [&format!("arl assume {DEPLOY}"), "arl status", "export AWS_PROFILE=ann", "arl status"];
    let run = BASH.run(&stage, stage.as_ann("bash"), &lines.map(|line| line as &str));
    assert_eq!(run.stdout.matches("AWS_PROFILE=ann is set").count(), 1, "{run:?}");
}

#[test]
fn a_debug_trap_sees_no_secret() {
    for (shell, trap) in [
        (BASH, "set -T; trap 'echo \"$BASH_COMMAND\" >>seen' DEBUG"),
        (ZSH, "trap 'print -r -- \"$ZSH_DEBUG_CMD\" >>seen' DEBUG"),
    ] {
        let stage = Stage::new();
        let lines = [
            trap,
            &format!("arl assume {DEPLOY}"),
            &format!("arl assume {READ_ONLY}"),
            "export ARL_ON_EXPIRY=restore ARL_EXPIRES_AT=1",
            "true",
            &format!("arl assume {DEPLOY}"),
            "arl clear",
            "echo the end",
        ];
        let run = shell.type_lines(&stage, &lines);
        let seen = written(&stage, "seen");
        stage.assert_no_secret(&seen);
        // It is the person's, and there afterwards.
        assert!(seen.contains("echo the end"), "{}: {seen} {run:?}", shell.name);
    }
}
