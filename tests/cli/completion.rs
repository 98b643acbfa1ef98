//! Completion in real shells, typed at a terminal.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::login;
use crate::support::{DEPLOY, Stage};

const CONFIG: &str = "[profile prod-deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = dev\n\
                      [profile prod admin]\nregion = x\n[profile dev]\nregion = x\n[profile arn:aws:iam::4444:role/x]\nregion = x\n\
                      [profile ann@prod]\nregion = x\n[profile it's]\nregion = x\n[profile say \"hi\" $x]\nregion = x\n\
                      [profile bang!!!-1 $(touch ran) `touch ran`]\nregion = x\n[profile up\\c\\:d]\nregion = x\n[sso-session corp]\n";

/// Types a line with a tab into a shell. Returns the arguments of the completed command.
fn completed(shell: &str, line: &str) -> String {
    completed_after(shell, "true", line)
}

/// As [`completed`], after a line of settings.
fn completed_after(shell: &str, settings: &str, line: &str) -> String {
    let stage = Stage::new();
    stage.profiles(CONFIG, "");
    for file in ["filed", "prod-notes"] {
        std::fs::write(stage.home.join(file), "").unwrap();
    }
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

#[test]
fn a_name_that_a_shell_or_its_completion_would_change_completes_to_itself() {
    for shell in ["bash", "zsh", "fish"] {
        for quote in ["", "'", "\""] {
            for (begin, name) in [("ba", "bang!!!-1 $(touch ran) `touch ran`"), ("up", "up\\c\\:d")] {
                let words = completed(shell, &format!("arl assume {quote}{begin}\t"));
                assert_eq!(words, format!("[assume][{name}]"), "{shell}: {quote}{begin}");
            }
        }
    }
}

#[test]
fn the_help_of_a_candidate_has_an_end() {
    let stage = Stage::new();
    let url = format!("https://corp.example/{}", "x".repeat(1 << 20));
    stage.profiles(&format!("[sso-session corp]\nsso_start_url = {url}\nsso_region = eu-west-1\n"), "");
    let lines = stage.arl(&["completions", "bash", "--index", "2", "--", "arl", "login", "co"]).success();
    assert_eq!(lines, format!("corp\t{}\n", &url[..200]));
}

/// readline keeps the text before the last of these characters.
#[test]
fn bash_completes_with_any_comp_wordbreaks() {
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
    stage.arl(&["completions", "cmd"]).failure(2, "there is no completion script for `cmd`");
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

/// What arl offers for the last of these words, with the descriptions.
fn offered(stage: &Stage, words: &[&str]) -> Vec<(String, String)> {
    let mut arl = stage.as_ann("arl");
    let index = words.len().to_string();
    arl.env_remove("ARL_CACHE").args(["completions", "zsh", "--index", &index, "--", "arl"]).args(words);
    let text = stage.run(&mut arl).success();
    let split = |line: &str| {
        let (value, help) = line.split_once('\t').unwrap();
        (value.to_owned(), help.to_owned())
    };
    text.lines().map(split).collect()
}

fn values(stage: &Stage, words: &[&str]) -> Vec<String> {
    offered(stage, words).into_iter().map(|(value, _)| value).collect()
}

#[test]
fn values_complete_from_what_arl_knows() {
    let stage = Stage::new();
    stage.profiles(
        "[profile prod-deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = dev\nregion = eu-west-3\n\
         [profile dev]\nregion = xx-own-1\n[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n",
        "[mine]\naws_access_key_id = AKIAIOSFODNN7MINE001\naws_secret_access_key = s\n",
    );
    assert_eq!(values(&stage, &["write", "--remove", ""]), [""; 0]);
    for args in [
        &["write", DEPLOY, "--profile-name", "built"][..],
        &["assume", DEPLOY, "--region", "sa-east-1", "--json"],
    ] {
        let mut arl = stage.as_ann("arl");
        let _ = stage.run(arl.env_remove("ARL_CACHE").args(args)).success();
    }
    let keys = stage.home.join(".local/state/arl/keys");
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::write(keys.join("work.json"), "{}").unwrap();
    for (words, expected) in [
        (&["write", "--remove", ""][..], &["built"][..]),
        (&["console", "--service", "dyn"], &["dynamodb"]),
        (&["assume", "--duration", "1"], &["15m", "1h", "12h"]),
        (&["keys", "show", ""], &["work"]),
        (&["keys", "rotate", "w"], &["work"]),
        (&["keys", "remove", ""], &["work"]),
        (&["configure", "--keys", ""], &["work"]),
        (&["keys", "add", "x", "--import", "m"], &["mine"]),
        (&["assume", "--account-id", "12"], &["123456789012"]),
        (&["assume", "--role-name", ""], &["Deploy"]),
        (&["arn", ""], &["123456789012"]),
        (&["logout", ""], &["corp"]),
        (&["configure", "--sso-session", ""], &["corp"]),
        (&["console", "--partition", "aws-u"], &["aws-us-gov"]),
        (&["completions", ""], &["bash", "zsh", "fish"]),
        (&["exec", "prod-deploy", ""], &["--"]),
        (&["assume", "--external-id", ""], &[]),
        (&["assume", "--policy", ""], &[]),
        // The shell completes files.
        (&["each", "--roles-from", ""], &[""]),
    ] {
        assert_eq!(values(&stage, words), expected, "{words:?}");
    }
    // Regions of profiles and of earlier calls come first.
    let regions = offered(&stage, &["assume", "--region", ""]);
    let first: Vec<(&str, &str)> = regions[..4].iter().map(|(name, help)| (&**name, &**help)).collect();
    // The first call had no region.
    let expected = [
        ("eu-west-3", "Paris"),
        ("sa-east-1", "São Paulo"),
        ("us-east-1", "N. Virginia"),
        ("xx-own-1", "a region that you have used"),
    ];
    assert_eq!(first, expected);
    assert_eq!(regions.iter().filter(|(name, _)| name == "eu-west-3").count(), 1);
    let used = offered(&stage, &["assume", "arn:"]);
    assert_eq!(used.len(), 1, "{used:?}");
    assert!(used[0].1.starts_with("used before, "), "{used:?}");
}

#[test]
fn what_identity_center_offers_completes_from_the_cache_alone() {
    let stage = login::stage();
    assert_eq!(login::run(&stage, &["login"]).status, 0);
    assert_eq!(values(&stage, &["assume", "corp:"]), [""; 0]);
    let mut list = login::arl(&stage, &["list", "--sso"]);
    let _ = stage.run(list.env_remove("ARL_CACHE")).success();
    stage.sts.reset();
    let roles = offered(&stage, &["assume", "corp:"]);
    let names: Vec<&str> = roles.iter().map(|(name, _)| &**name).collect();
    let expected = [
        "corp:000123456789/Dev",
        "corp:111122223333/Admin",
        "corp:111122223333/Dev",
        "corp:111122223333/ReadOnly",
    ];
    assert_eq!(names, expected);
    // Where the profile `dev` of corp:111122223333/Dev is offered, that role is not offered once more.
    let all = values(&stage, &["assume", ""]);
    assert!(all.contains(&"dev".to_owned()) && !all.contains(&expected[2].to_owned()), "{all:?}");
    assert_eq!(roles[0].1, "Dev in Data Lake");
    let accounts = offered(&stage, &["configure", "--sso", "corp", "--account", "0"]);
    assert_eq!(accounts, [("000123456789".to_owned(), "Data Lake".to_owned())]);
    let names = values(&stage, &["configure", "--role", "A"]);
    assert_eq!(names, ["Admin"]);
    assert!(login::actions(&stage).is_empty());
}

#[test]
fn no_two_candidates_have_the_same_description() {
    let stage = Stage::new();
    let role = "role_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = dev\n";
    stage.profiles(
        &format!("[profile a]\n{role}[profile b]\n{role}[profile c]\n[profile dev]\n[profile k\u{202e}]\n"),
        "",
    );
    for words in
        [&["assume", ""][..], &["each", "a", ""], &["assume", "-"], &["console", "--service", ""], &[""]]
    {
        let offered = offered(&stage, words);
        let described: Vec<&String> =
            offered.iter().map(|(_, help)| help).filter(|help| !help.is_empty()).collect();
        assert!(!described.is_empty(), "{words:?}");
        let unique: BTreeSet<&&String> = described.iter().collect();
        assert_eq!(unique.len(), described.len(), "{words:?}: {offered:?}");
        assert!(offered.iter().all(|(value, help)| !format!("{value}{help}").contains('\u{202e}')));
    }
}

/// bash inserts what all candidates begin with, so none may be left out.
#[test]
fn all_of_ten_thousand_profiles_are_offered() {
    let stage = Stage::new();
    let mut config = String::new();
    for number in 0..10_000 {
        let _ = write!(
            config,
            "[profile team-{number:05}]\nrole_arn = arn:aws:iam::123456789012:role/R{number}\nsource_profile = dev\n"
        );
    }
    stage.profiles(&config, "");
    assert_eq!(values(&stage, &["assume", ""]).len(), 10_000);
    let described = offered(&stage, &["assume", "team-0012"]);
    assert_eq!(described.len(), 10);
    assert_eq!(described[3], ("team-00123".to_owned(), "role/R123 in 123456789012 from dev".to_owned()));
}

#[test]
fn file_names_are_offered_only_where_a_file_is_meant() {
    for shell in ["bash", "zsh", "fish"] {
        for (line, words) in [
            ("arl assume dev --external-id fil\t", "[assume][dev][--external-id][fil]"),
            ("arl write --remove prod-n\t", "[write][--remove][prod-n]"),
            ("arl assume fil\t", "[assume][fil]"),
            ("arl each --roles-from fil\t", "[each][--roles-from][filed]"),
            ("arl exec dev -- cat fil\t", "[exec][dev][--][cat][filed]"),
            ("arl console dev --service dynam\t", "[console][dev][--service][dynamodb]"),
        ] {
            assert_eq!(completed(shell, line), words, "{shell}: {line:?}");
        }
    }
}
