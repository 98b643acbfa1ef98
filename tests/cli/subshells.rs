//! The shell function in a subshell: in the background, in a pipeline, or where its output goes into a file.

use std::path::Path;

#[cfg(target_os = "linux")]
use crate::hooks::READ_ONLY;
use crate::shell::{ALL, KSH, Shell, ShellSession};
use crate::support::{DEPLOY, Stage, in_terminal};

fn bourne() -> impl Iterator<Item = Shell> {
    ALL.into_iter().filter(|shell| !shell.is_fish())
}

/// `$!` is the subshell that runs the function. A server that lived on would keep the role.
#[test]
#[cfg(target_os = "linux")]
fn killing_a_background_job_ends_the_command() {
    let server =
        "trap 'echo ended >ended; exit' TERM; env >environment; echo $$ >pid; while :; do sleep 0.05; done";
    // Bounded, and the server is gone in any case.
    let wait = |file: &str| {
        format!("i=0; while [ ! -s {file} ] && [ $i -lt 500 ]; do i=$((i + 1)); sleep 0.02; done")
    };
    for shell in bourne() {
        for before in [":".to_owned(), format!("arl assume {DEPLOY}")] {
            for exec in ["arl exec", "arl exec --server"] {
                let stage = Stage::new();
                std::fs::write(stage.home.join("server"), server).unwrap();
                let run = ShellSession::new(&stage, shell)
                    .line(&*before)
                    .line(format!("{exec} {READ_ONLY} -- sh server >/dev/null 2>&1 &"))
                    .line(wait("pid"))
                    // A subshell of mksh handles SIGTERM when its command has ended.
                    .line(if shell.name == "mksh" { "kill -KILL $!" } else { "kill $!" })
                    .line(wait("ended"))
                    .line("kill -9 \"$(cat pid)\" 2>/dev/null")
                    // The job may be more than the function.
                    .line(format!("{{ arl exec {READ_ONLY} -- true; echo rest >rest; }} & wait"))
                    .run();
                assert_eq!(run.file("ended"), "ended\n", "{before} {exec}: {run:?}");
                assert_eq!(run.file("rest"), "rest\n", "{before} {exec}: {run:?}");
                assert!(!run.file("environment").contains("ARL_SUBSHELL"), "{before} {exec}: {run:?}");
            }
        }
    }
}

/// A variable that was inherited from another subshell means nothing.
#[test]
#[cfg(target_os = "linux")]
fn a_command_outlives_a_shell_that_is_not_its_subshell() {
    let stage = Stage::new();
    let line = format!(
        "sh -c 'arl exec {READ_ONLY} -- sh -c \"echo started >started; read -r x <go; echo alive >alive\" & echo $! >job; wait'"
    );
    let script = format!(
        "mkfifo go; ARL_SUBSHELL=$$ {line} & parent=$!; while [ ! -s started ]; do sleep 0.02; done; \
         kill $parent; wait; echo x >go; i=0; while [ ! -s alive ] && [ $i -lt 500 ]; do i=$((i + 1)); sleep 0.02; done"
    );
    let run = stage.run(stage.as_ann("bash").args(["-c", &script]));
    assert!(stage.home.join("alive").exists(), "{run:?}");
}

/// `(arl assume ROLE >FILE)`: the subshell is gone when the file is read, and nothing may look like a success.
#[test]
fn a_subshell_that_writes_into_a_file_fails_and_so_does_the_file() {
    for shell in bourne() {
        for assume in [format!("arl assume {DEPLOY}"), format!("arl assume {DEPLOY} && arl clear")] {
            let stage = Stage::new();
            let run = ShellSession::new(&stage, shell)
                .line("umask 077")
                .line(format!("if ({assume} >statements); then echo went on; else echo $?; fi"))
                .line("if . ./statements; then echo went on; else echo $?; fi")
                .line("echo \"[$ARL_ROLE_ARN]\"")
                .run();
            assert_eq!(run.stdout, "1\n1\n[]\n", "{assume}: {run:?}");
            assert_eq!(run.stderr.matches("the output goes to a file").count(), 1, "{assume}: {run:?}");
        }
    }
}

/// The whole subshell has the file, so the role is what the commands in it are for.
#[test]
fn a_subshell_whose_output_is_a_log_becomes_the_role() {
    let print = "sh -c 'echo $ARL_ROLE_ARN'";
    for shell in bourne() {
        for lines in [
            format!("(arl assume {DEPLOY}; {print}) >log"),
            format!("exec >log; (arl assume {DEPLOY}; {print})"),
            format!("f() {{ (arl assume {DEPLOY}; {print}); }}; f >log"),
            format!("{{ (arl assume {DEPLOY} && {print}); }} >log"),
            format!("x=$(arl list); (arl assume {DEPLOY}; {print}) >log"),
        ] {
            let stage = Stage::new();
            let run = ShellSession::new(&stage, shell).line(&*lines).run();
            assert_eq!(run.file("log"), format!("{DEPLOY}\n"), "{lines}: {run:?}");
        }
    }
}

/// What a shell reads has the statements, whether the shell's own stdout is a file, a pipe or a terminal.
#[test]
fn a_shell_that_reads_the_output_becomes_the_role() {
    for shell in bourne() {
        let mut forms = vec![
            format!("eval \"$(arl assume {DEPLOY})\""),
            format!("eval \"`arl assume {DEPLOY}`\""),
            format!("eval \"$( (arl assume {DEPLOY}) )\""),
            format!("x=$(y=$(arl assume {DEPLOY}); printf '%s\\n' \"$y\"); eval \"$x\""),
            format!("eval \"$({{ arl assume {DEPLOY}; }} 2>/dev/null)\""),
        ];
        match shell.name {
            "bash" => forms.push(format!(". <(arl assume {DEPLOY})")),
            "ksh93" => forms.push(format!(". <(arl assume {DEPLOY})")),
            "zsh" => forms.extend([
                format!(". <(arl assume {DEPLOY})"),
                format!("source =(arl assume {DEPLOY})"),
                format!("f() {{ source =(arl assume {DEPLOY}) }}; f"),
            ]),
            _ => {}
        }
        for form in forms {
            for stdout in ["", "exec >out"] {
                let stage = Stage::new();
                let run = ShellSession::new(&stage, shell)
                    .line(stdout)
                    .line(format!("if {form}; then echo $ARL_ROLE_ARN >role; fi"))
                    .line(format!(
                        "if {}; then echo went on >on; fi",
                        form.replace(DEPLOY, "123456789012/Closed")
                    ))
                    .run();
                assert_eq!(run.file("role"), format!("{DEPLOY}\n"), "{stdout} {form}: {run:?}");
                assert!(!run.has_file("on"), "{stdout} {form}: {run:?}");
                stage.assert_no_secret(&run.file("out"));
            }
        }
    }
}

#[test]
fn a_substitution_of_ksh93_at_a_terminal_becomes_the_role_and_fails_where_arl_fails() {
    let stage = Stage::new();
    let mut terminal = in_terminal(&stage, "ksh93 -i");
    terminal.env("ENV", "/dev/null").env("HISTFILE", "/dev/null");
    let lines = [
        KSH.init.to_owned(),
        format!("eval \"$(arl assume {DEPLOY})\" && echo $ARL_ROLE_ARN >role"),
        "eval \"$(arl assume 123456789012/Closed)\" && echo on >on".into(),
        "eval \"`arl clear`\"; echo \"[$ARL_ROLE_ARN]\" >cleared".into(),
        format!("(arl assume {DEPLOY}; echo $ARL_ROLE_ARN >inside)"),
        "exit".into(),
    ];
    let run = stage.run_with_input(&mut terminal, &(lines.join("\n") + "\n"));
    let read = |name: &str| std::fs::read_to_string(Path::new(&stage.home).join(name)).unwrap_or_default();
    assert_eq!(read("role"), format!("{DEPLOY}\n"), "{run:?}");
    assert_eq!(read("inside"), format!("{DEPLOY}\n"), "{run:?}");
    assert_eq!(read("cleared"), "[]\n", "{run:?}");
    assert!(!stage.home.join("on").exists(), "{run:?}");
    stage.assert_no_secret(&run.stdout);
}

/// Another program reads the pipe. The line on stderr says that the shell has no role.
/// What ksh93 reads in `$(…)` is a regular file without a name, of the umask's mode. A file with a name that
/// others can read gets no secret.
#[cfg(target_os = "linux")]
#[test]
fn a_substitution_of_ksh93_works_beside_the_rule_for_readable_files() {
    let stage = Stage::new();
    let run = ShellSession::without_init(&stage, KSH)
        .line("umask 022; stat=$(stat -L -c '%F, %a, %h' /proc/self/fd/1); print -r -- \"$stat\"")
        .line(format!("eval \"$(arl assume {DEPLOY})\" && print \"bare $ARL_ROLE_ARN\""))
        .line("eval \"$(arl clear)\"")
        .line(format!("arl assume {DEPLOY} >named; print \"named $?\""))
        .line(KSH.init)
        .line(format!("eval \"$(arl assume {DEPLOY})\" && print \"function $ARL_ROLE_ARN\""))
        .run();
    let said =
        ["regular empty file, 644, 0", &format!("bare {DEPLOY}"), "named 1", &format!("function {DEPLOY}")];
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), said, "{run:?}");
    assert_eq!(run.file("named"), "(exit 1)\n");
    assert!(run.stderr.contains("other users could read the secret key"), "{run:?}");
}

#[test]
fn a_pipeline_that_changes_only_a_subshell_says_so() {
    // zsh and ksh93 run the last part of a pipeline themselves, but arl is in the first.
    for shell in bourne() {
        let stage = Stage::new();
        let run = ShellSession::new(&stage, shell)
            .line(format!("arl assume {DEPLOY} | cat >piped"))
            .line("echo \"[$ARL_ROLE_ARN]\"")
            .run();
        assert_eq!(run.stdout, "[]\n", "{run:?}");
        assert_eq!(run.file("piped"), "", "{run:?}");
        assert_eq!(run.stderr.matches("this changed only a subshell").count(), 1, "{run:?}");
    }
}

/// In ksh93 parentheses are no process. What the script's own pipe reads must not get the secrets.
#[test]
fn parentheses_print_no_secret_into_the_pipe_of_the_script() {
    for shell in bourne() {
        let stage = Stage::new();
        let run =
            ShellSession::new(&stage, shell).line(format!("(arl assume {DEPLOY}; echo $ARL_ROLE_ARN)")).run();
        assert_eq!(run.stdout, format!("{DEPLOY}\n"), "{run:?}");
        assert!(!run.stderr.contains("only a subshell"), "{run:?}");
    }
}
