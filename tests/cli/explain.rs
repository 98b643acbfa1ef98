//! `arl explain`: its output in eleven situations, and that `arl exec` then does exactly what it announced.

use std::process::Command;

use arl_sts::World;
use serde_json::Value;

use crate::snapshot::Snapshots;
use crate::support::{DEPLOY, Stage, write_program};

const CONFIG: &str = "[default]\nregion = eu-central-1\n\
[profile ann]\nregion = us-west-2\nmfa_serial = arn:aws:iam::111122223333:mfa/ann\n\
[profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = ann\nregion = eu-west-1\n\
duration_seconds = 1800\nsession_tags = Team=web, Env=dev\n\
[profile chained]\nrole_arn = arn:aws:iam::123456789012:role/Chained\nsource_profile = deploy\nduration_seconds = 7200\nrole_session_name = nightly\n\
[profile secure]\nrole_arn = arn:aws:iam::123456789012:role/NeedsMfa\nsource_profile = ann\nmfa_serial = arn:aws:iam::111122223333:mfa/ann\n\
mfa_process = echo 100001\n\
[profile third]\nrole_arn = arn:aws:iam::123456789012:role/ThirdParty\nsource_profile = ann\nexternal_id = ext-4711\n\
[profile from-env]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\ncredential_source = Environment\n\
[profile by-process]\ncredential_process = ./creds\n";

struct Situation {
    name: &'static str,
    args: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
}

const SITUATIONS: [Situation; 11] = [
    Situation { name: "arn-and-keys", args: &[DEPLOY], variables: &[("KEYS", "")] },
    Situation {
        name: "keys-before-a-profile",
        args: &[DEPLOY, "--duration", "30m"],
        variables: &[
            ("KEYS", ""),
            ("AWS_PROFILE", "ann"),
            ("AWS_SECURITY_TOKEN", "old"),
            ("AWS_REGION", "eu-north-1"),
        ],
    },
    Situation {
        name: "role-profile",
        args: &["deploy"],
        variables: &[("KEYS", ""), ("ARL_ROLE_SESSION_NAME", "{role}-by-ann")],
    },
    Situation { name: "chain-of-profiles", args: &["chained", "--source-identity", "ann"], variables: &[] },
    Situation {
        name: "mfa-by-a-program",
        args: &["secure", "--external-id", "none"],
        variables: &[("ARL_DURATION", "20m")],
    },
    Situation { name: "mfa-session", args: &["secure", "--mfa-session"], variables: &[] },
    Situation {
        name: "flags-before-the-profile",
        args: &[
            "third",
            "--region",
            "us-east-2",
            "--policy",
            "{\"Statement\": []}",
            "--policy-arns",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "--transitive-tag-keys",
            "A,B",
            "--role-session-name",
            "me",
        ],
        variables: &[],
    },
    Situation {
        name: "credential-source",
        args: &["from-env"],
        variables: &[("KEYS", ""), ("AWS_CREDENTIAL_EXPIRATION", "2030-01-01T00:00:00Z")],
    },
    Situation {
        name: "via-and-process",
        args: &["123456789012/Chained", "--profile", "by-process", "--via", DEPLOY, "--duration", "2h"],
        variables: &[],
    },
    Situation { name: "own-credentials", args: &["ann"], variables: &[] },
    Situation {
        name: "caller",
        args: &[DEPLOY, "--role-session-name", "{caller}.x"],
        variables: &[("AWS_PROFILE", "ann")],
    },
];

fn stage() -> Stage {
    let stage = Stage::new();
    let keys =
        format!("[ann]\naws_access_key_id={}\naws_secret_access_key={}\n", World::ANN_KEY, World::ANN_SECRET);
    stage.profiles(CONFIG, &keys);
    let json = format!(
        "#!/bin/sh\necho '{{\"Version\":1,\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\"}}'\n",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    let path = stage.home.join("creds");
    write_program(&path, json);
    stage
}

fn arl(stage: &Stage, situation: &Situation, verb: &str, more: &[&str]) -> Command {
    let mut command = stage.bare("setsid");
    command.args(["--wait", "arl", verb]).args(situation.args).args(more).env("ARL_CACHE", "file");
    for (name, value) in situation.variables {
        match *name {
            "KEYS" => command
                .env("AWS_ACCESS_KEY_ID", World::ANN_KEY)
                .env("AWS_SECRET_ACCESS_KEY", World::ANN_SECRET),
            name => command.env(name, value),
        };
    }
    command
}

fn explained(stage: &Stage, situation: &Situation) -> Value {
    let run = stage.run(&mut arl(stage, situation, "explain", &["--json"]));
    serde_json::from_str(&run.success()).unwrap()
}

#[test]
fn snapshots_of_explain() {
    Snapshots::check("explain", |snapshots| {
        for situation in &SITUATIONS {
            let stage = stage();
            let run = stage.run(&mut arl(&stage, situation, "explain", &[]));
            snapshots.assert_snapshot(situation.name, &stage, &run);
            assert_eq!(stage.sts.requests().len(), 0, "{}: explain sends no request", situation.name);
        }
    });
}

#[test]
fn exec_does_what_explain_announces() {
    for situation in &SITUATIONS {
        let name = situation.name;
        let stage = stage();
        let told = explained(&stage, situation);
        let before = {
            let mut env = arl(&stage, situation, "x", &[]);
            let variables: Vec<_> =
                env.get_envs().map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned))).collect();
            env = stage.bare("env");
            for (k, v) in variables {
                if let Some(v) = v {
                    env.env(k, v);
                }
            }
            stage.run(&mut env).success()
        };
        let run = stage.run(&mut arl(&stage, situation, "exec", &["--", "env"]));
        let after = run.success();
        // The requests and their parameters.
        let hops = told["hops"].as_array().unwrap();
        let sent = stage.assumed();
        assert_eq!(sent.len(), hops.len(), "{name}");
        for (request, hop) in sent.iter().zip(hops) {
            let parameters: Vec<(&str, &str)> = hop["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .map(|fact| (fact["name"].as_str().unwrap(), fact["value"].as_str().unwrap()))
                .collect();
            for (parameter, value) in &parameters {
                let member = |n: &str| request.get(&format!("{parameter}.member.{n}")).map(str::to_owned);
                let sent = match *parameter {
                    "PolicyArns" => member("1.arn"),
                    "TransitiveTagKeys" => {
                        Some([member("1"), member("2")].map(Option::unwrap_or_default).join(", "))
                    }
                    "Tags" => Some(
                        ["1", "2"]
                            .map(|n| {
                                format!(
                                    "{}={}",
                                    member(&format!("{n}.Key")).unwrap(),
                                    member(&format!("{n}.Value")).unwrap()
                                )
                            })
                            .join(", "),
                    ),
                    _ => request.get(parameter).map(str::to_owned),
                };
                let value = value.replace("{caller}", "ann");
                assert_eq!(sent.as_deref(), Some(&*value), "{name}: {parameter}");
            }
            for (parameter, _) in &request.parameters {
                let told = parameters.iter().any(|(told, _)| parameter.split('.').next() == Some(*told));
                // `arl explain` prompts for no MFA code, so it cannot name one.
                assert!(told || parameter == "TokenCode", "{name}: {parameter} was sent");
            }
            assert_eq!(told["region"]["value"], *request.region, "{name}");
        }
        // The order of the calls.
        let calls: Vec<&str> =
            told["calls"].as_array().unwrap().iter().map(|call| call.as_str().unwrap()).collect();
        let asked: Vec<String> = stage.sts.requests().into_iter().map(|request| request.action).collect();
        let of_sts: Vec<&str> = calls
            .iter()
            .filter(|call| !call.starts_with("the program"))
            .map(|call| call.split([' ', ',']).next().unwrap())
            .collect();
        assert_eq!(of_sts, asked, "{name}");
        // The variables that exec sets and removes.
        let names = |dump: &str| -> Vec<String> {
            dump.lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect()
        };
        let list = |key: &str| -> Vec<String> {
            told[key].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        let (before, after) = (names(&before), names(&after));
        for gone in before.iter().filter(|name| !after.contains(name)) {
            assert!(list("unsets").contains(gone), "{name}: {gone} is gone");
        }
        for name in list("unsets") {
            assert!(!after.contains(&name), "{name}");
        }
        for new in after.iter().filter(|name| !before.contains(name)) {
            assert!(list("sets").contains(new), "{name}: {new} is new");
        }
        for name_set in list("sets") {
            assert!(after.contains(&name_set), "{name}: {name_set}");
        }
        // A second explain finds the session in the cache.
        if !hops.is_empty() {
            let told = explained(&stage, situation);
            assert_eq!(told["cache"]["state"], "hit", "{name}");
            assert_eq!(told["calls"].as_array().unwrap().len(), 0, "{name}");
            assert!(told["cache"]["seconds_left"].as_u64().unwrap() > 1000, "{name}");
        }
    }
}
