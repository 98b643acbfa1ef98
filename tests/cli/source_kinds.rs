//! Every kind of source credentials end to end, and the errors if one is wrong, expired, silent or too large.

use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

use arl_sts::{Fault, World};

use crate::support::{DEPLOY, Stage, binary, write_program};

const SSO: &str = "[profile sso]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
                   [sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n\
                   [profile old-sso]\nsso_start_url = https://old.example/start\nsso_region = eu-west-1\n\
                   sso_account_id = 111122223333\nsso_role_name = Dev\n";

/// The names of the token files: SHA-1 of `corp`, and of the start URL of `old-sso`.
const CORP: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f";
const OLD: &str = "103c764598c7bfb84492cce4b625216b27775ddd";
/// The name of the login file: SHA-256 of the session's name.
const LOGIN: &str = "617a42bf0cc7e52ae16d10443f260d451c255a489505091810c95d5c7ec927d1";

fn stage() -> Stage {
    let stage = Stage::new();
    stage.sts.change(|world| {
        for role in world.roles.values_mut() {
            role.trusts.push("*".into());
        }
    });
    stage
}

/// `arl` without keys, with all services on the loopback address.
fn arl(stage: &Stage, args: &[&str]) -> Command {
    let url = stage.sts.url();
    let mut command = stage.bare("arl");
    for service in ["SSO", "SSO_OIDC"] {
        command.env(format!("AWS_ENDPOINT_URL_{service}"), &url);
    }
    command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url).args(args);
    command
}

/// The ARN of the caller of the last AssumeRole.
fn caller(stage: &Stage) -> String {
    let key = stage.assumed().last().unwrap().access_key_id.clone();
    let mut arn = String::new();
    stage.sts.change(|world| arn.clone_from(&world.keys[&key].arn));
    arn
}

/// Writes a token file as `aws sso login` does.
fn sign_in(stage: &Stage, file: &str, token: &str, expires: &str, more: &str) {
    let directory = stage.home.join(".aws/sso/cache");
    std::fs::create_dir_all(&directory).unwrap();
    let text = format!(
        "{{\"startUrl\":\"x\",\"region\":\"eu-west-1\",\"accessToken\":\"{token}\",\"expiresAt\":\"{expires}\"{more}}}"
    );
    std::fs::write(directory.join(format!("{file}.json")), text).unwrap();
}

#[test]
fn iam_identity_center_supplies_source_credentials() {
    let stage = stage();
    stage.profiles(SSO, "");
    let assume =
        |profile: &str| stage.run(&mut arl(&stage, &["assume", DEPLOY, "--profile", profile, "--json"]));
    assume("sso").failure(3, "IAM Identity Center");
    sign_in(&stage, CORP, "sso-token", "2030-01-01T00:00:00Z", "");
    sign_in(&stage, OLD, "sso-token", "2030-01-01T00:00:00Z", "");
    for profile in ["sso", "old-sso"] {
        let _ = assume(profile).success();
        assert_eq!(
            caller(&stage),
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/ann"
        );
    }
    // The profile's own credentials, without a role.
    let said = stage.run(&mut arl(&stage, &["assume", "sso"])).success();
    assert!(said.contains("AWS_SESSION_TOKEN='") && said.contains("ARL_SOURCE='profile:sso'"), "{said}");
    // Two start URLs that differ.
    stage.profiles(&SSO.replacen("sso_session", "sso_start_url = https://other.example\nsso_session", 1), "");
    assume("sso").failure(1, "has a different `sso_start_url` than its [sso-session]");
    stage.profiles(SSO, "");
    // An expired token, and one that the service refuses.
    sign_in(&stage, CORP, "sso-token", "2020-01-01T00:00:00Z", "");
    let run = assume("sso");
    run.failure(3, "could not get the source credentials");
    assert!(run.stderr.contains("hint: sign in: arl login corp\n"), "{run:?}");
    sign_in(&stage, CORP, "another", "2030-01-01T00:00:00Z", "");
    let run = assume("sso");
    run.failure(3, "Session token not found or invalid");
    assert!(run.stderr.contains("hint: sign in: arl login corp\n"), "{run:?}");
    // An expired token with a refresh token is refreshed.
    let more = ",\"clientId\":\"c\",\"clientSecret\":\"s\",\"registrationExpiresAt\":\"2030-01-01T00:00:00Z\",\"refreshToken\":\"refresh-me\"";
    sign_in(&stage, CORP, "sso-token", "2020-01-01T00:00:00Z", more);
    let _ = assume("sso").success();
    assert!(stage.sts.requests().iter().any(|request| request.action == "CreateToken"));
    std::fs::write(stage.home.join(".aws/sso/cache").join(format!("{CORP}.json")), "{ nonsense").unwrap();
    assume("sso").failure(3, "could not get the source credentials");
}

#[test]
fn the_container_endpoint_supplies_source_credentials() {
    let stage = stage();
    let url = format!("{}/container", stage.sts.url());
    let assume = |variables: &[(&str, &str)]| {
        let mut arl = arl(&stage, &["assume", DEPLOY, "--json"]);
        stage.run(arl.envs(variables.iter().copied()))
    };
    let full = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str());
    let _ = assume(&[full, ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-token")]).success();
    assert_eq!(caller(&stage), "arn:aws:sts::111122223333:assumed-role/task/t-1");
    std::fs::write(stage.home.join("token"), "container-token").unwrap();
    let _ = assume(&[full, ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token")]).success();
    assume(&[full, ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong")])
        .failure(1, "could not get the source credentials (container endpoint)");
    assume(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://198.51.100.1/x")])
        .failure(1, "container endpoint");
    // As the source of a role profile.
    stage.profiles(&format!("[profile r]\nrole_arn = {DEPLOY}\ncredential_source = EcsContainer\n"), "");
    let mut arl = arl(&stage, &["assume", "r", "--json"]);
    let _ = stage.run(arl.envs([full, ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-token")])).success();
    stage.run(&mut self::arl(&stage, &["assume", "r"])).failure(1, "AWS_CONTAINER_CREDENTIALS_* is not set");
}

#[test]
fn instance_metadata_supplies_source_credentials() {
    let stage = stage();
    let _ = stage
        .run(arl(&stage, &["assume", DEPLOY, "--json"]).env_remove("AWS_EC2_METADATA_DISABLED"))
        .success();
    assert_eq!(caller(&stage), "arn:aws:sts::111122223333:assumed-role/instance/i-1");
    let asked: Vec<String> = stage.sts.requests().into_iter().map(|request| request.action).collect();
    assert_eq!(asked[0], "MetadataToken", "version 2 of the service: {asked:?}");
    // A profile that names instance metadata as its source.
    stage.profiles(
        &format!("[profile r]\nrole_arn = {DEPLOY}\ncredential_source = Ec2InstanceMetadata\n"),
        "",
    );
    let run = stage.run(arl(&stage, &["assume", "r", "--json"]).env_remove("AWS_EC2_METADATA_DISABLED"));
    let _ = run.success();
    // A service that does not answer fails within one second.
    stage.sts.inject(Fault::Silence, usize::MAX);
    let mut bounded = stage.bare("timeout");
    bounded.args(["10", "arl", "assume", "r"]).env_remove("AWS_EC2_METADATA_DISABLED");
    bounded.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", stage.sts.url());
    stage.run(&mut bounded).failure(1, "instance metadata");
}

#[test]
fn a_credential_process_supplies_credentials_and_its_faults_are_reported() {
    let stage = stage();
    let good = format!(
        "{{\"Version\": 1, \"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"{}\"",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    let try_script = |script: &str| {
        let path = stage.home.join("creds");
        write_program(&path, format!("#!/bin/sh\n{script}\n"));
        stage.profiles("[profile p]\ncredential_process = ./creds 'with args' \"$HOME\"\n", "");
        stage.run(&mut arl(&stage, &["assume", DEPLOY, "--profile", "p", "--json"]))
    };
    let _ = try_script(&format!("test \"$1$2\" = \"with args$HOME\" && cat <<'E'\n{good}}}\nE")).success();
    // Another time zone, fractions of a second, and unknown members.
    let _ = try_script(&format!(
        "cat <<'E'\n{good}, \"Expiration\": \"2039-01-02T03:04:05.5+02:00\", \"X\": [1]}}\nE"
    ))
    .success();
    // Some programs print the account as a number, without its leading zeros.
    for account in ["12345678901", "\"012345678901\"", "-1", "null", "\"none\""] {
        let _ = try_script(&format!("cat <<'E'\n{good}, \"AccountId\": {account}}}\nE")).success();
    }
    for (script, said) in [
        (
            format!("cat <<'E'\n{good}, \"Expiration\": \"2020-01-02T03:04:05Z\"}}\nE"),
            "the source credentials have expired",
        ),
        (
            format!("cat <<'E'\n{good}, \"Expiration\": \"tomorrow\"}}\nE"),
            "`Expiration` that is not a time with a time zone: `tomorrow`",
        ),
        (format!("cat <<'E'\n{good}, \"SessionToken\": 5}}\nE"), "`SessionToken` that is not a string"),
        ("echo '{\"Version\": 2}'".into(), "version 1"),
        ("echo '{\"Version\": 1, \"AccessKeyId\": \"A\"}'".into(), "returned no `SecretAccessKey`"),
        (
            "echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"a b\"}'".into(),
            "contains whitespace",
        ),
        ("echo hello".into(), "did not print a JSON object"),
        ("exit 0".into(), "did not print a JSON object"),
        ("echo no luck >&2; exit 3".into(), "exit status 3: no luck"),
        ("printf 'a\\033[2Jb' >&2; exit 3".into(), "a\\u{1b}[2Jb"),
        ("kill -9 $$".into(), "exit status 137"),
        ("head -c 1000000000 /dev/zero".into(), "wrote more than 64 KiB"),
        ("head -c 10000000 /dev/zero >&2; exit 4".into(), "exit status 4"),
    ] {
        try_script(&script).failure(1, said);
    }
}

#[test]
fn a_credential_process_that_needs_its_own_profile_is_an_error() {
    let stage = stage();
    stage.profiles(
        "[profile loop]\ncredential_process = arl assume loop --json\n\
         [profile a]\ncredential_process = arl assume b --json\n[profile b]\ncredential_process = arl assume a --json\n\
         [profile ok]\ncredential_process = arl assume 123456789012/ReadOnly --profile ann --json\n",
        &format!("[ann]\naws_access_key_id={}\naws_secret_access_key={}\n", World::ANN_KEY, World::ANN_SECRET),
    );
    for profile in ["loop", "a"] {
        let run = stage.run(&mut arl(&stage, &["assume", DEPLOY, "--profile", profile]));
        run.failure(1, "is a loop: its own `credential_process`");
    }
    let _ = stage.run(&mut arl(&stage, &["assume", DEPLOY, "--profile", "ok", "--json"])).success();
    assert_eq!(stage.assumed().len(), 2);
}

#[test]
fn aws_login_supplies_source_credentials() {
    let stage = stage();
    stage.profiles(
        "[profile me]\nlogin_session = arn:aws:iam::111122223333:user/ann\nregion = eu-west-1\n",
        "",
    );
    let assume = || stage.run(&mut arl(&stage, &["assume", DEPLOY, "--profile", "me", "--json"]));
    let run = assume();
    run.failure(1, "you are not signed in");
    assert!(run.stderr.contains("aws login --profile me"), "{run:?}");
    let file = stage.home.join(format!(".aws/login/cache/{LOGIN}.json"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    // Credentials that STS accepts.
    let session = stage.arl(&["assume", "123456789012/ReadOnly", "--json"]).success();
    let session: serde_json::Value = serde_json::from_str(&session).unwrap();
    let login = |expires: &str| {
        let text = serde_json::json!({
            "accessToken": {
                "accessKeyId": session["AccessKeyId"], "secretAccessKey": session["SecretAccessKey"],
                "sessionToken": session["SessionToken"], "accountId": "111122223333", "expiresAt": expires,
            },
            "refreshToken": "r", "clientId": "c", "dpopKey": "k",
        });
        std::fs::write(&file, text.to_string()).unwrap();
    };
    login("2039-01-01T00:00:00Z");
    let _ = assume().success();
    assert_eq!(stage.assumed().last().unwrap().access_key_id, session["AccessKeyId"].as_str().unwrap());
    // A login takes precedence over a process and over keys in the config file, as in the AWS CLI.
    let me = std::fs::read_to_string(stage.home.join(".aws/config")).unwrap();
    for beside in ["credential_process = echo no", "aws_access_key_id = AKIAX\naws_secret_access_key = no"] {
        stage.profiles(&format!("{me}{beside}\n"), "");
        let _ = assume().success();
        let caller = &stage.assumed().last().unwrap().access_key_id.clone();
        assert_eq!(caller, session["AccessKeyId"].as_str().unwrap());
    }
    stage.profiles(&me, "");
    // Only the AWS CLI can renew an expired login. Without it, the error tells the user to sign in.
    login("2020-01-01T00:00:00Z");
    let mut without = stage.bare(binary());
    without.args(["assume", DEPLOY, "--profile", "me"]).env("PATH", "/nowhere");
    let run = stage.run(&mut without);
    run.failure(1, "could not get the source credentials");
    assert!(run.stderr.contains("aws login --profile me"), "{run:?}");
    let cli = stage.home.join("bin");
    std::fs::create_dir_all(&cli).unwrap();
    let script = "#!/bin/sh\ntest \"$*\" = 'configure export-credentials --format process --profile me' && cat \"$HOME/renewed\"\n";
    write_program(&cli.join("aws"), script);
    std::fs::write(stage.home.join("renewed"), session.to_string()).unwrap();
    let mut arl = arl(&stage, &["assume", DEPLOY, "--profile", "me", "--json"]);
    let program = binary();
    arl.env("PATH", format!("{}:{}:/usr/bin:/bin", cli.display(), program.parent().unwrap().display()));
    let _ = stage.run(&mut arl).success();
}

#[test]
fn a_chain_of_five_profiles_starts_from_any_source() {
    let stage = stage();
    let role = |name: &str| format!("role_arn = arn:aws:iam::123456789012:role/{name}\n");
    let config = format!(
        "{SSO}[profile 1]\n{}source_profile = sso\n[profile 2]\n{}source_profile = 1\n[profile 3]\n{}source_profile = 2\n\
         [profile 4]\n{}source_profile = 3\n[profile 5]\n{}source_profile = 4\n\
         [profile env]\n{}credential_source = Environment\n[profile 6]\n{}source_profile = env\n",
        role("Deploy"),
        role("ReadOnly"),
        role("Long"),
        role("Chained"),
        role("team/dns_editor"),
        role("Deploy"),
        role("ReadOnly"),
    );
    stage.profiles(&config, "");
    sign_in(&stage, CORP, "sso-token", "2030-01-01T00:00:00Z", "");
    let said = stage.run(&mut arl(&stage, &["assume", "5", "--json"])).success();
    assert!(said.contains("ASIA"), "{said}");
    let roles: Vec<String> = stage
        .assumed()
        .iter()
        .map(|request| request.get("RoleArn").unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(roles, ["Deploy", "ReadOnly", "Long", "Chained", "dns_editor"]);
    let _ = stage.arl(&["assume", "6", "--json"]).success();
    let chain = stage.assumed();
    assert_eq!(chain[5].access_key_id, World::ANN_KEY);
    assert!(chain[6].access_key_id.starts_with("ASIA"));
}

#[test]
fn without_network_and_credentials_arl_fails_within_ten_seconds() {
    let stage = Stage::new();
    for variables in [&[][..], &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")]] {
        // `timeout` does not measure: it kills an arl that hangs, so that the test fails.
        let mut arl = stage.bare("timeout");
        arl.args(["10", "arl", "assume", DEPLOY]).env_remove("AWS_EC2_METADATA_DISABLED");
        arl.env_remove("AWS_ENDPOINT_URL_STS").envs(variables.iter().copied());
        stage.run(&mut arl).failure(1, "could not get the source credentials");
    }
}

/// A metadata service that is slow or busy, as behind kube2iam, is waited for once it has given a token.
#[test]
fn a_slow_or_busy_metadata_service_is_waited_for_as_the_settings_say() {
    let certain = |stage: &Stage, more: &str| {
        let role =
            format!("[profile r]\nrole_arn = {DEPLOY}\ncredential_source = Ec2InstanceMetadata\n{more}");
        stage.profiles(&role, "");
    };
    let assume = |stage: &Stage, role: &str, variables: &[(&str, &str)]| {
        let mut arl = arl(stage, &["assume", role, "--json"]);
        stage.run(arl.env_remove("AWS_EC2_METADATA_DISABLED").envs(variables.iter().copied()))
    };
    let delay = |millis| Fault::Delay(Duration::from_millis(millis));
    let asked = |stage: &Stage, action: &str| {
        stage.sts.requests().iter().filter(|request| request.action == action).count()
    };
    // Each request may take a second: 1.2 s for all three are no timeout.
    let stage = self::stage();
    stage.sts.inject(delay(400), 3);
    let _ = assume(&stage, DEPLOY, &[]).success();
    // The settings count for the requests after the token, and for the token if a profile names the service.
    stage.sts.inject(delay(0), 1);
    stage.sts.inject(delay(1300), 1);
    assume(&stage, DEPLOY, &[]).failure(1, "no complete response within 1s");
    stage.sts.inject(delay(0), 1);
    stage.sts.inject(delay(1300), 2);
    let _ = assume(&stage, DEPLOY, &[("AWS_METADATA_SERVICE_TIMEOUT", "5")]).success();
    certain(&stage, "metadata_service_timeout = 5\n");
    stage.sts.inject(delay(1300), 1);
    let _ = assume(&stage, "r", &[]).success();
    stage.sts.inject(delay(1300), 1);
    let run = assume(&stage, "r", &[("AWS_METADATA_SERVICE_TIMEOUT", "1")]);
    run.failure(1, "no complete response within 1s");
    assert!(run.stderr.contains("raise AWS_METADATA_SERVICE_TIMEOUT"), "{run:?}");
    // If no profile names instance metadata, arl waits for the token at most 1 s, even if a setting says more.
    stage.sts.inject(delay(1300), 1);
    let run = assume(&stage, DEPLOY, &[("AWS_METADATA_SERVICE_TIMEOUT", "5")]);
    run.failure(1, "no complete response within 1s");
    // Attempts.
    certain(&stage, "metadata_service_num_attempts = 2\n");
    stage.sts.reset();
    stage.sts.inject(delay(1300), 1);
    let _ = assume(&stage, "r", &[]).success();
    assert_eq!(asked(&stage, "MetadataToken"), 2);
    // A busy service is asked three times, and gets no advice about IMDSv2.
    for status in [503, 429, 500] {
        certain(&stage, "");
        stage.sts.reset();
        stage.sts.inject(Fault::Status(status), 2);
        let _ = assume(&stage, DEPLOY, &[]).success();
        stage.sts.reset();
        stage.sts.inject(Fault::Status(status), 3);
        let run = assume(&stage, DEPLOY, &[]);
        run.failure(1, &format!("answered the request for a token with HTTP {status}"));
        assert!(run.stderr.contains("busy") && !run.stderr.contains("IMDSv2"), "{run:?}");
        stage.sts.reset();
        stage.sts.inject(Fault::Status(status), 1);
        let run = assume(&stage, "r", &[("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "1")]);
        run.failure(1, &format!("HTTP {status}"));
        assert_eq!(asked(&stage, "MetadataToken"), 1);
    }
    // A service that refuses is not asked again.
    for (status, before, said, hint) in [
        (403, 0, "the request for a token with HTTP 403", "IMDSv2 must be on"),
        (
            404,
            1,
            "the request for the name of the instance's role with HTTP 404",
            "attach an instance profile",
        ),
    ] {
        stage.sts.reset();
        if before > 0 {
            stage.sts.inject(delay(0), before);
        }
        stage.sts.inject(Fault::Status(status), 1);
        let run = assume(&stage, DEPLOY, &[]);
        run.failure(1, said);
        assert!(run.stderr.contains(hint), "{run:?}");
    }
    for (variable, value) in [
        ("AWS_METADATA_SERVICE_TIMEOUT", "0"),
        ("AWS_METADATA_SERVICE_TIMEOUT", "soon"),
        ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "-1"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"),
        ("AWS_EC2_METADATA_DISABLED", "1"),
    ] {
        let mut arl = arl(&stage, &["assume", DEPLOY]);
        let run = stage.run(arl.env_remove("AWS_EC2_METADATA_DISABLED").env(variable, value));
        run.failure(1, &format!("{variable} must be "));
    }
    let run = stage.run(arl(&stage, &["assume", "r"]).env("AWS_EC2_METADATA_DISABLED", "true"));
    run.failure(1, "the source is instance metadata, but AWS_EC2_METADATA_DISABLED turns that off");
}

/// Another endpoint is another identity.
#[test]
fn the_metadata_endpoint_is_that_of_the_profile_in_use() {
    let (stage, other) = (self::stage(), self::stage());
    let endpoint = |stage: &Stage| format!("ec2_metadata_service_endpoint = {}/\n", stage.sts.url());
    let role = format!("role_arn = {DEPLOY}\ncredential_source = Ec2InstanceMetadata\n");
    let config = format!(
        "[default]\n{}[profile r]\n{role}{}[profile top]\nrole_arn = {DEPLOY}\nsource_profile = bare\n{}\
         [profile bare]\n{role}",
        endpoint(&other),
        endpoint(&stage),
        endpoint(&stage)
    );
    stage.profiles(&config, "");
    let ask = |args: &[&str], variables: &[(&str, &str)]| {
        let mut arl = arl(&stage, args);
        arl.env_remove("AWS_EC2_METADATA_DISABLED").env_remove("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        // A cached session of another endpoint would be another identity as well.
        arl.env_remove("ARL_CACHE").envs(variables.iter().copied());
        let run = stage.run(&mut arl);
        let count = |stage: &Stage| {
            let requests = stage.sts.requests();
            requests.iter().filter(|request| request.action.starts_with("Metadata")).count()
        };
        let counts = (count(&stage), count(&other));
        stage.sts.reset();
        other.sts.reset();
        (run, counts)
    };
    for (args, variables, expected) in [
        (&["assume", "r", "--json", "--refresh"][..], &[][..], (3, 0)),
        // The profile that the user named, where the one with `credential_source` says nothing.
        (&["assume", "top", "--json", "--refresh"], &[], (3, 0)),
        (&["exec", DEPLOY, "--profile", "r", "--refresh", "--", "true"], &[], (3, 0)),
        (&["exec", DEPLOY, "--refresh", "--", "true"], &[("AWS_PROFILE", "r")], (3, 0)),
        // The variable takes precedence.
        (
            &["exec", "r", "--refresh", "--", "true"],
            &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*other.sts.url())],
            (0, 3),
        ),
    ] {
        let (run, counts) = ask(args, variables);
        assert_eq!(counts, expected, "{args:?}: {run:?}");
    }
    // Without a profile in use, it is the `default` profile's.
    let (_, counts) = ask(&["assume", DEPLOY, "--json", "--duration", "20m"], &[]);
    assert_eq!(counts, (0, 3));
    let (_, counts) =
        ask(&["assume", "bare", "--json"], &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")]);
    assert_eq!(counts, (0, 0));
}

/// The next role of a shell starts from the service that the first one came from, or from none.
#[test]
fn the_next_role_of_a_shell_starts_from_the_same_metadata_service() {
    let (stage, other) = (self::stage(), self::stage());
    let role = format!("role_arn = {DEPLOY}\ncredential_source = Ec2InstanceMetadata\n");
    let config =
        |stage: &Stage| format!("[profile r]\n{role}ec2_metadata_service_endpoint = {}\n", stage.sts.url());
    stage.profiles(
        &format!("[default]\nec2_metadata_service_endpoint = {}\n{}", other.sts.url(), config(&stage)),
        "",
    );
    let next = |between: &str| {
        let line = format!("eval \"$(arl assume r)\"; {between}; arl assume 123456789012/ReadOnly --json");
        let mut bash = stage.bare("bash");
        bash.args(["-c", &line]);
        bash.env_remove("AWS_EC2_METADATA_DISABLED").env_remove("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        stage.run(&mut bash)
    };
    let _ = next("test $ARL_SOURCE = imds:r || exit 9").success();
    assert_eq!(stage.assumed().len(), 2);
    // Without the profile it would be another service.
    next("echo > ~/.aws/config").failure(1, "(`imds:r`) are gone");
    assert!(other.sts.requests().is_empty());
}

/// A service that hands out what it likes: everything becomes one clear error.
#[test]
fn odd_answers_of_local_services_are_errors_and_no_panics() {
    let long = "r".repeat(500_000);
    for (token, role, document) in [
        ("t\r\nx: y", "role", "{}"),
        ("", "role", "{}"),
        ("t", "role\r\nX-Evil: 1", "{}"),
        ("t", "a\nb", "{}"),
        ("t", "../../../secrets", "{}"),
        ("t", "..", "{}"),
        ("t", "r\u{e9}le\u{1b}[2J", "{}"),
        ("t", &long, "{}"),
        ("t", "", "{}"),
        ("t", "role", ""),
        ("t", "role", "[]"),
        ("t", "role", "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"no\\nhint: yes\"}"),
        ("t", "role", "{\"AccessKeyId\":5}"),
        (
            "t",
            "role",
            "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"soon\"}",
        ),
    ] {
        let stage = self::stage();
        let service = OddService::start(&[
            ("/latest/api/token", token),
            ("/latest/meta-data/iam/security-credentials/", role),
            ("/latest/meta-data/iam/security-credentials/role", document),
            ("/container", document),
        ]);
        let mut arl = arl(&stage, &["assume", DEPLOY]);
        arl.env_remove("AWS_EC2_METADATA_DISABLED").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service);
        let run = stage.run(&mut arl);
        run.failure(1, "could not get the source credentials (instance metadata)");
        assert!(run.stderr.len() < 2000 && run.stderr.bytes().all(|b| b == b'\n' || b >= 0x20), "{run:?}");
        let mut arl = self::arl(&stage, &["assume", DEPLOY]);
        arl.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{service}/container"));
        stage.run(&mut arl).failure(1, "could not get the source credentials (container endpoint)");
    }
    let stage = self::stage();
    let container = |name: &str, value: &str| {
        let mut arl = arl(&stage, &["assume", DEPLOY]);
        arl.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/container", stage.sts.url()));
        stage.run(arl.env(name, value))
    };
    let run = container("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\u{1}b");
    run.failure(1, "the authorization token contains a control character");
    for url in
        ["", "http://", "http://[", "ftp://127.0.0.1/", "http://127.0.0.1:99999/", "http://a b/", "/x", "x"]
    {
        let run = container("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
        assert_eq!(run.status, 1, "{url}: {run:?}");
        assert!(!run.stderr.contains("a bug in arl"), "{url}: {run:?}");
        let run = stage.run(
            arl(&stage, &["assume", DEPLOY])
                .env_remove("AWS_EC2_METADATA_DISABLED")
                .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", url),
        );
        assert!(run.status <= 1 && !run.stderr.contains("a bug in arl"), "{url}: {run:?}");
    }
    // A line end behind the token in a file is no part of it.
    std::fs::write(stage.home.join("token"), "container-token\n").unwrap();
    let _ = container("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token").success();
}

/// While AWS cannot renew them, the service hands out credentials that have expired, and AWS accepts them.
#[test]
fn expired_credentials_of_an_instance_are_tried() {
    let stage = self::stage();
    let document = |end: &str| {
        format!(
            "{{\"Code\":\"Success\",\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\",\"Expiration\":\"{end}\"}}",
            World::ANN_KEY,
            World::ANN_SECRET
        )
    };
    for end in ["2020-01-01T00:00:00Z", "2039-01-01T00:00:00Z"] {
        let service = OddService::start(&[
            ("/latest/api/token", "t"),
            ("/latest/meta-data/iam/security-credentials/", "role\n"),
            ("/latest/meta-data/iam/security-credentials/role", &document(end)),
        ]);
        let mut arl = arl(&stage, &["assume", DEPLOY, "--json"]);
        arl.env_remove("AWS_EC2_METADATA_DISABLED").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service);
        let _ = stage.run(&mut arl).success();
    }
}

/// An HTTP service with one answer for each path, which may be any text.
struct OddService;

impl OddService {
    /// Returns the URL. The service runs until the tests end.
    fn start(answers: &[(&str, &str)]) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Vec<(String, String)> =
            answers.iter().map(|(path, body)| ((*path).to_owned(), (*body).to_owned())).collect();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap_or_default();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default();
                let body = answers.iter().find(|(other, _)| other == path).map_or("", |(_, body)| body);
                let status = if body.is_empty() { "404 Not Found" } else { "200 OK" };
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(body.as_bytes());
            }
        });
        url
    }
}
