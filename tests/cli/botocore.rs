//! Compares how arl and botocore resolve profiles: for hand-made and random trees of profiles, both must
//! assume the same chain of roles with the same parameters. This file lists the deliberate differences, and
//! ARCHITECTURE.md gives the reasons.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use arl_sts::World;

use crate::aws_assume_role_lib::python;
use crate::support::Stage;

/// Answers each line, a profile name, with `ok` or the error.
const DRIVER: &str = r#"
import itertools, sys
import botocore.credentials, botocore.session
codes = itertools.count(100101)
for line in sys.stdin:
    try:
        session = botocore.session.Session(profile=line.strip())
        provider = session.get_component("credential_provider").get_provider("assume-role")
        provider._prompter = lambda prompt: str(next(codes))
        credentials = session.get_credentials()
        if credentials is None: raise RuntimeError("no credentials")
        credentials.get_frozen_credentials()
        print("ok", flush=True)
    except BaseException as error:
        print("failed", type(error).__name__, str(error).replace("\n", " "), flush=True)
"#;

struct Botocore {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Botocore {
    fn start(stage: &Stage) -> Self {
        let mut command = stage.bare(python());
        command.args(["-c", DRIVER]).env("AWS_DEFAULT_REGION", "us-east-1");
        with_keys(&mut command).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, input, output }
    }

    fn resolve(&mut self, profile: &str) -> String {
        writeln!(self.input, "{profile}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Botocore {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sets keys in the environment, for `credential_source = Environment`.
fn with_keys(command: &mut std::process::Command) -> &mut std::process::Command {
    command.env("AWS_ACCESS_KEY_ID", World::ANN_KEY).env("AWS_SECRET_ACCESS_KEY", World::ANN_SECRET)
}

fn stage() -> Stage {
    let stage = Stage::new();
    stage.sts.change(|world| {
        for role in world.roles.values_mut() {
            role.trusts.push("*".into());
            role.external_id = None;
            role.needs_mfa = false;
            role.max_session_duration = 43_200;
        }
        for user in ["bob", "cyd"] {
            let arn = format!("arn:aws:iam::111122223333:user/{user}");
            world.add_user(
                &arn,
                &format!("AKIAIOSFODNN7{}0001", user.to_uppercase()),
                &format!("secret-key-of-{user}"),
            );
        }
        // Any caller may use the device, because the test compares requests, not permissions.
        let codes = (100_001..=100_999).map(|code| code.to_string()).collect();
        world.mfa_devices.insert(
            "arn:aws:iam::111122223333:mfa/bob".into(),
            ("arn:aws:iam::111122223333:user/bob".into(), codes),
        );
    });
    stage
}

/// The requests that STS received, one line each with the caller and the parameters. Generated session names
/// and MFA codes are left out.
fn asked(stage: &Stage, given_names: &[String]) -> Vec<String> {
    let mut calls = Vec::new();
    for request in stage.sts.requests() {
        let mut caller = String::new();
        stage.sts.change(|world| {
            let key = world.keys.get(&request.access_key_id);
            caller =
                key.map_or_else(String::new, |key| key.role_arn.clone().unwrap_or_else(|| key.arn.clone()));
        });
        let mut parameters: Vec<String> = request
            .parameters
            .iter()
            .map(|(name, value)| match name.as_str() {
                "TokenCode" => "TokenCode".to_owned(),
                "RoleSessionName" if !given_names.contains(value) => "RoleSessionName".to_owned(),
                _ => format!("{name}={value}"),
            })
            .collect();
        parameters.sort();
        calls.push(format!("{} as {caller} in {}: {}", request.action, request.region, parameters.join(" ")));
    }
    calls
}

/// The reason why arl deliberately treats a tree differently, if there is one.
fn difference(
    config: &str,
    botocore: &[String],
    arl: &[String],
    errors: (&str, &str),
) -> Option<&'static str> {
    let (of_botocore, of_arl) = errors;
    let lowered = |call: &String| {
        let (head, rest) = call.split_once("DurationSeconds=")?;
        let (seconds, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        (seconds.parse::<u32>().ok()? > 3600)
            .then(|| format!("{head}DurationSeconds=3600 {rest}").trim().to_owned())
    };
    if botocore.len() <= arl.len()
        && botocore
            .iter()
            .zip(arl)
            .all(|(theirs, ours)| theirs == ours || lowered(theirs).as_ref() == Some(ours))
        && botocore.iter().any(|call| lowered(call).is_some())
    {
        return Some("a chained role's duration is lowered to what STS allows");
    }
    if of_arl.contains("`duration_seconds` of profile") && config.contains("duration_seconds") {
        return Some("a duration that cannot be read is an error, not STS's default");
    }
    if config.contains("[profile default]") && config.contains("[default]") {
        return Some("`[profile default]` hides `[default]`, as the AWS SDKs have it");
    }
    let has_empty_key = config.lines().any(|line| {
        let keys = ["external_id", "mfa_serial", "web_identity_token_file", "mfa_process", "source_identity"];
        line.split_once('=').is_some_and(|(key, value)| value.trim().is_empty() && keys.contains(&key.trim()))
    });
    if has_empty_key && of_arl.is_empty() {
        return Some("an empty value, which `aws configure set KEY ''` leaves, counts as unset");
    }
    if of_arl.contains("has only half of an access key")
        || of_arl.contains("has an `aws_access_key_id` but no")
    {
        return Some("half a key is an error");
    }
    if of_arl.contains("`role_arn` of profile")
        || of_arl.contains("`external_id` of profile")
        || of_arl.contains("`role_session_name` of profile")
        || of_arl.contains("`mfa_serial` of profile")
    {
        return (!of_botocore.is_empty()).then_some("what STS would refuse is refused before it is asked");
    }
    None
}

const HEADERS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A random tree of up to five profiles.
fn generated(seed: u64) -> (String, String) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) % n
    };
    let keys = |user: &str| {
        format!(
            "aws_access_key_id = AKIAIOSFODNN7{}0001\naws_secret_access_key = secret-key-of-{user}\n",
            user.to_uppercase()
        )
    };
    let (mut config, mut credentials) = (String::new(), String::new());
    for (index, name) in HEADERS.into_iter().enumerate() {
        let mut section = String::new();
        if below(10) < 9 - index as u64 * 2 {
            let role = ["Deploy", "ReadOnly", "Long", "Chained", "team/dns_editor"]
                [usize::try_from(below(5)).unwrap()];
            section.push_str(&format!("role_arn = arn:aws:iam::123456789012:role/{role}\n"));
            match below(10) {
                0 => section.push_str("credential_source = Environment\n"),
                1 if below(4) == 0 => {}
                2 if below(4) == 0 => {
                    section.push_str("source_profile = a\ncredential_source = Environment\n")
                }
                _ => {
                    // Mostly a later profile, so that few trees have cycles.
                    let later = &HEADERS[if below(8) == 0 { 0 } else { (index + 1).min(4) }..];
                    let source = later[usize::try_from(below(later.len() as u64)).unwrap()];
                    section.push_str(&format!("source_profile = {source}\n"));
                }
            }
            if below(3) == 0 {
                section.push_str(&format!("external_id = ext-{}\n", below(100)));
            }
            if below(3) == 0 {
                section.push_str(&format!("duration_seconds = {}\n", 900 + below(30) * 300));
            }
            if below(4) == 0 {
                section.push_str(&format!("role_session_name = given-{}\n", below(9)));
            }
        }
        if below(4) == 0 {
            section.push_str(&format!("region = eu-west-{}\n", 1 + below(3)));
        }
        let has_role = section.contains("role_arn");
        if below(10) < if has_role { 1 } else { 9 } {
            let own = keys(if below(2) == 0 { "bob" } else { "cyd" });
            if below(2) == 0 {
                section.push_str(&own);
            } else {
                credentials.push_str(&format!("[{name}]\n{own}"));
            }
        }
        if below(12) != 0 {
            config.push_str(&format!("[profile {name}]\n{section}"));
        }
    }
    (config, credentials)
}

const BOB: &str =
    "[bob]\naws_access_key_id = AKIAIOSFODNN7BOB0001\naws_secret_access_key = secret-key-of-bob\n";

/// Trees from bug reports and reviews, each with the profile to resolve.
fn by_hand() -> Vec<(String, String, &'static str)> {
    let role = |name: &str| format!("role_arn = arn:aws:iam::123456789012:role/{name}\n");
    let (deploy, read) = (role("Deploy"), role("ReadOnly"));
    let of_bob = format!("{deploy}source_profile = bob\n");
    [
        (format!("[profile x]\n{of_bob}"), "x"),
        (format!("[profile x]\n{of_bob}external_id=ext-4711\nduration_seconds=1800\nrole_session_name=me\n"), "x"),
        (format!("[profile x]\n{of_bob}mfa_serial=arn:aws:iam::111122223333:mfa/bob\n"), "x"),
        (format!("[profile x]\n{of_bob}region=eu-west-1\n"), "x"),
        (format!("[profile x]\n{of_bob}[profile y]\n{read}source_profile=x\n"), "y"),
        (format!("[profile x]\n{of_bob}external_id=one1\n[profile y]\n{read}source_profile=x\nexternal_id=two2\n[profile z]\n{}source_profile=y\n", role("Long")), "z"),
        (format!("[profile x]\n{deploy}credential_source=Environment\n"), "x"),
        (format!("[profile x]\n{deploy}credential_source=Environment\n[profile y]\n{read}source_profile=x\n"), "y"),
        (format!("[profile x]\n{deploy}"), "x"),
        (format!("[profile x]\n{of_bob}credential_source=Environment\n"), "x"),
        (format!("[profile x]\n{deploy}credential_source=Nowhere\n"), "x"),
        (format!("[profile x]\n{deploy}source_profile=missing\n"), "x"),
        (format!("[profile x]\n{deploy}source_profile=x\n"), "x"),
        (format!("[profile x]\n{deploy}source_profile=y\n[profile y]\n{read}source_profile=x\n"), "x"),
        (format!("[profile x]\n{deploy}source_profile=y\n[profile y]\n{read}source_profile=y\n"), "x"),
        ("[profile x]\nregion=eu-west-1\n".into(), "x"),
        (String::new(), "x"),
        (String::new(), "bob"),
        (format!("[profile bob]\n{deploy}source_profile=bob\n"), "bob"),
        (format!("[profile x]\n{of_bob}[profile bob]\nregion=eu-west-3\n"), "x"),
        (format!("[profile x]\n{of_bob}duration_seconds=43200\n"), "x"),
        (format!("[profile x]\n{of_bob}duration_seconds=abc\n"), "x"),
        (format!("[profile x]\n{of_bob}duration_seconds=899\n"), "x"),
        (format!("[profile x]\n{of_bob}[profile y]\n{read}source_profile=x\nduration_seconds=7200\n"), "y"),
        (format!("[profile x]\n{of_bob}external_id=x\n"), "x"),
        (format!("[profile x]\n{of_bob}role_session_name=x\n"), "x"),
        ("[profile x]\nrole_arn=nonsense\nsource_profile=bob\n".into(), "x"),
        (format!("[default]\n{of_bob}"), "default"),
        (format!("[profile default]\n{of_bob}[default]\nregion=eu-west-1\n"), "default"),
        (format!("[profile \"x y\"]\n{of_bob}"), "x y"),
        (format!("[profile x]\n{}\n", of_bob.replace(" = ", ":")), "x"),
        (format!("[profile x]\n  {}", of_bob.replace('\n', "\n  ").trim_end()), "x"),
        (format!("[profile x]\r\n{}", of_bob.replace('\n', "\r\n")), "x"),
        (format!("# c\n; c\n[profile x]\n# c\n{of_bob}\n\n"), "x"),
        (format!("[profile x]\ns3 =\n  max_queue_size = 10\n{of_bob}"), "x"),
        (format!("[profile x]\n{}", of_bob.to_uppercase().replace("ARN:AWS:IAM::123456789012:ROLE/DEPLOY", "arn:aws:iam::123456789012:role/Deploy").replace("BOB", "bob")), "x"),
        (format!("[profile x]\n{of_bob}aws_access_key_id=AKIAIOSFODNN7CYD0001\naws_secret_access_key=secret-key-of-cyd\n"), "x"),
        (format!("[profile x]\n{of_bob}aws_access_key_id=AKIAIOSFODNN7CYD0001\naws_secret_access_key=secret-key-of-cyd\n[profile y]\n{read}source_profile=x\n"), "y"),
        ("[profile x]\naws_access_key_id=AKIAIOSFODNN7CYD0001\n".into(), "x"),
        ("[profile x]\naws_access_key_id=AKIAIOSFODNN7CYD0001\naws_secret_access_key=secret-key-of-cyd\n".into(), "x"),
        (format!("[profile x]\n{deploy}source_profile=y\n[profile y]\naws_access_key_id=AKIAIOSFODNN7CYD0001\naws_secret_access_key=secret-key-of-cyd\n"), "x"),
        (format!("[profile x]\n{deploy}source_profile=y\n[profile y]\ncredential_process=echo '{{\"Version\":1,\"AccessKeyId\":\"AKIAIOSFODNN7CYD0001\",\"SecretAccessKey\":\"secret-key-of-cyd\"}}'\n"), "x"),
        (format!("[profile x]\n{of_bob}region=\nduration_seconds=\nrole_session_name=\nendpoint_url=\n"), "x"),
        (format!("[profile x]\n{of_bob}external_id=\n"), "x"),
        (format!("[profile x]\n{of_bob}services=gone\n"), "x"),
        (format!("[profile x]\n{of_bob}endpoint_url=http://127.0.0.1:1\nignore_configured_endpoint_urls=true\n"), "x"),
        (format!("[profile x]\n{deploy}source_profile=y\n[profile y]\naws_access_key_id=AKIAIOSFODNN7CYD0001\naws_secret_access_key=secret-key-of-cyd\naws_session_token=\n"), "x"),
        (format!("[profile x]\n{deploy}web_identity_token_file=token\n"), "x"),
        (format!("[profile x]\n{}web_identity_token_file=token\nrole_session_name=job1\n", role("Web")), "x"),
        (format!("[profile x]\n{read}source_profile=y\n[profile y]\n{}web_identity_token_file=token\nrole_session_name=job1\n", role("Web")), "x"),
    ]
    .into_iter()
    .map(|(config, profile)| (config, BOB.to_owned(), profile))
    .collect()
}

#[test]
fn profiles_resolve_as_in_botocore() {
    let stage = stage();
    std::fs::write(stage.home.join("token"), "header.claims.signature").unwrap();
    let mut botocore = Botocore::start(&stage);
    let mut trees: Vec<(String, String, String)> = by_hand()
        .into_iter()
        .map(|(config, credentials, profile)| (config, credentials, profile.to_owned()))
        .collect();
    let seeds = std::env::var("ARL_TEST_TREES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    for seed in 1..=seeds {
        let (config, credentials) = generated(seed);
        for name in HEADERS {
            trees.push((config.clone(), credentials.clone(), name.to_owned()));
        }
    }
    let (mut same, mut chains, mut differences) = (0, 0, std::collections::BTreeMap::new());
    for (number, (config, credentials, profile)) in trees.iter().enumerate() {
        stage.profiles(config, credentials);
        let names: Vec<String> = config
            .lines()
            .filter_map(|line| line.to_lowercase().strip_prefix("role_session_name").map(|_| line))
            .filter_map(|line| Some(line.split_once(['=', ':'])?.1.trim().to_owned()))
            .collect();
        stage.sts.reset();
        let theirs = botocore.resolve(profile);
        let theirs_asked = asked(&stage, &names);
        stage.sts.reset();
        let mut arl = stage.bare("arl");
        arl.args(["-q", "assume", profile, "--json"]);
        arl.env("ARL_MFA_PROCESS", format!("echo {}", 100_200 + number));
        let ours = stage.run(with_keys(&mut arl).env("AWS_DEFAULT_REGION", "us-east-1"));
        let ours_asked = asked(&stage, &names);
        let both_fail = theirs != "ok" && ours.status != 0 && theirs_asked == ours_asked;
        if (theirs == "ok" && ours.status == 0 && theirs_asked == ours_asked) || both_fail {
            same += 1;
            chains += usize::from(ours_asked.len() > 1);
            continue;
        }
        let errors = (if theirs == "ok" { "" } else { theirs.as_str() }, ours.stderr.as_str());
        match difference(config, &theirs_asked, &ours_asked, errors) {
            Some(why) => *differences.entry(why).or_insert(0) += 1,
            None => panic!(
                "tree {number}, profile {profile}:\n{config}\n--\n{credentials}\nbotocore: {theirs}\n{theirs_asked:#?}\narl: {ours:?}\n{ours_asked:#?}"
            ),
        }
    }
    assert!(same > 200 && chains > 12, "{same} the same, {chains} of them chains, {differences:?}");
}
