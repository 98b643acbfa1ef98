//! Every file that arl reads may be huge, or have no end: arl ends in time, in bounded memory.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use arl_sts::World;

use crate::login;
use crate::support::{DEPLOY, Stage};

/// The most memory, in KiB, that a call may use, and the most seconds that it may take.
const MAX_MEMORY: u64 = 64 * 1024;
const MAX_SECONDS: f64 = 5.0;

/// Runs the command that follows, and writes its status, seconds and memory (KiB) into a file. A command that
/// does not end is killed after 15 s.
const MEASURE: &str = "
import os, resource, signal, subprocess, sys, time
begin = time.monotonic()
process = subprocess.Popen(sys.argv[2:])
try:
    status = process.wait(15)
except subprocess.TimeoutExpired:
    process.kill()
    status = process.wait()
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
memory = usage.ru_maxrss // (1024 if sys.platform == 'darwin' else 1)
open(sys.argv[1], 'w').write(f'{status} {time.monotonic() - begin} {memory}')
";

/// What is in the place of a file.
#[derive(Debug, Clone, Copy)]
enum Oddity {
    /// A sparse file of a gigabyte.
    Huge,
    /// A device without an end.
    Endless,
    /// A pipe without a writer.
    SilentPipe,
}

impl Oddity {
    const ALL: [Self; 3] = [Self::Huge, Self::Endless, Self::SilentPipe];

    /// Puts it into a place.
    fn put(self, path: &Path) {
        let _ = fs::remove_file(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match self {
            Self::Huge => {
                let file = fs::File::create(path).unwrap();
                file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
                file.set_len(1 << 30).unwrap();
            }
            Self::Endless => symlink("/dev/zero", path).unwrap(),
            Self::SilentPipe => {
                let made = Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap();
                assert!(made.success());
            }
        }
    }
}

/// The files that arl reads: a name, the command line, variables, and the path (in the home directory) that
/// gets the oddity. `@` in an argument or a variable is replaced with that path.
type Place<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

const PLACES: &[Place<'_>] = &[
    ("config", &["assume", DEPLOY], &[("AWS_CONFIG_FILE", "@")], "x"),
    ("credentials", &["assume", DEPLOY], &[("AWS_SHARED_CREDENTIALS_FILE", "@")], "x"),
    ("config at home", &["explain", DEPLOY], &[], ".aws/config"),
    ("credentials at home", &["list"], &[], ".aws/credentials"),
    (
        "config, to write",
        &["configure", DEPLOY, "--profile-name", "n", "--profile", "ann"],
        &[],
        ".aws/config",
    ),
    ("credentials, to write", &["write", DEPLOY, "--profile-name", "n"], &[], ".aws/credentials"),
    ("credentials, to clean", &["write", "--remove", "n"], &[], ".aws/credentials"),
    ("lock of the credentials", &["write", DEPLOY, "--profile-name", "n"], &[], ".aws/.credentials.arl.lock"),
    (
        "temporary of the credentials",
        &["write", DEPLOY, "--profile-name", "n"],
        &[],
        ".aws/.credentials.arl.tmp",
    ),
    ("config of --isolate", &["exec", DEPLOY, "--server", "--isolate", "--", "true"], &[], ".aws/config"),
    ("config of a completion", &["completions", "bash"], &[], ".aws/config"),
    (
        "AWS_CA_BUNDLE",
        &["assume", DEPLOY, "--endpoint-url", "https://127.0.0.1:1"],
        &[("AWS_CA_BUNDLE", "@")],
        "x",
    ),
    (
        "REQUESTS_CA_BUNDLE",
        &["assume", DEPLOY, "--endpoint-url", "https://127.0.0.1:1"],
        &[("REQUESTS_CA_BUNDLE", "@")],
        "x",
    ),
    (
        "SSL_CERT_FILE",
        &["assume", DEPLOY, "--endpoint-url", "https://127.0.0.1:1"],
        &[("SSL_CERT_FILE", "@")],
        "x",
    ),
    (
        "ca_bundle",
        &["assume", DEPLOY, "--profile", "ca", "--endpoint-url", "https://127.0.0.1:1"],
        &[],
        "ca.pem",
    ),
    (
        "web identity token",
        &["assume", DEPLOY],
        &[("AWS_WEB_IDENTITY_TOKEN_FILE", "@"), ("AWS_ROLE_ARN", DEPLOY), ("AWS_ACCESS_KEY_ID", "")],
        "x",
    ),
    ("web identity token of a profile", &["assume", "web"], &[], "token"),
    (
        "container token",
        &["assume", DEPLOY],
        &[
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "@"),
            ("AWS_ACCESS_KEY_ID", ""),
        ],
        "x",
    ),
    ("policy", &["assume", DEPLOY, "--policy", "file://@"], &[], "x"),
    ("tags", &["assume", DEPLOY, "--tags", "file://@"], &[], "x"),
    ("policy ARNs", &["assume", DEPLOY, "--policy-arns", "file://@"], &[], "x"),
    ("additional parameters", &["assume", DEPLOY, "--additional-parameters", "file://@"], &[], "x"),
    ("roles", &["each", "--roles-from", "@", "--", "true"], &[], "x"),
    ("aws login", &["assume", DEPLOY, "--profile", "login"], &[], LOGIN),
    ("sign-in", &["assume", "sso"], &[], SIGN_IN),
    ("sign-in, to check", &["login", "--check", "corp"], &[], SIGN_IN),
    ("sign-in, to list", &["list"], &[], SIGN_IN),
    ("sign-in, to end", &["logout", "corp"], &[], SIGN_IN),
    ("record of a stored key", &["keys", "list"], &[], ".local/state/arl/keys/dev.json"),
    (
        "record of a stored key, in use",
        &["assume", "stored", "--json"],
        &[],
        ".local/state/arl/keys/dev.json",
    ),
];

/// SHA-256 of the session's name.
const LOGIN: &str = ".aws/login/cache/617a42bf0cc7e52ae16d10443f260d451c255a489505091810c95d5c7ec927d1.json";

/// SHA-1 of the session's name.
const SIGN_IN: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

const CONFIG: &str = "[profile ca]\nca_bundle = ca.pem\n\
    [profile web]\nweb_identity_token_file = token\nrole_arn = arn:aws:iam::123456789012:role/Web\n\
    [profile login]\nlogin_session = arn:aws:iam::111122223333:user/ann\n\
    [sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n\
    [profile sso]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
    [profile stored]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\narl_keys = dev\n";

/// A stage with profiles, and the command that measures `arl`.
fn stage() -> Stage {
    let stage = Stage::new();
    let keys =
        format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", World::ANN_KEY, World::ANN_SECRET);
    stage.profiles(CONFIG, &format!("[ann]\n{keys}[ca]\n{keys}"));
    stage
}

/// Runs a command line, and asserts that it ended in time, in bounded memory, with a status of arl's.
#[track_caller]
fn assert_bounded(stage: &Stage, what: &str, prepare: impl FnOnce(&mut Command)) -> (i32, String) {
    let report = stage.home.join("measured");
    let mut command = stage.as_ann("python3");
    command.args(["-c", MEASURE]).arg(&report).env("ARL_CACHE", "file");
    prepare(&mut command);
    let run = stage.run(&mut command);
    let measured = fs::read_to_string(&report).unwrap();
    let mut fields = measured.split(' ');
    let status: i32 = fields.next().unwrap().parse().unwrap();
    let seconds: f64 = fields.next().unwrap().parse().unwrap();
    let memory: u64 = fields.next().unwrap().parse().unwrap();
    assert!(seconds < MAX_SECONDS, "{what}: {seconds} s, {run:?}");
    assert!(memory < MAX_MEMORY, "{what}: {memory} KiB, {run:?}");
    assert!([0, 1, 2, 3, 125].contains(&status), "{what}: {status}, {run:?}");
    assert!(!run.stderr.contains("a bug in arl"), "{what}: {run:?}");
    assert_eq!(status == 0, !run.stderr.contains("error: "), "{what}: {run:?}");
    (status, run.stderr)
}

/// Tests one place with one oddity.
fn assert_place_is_bounded(&(place, args, variables, path): &Place<'_>, oddity: Oddity) {
    let stage = stage();
    let path = stage.home.join(path);
    oddity.put(&path);
    let path = path.display().to_string();
    let _ = assert_bounded(&stage, &format!("{oddity:?} as {place}"), |command| {
        command.arg("arl").args(args.iter().map(|arg| arg.replace('@', &path)));
        for (name, value) in variables {
            match *value {
                "" => command.env_remove(name),
                value => command.env(name, value.replace('@', &path)),
            };
        }
    });
}

#[test]
fn every_file_that_is_read_may_be_huge_or_endless() {
    for oddity in Oddity::ALL {
        // Most of the time is spent waiting for the writers of pipes.
        for places in PLACES.chunks(8) {
            std::thread::scope(|scope| {
                for place in places {
                    scope.spawn(move || assert_place_is_bounded(place, oddity));
                }
            });
        }
    }
}

#[test]
fn a_list_of_roles_on_standard_input_has_a_limit() {
    let stage = stage();
    let (status, stderr) = assert_bounded(&stage, "roles on standard input", |command| {
        command.args(["arl", "each", "--roles-from", "-", "--", "true"]);
        command.stdin(fs::File::open("/dev/zero").unwrap());
    });
    assert!(status == 125 && stderr.contains("it is larger than 1 MiB"), "{stderr}");
}

/// What is damaged in the cache counts as missing.
#[test]
fn cache_entries_and_lock_files_may_be_huge_or_endless() {
    for oddity in Oddity::ALL {
        for kind in ["v1", "locks"] {
            let stage = stage();
            let assume = |command: &mut Command| {
                command.args(["arl", "assume", DEPLOY, "--json"]);
            };
            let (status, stderr) = assert_bounded(&stage, "the first call", assume);
            assert_eq!(status, 0, "{stderr}");
            let directory = stage.home.join(".cache/arl").join(kind);
            let files: Vec<PathBuf> =
                fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert!(!files.is_empty());
            for file in &files {
                oddity.put(file);
            }
            if kind == "locks" {
                fs::remove_dir_all(stage.home.join(".cache/arl/v1")).unwrap();
            }
            let (status, stderr) = assert_bounded(&stage, &format!("{oddity:?} in {kind}"), assume);
            assert_eq!(status, 0, "{oddity:?} in {kind}: {stderr}");
            let _ = assert_bounded(&stage, &format!("{oddity:?} in {kind}"), |command| {
                command.args(["arl", "cache", "list"]);
            });
            let _ = assert_bounded(&stage, &format!("{oddity:?} in {kind}"), |command| {
                command.args(["arl", "cache", "clear"]);
            });
        }
    }
}

/// The token, the note of the sign-in, the registration, the catalog, and the locks.
#[test]
fn files_of_a_sign_in_may_be_huge_or_endless() {
    let signed_in = || {
        let stage = login::stage();
        for args in [&["login", "corp"][..], &["list", "--sso"]] {
            let _ = stage.run(login::arl(&stage, args).env_remove("ARL_CACHE")).success();
        }
        stage
    };
    let files = |stage: &Stage| -> Vec<PathBuf> {
        let directories = [".aws/sso/cache", ".cache/arl/catalogs"].map(|name| stage.home.join(name));
        let entries = directories.into_iter().flat_map(|directory| fs::read_dir(directory).unwrap());
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    };
    let count = files(&signed_in()).len();
    assert!(count >= 5, "{count}");
    for oddity in Oddity::ALL {
        for number in 0..count {
            let stage = signed_in();
            let file = files(&stage).remove(number);
            for args in [
                &["list"][..],
                &["login", "--check"],
                &["assume", "dev", "--json"],
                &["list", "--sso"],
                &["login", "--force"],
                &["logout"],
                &["cache", "clear"],
            ] {
                oddity.put(&file);
                let what = format!("{oddity:?} as {} for {args:?}", file.display());
                let _ = assert_bounded(&stage, &what, |command| {
                    for (name, value) in login::arl(&stage, &[]).get_envs() {
                        value.map(|value| command.env(name, value));
                    }
                    command.arg("arl").args(args).env("ARL_CACHE", "file");
                    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
                });
            }
        }
    }
}

/// The writer of a process substitution is there at once, and may take its time.
#[test]
fn a_pipe_with_a_slow_writer_is_read_to_its_end() {
    let stage = stage();
    let script = format!(
        "arl assume {DEPLOY} --json --policy file://<(printf '{{\"Statement\":'; sleep 2.5; printf '[]}}') && arl list --color never"
    );
    let run = stage.run(stage.as_ann("bash").args(["-c", &script]));
    let _ = run.success();
    assert_eq!(stage.assumed()[0].get("Policy"), Some("{\"Statement\":[]}"));
}
