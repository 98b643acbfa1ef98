//! No flag is parsed and then ignored: each one changes something, or is refused as a usage error.

use std::collections::BTreeSet;
use std::fs;

use crate::support::{DEPLOY, Run, Stage};

const CONFIG: &str = "[profile ann]\n[profile keys]\n\
    [profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = ann\n\
    [profile mfa]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = ann\n\
    mfa_serial = arn:aws:iam::111122223333:mfa/ann\n\
    [profile web]\nrole_arn = arn:aws:iam::123456789012:role/Pod\nweb_identity_token_file = /nowhere\n";
const KEYS: &str = "aws_access_key_id = AKIAIOSFODNN7ANN0001\n\
    aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n";

/// A value for every flag that takes one. A flag that `--help` names and this table does not is a failure.
fn value_of(flag: &str) -> Option<&'static str> {
    Some(match flag {
        "--account-id" => "123456789012",
        "--role-name" => "ReadOnly",
        "--partition" => "aws-cn",
        "--profile" => "web",
        "--via" => "123456789012/ReadOnly",
        "--role-session-name" => "ann-lee",
        "--duration" => "20m",
        "--policy" => "{\"Version\":\"2012-10-17\",\"Statement\":[]}",
        "--policy-arns" => "arn:aws:iam::aws:policy/A1234",
        "--tags" => "Team=web",
        "--transitive-tag-keys" => "Team",
        "--source-identity" => "ann",
        "--external-id" => "x-7",
        "--provided-contexts" => "ProviderArn=arn:aws:iam::aws:contextProvider/X,ContextAssertion=abcd",
        "--additional-parameters" => "{\"Extra\":\"1\"}",
        "--serial-number" => "arn:aws:iam::111122223333:mfa/ann",
        "--token-code" => "100001",
        "--mfa-process" => "echo 100001",
        "--region" => "eu-west-1",
        "--endpoint-url" => "http://127.0.0.1:1",
        "--min-ttl" => "11h",
        "--format" => "dotenv",
        "--shell" => "fish",
        "--color" => "always",
        "--roles-from" => "roles",
        "--jobs" => "2",
        "--profile-name" => "other",
        "--remove" => "deploy",
        "--keys" | "--sso" | "--sso-session" => "dev",
        "--start-url" => "https://corp.example/start",
        "--account" => "111122223333",
        "--role" => "Admin",
        "--name-template" => "{role}",
        "--service" => "s3",
        "--signin-endpoint" => "http://127.0.0.1:1",
        "--verbose"
        | "--quiet"
        | "--help"
        | "--chain"
        | "--mfa-session"
        | "--allow-insecure-endpoint"
        | "--no-cache"
        | "--refresh"
        | "--env"
        | "--json"
        | "--show"
        | "--server"
        | "--isolate"
        | "--force"
        | "--fail-fast"
        | "--process"
        | "--all"
        | "--prune"
        | "--dry-run"
        | "--open"
        | "--container" => return None,
        other => panic!("{other} needs a value in this table"),
    })
}

/// Flags that confirm what is so anyway for this kind of ROLE: their effect is shown by other tests.
fn confirms(role: &str, flag: &str) -> bool {
    match flag {
        // Global; the text of messages, in tests of their own.
        "--help" | "--verbose" | "--quiet" | "--color" => true,
        // The default said aloud, and what concerns a terminal or a file that already has the profile.
        "--env" | "--show" | "--force" => true,
        // Permissions that the loopback endpoint does not need.
        "--allow-insecure-endpoint" => true,
        // Waits for a browser, or for several commands.
        "--open" | "--container" | "--jobs" | "--fail-fast" => true,
        // Nothing is cached of a source that has its credentials at hand.
        "--no-cache" | "--refresh" | "--min-ttl" => role == "keys",
        // The session is cached, so no code is needed.
        "--token-code" => role != "keys",
        // The device is the profile's own.
        "--mfa-process" | "--serial-number" => role == "mfa",
        _ => false,
    }
}

fn long_flags(help: &str) -> BTreeSet<String> {
    let words = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let flags = words.flat_map(|line| line.split_whitespace().take(2));
    let flags = flags.filter(|word| word.starts_with("--")).map(|word| word.trim_end_matches(','));
    let is_flag = |flag: &&str| flag.bytes().all(|b| b == b'-' || b.is_ascii_lowercase());
    flags.filter(is_flag).map(str::to_owned).collect()
}

/// Everything that a command line can change: what it prints, what it asks of STS, what it leaves in files.
fn effect(verb: &str, role: &str, flags: &[&str]) -> (Run, String) {
    let stage = Stage::new();
    stage.profiles(CONFIG, &format!("[ann]\n{KEYS}[keys]\n{KEYS}"));
    fs::write(stage.home.join("roles"), "123456789012/ReadOnly\n").unwrap();
    // A cached session, so that flags about the cache show.
    let mut first = stage.as_ann("arl");
    first.env_remove("ARL_CACHE").args(["assume", role, "--json"]);
    let _ = stage.run(if role == "mfa" { first.args(["--token-code", "100900"]) } else { &mut first });
    let mut command = stage.as_ann("arl");
    command.env_remove("ARL_CACHE").arg(verb).arg(role).args(flags);
    match verb {
        // The commands' output goes to stderr then, in which `Stage::run` looks for secrets.
        "each" if flags.contains(&"--json") => command.args(["--", "true"]),
        "exec" | "each" => command.args(["--", "env"]),
        "console" => command.env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url()),
        "configure" => {
            let named = [("--profile", "ann"), ("--profile-name", "new")];
            let missing = named.into_iter().filter(|(flag, _)| !flags.contains(flag));
            command.args(missing.flat_map(|(flag, value)| [flag, value]))
        }
        _ => &mut command,
    };
    let mut run = stage.run(&mut command);
    let mut left = String::new();
    for request in stage.sts.requests() {
        left.push_str(&format!("{} {} {:?}\n", request.action, request.region, request.parameters));
    }
    let cache = fs::read_dir(stage.home.join(".cache/arl/v1"));
    left.push_str(&format!("{} cached\n", cache.map(Iterator::count).unwrap_or_default()));
    for file in ["config", "credentials"] {
        let text = fs::read_to_string(stage.home.join(".aws").join(file)).unwrap();
        let lines = text.lines().filter(|line| !line.contains("FwoG") && !line.contains("expires"));
        left.push_str(&lines.map(|line| line.split("=ASIA").next().unwrap()).collect::<Vec<_>>().join("\n"));
    }
    let home = stage.home.display().to_string();
    for text in [&mut run.stdout, &mut run.stderr, &mut left] {
        *text = text.replace(&home, "~").replace(&stage.sts.url(), "http://STS");
    }
    // What is new each time says nothing about a flag.
    let is_new = |line: &str| {
        ["ASIA", "SECRET", "TOKEN", "EXPIR", "ENDPOINT", "FULL_URI", "__arl"]
            .iter()
            .any(|word| line.contains(word))
    };
    run.stdout = run.stdout.lines().filter(|line| !is_new(line)).collect::<Vec<_>>().join("\n");
    (run, left)
}

#[test]
fn every_flag_of_every_verb_is_used_or_refused() {
    let mut ignored = Vec::new();
    for verb in ["assume", "exec", "each", "write", "configure", "console", "explain"] {
        let help = Stage::new().arl(&[verb, "--help"]).success();
        for role in ["deploy", "keys", DEPLOY, "123456789012/Deploy", "mfa"] {
            if verb == "console" && role != "deploy" || verb == "each" && !["deploy", "keys"].contains(&role)
            {
                continue;
            }
            let (before, left_before) = effect(verb, role, &[]);
            for flag in long_flags(&help) {
                if confirms(role, &flag) {
                    continue;
                }
                let flags: Vec<&str> = std::iter::once(flag.as_str()).chain(value_of(&flag)).collect();
                let (run, left) = effect(verb, role, &flags);
                let is_same = (&run.stdout, &run.stderr, run.status, &left)
                    == (&before.stdout, &before.stderr, before.status, &left_before);
                if is_same && run.status != 2 {
                    ignored.push(format!("arl {verb} {role} {}", flags.join(" ")));
                }
            }
        }
    }
    assert!(ignored.is_empty(), "ignored:\n{}", ignored.join("\n"));
}

/// The wrong role, or the wrong partition, was used without a word.
#[test]
fn a_role_that_is_named_twice_is_refused() {
    let stage = Stage::new();
    stage.profiles(CONFIG, &format!("[ann]\n{KEYS}[keys]\n{KEYS}"));
    for words in [
        &["exec", "deploy", "--role-name", "ReadOnly", "--", "true"][..],
        &["exec", "deploy", "--account-id", "123456789012", "--role-name", "ReadOnly", "--", "true"],
        &["exec", "deploy", "--partition", "aws-cn", "--", "true"],
        &["exec", "keys", "--partition", "aws", "--", "true"],
        &["exec", "web", "--partition", "aws-cn", "--", "true"],
        &["exec", "keys", "--endpoint-url", "http://127.0.0.1:1", "--", "true"],
        &["exec", "deploy", "--mfa-process", "echo 1", "--", "true"],
        &["write", "--remove", "deploy", "--duration", "2h"],
        &["write", "--remove", "deploy", "--role-name", "X"],
        &["assume", "deploy", "--json", "--shell", "fish"],
        &["configure", "deploy", "--profile-name", "x", "--partition", "aws-cn"],
    ] {
        let run = stage.arl(words);
        run.failure(2, "");
    }
    assert!(stage.sts.requests().is_empty());
    let _ = stage.arl(&["exec", "deploy", "--partition", "aws", "--", "true"]).success();
}
