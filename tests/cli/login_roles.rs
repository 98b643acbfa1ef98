//! `SESSION:ACCOUNT/NAME`: roles of IAM Identity Center without a profile, in every command.

use serde_json::Value;

use crate::login::{CONFIG, actions, arl, run, stage};
use crate::support::{Run, Stage};

const DEV: &str = "corp:111122223333/Dev";

fn signed_in() -> Stage {
    let stage = stage();
    assert_eq!(run(&stage, &["login"]).status, 0);
    stage.sts.reset();
    stage
}

/// Runs arl with a cache.
fn cached(stage: &Stage, args: &[&str]) -> Run {
    stage.run(arl(stage, args).env_remove("ARL_CACHE"))
}

#[test]
fn every_command_takes_a_role_of_a_session() {
    let stage = signed_in();
    let json: Value = serde_json::from_str(&cached(&stage, &["assume", DEV, "--json"]).success()).unwrap();
    assert_eq!(json["AccountId"], "111122223333");
    let key = json["AccessKeyId"].as_str().unwrap();
    let shell = cached(&stage, &["assume", DEV, "--shell", "bash"]).success();
    assert!(
        shell.contains("ARL_SOURCE='sso:corp'") && shell.contains("ARL_ROLE='111122223333/Dev'"),
        "{shell}"
    );
    assert!(!shell.contains("ARL_ROLE_ARN='"), "{shell}");
    let print = "echo \"$ARL_ROLE $AWS_ACCESS_KEY_ID $AWS_REGION\"";
    let exec = cached(&stage, &["exec", DEV, "--region", "eu-west-1", "--", "sh", "-c", print]).success();
    assert_eq!(exec, format!("111122223333/Dev {key} eu-west-1\n"));
    let each =
        cached(&stage, &["each", DEV, "corp:000123456789/Dev", "--", "sh", "-c", "echo \"as $ARL_ROLE\""]);
    let each = each.success();
    assert!(each.contains("as 111122223333/Dev") && each.contains("as 000123456789/Dev"), "{each}");
    let _ = cached(&stage, &["write", DEV, "--profile-name", "dev-keys"]).success();
    let written = std::fs::read_to_string(stage.home.join(".aws/credentials")).unwrap();
    assert!(written.contains(key), "{written}");
    let mut console = arl(&stage, &["console", DEV]);
    console.env_remove("ARL_CACHE").env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url());
    assert!(stage.run(&mut console).success().contains("SigninToken="));
    // One session for all of them, and one for the other account.
    assert_eq!(actions(&stage).iter().filter(|action| *action == "GetRoleCredentials").count(), 2);
    let explained = cached(&stage, &["explain", DEV]).success();
    for line in [
        "role       111122223333/Dev of IAM Identity Center\n",
        "source     IAM Identity Center   (the role itself, of IAM Identity Center)\n",
        "sign-in    corp: 1h left, renews itself\n",
        "cache      hit",
        "calls      none\n",
    ] {
        assert!(explained.contains(line), "{line}\n{explained}");
    }
    let explained = cached(&stage, &["explain", "corp:111122223333/Admin"]).success();
    assert!(
        explained.contains("GetRoleCredentials of IAM Identity Center for 111122223333/Admin"),
        "{explained}"
    );
    assert!(explained.contains("cache      miss"), "{explained}");
}

#[test]
fn configure_writes_the_profile_that_every_sdk_reads() {
    let stage = signed_in();
    let configure =
        |more: &[&str]| run(&stage, &[&["configure", DEV, "--profile-name", "mine"], more].concat());
    let written = configure(&["--region", "eu-west-1"]).success();
    let keys = "sso_session=corp\nsso_account_id=111122223333\nsso_role_name=Dev\nregion=eu-west-1\n";
    assert_eq!(written, keys);
    let again = configure(&["--region", "eu-west-1"]);
    assert!(again.stderr.contains("is unchanged"), "{again:?}");
    let _ = run(&stage, &["assume", "mine", "--json"]).success();
    run(&stage, &["configure", "corp:111122223333/Admin", "--profile-name", "mine"])
        .failure(1, "exists already, with other settings");
    configure(&["--process"]).failure(2, "--process cannot be used in a profile for IAM Identity Center");
    configure(&["--refresh"]).failure(2, "--refresh cannot be used");
    run(&stage, &["configure", "other:111122223333/Dev", "--profile-name", "x"])
        .failure(1, "the [sso-session]s are: corp");
}

#[test]
fn a_flag_that_only_an_assumed_role_can_use_is_refused() {
    let stage = signed_in();
    for flags in [
        &["--duration", "2h"][..],
        &["--role-session-name", "x"],
        &["--external-id", "xx"],
        &["--tags", "a=b"],
        &["--serial-number", "arn:aws:iam::111122223333:mfa/ann"],
        &["--profile", "dev"],
        &["--partition", "aws-cn"],
        &["--via", "123456789012/Deploy"],
        &["--chain"],
    ] {
        let failed = run(&stage, &[&["assume", DEV, "--json"], flags].concat());
        failed.failure(2, &format!("{} is only for AssumeRole", flags[0]));
    }
    run(&stage, &["assume", DEV, "--json", "--endpoint-url", "http://127.0.0.1:1"])
        .failure(2, "--endpoint-url is for calls to STS");
    run(&stage, &["assume", "123456789012/Deploy", "--via", DEV, "--profile", "dev"])
        .failure(2, "is a role of IAM Identity Center");
    assert_eq!(actions(&stage), [] as [&str; 0]);
}

#[test]
fn names_that_are_no_role_say_what_is_wrong() {
    let stage = signed_in();
    run(&stage, &["assume", "other:111122223333/Dev"]).failure(1, "there is no [sso-session other]");
    run(&stage, &["assume", "corp:1111/Dev"]).failure(1, "there is no profile `corp:1111/Dev`");
    run(&stage, &["assume", "corp:111122223333/no/path"])
        .failure(1, "there is no profile `corp:111122223333/no/path`");
    let unassigned = run(&stage, &["assume", "corp:111122223333/Root", "--json"]);
    unassigned.failure(1, "you have no role `Root` in account 111122223333");
    assert!(unassigned.stderr.contains("`Admin`, `Dev`, `ReadOnly`"), "{unassigned:?}");
    // A profile of that name.
    let role = "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Admin\n";
    stage.profiles(&format!("{CONFIG}[profile {DEV}]\n{role}"), "");
    run(&stage, &["assume", DEV]).failure(
        1,
        "is both role `Dev` of account 111122223333 in the SSO session `corp` and the name of a profile",
    );
    stage.profiles("[sso-session corp]\nsso_region = eu-west-1\n", "");
    run(&stage, &["assume", DEV]).failure(1, "[sso-session corp] has no `sso_start_url`");
}

#[test]
fn another_role_starts_where_it_would_without_the_sign_ins_role() {
    let stage = signed_in();
    let script = format!(
        "eval \"$(arl assume {DEV})\" || exit; arl explain 123456789012/Deploy; arl explain deploy; arl explain dev"
    );
    let mut shell = stage.bare("bash");
    shell.args(["-c", &script]).env("AWS_ENDPOINT_URL_SSO", stage.sts.url());
    let said = stage.run(&mut shell);
    // No session is a source for an ARN: without keys and a default profile there is none.
    assert!(said.stderr.contains("there are no AWS credentials to start from"), "{said:?}");
    let said = said.success();
    assert!(said.contains("`source_profile = dev` of profile `deploy`"), "{said}");
}

#[test]
fn two_sign_ins_and_two_people_never_share_a_session() {
    let stage = stage();
    let second = "[sso-session eu]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n";
    stage.profiles(&format!("{CONFIG}{second}"), "");
    let keys = |role: &str| {
        let json: Value =
            serde_json::from_str(&cached(&stage, &["assume", role, "--json"]).success()).unwrap();
        json["AccessKeyId"].as_str().unwrap().to_owned()
    };
    for session in ["corp", "eu"] {
        assert_eq!(cached(&stage, &["login", session]).status, 0);
    }
    let (corp, eu) = (keys(DEV), keys("eu:111122223333/Dev"));
    assert_ne!(corp, eu);
    // Renewing the token keeps the session; signing in again, perhaps as another user, does not.
    crate::login::change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
    assert_eq!(keys(DEV), corp);
    let other = ["assume", "corp:111122223333/Admin", "--json"];
    let _ = cached(&stage, &other).success();
    assert_eq!(keys(DEV), corp);
    assert_eq!(cached(&stage, &["login", "corp", "--force"]).status, 0);
    assert_ne!(keys(DEV), corp);
    assert_eq!(keys("eu:111122223333/Dev"), eu);
}
