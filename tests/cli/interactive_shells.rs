//! The shells whose line editors want a terminal that answers: tcsh, nushell, elvish, xonsh; and dash, which has
//! no hook. What `hooks` shows of the others, typed line by line.

use std::path::Path;

use crate::other_shells::{identity_of, nushell};
use crate::support::{DEPLOY, Run, Stage};

const CLEARED: &str = "its credentials were cleared";
const SET: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "ARL_"];

/// How a shell is started without anybody's settings, and what it calls things.
struct Keyboard {
    name: &'static str,
    command: Vec<String>,
    init: String,
    /// Exports NAME as VALUE.
    export: &'static str,
    /// Writes the environment to FILE.
    dump: &'static str,
    /// Writes the status of the last command to FILE; elvish has none.
    status: Option<&'static str>,
    /// Exports a deadline in the past between the prompt and the command; not where nothing can be put there.
    late: Option<&'static str>,
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn keyboards() -> [Keyboard; 4] {
    let nu = nushell();
    [
        Keyboard {
            name: "tcsh",
            command: words("tcsh -f -i"),
            init: "arl init tcsh > arl.tcsh; source arl.tcsh".into(),
            export: "setenv NAME VALUE",
            dump: "env > FILE",
            status: Some("echo $status > FILE"),
            late: None,
        },
        Keyboard {
            name: "elvish",
            command: words("elvish -norc"),
            init: "eval (arl init elvish | slurp)".into(),
            export: "set-env NAME VALUE",
            dump: "env > FILE",
            status: None,
            late: None,
        },
        Keyboard {
            name: "xonsh",
            command: words("xonsh --no-rc --interactive --shell-type readline"),
            init: "execx($(arl init xonsh))".into(),
            export: "$NAME = 'VALUE'",
            dump: "env > FILE",
            status: Some("echo @(__xonsh__.history.rtns[-1]) > FILE"),
            late: Some(
                "_ = events.on_transform_command(lambda cmd, **_: ('ran-as' in cmd and __xonsh__.env.update(ARL_EXPIRES_AT='1'), cmd)[1])",
            ),
        },
        Keyboard {
            name: "nushell",
            command: vec![nu, "--no-config-file".into(), "--interactive".into()],
            init: format!("source {}/shell/arl.nu", env!("CARGO_MANIFEST_DIR")),
            export: "$env.NAME = 'VALUE'",
            dump: "^env o> FILE",
            status: Some("$env.LAST_EXIT_CODE | save -f FILE"),
            late: Some(
                "$env.config.hooks.pre_prompt ++= [{|| if 'AWS_SESSION_TOKEN' in $env and not ('late' | path exists) { touch late; $env.ARL_EXPIRES_AT = '1' } }]",
            ),
        },
    ]
}

impl Keyboard {
    fn export(&self, name: &str, value: &str) -> String {
        self.export.replace("NAME", name).replace("VALUE", value)
    }

    fn dump(&self, file: &str) -> String {
        self.dump.replace("FILE", file)
    }

    /// Types `arl init` and the lines, each when the shell waits for it. `FILE\tLINE` is done when it has made FILE.
    fn type_lines(&self, stage: &Stage, lines: &[String]) -> Run {
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/terminal.py");
        let mut python = stage.as_ann(crate::aws_assume_role_lib::python());
        python
            .arg(driver)
            .args(&self.command)
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .env("ENV", "/dev/null")
            .env("XONSH_SHOW_TRACEBACK", "0");
        let lines = [std::slice::from_ref(&self.init), lines].concat().join("\n");
        let run = stage.run_with_input(&mut python, &lines);
        assert!(!run.stderr.contains("the shell ended before"), "{}: {run:?}", self.name);
        stage.assert_no_secret(&run.stdout);
        run
    }
}

fn assume() -> String {
    format!("arl assume {DEPLOY}")
}

fn has(stage: &Stage, run: &Run, dump: &str, start: &str) -> bool {
    identity_of(stage, dump, run).iter().any(|line| line.starts_with(start))
}

#[test]
fn an_expired_role_is_cleared_once_and_can_be_had_again_and_given_back() {
    for shell in keyboards() {
        let stage = Stage::new();
        let expire = shell.export("ARL_EXPIRES_AT", "1");
        let again =
            [shell.dump("before"), assume(), shell.dump("held"), expire.clone(), shell.dump("cleared")];
        let end = [
            assume(),
            shell.init.clone(),
            shell.dump("again"),
            expire,
            shell.dump("cleared2"),
            "arl clear".into(),
            shell.dump("after"),
        ];
        let run = shell.type_lines(&stage, &[&again[..], &end[..]].concat());
        for dump in ["held", "again"] {
            assert!(has(&stage, &run, dump, "AWS_SESSION_TOKEN=FwoG"), "{} {dump}: {run:?}", shell.name);
        }
        for dump in ["cleared", "cleared2"] {
            for gone in SET {
                assert!(!has(&stage, &run, dump, gone), "{} {dump} {gone}: {run:?}", shell.name);
            }
        }
        // Once for each role, although the second one was initialised twice.
        assert_eq!(run.stdout.matches(CLEARED).count(), 2, "{}: {run:?}", shell.name);
        let (before, after) = (identity_of(&stage, "before", &run), identity_of(&stage, "after", &run));
        assert_eq!(after, before, "{}: {run:?}", shell.name);
        for request in stage.assumed() {
            assert_eq!(request.access_key_id, arl_sts::World::ANN_KEY, "{}", shell.name);
        }
    }
}

#[test]
fn the_hook_keeps_the_status_and_other_peoples_keys() {
    for shell in keyboards() {
        let stage = Stage::new();
        let fail = |name: &str| format!("{name}\tsh -c 'touch {name}; exit 7'");
        let expire = shell.export("ARL_EXPIRES_AT", "1");
        let mine = [shell.export("AWS_ACCESS_KEY_ID", "AKIAMINE"), expire, shell.dump("after")];
        let mut lines = Vec::new();
        if let Some(status) = shell.status {
            // Not armed, then armed.
            lines.extend([fail("one"), status.replace("FILE", "idle"), assume()]);
            lines.extend([fail("two"), status.replace("FILE", "armed")]);
        } else {
            lines.push(assume());
        }
        lines.extend(mine);
        lines.extend(["arl clear".into(), shell.dump("cleared")]);
        let run = shell.type_lines(&stage, &lines);
        if shell.status.is_some() {
            for name in ["idle", "armed"] {
                let status = std::fs::read_to_string(stage.home.join(name)).unwrap_or_default();
                assert_eq!(status.trim(), "7", "{} {name}: {run:?}", shell.name);
            }
        }
        for dump in ["after", "cleared"] {
            assert!(has(&stage, &run, dump, "AWS_ACCESS_KEY_ID=AKIAMINE"), "{} {dump}: {run:?}", shell.name);
            assert!(has(&stage, &run, dump, "AWS_SESSION_TOKEN"), "{} {dump}: {run:?}", shell.name);
        }
        assert!(!run.stdout.contains(CLEARED), "{}: {run:?}", shell.name);
    }
}

#[test]
fn an_idle_terminal_runs_the_next_command_with_the_expired_keys() {
    for shell in keyboards() {
        let stage = Stage::new();
        let (late, held) = match shell.late {
            Some(late) => (late.to_owned(), shell.dump("ran-as")),
            // The session ends while the line is carried out.
            None => (
                shell.dump("nothing"),
                format!("{}; {}", shell.export("ARL_EXPIRES_AT", "1"), shell.dump("ran-as")),
            ),
        };
        // No other line may come between: it would be the next command.
        let lines = [late, format!("made\t{}; touch made", assume()), held, shell.dump("then")];
        let run = shell.type_lines(&stage, &lines);
        assert!(has(&stage, &run, "ran-as", "AWS_ACCESS_KEY_ID=ASIA"), "{}: {run:?}", shell.name);
        assert!(!has(&stage, &run, "then", "AWS_ACCESS_KEY_ID"), "{}: {run:?}", shell.name);
        let warned = run.stdout.matches("the next prompt clears its credentials").count();
        assert_eq!(warned, usize::from(shell.late.is_some()), "{}: {run:?}", shell.name);
        assert_eq!(run.stdout.matches(CLEARED).count(), 1, "{}: {run:?}", shell.name);
    }
}

#[test]
fn arl_may_be_gone_when_the_role_expires() {
    for shell in keyboards() {
        let stage = Stage::new();
        let gone = match shell.name {
            "elvish" => "set paths = [/usr/bin /bin]".to_owned(),
            "xonsh" => "$PATH = ['/usr/bin', '/bin']".to_owned(),
            "nushell" => "$env.PATH = ['/usr/bin' '/bin']".to_owned(),
            _ => shell.export("PATH", "/usr/bin:/bin"),
        };
        // Where the hook has to ask arl, its absence alone is told, once.
        let expire = match shell.name {
            "tcsh" => shell.dump("nothing"),
            _ => shell.export("ARL_EXPIRES_AT", "1"),
        };
        let lines = [assume(), gone, expire, shell.dump("then"), shell.dump("later")];
        let run = shell.type_lines(&stage, &lines);
        if shell.name == "tcsh" {
            // Nobody is there to tell the time: the keys stay, and AWS refuses them; no other identity comes up.
            assert!(has(&stage, &run, "later", "AWS_ACCESS_KEY_ID=ASIA"), "{run:?}");
            assert_eq!(run.stdout.matches("Command not found").count(), 1, "{run:?}");
        } else {
            assert!(!has(&stage, &run, "then", "AWS_ACCESS_KEY_ID"), "{}: {run:?}", shell.name);
            assert_eq!(run.stdout.matches(CLEARED).count(), 1, "{}: {run:?}", shell.name);
        }
    }
}

#[test]
fn dash_has_the_function_and_no_hook() {
    let stage = Stage::new();
    let dash = Keyboard {
        name: "dash",
        command: words("dash -i"),
        init: "eval \"$(arl init sh)\"".into(),
        export: "export NAME=VALUE",
        dump: "env > FILE",
        status: Some("echo $? > FILE"),
        late: None,
    };
    let lines = [
        dash.dump("before"),
        assume(),
        dash.init.clone(),
        dash.dump("held"),
        "status\tarl assume 123456789012/Closed; echo $? > status".into(),
        dash.dump("still"),
        dash.export("ARL_EXPIRES_AT", "1"),
        dash.dump("expired"),
        "arl clear".into(),
        dash.dump("after"),
    ];
    let run = dash.type_lines(&stage, &lines);
    let ours = |dump: &str| identity_of(&stage, dump, &run);
    assert_eq!(std::fs::read_to_string(stage.home.join("status")).unwrap(), "1\n", "{run:?}");
    assert!(has(&stage, &run, "held", "AWS_SESSION_TOKEN=FwoG"), "{run:?}");
    assert_eq!(ours("still"), ours("held"), "{run:?}");
    // Expired keys fail loudly; they are not replaced by whoever comes next in the chain.
    assert!(has(&stage, &run, "expired", "AWS_SESSION_TOKEN=FwoG"), "{run:?}");
    assert_eq!(ours("after"), ours("before"), "{run:?}");
}
