//! Caches: files, one that a program brings, and many processes with one cache.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arl::cache::{CacheFuture, CredentialCache, JsonFileCache};
use arl::{AssumeRoleBuilder, AssumeRoleExt};
use arl_sts::{Fault, Role};
use aws_sdk_sts::config::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, span};

use crate::{DEPLOY, Stage, key, minutes};

struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("library-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_cached_session_needs_the_same_request_and_the_same_caller() {
    let stage = Stage::new();
    let directory = Directory::new("cache");
    stage
        .sts
        .change(|world| world.add_user("arn:aws:iam::111122223333:user/bob", "AKIAIOSFODNN7BOB0001", "s"));
    let role = |base: SdkConfig| base.assume_role(DEPLOY).cache(JsonFileCache::new(&directory.0));
    let first = key(&role(stage.base()).into_provider().unwrap()).await;
    assert_eq!(key(&role(stage.base()).into_provider().unwrap()).await, first);
    assert_eq!(stage.calls(), 1);
    let bob = || stage.base_with("AKIAIOSFODNN7BOB0001", "s");
    assert_ne!(key(&role(bob()).into_provider().unwrap()).await, first);
    assert_ne!(key(&role(stage.base()).duration(minutes(30)).into_provider().unwrap()).await, first);
    assert_eq!(stage.calls(), 3);
    // A cached session that needs renewal at once is not used.
    stage.pass(46);
    assert_ne!(key(&role(stage.base()).into_provider().unwrap()).await, first);
    assert_eq!(stage.calls(), 4);
}

/// A cache that a program brings, as in the documentation of the trait.
#[derive(Debug, Default)]
struct MemoryCache(Mutex<HashMap<String, Vec<u8>>>);

impl CredentialCache for MemoryCache {
    fn get<'a>(&'a self, key: &'a str) -> CacheFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().get(key).cloned()) })
    }

    fn put<'a>(&'a self, key: &'a str, entry: Vec<u8>, expires_in: Duration) -> CacheFuture<'a, ()> {
        assert!(expires_in.abs_diff(minutes(60)) < minutes(1), "{expires_in:?}");
        self.0.lock().unwrap().insert(key.to_owned(), entry);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn a_program_may_bring_its_own_cache() {
    let stage = Stage::new();
    let memory = Arc::new(MemoryCache::default());
    let cache: Arc<dyn CredentialCache> = memory.clone();
    let role = || stage.deploy().cache(Arc::clone(&cache)).into_provider().unwrap();
    let first = key(&role()).await;
    assert_eq!(key(&role()).await, first);
    assert_eq!(stage.calls(), 1);
    // An entry that was changed, or that belongs to another key, is ignored and replaced.
    let text = String::from_utf8(memory.0.lock().unwrap().values().next().unwrap().clone()).unwrap();
    for changed in
        [text.replace(&first, "ASIAIOSFODNN7EXAMPLE"), text.replace("eu-west-1", "eu-west-2"), String::new()]
    {
        assert_ne!(changed, text);
        memory.0.lock().unwrap().values_mut().for_each(|entry| *entry = changed.clone().into());
        let calls = stage.calls();
        assert_ne!(key(&role()).await, "ASIAIOSFODNN7EXAMPLE");
        assert_eq!(stage.calls(), calls + 1);
    }
}

#[tokio::test]
async fn a_cache_does_not_bring_an_invalidated_session_back() {
    let stage = Stage::new();
    let directory = Directory::new("invalidated");
    let role = || stage.deploy().cache(JsonFileCache::new(&directory.0)).into_provider().unwrap();
    let (mine, others) = (role(), role());
    let first = key(&mine).await;
    assert_eq!(key(&others).await, first);
    mine.invalidate();
    let second = key(&mine).await;
    assert_ne!(second, first);
    // Another process finds the new session in the cache.
    others.invalidate();
    assert_eq!((key(&others).await, stage.calls()), (second, 2));
}

#[tokio::test]
async fn a_cached_session_that_is_nearly_over_is_used_while_sts_is_down() {
    let stage = Stage::new();
    let directory = Directory::new("nearly-over");
    let role = || stage.deploy().cache(JsonFileCache::new(&directory.0)).into_provider().unwrap();
    let first = key(&role()).await;
    stage.pass(58);
    stage.sts.inject(Fault::Status(503), 3);
    let provider = role();
    assert_eq!(key(&provider).await, first);
    // The next use does not call STS again so soon.
    assert_eq!((key(&provider).await, stage.calls()), (first.clone(), 1 + 3));
    stage.pass(1);
    stage.sts.inject(Fault::Refuse("AccessDenied", "no".into()), 1);
    assert!(role().credentials().await.unwrap_err().is_access_denied());
    stage.pass(1);
    assert_ne!(key(&role()).await, first);
}

/// A cache that is out of order.
#[derive(Debug)]
struct BrokenCache;

impl CredentialCache for BrokenCache {
    fn get<'a>(&'a self, _: &'a str) -> CacheFuture<'a, Option<Vec<u8>>> {
        Box::pin(async { Err("the disk is on fire".into()) })
    }

    fn put<'a>(&'a self, _: &'a str, _: Vec<u8>, _: Duration) -> CacheFuture<'a, ()> {
        Box::pin(async { Err("the disk is still on fire".into()) })
    }
}

/// Collects the messages of `tracing` with their fields.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.lock().unwrap().push_str(&format!("{field}={value:?} "));
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("arl")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_cache_that_fails_is_logged_and_costs_no_credentials() {
    let stage = Stage::new();
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    key(&stage.deploy().cache(BrokenCache).into_provider().unwrap()).await;
    drop(guard);
    let log = log.0.lock().unwrap().clone();
    for part in [
        "could not read the session cache",
        "the disk is on fire",
        "could not cache",
        "still on fire",
        DEPLOY,
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

/// Where a child process gets the address of the STS and the directory of the cache from.
const CHILD_VARIABLES: [&str; 2] = ["ARL_TEST_STS", "ARL_TEST_CACHE"];

fn cold_role(url: &str, directory: &str) -> AssumeRoleBuilder {
    let keys = aws_credential_types::Credentials::new(
        arl_sts::World::ANN_KEY,
        arl_sts::World::ANN_SECRET,
        None,
        None,
        "test",
    );
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(keys))
        .build()
        .assume_role(DEPLOY)
        .cache(JsonFileCache::new(directory))
}

/// Assumes the role, and writes the access key ID, or what the error says, to a file.
#[tokio::test]
#[ignore = "a child process of the other tests"]
async fn child_process() {
    let [Ok(url), Ok(directory)] = CHILD_VARIABLES.map(std::env::var) else { return };
    let result = cold_role(&url, &directory).into_provider().unwrap().credentials().await;
    let text = match result {
        Ok(credentials) => credentials.access_key_id().to_owned(),
        Err(error) => format!("denied: {}", error.is_access_denied()),
    };
    fs::write(Path::new(&directory).join(format!("result-{}", std::process::id())), text).unwrap();
}

/// Runs [`child_process`] eight times at once and returns what the processes wrote.
fn eight_processes(stage: &Stage, directory: &Directory) -> Vec<String> {
    let spawn = |_| {
        Command::new(std::env::current_exe().unwrap())
            .args(["caching::child_process", "--exact", "--ignored", "--quiet"])
            .env_clear()
            .envs([
                (CHILD_VARIABLES[0], &*stage.sts.url()),
                (CHILD_VARIABLES[1], directory.0.to_str().unwrap()),
            ])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<Child> = (0..8).map(spawn).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let result =
        |child: &Child| fs::read_to_string(directory.0.join(format!("result-{}", child.id()))).unwrap();
    children.iter().map(result).collect()
}

#[test]
fn eight_processes_with_a_cold_cache_make_one_call() {
    let (stage, directory) = (Stage::new(), Directory::new("cold"));
    // The processes need not start at the same instant: the call lasts until all of them wait.
    stage.sts.inject(Fault::Delay(Duration::from_millis(500)), 1);
    let mut keys = eight_processes(&stage, &directory);
    assert!(keys[0].starts_with("ASIA"), "{keys:?}");
    keys.dedup();
    assert_eq!((keys.len(), stage.calls()), (1, 1));
}

#[test]
fn processes_do_not_share_a_failure_and_learn_what_it_is() {
    let (stage, directory) = (Stage::new(), Directory::new("denied"));
    stage.sts.change(|world| {
        world.roles.insert(DEPLOY.into(), Role::trusting(&[]));
    });
    let errors = eight_processes(&stage, &directory);
    assert!(errors.iter().all(|error| error == "denied: true"), "{errors:?}");
    assert_eq!(stage.calls(), 8);
}

#[tokio::test]
async fn after_a_failure_those_who_wait_call_all_at_once() {
    let (stage, directory) = (Stage::new(), Directory::new("at-once"));
    stage.sts.change(|world| {
        world.roles.insert(DEPLOY.into(), Role::trusting(&[]));
    });
    stage.sts.inject(Fault::Delay(Duration::from_millis(500)), 1);
    // Each of the others is answered only while all of them wait for an answer.
    stage.sts.inject(Fault::Gather(7), 7);
    let url = stage.sts.url();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let provider = cold_role(&url, directory.0.to_str().unwrap()).into_provider().unwrap();
            tokio::spawn(async move { provider.credentials().await.unwrap_err() })
        })
        .collect();
    for task in tasks {
        let error = task.await.unwrap();
        assert!(error.is_access_denied(), "{error:?}");
    }
    assert_eq!(stage.calls(), 8);
}

#[cfg(feature = "cli")]
#[tokio::test]
async fn the_file_cache_shares_sessions_with_the_cli() {
    let (stage, directory) = (Stage::new(), Directory::new("cli"));
    let assume = || {
        let output = Command::new(env!("CARGO_BIN_EXE_arl"))
            .args(["assume", DEPLOY, "--json"])
            .env_clear()
            .env("HOME", &directory.0)
            .env("ARL_CACHE_DIR", &directory.0)
            .env("AWS_ACCESS_KEY_ID", arl_sts::World::ANN_KEY)
            .env("AWS_SECRET_ACCESS_KEY", arl_sts::World::ANN_SECRET)
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ENDPOINT_URL_STS", stage.sts.url())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        json["AccessKeyId"].as_str().unwrap().to_owned()
    };
    let directory = directory.0.to_str().unwrap();
    let role = || cold_role(&stage.sts.url(), directory).into_provider().unwrap();
    assert_eq!(assume(), key(&role()).await);
    assert_eq!(stage.calls(), 1);
    let short = cold_role(&stage.sts.url(), directory).duration(minutes(30)).into_provider().unwrap();
    assert_ne!(assume(), key(&short).await);
}
