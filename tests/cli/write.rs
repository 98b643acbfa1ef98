//! `arl write` and `arl configure`: one profile changes in files that other programs read and write as well.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Child;

use arl_sts::World;

use crate::support::{DEPLOY, Run, Stage, binary, copy_program};

fn credentials(stage: &Stage) -> String {
    fs::read_to_string(stage.home.join(".aws/credentials")).unwrap_or_default()
}

/// Prints every profile as botocore reads it, or botocore's error.
const READER: &str = "
import botocore.configloader, json, sys
try:
    print(json.dumps(botocore.configloader.raw_config_parse(sys.argv[1], parse_subsections=False), sort_keys=True))
except Exception as error:
    print('broken', type(error).__name__)
";

fn botocore(stage: &Stage, path: &std::path::Path) -> Run {
    stage.run(stage.bare(crate::aws_assume_role_lib::python()).args(["-c", READER]).arg(path))
}

#[test]
fn a_written_profile_is_read_by_sdks_and_can_be_removed() {
    let stage = Stage::new();
    let run = stage.arl(&["write", DEPLOY, "--profile-name", "deploy"]);
    assert!(run.stderr.contains("profile deploy in"), "{run:?}");
    assert_eq!(run.success(), "");
    let path = stage.home.join(".aws/credentials");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let text = credentials(&stage);
    assert!(text.starts_with("[deploy]\n# expires 20"), "{text}");
    assert!(text.contains("\naws_access_key_id=ASIA") && text.contains("\naws_session_token=FwoG"), "{text}");
    // botocore reads the profile and calls STS.
    let code = "import boto3; print(boto3.Session(profile_name='deploy').client('sts', region_name='us-east-1').get_caller_identity()['Arn'])";
    let arn = stage.run(stage.bare(crate::aws_assume_role_lib::python()).args(["-c", code])).success();
    assert!(arn.starts_with("arn:aws:sts::123456789012:assumed-role/Deploy/"), "{arn}");
    // So do the AWS CLI and the SDK for Rust.
    let mut cli = stage.bare(crate::support::tools("peers/bin/aws"));
    cli.args([
        "sts",
        "get-caller-identity",
        "--profile",
        "deploy",
        "--region",
        "us-east-1",
        "--output",
        "text",
    ]);
    let endpoint = stage.sts.url();
    assert!(stage.run(cli.args(["--endpoint-url", &endpoint])).success().contains("assumed-role/Deploy/"));
    let mut rust = stage.bare(crate::support::example("sdk_caller"));
    rust.arg("/").env("AWS_PROFILE", "deploy").env("AWS_REGION", "us-east-1");
    assert!(stage.run(&mut rust).success().contains("assumed-role/Deploy/"));
    // arl reads the profile as a source.
    stage.sts.change(|world| world.roles.values_mut().for_each(|role| role.trusts.push("*".into())));
    let mut chained = stage.bare("arl");
    chained.args(["assume", "123456789012/ReadOnly", "--profile", "deploy", "--json"]);
    assert!(stage.run(&mut chained).success().contains("ASIA"));
    // Without --profile-name, the account ID is the name. A missing directory is created.
    fs::remove_dir_all(stage.home.join(".aws")).unwrap();
    let _ = stage.arl(&["write", "--account_id", "123456789012", "--role_name", "Deploy"]).success();
    assert!(credentials(&stage).starts_with("[123456789012]\n"));
    assert_eq!(fs::metadata(stage.home.join(".aws")).unwrap().mode() & 0o777, 0o700);
    let _ = stage.arl(&["write", "--remove", "123456789012"]).success();
    assert_eq!(credentials(&stage), "");
    stage.arl(&["write", "--remove", "123456789012"]).failure(1, "there is no profile");
    stage.arl(&["write"]).failure(2, "`arl write` needs a role");
}

#[test]
fn a_profile_that_arl_did_not_write_is_not_overwritten() {
    let stage = Stage::new();
    let mine = format!(
        "[mine]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    stage.profiles("", &mine);
    stage.arl(&["write", DEPLOY, "--profile-name", "mine"]).failure(1, "has long-term keys");
    stage.arl(&["write", DEPLOY, "--profile-name", "default"]).failure(2, "--force");
    stage.arl(&["write", DEPLOY, "--profile-name", "DEFAULT", "--force"]).failure(2, "must not be DEFAULT");
    stage
        .arl(&["write", DEPLOY, "--profile-name", "x]\n[default", "--force"])
        .failure(2, "can contain only letters");
    stage.arl(&["write", "--remove", "mine"]).failure(1, "has no profile `mine` that arl has written");
    // SDKs would prefer these settings to keys in the same profile.
    for (name, key) in [("r", "role_arn"), ("l", "sso_session"), ("p", "credential_process")] {
        let profile = format!("[profile {name}]\n{key} = x\n");
        std::fs::write(stage.home.join(".aws/config"), profile).unwrap();
        stage
            .arl(&["write", DEPLOY, "--profile-name", name])
            .failure(1, &format!("profile `{name}` has `{key}`"));
    }
    std::fs::write(stage.home.join(".aws/config"), "").unwrap();
    assert_eq!(credentials(&stage), mine);
    assert_eq!(stage.assumed().len(), 0, "refused before any request");
    let _ = stage.arl(&["write", DEPLOY, "--profile-name", "mine", "--force"]).success();
    assert!(!credentials(&stage).contains(World::ANN_KEY));
    let _ = stage.arl(&["write", DEPLOY, "--profile-name", "default", "--force"]).success();
    assert!(credentials(&stage).contains("\n[default]\n"));
    // A failed assume does not change the file.
    let before = credentials(&stage);
    stage.arl(&["write", "123456789012/Closed", "--profile-name", "x"]).failure(1, "AccessDenied");
    assert_eq!(credentials(&stage), before);
}

#[test]
fn symlinks_and_modes_are_preserved_and_unusual_files_refused() {
    let stage = Stage::new();
    let path = stage.home.join(".aws/credentials");
    let real = stage.home.join("elsewhere");
    fs::write(&real, "# mine\n").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
    symlink("../elsewhere", &path).unwrap();
    let _ = stage.arl(&["write", DEPLOY, "--profile-name", "p"]).success();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().starts_with("# mine\n\n[p]\n"));
    assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o600, "secrets in a file that others can read");
    let mut to_pipe = stage.as_ann("arl");
    to_pipe.args(["write", DEPLOY, "--profile-name", "p"]).env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    stage.run(&mut to_pipe).failure(1, "it is not a regular file");
    assert!(!std::path::Path::new("/dev/.null.arl.lock").exists());
    fs::write(&real, "[p]\na=1\n[p]\n").unwrap();
    stage.arl(&["write", DEPLOY, "--profile-name", "p"]).failure(1, "is defined twice, on lines 1 and 3");
    assert_eq!(fs::read_to_string(&real).unwrap(), "[p]\na=1\n[p]\n");
}

/// A credentials file with the variety of users' files, from a seed.
fn generated(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    };
    let end = if next(4) == 0 { "\r\n" } else { "\n" };
    let mut text = String::new();
    if next(10) == 0 {
        text.push('\u{feff}');
    }
    let sections = next(12);
    for number in 0..sections {
        let name = match next(8) {
            0 => "target".to_owned(),
            1 => format!("p{}", next(sections.max(1))),
            2 => format!("profile p{number}"),
            3 => "default".to_owned(),
            _ => format!("user-{number}"),
        };
        text.push_str(&format!("[{name}]{}{end}", ["", " # note", "  "][next(3) as usize]));
        for line in 0..next(9) {
            match next(9) {
                0 => text.push_str("# a comment = with an equals sign"),
                1 => text.push_str("; another"),
                2 => {}
                3 => text.push_str(&format!("s3 ={end}    max = {line}{end}    [not] = a header")),
                4 => text.push_str("aws_access_key_id = AKIAOLD"),
                5 => text.push_str("AWS_SECRET_ACCESS_KEY: abc#def/+=="),
                6 => text.push_str(&format!("aws_security_token = old{end}  and more of it")),
                7 => text.push_str("region=eu-west-1   # not a comment to everybody"),
                _ => text.push_str(&format!("key{line} = ü\tvalue")),
            }
            text.push_str(end);
        }
        if next(3) == 0 {
            text.push_str(end);
        }
    }
    if seed == 7 {
        text.push_str(&format!("[big]{end}"));
        text.push_str(&format!("# {}{end}", "x".repeat(60)).repeat(16_000));
    }
    if next(4) == 0 {
        text.truncate(text.trim_end().len());
    }
    text.into_bytes()
}

/// The bytes outside of section `[target]`.
fn outside(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut is_target = false;
    for line in text.split_inclusive(|&b| b == b'\n') {
        let trimmed = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
        if line.first() == Some(&b'[') || trimmed.starts_with(b"[") && line.starts_with(b"\xef\xbb\xbf") {
            is_target = trimmed.starts_with(b"[target]");
        }
        if !is_target {
            kept.extend_from_slice(line);
        }
    }
    kept
}

#[test]
fn in_200_files_no_other_byte_changes_and_botocore_reads_the_same() {
    let stage = Stage::new();
    let path = stage.home.join(".aws/credentials");
    let (mut written, mut refused) = (0, 0);
    for seed in 0..200 {
        let before = generated(seed);
        fs::write(&path, &before).unwrap();
        let read_before = botocore(&stage, &path).success();
        let run = stage.arl(&["write", DEPLOY, "--profile-name", "target", "--force"]);
        let after = fs::read(&path).unwrap();
        if run.status != 0 {
            // A duplicate section, or a line that arl cannot parse: the file must not change.
            assert!(
                run.stderr.contains("twice") || run.stderr.contains("could not parse"),
                "{seed}: {run:?}"
            );
            assert_eq!(after, before, "{seed}");
            refused += 1;
            continue;
        }
        written += 1;
        let (mut old, new) = (outside(&before), outside(&after));
        if old.last().is_some_and(|&b| b != b'\n') && new.len() > old.len() {
            // arl ends the last line and writes a blank line before the new section.
            old.extend_from_slice(&new[old.len()..]);
        }
        let extra = new.strip_prefix(old.as_slice()).unwrap_or_else(|| panic!("{seed}: other bytes changed"));
        assert!(extra.trim_ascii().is_empty() && extra.len() <= 4, "{seed}: {extra:?}");
        let read_after = botocore(&stage, &path).success();
        if let (Ok(old), Ok(new)) = (
            serde_json::from_str::<serde_json::Value>(&read_before),
            serde_json::from_str::<serde_json::Value>(&read_after),
        ) {
            let others = |value: &serde_json::Value| {
                let mut map = value.as_object().unwrap().clone();
                map.remove("target");
                map
            };
            assert_eq!(others(&new), others(&old), "{seed}");
            let target = &new["target"];
            assert!(target["aws_access_key_id"].as_str().unwrap().starts_with("ASIA"), "{seed}: {target}");
            assert!(target["aws_session_token"].as_str().unwrap().starts_with("FwoG"), "{seed}: {target}");
            assert!(target.get("aws_security_token").is_none(), "{seed}: {target}");
        } else {
            // arl removes duplicate keys of the profile, so a file that botocore refused may become readable.
            assert!(read_before.starts_with("broken"), "{seed}: {read_after}");
        }
    }
    assert!(written > 150, "{written} written, {refused} refused");
}

#[test]
fn thirty_two_concurrent_writers_lose_no_profile() {
    let stage = Stage::new();
    let rounds = std::env::var("ARL_TEST_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(10);
    let line = |number: usize| {
        format!(
            "i=0; while [ $i -lt {rounds} ]; do arl write -q {DEPLOY} --profile-name p{number}-$i || exit 1; i=$((i+1)); done"
        )
    };
    let children: Vec<Child> = (0..32)
        .map(|number| {
            let mut command = stage.as_ann("sh");
            // With a cache, all processes share one session, and the test stresses the file only.
            command.env_remove("ARL_CACHE").args(["-c", &line(number)]).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let text = credentials(&stage);
    for number in 0..32 {
        for round in 0..rounds {
            assert_eq!(text.matches(&format!("[p{number}-{round}]\n")).count(), 1, "p{number}-{round}");
        }
    }
}

#[test]
fn a_kill_while_writing_leaves_the_old_file_or_the_new_one() {
    let kills = std::env::var("ARL_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let stage = Stage::new();
    let env = |text: &str| (text.starts_with("# top\n[a]\nx=1\n"), text.ends_with("[z]\ny=2\n"));
    stage.profiles("", "# top\n[a]\nx=1\n\n[p]\n\n[z]\ny=2\n");
    let spawn = || {
        let mut command = stage.as_ann("arl");
        command.args(["write", "-q", DEPLOY, "--profile-name", "p"]).spawn().unwrap()
    };
    let started = std::time::Instant::now();
    spawn().wait().unwrap();
    let longest = started.elapsed().mul_f64(1.2);
    let is_whole = || {
        let text = credentials(&stage);
        let keys = ["\naws_access_key_id=ASIA", "\naws_secret_access_key=", "\naws_session_token=FwoG"];
        env(&text) == (true, true) && keys.iter().all(|key| text.matches(key).count() == 1)
    };
    assert!(is_whole(), "{}", credentials(&stage));
    assert_eq!(crate::cache::broken_by_kills(kills, spawn, longest, is_whole), 0);
    // The next write removes the temporary files of killed processes.
    spawn().wait().unwrap();
    let mut names: Vec<String> = fs::read_dir(stage.home.join(".aws"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, [".credentials.arl.lock", "config", "credentials"]);
}

#[test]
fn writes_concurrent_with_the_aws_cli_lose_nothing() {
    let stage = Stage::new();
    let aws = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/peers/bin/aws");
    assert!(aws.exists(), "{} is missing: run tests/install-tools.sh", aws.display());
    stage.profiles("", "[cli]\naws_access_key_id = AKIA0\n");
    let updates: usize = std::env::var("ARL_TEST_AWS_CLI").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let script = format!(
        "i=0; while [ $i -lt {updates} ]; do {} configure set aws_access_key_id AKIA$i --profile cli$i || exit 1; i=$((i+1)); done",
        aws.display()
    );
    let mut cli = stage.bare("sh").args(["-c", &script]).spawn().unwrap();
    let mut writes = 0;
    while cli.try_wait().unwrap().is_none() {
        let mut command = stage.as_ann("arl");
        command.env_remove("ARL_CACHE").args(["write", DEPLOY, "--profile-name", &format!("p{writes}")]);
        let _ = stage.run(&mut command).success();
        writes += 1;
    }
    assert!(cli.wait().unwrap().success());
    let text = credentials(&stage);
    let lost_of_cli =
        (0..updates).filter(|n| !text.contains(&format!("aws_access_key_id = AKIA{n}\n"))).count();
    let lost_of_arl = (0..writes).filter(|n| !text.contains(&format!("[p{n}]\n"))).count();
    assert_eq!((lost_of_cli, lost_of_arl), (0, 0), "of {updates} and {writes}");
    assert!(writes >= updates * 4, "{writes} writes are too few beside {updates}");
}

#[test]
fn a_configured_credential_process_keeps_its_path_across_upgrades() {
    let stage = Stage::new();
    stage.profiles("", "[dev]\naws_access_key_id = AKIA\naws_secret_access_key = x\n");
    let links = stage.home.join("bin");
    fs::create_dir(&links).unwrap();
    std::os::unix::fs::symlink(binary(), links.join("arl")).unwrap();
    let process = |path: String| {
        let mut arl = stage.bare(binary());
        let words = ["configure", DEPLOY, "--profile", "dev", "--profile-name", "p", "--process", "--force"];
        stage.run(arl.env("PATH", path).args(words)).success()
    };
    // The package manager's symlink stays the same across upgrades. Relative PATH entries do not count.
    let told = process(format!("bin:{}:/usr/bin", links.display()));
    assert!(told.contains(&format!("{} assume", links.join("arl").display())), "{told}");
    // Another program called arl is not used.
    fs::remove_file(links.join("arl")).unwrap();
    fs::write(links.join("arl"), "").unwrap();
    let told = process(format!("{}:/usr/bin", links.display()));
    assert!(told.contains(&format!("{} assume", binary().display())), "{told}");
    // A symlink outside of the PATH, through which arl was called.
    let link = stage.home.join("mine");
    symlink(binary(), &link).unwrap();
    let mut arl = stage.bare(&link);
    let words = ["configure", DEPLOY, "--profile", "dev", "--profile-name", "q", "--process"];
    let told = stage.run(arl.env("PATH", "/usr/bin").args(words)).success();
    assert!(told.contains(&format!("{} assume", link.display())), "{told}");
}

#[test]
fn configure_force_replaces_conflicting_keys_and_keeps_the_rest() {
    let stage = Stage::new();
    stage.profiles(
        "[profile p]\nsso_session = x\nsso_account_id = 1\nsso_role_name = y\nmfa_process = echo\nweb_identity_token_file = t\noutput = json\n",
        "[dev]\naws_access_key_id = AKIA\naws_secret_access_key = x\n",
    );
    let words = ["configure", DEPLOY, "--profile", "dev", "--profile-name", "p"];
    stage.run(stage.bare("arl").args(words)).failure(1, "with other settings");
    let _ = stage.run(stage.bare("arl").args(words).arg("--force")).success();
    let config = fs::read_to_string(stage.home.join(".aws/config")).unwrap();
    assert_eq!(config, format!("[profile p]\nrole_arn={DEPLOY}\nsource_profile=dev\noutput = json\n"));
}

#[test]
fn a_failed_write_leaves_no_temporary_file() {
    let stage = Stage::new();
    stage.profiles("", "[mine]\na=1\n");
    // The new file exceeds the limit on file sizes.
    let script = format!("ulimit -f 0; exec arl write {DEPLOY} --profile-name p");
    stage.run(stage.as_ann("bash").args(["-c", &script])).failure(1, "could not write profile `p`");
    let mut names: Vec<_> =
        fs::read_dir(stage.home.join(".aws")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".credentials.arl.lock", "config", "credentials"]);
    assert_eq!(credentials(&stage), "[mine]\na=1\n");
}

#[test]
fn a_configured_profile_works_in_sdks_and_holds_no_secret() {
    let stage = Stage::new();
    let keys = format!(
        "[dev]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    stage.profiles("# mine\n[profile other]\nregion = x\n", &keys);
    let path = stage.home.join(".aws/config");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let configure = |args: &[&str]| {
        let mut command = stage.bare("arl");
        command.args(["configure", DEPLOY, "--profile", "dev"]).args(args);
        stage.run(&mut command)
    };
    let run = configure(&["--profile-name", "plain", "--region", "us-east-1", "--duration", "30m"]);
    assert_eq!(
        run.success(),
        format!("role_arn={DEPLOY}\nsource_profile=dev\nregion=us-east-1\nduration_seconds=1800\n")
    );
    let _ = configure(&["--profile-name", "asked", "--process", "--region", "us-east-1", "--tags", "a=b c"])
        .success();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# mine\n[profile other]\nregion = x\n\n[profile plain]\n"), "{text}");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o644, "the mode of the user's file has changed");
    for profile in ["plain", "asked"] {
        let code = format!(
            "import boto3; print(boto3.Session(profile_name='{profile}').client('sts').get_caller_identity()['Arn'])"
        );
        let arn = stage.run(stage.bare(crate::aws_assume_role_lib::python()).args(["-c", &code])).success();
        assert!(arn.starts_with("arn:aws:sts::123456789012:assumed-role/Deploy/"), "{profile}: {arn}");
    }
    assert_eq!(stage.assumed()[0].get("DurationSeconds"), Some("1800"));
    assert_eq!(stage.assumed()[1].get("Tags.member.1.Value"), Some("b c"));
    // The same settings again change nothing. Other settings need --force.
    let run = configure(&["--profile-name", "plain", "--region", "us-east-1", "--duration", "30m"]);
    assert!(run.stderr.contains("is unchanged"), "{run:?}");
    configure(&["--profile-name", "plain"]).failure(1, "with other settings");
    let _ = configure(&["--profile-name", "plain", "--force"]).success();
    let plain = fs::read_to_string(&path).unwrap();
    assert!(!plain.contains("duration_seconds") && !plain.contains("[profile plain]\n\n"), "{plain}");
    // Settings that a role profile cannot hold are refused, not dropped.
    configure(&["--profile-name", "x", "--policy", "{}"]).failure(2, "for --policy");
    configure(&["--profile-name", "x", "--role-session-name", "{user}"]).failure(2, "--process writes");
    configure(&["--profile-name", "x", "--external-id", "a\n[b]"]).failure(2, "--external-id");
    configure(&["--profile-name", "dev"]).failure(2, "cannot be its own source");
    // A role named by its profile brings that profile's settings.
    fs::write(&path, format!("[profile r]\nrole_arn = {DEPLOY}\nsource_profile = dev\nexternal_id = abc\n"))
        .unwrap();
    let run =
        stage.run(stage.bare("arl").args(["configure", "r", "--profile-name", "copy", "--duration", "1h"]));
    let expected = format!("role_arn={DEPLOY}\nsource_profile=dev\nexternal_id=abc\nduration_seconds=3600\n");
    assert_eq!(run.success(), expected);
    // `credential_source` is not a profile, and whitespace after commas is not part of a tag.
    let machine =
        "credential_source = Environment\nsession_tags = a=b, c=d\ntransitive_session_tags = a, c\n";
    fs::write(&path, format!("[profile m]\nrole_arn = {DEPLOY}\n{machine}[profile t]\nrole_arn = {DEPLOY}\nsource_profile = dev\n{machine}").replace("dev\ncredential_source = Environment\n", "dev\n")).unwrap();
    let run = stage.run(stage.bare("arl").args(["configure", "t", "--profile-name", "tags", "--process"]));
    assert!(run.success().contains("--transitive-tag-keys a,c --tags a=b,c=d"));
    let machine = |more: &[&str]| {
        let mut arl = stage.bare("arl");
        arl.env("AWS_ACCESS_KEY_ID", World::ANN_KEY).env("AWS_SECRET_ACCESS_KEY", World::ANN_SECRET);
        stage.run(arl.args(["configure", "m", "--profile-name", "copy"]).args(more))
    };
    machine(&["--process"]).failure(2, "`credential_source = Environment`");
    fs::write(
        &path,
        format!("[profile m]\nrole_arn = {DEPLOY}\ncredential_source = Ec2InstanceMetadata\n[profile dev]\n"),
    )
    .unwrap();
    let expected = format!("role_arn={DEPLOY}\ncredential_source=Ec2InstanceMetadata\n");
    assert_eq!(machine(&[]).success(), expected);
    // File names become absolute, and invalid values are refused.
    fs::write(stage.home.join("policy.json"), "{}").unwrap();
    let run = configure(&["--profile-name", "file", "--process", "--policy", "file://policy.json"]);
    let said = run.success();
    assert!(said.contains("--policy file:///") && said.contains("/policy.json"), "{said}");
    configure(&["--profile-name", "y", "--process", "--duration", "99h"]).failure(2, "--duration");
    configure(&["--profile-name", "y", "--profile", "default"]).failure(1, "no profile `default`");
    // A warning says if the credentials file has keys that take precedence.
    stage.profiles("", &format!("{keys}[both]\naws_access_key_id = AKIA\naws_secret_access_key = x\n"));
    let run = configure(&["--profile-name", "both"]);
    assert!(run.stderr.contains("has keys in"), "{run:?}");
}

/// Both readers of the profile must send the same tags.
#[test]
fn configure_process_passes_the_tags_that_the_profile_means() {
    let stage = Stage::new();
    let keys =
        format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", World::ANN_KEY, World::ANN_SECRET);
    let role = format!("[profile dev]\nrole_arn = {DEPLOY}\nsource_profile = ann\n");
    let lists = "session_tags = Team = web , Note=x\ntransitive_session_tags = Team , Note\n";
    stage.profiles(&format!("{role}{lists}"), &format!("[ann]\n{keys}"));
    let run = stage.arl(&["configure", "dev", "--profile-name", "cdev", "--process"]).success();
    assert!(run.contains(" --transitive-tag-keys Team,Note --tags Team=web,Note=x\n"), "{run}");
    let explained = stage.arl(&["explain", "dev"]).success();
    assert!(explained.contains("Tags Team=web, Note=x"), "{explained}");
}

/// Runs `arl write` as root for a user whose home directory holds what `prepare` puts there.
fn write_as_root_for(prepare: impl Fn(&std::path::Path)) -> Option<(Stage, Run)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let stage = Stage::new();
    let aws = stage.home.join(".aws");
    std::os::unix::fs::chown(&aws, Some(4242), Some(4242)).unwrap();
    prepare(&aws);
    let run = stage.arl(&["write", DEPLOY, "--profile-name", "x"]);
    Some((stage, run))
}

/// A user could have root give any file away, by a link under the lock's name.
#[test]
fn root_gives_away_no_file_that_a_user_put_in_the_locks_place() {
    type Link = fn(&std::path::Path, &std::path::Path);
    let links: [(&str, Link); 3] = [
        ("symbolic link", |target, lock| symlink(target, lock).unwrap()),
        ("hard link", |target, lock| fs::hard_link(target, lock).unwrap()),
        ("dangling link", |target, lock| symlink(target.with_file_name("new"), lock).unwrap()),
    ];
    for (kind, link) in links {
        for lock in [".credentials.arl.lock", ".config.arl.lock"] {
            let prepare = |aws: &std::path::Path| {
                let target = aws.parent().unwrap().join("roots");
                fs::write(&target, "root's").unwrap();
                link(&target, &aws.join(lock));
            };
            let Some((stage, run)) = write_as_root_for(prepare) else { return };
            let configured =
                stage.arl(&["configure", DEPLOY, "--profile-name", "x", "--profile", "x", "--force"]);
            let refused = if lock == ".credentials.arl.lock" { &run } else { &configured };
            if lock == ".credentials.arl.lock" {
                refused.failure(1, "it is not a regular file");
            }
            let target = stage.home.join("roots");
            assert_eq!(fs::metadata(&target).unwrap().uid(), 0, "{kind}");
            assert_eq!(fs::read_to_string(&target).unwrap(), "root's", "{kind}");
            assert!(!stage.home.join("new").exists(), "{kind}: {run:?} {configured:?}");
        }
    }
}

/// A user could have root write into any file, by a link in the place of the credentials file.
#[test]
fn root_follows_no_users_link_to_a_file_of_another() {
    let prepare = |aws: &std::path::Path| {
        let target = aws.parent().unwrap().join("roots");
        fs::write(&target, "").unwrap();
        let link = aws.join("credentials");
        symlink(&target, &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(4242), Some(4242)).unwrap();
    };
    let Some((stage, run)) = write_as_root_for(prepare) else { return };
    run.failure(1, "which that user does not own");
    assert_eq!(fs::read_to_string(stage.home.join("roots")).unwrap(), "");
    // The user's own file, by the user's own link, is that user's afterwards as well.
    let prepare = |aws: &std::path::Path| {
        let target = aws.join("real");
        fs::write(&target, "").unwrap();
        std::os::unix::fs::chown(&target, Some(4242), Some(4242)).unwrap();
        let link = aws.join("credentials");
        symlink(&target, &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(4242), Some(4242)).unwrap();
    };
    let Some((stage, run)) = write_as_root_for(prepare) else { return };
    assert_eq!(run.success(), "");
    assert_eq!(fs::metadata(stage.home.join(".aws/real")).unwrap().uid(), 4242);
    assert_eq!(fs::metadata(stage.home.join(".aws/.real.arl.lock")).unwrap().uid(), 4242);
}

/// Only root can give a file to another user.
#[test]
fn a_plain_user_writes_into_a_directory_of_root() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stage = Stage::new();
    let shared = stage.home.join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
    let program = std::path::Path::new("/tmp").join(format!("arl-test-{}", std::process::id()));
    copy_program(&program);
    let mut command = stage.as_ann("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    command.args(["write", DEPLOY, "--profile-name", "x"]);
    command.env("AWS_SHARED_CREDENTIALS_FILE", shared.join("new")).current_dir("/");
    let run = stage.run(&mut command);
    fs::remove_file(&program).unwrap();
    assert_eq!(run.success(), "");
    let written = fs::metadata(shared.join("new")).unwrap();
    assert_eq!((written.uid(), written.mode() & 0o777), (65534, 0o600));
}

/// Runs a script as root of a mount namespace. `None`: some containers forbid namespaces.
fn in_mount_namespace(stage: &Stage, script: &str) -> Option<Run> {
    let run = |script: &str| {
        let mut command = stage.as_ann("unshare");
        stage.run(command.args(["--map-root-user", "--mount", "sh", "-ec", script]))
    };
    (run("true").status == 0).then(|| run(script))
}

/// Containers mount single files, which cannot be replaced by another file.
#[test]
fn a_file_that_cannot_be_replaced_is_written_in_place() {
    let stage = Stage::new();
    let write = format!("arl -v write {DEPLOY} --profile-name deploy");
    let mine = "# mine\n[ann]\naws_access_key_id = AKIAX\naws_secret_access_key = s\n";
    let long = format!(
        "{mine}[deploy]\n# expires 2020-01-01T00:00:00Z\naws_access_key_id=ASIAX\naws_secret_access_key=s\naws_session_token={}\n",
        "x".repeat(3000)
    );
    for (name, mounts) in [
        ("a mounted file", "mount --bind real .aws/credentials"),
        // As in `docker run --read-only`: no lock and no new file can be made beside it.
        (
            "a mounted file in a read-only directory",
            "mount --bind .aws .aws; mount -o remount,bind,ro .aws; mount --bind real .aws/credentials",
        ),
    ] {
        for before in [mine, &long] {
            let real = stage.home.join("real");
            fs::write(&real, before).unwrap();
            fs::set_permissions(&real, PermissionsExt::from_mode(0o644)).unwrap();
            fs::write(stage.home.join(".aws/credentials"), "").unwrap();
            let Some(run) = in_mount_namespace(&stage, &format!("{mounts}; {write}")) else { return };
            assert!(run.stderr.contains("so it was written in place"), "{name}: {run:?}");
            let _ = run.success();
            let text = fs::read_to_string(&real).unwrap();
            assert!(text.starts_with(mine) && text.contains("\n[deploy]\n# expires 20"), "{name}: {text}");
            assert!(
                text.contains("\naws_session_token=FwoG") && !text.contains(&"x".repeat(20)),
                "{name}: {text}"
            );
            assert!(!text.contains("\n\n\n"), "{name}: {text}");
            assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o600, "{name}");
            let left: Vec<_> = fs::read_dir(stage.home.join(".aws"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            assert!(left.iter().all(|name| !name.to_string_lossy().contains("tmp")), "{name}: {left:?}");
        }
    }
    // Where the new text has no room, the old one comes back, without the padding.
    let padded = format!("{mine}# {}\n", "x".repeat(400));
    fs::write(stage.home.join("real"), &padded).unwrap();
    let mounts = "mount --bind .aws .aws; mount -o remount,bind,ro .aws; mount --bind real .aws/credentials";
    let run = in_mount_namespace(&stage, &format!("{mounts}; ulimit -f 1; {write}")).unwrap();
    run.failure(1, "File too large");
    assert_eq!(fs::read_to_string(stage.home.join("real")).unwrap(), padded);
    // A file with a second name may be another user's.
    fs::hard_link(stage.home.join("real"), stage.home.join("second")).unwrap();
    let run = in_mount_namespace(&stage, &format!("mount --bind real .aws/credentials; {write}")).unwrap();
    run.failure(1, "not a regular file, or has several hard links");
    fs::remove_file(stage.home.join("second")).unwrap();
    // Writers that run at the same time lose nothing.
    fs::write(stage.home.join("real"), mine).unwrap();
    let writers = "mount --bind real .aws/credentials; for n in 1 2 3 4 5 6 7 8; do arl write 123456789012/Deploy --profile-name p$n & done; wait";
    let run = in_mount_namespace(&stage, writers).unwrap();
    let text = fs::read_to_string(stage.home.join("real")).unwrap();
    assert!((1..=8).all(|n| text.contains(&format!("[p{n}]\n"))), "{text} {run:?}");
    // `configure` writes the other file the same way.
    fs::write(stage.home.join(".aws/config"), "").unwrap();
    fs::write(
        stage.home.join("real"),
        "# mine\n[profile ann]\naws_access_key_id = AKIAX\naws_secret_access_key = s\n",
    )
    .unwrap();
    let configure =
        format!("mount --bind real .aws/config; arl -v configure {DEPLOY} --profile-name c --profile ann");
    let run = in_mount_namespace(&stage, &configure).unwrap();
    assert!(run.stderr.contains("so it was written in place"), "{run:?}");
    assert!(fs::read_to_string(stage.home.join("real")).unwrap().starts_with("# mine\n"));
}

/// Starts a program whose chmod(2) fails with EPERM, as on CIFS and on the drives of Windows under WSL.
#[cfg(target_os = "linux")]
const WITHOUT_CHMOD: &str = "
import ctypes, os, platform, struct, sys
audit, calls = {'x86_64': (0xc000003e, (90, 91, 268, 452)), 'aarch64': (0xc00000b7, (52, 53, 452))}[platform.machine()]
code = [(0x20, 0, 0, 4), (0x15, 0, len(calls) + 1, audit), (0x20, 0, 0, 0)]
code += [(0x15, len(calls) - 1 - index + 1, 0, call) for index, call in enumerate(calls)]
code += [(0x06, 0, 0, 0x7fff0000), (0x06, 0, 0, 0x00050001)]
program = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in code))
prog = ctypes.create_string_buffer(struct.pack('HxxxxxxP', len(code), ctypes.addressof(program)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, prog, 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])
";

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_without_chmod_matters_only_if_others_can_read_the_file() {
    let stage = Stage::new();
    let write = |umask: &str, mounts: &str| {
        let script = format!(
            "{mounts} umask {umask}; exec python3 -c \"$WITHOUT_CHMOD\" arl write {DEPLOY} --profile-name deploy --force"
        );
        let mut command = stage.as_ann("unshare");
        command
            .args(["--map-root-user", "--mount", "sh", "-ec", &script])
            .env("WITHOUT_CHMOD", WITHOUT_CHMOD);
        stage.run(&mut command)
    };
    if stage.run(stage.bare("unshare").args(["--map-root-user", "--mount", "true"])).status != 0 {
        return;
    }
    let _ = write("077", "").success();
    assert_eq!(fs::metadata(stage.home.join(".aws/credentials")).unwrap().mode() & 0o777, 0o600);
    let config = stage.home.join(".aws/config");
    fs::write(&config, "# mine\n").unwrap();
    // In place, the file has the permissions of before.
    let real = stage.home.join("real");
    for (mode, expected) in [(0o600, 0), (0o644, 1)] {
        fs::write(&real, "").unwrap();
        fs::set_permissions(&real, PermissionsExt::from_mode(mode)).unwrap();
        let run = write("022", "mount --bind real .aws/credentials;");
        assert_eq!(run.status, expected, "{mode:o}: {run:?}");
        if expected == 1 {
            run.failure(1, "other users can read it");
            assert_eq!(fs::read_to_string(&real).unwrap(), "");
        }
    }
}

/// A process that is killed between two system calls leaves a temporary file, which may hold secrets.
#[test]
fn commands_that_change_a_file_remove_what_a_killed_one_left_beside_it() {
    let stage = crate::login::stage();
    let aws = stage.home.join(".aws");
    fs::create_dir_all(aws.join("sso/cache")).unwrap();
    let left = [".config.arl.tmp", ".credentials.arl.tmp-1f8a03c2", "sso/cache/.ab12.json.arl.tmp-00000000"]
        .map(|name| aws.join(name));
    let leave = || left.iter().for_each(|path| fs::write(path, "aws_secret_access_key = s").unwrap());
    let exist = || left.each_ref().map(|path| path.exists());
    for (args, stay) in [
        (&["logout", "corp"][..], [true, true, false]),
        (&["logout", "--all"], [true, true, false]),
        (&["keys", "list"], [false, false, true]),
        (&["keys", "add", "dev", "--import", "nobody"], [false, false, true]),
        (&["keys", "remove", "dev"], [false, false, true]),
        (&["write", "--remove", "nobody"], [false, false, true]),
        (&["configure", DEPLOY, "--profile", "dev", "--profile-name", "x"], [false, false, true]),
        (&["status"], [true, true, true]),
    ] {
        leave();
        let _ = crate::login::run(&stage, args);
        assert_eq!(exist(), stay, "{args:?}");
    }
    // Another process is writing the file.
    leave();
    let lock = fs::File::create(aws.join(".credentials.arl.lock")).unwrap();
    lock.lock().unwrap();
    let _ = crate::login::run(&stage, &["keys", "list"]);
    assert_eq!(exist(), [false, true, true]);
}
