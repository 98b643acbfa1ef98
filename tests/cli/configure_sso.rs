//! `arl configure --sso-session` and `--sso`: sessions and profiles in the config file, and nothing else.

use std::fs;
use std::path::Path;

use arl_sts::Fault;

use crate::aws_assume_role_lib::python;
use crate::discovery::hold_at;
use crate::login::{CONFIG, arl, run, stage};
use crate::support::{Run, Stage, tools};

const SESSION: &str = "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n\
    sso_registration_scopes = sso:account:access\n";

fn signed_in(config: &str) -> Stage {
    let stage = stage();
    stage.profiles(config, "");
    assert_eq!(run(&stage, &["login", "corp"]).status, 0);
    stage.sts.reset();
    stage
}

/// Runs arl with a cache.
fn cached(stage: &Stage, args: &[&str]) -> Run {
    stage.run(arl(stage, args).env_remove("ARL_CACHE"))
}

fn configure(stage: &Stage, args: &[&str]) -> Run {
    cached(stage, &[&["configure", "--sso"], args].concat())
}

fn config(stage: &Stage) -> String {
    fs::read_to_string(stage.home.join(".aws/config")).unwrap()
}

fn profile(name: &str, account: &str, role: &str) -> String {
    format!(
        "\n[profile {name}]\nsso_session=corp\nsso_account_id={account}\nsso_role_name={role}\narl_generated=corp\n"
    )
}

#[test]
fn a_session_is_written_from_nothing_and_the_hint_says_how() {
    let stage = Stage::new();
    fs::remove_dir_all(stage.home.join(".aws")).unwrap();
    let hint = "arl configure --sso-session corp --start-url https://d-1234567890.awsapps.com/start --region eu-west-1";
    let failed = stage.run(stage.bare("arl").arg("login"));
    failed.failure(1, hint);
    let words: Vec<&str> = hint.split(' ').skip(1).collect();
    let dry = stage.run(stage.bare("arl").args(&words).arg("--dry-run"));
    assert!(dry.success().contains("+[sso-session corp]\n"));
    assert!(!stage.home.join(".aws/config").exists());
    let written = stage.run(stage.bare("arl").args(&words)).success();
    let keys = "sso_start_url=https://d-1234567890.awsapps.com/start\nsso_region=eu-west-1\n\
                sso_registration_scopes=sso:account:access\n";
    assert_eq!((written.as_str(), config(&stage)), (keys, format!("[sso-session corp]\n{keys}")));
    let again = stage.run(stage.bare("arl").args(&words));
    assert!(again.stderr.contains("is unchanged"), "{again:?}");
    let other = |more: &[&str]| {
        let url = "https://other.example/start/#/";
        let args = ["configure", "--sso-session", "corp", "--start-url", url, "--region", "us-gov-west-1"];
        stage.run(stage.bare("arl").args(args).args(more))
    };
    other(&[]).failure(1, "[sso-session corp] exists already, with other settings");
    let _ = other(&["--force"]).success();
    let expected =
        keys.replace("d-1234567890.awsapps.com", "other.example").replace("eu-west-1", "us-gov-west-1");
    assert_eq!(config(&stage), format!("[sso-session corp]\n{expected}"));
}

#[test]
fn a_session_that_cannot_be_is_refused() {
    let stage = Stage::new();
    let refused = |name: &str, url: &str, region: &str, said: &str| {
        let args = ["configure", "--sso-session", name, "--start-url", url, "--region", region];
        stage.run(stage.bare("arl").args(args)).failure(2, said);
    };
    let url = "https://corp.example/start";
    for bad in ["", "a b", "a]\n[b", "DEFAULT"] {
        refused(bad, url, "eu-west-1", "--sso-session");
    }
    for bad in [
        "http://corp.example/start",
        "corp.example",
        "",
        "https://u:p@corp.example",
        "https://a\nb",
        "ftp://x",
    ] {
        refused("corp", bad, "eu-west-1", "--start-url");
    }
    for bad in ["", "Ireland", "eu-west", "eu-west-1.evil.example", "EU-WEST-1", "eu--1"] {
        refused("corp", url, bad, "--region");
    }
    let args = ["configure", "--sso-session", "corp", "--start-url", url];
    stage.run(stage.bare("arl").args(args)).failure(2, "--region");
    let args = [&args[..], &["--region", "eu-west-1", "--duration", "2h"]].concat();
    stage.run(stage.bare("arl").args(args)).failure(2, "--duration is only for AssumeRole");
    assert!(!stage.home.join(".aws/config").exists() || config(&stage).is_empty());
    let loopback = [
        "configure",
        "--sso-session",
        "x",
        "--start-url",
        "http://127.0.0.1:9/start",
        "--region",
        "eu-west-1",
    ];
    let _ = stage.run(stage.bare("arl").args(loopback)).success();
}

#[test]
fn every_role_gets_a_profile_and_every_other_byte_stays() {
    let before = format!("# mine\r\n[plugins]\n x = \u{e4}\n{SESSION}\n[profile dev]\nregion = eu-west-1\n");
    let stage = signed_in(&before);
    let dry = configure(&stage, &["--all", "--dry-run"]);
    assert_eq!(config(&stage), before);
    let diff = dry.success();
    assert!(
        diff.contains("+[profile Payments-Admin]\n+sso_session=corp\n") && !diff.contains('\u{1b}'),
        "{diff}"
    );
    let colored = configure(&stage, &["--all", "--dry-run", "--color", "always"]).success();
    assert!(colored.contains("\u{1b}[32m+[profile Payments-Admin]\u{1b}[0m\n"), "{colored}");
    let written = configure(&stage, &["--all"]);
    assert!(written.stderr.contains("4 profiles in"), "{written:?}");
    let expected = [
        profile("Data-Lake-Dev", "000123456789", "Dev"),
        profile("Payments-Admin", "111122223333", "Admin"),
        profile("Payments-Dev", "111122223333", "Dev"),
        profile("Payments-ReadOnly", "111122223333", "ReadOnly"),
    ];
    let after = format!("{before}{}", expected.concat());
    assert_eq!(config(&stage), after);
    // What --dry-run printed is what happened.
    fs::write(stage.home.join("before"), &before).unwrap();
    fs::write(stage.home.join("diff"), &diff).unwrap();
    let _ = stage.run(stage.bare("patch").args(["-s", "--binary", "before", "diff"])).success();
    assert_eq!(fs::read_to_string(stage.home.join("before")).unwrap(), after);
    let again = configure(&stage, &["--all"]);
    assert!(again.stderr.contains("unchanged"), "{again:?}");
    let nothing = configure(&stage, &["--all", "--dry-run"]);
    assert_eq!((nothing.stdout.as_str(), config(&stage)), ("", after));
    // A flag changes what arl generated; what the user added stays.
    fs::write(
        stage.home.join(".aws/config"),
        config(&stage).replace("sso_role_name=Admin\n", "sso_role_name=Admin\noutput = json\n"),
    )
    .unwrap();
    let _ = configure(&stage, &["--all", "--region", "eu-central-1"]).success();
    assert_eq!(config(&stage).matches("region=eu-central-1\n").count(), 4);
    assert!(config(&stage).starts_with(&before) && config(&stage).contains("output = json\n"));
    let listed = cached(&stage, &["list", "--sso", "corp:"]);
    assert!(listed.stderr.contains("no role matches"), "{listed:?}");
}

#[test]
fn one_role_gets_a_profile_by_the_name_of_its_account() {
    let stage = signed_in(SESSION);
    let written = configure(&stage, &["corp", "--account", "data lake", "--role", "Dev"]);
    assert!(written.stderr.contains("profile Data-Lake-Dev in"), "{written:?}");
    let keys = "sso_session=corp\nsso_account_id=000123456789\nsso_role_name=Dev\narl_generated=corp\n";
    assert_eq!(written.success(), keys);
    let named =
        ["--account", "111122223333", "--role", "Admin", "--profile-name", "boss", "--region", "eu-west-1"];
    let _ = configure(&stage, &named).success();
    assert!(config(&stage).contains("[profile boss]\nsso_session=corp\nsso_account_id=111122223333\n"));
    // Two requests for an account, not one for each account of the organization.
    let asked = stage.sts.requests().into_iter().filter(|request| request.action == "ListAccountRoles");
    assert!(asked.count() <= 3);
    let no_role = configure(&stage, &["--account", "111122223333", "--role", "Root"]);
    no_role.failure(1, "you have no role `Root` in account 111122223333");
    assert!(no_role.stderr.contains("`Admin`, `Dev`, `ReadOnly`"), "{no_role:?}");
    configure(&stage, &["--account", "Paymens", "--role", "Dev"]).failure(1, "did you mean Payments");
    configure(&stage, &["other", "--all"]).failure(1, "the [sso-session]s are: corp");
    configure(&stage, &[]).failure(2, "--sso needs --all, or --account and --role");
    configure(&stage, &["--account", "111122223333"]).failure(2, "--role");
    configure(&stage, &["--all", "--duration", "2h"]).failure(2, "--duration is only for AssumeRole");
    configure(&stage, &["--all", "--region", "Ireland"]).failure(2, "is not a region");
    configure(&stage, &["--account", "1", "--role", "x", "--prune"]).failure(2, "--all");
    for flag in
        [&["--all"][..], &["--prune"], &["--account", "1"], &["--role", "x"], &["--name-template", "x"]]
    {
        let args = [&["configure", "123456789012/Deploy", "--profile-name", "x"], flag].concat();
        cached(&stage, &args).failure(2, "--");
    }
}

#[test]
fn profiles_of_the_user_are_not_overwritten_without_force() {
    let own = "[profile Payments-Dev]\nrole_arn = arn:aws:iam::123456789012:role/Mine\nsource_profile = x\n";
    let same = "[profile Payments-Admin]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Admin\n";
    let before = format!("{SESSION}{own}{same}");
    let stage = signed_in(&before);
    configure(&stage, &["--all"]).failure(1, "profile `Payments-Dev` exists already, with other settings");
    configure(&stage, &["--all", "--dry-run"]).failure(1, "with other settings");
    assert_eq!(config(&stage), before);
    let _ = configure(&stage, &["--all", "--name-template", "sso.{account}.{role}"]).success();
    assert!(config(&stage).starts_with(&before) && config(&stage).contains("[profile sso.Payments.Dev]"));
    let _ = configure(&stage, &["--all", "--force"]).success();
    assert!(
        !config(&stage).contains("role_arn")
            && config(&stage).contains("[profile Payments-Dev]\nsso_session=corp")
    );
    // The same by the user's own hand is no profile of arl's.
    assert!(config(&stage).contains(
        "[profile Payments-Admin]\nsso_session=corp\nsso_account_id=111122223333\nsso_role_name=Admin\n\n"
    ));
    configure(&stage, &["--all", "--name-template", "default"]).failure(2, "would get the same profile name");
    configure(&stage, &["--account", "111122223333", "--role", "Dev", "--profile-name", "default"])
        .failure(2, "--force");
    configure(&stage, &["--all", "--name-template", "{account} {role}"])
        .failure(2, "--name-template contains ` `");
    configure(&stage, &["--all", "--name-template", "{account_id}/{role}"]).failure(2, "read as the role");
}

#[test]
fn prune_removes_what_arl_wrote_and_is_no_longer_offered() {
    let stage = signed_in(SESSION);
    let hand = "[profile hand]\nsso_session = corp\nsso_account_id = 999999999999\nsso_role_name = Gone\n";
    let other = "[profile other]\nsso_session = corp\nsso_account_id = 999999999999\nsso_role_name = Gone\narl_generated = eu\n";
    let _ = configure(&stage, &["--all"]).success();
    fs::write(stage.home.join(".aws/config"), config(&stage) + hand + other).unwrap();
    stage.sts.change(|world| {
        let accounts = &mut world.identity_center.accounts;
        accounts.retain(|(id, ..)| id != "000123456789");
        accounts[0].2.retain(|role| role != "Dev");
    });
    let text = config(&stage);
    let with_own_key = text.replace(
        "sso_role_name=Dev\narl_generated=corp\n\n[profile Payments-R",
        "sso_role_name=Dev\narl_generated=corp\noutput=json\n\n[profile Payments-R",
    );
    assert_ne!(text, with_own_key);
    fs::write(stage.home.join(".aws/config"), &with_own_key).unwrap();
    // Not without --prune, and not while not everything is known.
    let _ = configure(&stage, &["--all", "--refresh"]).success();
    assert_eq!(config(&stage), with_own_key);
    let _ = cached(&stage, &["cache", "clear"]).success();
    stage.sts.inject(arl_sts::Fault::Delay(std::time::Duration::ZERO), 1);
    stage.sts.inject(arl_sts::Fault::Exception(400, "InvalidRequestException", "odd".into()), 9);
    let partial = configure(&stage, &["--all", "--prune"]);
    assert!(partial.stderr.contains("removing no profile"), "{partial:?}");
    assert_eq!((partial.status, config(&stage)), (1, with_own_key.clone()));
    stage.sts.reset();
    let dry = configure(&stage, &["--all", "--prune", "--dry-run"]).success();
    assert!(dry.contains("-[profile Data-Lake-Dev]\n"), "{dry}");
    assert_eq!(config(&stage), with_own_key);
    let pruned = configure(&stage, &["--all", "--prune"]);
    assert!(pruned.stderr.contains("removed 1 profile: `Data-Lake-Dev`"), "{pruned:?}");
    assert!(
        pruned
            .stderr
            .contains("the role of profile `Payments-Dev`; arl keeps the profile because it has `output`"),
        "{pruned:?}"
    );
    assert_eq!(
        config(&stage),
        with_own_key
            .replace(&profile("Data-Lake-Dev", "000123456789", "Dev")[1..], "")
            .replacen("\n\n\n", "\n\n", 1)
    );
}

#[test]
fn prune_keeps_a_profile_that_another_account_takes_over() {
    let stage = signed_in(SESSION);
    let _ = configure(&stage, &["--all"]).success();
    let before = config(&stage);
    // The account was closed, and there is a new one with its name.
    stage.sts.change(|world| {
        let account = &mut world.identity_center.accounts[0];
        assert_eq!(account.0, "111122223333");
        account.0 = "555566667777".into();
    });
    let run = configure(&stage, &["--all", "--prune", "--refresh"]);
    assert!(!run.stderr.contains("removed"), "{run:?}");
    // The name means another account now.
    let said = "arl: these profiles have a different role now: `Payments-Admin` (555566667777/Admin, was 111122223333/Admin)";
    assert!(run.stderr.contains(said), "{run:?}");
    let _ = run.success();
    assert_eq!(config(&stage), before.replace("111122223333", "555566667777"));
    let run = configure(&stage, &["--all", "--prune", "--refresh"]);
    assert!(!run.stderr.contains("another role"), "{run:?}");
}

#[test]
fn hostile_account_names_make_names_that_every_program_reads() {
    let stage = signed_in(SESSION);
    let names = ["[prod] $(id)", "two\nlines]", "\u{202e}x", "🚀", "a b", "a-b", "", "-v"];
    stage.sts.change(|world| {
        world.identity_center.make_accounts(names.len(), 1);
        for (account, name) in world.identity_center.accounts.iter_mut().zip(names) {
            account.1 = name.into();
        }
    });
    let _ = configure(&stage, &["--all"]).success();
    let text = config(&stage);
    let mut headers: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("[profile ")).collect();
    headers.sort_unstable();
    let expected = [
        "200000000003-Role0]",
        "200000000006-Role0]",
        "a-b-Role0-200000000004]",
        "a-b-Role0-200000000005]",
        "prod-id-Role0]",
        "two-lines-Role0]",
        "v-Role0]",
        "x-Role0]",
    ];
    assert_eq!(headers, expected);
    let before = text.len();
    let _ = configure(&stage, &["--all"]).success();
    assert_eq!(config(&stage).len(), before);
}

const BOTO: &str = "
import botocore.session, sys
for name in sys.argv[1:]:
    credentials = botocore.session.Session(profile=name).get_credentials().get_frozen_credentials()
    print(name, credentials.access_key[:4])
";

const JAVASCRIPT: &str = "
import { fromIni } from '@aws-sdk/credential-provider-ini';
for (const profile of process.argv.slice(2)) {
  const credentials = await fromIni({ profile })();
  console.log(profile, credentials.accessKeyId.slice(0, 4));
}
";

#[test]
fn every_sdk_reads_the_profiles() {
    let stage = signed_in(CONFIG);
    let _ = configure(&stage, &["--all", "--region", "eu-west-1"]).success();
    let profiles = ["Data-Lake-Dev", "Payments-Admin", "Payments-ReadOnly"];
    let expected = profiles.map(|name| format!("{name} ASIA\n")).concat();
    let with_settings = |mut command: std::process::Command| {
        for (name, value) in arl(&stage, &[]).get_envs() {
            value.map(|value| command.env(name, value));
        }
        stage.run(&mut command)
    };
    let mut boto = stage.bare(python());
    boto.args(["-c", BOTO]).args(profiles);
    assert_eq!(with_settings(boto).success(), expected);
    let script = Path::new(&tools("javascript")).join("generated.mjs");
    fs::write(&script, JAVASCRIPT).unwrap();
    let mut node = stage.bare("node");
    node.arg(script).args(profiles);
    assert_eq!(with_settings(node).success(), expected);
    for name in profiles {
        let mut aws = stage.bare(tools("peers/bin/aws"));
        aws.args(["--profile", name, "sts", "get-caller-identity", "--query", "Arn", "--output", "text"]);
        let role = name.rsplit('-').next().unwrap();
        let said = with_settings(aws).success();
        assert!(said.contains(&format!("AWSReservedSSO_{role}_")), "{said}");
        assert!(cached(&stage, &["assume", name, "--json"]).success().contains("ASIA"));
    }
}

/// `ARL_PROFILES=1000` is the number of accounts, with four roles each.
#[test]
#[expect(clippy::print_stdout, reason = "figures of a large organization")]
fn many_profiles_are_one_edit() {
    let accounts: usize = std::env::var("ARL_PROFILES").map_or(100, |text| text.parse().unwrap());
    let stage = signed_in(SESSION);
    stage.sts.change(|world| world.identity_center.make_accounts(1, 4));
    let _ = cached(&stage, &["list", "--sso"]).success();
    // The catalog of an organization, without its requests.
    let catalogs = stage.home.join(".cache/arl/catalogs");
    let paths = fs::read_dir(&catalogs).unwrap().map(|entry| entry.unwrap().path());
    let path = paths.into_iter().find(|path| path.file_name().unwrap().len() == 64).unwrap();
    let mut catalog: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let account = catalog["accounts"][0].clone();
    catalog["accounts"] = (0..accounts)
        .map(|number| {
            let mut account = account.clone();
            account["id"] = format!("{:012}", 300_000_000_000 + number).into();
            account["name"] = format!("Account {number}").into();
            account
        })
        .collect();
    fs::write(&path, catalog.to_string()).unwrap();
    let inode =
        || std::os::unix::fs::MetadataExt::ino(&fs::metadata(stage.home.join(".aws/config")).unwrap());
    let before = inode();
    let begin = std::time::Instant::now();
    let written = configure(&stage, &["--all"]);
    let took = begin.elapsed();
    assert!(written.stderr.contains(&format!("{} profiles in", accounts * 4)), "{written:?} {took:?}");
    assert_ne!(inode(), before);
    assert_eq!(config(&stage).matches("arl_generated=corp").count(), accounts * 4);
    let again = std::time::Instant::now();
    assert!(configure(&stage, &["--all", "--prune"]).stderr.contains("unchanged"));
    if accounts > 100 {
        println!("{} profiles: {took:?}, again: {:?}", accounts * 4, again.elapsed());
    }
}

/// A user writes a profile, or changes a generated one, while arl asks the portal.
#[test]
fn a_profile_that_changes_meanwhile_is_neither_completed_nor_removed() {
    let stage = signed_in(CONFIG);
    let _ = configure(&stage, &["corp", "--all"]).success();
    let generated = config(&stage);
    let gone = "\n[profile gone]\nsso_session=corp\nsso_account_id=999999999999\nsso_role_name=Old\narl_generated=corp\n";
    for (before, after) in [
        // A name that was free.
        (
            CONFIG.to_owned(),
            format!(
                "{CONFIG}\n[profile NAME]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = ann\n"
            ),
        ),
        // A profile to prune gets a key of the user's.
        (format!("{generated}{gone}"), format!("{generated}{gone}region = eu-west-1\n")),
    ] {
        let name = generated.lines().rev().find_map(|line| line.strip_prefix("[profile ")).unwrap();
        let after = after.replace("NAME]", name);
        stage.profiles(&before, "");
        let mut all = arl(&stage, &["configure", "--sso", "corp", "--all", "--prune", "--refresh"]);
        all.env_remove("ARL_CACHE");
        let fault = Fault::Delay(std::time::Duration::from_secs(3));
        let child = hold_at(&stage, fault, "ListAccounts", all);
        stage.profiles(&after, "");
        Run::of(child.wait_with_output().unwrap()).failure(1, "another program has just changed it");
        assert_eq!(config(&stage), after);
    }
}
