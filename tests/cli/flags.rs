//! No flag is parsed and then ignored: each one changes something, or is refused as a usage error.

use std::collections::BTreeSet;
use std::fs;

use arl_sts::World;

use crate::keys::KeyStage;
use crate::support::{DEPLOY, Run, Stage, write_program};

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
        // Nothing is cached of a source that already has its credentials.
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

const BOB_KEY: &str = "AKIAIOSFODNN7BOB0001";

/// A line for each flag of the other verbs, in which `{}` is replaced with the flag. With the flag it must do something
/// else than without.
const OTHER_FLAGS: &[(&str, &[(&str, &str)])] = &[
    (
        "login",
        &[
            ("--force", "arl login -q corp; arl login corp {}"),
            ("--check", "arl login corp {}"),
            ("--device-code", "arl login corp {}"),
            ("--paste", "arl login corp {} </dev/null"),
            ("--no-browser", "BROWSER=true arl login corp --timeout 1s {}"),
            ("--port=$PORT", "arl login corp {}"),
            ("--timeout=1s", "BROWSER=true timeout -s INT 2 arl login corp {}"),
        ],
    ),
    ("logout", &[("--all", "arl login -q corp; arl logout corp {}")]),
    (
        "keys add",
        &[
            ("--env", "AWS_ACCESS_KEY_ID=$ID AWS_SECRET_ACCESS_KEY=$KEY arl keys add dev {} </dev/null"),
            ("--stdin", "arl keys add dev {} <key"),
            ("--import=ann", "arl keys add dev {} </dev/null"),
            ("--profile-name=other", "arl keys add dev --stdin {} <key; cat .aws/config"),
            ("--no-profile", "arl keys add dev --stdin {} <key; cat .aws/config"),
            (
                "--serial-number=arn:aws:iam::111122223333:mfa/ann",
                "arl keys add dev --stdin {} <key; cat .aws/config",
            ),
            ("--region=eu-west-3", "arl keys add dev --stdin {} <key; cat .aws/config"),
            ("--force", "arl keys add dev --stdin <key; arl keys add dev --stdin {} <other-key"),
        ],
    ),
    ("keys list", &[("--json", "arl keys add dev --stdin <key; arl keys list {}")]),
    (
        "keys show",
        &[
            ("--json", "arl keys add dev --stdin <key; arl keys show dev {} | grep -o SecretAccessKey"),
            (
                "--show",
                "arl keys add dev --stdin <key; : >out; chmod 644 out; arl keys show dev --json {} >out",
            ),
        ],
    ),
    ("keys remove", &[("--force", "arl keys add dev --stdin <key; arl keys remove dev {} </dev/null")]),
    (
        "keys rotate",
        &[
            ("--keep-old", "arl keys add dev --stdin <key; arl keys rotate dev {}"),
            ("--replace=AKIAIOSFODNN7EXAMPLE", "arl keys add dev --stdin <key; arl keys rotate dev {}"),
            ("--mfa-session", "arl keys add dev --stdin <key; arl keys rotate dev {} </dev/null"),
            (
                "--serial-number=arn:aws:iam::111122223333:mfa/ann",
                "arl keys add dev --stdin <key; arl keys rotate dev --mfa-session {} </dev/null",
            ),
            (
                "--mfa-process=false",
                "arl keys add dev --stdin --serial-number=arn:aws:iam::111122223333:mfa/ann <key; \
             arl keys rotate dev --mfa-session {} </dev/null",
            ),
        ],
    ),
    (
        "list",
        &[
            ("--sso", "arl login -q corp; arl list {}"),
            ("--refresh", "arl login -q corp; arl list --sso >list; arl list --sso {}"),
            ("--json", "arl list {}"),
        ],
    ),
    (
        "status",
        &[
            ("--verify", "AWS_ACCESS_KEY_ID=$ID AWS_SECRET_ACCESS_KEY=$KEY arl status {}"),
            ("--json", "arl status {}"),
        ],
    ),
    (
        "cache list",
        &[(
            "--json",
            "AWS_ACCESS_KEY_ID=$ID AWS_SECRET_ACCESS_KEY=$KEY arl assume deploy --json | grep -c ASIA; arl cache list {}",
        )],
    ),
    ("cache clear", &[]),
    (
        "clear",
        &[
            ("--expired", "arl assume deploy --shell posix --show >out; . ./out; arl clear {} | cut -c1-5"),
            ("--shell=fish", "arl clear {}"),
        ],
    ),
    ("init", &[]),
    ("completions", &[]),
    (
        "arn",
        &[
            ("--session=ann", "arl arn 123456789012 Deploy {}"),
            ("--partition=aws-cn", "arl arn 123456789012 Deploy {}"),
        ],
    ),
];

/// What a line of a shell prints, asks of the services and leaves. Numbers and addresses differ each time.
fn effect_of_line(line: &str) -> (Run, String) {
    let keys = KeyStage::new();
    let stage = &keys.stage;
    let session = "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n";
    stage.profiles(&format!("{CONFIG}{session}"), &format!("[ann]\n{KEYS}"));
    stage
        .sts
        .change(|world| world.add_user("arn:aws:iam::111122223333:user/bob", BOB_KEY, World::ANN_SECRET));
    for (name, id, secret) in
        [("key", World::ANN_KEY, World::ANN_SECRET), ("other-key", BOB_KEY, World::ANN_SECRET)]
    {
        fs::write(stage.home.join(name), format!("{id}\n{secret}\n")).unwrap();
    }
    write_program(&stage.home.join("browser"), "#!/bin/sh\nexec curl -sL -o \"$HOME/page\" \"$1\"\n");
    let mut command = keys.bare("sh");
    command
        .args(["-c", line])
        .current_dir(&stage.home)
        .env_remove("ARL_CACHE")
        .env("BROWSER", stage.home.join("browser"))
        .env("AWS_ENDPOINT_URL_SSO", stage.sts.url())
        .env("AWS_ENDPOINT_URL_SSO_OIDC", stage.sts.url())
        .env("PORT", stage.sts.url().rsplit(':').next().unwrap())
        .env("ID", World::ANN_KEY)
        .env("KEY", World::ANN_SECRET);
    let mut run = stage.run(&mut command);
    let home = stage.home.display().to_string();
    // A new key's ID differs each time, as numbers do.
    let word =
        |word: &str| if word.starts_with("AKIA") { "KEY".to_owned() } else { word.replace(&home, "~") };
    for text in [&mut run.stdout, &mut run.stderr] {
        let lines = text.lines().filter(|line| !line.contains("/authorize?"));
        let lines = lines.map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" "));
        *text = lines.collect::<Vec<_>>().join("\n").replace(|c: char| c.is_ascii_digit(), "");
    }
    let asked: Vec<String> = stage.sts.requests().into_iter().map(|request| request.action).collect();
    let config = fs::read_to_string(stage.home.join(".aws/config")).unwrap();
    (run, format!("{}\n{config}", asked.join(" ")))
}

#[test]
fn every_flag_of_the_other_verbs_is_used_or_refused() {
    let mut ignored = Vec::new();
    for (verb, flags) in OTHER_FLAGS {
        let words: Vec<&str> = verb.split(' ').chain(["--help"]).collect();
        let named = flags.iter().map(|(flag, _)| flag.split('=').next().unwrap().to_owned());
        let mut documented = long_flags(&Stage::new().arl(&words).success());
        documented.retain(|flag| !["--help", "--verbose", "--quiet", "--color"].contains(&flag.as_str()));
        assert_eq!(named.collect::<BTreeSet<_>>(), documented, "arl {verb}: a line for each flag");
        for (flag, line) in *flags {
            let effect = |flag: &str| {
                let (run, left) = effect_of_line(&line.replace("{}", flag));
                (run.status, run.stdout, run.stderr, left)
            };
            let without = effect("");
            assert_eq!(without, effect(""), "{line}: the line says nothing if it differs by itself");
            if effect(flag) == without {
                ignored.push(format!("{line} ({flag}): {without:?}"));
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
