//! Where the hook stands: beside commands that build the prompt, after another tool has taken it away, and where the
//! user has made its place readonly.

use super::EXPIRED;
use crate::shell::{ASKING, BASH, HOOKED, KSH, MKSH, NUSHELL, Shell, ShellSession, TCSH, ZSH};
use crate::support::{DEPLOY, Stage};

#[test]
fn a_readonly_place_of_the_hook_is_told_once_in_the_words_of_arl() {
    for (shell, readonly, name) in [
        (BASH, "readonly PROMPT_COMMAND=true", "PROMPT_COMMAND"),
        (BASH, "declare -ar PROMPT_COMMAND=(true)", "PROMPT_COMMAND"),
        (ZSH, "typeset -ra precmd_functions=()", "precmd_functions"),
        (ZSH, "readonly precmd_functions", "precmd_functions"),
        (MKSH, "readonly PS1", "PS1"),
        (KSH, "readonly PS1", "PS1"),
    ] {
        let stage = Stage::new();
        let session = ShellSession::without_init(&stage, shell).line(readonly).line(shell.init);
        let run = session.assume(DEPLOY).dump("held").assume(DEPLOY).clear().dump("after").typed();
        let told =
            format!("arl: {name} is readonly, so the prompt hook cannot clear a role that has expired");
        assert_eq!(run.stdout.matches(&told).count(), 1, "{readonly}: {run:?}");
        for own in ["readonly variable", "read-only", "is read only", "not an identifier"] {
            assert!(!run.stdout.contains(own), "{readonly}: {run:?}");
        }
        // The rest of the script has run.
        assert!(run.environment("held").has_any("AWS_SESSION_TOKEN=FwoG"), "{readonly}: {run:?}");
        assert!(!run.environment("after").has_any("AWS_SESSION_TOKEN"), "{readonly}: {run:?}");
    }
}

/// In the other shells the prompt is built after all hooks, or contains the hook.
#[test]
fn a_prompt_that_is_built_before_the_hook_does_not_show_a_role_that_is_gone() {
    let draw = "PS1=\"<${ARL_ROLE_ARN##*/}>\"";
    for (shell, before, after) in [
        (BASH, format!("PROMPT_COMMAND='{draw}'"), String::new()),
        (BASH, format!("PROMPT_COMMAND=('{draw}' true)"), String::new()),
        (BASH, String::new(), format!("PROMPT_COMMAND='{draw};'$'\\n'\"$PROMPT_COMMAND\"")),
        (ZSH, format!("precmd() {{ {draw} }}"), String::new()),
        (ZSH, format!("draw() {{ {draw} }}; precmd_functions=(draw)"), String::new()),
        (ZSH, String::new(), format!("draw() {{ {draw} }}; precmd_functions=(draw $precmd_functions)")),
        (TCSH, "alias precmd 'set prompt = \"<$?ARL_ROLE_ARN>\"'".to_owned(), String::new()),
    ] {
        let stage = Stage::new();
        let session = ShellSession::without_init(&stage, shell).lines([&*before, shell.init, &*after]);
        let run = session.assume(DEPLOY).prompt().expire().prompt().typed();
        let (held, expired) = run.stdout.split_once("its credentials were cleared").unwrap();
        let shown = if shell.name == "tcsh" { ["<1>", "<0>"] } else { ["<Deploy>", "<>"] };
        assert!(held.contains(shown[0]), "{before}{after}: {run:?}");
        assert!(expired.contains(shown[1]), "{before}{after}: {run:?}");
        assert!(!expired.contains(shown[0]), "{before}{after}: {run:?}");
    }
}

#[test]
fn assume_installs_a_hook_that_was_taken_away() {
    for (shell, take_away) in [
        (BASH, "PROMPT_COMMAND=true"),
        (BASH, "unset PROMPT_COMMAND"),
        (BASH, "PROMPT_COMMAND=(true)"),
        (ZSH, "precmd_functions=()"),
        (ZSH, "unset precmd_functions preexec_functions"),
        (MKSH, "PS1='$ '"),
        (KSH, "PS1='$ '"),
        (TCSH, "alias precmd true"),
        (TCSH, "unalias precmd"),
        (NUSHELL, "$env.config.hooks.pre_prompt = []"),
        (NUSHELL, "$env.config = {}"),
    ] {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).line(take_away).assume(DEPLOY).dump("held");
        let run = session.expire().dump("after").prompt().typed();
        assert!(run.environment("held").has_any("AWS_SESSION_TOKEN=FwoG"), "{take_away}: {run:?}");
        assert!(!run.environment("after").has_any("AWS_SESSION_TOKEN"), "{take_away}: {run:?}");
        let told = if shell.name == "tcsh" { "its credentials were cleared" } else { EXPIRED };
        assert_eq!(run.stdout.matches(told).count(), 1, "{take_away}: {run:?}");
    }
}

/// bash and mksh would read a number with leading zeros as octal, and mksh calculates with 32 bits.
#[test]
fn an_expiry_time_is_a_decimal_number_of_any_size() {
    let shells: Vec<Shell> = HOOKED.into_iter().chain(ASKING).collect();
    for shell in shells {
        for (time, is_cleared) in
            [("0000000089", true), ("008", true), ("4102444800", false), ("4294967297", false)]
        {
            let stage = Stage::new();
            let session = ShellSession::new(&stage, shell).assume(DEPLOY).export("ARL_EXPIRES_AT", time);
            let run = session.prompt().dump("after").prompt().typed();
            let has_role = run.environment("after").has_any("AWS_SESSION_TOKEN");
            assert_eq!(has_role, !is_cleared, "{time}: {run:?}");
            for error in ["too great for base", "bad number", "rror:", "xception"] {
                assert!(!run.stdout.contains(error), "{time}: {run:?}");
            }
            let told = run.stdout.matches("its credentials were cleared").count();
            assert_eq!(told, usize::from(is_cleared), "{time}: {run:?}");
            assert!(!run.stdout.contains("expired -"), "{time}: {run:?}");
        }
    }
}
