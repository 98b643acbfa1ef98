//! Flags, variables and profile keys become the parameters of AssumeRole.

use crate::support::{DEPLOY, Stage};

const SOURCE: &str = "[src]\naws_access_key_id = AKIAIOSFODNN7ANN0001\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n";

/// The parameters of the last AssumeRole, as `Name=value`, without the role's ARN.
fn sent(stage: &Stage) -> Vec<String> {
    let request = stage.assumed().pop().unwrap();
    let mut parameters: Vec<String> = request
        .parameters
        .iter()
        .filter(|(name, _)| name != "RoleArn")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    parameters.sort();
    parameters
}

#[test]
fn every_flag_becomes_its_sts_parameter() {
    let stage = Stage::new();
    std::fs::write(stage.home.join("policy.json"), "{ \"Version\": \"2012-10-17\", \"Statement\": [] }\n")
        .unwrap();
    let run = stage.arl(&[
        "assume",
        "123456789012/Long",
        "--json",
        "--role-session-name",
        "ann",
        "--duration",
        "1h 30m",
        "--policy",
        "file://policy.json",
        "--policy-arns",
        "arn:aws:iam::aws:policy/A1234",
        "--policy-arns",
        "[\"arn:aws:iam::aws:policy/B1234\"]",
        "--tags",
        "Team=web,Cost=1",
        "--tags",
        "{\"Env\":\"dev\"}",
        "--transitive-tag-keys",
        "Team,Env",
        "--external-id",
        "ext:1/2",
        "--serial-number",
        arl_sts::World::ANN_MFA,
        "--token-code",
        "100001",
        "--source-identity",
        "ann.lee",
        "--provided-contexts",
        "ProviderArn=arn:aws:iam::aws:contextProvider/X,ContextAssertion=abcd",
        "--additional-parameters",
        "{\"MinimumSessionTokenSize\":10,\"New\":{\"A\":[\"b&c d\"]}}",
    ]);
    assert!(
        run.stderr.contains("unknown parameter New of AssumeRole in --additional-parameters; sending it"),
        "{run:?}"
    );
    let _ = run.success();
    assert_eq!(
        sent(&stage),
        [
            "DurationSeconds=5400",
            "ExternalId=ext:1/2",
            "MinimumSessionTokenSize=10",
            "New.A.member.1=b&c d",
            "Policy={\"Statement\":[],\"Version\":\"2012-10-17\"}",
            "PolicyArns.member.1.arn=arn:aws:iam::aws:policy/A1234",
            "PolicyArns.member.2.arn=arn:aws:iam::aws:policy/B1234",
            "ProvidedContexts.member.1.ContextAssertion=abcd",
            "ProvidedContexts.member.1.ProviderArn=arn:aws:iam::aws:contextProvider/X",
            "RoleSessionName=ann",
            "SerialNumber=arn:aws:iam::111122223333:mfa/ann",
            "SourceIdentity=ann.lee",
            "Tags.member.1.Key=Team",
            "Tags.member.1.Value=web",
            "Tags.member.2.Key=Cost",
            "Tags.member.2.Value=1",
            "Tags.member.3.Key=Env",
            "Tags.member.3.Value=dev",
            "TokenCode=100001",
            "TransitiveTagKeys.member.1=Team",
            "TransitiveTagKeys.member.2=Env",
        ]
    );
}

#[test]
fn flags_take_precedence_over_variables_over_profiles() {
    let stage = Stage::new();
    stage.profiles(
        "[profile long]\nrole_arn = arn:aws:iam::123456789012:role/Long\nsource_profile = src\nduration_seconds = 4000\n\
         role_session_name = from-profile\nexternal_id = ext\nsource_identity = ann\nsession_tags = a = 1 ,b= 2\n\
         transitive_session_tags = a, b\n",
        SOURCE,
    );
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = stage.bare("arl");
        let args = [&["assume", "long", "--json"], args].concat();
        let _ = stage.run(command.args(args).envs(variables.iter().copied())).success();
        sent(&stage).join(" ")
    };
    let plain = run(&[], &[]);
    assert!(
        plain.starts_with(
            "DurationSeconds=4000 ExternalId=ext RoleSessionName=from-profile SourceIdentity=ann"
        ),
        "{plain}"
    );
    // The format of aws-vault: whitespace after commas does not count.
    let tags = "Tags.member.1.Key=a Tags.member.1.Value=1 Tags.member.2.Key=b Tags.member.2.Value=2";
    assert!(plain.contains(tags), "{plain}");
    assert!(plain.ends_with("TransitiveTagKeys.member.1=a TransitiveTagKeys.member.2=b"), "{plain}");
    let variables = [("ARL_DURATION", "75m"), ("ARL_ROLE_SESSION_NAME", "from-env")];
    let by_variable = run(&[], &variables);
    assert!(
        by_variable.starts_with("DurationSeconds=4500 ExternalId=ext RoleSessionName=from-env"),
        "{by_variable}"
    );
    let by_flag = run(&["--duration", "2h", "--role-session-name", "from-flag", "--tags", "c=3"], &variables);
    assert!(
        by_flag.starts_with("DurationSeconds=7200 ExternalId=ext RoleSessionName=from-flag"),
        "{by_flag}"
    );
    assert!(
        by_flag.contains("Tags.member.1.Key=c Tags.member.1.Value=3") && !by_flag.contains("Tags.member.2"),
        "{by_flag}"
    );
    let by_identity = run(&["--source-identity", "bob"], &variables);
    assert!(by_identity.contains("RoleSessionName=bob SourceIdentity=bob"), "{by_identity}");
}

#[test]
fn session_names_hold_the_user_the_role_and_the_account() {
    let stage = Stage::new();
    let name = |args: &[&str]| {
        let _ = stage.arl(&[&["assume", DEPLOY, "--json"], args].concat()).success();
        stage.assumed().pop().unwrap().get("RoleSessionName").unwrap().to_owned()
    };
    let user = stage.run(stage.bare("id").arg("-un")).success();
    assert_eq!(name(&[]), format!("{}@Deploy.123456789012", user.trim()));
    assert_eq!(name(&["--role-session-name", "{caller} of {account}/{role}"]), "ann-of-123456789012-Deploy");
    assert_eq!(
        stage.sts.requests().iter().filter(|request| request.action == "GetCallerIdentity").count(),
        1
    );
    assert!(name(&["--role-session-name", "{host}.{pid}.{time}"]).matches('.').count() >= 2);
    let automatic = "AUTOMATIC_ROLE_SESSION_NAME_!#$%^&*()";
    assert!(
        name(&["--RoleSessionName", automatic, "--source-identity", "ann"]).ends_with("@Deploy.123456789012")
    );
    stage.arl(&["assume", DEPLOY, "--role-session-name", "{usr}"]).failure(2, "unknown placeholder {usr}");
}

#[test]
fn an_invalid_parameter_is_refused_with_its_rule_before_any_request() {
    let stage = Stage::new();
    let long_name = "x".repeat(65);
    let many_tags: String = (0..51).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
    for (args, said) in [
        (
            vec!["--role-session-name", "has space"],
            "--role-session-name can contain letters, digits and _+=,.@-, but not ' '",
        ),
        (vec!["--role-session-name", "x"], "--role-session-name must have 2 to 64 characters, not 1"),
        (vec!["--role-session-name", &long_name], "not 65"),
        (vec!["--role-session-name", ""], "--role-session-name must have 2 to 64 characters, not 0"),
        (vec!["--duration", "899"], "--duration must be 15m to 12h, not 14m 59s"),
        (vec!["--duration", "13h"], "--duration must be 15m to 12h, not 13h"),
        (vec!["--duration", "soon"], "--duration must be a duration such as"),
        (vec!["--policy", "[]"], "--policy must be a JSON object"),
        (vec!["--policy", "file:///no/such"], "--policy names the file `/no/such`"),
        (vec!["--policy-arns", "arn:x"], "--policy-arns must have 20 to 2048 characters, not 5"),
        (vec!["--policy-arns", "ReadOnlyAccess"], "--policy-arns must be ARNs separated by commas"),
        (vec!["--policy-arns", "5"], "--policy-arns must be ARNs separated by commas"),
        (vec!["--tags", "foo"], "--tags must be Key=Value pairs"),
        (vec!["--tags", "a=1,A=2"], "--tags has the tag \"a\" twice"),
        (vec!["--tags", &many_tags], "--tags accepts at most 50, not 51"),
        (vec!["--transitive-tag-keys", ""], "--transitive-tag-keys tag key \"\" must have 1 to 128"),
        (vec!["--external-id", "a b"], "--external-id can contain"),
        (vec!["--serial-number", "short"], "--serial-number must have 9 to 256"),
        (vec!["--source-identity", "aws:x"], "--source-identity can contain"),
        (vec!["--provided-contexts", "x"], "--provided-contexts must be ProviderArn="),
        (vec!["--additional-parameters", "{\"polcy\":\"{}\"}"], "did you mean `Policy`?"),
        (vec!["--additional-parameters", "{\"policyArn\":[]}"], "did you mean `PolicyArns`?"),
        (vec!["--additional-parameters", "{\"tags\":[]}"], "did you mean `Tags`?"),
        (vec!["--additional-parameters", "[]"], "--additional-parameters must be a JSON object"),
        (
            vec!["--additional-parameters", "{\"DurationSeconds\":1}"],
            "DurationSeconds in --additional-parameters must be 15m",
        ),
    ] {
        let run = stage.arl(&[&["assume", DEPLOY, "--shell", "bash"], args.as_slice()].concat());
        run.failure(2, said);
        assert_eq!(run.stdout, "(exit 2)\n", "{args:?}");
    }
    assert!(stage.sts.requests().is_empty());
    let run = stage.run(stage.as_ann("arl").args(["assume", DEPLOY]).env("ARL_DURATION", "1s"));
    run.failure(2, "ARL_DURATION must be 15m to 12h");
    stage.profiles("[profile p]\nrole_arn = arn:aws:iam::1:role/R\n[profile q]\nrole_arn = arn:aws:iam::123456789012:role/R\nexternal_id = x\n", "");
    stage.arl(&["assume", "p"]).failure(1, "`role_arn` of profile `p` is not a role");
    stage.arl(&["assume", "q"]).failure(1, "`external_id` of profile `q` must have 2 to 1224");
}

#[test]
fn an_mfa_code_can_be_an_additional_parameter() {
    let stage = Stage::new();
    let more = format!("{{\"SerialNumber\":\"{}\",\"TokenCode\":\"100005\"}}", arl_sts::World::ANN_MFA);
    let _ = stage.arl(&["assume", "123456789012/NeedsMfa", "--additional-kwargs", &more]).success();
}

#[test]
fn limits_that_aws_documents_but_does_not_enforce_are_warnings() {
    let stage = Stage::new();
    let policy = format!("{{\"Statement\":[],\"Id\":\"{}\"}}", "x".repeat(2100));
    let run = stage.arl(&["assume", DEPLOY, "--policy", &policy]);
    run.failure(1, "PackedPolicyTooLarge: Packed policy consumes 103% of allotted space");
    assert!(run.stderr.contains("AWS documents at most 2048"), "{run:?}");
    let arns: Vec<String> = (10..21).map(|n| format!("arn:aws:iam::aws:policy/A{n}")).collect();
    let run = stage.arl(&["assume", DEPLOY, "--policy-arns", &arns.join(",")]);
    assert!(run.stderr.contains("11 policy ARNs are given; AWS documents at most 10"), "{run:?}");
    let _ = run.success();
}

#[test]
fn parameters_of_a_role_are_refused_without_a_role() {
    let stage = Stage::new();
    stage.profiles("", SOURCE);
    stage
        .arl(&["assume", "src", "--duration", "1h"])
        .failure(2, "--duration needs a role, and profile `src` has no `role_arn`");
    stage.arl(&["assume", "src", "--profile", "src"]).failure(2, "--profile needs a role");
    stage.arl(&["assume", "src", "--token-code", "123456"]).failure(2, "--token-code needs a role");
    let out = stage.run(stage.bare("arl").args(["assume", "src"])).success();
    assert!(
        out.contains("AWS_ACCESS_KEY_ID='AKIAIOSFODNN7ANN0001'") && out.contains("ARL_SOURCE='profile:src'"),
        "{out}"
    );
    assert!(out.contains("AWS_SESSION_TOKEN") && !out.contains("\\export AWS_SESSION_TOKEN"), "{out}");
    assert!(stage.sts.requests().is_empty());
}
