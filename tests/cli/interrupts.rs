//! A command that dies of a signal: with arl's function and hook, the shell does what it does without them.

use std::path::Path;

use crate::hooks::READ_ONLY;
use crate::shell::{ALL, Shell};
use crate::support::{DEPLOY, Run, Stage};

/// What a script may do with a command. COMMAND is the command, SIGNAL the name of the signal that ends it.
const SCRIPTS: [&str; 13] = [
    "COMMAND; echo $?; echo end",
    "(COMMAND; echo $?); echo $?; echo end",
    "(COMMAND); echo $?; echo end",
    "x=$(COMMAND; echo $?); echo \"$x\"; echo end",
    "x=$(COMMAND); echo $?; echo end",
    "if COMMAND; then echo then; else echo else $?; fi; echo end",
    "COMMAND || echo or $?; echo end",
    "COMMAND | cat; echo $?; echo end",
    "set -e; COMMAND; echo end",
    "COMMAND & wait $!; echo $?; echo end",
    "f() { COMMAND; }; f; echo $?; echo end",
    "trap 'echo trapped' SIGNAL; COMMAND; echo $?; echo end",
    "trap 'echo exit $?' EXIT; COMMAND; echo $?; echo end",
];

fn run_script(stage: &Stage, shell: &Shell, text: &str) -> Run {
    std::fs::write(stage.home.join("script"), format!("{}\n{text}", shell.init)).unwrap();
    let mut command = stage.as_ann(shell.name);
    if shell.name == "zsh" {
        command.arg("-f");
    }
    stage.run(command.arg("script"))
}

#[test]
fn a_signal_ends_a_script_with_the_function_exactly_if_it_does_without() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        for signal in if shell.name == "ksh93" { &["INT", "TERM", "KILL"][..] } else { &["INT", "TERM"] } {
            for script in SCRIPTS {
                // bash tells a bare command in a substitution from any function. In the background SIGINT is
                // ignored, but not in functions of bash, nor in subshells of zsh.
                let in_background = script.starts_with("COMMAND &") && ["bash", "zsh"].contains(&shell.name);
                if in_background || (shell.name == "bash" && script.starts_with("x=$(COMMAND);")) {
                    continue;
                }
                let exec = format!("exec {READ_ONLY} -- sh -c 'kill -{signal} $$'");
                let script =
                    |arl: &str| script.replace("COMMAND", &format!("{arl} {exec}")).replace("SIGNAL", signal);
                let bare = run_script(&stage, shell, &script("command arl"));
                let function = run_script(&stage, shell, &script("arl"));
                // The command starts from what was there before this role.
                let from_original =
                    run_script(&stage, shell, &format!("arl assume {DEPLOY}\n{}", script("arl")));
                for run in [function, from_original] {
                    assert_eq!(
                        (run.status, &run.stdout),
                        (bare.status, &bare.stdout),
                        "{}: {}: {run:?}",
                        shell.name,
                        script("arl")
                    );
                }
            }
        }
    }
}

/// The command does not see the role that the shell has, and the shell keeps it, in ksh93 too, where no
/// subshell is used.
#[test]
fn a_command_from_the_original_environment_leaves_the_role_alone() {
    for shell in ALL.iter().filter(|shell| !shell.is_fish()) {
        let stage = Stage::new();
        let dump = |name: &str| format!("env | grep -E '^(AWS|ARL|__arl)' | sort >{name}");
        let text = [
            "unset AWS_ROLE_ARN; export AWS_ROLE_SESSION_NAME='a b' AWS_REGION=us-west-2".to_owned(),
            dump("before"),
            format!("arl assume {DEPLOY} --region eu-west-1"),
            dump("held"),
            "set -xv".into(),
            format!("arl explain {READ_ONLY} --json >told"),
            format!("arl exec {READ_ONLY} -- sh -c 'echo $ARL_ROLE_ARN $AWS_REGION >child'"),
            "{ case $- in *x*) echo traced >traced;; esac; set +xv; } 2>/dev/null".into(),
            dump("then"),
            "arl clear".into(),
            dump("after"),
        ]
        .join("\n");
        let run = run_script(&stage, shell, &text);
        let read = |name: &str| std::fs::read_to_string(stage.home.join(name)).unwrap_or_default();
        assert!(read("held").contains("AWS_SESSION_TOKEN=FwoG"), "{}: {run:?}", shell.name);
        assert_eq!(read("then"), read("held"), "{}: {run:?}", shell.name);
        assert_eq!(read("after"), read("before"), "{}: {run:?}", shell.name);
        assert!(read("told").contains("environment, key …0001"), "{}: {run:?}", shell.name);
        assert_eq!(read("child"), "arn:aws:iam::123456789012:role/ReadOnly us-west-2\n", "{}", shell.name);
        assert_eq!(read("traced"), "traced\n", "{}: {run:?}", shell.name);
        for request in stage.assumed() {
            assert_eq!(request.access_key_id, "AKIAIOSFODNN7ANN0001", "{}", shell.name);
        }
    }
}

/// ksh93 hides the role from such a command by name, so it has to know every name.
#[test]
fn the_script_for_ksh93_knows_every_variable_that_is_put_back() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("shell/arl.sh");
    let text = std::fs::read_to_string(path).unwrap();
    let start = text.find("for __arl_name in").unwrap();
    let list = &text[start..start + text[start..].find("do\n").unwrap()];
    for variable in arl::internal::IDENTITY_VARIABLES.iter().chain(&["AWS_REGION", "AWS_DEFAULT_REGION"]) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(list.split(|c| !is_name(c)).any(|word| word == *variable), "{variable}");
    }
}

/// Types lines as `keyboard` does.
fn type_lines(stage: &Stage, command: &str, lines: &[&str]) -> Run {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/terminal.py");
    let mut python = stage.as_ann(crate::aws_assume_role_lib::python());
    python
        .arg(driver)
        .args(command.split(' '))
        .env("TERM", "dumb")
        .env("SHELL", "/bin/sh")
        .env("ENV", "/dev/null")
        .env("HISTFILE", "/dev/null");
    let run = stage.run_with_input(&mut python, &lines.join("\n"));
    assert_eq!(run.stderr, "", "{command}: {run:?}");
    run
}

#[test]
fn an_interrupt_at_the_prompt_costs_one_prompt() {
    for (command, init, status) in
        [("ksh93 -i", "eval \"$(arl init ksh)\"", "258"), ("mksh -i", "eval \"$(arl init mksh)\"", "130")]
    {
        let assume = format!("arl assume {DEPLOY}");
        let exec = format!("last\ttouch last; arl exec {READ_ONLY} -- sh -c 'kill -INT $$'");
        // The prompt after the hook shows the status.
        let prompt = "PS1=$PS1'<$?>'";
        let shown = |init: &str, assume: &str, expire: &str| {
            let stage = Stage::new();
            let run = type_lines(
                &stage,
                command,
                &[
                    init,
                    prompt,
                    "\u{3}",
                    "first\ttouch first; sh -c 'kill -INT $$'",
                    "echo $? >one",
                    assume,
                    "\u{3}",
                    &exec.replace("arl exec", if init == ":" { "command arl exec" } else { "arl exec" }),
                    "echo $? >two",
                    // The hook clears the role at the prompt after this command.
                    &format!("third\ttouch third; {expire}; sh -c 'kill -INT $$'"),
                    "echo $? \"[$AWS_ACCESS_KEY_ID]\" >three",
                    "fourth\ttouch fourth; sh -c 'exit 7'",
                    "echo $? >four",
                ],
            );
            let read = |name: &str| std::fs::read_to_string(stage.home.join(name)).unwrap_or_default();
            (["one", "two", "three", "four"].map(read), run)
        };
        let (files, run) = shown(init, &assume, "export ARL_EXPIRES_AT=1");
        let (bare_files, bare_run) = shown(":", ":", "unset AWS_ACCESS_KEY_ID");
        assert_eq!(
            files,
            [format!("{status}\n"), format!("{status}\n"), format!("{status} []\n"), "7\n".into()]
        );
        assert_eq!(files, bare_files, "{command}: {run:?} {bare_run:?}");
        for screen in [&run.stdout, &bare_run.stdout] {
            let prompts = screen.matches(&format!("<{status}>")).count();
            assert!((5..20).contains(&prompts), "{command}: {prompts}: {screen}");
            assert!(screen.contains("<7>"), "{command}: {screen}");
        }
        assert_eq!(run.stdout.matches("its credentials were cleared").count(), 1, "{command}: {run:?}");
    }
}

/// Ctrl-C leaves the function in the middle.
#[test]
fn an_interrupted_assume_leaves_every_option_as_it_was() {
    for (command, init, options) in [
        ("bash --norc --noprofile -i", "eval \"$(arl init bash)\"", "set -xvTk"),
        // The way of bash 4.3 and older.
        ("bash --norc --noprofile -i", "eval \"$(arl init bash | sed 's/>= 404/>= 999/')\"", "set -xvTk"),
        ("dash -i", "eval \"$(arl init sh)\"", "set -xv"),
        ("ksh93 -i", "eval \"$(arl init ksh)\"", "set -xv"),
        ("mksh -i", "eval \"$(arl init mksh)\"", "set -xv"),
        ("zsh -f -i", "eval \"$(arl init zsh)\"", "set -xv"),
    ] {
        let stage = Stage::new();
        stage.sts.inject(arl_sts::Fault::Silence, 1);
        let run = type_lines(
            &stage,
            command,
            &[
                init,
                options,
                "echo $- >before",
                &format!("started\ttouch started; arl assume {DEPLOY}"),
                "\u{3}",
                "echo $- >after",
                &format!("arl assume {DEPLOY}"),
                "echo $- >held",
            ],
        );
        let read = |name: &str| std::fs::read_to_string(stage.home.join(name)).unwrap_or_default();
        assert_eq!(read("after"), read("before"), "{command}: {run:?}");
        assert_eq!(read("held"), read("before"), "{command}: {run:?}");
        assert!(read("before").contains('x'), "{command}: {run:?}");
        stage.assert_no_secret(&run.stdout);
    }
}
