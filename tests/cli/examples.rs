//! The programs in `examples/`, against the loopback STS and its S3.

use std::fs;
use std::path::Path;

use arl_sts::World;

use crate::support::{DEPLOY, Run, Stage, example};

const CHAINED: &str = "arn:aws:iam::123456789012:role/Chained";
const NEEDS_MFA: &str = "arn:aws:iam::123456789012:role/NeedsMfa";

/// Runs an example as Ann, in a region.
fn run(stage: &Stage, name: &str, args: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut program = stage.as_ann(example(name));
    program.args(args).env("AWS_REGION", "eu-west-1").envs(variables.iter().copied());
    stage.run(&mut program)
}

#[test]
fn every_example_has_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let tests = include_str!("examples.rs");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_run = tests.contains(&format!("\"{name}\"")) || name == "base";
        assert!(is_run, "no test runs examples/{name}.rs");
    }
}

#[test]
fn the_assume_role_example_prints_the_roles_identity() {
    let stage = Stage::new();
    let arn = run(&stage, "assume_role", &[DEPLOY], &[]).success();
    assert!(arn.starts_with("arn:aws:sts::123456789012:assumed-role/Deploy/"), "{arn}");
    assert_eq!(stage.assumed()[0].access_key_id, World::ANN_KEY);
    assert_eq!(stage.assumed()[0].get("DurationSeconds"), Some("3600"));
}

#[test]
fn the_chain_example_tags_the_first_session_and_limits_the_second() {
    let stage = Stage::new();
    let arns = run(&stage, "chain", &[DEPLOY, CHAINED], &[]).success();
    let session = |role: &str| format!("arn:aws:sts::123456789012:assumed-role/{role}/release-4711\n");
    assert_eq!(arns, session("Deploy") + &session("Chained"));
    let [first, second] = stage.assumed().try_into().unwrap();
    assert_eq!(first.get("Tags.member.1.Key"), Some("Team"));
    assert_eq!(first.get("Tags.member.2.Value"), Some("production"));
    assert_eq!(first.get("TransitiveTagKeys.member.1"), Some("Team"));
    assert!(second.access_key_id.starts_with("ASIA"), "{second:?}");
    assert!(second.get("Policy").unwrap().contains("s3:GetObject"), "{second:?}");
    assert_eq!(second.get("PolicyArns.member.1.arn"), Some("arn:aws:iam::aws:policy/ReadOnlyAccess"));
}

#[test]
fn the_lambda_example_names_the_function_and_its_instance_in_one_session() {
    let stage = Stage::new();
    let variables = [
        ("AWS_LAMBDA_FUNCTION_NAME", "report"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/26/[7]0123456789abcdef0123456789abcdef"),
    ];
    let arns = run(&stage, "lambda", &[DEPLOY], &variables).success();
    let arn = "arn:aws:sts::123456789012:assumed-role/Deploy/report.7.0123456789abcdef0123456789abcdef\n";
    assert_eq!(arns, arn.repeat(2));
    assert_eq!(stage.assumed().len(), 1);
}

#[test]
fn the_shared_cache_example_has_the_session_of_the_program() {
    let stage = Stage::new();
    let directory = stage.home.join("cache");
    let directory = directory.to_str().unwrap();
    let first = run(&stage, "shared_cache", &[DEPLOY, directory], &[]).success();
    let second = run(&stage, "shared_cache", &[DEPLOY, directory], &[]).success();
    let mut arl = stage.as_ann("arl");
    arl.args(["assume", DEPLOY, "--json"]).env_remove("ARL_CACHE").env("ARL_CACHE_DIR", directory);
    let json = stage.run(arl.env("AWS_REGION", "eu-west-1")).success();
    assert_eq!(first, second);
    assert!(json.contains(first.trim()), "{first} is not in {json}");
    assert_eq!(stage.assumed().len(), 1);
}

#[test]
fn the_mfa_example_asks_for_a_code() {
    let stage = Stage::new();
    let mut program = stage.as_ann(example("mfa"));
    program.args([NEEDS_MFA, World::ANN_MFA]).env("AWS_REGION", "eu-west-1");
    let run = stage.run_with_input(&mut program, "100001\n");
    assert_eq!(run.stderr, format!("MFA code from {}: ", World::ANN_MFA));
    assert!(run.success().starts_with("arn:aws:sts::123456789012:assumed-role/NeedsMfa/"));
    assert_eq!(stage.assumed()[0].get("TokenCode"), Some("100001"));
}

#[test]
fn the_s3_example_signs_a_request_as_the_role() {
    let stage = Stage::new();
    let url = stage.sts.url();
    let buckets = run(&stage, "s3", &[DEPLOY], &[("AWS_ENDPOINT_URL_S3", &url)]).success();
    assert!(buckets.starts_with("200\n") && buckets.contains("<Bucket>"), "{buckets}");
    let request = stage.sts.requests().pop().unwrap();
    assert_eq!((request.action.as_str(), request.region.as_str()), ("ListBuckets", "eu-west-1"));
    assert!(request.access_key_id.starts_with("ASIA"), "{request:?}");
}
