//! Completion in real shells, typed at a terminal.

use std::path::Path;

use crate::support::Stage;

const CONFIG: &str = "[profile prod-deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = dev\n\
                      [profile prod admin]\nregion = x\n[profile dev]\nregion = x\n[profile arn:aws:iam::4444:role/x]\nregion = x\n\
                      [profile ann@prod]\nregion = x\n[profile it's]\nregion = x\n[profile say \"hi\" $x]\nregion = x\n[sso-session corp]\n";

/// Types a line with a tab into a shell. Returns the arguments of the completed command.
fn completed(shell: &str, line: &str) -> String {
    completed_after(shell, "true", line)
}

/// As [`completed`], after a line of settings.
fn completed_after(shell: &str, settings: &str, line: &str) -> String {
    let stage = Stage::new();
    stage.profiles(CONFIG, "");
    // Completion runs the real arl. The completed line calls a function that writes its arguments to a file.
    let (command, start) = match shell {
        "bash" => (
            "bash --norc --noprofile -i",
            "bind 'set enable-bracketed-paste off'\neval \"$(arl init bash)\"\narl() { printf '[%s]' \"$@\" >words; }",
        ),
        "zsh" => (
            "zsh -f -i",
            "autoload -Uz compinit && compinit -u -D\neval \"$(arl init zsh)\"\narl() { printf '[%s]' \"$@\" >words }",
        ),
        _ => ("fish --no-config -i", "arl init fish | source\nfunction arl; printf '[%s]' $argv >words; end"),
    };
    let mut script = stage.as_ann("script");
    script.args(["-qec", &format!("exec {command}"), "/dev/null"]);
    script.env("TERM", "xterm").env("SHELL", "/bin/sh").env("HISTFILE", "/dev/null");
    let run = stage.run_with_input(&mut script, &format!("{start}\n{settings}\n{line}\nexit\n"));
    std::fs::read_to_string(stage.home.join("words"))
        .unwrap_or_else(|error| panic!("{shell}: {error}: {run:?}"))
}

#[test]
fn profiles_arns_and_flags_complete_in_bash_zsh_and_fish() {
    for shell in ["bash", "zsh", "fish"] {
        for (line, words) in [
            ("arl assume prod-\t", "[assume][prod-deploy]"),
            ("arl assume arn:aws:iam::4\t", "[assume][arn:aws:iam::4444:role/x]"),
            ("arl exec --profile de\t", "[exec][--profile][dev]"),
            ("arl stat\t", "[status]"),
            ("arl login co\t", "[login][corp]"),
            ("arl assume --dur\t2h", "[assume][--duration][2h]"),
            ("arl assume --shell fi\t", "[assume][--shell][fish]"),
        ] {
            assert_eq!(completed(shell, line), words, "{shell}: {line:?}");
        }
    }
    assert_eq!(completed("bash", "arl exec --profile=de\t"), "[exec][--profile=dev]");
}

#[test]
fn a_word_with_a_quote_or_a_backslash_completes() {
    for shell in ["bash", "zsh", "fish"] {
        for (line, words) in [
            ("arl assume prod\\ \t", "[assume][prod admin]"),
            ("arl assume \"prod a\t", "[assume][prod admin]"),
            ("arl assume 'prod a\t", "[assume][prod admin]"),
            ("arl assume it\\'\t", "[assume][it's]"),
            ("arl assume \"it'\t", "[assume][it's]"),
            ("arl exec --profile 'prod admin' ann@\t", "[exec][--profile][prod admin][ann@prod]"),
            ("arl assume say\t", "[assume][say \"hi\" $x]"),
            ("arl assume 'say \t", "[assume][say \"hi\" $x]"),
        ] {
            assert_eq!(completed(shell, line), words, "{shell}: {line:?}");
        }
    }
    assert_eq!(completed("bash", "arl assume \"say \t"), "[assume][say \"hi\" $x]");
}

/// readline keeps what stands before the last of these characters.
#[test]
fn bash_completes_whatever_comp_wordbreaks_holds() {
    for breaks in [
        "COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'",
        "COMP_WORDBREAKS=$' \\t\\n\"\\'@><=;|&(:/-'",
        "COMP_WORDBREAKS=' '",
    ] {
        for (line, words) in [
            ("arl assume ann@p\t", "[assume][ann@prod]"),
            ("arl assume arn:aws:iam::4\t", "[assume][arn:aws:iam::4444:role/x]"),
            ("arl assume arn:aws:iam::4444:role/\t", "[assume][arn:aws:iam::4444:role/x]"),
            ("arl exec --profile=ann@\t", "[exec][--profile=ann@prod]"),
            ("arl assume prod-\t", "[assume][prod-deploy]"),
            ("arl assume \"ann@\t", "[assume][ann@prod]"),
        ] {
            assert_eq!(completed_after("bash", breaks, line), words, "{breaks}: {line:?}");
        }
    }
}

#[test]
fn packaged_completion_files_match_the_programs_output() {
    let stage = Stage::new();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (shell, file) in [("bash", "arl.bash"), ("zsh", "_arl"), ("fish", "arl.fish")] {
        let text = std::fs::read_to_string(directory.join(file)).unwrap();
        assert_eq!(stage.arl(&["completions", shell]).success(), text, "{shell}");
    }
    stage.arl(&["completions", "cmd"]).failure(2, "there is no completion for `cmd`");
    for line in [
        "shellcheck -s bash arl.bash",
        "shfmt -d -i 4 -ci arl.bash",
        "zsh -n _arl",
        "fish --no-execute arl.fish",
        "fish_indent --check arl.fish",
    ] {
        let run = stage.run(stage.bare("sh").args(["-c", line]).current_dir(&directory));
        assert_eq!(run.status, 0, "{line}: {run:?}");
    }
}

#[test]
fn completion_prints_no_error_and_sends_no_request() {
    let stage = Stage::new();
    stage.profiles("[profile a\nbroken", "");
    let run = stage.arl(&["completions", "bash", "--index", "2", "--", "arl", "assume", ""]);
    assert_eq!(run.stderr, "");
    let _ = run.success();
    stage.profiles("[profile \u{1b}]0;x]\nregion = x\n", "");
    assert!(
        !stage
            .arl(&["completions", "bash", "--index", "2", "--", "arl", "assume", ""])
            .success()
            .contains('\u{1b}')
    );
    assert!(stage.sts.requests().is_empty());
}
