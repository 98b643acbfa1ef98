//! `python -m aws_assume_role_lib ROLE_ARN [OPTIONS]` becomes `arl assume ROLE_ARN [OPTIONS]`.
//!
//! The tests run the real package as well: if a command line works there, arl sends STS the same parameters.

use std::process::Command;

use crate::support::{DEPLOY, Stage, tools};

const A: &str = "arn:aws:iam::aws:policy/A1234";
const B: &str = "arn:aws:iam::aws:policy/B1234";

/// The Python interpreter with the packages that tests compare arl with, from `tests/install-tools.sh`.
pub(crate) fn python() -> String {
    tools("venv/bin/python")
}

fn rows() -> Vec<Vec<String>> {
    let statement = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let rows: Vec<Vec<&str>> = vec![
        vec![],
        vec!["--RoleSessionName", "sess"],
        vec!["--RoleSessionName=-x"],
        vec!["--RoleSessionName", "aa", "--RoleSessionName", "bb"],
        vec!["--SourceIdentity", "src"],
        vec!["--SourceIdentity", "src", "--RoleSessionName", "nm"],
        vec!["--RoleSessionName", "AUTOMATIC_ROLE_SESSION_NAME_!#$%^&*()", "--SourceIdentity", "src"],
        vec!["--PolicyArns", A],
        vec!["--PolicyArns", "arn:aws:iam::aws:policy/A1234,arn:aws:iam::aws:policy/B1234"],
        vec!["--PolicyArns", "arn:aws:iam::aws:policy/A1234, arn:aws:iam::aws:policy/B1234"],
        vec!["--PolicyArns", r#"["arn:aws:iam::aws:policy/A1234"]"#],
        vec!["--PolicyArns", r#"[{"arn":"arn:aws:iam::aws:policy/A1234"}]"#],
        vec!["--PolicyArns", r#"["arn:aws:iam::aws:policy/A1234",{"arn":"arn:aws:iam::aws:policy/B1234"}]"#],
        vec!["--PolicyArns", "[]"],
        vec!["--Policy", statement],
        vec!["--Policy", r#"{  "Statement" : [] , "é":"ü", "x": "€"}"#],
        vec!["--Policy", "{}"],
        vec!["--Policy", r#" {"a":1} "#],
        vec!["--DurationSeconds", "900"],
        vec!["--DurationSeconds=900"],
        vec!["--DurationSeconds", " 1_000 "],
        vec!["--DurationSeconds", "+900"],
        vec!["--TransitiveTagKeys", "foo,bar"],
        vec!["--TransitiveTagKeys", "foo, bar"],
        vec!["--TransitiveTagKeys", r#"["foo","bar"]"#],
        vec!["--TransitiveTagKeys", "[]"],
        vec!["--ExternalId", "ext"],
        vec!["--TokenCode", "123456"],
        vec!["--additional-kwargs", r#"{"Tags":[{"Key":"foo","Value":"bar"}]}"#],
        vec!["--additional-kwargs", r#"{"RoleSessionName":"fromkw"}"#],
        vec!["--additional-kwargs", r#"{"RoleSessionName":"fromkw"}"#, "--RoleSessionName", "opt"],
        vec!["--additional-kwargs", r#"{"RoleArn":"arn:aws:iam::999999999999:role/Other"}"#],
        vec!["--additional-kwargs", r#"{"SourceIdentity":"kwsrc"}"#],
        vec!["--additional-kwargs", r#"{"MinimumSessionTokenSize":10}"#],
        vec![
            "--additional-kwargs",
            r#"{"PolicyArns":[{"arn":"arn:aws:iam::aws:policy/A1234"}],"DurationSeconds":1000}"#,
        ],
        vec![
            "--additional-kwargs",
            r#"{"TransitiveTagKeys":["a"],"ExternalId":"ee","Policy":"{\"Statement\":[]}"}"#,
        ],
        vec![
            "--additional-kwargs",
            r#"{"ProvidedContexts":[{"ProviderArn":"arn:aws:iam::aws:contextProvider/X","ContextAssertion":"abcd"}]}"#,
        ],
        vec!["--additional-kwargs", "{}"],
        vec!["--json", "--json"],
        vec!["--env"],
        vec!["--profile", "ann"],
        vec![
            "--profile",
            "ann",
            "--ExternalId",
            "ext",
            "--SourceIdentity",
            "src",
            "--DurationSeconds",
            "1800",
            "--PolicyArns",
            B,
            "--Policy",
            statement,
            "--TransitiveTagKeys",
            "k",
            "--additional-kwargs",
            r#"{"Tags":[{"Key":"k","Value":"v"}]}"#,
        ],
    ];
    rows.into_iter().map(|row| row.into_iter().map(str::to_owned).collect()).collect()
}

/// The parameters of the first request. Generated session names become one word, and policies are parsed as
/// JSON.
fn parameters(stage: &Stage) -> Option<Vec<(String, String)>> {
    let request = stage.assumed().into_iter().next()?;
    let mut parameters = request.parameters;
    for (name, value) in &mut parameters {
        if name == "RoleSessionName"
            && (value.starts_with("botocore-session-") || value.ends_with("@Deploy.123456789012"))
        {
            *value = "(made up)".to_owned();
        }
        if name == "Policy" {
            let json: serde_json::Value = serde_json::from_str(value).unwrap();
            *value = json.to_string();
        }
    }
    parameters.sort();
    Some(parameters)
}

fn lib(stage: &Stage, options: &[String]) -> Command {
    let mut command = stage.as_ann(python());
    command.args(["-m", "aws_assume_role_lib", DEPLOY]).args(options).env("AWS_DEFAULT_REGION", "us-east-1");
    command
}

#[test]
fn arguments_that_work_in_the_library_send_the_same_request() {
    let stage = Stage::new();
    stage.profiles("", "[ann]\naws_access_key_id = AKIAIOSFODNN7ANN0001\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n");
    let mut compared = 0;
    for options in rows() {
        stage.sts.reset();
        let theirs_run = stage.run(&mut lib(&stage, &options));
        let Some(theirs) = parameters(&stage) else {
            panic!("{options:?} sends nothing there: {theirs_run:?}")
        };
        stage.sts.reset();
        let mut arl = stage.as_ann("arl");
        let ours_run = stage.run(arl.args(["assume", DEPLOY]).args(&options));
        let ours = parameters(&stage);
        assert_eq!(ours.as_ref(), Some(&theirs), "{options:?}: {ours_run:?}");
        // STS accepts both requests or neither.
        assert_eq!(ours_run.status == 0, theirs_run.status == 0, "{options:?}: {ours_run:?} {theirs_run:?}");
        compared += 1;
    }
    assert!(compared >= 40);
}

#[test]
fn arguments_that_the_library_documents_but_breaks_work() {
    let stage = Stage::new();
    let mfa = arl_sts::World::ANN_MFA;
    for (options, sent) in [
        (
            vec!["--Tags", "Key1=Value1,Key2=Value2"],
            vec![("Tags.member.1.Key", "Key1"), ("Tags.member.2.Value", "Value2")],
        ),
        (
            vec!["--Tags", r#"{"foo":"bar"}"#],
            vec![("Tags.member.1.Key", "foo"), ("Tags.member.1.Value", "bar")],
        ),
        (
            vec!["--PolicyArns", r#"{"arn":"arn:aws:iam::aws:policy/A1234"}"#],
            vec![("PolicyArns.member.1.arn", A)],
        ),
        (
            vec!["--SerialNumber", mfa, "--TokenCode", "100002"],
            vec![("SerialNumber", mfa), ("TokenCode", "100002")],
        ),
    ] {
        stage.sts.reset();
        let arguments: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        assert_ne!(stage.run(&mut lib(&stage, &arguments)).status, 0, "{options:?} works there by now");
        stage.sts.reset();
        let _ = stage.run(stage.as_ann("arl").args(["assume", DEPLOY]).args(&options)).success();
        let request = &stage.assumed()[0];
        for (name, value) in sent {
            assert_eq!(request.get(name), Some(value), "{options:?}");
        }
    }
}
