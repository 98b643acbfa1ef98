//! Source credentials: which source takes precedence, and that arl never falls back to another identity.

use std::os::unix::fs::PermissionsExt;

use crate::support::{DEPLOY, Stage, copy_program, write_program};

const ANN: &str = "aws_access_key_id = AKIAIOSFODNN7ANN0001\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n";
const BOB_ID: &str = "AKIAIOSFODNN7BOB0001";
const BOB_SECRET: &str = "BOBSECRETBOBSECRETBOBSECRETBOBSECRETBOB1";

/// A stage with a second user, Bob, and with profiles `ann` and `bob` in `~/.aws/credentials`.
fn stage(config: &str) -> Stage {
    let stage = Stage::new();
    stage.sts.change(|world| world.add_user("arn:aws:iam::111122223333:user/bob", BOB_ID, BOB_SECRET));
    stage.profiles(
        config,
        &format!("[ann]\n{ANN}[bob]\naws_access_key_id = {BOB_ID}\naws_secret_access_key = {BOB_SECRET}\n"),
    );
    stage
}

/// The access key IDs that signed the AssumeRole requests, in order.
fn signers(stage: &Stage) -> Vec<String> {
    stage.assumed().into_iter().map(|request| request.access_key_id).collect()
}

#[test]
fn the_profile_flag_takes_precedence_over_environment_keys() {
    let stage = stage("");
    let _ = stage.arl(&["assume", DEPLOY, "--json", "--profile", "bob"]).success();
    let _ = stage.arl(&["assume", DEPLOY, "--json"]).success();
    let mut command = stage.as_ann("arl");
    let _ = stage.run(command.args(["assume", DEPLOY, "--json"]).env("AWS_PROFILE", "bob")).success();
    let mut command = stage.bare("arl");
    let _ = stage.run(command.args(["assume", DEPLOY, "--json"]).env("AWS_PROFILE", "bob")).success();
    let mut command = stage.bare("arl");
    let _ = stage.run(command.args(["assume", DEPLOY, "--json"]).env("AWS_DEFAULT_PROFILE", "bob")).success();
    let ann = "AKIAIOSFODNN7ANN0001";
    assert_eq!(signers(&stage), [BOB_ID, ann, ann, BOB_ID, BOB_ID]);
}

#[test]
fn the_default_profile_is_used_without_any_other_source() {
    let stage = Stage::new();
    stage.profiles("", &format!("[default]\n{ANN}"));
    let out = stage.run(stage.bare("arl").args(["assume", DEPLOY])).success();
    assert!(out.contains("ARL_SOURCE='profile:default'"), "{out}");
}

#[test]
fn a_selected_profile_without_credentials_is_an_error() {
    let stage = stage("[profile empty]\nregion = eu-west-1\n[profile half]\naws_access_key_id = AKIA\n");
    std::fs::write(stage.home.join(".aws/credentials"), format!("[default]\n{ANN}[bob]\nx=y\n")).unwrap();
    for (args, variables, said) in [
        (vec!["--profile", "bobb"], vec![], "there is no profile `bobb`"),
        (vec!["--profile", "bobb"], vec![("AWS_PROFILE", "bobb")], "there is no profile `bobb`\n"),
        (vec![], vec![("AWS_PROFILE", "bobb")], "there is no profile `bobb`, which AWS_PROFILE names"),
        (vec![], vec![("AWS_PROFILE", "empty")], "profile `empty` has no credentials"),
        (
            vec!["--profile", "half"],
            vec![],
            "profile `half` has an `aws_access_key_id` but no `aws_secret_access_key`",
        ),
        (
            vec![],
            vec![("AWS_ACCESS_KEY_ID", "AKIA")],
            "half of an access key: AWS_SECRET_ACCESS_KEY is not set",
        ),
    ] {
        let mut command = stage.bare("arl");
        let run = stage.run(command.args(["assume", DEPLOY]).args(args).envs(variables));
        run.failure(1, said);
        if said.contains("bobb") {
            assert!(
                run.stderr.contains("did you mean `bob`?") && run.stderr.contains(".aws/config"),
                "{run:?}"
            );
        }
    }
    assert!(stage.sts.requests().is_empty());
}

#[test]
fn a_warning_says_where_the_aws_cli_would_choose_another_source() {
    let stage = stage("");
    std::fs::write(stage.home.join("token"), "header.claims.signature\n").unwrap();
    let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", "token"), ("AWS_ROLE_ARN", DEPLOY)];
    let mut both = stage.bare("arl");
    let run = stage.run(both.args(["assume", DEPLOY, "--json"]).envs(web).env("AWS_PROFILE", "bob"));
    assert!(run.stderr.contains("using profile `bob`"), "{run:?}");
    let _ = run.success();
    // No warning if the user names the profile with a flag.
    let mut named = stage.bare("arl");
    let run = stage.run(named.args(["assume", DEPLOY, "--json", "--profile", "bob"]).envs(web));
    assert_eq!(run.stderr, "");
    let mut gone = stage.as_ann("arl");
    let run = stage.run(gone.args(["assume", DEPLOY, "--json"]).env("AWS_DEFAULT_PROFILE", "gone"));
    assert!(run.stderr.contains("AWS_DEFAULT_PROFILE names the profile `gone`"), "{run:?}");
    let mut quiet = stage.as_ann("arl");
    let run = stage.run(quiet.args(["-q", "assume", DEPLOY, "--json"]).env("AWS_PROFILE", "gone"));
    assert_eq!(run.stderr, "");
    assert_eq!(signers(&stage)[..2], [BOB_ID, BOB_ID]);
}

#[test]
fn empty_profile_keys_are_unset_and_aws_security_token_is_read() {
    let token = "an-old-token";
    let stage = stage(&format!(
        "[profile x]\nrole_arn = {DEPLOY}\nsource_profile = emptied\nregion =\nduration_seconds =\nrole_session_name =\nendpoint_url =\n"
    ));
    let keys = format!("aws_access_key_id = {BOB_ID}\naws_secret_access_key = {BOB_SECRET}\n");
    stage.sts.change(|world| {
        let mut key = world.keys[BOB_ID].clone();
        key.token = Some(token.to_owned());
        world.keys.insert("ASIAIOSFODNN7BOB0001".into(), key);
    });
    let old = keys.replace(BOB_ID, "ASIAIOSFODNN7BOB0001");
    std::fs::write(
        stage.home.join(".aws/credentials"),
        format!("[emptied]\n{keys}aws_session_token =\naws_security_token = left over\n[old]\n{old}aws_security_token = {token}\n"),
    )
    .unwrap();
    let mut arl = stage.bare("arl");
    let out = stage.run(arl.args(["exec", "x", "--", "env"]).env("AWS_REGION", "eu-north-1")).success();
    assert!(out.contains("AWS_REGION=eu-north-1"), "{out}");
    let _ = stage.run(stage.bare("arl").args(["assume", DEPLOY, "--json", "--profile", "old"])).success();
    assert_eq!(signers(&stage), [BOB_ID, "ASIAIOSFODNN7BOB0001"]);
}

#[test]
fn the_region_of_a_selected_profile_is_exported() {
    let stage = stage("[default]\nregion = us-west-2\n[profile ann]\nregion = eu-west-1\n");
    for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        let mut arl = stage.bare("arl");
        let out = stage.run(arl.args(["exec", DEPLOY, "--", "env"]).env(variable, "ann")).success();
        assert!(out.contains("AWS_REGION=eu-west-1"), "{variable}: {out}");
    }
}

#[test]
fn an_incomplete_default_profile_does_not_hide_a_container() {
    let stage = stage("[default]\nsso_session = corp\n");
    let mut arl = stage.bare("arl");
    arl.args(["explain", DEPLOY]).env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/");
    let out = stage.run(&mut arl).success();
    assert!(out.contains("container"), "{out}");
}

#[test]
fn a_chain_of_profiles_is_assumed_hop_by_hop() {
    let stage = stage(
        "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/Chained\nsource_profile = b\nrole_session_name = hop-a\n\
         [profile b]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = ann\nrole_session_name = hop-b\nexternal_id = ext\n",
    );
    let out = stage.run(stage.bare("arl").args(["assume", "a", "--duration", "1h"])).success();
    assert!(out.contains("ARL_SOURCE='profile:b'"), "{out}");
    let requests = stage.assumed();
    let told: Vec<_> = requests
        .iter()
        .map(|r| (r.get("RoleSessionName"), r.get("ExternalId"), r.get("DurationSeconds")))
        .collect();
    assert_eq!(told, [(Some("hop-b"), Some("ext"), None), (Some("hop-a"), None, Some("3600"))]);
    assert_eq!(requests[0].access_key_id, "AKIAIOSFODNN7ANN0001");
    assert!(requests[1].access_key_id.starts_with("ASIA"));
}

#[test]
fn a_profile_can_be_its_own_source() {
    let stage = Stage::new();
    stage.profiles(
        "[profile me]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = me\n",
        &format!("[me]\n{ANN}"),
    );
    let out = stage.run(stage.bare("arl").args(["assume", "me"])).success();
    assert!(out.contains("ARL_SOURCE='profile-keys:me'"), "{out}");
    // The next role of this shell starts from the profile's keys, not from the profile's role.
    let line = format!("eval \"$(arl assume me)\" && arl assume {DEPLOY}");
    let _ = stage.run(stage.bare("bash").args(["-c", &line])).success();
    assert_eq!(signers(&stage), ["AKIAIOSFODNN7ANN0001"; 3]);
}

#[test]
fn the_chain_flag_needs_a_role_in_the_environment() {
    let stage = stage("");
    let mut arl = stage.bare("arl");
    arl.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7ANN0001").env("AWS_SECRET_ACCESS_KEY", "secret");
    stage.run(arl.args(["assume", DEPLOY, "--chain"])).failure(1, "has no role to start from");
}

#[test]
fn invalid_profile_chains_are_errors_that_name_the_profiles() {
    let stage = stage(
        "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = b\n\
         [profile b]\nrole_arn = arn:aws:iam::123456789012:role/B\nsource_profile = c\n\
         [profile c]\nrole_arn = arn:aws:iam::123456789012:role/C\nsource_profile = a\n\
         [profile self]\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = self\n\
         [profile gone]\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = nowhere\n\
         [profile both]\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = ann\ncredential_source = Environment\n\
         [profile neither]\nrole_arn = arn:aws:iam::123456789012:role/A\n\
         [profile odd]\nrole_arn = arn:aws:iam::123456789012:role/A\ncredential_source = Nope\n",
    );
    for (role, said) in [
        ("a", "form a loop: `a` → `b` → `c` → `a`"),
        ("self", "form a loop: `self` → `self`"),
        ("gone", "there is no profile `nowhere`, which profile `gone` names as its `source_profile`"),
        ("both", "profile `both` has both `source_profile` and `credential_source`"),
        (
            "neither",
            "profile `neither` has a `role_arn`, but neither `source_profile` nor `credential_source`",
        ),
        ("odd", "unknown `credential_source` `Nope`"),
    ] {
        stage.arl(&["assume", role]).failure(1, said);
    }
    assert!(stage.sts.requests().is_empty());
}

#[test]
fn a_syntax_error_in_a_file_is_reported_with_its_line() {
    let stage = stage("[profile a]\nregion = x\n[profile b\nrole_arn = y\n");
    stage.arl(&["assume", DEPLOY]).failure(1, ".aws/config`");
    assert!(stage.arl(&["assume", DEPLOY]).stderr.contains("line 3 has a section header without a `]`"));
    std::fs::write(stage.home.join(".aws/config"), b"[profile a]\n\xff = x\n").unwrap();
    assert!(stage.arl(&["assume", DEPLOY]).stderr.contains("line 2 is not UTF-8"));
    std::fs::remove_file(stage.home.join(".aws/config")).unwrap();
    // A directory counts as a missing file: an error only where a profile is needed.
    std::fs::create_dir(stage.home.join(".aws/config")).unwrap();
    let _ = stage.arl(&["assume", DEPLOY]).success();
    stage.arl(&["assume", "a"]).failure(1, "there is no profile `a`");
}

#[test]
fn credential_source_environment_assumes_the_role() {
    let stage = stage(
        "[profile e]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\ncredential_source = Environment\n",
    );
    let out = stage.arl(&["assume", "e"]).success();
    assert!(out.contains(&format!("ARL_ROLE_ARN='{DEPLOY}'")), "{out}");
    stage
        .run(stage.bare("arl").args(["assume", "e"]))
        .failure(1, "takes its credentials from the environment, which has no keys");
}

#[test]
fn via_and_profile_change_the_chain() {
    let stage = stage(
        "[profile chained]\nrole_arn = arn:aws:iam::123456789012:role/Chained\nsource_profile = ann\n\
         [profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = ann\nrole_session_name = by-the-way\n",
    );
    let _ = stage.run(stage.bare("arl").args(["assume", "chained", "--via", "deploy"])).success();
    let _ = stage
        .run(stage.bare("arl").args([
            "assume",
            "chained",
            "--via",
            DEPLOY,
            "--via",
            "123456789012/Chained",
            "--profile",
            "bob",
        ]))
        .success();
    let requests = stage.assumed();
    assert_eq!(requests.len(), 5);
    assert_eq!(requests[0].get("RoleSessionName"), Some("by-the-way"));
    assert_eq!(requests[2].access_key_id, BOB_ID);
    let _ = stage.run(stage.bare("arl").args(["exec", "deploy", "--profile", "bob", "--", "true"])).success();
    assert_eq!(signers(&stage).last().map(String::as_str), Some(BOB_ID));
}

#[test]
fn an_assumed_role_is_a_source_only_with_the_chain_flag() {
    let stage =
        stage("[profile closed]\nrole_arn = arn:aws:iam::123456789012:role/Closed\nsource_profile = ann\n");
    let script = |lines: &str| stage.run(stage.as_ann("sh").args(["-c", lines]));
    // The role has replaced the environment keys, so a program cannot start from them again.
    let run = script(&format!("eval \"$(arl assume {DEPLOY})\"; arl assume 123456789012/ReadOnly"));
    run.failure(1, "the credentials that the role started from (`env:AKIAIOSFODNN7ANN0001`) are gone");
    assert!(run.stderr.contains("--chain"));
    // A profile can be read again.
    let run = script(&format!(
        "eval \"$(arl assume {DEPLOY} --profile bob)\"; arl assume 123456789012/ReadOnly --json"
    ));
    let _ = run.success();
    assert_eq!(signers(&stage)[1..], [BOB_ID, BOB_ID]);
    // A profile selected since takes precedence.
    let run = script(&format!(
        "eval \"$(arl assume {DEPLOY} --profile bob)\"; AWS_PROFILE=ann arl assume 123456789012/ReadOnly --json"
    ));
    let _ = run.success();
    assert_eq!(signers(&stage).last().map(String::as_str), Some("AKIAIOSFODNN7ANN0001"));
    // So does a web identity. The missing token file shows that arl looked for it.
    let run = script(&format!(
        "eval \"$(arl assume {DEPLOY} --profile bob)\"; AWS_WEB_IDENTITY_TOKEN_FILE=/none AWS_ROLE_ARN={DEPLOY} arl assume 123456789012/ReadOnly"
    ));
    run.failure(1, "cannot read the token file `/none`");
    // Keys loaded since are a source like any other.
    let run = script(&format!(
        "eval \"$(arl assume {DEPLOY})\"; unset AWS_SESSION_TOKEN; AWS_ACCESS_KEY_ID={BOB_ID} AWS_SECRET_ACCESS_KEY={BOB_SECRET} arl assume 123456789012/ReadOnly --json"
    ));
    let _ = run.success();
    assert_eq!(signers(&stage).last().map(String::as_str), Some(BOB_ID));
    // With --chain the role is the source, and the original source is recorded again.
    let run = script(&format!(
        "eval \"$(arl assume {DEPLOY} --profile bob)\"; arl assume 123456789012/Chained --chain"
    ));
    assert!(run.success().contains("ARL_SOURCE='profile:bob'"));
    assert!(signers(&stage).last().is_some_and(|id| id.starts_with("ASIA")));
    stage.run(stage.bare("arl").args(["assume", DEPLOY, "--chain"])).failure(1, "has no role to start from");
    // An expired role in the environment does not matter.
    stage.sts.change(|world| world.keys.retain(|id, _| !id.starts_with("ASIA")));
    let mut command = stage.bare("arl");
    command.args(["assume", DEPLOY, "--json"]).envs([
        ("AWS_ACCESS_KEY_ID", "ASIAOLD"),
        ("AWS_SECRET_ACCESS_KEY", "old"),
        ("AWS_SESSION_TOKEN", "old"),
        ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z"),
        ("ARL_KEY_ID", "ASIAOLD"),
        ("ARL_SOURCE", "profile:ann"),
    ]);
    let _ = stage.run(&mut command).success();
}

#[test]
fn a_chained_duration_is_lowered_to_one_hour() {
    let stage = stage("");
    let args = ["assume", "123456789012/Chained", "--via", DEPLOY, "--duration", "12h", "--json"];
    let run = stage.arl(&args);
    assert!(run.stderr.contains("12h lowered to 1h"), "{run:?}");
    let _ = run.success();
    assert_eq!(stage.assumed()[1].get("DurationSeconds"), Some("3600"));
    let _ = stage.arl(&["assume", "123456789012/Long", "--duration", "12h", "--json"]).success();
    assert_eq!(stage.assumed()[2].get("DurationSeconds"), Some("43200"));
}

#[test]
fn a_program_prints_the_token_of_a_web_identity() {
    let web = "[profile web]\nrole_arn = arn:aws:iam::123456789012:role/Web\nrole_session_name = ci-job\n\
               web_identity_token_process = ";
    let stage = stage(&format!("{web}echo header.claims.signature; echo asked >>asked\n"));
    let cached = |args: &[&str]| stage.run(stage.bare("arl").args(args).env_remove("ARL_CACHE"));
    let out = cached(&["assume", "web"]).success();
    assert!(out.contains("ARL_ROLE_ARN='arn:aws:iam::123456789012:role/Web'"), "{out}");
    // The session is cached, so the program is not asked again.
    let _ = cached(&["assume", "web", "--json"]).success();
    assert_eq!(std::fs::read_to_string(stage.home.join("asked")).unwrap(), "asked\n");
    let explained = cached(&["explain", "web", "--refresh"]).success();
    assert!(explained.contains("the program `echo`") && !explained.contains("claims"), "{explained}");
    assert!(cached(&["list"]).success().contains("web"));
    for (process, said) in [
        ("echo one two hunter22", "did not print exactly one token"),
        ("true", "did not print exactly one token"),
        ("printf 'a\\001b'", "did not print exactly one token"),
        ("echo nothing of yours >&2; exit 7", "exit status 7: nothing of yours"),
        ("head -c 1000000 /dev/zero", "wrote more than 64 KiB"),
        ("arl assume web --json", "is a loop: its own `web_identity_token_process`"),
    ] {
        stage.profiles(&format!("{web}{process}\n"), "");
        let failed = stage.run(stage.bare("arl").args(["assume", "web", "--json"]));
        failed.failure(1, said);
        assert!(!failed.stderr.contains("hunter22"), "{failed:?}");
    }
    // A file wins, as no SDK knows the other key; a profile needs a role for either.
    std::fs::write(stage.home.join("token"), "header.claims.signature\n").unwrap();
    stage.profiles(&format!("{web}false\nweb_identity_token_file = token\n"), "");
    let _ = stage.run(stage.bare("arl").args(["assume", "web", "--json"])).success();
    stage.profiles("[profile web]\nweb_identity_token_process = echo x\n", "");
    stage
        .run(stage.bare("arl").args(["assume", "web", "--json"]))
        .failure(1, "has a `web_identity_token_process` but no `role_arn`");
}

#[test]
fn web_identity_comes_from_environment_or_profile() {
    let stage = stage(
        "[profile web]\nrole_arn = arn:aws:iam::123456789012:role/Web\nweb_identity_token_file = token\nrole_session_name = ci-job\n",
    );
    std::fs::write(stage.home.join("token"), "header.claims.signature\n").unwrap();
    stage.sts.change(|world| {
        world.roles.get_mut(DEPLOY).unwrap().trusts.push("arn:aws:iam::123456789012:role/Web".into());
    });
    let out = stage.run(stage.bare("arl").args(["assume", "web"])).success();
    assert!(out.contains("ARL_ROLE_ARN='arn:aws:iam::123456789012:role/Web'"), "{out}");
    let mut command = stage.bare("arl");
    command.args(["assume", DEPLOY]).envs([
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "token"),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Web"),
        ("AWS_ROLE_SESSION_NAME", "env-job"),
    ]);
    let out = stage.run(&mut command).success();
    assert!(out.contains("ARL_SOURCE='web-identity'"), "{out}");
    let names: Vec<_> = stage
        .sts
        .requests()
        .iter()
        .map(|request| request.get("RoleSessionName").map(str::to_owned))
        .collect();
    assert_eq!(names[..2], [Some("ci-job".to_owned()), Some("env-job".to_owned())]);
    stage.sts.inject(arl_sts::Fault::WrongRole, 1);
    stage.run(stage.bare("arl").args(["assume", "web"])).failure(1, "Administrator/ci-job`");
    stage
        .run(stage.bare("arl").args(["assume", "web", "--duration", "2h"]))
        .failure(2, "takes its credentials from a web identity");
    let mut half = stage.bare("arl");
    half.args(["assume", DEPLOY])
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", "token")
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/");
    stage.run(&mut half).failure(1, "half of a web identity: AWS_ROLE_ARN is not set");
    std::fs::write(stage.home.join("token"), "wrong").unwrap();
    stage.run(stage.bare("arl").args(["assume", "web"])).failure(1, "InvalidIdentityToken");
    std::fs::remove_file(stage.home.join("token")).unwrap();
    stage.run(stage.bare("arl").args(["assume", "web"])).failure(1, "cannot read the token file `token`");
}

#[test]
fn a_credential_process_is_run() {
    let stage = stage(
        "[profile p]\ncredential_process = ./creds \"with args\"\n[profile q]\ncredential_process = ./broken\n",
    );
    let json = format!("{{\"Version\":1,\"AccessKeyId\":\"{BOB_ID}\",\"SecretAccessKey\":\"{BOB_SECRET}\"}}");
    for (name, text) in [
        ("creds", format!("#!/bin/sh\ntest \"$1\" = 'with args' && echo '{json}'\n")),
        ("broken", "#!/bin/sh\necho no luck >&2; exit 3\n".into()),
    ] {
        let path = stage.home.join(name);
        write_program(&path, text);
    }
    let _ = stage.run(stage.bare("arl").args(["assume", DEPLOY, "--json", "--profile", "p"])).success();
    assert_eq!(signers(&stage), [BOB_ID]);
    stage.run(stage.bare("arl").args(["assume", DEPLOY, "--profile", "q"])).failure(1, "no luck");
}

#[test]
fn without_any_source_arl_fails_at_once() {
    let stage = Stage::new();
    stage
        .run(stage.bare("arl").args(["assume", DEPLOY]))
        .failure(1, "there are no AWS credentials to start from");
    // If instance metadata is enabled, arl asks it. Here it refuses the connection.
    let run = stage.run(stage.bare("arl").args(["assume", DEPLOY]).env_remove("AWS_EC2_METADATA_DISABLED"));
    run.failure(1, "could not get the source credentials (instance metadata)");
    assert!(run.stderr.contains("elsewhere: name a profile with --profile"), "{run:?}");
}

#[test]
fn unusual_home_directories_and_files_are_handled() {
    let stage = stage("");
    for home in [None, Some(""), Some("relative")] {
        let mut command = stage.as_ann("arl");
        command.args(["assume", DEPLOY, "--json"]).env_remove("HOME");
        if let Some(home) = home {
            command.env("HOME", home);
        }
        let _ = stage.run(&mut command).success();
    }
    let mut command = stage.bare("arl");
    command.args(["assume", DEPLOY, "--json", "--profile", "b"]).env("AWS_SHARED_CREDENTIALS_FILE", "~/mine");
    std::fs::write(
        stage.home.join("mine"),
        format!("\u{feff}[b]\r\naws_access_key_id={BOB_ID}\r\naws_secret_access_key={BOB_SECRET}\r\n"),
    )
    .unwrap();
    let _ = stage.run(&mut command).success();
    assert_eq!(signers(&stage).last().map(String::as_str), Some(BOB_ID));
}

#[test]
fn retry_settings_of_the_aws_cli_are_followed() {
    let stage = stage("[profile ann]\nretry_mode = legacy\nmax_attempts = 0\n");
    let _ = stage.run(stage.bare("arl").args(["assume", DEPLOY, "--json", "--profile", "ann"])).success();
    stage.sts.inject(arl_sts::Fault::Throttle, usize::MAX);
    stage.sts.reset();
    stage.sts.inject(arl_sts::Fault::Throttle, usize::MAX);
    let run = stage.run(
        stage
            .as_ann("arl")
            .args(["assume", DEPLOY])
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("AWS_RETRY_MODE", "adaptive"),
    );
    run.failure(1, "Throttling");
    assert_eq!(stage.assumed().len(), 1);
    stage
        .run(stage.as_ann("arl").args(["assume", DEPLOY]).env("AWS_MAX_ATTEMPTS", "many"))
        .failure(2, "AWS_MAX_ATTEMPTS");
    stage
        .run(stage.as_ann("arl").args(["assume", DEPLOY]).env("AWS_RETRY_MODE", "never"))
        .failure(2, "AWS_RETRY_MODE");
}

/// Some containers run as a user whose HOME is root's.
#[test]
fn environment_keys_work_without_a_readable_home() {
    let stage = stage("[profile x]\nregion = eu-west-1\n");
    let closed = stage.home.join("closed");
    std::fs::create_dir_all(closed.join(".aws")).unwrap();
    std::fs::write(closed.join(".aws/config"), "").unwrap();
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o000)).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    // A copy of arl that the other user may execute.
    let program = std::env::temp_dir().join(format!("arl-{}", std::process::id()));
    copy_program(&program);
    let as_other_user = |mut command: std::process::Command| {
        if is_root {
            command.args(["--reuid=65534", "--clear-groups"]).arg(&program);
        }
        command.args(["assume", DEPLOY, "--json"]).env("HOME", &closed).current_dir("/");
        stage.run(&mut command)
    };
    let started = if is_root { "setpriv".into() } else { program.clone() };
    let runs = [as_other_user(stage.as_ann(&started)), as_other_user(stage.bare(&started))];
    std::fs::remove_file(&program).unwrap();
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o700)).unwrap();
    let [with_keys, without] = runs;
    let _ = with_keys.success();
    without.failure(1, "could not read");
}

/// `aws configure set KEY ''` leaves an empty value.
#[test]
fn empty_profile_values_count_as_unset() {
    let stage = Stage::new();
    let keys = "aws_access_key_id = AKIAIOSFODNN7ANN0001\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n";
    let config = "[profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = ann\n\
        web_identity_token_file =\nsource_identity =\nexternal_id =\nmfa_serial =\nmfa_process =\n\
        session_tags = Team = web , ,\ntransitive_session_tags = Team,\nduration_seconds =\nregion =\n";
    stage.profiles(config, &format!("[ann]\n{keys}"));
    let _ = stage.run(stage.bare("arl").args(["assume", "deploy", "--json"])).success();
    let sent: Vec<String> =
        stage.assumed()[0].parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    for expected in ["Tags.member.1.Key=Team", "Tags.member.1.Value=web", "TransitiveTagKeys.member.1=Team"] {
        assert!(sent.iter().any(|parameter| parameter == expected), "{expected}: {sent:?}");
    }
    assert!(!sent.iter().any(|parameter| parameter.contains("member.2")), "{sent:?}");
    assert!(!sent.iter().any(|parameter| parameter.starts_with("SourceIdentity")), "{sent:?}");
}

/// A slice inside a character was a panic.
#[test]
fn an_access_key_id_of_any_script_is_an_error_and_no_panic() {
    let stage = Stage::new();
    for id in ["AKIA€xy", "€", "ключ", "AK\u{301}"] {
        let mut arl = stage.bare("arl");
        arl.args(["explain", "p"]).env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", "s");
        stage.profiles(
            "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/R\nsource_profile = q\n[profile q]\n",
            "[q]\naws_access_key_id = AKIAX\naws_secret_access_key = s\n",
        );
        let run = stage.run(&mut arl);
        assert!(
            run.status < 3 && !run.stderr.contains("panicked") && !run.stderr.contains("a bug in arl"),
            "{id}: {run:?}"
        );
    }
}

/// A config file with a chain of this many profiles. `last` is the source of the last role.
pub(crate) fn chain_of_profiles(length: usize, last: &str) -> String {
    let mut config = String::new();
    for n in 0..length {
        let role = format!("role_arn = arn:aws:iam::123456789012:role/R{n}");
        let source = if n + 1 == length { last.to_owned() } else { format!("p{}", n + 1) };
        config.push_str(&format!("[profile p{n}]\n{role}\nsource_profile = {source}\n"));
    }
    config
}

/// How long the chains of these tests are; `ARL_CHAIN=100000` is more.
pub(crate) fn chain_length() -> usize {
    std::env::var("ARL_CHAIN").map_or(4000, |length| length.parse().unwrap())
}

/// Prints how long something took, and asserts that it was not long.
#[track_caller]
pub(crate) fn assert_quick(what: &str, begin: std::time::Instant) {
    let elapsed = begin.elapsed();
    #[expect(clippy::print_stdout, reason = "the figure is what a long chain is for")]
    {
        println!("{what}: {elapsed:?}");
    }
    assert!(elapsed.as_secs() < 5, "{what}: {elapsed:?}");
}

/// A chain of thousands of profiles ended arl without a word, and `eval` took that for a success.
#[test]
fn a_chain_of_thousands_of_profiles_is_a_clear_error() {
    let stage = Stage::new();
    let keys = "[end]\naws_access_key_id = AKIAX\naws_secret_access_key = s\n";
    let arl = |args: &[&str]| {
        let begin = std::time::Instant::now();
        let run = stage.run(stage.bare("arl").args(args));
        assert_quick(&format!("{args:?}"), begin);
        run
    };
    let length = chain_length();
    let rest = format!("[profile good]\nrole_arn = {DEPLOY}\nsource_profile = end\n");
    stage.profiles(&format!("{}{rest}", chain_of_profiles(length, "end")), keys);
    let run = arl(&["assume", "p0"]);
    run.failure(1, "profile `p0` has a chain of more than 100 `source_profile`s");
    assert_eq!(run.stdout, "(exit 1)\n");
    arl(&["explain", "p0"]).failure(1, "more than 100 `source_profile`s");
    let listed = arl(&["list"]).success();
    assert_eq!(listed.lines().count(), length + 2);
    // Those at the end of the chain work, as does the rest of the file.
    let works = |name: &str| listed.lines().any(|line| line.starts_with(&format!("   {name} ")));
    assert!(works("good") && works(&format!("p{}", length - 1)) && works(&format!("p{}", length - 100)));
    assert!(!works("p0") && !works(&format!("p{}", length - 101)));

    // A circle of all of them, and a small one.
    let small = "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/R\nsource_profile = b\n\
                 [profile b]\nrole_arn = arn:aws:iam::123456789012:role/R\nsource_profile = a\n";
    stage.profiles(&format!("{}{rest}{small}", chain_of_profiles(length, "p0")), keys);
    arl(&["assume", "p0"]).failure(1, "more than 100 `source_profile`s");
    arl(&["assume", "a"]).failure(1, "the profiles form a loop: `a` → `b` → `a`");
    let listed = arl(&["list"]).success();
    assert_eq!(listed.lines().count(), length + 4);
    let works: Vec<&str> = listed.lines().filter(|line| line.starts_with("   ")).skip(1).collect();
    assert!(works.len() == 1 && works[0].starts_with("   good "), "{works:?}");

    stage.profiles(&chain_of_profiles(100, "end"), keys);
    assert!(arl(&["explain", "p0"]).success().contains("hop 100"));
    stage.profiles(&chain_of_profiles(101, "end"), keys);
    arl(&["explain", "p0"]).failure(1, "more than 100 `source_profile`s");
}

/// A device without an end, or a huge file, used up the memory; a pipe without a writer was read for ever.
#[test]
fn files_without_an_end_are_refused() {
    let stage = Stage::new();
    let huge = stage.home.join("huge");
    std::fs::File::create(&huge).unwrap().set_len(1 << 30).unwrap();
    let huge = huge.display().to_string();
    for path in ["/dev/zero", &huge] {
        for variable in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
            let mut arl = stage.as_ann("arl");
            let run = stage.run(arl.args(["assume", DEPLOY, "--json"]).env(variable, path));
            run.failure(1, "it is larger than 16 MiB");
        }
        let mut arl = stage.bare("arl");
        arl.args(["assume", DEPLOY, "--json"]).env("AWS_ROLE_ARN", DEPLOY);
        stage.run(arl.env("AWS_WEB_IDENTITY_TOKEN_FILE", path)).failure(1, "it is larger than 1 MiB");
        let policy = format!("file://{path}");
        stage.arl(&["assume", DEPLOY, "--policy", &policy]).failure(2, "it is larger than 1 MiB");
        let each = stage.arl(&["each", "--roles-from", path, "--", "true"]);
        each.failure(125, "it is larger than 1 MiB");
    }
    // Docker makes a directory for a mount whose source is missing.
    let mut arl = stage.as_ann("arl");
    arl.args(["assume", DEPLOY, "--json"]).env("AWS_SHARED_CREDENTIALS_FILE", &stage.home);
    let _ = stage.run(&mut arl).success();
    let mut arl = stage.as_ann("arl");
    arl.args(["write", DEPLOY, "--profile-name", "x"]).env("AWS_SHARED_CREDENTIALS_FILE", &stage.home);
    stage.run(&mut arl).failure(1, "it is not a regular file");
}

/// The SDKs for Go and Java do the same. botocore prefers a `[default]`.
#[test]
fn a_web_identity_of_the_environment_takes_precedence_over_an_unnamed_default_profile() {
    let stage = Stage::new();
    stage.profiles("[profile named]\nregion = eu-west-1\n", &format!("[default]\n{ANN}[named]\n{ANN}"));
    std::fs::write(stage.home.join("token"), "header.claims.signature\n").unwrap();
    stage.sts.change(|world| {
        world.roles.get_mut(DEPLOY).unwrap().trusts.push("arn:aws:iam::123456789012:role/Web".into());
    });
    let web =
        [("AWS_WEB_IDENTITY_TOKEN_FILE", "token"), ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Web")];
    let signer = |variables: &[(&str, &str)], args: &[&str]| {
        let mut arl = stage.bare("arl");
        arl.args(["assume", DEPLOY, "--json"]).args(args).envs(web).envs(variables.iter().copied());
        let run = stage.run(&mut arl);
        let stderr = run.stderr.clone();
        let _ = run.success();
        (signers(&stage).pop().unwrap(), stderr)
    };
    let (id, said) = signer(&[], &[]);
    assert!(id.starts_with("ASIA"), "{id}");
    assert_eq!(said, "arl: using the environment's web identity (AWS_ROLE_ARN), not the profile `default`\n");
    // A profile that the user has named takes precedence, `default` as well.
    for (variables, args) in [
        (&[][..], &["--profile", "default"][..]),
        (&[("AWS_PROFILE", "default")], &[]),
        (&[("AWS_DEFAULT_PROFILE", "named")], &[]),
        (
            &[
                ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7ANN0001"),
                ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1"),
            ],
            &[],
        ),
    ] {
        assert_eq!(signer(variables, args).0, "AKIAIOSFODNN7ANN0001", "{variables:?} {args:?}");
    }
    let mut explain = stage.bare("arl");
    let out = stage.run(explain.args(["explain", DEPLOY]).envs(web)).success();
    assert!(out.contains("no keys, and no profile is named") && out.contains("profile `default`"), "{out}");
    // Half a web identity is an error, as without the profile.
    let mut half = stage.bare("arl");
    half.args(["assume", DEPLOY]).env("AWS_WEB_IDENTITY_TOKEN_FILE", "token");
    stage.run(&mut half).failure(1, "half of a web identity");
}

/// arl does not guess whose credentials are wanted.
#[test]
fn a_text_that_is_a_role_and_a_profile_is_an_error_that_names_both() {
    let names = [
        "123456789012/Admin",
        "123456789012/team/Admin",
        "arn:aws:iam::123456789012:role/Admin",
        "corp:123456789012/Admin",
    ];
    let profiles: String = names
        .iter()
        .map(|name| format!("[profile {name}]\nsource_profile = ann\nrole_arn = {DEPLOY}\n"))
        .collect();
    let stage = stage(&format!(
        "{profiles}[sso-session corp]\nsso_region = x\n[profile other:123456789012/Admin]\nrole_arn = {DEPLOY}\nsource_profile = ann\n"
    ));
    for name in names {
        for args in [
            &["assume", name][..],
            &["exec", name, "--", "true"],
            &["explain", name],
            &["assume", DEPLOY, "--via", name, "--profile", "ann"],
            &["write", name, "--profile-name", "x"],
            &["configure", name, "--profile-name", "x", "--profile", "ann"],
        ] {
            let run = stage.run(stage.bare("arl").args(args));
            assert!(run.status == 1 || run.status == 125, "{args:?}: {run:?}");
            let said = format!("`{name}` is both role `");
            assert!(
                run.stderr.contains(&said) && run.stderr.contains("and the name of a profile"),
                "{args:?}: {run:?}"
            );
            assert!(
                run.stderr.contains("hint: for the role: ") && run.stderr.contains("hint: for the profile: "),
                "{run:?}"
            );
        }
    }
    assert!(stage.sts.requests().is_empty());
    // The ways out, and a name that only looks like another one.
    let mut flags = stage.bare("arl");
    flags.args([
        "assume",
        "--account-id",
        "123456789012",
        "--role-name",
        "ReadOnly",
        "--profile",
        "ann",
        "--json",
    ]);
    let _ = stage.run(&mut flags).success();
    let _ = stage.run(stage.bare("arl").args(["assume", "other:123456789012/Admin", "--json"])).success();
}

/// Only the config file has the word `profile` in its headers.
#[test]
fn a_section_with_the_wrong_header_is_named_with_its_mend() {
    let role = format!("role_arn = {DEPLOY}\nsource_profile = ann\n");
    for (config, credentials, header, right, file) in [
        (format!("[dev]\n{role}"), String::new(), "dev", "profile dev", "config"),
        (format!("[Profile dev]\n{role}"), String::new(), "Profile dev", "profile dev", "config"),
        (format!("[profiles dev]\n{role}"), String::new(), "profiles dev", "profile dev", "config"),
        (String::new(), format!("[profile dev]\n{ANN}"), "profile dev", "dev", "credentials"),
    ] {
        let stage = Stage::new();
        stage.profiles(&config, &format!("[ann]\n{ANN}{credentials}"));
        let path = stage.home.join(".aws").join(file).display().to_string();
        let run = |args: &[&str], variables: &[(&str, &str)]| {
            stage.run(stage.bare("arl").args(args).envs(variables.iter().copied()))
        };
        for run in [
            run(&["assume", "dev"], &[]),
            run(&["assume", DEPLOY, "--profile", "dev"], &[]),
            run(&["assume", DEPLOY, "--via", "dev", "--profile", "ann"], &[]),
            run(&["assume", DEPLOY], &[("AWS_PROFILE", "dev")]),
        ] {
            run.failure(1, &format!("the section `[{header}]` in `{path}` is not a profile there"));
            assert!(run.stderr.contains(&format!("write `[{right}]` in `{path}`")), "{run:?}");
            assert!(!run.stderr.contains("did you mean"), "{run:?}");
        }
    }
    // With keys in the other file the profile is there, but without what the section says.
    let stage = Stage::new();
    stage.profiles(&format!("[dev]\n{role}[plugins]\nx = y\n"), &format!("[ann]\n{ANN}[dev]\n{ANN}"));
    let run = stage.run(stage.bare("arl").args(["assume", DEPLOY, "--profile", "dev", "--json"]));
    assert!(
        run.stderr.contains("`[dev]` in `") && run.stderr.contains("is ignored; write `[profile dev]`"),
        "{run:?}"
    );
    let _ = run.success();
    let run = stage.run(stage.bare("arl").args(["assume", "profile dev"]));
    run.failure(1, "there is no profile");
    assert!(run.stderr.contains("the name is `dev`"), "{run:?}");
    stage
        .run(stage.bare("arl").args(["assume", DEPLOY, "--profile", "plugin"]))
        .failure(1, "there is no profile");
}

#[test]
fn the_account_of_a_profile_is_handed_over() {
    let stage = stage("");
    std::fs::write(
        stage.home.join(".aws/config"),
        "[profile keys]\naws_account_id = 000011112222\n[profile process]\naws_account_id = 000011112222\n\
         credential_process = ./creds\n[profile bad]\naws_account_id = 1234\n",
    )
    .unwrap();
    let token = "[keys]\naws_access_key_id = ASIAX\naws_secret_access_key = s\naws_session_token = t\n\
                 [bad]\naws_access_key_id = ASIAX\naws_secret_access_key = s\n";
    std::fs::write(stage.home.join(".aws/credentials"), token).unwrap();
    let json = "{\"Version\":1,\"AccessKeyId\":\"ASIAX\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\"";
    let process =
        |more: &str| write_program(&stage.home.join("creds"), format!("#!/bin/sh\necho '{json}{more}}}'\n"));
    let account = |profile: &str| {
        let out = stage.run(stage.bare("arl").args(["exec", profile, "--", "env"])).success();
        out.lines().find_map(|line| line.strip_prefix("AWS_ACCOUNT_ID=")).map(str::to_owned)
    };
    process("");
    assert_eq!(account("keys").as_deref(), Some("000011112222"));
    assert_eq!(account("process").as_deref(), Some("000011112222"));
    // What the process says is right.
    process(",\"AccountId\":\"333344445555\"");
    assert_eq!(account("process").as_deref(), Some("333344445555"));
    stage
        .run(stage.bare("arl").args(["exec", "bad", "--", "true"]))
        .failure(125, "has an invalid `aws_account_id`: ");
}
