//! `arl assume -`: the role before this one, in each shell with a function that remembers it.

use arl_sts::World;

use crate::support::{Stage, in_terminal};

const SHELLS: [(&str, &str); 6] =
    [("bash", "bash"), ("zsh", "zsh"), ("dash", "sh"), ("mksh", "mksh"), ("ksh93", "ksh"), ("fish", "fish")];

fn stage() -> Stage {
    let stage = Stage::new();
    let profile = |name: &str, role: &str| {
        format!("[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/{role}\nsource_profile = ann\n")
    };
    let keys = format!(
        "[ann]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    stage.profiles(&(profile("o'ne $(touch ran)", "Deploy") + &profile("two", "ReadOnly")), &keys);
    stage
}

/// Runs lines in a shell with arl's function. A line is the same in each shell, but for `@(`…`@)`, which is
/// `eval "$(`…`)"`.
fn run(stage: &Stage, (shell, init): (&str, &str), lines: &[&str]) -> Vec<String> {
    let start = match shell {
        "fish" => "arl init fish | source".to_owned(),
        _ => format!("eval \"$(arl init {init})\""),
    };
    let (open, close) = if shell == "fish" { ("", " | source") } else { ("eval \"$(", ")\"") };
    let lines = lines.iter().map(|line| line.replace("@(", open).replace("@)", close));
    let script = std::iter::once(start).chain(lines).collect::<Vec<_>>().join("\n");
    let run = stage.run(stage.bare(shell).env_remove("ARL_CACHE").args(["-c", &script]));
    assert!(!stage.home.join("ran").exists(), "{shell}: {run:?}");
    run.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn dash_is_the_role_before_this_one_and_the_last_one_after_clear() {
    for shell in SHELLS {
        let stage = stage();
        let said = run(
            &stage,
            shell,
            &[
                "arl assume \"o'ne \\$(touch ran)\" --duration 30m; echo \"1 $ARL_ROLE\"",
                "arl assume two; arl assume -; echo \"2 $ARL_ROLE\"",
                "arl assume -; echo \"3 $ARL_ROLE\"",
                // A role that is assumed again is no other one.
                "arl assume two; arl assume two; arl assume -; echo \"4 $ARL_ROLE\"",
                "arl clear; echo \"5 $ARL_ROLE\"",
                "arl assume -; echo \"6 $ARL_ROLE\"",
                "arl -q assume --region eu-west-1 -; echo \"7 $ARL_ROLE $AWS_REGION\"",
                "@(arl assume -@); echo \"8 $ARL_ROLE\"",
                "@(command arl assume two@); @(arl assume -@); echo \"9 $ARL_ROLE\"",
                // A failure changes nothing.
                "arl assume nosuch; arl assume -; echo \"10 $ARL_ROLE\"",
                "env | grep -c __arl_",
            ],
        );
        // A name that a prompt could evaluate is not exported.
        let first = "123456789012/Deploy";
        let expected = [
            &format!("1 {first}"),
            &format!("2 {first}"),
            "3 two",
            &format!("4 {first}"),
            "5 ",
            &format!("6 {first}"),
            "7 two eu-west-1",
            &format!("8 {first}"),
            &format!("9 {first}"),
            "10 two",
            "0",
        ];
        let said: Vec<&str> = said.iter().map(String::as_str).filter(|line| !line.starts_with('(')).collect();
        assert_eq!(said, expected, "{shell:?}");
        let is_short = |(name, value): &(String, String)| name == "DurationSeconds" && value == "1800";
        assert!(stage.assumed().iter().any(|request| request.parameters.iter().any(is_short)), "{shell:?}");
    }
}

#[test]
fn without_a_role_before_dash_is_a_usage_error_and_nothing_from_the_environment_is_one() {
    for shell in SHELLS {
        let stage = stage();
        let fish = shell.0 == "fish";
        // The words that would assume another role.
        let words = "assume arn:aws:iam::123456789012:role/Long";
        let export = match fish {
            true => format!("set -gx __arl_last {words}; set -gx __arl_previous {words}"),
            false => format!("export __arl_last='{words}' __arl_previous='{words}'"),
        };
        let status = if fish { "$status" } else { "$?" };
        let said = run(
            &stage,
            shell,
            &[
                &format!("arl assume -; echo \"1 {status}\""),
                "arl assume two; arl assume -; echo \"2 $ARL_ROLE\"",
                "arl clear",
                &format!("{export}; arl assume -; echo \"3 {status} $ARL_ROLE\""),
                // Statements that were not printed for the function do not take them over either.
                &export,
                "@(command arl assume two@); arl assume -; echo \"4 $ARL_ROLE\"",
            ],
        );
        let said: Vec<&str> = said.iter().map(String::as_str).filter(|line| !line.starts_with('(')).collect();
        assert_eq!(said, ["1 2", "2 two", "3 2 ", "4 two"], "{shell:?}");
    }
}

#[test]
fn expiry_does_not_lose_the_roles_before() {
    let stage = stage();
    for (shell, on_expiry) in
        [("bash --norc -i", "clear"), ("bash --norc -i", "restore"), ("zsh -fi", "clear")]
    {
        let name = shell.split(' ').next().unwrap();
        let mut command = in_terminal(&stage, shell);
        command
            .env_remove("ARL_CACHE")
            .env("ARL_ON_EXPIRY", on_expiry)
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
        let lines = format!(
            "eval \"$(arl init {name})\"\narl assume two\narl assume \"o'ne \\$(touch ran)\"\nexport ARL_EXPIRES_AT=1\n\necho \"now [$ARL_ROLE]\"\narl assume -\necho \"then [$ARL_ROLE]\"\narl assume -\necho \"last [$ARL_ROLE]\"\nexit\n"
        );
        let run = stage.run_with_input(&mut command, &lines);
        let shown = run.stdout.replace('\r', "");
        for said in ["now []\n", "then [123456789012/Deploy]\n", "last [two]\n"] {
            assert!(shown.contains(said), "{shell} {on_expiry} {said}: {shown}");
        }
    }
}
