//! The hook beside the user's own settings, traces and other hooks, and what a prompt costs.

use std::fs;

use super::EXPIRED;
use crate::shell::{BASH, DASH, FISH, HOOKED, KSH, MKSH, Shell, ShellSession, ZSH};
use crate::support::{DEPLOY, Stage};

/// Sets up settings, assumes a role, fails with status 4, and runs the rest; `log` has lines that start so.
fn assert_settings_survive(shell: Shell, settings: &[&str], rest: &[&str], expected: &[&str]) {
    let stage = Stage::new();
    // The second init comes after the settings.
    let session = ShellSession::new(&stage, shell).lines(settings.iter().copied()).line(shell.init);
    let run = session.assume(DEPLOY).line("sh -c 'exit 4'").lines(rest.iter().copied()).typed();
    let log = run.file("log");
    for start in expected {
        assert!(log.lines().any(|line| line.starts_with(start)), "`{start}` is not in {log}: {run:?}");
    }
}

#[test]
fn bash_settings_survive_the_hook_and_do_not_break_it() {
    assert_settings_survive(
        BASH,
        &[
            "set -u; IFS=0123456789; alias unset=false export=false local=false; trap 'echo usr >>log' USR1",
            "PROMPT_COMMAND='echo \"mine $?\" >>log'",
        ],
        &["kill -USR1 \"$$\"", "ARL_EXPIRES_AT=1", "echo \"[${AWS_ACCESS_KEY_ID-}]$-\" >>log"],
        &["mine 4", "usr", "[]"],
    );
}

#[test]
fn zsh_settings_survive_the_hook_and_do_not_break_it() {
    assert_settings_survive(
        ZSH,
        &[
            "setopt nounset ksharrays shwordsplit sh_glob; alias unset=false",
            "precmd() { echo \"mine $?\" >>log }",
        ],
        &[
            "export ARL_EXPIRES_AT=1",
            "echo \"[${AWS_ACCESS_KEY_ID-}]\" >>log",
            "setopt | grep -c -E 'nounset|ksharrays|shwordsplit|shglob' >>log",
        ],
        &["mine 4", "[]", "4"],
    );
}

#[test]
fn fish_settings_survive_the_hook_and_do_not_break_it() {
    assert_settings_survive(
        FISH,
        &["function mine --on-event fish_prompt; echo \"mine $status\" >>log; end"],
        &["set -gx ARL_EXPIRES_AT 1", "echo \"[$AWS_ACCESS_KEY_ID]\" >>log"],
        &["mine 4", "[]"],
    );
}

#[test]
fn errexit_ends_no_interactive_shell_because_of_the_hook() {
    let stage = Stage::new();
    let session = ShellSession::new(&stage, BASH).line("set -e").line("[ -f /no/such ] && echo hi");
    let run = session.line("echo survived >survived").typed();
    assert_eq!(run.file("survived"), "survived\n", "{run:?}");
}

#[test]
fn the_hook_works_beside_direnv_zoxide_and_a_preexec_hook() {
    // A hook in the manner of bash-preexec: a DEBUG trap.
    let bash = "__pre() { echo \"pre $BASH_COMMAND\" >>pre; }; trap '__pre' DEBUG";
    let zsh = "preexec() { echo \"pre $1\" >>pre; }";
    let fish = "function __pre --on-event fish_preexec; echo \"pre $argv\" >>pre; end";
    for (shell, preexec) in [(BASH, bash), (ZSH, zsh), (FISH, fish)] {
        let other_hook = |tool: &str, verb: &str| match shell.name {
            "fish" => format!("{tool} {verb} fish | source"),
            name => format!("eval \"$({tool} {verb} {name})\""),
        };
        for arl_is_last in [false, true] {
            let stage = Stage::new();
            fs::create_dir(stage.home.join("project")).unwrap();
            fs::write(stage.home.join("project/.envrc"), "export IN_PROJECT=yes\n").unwrap();
            let session = ShellSession::new(&stage, shell)
                .line(other_hook("direnv", "hook"))
                .line(other_hook("zoxide", "init"))
                .line(preexec)
                .lines(arl_is_last.then_some(shell.init));
            let run = session
                .line("direnv allow project/.envrc")
                .assume(DEPLOY)
                .lines(["cd project", "echo \"$IN_PROJECT\" >../in", "cd .."])
                .expire()
                .dump("cleared")
                .line("sh -c 'exit 6'")
                .append_status("status")
                .line("zoxide query project >found")
                .typed();
            assert_eq!(run.file("in"), "yes\n", "{arl_is_last}: {run:?}");
            assert!(!run.environment("cleared").has_any("AWS_ACCESS"), "{arl_is_last}: {run:?}");
            assert_eq!(run.stdout.matches(EXPIRED).count(), 1, "{arl_is_last}: {run:?}");
            assert_eq!(run.file("status"), "6\n", "{arl_is_last}: {run:?}");
            assert!(run.file("pre").contains("cd project"), "{arl_is_last}: {run:?}");
            assert!(run.file("found").contains("project"), "{arl_is_last}: {run:?}");
        }
    }
}

#[test]
fn set_x_shows_no_secret_and_stays_on() {
    for shell in [BASH, ZSH, DASH, MKSH, KSH] {
        let stage = Stage::new();
        // `Stage::run` looks for secrets in stderr, where traces go.
        let session = ShellSession::new(&stage, shell).line("set -x").assume(DEPLOY);
        let run = session.line("echo \"$ARL_ROLE_ARN\"; case $- in *x*) echo traced;; esac").run();
        assert_eq!((run.status, &*run.stdout), (0, &*format!("{DEPLOY}\ntraced\n")), "{run:?}");
    }
}

/// Returns how many processes an interactive shell starts while it runs these lines and shows that many more
/// prompts.
fn forks(shell: Shell, lines: &[String], prompts: usize) -> usize {
    let stage = Stage::new();
    let strace = "strace -f -e trace=clone,clone3,fork,vfork -o trace";
    // fish's own prompt starts processes, and the number of times it is drawn varies.
    let no_prompt = shell.is_fish().then_some("function fish_prompt; end");
    let session = ShellSession::without_init(&stage, shell).lines(no_prompt);
    let session = session.lines(lines.iter().map(String::as_str)).lines(vec![""; prompts]);
    let run = session.typed_under(strace);
    // A thread is cheap, and fish starts threads as it likes. strace writes a call that another thread
    // interrupts in two lines.
    let is_fork = |line: &&str| {
        !line.contains("CLONE_THREAD")
            && !line.contains(" resumed>")
            && (line.contains("clone") || line.contains("fork("))
    };
    let trace = run.file("trace");
    assert!(!trace.is_empty(), "no trace: {run:?}");
    trace.lines().filter(is_fork).count()
}

#[test]
fn a_prompt_starts_no_process_while_a_role_is_active() {
    for shell in HOOKED {
        let line = |text: &str| vec![text.to_owned()];
        let of_prompts = |lines: &[String]| forks(shell, lines, 6) - forks(shell, lines, 0);
        let saw = forks(shell, &line("/bin/true"), 0) > forks(shell, &line(""), 0);
        assert!(saw, "{}: strace shows no fork", shell.name);
        let with_role = [shell.init.to_owned(), format!("arl assume {DEPLOY}")];
        assert_eq!(of_prompts(&with_role), of_prompts(&line("true")), "{}", shell.name);
    }
}
