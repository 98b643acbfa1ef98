//! The function and the hook in real interactive shells, in a terminal of their own.
//!
//! Nothing sleeps: a session is over when `ARL_EXPIRES_AT` says so, and the tests set it to 1.

use std::path::Path;
use std::process::Command;

use crate::support::{DEPLOY, Run, Stage};

pub(crate) const READ_ONLY: &str = "123456789012/ReadOnly";
const EXPIRED: &str = "arl: role/Deploy in 123456789012 expired";

/// A shell, how it is started without anybody's settings, and its `arl init`.
pub(crate) struct Shell {
    pub(crate) name: &'static str,
    command: &'static str,
    pub(crate) init: &'static str,
}

pub(crate) const BASH: Shell =
    Shell { name: "bash", command: "bash --norc --noprofile -i", init: "eval \"$(arl init bash)\"" };
pub(crate) const ZSH: Shell = Shell { name: "zsh", command: "zsh -f -i", init: "eval \"$(arl init zsh)\"" };
const FISH: Shell = Shell { name: "fish", command: "fish --no-config -i", init: "arl init fish | source" };
const MKSH: Shell = Shell { name: "mksh", command: "mksh -i", init: "eval \"$(arl init mksh)\"" };
const KSH: Shell = Shell { name: "ksh93", command: "ksh93 -i", init: "eval \"$(arl init ksh)\"" };
const DASH: Shell = Shell { name: "dash", command: "dash -i", init: "eval \"$(arl init sh)\"" };

/// The shells with a hook.
pub(crate) const HOOKED: [Shell; 5] = [BASH, ZSH, FISH, MKSH, KSH];
/// Those and one that has only the function.
pub(crate) const ALL: [Shell; 6] = [BASH, ZSH, FISH, MKSH, KSH, DASH];

impl Shell {
    pub(crate) fn is_fish(&self) -> bool {
        self.name == "fish"
    }

    /// Sets and exports a variable.
    pub(crate) fn export(&self, name: &str, value: &str) -> String {
        if self.is_fish() { format!("set -gx {name} '{value}'") } else { format!("export {name}='{value}'") }
    }

    /// The status of the last command.
    pub(crate) fn status(&self) -> &'static str {
        if self.is_fish() { "$status" } else { "$?" }
    }

    /// Types lines into an interactive shell; what the screen showed.
    pub(crate) fn type_lines(&self, stage: &Stage, lines: &[&str]) -> Run {
        self.type_lines_with(stage, stage.as_ann("script"), lines)
    }

    fn type_lines_with(&self, stage: &Stage, mut script: Command, lines: &[&str]) -> Run {
        script.args(["-qec", &format!("exec {}", self.command), "/dev/null"]);
        script
            .env("TERM", "dumb")
            .env("ENV", "/dev/null")
            .env("SHELL", "/bin/sh")
            .env("HISTFILE", "/dev/null");
        let input = [&[self.init], lines, &["exit 0"]].concat().join("\n") + "\n";
        stage.run_with_input(&mut script, &input)
    }

    /// Runs lines in a shell without a terminal, after `arl init`.
    pub(crate) fn run(&self, stage: &Stage, mut command: Command, lines: &[&str]) -> Run {
        let text = [&[self.init], lines].concat().join("\n");
        stage.run(command.args(["-c", &text]))
    }
}

pub(crate) fn written(stage: &Stage, name: &str) -> String {
    std::fs::read_to_string(stage.home.join(name)).unwrap_or_default()
}

/// The AWS and ARL variables of a dump that `env -0` made.
pub(crate) fn identity_of(stage: &Stage, name: &str) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(stage.home.join(name)).unwrap();
    let mut variables: Vec<Vec<u8>> = bytes
        .split(|&b| b == 0)
        .filter(|v| v.starts_with(b"AWS_") || v.starts_with(b"ARL_") || v.starts_with(b"__arl"))
        // Of the stage, not of the shell.
        .filter(|v| !v.starts_with(b"ARL_CACHE="))
        .map(<[u8]>::to_vec)
        .collect();
    variables.sort();
    variables
}

#[test]
fn an_expired_role_is_cleared_at_the_prompt_once() {
    for shell in HOOKED {
        let stage = Stage::new();
        let expire = shell.export("ARL_EXPIRES_AT", "1");
        let run = shell.type_lines(
            &stage,
            &[&format!("arl assume {DEPLOY}"), "env -0 >held", &expire, "env -0 >cleared", "true", "true"],
        );
        let held = identity_of(&stage, "held");
        assert!(held.iter().any(|v| v.starts_with(b"AWS_SESSION_TOKEN=FwoG")), "{}: {run:?}", shell.name);
        assert!(!held.iter().any(|v| v.starts_with(b"__arl")), "{}: children see the memory", shell.name);
        let cleared = identity_of(&stage, "cleared");
        let names: Vec<String> = cleared
            .iter()
            .map(|v| String::from_utf8_lossy(v).split('=').next().unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            ["AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_ENDPOINT_URL_STS"],
            "{}: {run:?}",
            shell.name
        );
        assert_eq!(run.stdout.matches(EXPIRED).count(), 1, "{}: {run:?}", shell.name);
        assert!(run.stdout.contains("its credentials were cleared"), "{}: {run:?}", shell.name);
    }
}

#[test]
fn a_clear_after_expiry_still_restores() {
    for shell in HOOKED {
        let stage = Stage::new();
        let run = shell.type_lines(
            &stage,
            &[
                "env -0 >before",
                &format!("arl assume {DEPLOY}"),
                &shell.export("ARL_EXPIRES_AT", "1"),
                "true",
                "arl clear",
                "env -0 >after",
            ],
        );
        assert_eq!(identity_of(&stage, "after"), identity_of(&stage, "before"), "{}: {run:?}", shell.name);
    }
}

#[test]
fn an_assume_after_expiry_starts_where_the_first_one_did() {
    for shell in HOOKED {
        let stage = Stage::new();
        let run = shell.type_lines(
            &stage,
            &[
                &format!("arl assume {DEPLOY}"),
                &shell.export("ARL_EXPIRES_AT", "1"),
                "true",
                &format!("arl assume {READ_ONLY}"),
                "arl clear",
                "env -0 >after",
            ],
        );
        assert_eq!(stage.assumed().len(), 2, "{}: {run:?}", shell.name);
        assert_eq!(stage.assumed()[1].access_key_id, "AKIAIOSFODNN7ANN0001", "{}", shell.name);
        assert!(
            identity_of(&stage, "after").contains(&b"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7ANN0001".to_vec()),
            "{}",
            shell.name
        );
    }
}

#[test]
fn the_status_of_the_command_before_is_kept() {
    for shell in HOOKED {
        let stage = Stage::new();
        let status = shell.status();
        let fail = "sh -c 'exit 7'";
        let show = format!("echo {status} >>statuses");
        // Armed, not armed, and while it clears.
        let expiring = if shell.is_fish() {
            "set -gx ARL_EXPIRES_AT 1; sh -c 'exit 7'"
        } else {
            "export ARL_EXPIRES_AT=1; sh -c 'exit 7'"
        };
        let run = shell.type_lines(
            &stage,
            &[fail, &show, &format!("arl assume {DEPLOY}"), fail, &show, expiring, &show],
        );
        assert_eq!(written(&stage, "statuses"), "7\n7\n7\n", "{}: {run:?}", shell.name);
    }
    for (shell, lines) in [
        (BASH, ["true | sh -c 'exit 3' | true", "echo ${PIPESTATUS[*]} >pipes"]),
        (ZSH, ["true | sh -c 'exit 3' | true", "echo $pipestatus >pipes"]),
        (FISH, ["true | sh -c 'exit 3' | true", "echo $pipestatus >pipes"]),
    ] {
        let stage = Stage::new();
        let run = shell.type_lines(&stage, &[&format!("arl assume {DEPLOY}"), lines[0], lines[1]]);
        assert_eq!(written(&stage, "pipes"), "0 3 0\n", "{}: {run:?}", shell.name);
    }
}

#[test]
fn an_idle_terminal_fails_loudly_and_never_as_somebody_else() {
    // The session ends while the prompt is waiting: after arl's own hook has looked.
    let zsh = "later() { [ -n \"$AWS_SESSION_TOKEN\" ] && [ ! -e late ] && touch late && ARL_EXPIRES_AT=1; }; precmd_functions+=(later)";
    let bash = "later() { [ -n \"$AWS_SESSION_TOKEN\" ] && [ ! -e late ] && touch late && ARL_EXPIRES_AT=1; }; PROMPT_COMMAND+=';later'";
    let fish = "function later --on-event fish_prompt; test -n \"$AWS_SESSION_TOKEN\"; and not test -e late; and touch late; and set -gx ARL_EXPIRES_AT 1; end";
    for (shell, hook) in [(ZSH, zsh), (BASH, bash), (FISH, fish)] {
        let stage = Stage::new();
        let run = shell.type_lines(
            &stage,
            &[
                hook,
                &format!("arl assume {DEPLOY}"),
                "echo $AWS_ACCESS_KEY_ID >ran-as",
                "echo \"[$AWS_ACCESS_KEY_ID]\" >then",
            ],
        );
        assert!(written(&stage, "ran-as").starts_with("ASIA"), "{}: {run:?}", shell.name);
        assert_eq!(written(&stage, "then"), "[]\n", "{}: {run:?}", shell.name);
        let warned = run.stdout.matches("the next prompt clears its credentials").count();
        // bash before 5.3 has no hook there.
        assert_eq!(warned, usize::from(shell.name != "bash"), "{}: {run:?}", shell.name);
    }
}

#[test]
fn other_keys_are_left_alone() {
    for shell in HOOKED {
        let stage = Stage::new();
        let mine = shell.export("AWS_ACCESS_KEY_ID", "AKIAMINE");
        let run = shell.type_lines(
            &stage,
            &[
                &format!("arl assume {DEPLOY}"),
                &mine,
                &shell.export("ARL_EXPIRES_AT", "1"),
                "env -0 >after",
                "arl clear",
                "env -0 >cleared",
            ],
        );
        for dump in ["after", "cleared"] {
            let variables = identity_of(&stage, dump);
            assert!(
                variables.contains(&b"AWS_ACCESS_KEY_ID=AKIAMINE".to_vec()),
                "{} {dump}: {run:?}",
                shell.name
            );
            assert!(variables.iter().any(|v| v.starts_with(b"AWS_SESSION_TOKEN")), "{} {dump}", shell.name);
        }
        assert!(!run.stdout.contains(EXPIRED), "{}: {run:?}", shell.name);
    }
}

#[test]
fn hostile_or_odd_deadlines_are_ignored() {
    for shell in HOOKED {
        for deadline in ["a[$(touch CANARY)]", "soon", "-1", "1 2", "99999999999999999999999999", ""] {
            let stage = Stage::new();
            let run = shell.type_lines(
                &stage,
                &[
                    &format!("arl assume {DEPLOY}"),
                    &shell.export("ARL_EXPIRES_AT", deadline),
                    "true",
                    "env -0 >after",
                ],
            );
            assert!(!stage.home.join("CANARY").exists(), "{} {deadline}", shell.name);
            let kept = identity_of(&stage, "after").iter().any(|v| v.starts_with(b"AWS_SESSION_TOKEN"));
            assert!(kept, "{} {deadline}: {run:?}", shell.name);
            assert!(!run.stdout.contains("integer expression"), "{} {deadline}: {run:?}", shell.name);
        }
    }
}

#[test]
fn it_may_be_initialised_twice_and_arl_may_be_gone() {
    for shell in HOOKED {
        let stage = Stage::new();
        let gone = if shell.is_fish() { "set -gx PATH /usr/bin /bin" } else { "export PATH=/usr/bin:/bin" };
        let run = shell.type_lines(
            &stage,
            &[
                "env -0 >before",
                &format!("arl assume {DEPLOY}"),
                shell.init,
                "arl clear",
                "env -0 >after",
                &format!("arl assume {DEPLOY}"),
                gone,
                &shell.export("ARL_EXPIRES_AT", "1"),
                "env -0 >cleared",
            ],
        );
        assert_eq!(identity_of(&stage, "after"), identity_of(&stage, "before"), "{}: {run:?}", shell.name);
        assert_eq!(run.stdout.matches(EXPIRED).count(), 1, "{}: {run:?}", shell.name);
        assert_eq!(identity_of(&stage, "cleared").len(), 3, "{}: {run:?}", shell.name);
    }
}

#[test]
fn expiry_restores_where_that_is_wished_for() {
    for shell in HOOKED {
        let stage = Stage::new();
        let run = shell.type_lines(
            &stage,
            &[
                "env -0 >before",
                &format!("arl assume {DEPLOY}"),
                &format!(
                    "{}; {}",
                    shell.export("ARL_ON_EXPIRY", "restore"),
                    shell.export("ARL_EXPIRES_AT", "1")
                ),
                "true",
                if shell.is_fish() { "set -e ARL_ON_EXPIRY" } else { "unset ARL_ON_EXPIRY" },
                "env -0 >after",
            ],
        );
        assert_eq!(identity_of(&stage, "after"), identity_of(&stage, "before"), "{}: {run:?}", shell.name);
        assert!(run.stdout.contains("what was here before is back"), "{}: {run:?}", shell.name);
    }
}

#[test]
fn expiry_refreshes_where_that_is_wished_for_and_a_failure_clears_once() {
    for shell in HOOKED {
        let stage = Stage::new();
        let expire = shell.export("ARL_EXPIRES_AT", "1");
        let fail = stage.home.join("fail");
        let wish = shell.export("ARL_ON_EXPIRY", "refresh");
        let run = shell.type_lines(
            &stage,
            &[
                &wish,
                &format!("arl -v assume {DEPLOY} --role-session-name 'ann'"),
                &expire,
                "env -0 >refreshed",
                &expire,
                "env -0 >again",
                "arl clear",
                "env -0 >after",
            ],
        );
        for dump in ["refreshed", "again"] {
            let live = identity_of(&stage, dump).iter().any(|v| v.starts_with(b"AWS_SESSION_TOKEN=FwoG"));
            assert!(live, "{} {dump}: {run:?}", shell.name);
        }
        assert_eq!(stage.assumed().len(), 3, "{}: {run:?}", shell.name);
        for request in stage.assumed() {
            assert_eq!(request.access_key_id, "AKIAIOSFODNN7ANN0001", "{}", shell.name);
            assert_eq!(request.get("RoleSessionName"), Some("ann"));
        }
        assert!(identity_of(&stage, "after").contains(&b"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7ANN0001".to_vec()));
        drop(fail);

        // The role cannot be had any more: one try, one message, cleared.
        let stage = Stage::new();
        let close = "touch closed";
        let run = shell.type_lines(
            &stage,
            &[
                &wish,
                &format!("arl assume {DEPLOY}"),
                &shell.export("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1"),
                close,
                &expire,
                "true",
                "true",
                "env -0 >cleared",
            ],
        );
        let cleared = identity_of(&stage, "cleared");
        assert!(!cleared.iter().any(|v| v.starts_with(b"AWS_ACCESS_KEY_ID")), "{}: {run:?}", shell.name);
        assert_eq!(run.stdout.matches("Connection refused").count(), 1, "{}: {run:?}", shell.name);
        assert_eq!(run.stdout.matches(EXPIRED).count(), 1, "{}: {run:?}", shell.name);
    }
}

#[test]
fn a_failed_switch_leaves_the_role_and_its_status() {
    for shell in ALL {
        let stage = Stage::new();
        let status = shell.status();
        let lines = [
            format!("arl assume {DEPLOY}"),
            "env -0 >first".into(),
            format!("arl assume 123456789012/Closed; echo {status} >statuses"),
            format!("arl assume {READ_ONLY} --duration 1s; echo {status} >>statuses"),
            format!(
                "arl assume 123456789012/NeedsMfa --serial-number GAHT12345678; echo {status} >>statuses"
            ),
            "env -0 >then".into(),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let run = shell.run(&stage, stage.as_ann(shell.name), &lines);
        assert_eq!(written(&stage, "statuses"), "1\n2\n3\n", "{}: {run:?}", shell.name);
        assert_eq!(identity_of(&stage, "then"), identity_of(&stage, "first"), "{}", shell.name);
    }
}

#[test]
fn from_role_to_role_to_what_was_before() {
    let region = "a'b\nc$(touch CANARY)";
    for shell in ALL {
        for start in ["nothing", "keys", "profile", "container", "unusual"] {
            let stage = Stage::new();
            stage.profiles(
                "",
                "[dev]\naws_access_key_id = AKIAIOSFODNN7ANN0001\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n[default]\naws_access_key_id = AKIAIOSFODNN7ANN0001\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n",
            );
            let mut command = if start == "keys" || start == "unusual" {
                stage.as_ann(shell.name)
            } else {
                stage.bare(shell.name)
            };
            match start {
                "profile" => {
                    command
                        .env("AWS_PROFILE", "dev")
                        .env("AWS_REGION", "eu-north-1")
                        .env("AWS_DEFAULT_REGION", "eu-south-1");
                }
                "container" => {
                    command
                        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/x")
                        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a b");
                }
                "unusual" => {
                    use std::os::unix::ffi::OsStrExt;
                    let bytes = std::ffi::OsStr::from_bytes(b"\xff'\\\"\n!$x`y`\n\n");
                    command
                        .env("AWS_ROLE_SESSION_NAME", bytes)
                        .env("AWS_CREDENTIAL_SCOPE", region)
                        .env("AWS_DEFAULT_REGION", "eu-central-1");
                }
                _ => {}
            }
            let a = format!("arl assume {DEPLOY} --region eu-west-1");
            let run = shell.run(
                &stage,
                command,
                &[
                    "env -0 >before",
                    &a,
                    "env -0 >a",
                    &format!("arl assume {READ_ONLY}"),
                    "env -0 >b",
                    &format!("arl assume {READ_ONLY} --region us-west-2"),
                    "arl clear",
                    "env -0 >after",
                ],
            );
            assert_eq!(run.status, 0, "{} {start}: {run:?}", shell.name);
            assert_eq!(
                identity_of(&stage, "after"),
                identity_of(&stage, "before"),
                "{} {start}: {run:?}",
                shell.name
            );
            assert!(
                identity_of(&stage, "a").contains(&b"AWS_REGION=eu-west-1".to_vec()),
                "{} {start}",
                shell.name
            );
            assert!(
                !identity_of(&stage, "b").contains(&b"AWS_REGION=eu-west-1".to_vec()),
                "{} {start}",
                shell.name
            );
            assert_eq!(stage.assumed().len(), 3, "{} {start}: {run:?}", shell.name);
            for request in stage.assumed() {
                assert_eq!(request.access_key_id, "AKIAIOSFODNN7ANN0001", "{} {start}", shell.name);
            }
            assert!(!stage.home.join("CANARY").exists(), "{} {start}", shell.name);
        }
    }
}

#[test]
fn what_was_chosen_since_is_not_undone() {
    for shell in ALL {
        let stage = Stage::new();
        let chosen = [shell.export("AWS_REGION", "ap-south-1"), shell.export("AWS_PROFILE", "chosen")];
        let mut command = stage.as_ann(shell.name);
        command.env("AWS_REGION", "eu-north-1").env("AWS_PROFILE", "");
        let a = format!("arl assume {DEPLOY} --region eu-west-1");
        let run = shell.run(&stage, command, &[&a, &chosen[0], &chosen[1], "arl clear", "env -0 >after"]);
        let after = identity_of(&stage, "after");
        for kept in ["AWS_REGION=ap-south-1", "AWS_PROFILE=chosen", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7ANN0001"]
        {
            assert!(after.contains(&kept.as_bytes().to_vec()), "{} {kept}: {run:?}", shell.name);
        }
    }
}

#[test]
fn the_memory_is_no_childs_and_no_parents() {
    for shell in ALL {
        let stage = Stage::new();
        let mut command = stage.as_ann(shell.name);
        // A parent that would like to have its text evaluated.
        for name in ["__arl_restore", "__arl_refresh", "__arl_region"] {
            command.env(name, "touch CANARY");
        }
        let all = if shell.is_fish() { "true" } else { "set -a" };
        let run = shell.run(
            &stage,
            command,
            &[
                all,
                "arl clear",
                &format!("arl assume {DEPLOY}"),
                "env -0 >held",
                &format!("arl assume {READ_ONLY}"),
                "arl clear",
                "env -0 >after",
            ],
        );
        assert!(!stage.home.join("CANARY").exists(), "{}: {run:?}", shell.name);
        assert!(
            !identity_of(&stage, "held").iter().any(|v| v.starts_with(b"__arl")),
            "{}: {run:?}",
            shell.name
        );
        assert!(
            identity_of(&stage, "after").contains(&b"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7ANN0001".to_vec()),
            "{}",
            shell.name
        );
        // Without any keys at all it is not evaluated either.
        let stage = Stage::new();
        let mut command = stage.bare(shell.name);
        command.env("__arl_restore", "touch CANARY").env("__arl_region", "touch CANARY");
        let clear = if shell.is_fish() { "arl clear | source" } else { "eval \"$(arl clear)\"" };
        let run = stage.run(command.args(["-c", clear]));
        assert!(!stage.home.join("CANARY").exists(), "{}: {run:?}", shell.name);
        // The same without the function: bare statements.
        let stage = Stage::new();
        let mut command = stage.as_ann(shell.name);
        command.env("__arl_restore", "touch CANARY").env("__arl_region", "touch CANARY");
        let bare = if shell.is_fish() {
            format!("arl assume {DEPLOY} | source; arl clear | source; env -0 >after")
        } else {
            format!(
                "{all}; eval \"$(arl assume {DEPLOY})\"; env -0 >held; eval \"$(arl clear)\"; env -0 >after"
            )
        };
        let run = stage.run(command.args(["-c", &bare]));
        assert!(!stage.home.join("CANARY").exists(), "{}: {run:?}", shell.name);
        assert!(
            identity_of(&stage, "after").contains(&b"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7ANN0001".to_vec()),
            "{}: {run:?}",
            shell.name
        );
    }
}

#[test]
fn a_child_shell_clears_without_a_memory() {
    for shell in ALL {
        let stage = Stage::new();
        let child = format!(
            "{} -c '{}",
            shell.name,
            if shell.is_fish() {
                "arl init fish | source; arl clear; env -0 >after'"
            } else {
                "eval \"$(arl init sh)\"; arl clear; env -0 >after'"
            }
        );
        let child = if shell.name == "zsh" { child.replace("init sh", "init zsh") } else { child };
        let run = shell.run(&stage, stage.as_ann(shell.name), &[&format!("arl assume {DEPLOY}"), &child]);
        assert_eq!(identity_of(&stage, "after").len(), 3, "{}: {run:?}", shell.name);
    }
}

#[test]
fn everything_else_passes_through() {
    for shell in ALL {
        let stage = Stage::new();
        let status = shell.status();
        let lines = [
            format!("arl assume {DEPLOY}"),
            "env -0 >first".into(),
            format!("arl --color never assume {READ_ONLY} --json >json"),
            format!("arl assume {READ_ONLY} --shell posix >text"),
            format!("arl exec {READ_ONLY} -- sh -c 'echo $ARL_SOURCE; exit 9' >child; echo {status} >status"),
            format!("arl assume {READ_ONLY} --format=dotenv >dotenv"),
            format!("arl explain {READ_ONLY} --json >told; arl write {READ_ONLY} --profile-name ro"),
            format!("arl each {READ_ONLY} -- sh -c 'echo $ARL_SOURCE' >each"),
            "arl assume --help >help".into(),
            "env -0 >then".into(),
            format!("arl -q assume {READ_ONLY}"),
            "arl status --json >live".into(),
            "arl clear; arl status >none".into(),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let run = shell.run(&stage, stage.as_ann(shell.name), &lines);
        assert_eq!(identity_of(&stage, "then"), identity_of(&stage, "first"), "{}: {run:?}", shell.name);
        assert!(written(&stage, "told").contains("environment, key …0001"), "{}: {run:?}", shell.name);
        assert!(written(&stage, ".aws/credentials").contains("[ro]"), "{}: {run:?}", shell.name);
        let each = written(&stage, "each");
        assert_eq!(each, format!("{READ_ONLY}: env:AKIAIOSFODNN7ANN0001\n"), "{}: {run:?}", shell.name);
        assert!(
            written(&stage, "json").starts_with('{')
                && written(&stage, "dotenv").starts_with("AWS_ACCESS_KEY_ID=")
        );
        assert!(
            written(&stage, "text").contains("\\export") && written(&stage, "help").starts_with("Examples")
        );
        assert_eq!(
            (written(&stage, "child"), written(&stage, "status")),
            ("env:AKIAIOSFODNN7ANN0001\n".into(), "9\n".into()),
            "{}: {run:?}",
            shell.name
        );
        assert!(written(&stage, "live").contains("role/ReadOnly\""), "{}: {run:?}", shell.name);
        assert_eq!(
            written(&stage, "none"),
            "no role; the keys in this shell are not arl's\n",
            "{}",
            shell.name
        );
    }
}

#[test]
fn the_persons_own_settings_survive() {
    for (shell, lines, expected) in [
        (
            BASH,
            vec![
                "set -u; IFS=0123456789; alias unset=false export=false local=false; trap 'echo usr >>log' USR1",
                "PROMPT_COMMAND='echo \"mine $?\" >>log'",
                BASH.init,
                "arl assume ROLE",
                "sh -c 'exit 4'",
                "kill -USR1 \"$$\"",
                "ARL_EXPIRES_AT=1",
                "echo \"[${AWS_ACCESS_KEY_ID-}]$-\" >>log",
            ],
            vec!["mine 4", "usr", "[]"],
        ),
        (
            ZSH,
            vec![
                "setopt nounset ksharrays shwordsplit sh_glob; alias unset=false; precmd() { echo \"mine $?\" >>log }",
                ZSH.init,
                "arl assume ROLE",
                "sh -c 'exit 4'",
                "export ARL_EXPIRES_AT=1",
                "echo \"[${AWS_ACCESS_KEY_ID-}]\" >>log; setopt | grep -c -E 'nounset|ksharrays|shwordsplit|shglob' >>log",
            ],
            vec!["mine 4", "[]", "4"],
        ),
        (
            FISH,
            vec![
                "function mine --on-event fish_prompt; echo \"mine $status\" >>log; end",
                FISH.init,
                "arl assume ROLE",
                "sh -c 'exit 4'",
                "set -gx ARL_EXPIRES_AT 1",
                "echo \"[$AWS_ACCESS_KEY_ID]\" >>log",
            ],
            vec!["mine 4", "[]"],
        ),
    ] {
        let stage = Stage::new();
        let lines: Vec<String> = lines.iter().map(|line| line.replace("ROLE", DEPLOY)).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let run = shell.type_lines(&stage, &lines);
        let log = written(&stage, "log");
        for line in expected {
            assert!(
                log.lines().any(|other| other.starts_with(line)),
                "{}: `{line}` is not in {log}: {run:?}",
                shell.name
            );
        }
    }
}

#[test]
fn the_bare_statements_work_where_the_function_is_as_well() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        let assume = format!("eval \"$(arl assume {DEPLOY})\"; echo $? >status");
        let run = shell.run(
            &stage,
            stage.as_ann(shell.name),
            &[
                &assume,
                "env -0 >held",
                "eval \"$(arl assume 123456789012/Closed)\" && touch ran",
                "eval \"$(arl clear)\"",
                "env -0 >after",
            ],
        );
        assert_eq!(written(&stage, "status"), "0\n", "{}: {run:?}", shell.name);
        assert!(
            identity_of(&stage, "held").iter().any(|v| v.starts_with(b"AWS_SESSION_TOKEN")),
            "{}: {run:?}",
            shell.name
        );
        assert!(
            identity_of(&stage, "after").contains(&b"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7ANN0001".to_vec()),
            "{}: {run:?}",
            shell.name
        );
        assert!(!stage.home.join("ran").exists(), "{}", shell.name);
        // In a subshell of its own the function changes that one.
        let stage = Stage::new();
        let line = format!(
            "(arl assume {DEPLOY}; echo $ARL_ROLE_ARN >inside; exit 3); echo \"$? $ARL_ROLE_ARN\" >outside"
        );
        let run = shell.run(&stage, stage.as_ann(shell.name), &[&format!("{{ {line}; }} >log")]);
        assert_eq!(
            (written(&stage, "inside"), written(&stage, "outside"), written(&stage, "log")),
            (format!("{DEPLOY}\n"), "3 \n".into(), String::new()),
            "{}: {run:?}",
            shell.name
        );
    }
}

#[test]
fn a_source_chosen_since_wins_over_the_memory() {
    for shell in HOOKED {
        let stage = Stage::new();
        stage.sts.change(|world| {
            world.add_user("arn:aws:iam::111122223333:user/bob", "AKIABOB", "bobsecretbobsecret")
        });
        stage
            .profiles("", "[bob]\naws_access_key_id = AKIABOB\naws_secret_access_key = bobsecretbobsecret\n");
        let (expire, choose) = (shell.export("ARL_EXPIRES_AT", "1"), shell.export("AWS_PROFILE", "bob"));
        let assume = format!("arl assume {DEPLOY}");
        // While the role is held, and after it expired; a profile survives the expiry.
        let exec = format!("arl exec {READ_ONLY} -- true");
        let run = shell.type_lines(&stage, &[&assume, &choose, &exec, &expire, "env -0 >cleared", &exec]);
        let signers: Vec<String> = stage.assumed().into_iter().map(|request| request.access_key_id).collect();
        assert_eq!(signers, ["AKIAIOSFODNN7ANN0001", "AKIABOB", "AKIABOB"], "{}: {run:?}", shell.name);
        assert!(
            identity_of(&stage, "cleared").contains(&b"AWS_PROFILE=bob".to_vec()),
            "{}: {run:?}",
            shell.name
        );
        // Keys that came and went since: what was before them is no longer what the person means.
        let stage = Stage::new();
        stage.profiles(
            "",
            "[default]\naws_access_key_id = AKIABOB\naws_secret_access_key = bobsecretbobsecret\n",
        );
        let (mine, gone) = (
            shell.export("AWS_ACCESS_KEY_ID", "AKIAMINE"),
            if shell.is_fish() {
                "set -e AWS_ACCESS_KEY_ID; set -e AWS_SECRET_ACCESS_KEY; set -e AWS_SESSION_TOKEN"
            } else {
                "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"
            },
        );
        let run =
            shell.type_lines(&stage, &[&assume, &mine, &expire, "true", gone, "arl clear", "env -0 >after"]);
        assert!(
            !identity_of(&stage, "after").iter().any(|v| v.starts_with(b"AWS_ACCESS_KEY_ID")),
            "{}: {run:?}",
            shell.name
        );
    }
}

#[test]
fn a_hostile_role_name_in_the_environment_writes_nothing_to_the_terminal() {
    for shell in HOOKED {
        let stage = Stage::new();
        // The escape is typed as a printf, so that the screen does not echo it.
        let set = if shell.is_fish() {
            "set -gx ARL_ROLE_ARN (printf 'x\\033]0;owned\\007')".to_owned()
        } else {
            "ARL_ROLE_ARN=$(printf 'x\\033]0;owned\\007')".to_owned()
        };
        let line = format!("{set}; {}", shell.export("ARL_EXPIRES_AT", "1"));
        let run = shell.type_lines(&stage, &[&format!("arl assume {DEPLOY}"), &line, "true"]);
        assert!(run.stdout.contains("arl: a role expired"), "{}: {run:?}", shell.name);
        assert!(!run.stdout.contains("\u{1b}]0;owned"), "{}: {run:?}", shell.name);
    }
}

#[test]
fn a_new_bash_clears_an_old_role_in_silence_and_takes_no_name() {
    let stage = Stage::new();
    let mut script = stage.bare("script");
    script.envs([
        ("AWS_ACCESS_KEY_ID", "ASIAOLD"),
        ("AWS_SECRET_ACCESS_KEY", "old"),
        ("ARL_KEY_ID", "ASIAOLD"),
        ("ARL_EXPIRES_AT", "1"),
        ("now", "mine"),
    ]);
    let run = BASH.type_lines_with(&stage, script, &["echo \"$now [${AWS_ACCESS_KEY_ID-}]\" >after"]);
    assert_eq!(written(&stage, "after"), "mine []\n", "{run:?}");
    assert!(!run.stdout.contains("expired"), "{run:?}");
}

#[test]
fn errexit_does_not_end_an_interactive_shell_that_would_live_on() {
    let stage = Stage::new();
    let run = BASH.type_lines(&stage, &["set -e", "[ -f /no/such ] && echo hi", "echo survived >survived"]);
    assert_eq!(written(&stage, "survived"), "survived\n", "{run:?}");
}

#[test]
fn no_trace_of_a_hook_shows_a_secret() {
    for shell in HOOKED {
        for policy in ["clear", "restore", "refresh"] {
            let stage = Stage::new();
            let trace = if shell.is_fish() { "set fish_trace 1" } else { "set -xv" };
            let run = shell.type_lines(
                &stage,
                &[
                    &shell.export("ARL_ON_EXPIRY", policy),
                    trace,
                    &format!("arl assume {DEPLOY}"),
                    &shell.export("ARL_EXPIRES_AT", "1"),
                    "true",
                    "arl clear",
                ],
            );
            stage.assert_no_secret(&run.stdout);
        }
    }
}

#[test]
fn what_cannot_be_had_again_is_not_kept_for_a_refresh() {
    let stage = Stage::new();
    stage.sts.change(|world| world.roles.get_mut(DEPLOY).unwrap().trusts.push(DEPLOY.into()));
    let kept = |args: &str| {
        let line = format!(
            "eval \"$(arl assume {DEPLOY})\"; eval \"$(arl assume {args})\"; printf %s \"$__arl_refresh\""
        );
        stage.run(stage.as_ann("sh").args(["-c", &line])).stdout
    };
    assert_eq!(kept(&format!("{DEPLOY} --chain")), "");
    let mfa = format!(
        "unset AWS_ACCESS_KEY_ID; printf x | cat; eval \"$(arl -vq assume {DEPLOY} --serial-number {} --token-code 100042)\"; printf %s \"$__arl_refresh\"",
        arl_sts::World::ANN_MFA
    );
    let out = stage.run(stage.as_ann("sh").args(["-c", &mfa])).stdout;
    assert!(!out.contains("100042"), "{out}");
    std::fs::write(stage.home.join("p.json"), "{\"Statement\":[]}").unwrap();
    let line = format!(
        "eval \"$(arl assume {DEPLOY} -v --policy file://p.json --shell posix)\"; printf %s \"$__arl_refresh\""
    );
    let out = stage.run(stage.as_ann("sh").args(["-c", &line])).stdout;
    assert_eq!(out, format!("'assume' '{DEPLOY}' '--policy' 'file://{}/p.json'", stage.home.display()));
}

#[test]
fn it_lives_beside_direnv_zoxide_and_hooks_of_that_kind() {
    // A hook in the manner of bash-preexec: a DEBUG trap and an array of functions.
    let preexec = "__pre() { echo \"pre $BASH_COMMAND\" >>pre; }; trap '__pre' DEBUG";
    for (shell, direnv, zoxide, user) in [
        (BASH, "eval \"$(direnv hook bash)\"", "eval \"$(zoxide init bash)\"", preexec),
        (
            ZSH,
            "eval \"$(direnv hook zsh)\"",
            "eval \"$(zoxide init zsh)\"",
            "preexec() { echo \"pre $1\" >>pre; }",
        ),
        (
            FISH,
            "direnv hook fish | source",
            "zoxide init fish | source",
            "function __pre --on-event fish_preexec; echo \"pre $argv\" >>pre; end",
        ),
    ] {
        for arl_last in [false, true] {
            let stage = Stage::new();
            std::fs::create_dir(stage.home.join("project")).unwrap();
            std::fs::write(stage.home.join("project/.envrc"), "export IN_PROJECT=yes\n").unwrap();
            let mut lines = vec![direnv, zoxide, user];
            if arl_last {
                lines.push(shell.init);
            }
            let assume = format!("arl assume {DEPLOY}");
            let expire = shell.export("ARL_EXPIRES_AT", "1");
            lines.extend([
                "direnv allow project/.envrc",
                &assume,
                "cd project",
                "echo \"$IN_PROJECT\" >../in",
                "cd ..",
                &expire,
                "env -0 >cleared",
                "sh -c 'exit 6'",
            ]);
            let status = format!("echo {} >status", shell.status());
            lines.extend([status.as_str(), "zoxide query project >found"]);
            let run = shell.type_lines(&stage, &lines);
            assert_eq!(written(&stage, "in"), "yes\n", "{} {arl_last}: {run:?}", shell.name);
            assert!(
                !identity_of(&stage, "cleared").iter().any(|v| v.starts_with(b"AWS_ACCESS")),
                "{} {arl_last}: {run:?}",
                shell.name
            );
            assert_eq!(run.stdout.matches(EXPIRED).count(), 1, "{} {arl_last}: {run:?}", shell.name);
            assert_eq!(written(&stage, "status"), "6\n", "{} {arl_last}: {run:?}", shell.name);
            assert!(written(&stage, "pre").contains("cd project"), "{} {arl_last}: {run:?}", shell.name);
            assert!(written(&stage, "found").contains("project"), "{} {arl_last}: {run:?}", shell.name);
        }
    }
}

#[test]
fn tracing_shows_no_secret() {
    for shell in [BASH, ZSH, DASH, MKSH, KSH] {
        let stage = Stage::new();
        // `Stage::run` looks for secrets in stderr, where traces go.
        let run = shell.run(
            &stage,
            stage.as_ann(shell.name),
            &[
                "set -x",
                &format!("arl assume {DEPLOY}"),
                "echo \"$ARL_ROLE_ARN\"; case $- in *x*) echo traced;; esac",
            ],
        );
        assert_eq!(run.stdout, format!("{DEPLOY}\ntraced\n"), "{}: {run:?}", shell.name);
    }
}

/// The forks of an interactive shell that is shown some more prompts.
fn forks(shell: &Shell, start: &str, prompts: usize) -> usize {
    let stage = Stage::new();
    let trace = stage.home.join("trace");
    let strace = format!("strace -f -e trace=clone,clone3,fork,vfork -o {}", trace.display());
    let mut script = stage.as_ann("script");
    script.args(["-qec", &format!("exec {strace} {}", shell.command), "/dev/null"]);
    script.env("TERM", "dumb").env("ENV", "/dev/null").env("SHELL", "/bin/sh").env("HISTFILE", "/dev/null");
    // fish's own prompt forks, and how often it is drawn depends on the moment.
    let start =
        if shell.is_fish() { format!("function fish_prompt; end; {start}") } else { start.to_owned() };
    let run = stage.run_with_input(&mut script, &format!("{start}\n{}exit\n", "\n".repeat(prompts)));
    let trace = std::fs::read_to_string(trace).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    // fish has threads, which come and go as they like; a process is what costs. A call that another thread
    // interrupts is told in two lines.
    let is_fork = |line: &&str| {
        !line.contains("CLONE_THREAD")
            && !line.contains(" resumed>")
            && (line.contains("clone") || line.contains("fork("))
    };
    trace.lines().filter(is_fork).count()
}

#[test]
fn a_prompt_forks_nothing_while_a_role_is_held() {
    for shell in HOOKED {
        let armed = format!("{}\narl assume {DEPLOY}", shell.init);
        let of_prompts = |start: &str| forks(&shell, start, 6) - forks(&shell, start, 0);
        assert!(forks(&shell, "/bin/true", 0) > forks(&shell, "", 0), "{}: strace sees nothing", shell.name);
        assert_eq!(of_prompts(&armed), of_prompts("true"), "{}", shell.name);
    }
}

#[test]
fn the_scripts_know_every_identity_variable() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("shell");
    for name in ["arl.bash", "arl.zsh", "arl.fish", "arl.ksh"] {
        let text = std::fs::read_to_string(directory.join(name)).unwrap();
        for variable in arl::SET_VARIABLES {
            let known =
                text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == variable);
            assert!(known, "{name} does not clear {variable}");
        }
    }
}

/// bash 3.2 (macOS's) and 5.3 are not here, so the branches for them are read: what a newer bash brought is asked for
/// only behind a look at the version, and what 3.2 could not even parse is nowhere but in quotes.
#[test]
fn what_other_versions_of_bash_have_is_looked_for_first() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("shell/arl.bash");
    let text = std::fs::read_to_string(path).unwrap();
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    for newer in [
        "declare -A",
        "local -n",
        "mapfile",
        "readarray",
        ",,}",
        "^^}",
        "&>>",
        "|&",
        "coproc",
        "@Q}",
        "EPOCHSECONDS",
        "[[ -v",
    ] {
        let uses: Vec<&&str> = code.iter().filter(|line| line.contains(newer)).collect();
        assert!(uses.is_empty(), "{newer}: {uses:?}");
    }
    for (feature, since) in [("'%(%s)T'", 402), ("PROMPT_COMMAND+=(", 501), ("'${ __arl_preexec; }'", 503)] {
        let at = code.iter().position(|line| line.contains(feature)).unwrap_or_else(|| panic!("{feature}"));
        let guard = format!("BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= {since}");
        assert!(
            code[at.saturating_sub(3)..at].iter().any(|line| line.contains(&guard)),
            "{feature} is not guarded"
        );
    }
}

#[test]
fn the_scripts_pass_their_linters_as_they_lie() {
    let stage = Stage::new();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("shell");
    for line in [
        "shellcheck -s bash arl.bash",
        "shellcheck -s sh arl.sh",
        "shellcheck -s ksh arl.ksh",
        "shfmt -d -i 4 -ci arl.bash arl.sh",
        "shfmt -ln mksh -d -i 4 -ci arl.ksh",
        "bash -n arl.bash",
        "zsh -n arl.zsh",
        "mksh -n arl.ksh",
        "dash -n arl.sh",
        "fish --no-execute arl.fish",
        "fish_indent --check arl.fish",
        "python3 -c 'import ast; ast.parse(open(\"arl.xsh\").read())'",
        "tcsh -f -n arl.tcsh",
        "elvish -compileonly <(grep -v '^edit:\\|^set edit:' arl.elv)",
    ] {
        let run = stage.run(stage.bare("bash").args(["-c", line]).current_dir(&directory));
        assert_eq!(run.status, 0, "{line}: {run:?}");
    }
}

#[test]
fn in_a_pipeline_the_subshell_is_the_role_and_the_pipe_sees_no_secret() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        let log = |lines: &[&str]| {
            let run = shell.run(&stage, stage.as_ann(shell.name), lines);
            let log = std::fs::read_to_string(stage.home.join("log")).unwrap();
            stage.assert_no_secret(&log);
            (run.success(), log)
        };
        let said = "sh -c 'echo ${ARL_ROLE_ARN:-nobody}'";
        // ksh93 does not tell parentheses in a pipe from a substitution: there arl fails, and shows nothing.
        let parentheses = match shell.name {
            "ksh93" => format!("( arl assume {DEPLOY} 2>/dev/null || {said} ) | cat >>log"),
            _ => format!("( ( arl assume {DEPLOY} && {said} ) ) | cat >>log"),
        };
        let (_, seen) = log(&[
            &format!("{{ arl assume {DEPLOY} && {said}; }} | cat >log"),
            &format!("for r in {READ_ONLY} {DEPLOY}; do arl assume $r && {said}; done | cat >>log"),
            &parentheses,
            &format!("{{ arl assume 123456789012/Closed 2>/dev/null || {said}; }} | cat >>log"),
            &format!("arl assume {DEPLOY}; {{ arl clear && {said}; }} | cat >>log"),
        ]);
        let read_only = "arn:aws:iam::123456789012:role/ReadOnly";
        let third = if shell.name == "ksh93" { "(exit 1);\nnobody" } else { DEPLOY };
        let expected = format!("{DEPLOY}\n{read_only}\n{DEPLOY}\n{third}\n(exit 1);\nnobody\nnobody\n");
        assert_eq!(seen, expected, "{}", shell.name);
        // What the shell reads by itself is for the shell, however deep, and however it is piped itself.
        let piped = match shell.name {
            "ksh93" => {
                format!("{{ eval \"$(arl assume {DEPLOY} 2>/dev/null)\" || echo {DEPLOY}; {said}; }} | cat")
            }
            _ => {
                format!("{{ eval \"$(arl assume {DEPLOY})\"; {said}; eval \"$(arl clear)\"; {said}; }} | cat")
            }
        };
        // The pipe that the whole shell writes to is not read by it. (ksh93 does not tell these parentheses either.)
        let inherited = match shell.name {
            "ksh93" => format!("echo {DEPLOY}"),
            _ => format!("( arl assume {DEPLOY} && {said} )"),
        };
        let (told, _) = log(&[
            ": >log",
            &inherited,
            &piped,
            &format!("x=$(y=$(arl assume {DEPLOY}); printf '%s\\n' \"$y\"); eval \"$x\"; {said}; arl clear"),
            &format!("eval \"$( (arl assume {DEPLOY}) )\"; {said}; arl clear"),
            "if eval \"$(arl assume 123456789012/Closed 2>/dev/null)\"; then echo wrong; else echo $?; fi",
            // Whatever the shell has said of patterns, of words, and of errors.
            &format!("set -f; set -eu; IFS=0123456789; eval \"$(arl assume {DEPLOY})\"; {said}"),
        ]);
        let expected = format!("{DEPLOY}\n{DEPLOY}\nnobody\n{DEPLOY}\n{DEPLOY}\n1\n{DEPLOY}\n");
        assert_eq!(told, expected, "{}", shell.name);
    }
}
