//! Crashes and failing system calls while arl writes: a reader finds the old file or the new one, whole.
//!
//! `make crash` runs the large sizes and prints their figures: `ARL_CRASH_KILLS` is the number of kills for each
//! kind of file, and `ARL_CRASH_SYSCALLS=all` makes every system call fail instead of some.

mod kills;
mod syscalls;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::login;
use crate::support::{DEPLOY, Stage};

/// What stands in both shared files before the profile that arl writes.
const OTHER: &str = "# mine\n[other]\nregion = eu-west-1\n\n[profile other]\ncredential_process = true\n\n";

/// A token file as an SDK may have written it: expired, with what renews it.
const TOKEN: &str = r#"{"startUrl":"https://corp.example/start","region":"eu-west-1","accessToken":"old","expiresAt":"2020-01-01T00:00:00Z","clientId":"c","clientSecret":"s","registrationExpiresAt":"2099-01-01T00:00:00Z","refreshToken":"refresh-me"}"#;

/// A kind of file, and the writer of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    CacheEntry,
    TokenFile,
    CredentialsFile,
    ConfigFile,
    /// The positive control: a writer that truncates a credentials file and writes it in two pieces.
    InPlace,
}

const KINDS: [Kind; 4] = [Kind::CacheEntry, Kind::TokenFile, Kind::CredentialsFile, Kind::ConfigFile];

/// A kind with its stage.
struct Writer {
    kind: Kind,
    stage: Stage,
    path: PathBuf,
}

impl Writer {
    /// Prepares the stage, and lets the writer run once to its end.
    fn new(kind: Kind) -> Self {
        let stage = if kind == Kind::TokenFile { login::stage() } else { Stage::new() };
        let aws = stage.home.join(".aws");
        match kind {
            Kind::CacheEntry => {}
            Kind::TokenFile => fs::create_dir_all(aws.join("sso/cache")).unwrap(),
            Kind::CredentialsFile | Kind::InPlace => fs::write(aws.join("credentials"), OTHER).unwrap(),
            Kind::ConfigFile => fs::write(aws.join("config"), OTHER).unwrap(),
        }
        let mut writer = Self { kind, stage, path: PathBuf::new() };
        writer.path = match kind {
            Kind::CacheEntry => PathBuf::new(),
            Kind::TokenFile => login::token_path(&writer.stage),
            Kind::CredentialsFile | Kind::InPlace => aws.join("credentials"),
            Kind::ConfigFile => aws.join("config"),
        };
        writer.reset();
        let output = writer.command(0).output().unwrap();
        assert!(output.status.success(), "{kind:?}: {output:?}");
        if kind == Kind::CacheEntry {
            let is_entry = |path: &PathBuf| path.file_name().unwrap().len() == 64;
            let found = files(&writer.stage.home.join(".cache/arl/v1")).into_iter().find(is_entry);
            writer.path = found.expect("a cache entry");
        }
        writer.version().expect("a whole file");
        writer
    }

    /// Puts the old token file back, without which nothing is renewed.
    fn reset(&self) {
        if self.kind == Kind::TokenFile {
            let new = self.stage.home.join("old-token");
            fs::write(&new, TOKEN).unwrap();
            fs::rename(&new, &self.path).unwrap();
        }
    }

    /// The writer. Every `step` writes something else.
    fn command(&self, step: usize) -> Command {
        let Self { kind, stage, .. } = self;
        let region = format!("eu-west-{step:05}");
        let mut command = match kind {
            Kind::TokenFile => login::arl(stage, &["login", "corp"]),
            Kind::InPlace => {
                let mut sh = stage.bare("sh");
                let script = "printf '%s[p]\\nregion=' \"$1\" >.aws/credentials; printf '%s\\n' \"$2\" >>.aws/credentials";
                sh.args(["-c", script, "sh", OTHER, &region]);
                sh
            }
            _ => stage.as_ann("arl"),
        };
        match kind {
            Kind::CacheEntry => {
                command.args(["assume", DEPLOY, "--refresh", "--json"]).env_remove("ARL_CACHE")
            }
            Kind::CredentialsFile => command.args(["write", DEPLOY, "--profile-name", "p"]),
            Kind::ConfigFile => command.args([
                "configure",
                DEPLOY,
                "--profile-name",
                "p",
                "--profile",
                "other",
                "--force",
                "--region",
                &region,
            ]),
            Kind::TokenFile | Kind::InPlace => &mut command,
        };
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// What a reader finds: which version the file is, or what is wrong with it.
    fn version(&self) -> Result<String, String> {
        let bytes = fs::read(&self.path).map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
        self.version_of(&text).ok_or_else(|| format!("{:?} is torn: {text:?}", self.kind))
    }

    fn version_of(&self, text: &str) -> Option<String> {
        match self.kind {
            Kind::CacheEntry => {
                let lines: Vec<&str> = text.strip_suffix('\n')?.split('\n').collect();
                let [_, session, seal] = lines.as_slice() else { return None };
                let session: Value = serde_json::from_str(session).ok()?;
                let get = |name: &str| session[name].as_str();
                let is_sealed = seal.len() == 64;
                let id = self.known(get("AccessKeyId")?, get("SecretAccessKey")?, get("SessionToken")?)?;
                is_sealed.then_some(id)
            }
            Kind::TokenFile => {
                let token: Value = serde_json::from_str(text).ok()?;
                let complete = ["startUrl", "accessToken", "clientId", "clientSecret", "refreshToken"];
                let is_complete = complete.iter().all(|key| token[key].is_string());
                is_complete.then(|| token["expiresAt"].as_str().map(str::to_owned))?
            }
            Kind::CredentialsFile => {
                let profile = text.strip_prefix(OTHER)?.strip_prefix("[p]\n# expires ")?;
                let get = |key: &str| {
                    profile
                        .strip_suffix('\n')?
                        .lines()
                        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
                };
                self.known(
                    get("aws_access_key_id")?,
                    get("aws_secret_access_key")?,
                    get("aws_session_token")?,
                )
            }
            Kind::ConfigFile => {
                let profile = text.strip_prefix(OTHER)?.strip_prefix("[profile p]\n")?.strip_suffix('\n')?;
                let has_role = profile.lines().any(|line| line == format!("role_arn={DEPLOY}"));
                let region = profile.lines().find_map(|line| line.strip_prefix("region="));
                region.filter(|region| has_role && region.len() == 13).map(str::to_owned)
            }
            Kind::InPlace => {
                let region = text.strip_prefix(OTHER)?.strip_prefix("[p]\nregion=")?.strip_suffix('\n')?;
                (region.len() == 13).then(|| region.to_owned())
            }
        }
    }

    /// The key ID, if STS has issued this key with this secret and this token.
    fn known(&self, id: &str, secret: &str, token: &str) -> Option<String> {
        let mut is_known = false;
        self.stage.sts.change(|world| {
            let is_same = |key: &arl_sts::Key| key.secret == secret && key.token.as_deref() == Some(token);
            is_known = world.keys.get(id).is_some_and(is_same);
        });
        is_known.then(|| id.to_owned())
    }

    /// The files beside the one that is written, without lock files.
    fn leftovers(&self) -> usize {
        let is_leftover = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            *path != self.path && name.contains("tmp")
        };
        files(self.path.parent().unwrap()).into_iter().filter(is_leftover).count()
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_renewed_token_that_cannot_be_stored_is_no_success() {
    let writer = Writer::new(Kind::TokenFile);
    writer.reset();
    // A directory where the lock should be.
    let name = writer.path.file_name().unwrap().to_string_lossy().into_owned();
    let lock = writer.path.with_file_name(format!(".{name}.arl.lock"));
    let _ = fs::remove_file(&lock);
    fs::create_dir_all(lock).unwrap();
    let run = login::run(&writer.stage, &["login", "corp"]);
    run.failure(1, "could not store the new token of `corp`");
    assert!(run.stderr.contains("could not store the renewed token"), "{run:?}");
    assert!(!run.stderr.contains("signed in to"), "{run:?}");
}

/// Prints a line of the table that `make crash` shows. In other runs the test harness keeps it.
#[expect(clippy::print_stderr, reason = "the harness decides what is shown")]
fn print_row(row: &str) {
    eprintln!("{row}");
}
