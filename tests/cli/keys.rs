//! `arl keys`: long-term keys in a keychain, through a helper program that the tests write.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use arl_sts::{Fault, World};
use serde_json::Value;

use crate::aws_assume_role_lib::python;
use crate::discovery::hold_at;
use crate::support::{DEPLOY, Run, Stage, in_terminal, write_program};

/// A helper of the docker-credential protocol, which keeps each entry in a file. It logs its verbs, and can kill
/// arl before or after one of its calls.
pub(crate) const HELPER: &str = r#"#!/bin/sh
set -eu
umask 077
mkdir -p "$HOME/store"
echo "$1" >>"$HOME/helper-calls"
call=$(wc -l <"$HOME/helper-calls")
status=0
[ "${KILL_BEFORE:-}" = "$call" ] && kill -9 "$PPID" && exit 1
input=$(cat)
name() { printf %s "$1" | base64 -w0 | tr / _; }
case $1 in
store)
    url=${input#*\"ServerURL\":\"} && url=${url%%\"*}
    [ -e "$HOME/refuse-$(basename "$(dirname "$url")")" ] && echo 'the keychain is locked' && exit 1
    printf %s "$input" >"$HOME/store/$(name "$url").new"
    mv "$HOME/store/$(name "$url").new" "$HOME/store/$(name "$url")"
    ;;
get)
    if [ -e "$HOME/store/$(name "$input")" ]; then
        cat "$HOME/store/$(name "$input")"
    else
        echo 'credentials not found in native keychain'
        status=1
    fi
    ;;
erase) rm -f "$HOME/store/$(name "$input")" ;;
list)
    separator='{'
    for file in "$HOME/store"/*; do
        [ -e "$file" ] || continue
        printf '%s"%s":"x"' "$separator" "$(basename "$file" | tr _ / | base64 -d)"
        separator=,
    done
    [ "$separator" = '{' ] && printf '{'
    echo '}'
    ;;
esac
[ "${KILL_AFTER:-}" = "$call" ] && kill -9 "$PPID"
exit "$status"
"#;

/// A stage with the helper, and commands that use it.
pub(crate) struct KeyStage {
    pub(crate) stage: Stage,
}

impl KeyStage {
    pub(crate) fn new() -> Self {
        let stage = Stage::new();
        fs::create_dir_all(stage.home.join("bin")).unwrap();
        write_program(&stage.home.join("bin/docker-credential-fake"), HELPER);
        Self { stage }
    }

    /// A command without keys in its environment.
    pub(crate) fn bare(&self, program: &str) -> Command {
        let mut command = self.stage.bare(program);
        let path = command.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
        command
            .env("PATH", format!("{}:{}", self.stage.home.join("bin").display(), path.display()))
            .env("ARL_KEY_STORE", "fake")
            .env("AWS_ENDPOINT_URL_IAM", self.stage.sts.url());
        command
    }

    pub(crate) fn arl(&self, args: &[&str]) -> Run {
        self.stage.run(self.bare("arl").args(args))
    }

    /// Stores Ann's key under this name.
    pub(crate) fn add(&self, args: &[&str]) -> Run {
        let mut command = self.bare("arl");
        command.args(["keys", "add"]).args(args).arg("--stdin");
        let input = format!("{}\n{}\n", World::ANN_KEY, World::ANN_SECRET);
        self.stage.run_with_input(&mut command, &input)
    }

    pub(crate) fn config(&self) -> String {
        fs::read_to_string(self.stage.home.join(".aws/config")).unwrap_or_default()
    }

    /// The access key IDs in the store: the current one, and that of a rotation.
    pub(crate) fn stored(&self, name: &str) -> (Option<String>, Option<String>) {
        let read = |kind: &str| {
            let mut command = self.bare("docker-credential-fake");
            let url = format!("https://arl.invalid/{kind}/{name}");
            // A count of its own, so that the test's calls do not shift arl's.
            let calls = fs::read(self.stage.home.join("helper-calls")).unwrap_or_default();
            let run = self.run_quietly(command.arg("get"), &url);
            fs::write(self.stage.home.join("helper-calls"), calls).unwrap();
            let entry: Value = serde_json::from_str(&run.stdout).ok()?;
            let secret: Value = serde_json::from_str(entry["Secret"].as_str()?).ok()?;
            Some(secret["AccessKeyId"].as_str()?.to_owned())
        };
        (read("keys"), read("rotations"))
    }

    pub(crate) fn run_quietly(&self, command: &mut Command, input: &str) -> Run {
        self.stage.run_with_input(command, input)
    }

    pub(crate) fn record(&self, name: &str) -> PathBuf {
        self.stage.home.join(format!(".local/state/arl/keys/{name}.json"))
    }
}

#[test]
fn a_stored_key_is_a_source_in_every_place_that_names_one() {
    let keys = KeyStage::new();
    let run = keys.add(&["dev", "--region", "eu-west-1"]);
    assert!(
        run.stderr.contains("key …0001 of arn:aws:iam::111122223333:user/ann is stored as `dev`"),
        "{run:?}"
    );
    assert_eq!(run.success(), "");
    assert_eq!(keys.config(), "[profile dev]\narl_keys=dev\nregion=eu-west-1\n");
    let role = format!(
        "[profile by_source]\nrole_arn = {DEPLOY}\nsource_profile = dev\n[profile own]\nrole_arn = {DEPLOY}\narl_keys = dev\n\
         [profile self]\nrole_arn = {DEPLOY}\nsource_profile = self\narl_keys = dev\n"
    );
    fs::write(keys.stage.home.join(".aws/config"), keys.config() + &role).unwrap();
    for (role, flags, source) in [
        (DEPLOY, &["--profile", "dev"][..], "profile:dev"),
        ("by_source", &[], "profile:dev"),
        ("own", &[], "keys:dev"),
        ("self", &[], "keys:dev"),
        ("dev", &[], "profile:dev"),
    ] {
        let run = keys.arl(&[&["exec", role][..], flags, &["--", "env"]].concat()).success();
        assert!(run.contains(&format!("ARL_SOURCE={source}\n")), "{role}: {run}");
        assert_eq!(run.contains(&format!("AWS_ACCESS_KEY_ID={}\n", World::ANN_KEY)), role == "dev", "{run}");
    }
    assert_eq!(keys.stage.assumed().len(), 4);
    assert!(keys.stage.assumed().iter().all(|request| request.access_key_id == World::ANN_KEY));
    // A shell without the hook goes back to the key for another role.
    let script = "eval \"$(arl assume own)\"; arl exec 123456789012/ReadOnly -- env | grep ARL_SOURCE";
    assert_eq!(keys.stage.run(keys.bare("bash").args(["-c", script])).success(), "ARL_SOURCE=keys:dev\n");
    let listed = keys.arl(&["list"]).success();
    assert!(
        listed.lines().any(|line| line.trim_start().starts_with("own ") && line.contains("keys:dev")),
        "{listed}"
    );
    fs::remove_file(keys.stage.home.join("helper-calls")).unwrap();
    let explained = keys.arl(&["explain", "own"]).success();
    assert!(
        explained.contains("keys `dev` of the keychain   (`arl_keys = dev` of profile `own`)"),
        "{explained}"
    );
    assert!(explained.contains("calls      the keychain, by docker-credential-fake"), "{explained}");
    assert!(!keys.stage.home.join("helper-calls").exists(), "explain runs no program");
}

#[test]
fn a_cached_session_needs_no_keychain_and_belongs_to_one_key() {
    let keys = KeyStage::new();
    let _ = keys.add(&["dev"]).success();
    let assume = || {
        let mut command = keys.bare("arl");
        keys.stage.run(command.env_remove("ARL_CACHE").args(["assume", DEPLOY, "--profile", "dev", "--json"]))
    };
    let first = assume().success();
    fs::rename(keys.stage.home.join("bin"), keys.stage.home.join("away")).unwrap();
    assert_eq!(assume().success(), first);
    let cache = fs::read_dir(keys.stage.home.join(".cache/arl/v1")).unwrap();
    for file in cache.map(|entry| fs::read(entry.unwrap().path()).unwrap()) {
        assert!(
            !String::from_utf8_lossy(&file).contains(World::ANN_SECRET),
            "the cache holds the secret key"
        );
    }
    fs::rename(keys.stage.home.join("away"), keys.stage.home.join("bin")).unwrap();
    // Another program puts another user's key there: what was cached for the first is not used once that is seen.
    let bob = "arn:aws:iam::111122223333:user/bob";
    keys.stage.sts.change(|world| world.add_user(bob, "AKIAIOSFODNN7BOB0001", "BobsSecretKey"));
    let mut fake = keys.bare("docker-credential-fake");
    let secret = r#"{\"AccessKeyId\":\"AKIAIOSFODNN7BOB0001\",\"SecretAccessKey\":\"BobsSecretKey\"}"#;
    let entry = format!(
        "{{\"ServerURL\":\"https://arl.invalid/keys/dev\",\"Username\":\"dev\",\"Secret\":\"{secret}\"}}"
    );
    let _ = keys.run_quietly(fake.arg("store"), &entry).success();
    let role = |name: &str| {
        let mut command = keys.bare("arl");
        command.env_remove("ARL_CACHE").args(["assume", &format!("123456789012/{name}"), "--profile", "dev"]);
        keys.stage.run(command.arg("--json")).success()
    };
    let read_only = role("ReadOnly");
    assert_ne!(role("ReadOnly"), read_only, "nothing is cached under the key that is gone");
    let record = fs::read_to_string(keys.record("dev")).unwrap();
    assert!(record.contains("AKIAIOSFODNN7BOB0001"), "{record}");
    assert_ne!(assume().success(), first);
    let signers: Vec<String> =
        keys.stage.assumed().iter().map(|request| request.access_key_id.clone()).collect();
    assert_eq!(signers[1..], vec!["AKIAIOSFODNN7BOB0001"; signers.len() - 1]);
    // Ann's key comes back: what Bob's key got while arl took it for hers is not hers.
    let _ = keys.add(&["dev", "--force"]).success();
    let _ = role("ReadOnly");
    assert_eq!(keys.stage.assumed().last().unwrap().access_key_id, World::ANN_KEY);
}

#[test]
fn an_mfa_session_starts_from_a_stored_key() {
    let keys = KeyStage::new();
    let _ = keys.add(&["dev", "--serial-number", World::ANN_MFA]).success();
    assert!(keys.config().contains(&format!("mfa_serial={}", World::ANN_MFA)), "{}", keys.config());
    let exec = |code: &[&str]| {
        let mut command = keys.bare("arl");
        command.env_remove("ARL_CACHE").args([
            "exec",
            "123456789012/NeedsMfa",
            "--profile",
            "dev",
            "--mfa-session",
        ]);
        keys.stage.run(command.args(code).args(["--", "true"]))
    };
    let _ = exec(&["--token-code", "100003"]).success();
    let _ = exec(&[]).success();
    let actions: Vec<String> = keys.stage.sts.requests().into_iter().map(|request| request.action).collect();
    assert_eq!(actions, ["GetCallerIdentity", "GetSessionToken", "AssumeRole"]);
}

#[test]
fn a_profile_with_a_stored_key_and_another_identity_is_refused() {
    let keys = KeyStage::new();
    let _ = keys.add(&["dev"]).success();
    for (other, credentials) in [
        ("aws_access_key_id", "[dev]\naws_access_key_id = AKIAIOSFODNN7BOB0001\naws_secret_access_key = x\n"),
        ("login_session", ""),
        ("sso_account_id", ""),
    ] {
        let key = if credentials.is_empty() { format!("{other} = 1\n") } else { String::new() };
        keys.stage.profiles(&format!("[profile dev]\narl_keys = dev\n{key}"), credentials);
        keys.arl(&["assume", DEPLOY, "--profile", "dev", "--json"])
            .failure(1, &format!("has both `arl_keys` and `{other}`; remove one of them"));
    }
    for key in ["source_profile = x", "credential_source = Environment"] {
        keys.stage
            .profiles(&format!("[profile x]\n[profile p]\nrole_arn = {DEPLOY}\narl_keys = dev\n{key}\n"), "");
        keys.arl(&["assume", "p", "--json"]).failure(1, "has both `arl_keys` and ");
    }
    for name in ["a/b", "../x", "-x"] {
        keys.stage.profiles(&format!("[profile p]\narl_keys = {name}\n"), "");
        keys.arl(&["assume", "p", "--json"]).failure(1, "has an invalid `arl_keys`: it can contain letters");
    }
    keys.stage.profiles("[profile p]\narl_keys = other\n", "");
    let run = keys.arl(&["assume", "p", "--json"]);
    run.failure(1, "fake has no key `other`");
    assert!(run.stderr.contains("hint: `arl keys list` shows the stored keys"), "{run:?}");
    let mut command = keys.bare("arl");
    command.env("ARL_KEY_STORE", "../evil").args(["assume", "p", "--json"]);
    keys.stage.run(&mut command).failure(1, "ARL_KEY_STORE must be the name of a docker-credential helper");
}

#[test]
fn add_checks_a_key_before_it_stores_it() {
    let keys = KeyStage::new();
    let add = |input: &str, args: &[&str]| {
        let mut command = keys.bare("arl");
        command.args(["keys", "add", "dev", "--stdin"]).args(args);
        keys.stage.run_with_input(&mut command, input)
    };
    let (id, secret) = (World::ANN_KEY, World::ANN_SECRET);
    for (input, status, said) in [
        (String::new(), 2, "expected two lines"),
        (format!("{id}\n"), 2, "expected two lines"),
        (format!("{id}\n{secret}\nmore\n"), 2, "expected two lines"),
        (format!("{secret}\n{id}\n"), 2, "the access key ID must have 16 to 128 capital letters"),
        (format!("{id}\n{id}\n"), 2, "the secret key looks like an access key ID"),
        ("ASIAIOSFODNN7ANN0001\nx\n".into(), 2, "belongs to temporary keys"),
        (format!("{id}\n{secret}x\n"), 1, "the secret key does not belong to this access key ID"),
        (format!("AKIAIOSFODNN7ANN0009\n{secret}\n"), 1, "AWS does not know this key"),
        (format!("{{\"AccessKey\":{{\"AccessKeyId\":\"{id}\"}}}}"), 2, "expected two lines"),
        (
            format!("{{\"AccessKeyId\":\"{id}\",\"SecretAccessKey\":\"{secret}\",\"SessionToken\":\"x\"}}"),
            2,
            "temporary",
        ),
        ("{".repeat(70_000), 2, "expected two lines"),
    ] {
        let run = add(&input, &[]);
        run.failure(status, said);
        assert!(!run.stderr.contains(&secret[..10]), "{run:?}");
    }
    assert!(!keys.stage.home.join("store").read_dir().is_ok_and(|mut files| files.next().is_some()));
    assert_eq!(keys.config(), "");
    let json = format!(
        "{{\"AccessKey\": {{\"UserName\": \"ann\", \"AccessKeyId\": \"{id}\", \"Status\": \"Active\", \"SecretAccessKey\": \"{secret}\"}}}}\n"
    );
    let _ = add(&json, &["--profile-name", "work"]).success();
    assert_eq!(keys.config(), "[profile work]\narl_keys=dev\n");
    // The same key again changes nothing; another one would be lost.
    let _ = add(&json, &["--profile-name", "work"]).success();
    keys.stage.sts.change(|world| {
        world.add_user("arn:aws:iam::111122223333:user/bob", "AKIAIOSFODNN7BOB0001", "bobsecret")
    });
    add("AKIAIOSFODNN7BOB0001\nbobsecret\n", &["--no-profile"])
        .failure(1, "`dev` already stores the key …0001");
    let _ = add("AKIAIOSFODNN7BOB0001\nbobsecret\n", &["--no-profile", "--force"]).success();
    assert_eq!(keys.stored("dev").0.as_deref(), Some("AKIAIOSFODNN7BOB0001"));
    keys.stage.profiles(&format!("[profile p]\nrole_arn = {DEPLOY}\n"), "");
    add(&json, &["--profile-name", "p"]).failure(1, "profile `p` exists already, with `role_arn`");
    keys.arl(&["keys", "add", "a/b"]).failure(2, "the name of a key can contain letters");
    keys.arl(&["keys", "add", "new"]).failure(3, "there is no terminal to ask for the key on");
}

#[test]
fn add_takes_the_keys_of_the_environment() {
    let keys = KeyStage::new();
    let add = |token: Option<&str>| {
        let mut command = keys.bare("arl");
        command.args(["keys", "add", "dev", "--env"]);
        command.env("AWS_ACCESS_KEY_ID", World::ANN_KEY).env("AWS_SECRET_ACCESS_KEY", World::ANN_SECRET);
        command.envs(token.map(|token| ("AWS_SESSION_TOKEN", token)));
        keys.stage.run(&mut command)
    };
    add(Some("x")).failure(2, "AWS_SESSION_TOKEN is set, so the keys are temporary");
    let _ = add(None).success();
    assert_eq!(keys.stored("dev").0.as_deref(), Some(World::ANN_KEY));
    keys.arl(&["keys", "add", "dev", "--env"]).failure(2, "AWS_ACCESS_KEY_ID is not set");
}

#[test]
fn add_asks_at_a_terminal_without_showing_what_is_typed_and_offers_the_device() {
    let keys = KeyStage::new();
    for (answer, expected) in [
        ("", World::ANN_MFA),
        ("arn:aws:iam::111122223333:mfa/other", "arn:aws:iam::111122223333:mfa/other"),
        ("-", ""),
    ] {
        keys.stage.profiles("", "");
        let mut terminal =
            in_terminal(&keys.stage, "env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY arl keys add dev");
        for (name, value) in keys.bare("arl").get_envs() {
            terminal.env(name, value.unwrap());
        }
        let input = format!("{}\n{}\n{answer}\n", World::ANN_KEY, World::ANN_SECRET);
        let mut process = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut keyboard = process.stdin.take().unwrap();
        let mut screen = process.stdout.take().unwrap();
        let mut seen = String::new();
        let mut lines = input.lines();
        // Each answer is typed when its question has appeared, with the echo off.
        for question in ["Access key ID (not shown): ", "Secret access key (not shown): ", "- for none]: "] {
            while !seen.contains(question) {
                let mut bytes = [0; 256];
                let count = std::io::Read::read(&mut screen, &mut bytes).unwrap();
                assert_ne!(count, 0, "{seen}");
                seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
            std::io::Write::write_all(&mut keyboard, format!("{}\r", lines.next().unwrap()).as_bytes())
                .unwrap();
        }
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut screen, &mut rest).unwrap();
        seen.push_str(&rest);
        assert!(process.wait().unwrap().success(), "{seen}");
        assert!(!seen.contains(World::ANN_SECRET) && !seen.contains(World::ANN_KEY), "{seen}");
        assert!(seen.contains(&format!("MFA device of ann [{}; - for none]", World::ANN_MFA)), "{seen}");
        let device = if expected.is_empty() { String::new() } else { format!("mfa_serial={expected}\n") };
        assert_eq!(keys.config(), format!("[profile dev]\narl_keys=dev\n{device}"));
    }
}

#[test]
fn import_moves_the_keys_once_the_store_has_given_them_back() {
    let keys = KeyStage::new();
    let credentials = format!(
        "# mine\n[ann]\naws_access_key_id = {}\naws_secret_access_key = {}\n\n[other]\naws_access_key_id = AKIAOTHER\n",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    let config = "[profile ann]\nregion = eu-west-1\noutput = json\n";
    keys.stage.profiles(config, &credentials);
    let read = || fs::read_to_string(keys.stage.home.join(".aws/credentials")).unwrap();
    let import = || keys.arl(&["keys", "add", "dev", "--import", "ann"]);
    fs::write(keys.stage.home.join("refuse-keys"), "").unwrap();
    import().failure(1, "the keychain is locked");
    assert_eq!((read(), keys.config()), (credentials.clone(), config.to_owned()));
    fs::remove_file(keys.stage.home.join("refuse-keys")).unwrap();
    let run = import();
    assert!(run.stderr.contains("removed its keys from "), "{run:?}");
    let _ = run.success();
    assert_eq!(read(), "# mine\n[other]\naws_access_key_id = AKIAOTHER\n");
    let arl = keys.config().lines().last().unwrap().to_owned();
    assert!(arl.starts_with("credential_process=/") && arl.ends_with("/arl keys show dev --json"), "{arl}");
    assert!(keys.config().starts_with(&format!("{config}arl_keys=dev\n")), "{}", keys.config());
    let _ = keys.arl(&["exec", DEPLOY, "--profile", "ann", "--", "true"]).success();
    // A crash between the two files leaves both: refused until the import is finished.
    fs::write(keys.stage.home.join(".aws/credentials"), &credentials).unwrap();
    keys.arl(&["exec", DEPLOY, "--profile", "ann", "--", "true"]).failure(125, "has both `arl_keys` and");
    let _ = import().success();
    assert_eq!(read(), "# mine\n[other]\naws_access_key_id = AKIAOTHER\n");
    import().failure(2, "profile `ann` has no access key");
    keys.arl(&["keys", "add", "x", "--import", "other"]).failure(2, "profile `other` has no access key");
    keys.arl(&["keys", "add", "x", "--import", "nobody"]).failure(1, "there is no profile `nobody`");
    keys.stage.profiles("[profile ann]\nsso_account_id = 1\n", &credentials);
    keys.arl(&["keys", "add", "x", "--import", "ann"])
        .failure(1, "profile `ann` has `sso_account_id` besides its keys");
}

#[test]
fn import_removes_no_keys_but_those_that_it_has_stored() {
    let keys = KeyStage::new();
    let file = |id: &str, secret: &str| {
        format!("[ann]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
    };
    keys.stage.profiles("", &file(World::ANN_KEY, World::ANN_SECRET));
    let mut add = keys.bare("arl");
    add.args(["keys", "add", "dev", "--import", "ann"]);
    let fault = Fault::Delay(std::time::Duration::from_secs(3));
    let child = hold_at(&keys.stage, fault, "GetCallerIdentity", add);
    // Another program writes a new key while arl checks the old one.
    let new = file("AKIAIOSFODNN7OTHER12", "of another program");
    fs::write(keys.stage.home.join(".aws/credentials"), &new).unwrap();
    Run::of(child.wait_with_output().unwrap()).failure(1, "another program has just changed it");
    assert_eq!(fs::read_to_string(keys.stage.home.join(".aws/credentials")).unwrap(), new);
    assert_eq!(keys.stored("dev").0.as_deref(), Some(World::ANN_KEY));
}

#[test]
fn a_key_that_has_two_names_is_not_rotated() {
    let keys = KeyStage::new();
    for name in ["one", "two"] {
        let _ = keys.add(&[name, "--no-profile"]).success();
    }
    keys.arl(&["keys", "rotate", "one"]).failure(1, "is also stored as `two`, which would stop working");
    assert_eq!(keys.stored("one"), (Some(World::ANN_KEY.to_owned()), None));
    let _ = keys.arl(&["keys", "remove", "two", "--force"]).success();
    let _ = keys.arl(&["keys", "rotate", "one"]).success();
}

#[test]
fn boto3_gets_the_key_through_a_configured_profile() {
    let keys = KeyStage::new();
    let _ = keys.add(&["dev", "--no-profile"]).success();
    assert_eq!(keys.config(), "");
    let said =
        keys.arl(&["configure", "--keys", "dev", "--profile-name", "sdk", "--region", "eu-west-1"]).success();
    assert!(said.contains("arl_keys=dev\ncredential_process=/"), "{said}");
    let who = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])";
    let mut command = keys.bare(&python());
    let run = keys.stage.run(command.args(["-c", who]).env("AWS_PROFILE", "sdk"));
    assert_eq!(run.success(), format!("{}\n", World::ANN));
    // For arl the same profile is a source without a detour.
    let _ = keys.arl(&["exec", DEPLOY, "--profile", "sdk", "--", "true"]).success();
    keys.arl(&["configure", "--keys", "dev", "--profile-name", "x", "--duration", "1h"])
        .failure(2, "--duration cannot be used with --keys");
    keys.arl(&["configure", DEPLOY, "--keys", "dev", "--profile-name", "x"]).failure(2, "--keys");
    let _ = keys.arl(&["keys", "remove", "dev", "--force"]).success();
    assert_eq!(keys.config(), "[profile sdk]\nregion=eu-west-1\n");
}

#[test]
fn show_prints_a_secret_only_where_it_was_asked_to_go() {
    let keys = KeyStage::new();
    let _ = keys.add(&["dev"]).success();
    let shown = keys.arl(&["keys", "show", "dev"]).success();
    assert!(
        shown.contains(World::ANN_KEY) && shown.contains(World::ANN) && shown.contains("profiles  dev"),
        "{shown}"
    );
    keys.stage.assert_no_secret(&shown);
    let json: Value = serde_json::from_str(&keys.arl(&["keys", "show", "dev", "--json"]).success()).unwrap();
    assert_eq!(json["SecretAccessKey"], World::ANN_SECRET);
    assert_eq!(
        json.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["AccessKeyId", "SecretAccessKey", "Version"]
    );
    let write = |mode: &str, show: &str| {
        let line = format!("rm -f out; : >out; chmod {mode} out; arl keys show dev --json {show} >out");
        let run = keys.stage.run(keys.bare("sh").args(["-c", &line]));
        (run, fs::read_to_string(keys.stage.home.join("out")).unwrap())
    };
    let (run, out) = write("644", "");
    run.failure(1, "other users could read the secret key");
    assert_eq!(out, "");
    for (mode, show) in [("600", ""), ("644", "--show")] {
        let (run, out) = write(mode, show);
        assert_eq!(run.status, 0, "{run:?}");
        assert!(out.contains(World::ANN_SECRET));
    }
    let mut terminal = in_terminal(&keys.stage, "arl keys show dev --json");
    for (name, value) in keys.bare("arl").get_envs() {
        terminal.env(name, value.unwrap());
    }
    let screen = Run::of(terminal.output().unwrap());
    assert!(screen.stdout.contains("the terminal would show the secret key"), "{screen:?}");
    assert!(!screen.stdout.contains(World::ANN_SECRET), "{screen:?}");
}

#[test]
fn list_shows_what_is_stored_and_what_is_missing() {
    let keys = KeyStage::new();
    let run = keys.arl(&["keys", "list"]);
    assert!(run.stderr.contains("no keys are stored"), "{run:?}");
    assert_eq!(run.success(), "");
    let _ = keys.add(&["dev"]).success();
    let _ = keys.add(&["spare", "--no-profile"]).success();
    // Docker's own entries are none of arl's.
    let mut fake = keys.bare("docker-credential-fake");
    let entry = r#"{"ServerURL":"https://index.docker.io/v1/","Username":"me","Secret":"x"}"#;
    let _ = keys.run_quietly(fake.arg("store"), entry).success();
    let listed = keys.arl(&["keys", "list"]).success();
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(listed.contains(&format!("dev    {}  {}  fake", World::ANN_KEY, World::ANN)), "{listed}");
    keys.stage.assert_no_secret(&listed);
    fs::remove_dir_all(keys.stage.home.join("store")).unwrap();
    fs::remove_file(keys.record("spare")).unwrap();
    let json = keys.arl(&["keys", "list", "--json"]).success();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["name"].as_str(), json["missing"].as_bool()), (Some("dev"), Some(true)));
    assert_eq!(json["profiles"][0], "dev");
}

#[test]
fn remove_asks_and_takes_every_trace_away() {
    let keys = KeyStage::new();
    let _ = keys.add(&["dev", "--serial-number", World::ANN_MFA]).success();
    keys.arl(&["keys", "remove", "dev"]).failure(3, "there is no terminal to ask on");
    assert_eq!(keys.stored("dev").0.as_deref(), Some(World::ANN_KEY));
    let run = keys.arl(&["keys", "remove", "dev", "--force"]);
    assert!(
        run.stderr.contains(&format!("aws iam delete-access-key --access-key-id {}", World::ANN_KEY)),
        "{run:?}"
    );
    let _ = run.success();
    assert_eq!(keys.stored("dev"), (None, None));
    assert!(!keys.record("dev").exists());
    assert!(!keys.config().contains("arl_keys"), "{}", keys.config());
    keys.arl(&["keys", "remove", "dev", "--force"]).failure(1, "fake has no key `dev`");
}

#[test]
fn without_a_key_store_the_error_names_what_can_be_installed() {
    let keys = KeyStage::new();
    let mut command = keys.bare("arl");
    let arl = crate::support::binary();
    command.env("PATH", arl.parent().unwrap()).env_remove("ARL_KEY_STORE").args(["keys", "list"]);
    let run = keys.stage.run(&mut command);
    run.failure(1, "could not find a keychain");
    for word in [
        "docker-credential-osxkeychain",
        "docker-credential-secretservice",
        "docker-credential-pass",
        "hint: install one",
    ] {
        assert!(run.stderr.contains(word), "{word}: {run:?}");
    }
    let mut command = keys.bare("arl");
    command.env("ARL_KEY_STORE", "nosuch").args(["keys", "list"]);
    keys.stage.run(&mut command).failure(1, "install `docker-credential-nosuch` and put it on PATH");
}

/// Of the helper's answers that are wrong, each kind once through the program; the others are tests of the library.
#[test]
fn a_helper_that_misbehaves_is_one_clear_error_without_a_secret() {
    for (script, said) in [
        ("echo '{\"ServerURL\":\"u\",\"Username\":\"ann\",\"Secret\":\"hunter2\"}'", "for another entry"),
        ("echo '{\"ServerURL\":\"u\",\"Username\":\"dev\",\"Secret\":\"\"}'", "an empty secret"),
        (
            "echo '{\"ServerURL\":\"u\",\"Username\":\"dev\",\"Secret\":\"hunter2\"}'",
            "that arl did not write",
        ),
        ("echo 'hunter2'", "it did not print a JSON object"),
        ("exec cat /dev/zero", "it wrote more than 64 KiB"),
        ("printf 'locked\\033[2J\\nerror: fake'; exit 1", "it said: locked\\u{1b}[2J"),
    ] {
        let keys = KeyStage::new();
        keys.stage.profiles("[profile dev]\narl_keys = dev\n", "");
        write_program(&keys.stage.home.join("bin/docker-credential-fake"), format!("#!/bin/sh\n{script}\n"));
        let run = keys.arl(&["assume", DEPLOY, "--profile", "dev", "--json"]);
        run.failure(1, said);
        assert!(
            run.stderr.contains("docker-credential-fake") || said.contains("arl did not write"),
            "{run:?}"
        );
        assert!(!run.stderr.contains("hunter2") && run.stdout.is_empty(), "{run:?}");
    }
}

#[test]
fn no_secret_is_in_an_argument_a_variable_a_file_or_a_message() {
    let keys = KeyStage::new();
    let trace = keys.stage.home.join("trace");
    let script = format!(
        "printf '%s\\n%s\\n' \"$ID\" \"$KEY\" | env -u KEY arl -v keys add dev --stdin && unset KEY && arl -v keys list \
         && arl -v keys show dev && arl -v exec {DEPLOY} --profile dev -- true && arl -v keys rotate dev"
    );
    let mut command = keys.bare("strace");
    command
        .args(["-f", "-v", "-e", "trace=execve", "-s", "99999", "-o"])
        .arg(&trace)
        .args(["sh", "-c", &script]);
    command.env("ID", World::ANN_KEY).env("KEY", World::ANN_SECRET).env_remove("ARL_CACHE");
    let run = keys.stage.run(&mut command);
    assert_eq!(run.status, 0, "{run:?}");
    keys.stage.assert_no_secret(&run.stdout);
    let trace = fs::read_to_string(trace).unwrap();
    // The first two programs are those that the test gives the key to.
    let of_arl: Vec<&str> = trace.lines().filter(|line| line.contains("docker-credential-fake\"")).collect();
    assert!(of_arl.len() > 15, "{trace}");
    for line in of_arl {
        assert!(!line.contains(World::ANN_SECRET), "{line}");
        keys.stage.assert_no_secret(line);
    }
    for directory in [".aws", ".cache", ".local"] {
        let files =
            Run::of(keys.bare("find").arg(directory).args(["-type", "f"]).output().unwrap()).success();
        assert!(!files.is_empty(), "{directory}");
        for file in files.lines() {
            let text = fs::read(keys.stage.home.join(file)).unwrap();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(World::ANN_SECRET), "{file}");
            keys.stage.sts.change(|world| {
                for key in world.keys.values().filter(|key| key.token.is_none()) {
                    assert!(!text.contains(&key.secret), "{file}");
                }
            });
        }
    }
}

#[test]
fn no_core_of_arl_or_of_a_helper_is_left() {
    let keys = KeyStage::new();
    let _ = keys.add(&["dev"]).success();
    let cores = || {
        let names = fs::read_dir(&keys.stage.home).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("core")).count()
    };
    // With the secret in its memory, arl waits for an answer.
    keys.stage.sts.reset();
    keys.stage.sts.inject(arl_sts::Fault::Silence, 1);
    let mut command = keys.bare("sh");
    command.args(["-c", "ulimit -c unlimited; exec arl keys rotate dev"]).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    while keys.stage.sts.requests().is_empty() {
        std::thread::yield_now();
    }
    let quit = |pid: u32| Command::new("kill").args(["-QUIT", &pid.to_string()]).status().unwrap();
    assert!(quit(child.id()).success());
    let status = child.wait().unwrap();
    assert!(!std::os::unix::process::ExitStatusExt::core_dumped(&status), "{status:?}");
    assert_eq!(cores(), 0);
    // The helper has the secret in its memory too.
    let helper = "#!/bin/sh\ninput=$(cat)\nkill -QUIT $$\n";
    write_program(&keys.stage.home.join("bin/docker-credential-fake"), helper);
    let mut command = keys.bare("sh");
    command.args(["-c", "ulimit -c unlimited; arl keys show dev --json"]);
    keys.stage.run(&mut command).failure(1, "docker-credential-fake");
    assert_eq!(cores(), 0);
    // The control: a program that arl does not start leaves one where the system writes them here.
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let mut control = keys.bare("sh");
    let status = control.args(["-c", "ulimit -c unlimited && kill -QUIT $$"]).status().unwrap();
    if pattern.trim() == "core" && std::os::unix::process::ExitStatusExt::core_dumped(&status) {
        assert_eq!(cores(), 1);
    }
}
