//! The library as a program uses it: an `SdkConfig` becomes a role, against the loopback STS and with a
//! manual clock.

#![allow(clippy::disallowed_methods, reason = "the tests are their own outside")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod arns;
#[cfg(unix)]
mod caching;
mod public_api;
mod renewing;
#[cfg(feature = "cli")]
mod waiting;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use arl::{AssumeRoleBuilder, AssumeRoleExt, RoleProvider};
use arl_sts::{Fault, Sts, World};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sts::config::BehaviorVersion;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::test_util::ManualTimeSource;
use aws_smithy_async::time::SharedTimeSource;
use aws_types::SdkConfig;
use aws_types::region::Region;

const DEPLOY: &str = "arn:aws:iam::123456789012:role/Deploy";
const RELEASE: &str = "arn:aws:sts::123456789012:assumed-role/Deploy/release";
const CHAINED: &str = "arn:aws:iam::123456789012:role/Chained";

/// A loopback STS, and a clock for both the library and the STS.
struct Stage {
    sts: Sts,
    clock: ManualTimeSource,
    passed: AtomicU32,
}

impl Stage {
    fn new() -> Self {
        let sts = Sts::start(World::demo(), 0, 0).unwrap();
        Self { sts, clock: ManualTimeSource::new(SystemTime::now()), passed: AtomicU32::new(0) }
    }

    fn pass(&self, minutes: u32) {
        self.clock.advance(Duration::from_secs(u64::from(minutes) * 60));
        let passed = self.passed.fetch_add(minutes, Ordering::Relaxed) + minutes;
        self.sts.change(|world| world.clock_offset = i64::from(passed) * 60);
    }

    /// The minutes that have passed.
    fn passed(&self) -> u32 {
        self.passed.load(Ordering::Relaxed)
    }

    fn base(&self) -> SdkConfig {
        self.base_with(World::ANN_KEY, World::ANN_SECRET)
    }

    fn base_with(&self, id: &str, secret: &str) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(self.sts.url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SharedTimeSource::new(self.clock.clone()))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                id, secret, None, None, "test",
            )))
            .build()
    }

    fn deploy(&self) -> AssumeRoleBuilder {
        self.base().assume_role(DEPLOY)
    }

    fn calls(&self) -> usize {
        self.sts.requests().iter().filter(|request| request.action == "AssumeRole").count()
    }

    /// Lets STS refuse the role from now on.
    fn close(&self) {
        self.sts.change(|world| {
            world.roles.insert(DEPLOY.into(), arl_sts::Role::trusting(&[]));
        });
    }
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

async fn key(provider: &RoleProvider) -> String {
    provider.provide_credentials().await.unwrap().access_key_id().to_owned()
}

async fn caller(config: &SdkConfig) -> String {
    let identity = aws_sdk_sts::Client::new(config).get_caller_identity().send().await.unwrap();
    identity.arn().unwrap().to_owned()
}

#[tokio::test]
async fn the_first_use_of_credentials_assumes_the_role() {
    let stage = Stage::new();
    let base = stage.base();
    let deploy = base
        .assume_role(DEPLOY)
        .role_session_name("release")
        .tag("Team", "web")
        .transitive_tag_key("Team")
        .policy(serde_json::json!({"Version": "2012-10-17", "Statement": []}))
        .policy_arn("arn:aws:iam::aws:policy/ReadOnlyAccess")
        .source_identity("ann")
        .duration(minutes(30))
        .into_config()
        .unwrap();
    assert_eq!(stage.calls(), 0);
    assert_eq!(caller(&deploy).await, RELEASE);
    assert_eq!(caller(&base).await, World::ANN);
    let asked = stage.sts.requests().into_iter().find(|request| request.action == "AssumeRole").unwrap();
    for (name, value) in [
        ("Tags.member.1.Key", "Team"),
        ("TransitiveTagKeys.member.1", "Team"),
        ("Policy", r#"{"Statement":[],"Version":"2012-10-17"}"#),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ("SourceIdentity", "ann"),
        ("DurationSeconds", "1800"),
    ] {
        assert_eq!(asked.get(name), Some(value));
    }
    assert_eq!(asked.region, "eu-west-1");
}

#[tokio::test]
async fn a_short_session_is_renewed_once_per_refresh_window() {
    let stage = Stage::new();
    let provider = stage.deploy().duration(minutes(15)).into_provider().unwrap();
    for _ in 0..100 {
        key(&provider).await;
    }
    stage.pass(7);
    let first = key(&provider).await;
    assert_eq!(stage.calls(), 1);
    stage.pass(1);
    assert_ne!(key(&provider).await, first);
    assert_eq!(stage.calls(), 2);
}

#[tokio::test]
async fn a_failed_renewal_is_an_error_only_in_the_last_minutes() {
    let stage = Stage::new();
    let provider = stage.deploy().into_provider().unwrap();
    let first = key(&provider).await;
    stage.close();
    stage.pass(46);
    assert_eq!(key(&provider).await, first);
    assert_eq!(stage.calls(), 2);
    // The next use does not call STS again so soon.
    assert_eq!(key(&provider).await, first);
    assert_eq!(stage.calls(), 2);
    stage.pass(1);
    assert_eq!(key(&provider).await, first);
    assert_eq!(stage.calls(), 3);
    stage.pass(4);
    let error = provider.credentials().await.expect_err("the last minutes").to_string();
    assert!(error.contains("AccessDenied"), "{error}");
    stage.sts.change(|world| {
        world.roles.insert(DEPLOY.into(), arl_sts::Role::trusting(&["*"]));
    });
    stage.pass(1);
    assert_ne!(key(&provider).await, first);
}

#[tokio::test]
async fn a_hundred_tasks_make_one_call() {
    let stage = Stage::new();
    stage.sts.inject(Fault::Delay(Duration::from_millis(200)), 1);
    let provider = stage.deploy().into_provider().unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let provider = provider.clone();
            tokio::spawn(async move { key(&provider).await })
        })
        .collect();
    let mut keys = Vec::new();
    for task in tasks {
        keys.push(task.await.unwrap());
    }
    keys.dedup();
    assert_eq!((keys.len(), stage.calls()), (1, 1));
}

#[tokio::test]
async fn a_hundred_tasks_share_one_failure() {
    let stage = Stage::new();
    stage.close();
    let provider = stage.deploy().into_provider().unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let provider = provider.clone();
            tokio::spawn(async move { provider.credentials().await.is_err() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert_eq!(stage.calls(), 1);
    // A call right after the failure gets the same error. A later one calls STS again.
    assert!(provider.credentials().await.is_err());
    assert_eq!(stage.calls(), 1);
    stage.pass(1);
    assert!(provider.credentials().await.is_err());
    assert_eq!(stage.calls(), 2);
}

#[tokio::test]
async fn the_session_name_defaults_to_the_source_identity() {
    let stage = Stage::new();
    for (role, name) in [
        (stage.deploy().source_identity("ann"), "ann"),
        (stage.deploy().source_identity("ann").role_session_name("release"), "release"),
        (stage.deploy().source_identity("ann").automatic_role_session_name(), "arl-session-"),
        (stage.deploy(), "arl-session-"),
    ] {
        let provider = role.into_provider().unwrap();
        assert!(provider.request().role_session_name.as_str().starts_with(name), "{name}");
    }
}

#[tokio::test]
async fn renewing_a_chain_renews_every_role() {
    let stage = Stage::new();
    let deploy = stage.deploy().into_config().unwrap();
    let chained = deploy.assume_role(CHAINED).duration(minutes(120)).into_config().unwrap();
    assert!(
        caller(&chained).await.starts_with("arn:aws:sts::123456789012:assumed-role/Chained/arl-session-")
    );
    assert_eq!(stage.calls(), 2);
    // STS limits chained sessions to one hour.
    let asked = stage.sts.requests().into_iter().rfind(|request| request.action == "AssumeRole").unwrap();
    assert_eq!(asked.get("DurationSeconds"), Some("3600"));
    stage.pass(50);
    caller(&chained).await;
    assert_eq!(stage.calls(), 4);
}

#[tokio::test]
async fn the_region_defaults_to_the_parents() {
    let stage = Stage::new();
    let region = |role: AssumeRoleBuilder| role.into_config().unwrap().region().map(ToString::to_string);
    assert_eq!(region(stage.deploy()).as_deref(), Some("eu-west-1"));
    let role = stage.deploy().client_region(Region::new("us-west-2"));
    assert_eq!(region(role).as_deref(), Some("us-west-2"));
    assert_eq!(region(stage.deploy().client_region(None)), None);
    assert_eq!(region(stage.deploy().region(Region::new("us-west-2"))).as_deref(), Some("eu-west-1"));
}

#[tokio::test]
async fn sts_may_have_another_region_and_another_configuration_than_the_parent() {
    let (stage, other) = (Stage::new(), Stage::new());
    let region = |stage: &Stage| stage.sts.requests().last().map(|request| request.region.clone());
    key(&stage.deploy().region(Region::new("us-west-2")).into_provider().unwrap()).await;
    assert_eq!(region(&stage).as_deref(), Some("us-west-2"));
    let unreachable = stage.base().into_builder().endpoint_url("http://127.0.0.1:1").build();
    let role = || unreachable.assume_role(DEPLOY).sts_config(&other.base());
    key(&role().into_provider().unwrap()).await;
    assert_eq!(region(&other).as_deref(), Some("eu-west-1"));
    key(&role().region(Region::new("us-east-1")).into_provider().unwrap()).await;
    assert_eq!(region(&other).as_deref(), Some("us-east-1"));
    assert_eq!((stage.calls(), other.calls()), (1, 2));
}

/// The SDK's own cache would renew only some seconds before the expiration. A configuration that is built on that
/// of a role has none either, as the documentation of `into_config` says.
#[test]
fn the_identity_cache_stays_off_for_what_is_built_on_the_role() {
    let stage = Stage::new();
    let deploy = stage.base().assume_role(DEPLOY).into_config().unwrap();
    let no_cache = "NoCache";
    let shown = |config: &SdkConfig| format!("{:?}", config.identity_cache());
    assert!(!shown(&stage.base()).contains(no_cache), "{}", shown(&stage.base()));
    assert!(shown(&deploy).contains(no_cache), "{}", shown(&deploy));
    let built = deploy.into_builder().region(Region::new("eu-west-3")).build();
    assert!(shown(&built).contains(no_cache), "{}", shown(&built));
}

#[test]
fn into_config_refuses_parameters_that_sts_would_refuse() {
    let stage = Stage::new();
    let fault = |role: AssumeRoleBuilder| {
        let error = role.into_config().expect_err("STS would refuse it");
        assert!(error.is_invalid_parameter() && !error.is_transient(), "{error:?}");
        error.to_string().split_once(' ').unwrap().0.to_owned()
    };
    assert_eq!(fault(stage.base().assume_role("arn:aws:iam::123456789012:user/ann")), "RoleArn");
    assert_eq!(fault(stage.deploy().role_session_name("a b")), "RoleSessionName");
    assert_eq!(fault(stage.deploy().duration(Duration::from_secs(899))), "DurationSeconds");
    assert_eq!(fault(stage.deploy().duration(Duration::from_secs(43_201))), "DurationSeconds");
    assert_eq!(fault(stage.deploy().policy("[]")), "Policy");
    assert_eq!(fault(stage.deploy().tag("k", "v").tag("K", "v")), "Tags");
    assert_eq!(fault(stage.deploy().external_id("x")), "ExternalId");
    assert_eq!(fault(stage.deploy().token_code("12345")), "TokenCode");
    assert_eq!(fault(stage.deploy().additional_parameters(r#"{"RoleArn":"x"}"#)), "AdditionalParameters");
    // The first invalid parameter is reported, not the last.
    assert_eq!(fault(stage.deploy().source_identity("?").external_id("x")), "SourceIdentity");
    // An MFA device needs a code, and a code needs a device.
    assert_eq!(fault(stage.deploy().serial_number(World::ANN_MFA)), "TokenCode");
    assert_eq!(fault(stage.deploy().token_code("123456")), "SerialNumber");
    assert_eq!(fault(stage.deploy().token_codes(|_| async { Ok("123456".parse()?) })), "SerialNumber");
    assert!(stage.deploy().serial_number(World::ANN_MFA).token_code("123456").into_config().is_ok());
    assert_eq!(fault(SdkConfig::builder().build().assume_role(DEPLOY)), "Credentials");
}

#[tokio::test]
async fn every_new_session_requests_an_mfa_code() {
    let stage = Stage::new();
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let provider = stage
        .base()
        .assume_role("arn:aws:iam::123456789012:role/NeedsMfa")
        .serial_number(World::ANN_MFA)
        .token_codes(move |serial| {
            let number = 100_001 + count.fetch_add(1, Ordering::Relaxed);
            async move {
                assert_eq!(serial.as_str(), World::ANN_MFA);
                Ok(number.to_string().parse()?)
            }
        })
        .into_provider()
        .unwrap();
    key(&provider).await;
    key(&provider).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    stage.pass(55);
    key(&provider).await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn credentials_convert_to_those_of_the_sdk_and_back() {
    let expiration = SystemTime::UNIX_EPOCH + minutes(1000);
    let mut sdk = Credentials::builder().access_key_id("ASIA").secret_access_key("s").provider_name("test");
    sdk.set_session_token(Some("token".to_owned()));
    sdk.set_expiry(Some(expiration));
    sdk.set_account_id(Some("123456789012".into()));
    let sdk = sdk.build();
    let credentials = arl::Credentials::try_from(&sdk).unwrap();
    assert_eq!(credentials.session_token().unwrap().expose(), "token");
    let back = Credentials::from(credentials);
    assert_eq!(back.expiry(), Some(expiration));
    assert_eq!(back.account_id().map(|id| id.as_str()), Some("123456789012"));
    assert_eq!((back.secret_access_key(), back.session_token()), ("s", Some("token")));
    let bad = Credentials::new("ASIA", "two lines\n", None, None, "test");
    assert!(arl::Credentials::try_from(bad).unwrap_err().is_invalid_parameter());
}

#[tokio::test]
async fn a_request_can_be_prepared_without_a_configuration() {
    let stage = Stage::new();
    let request =
        arl::request::AssumeRoleRequest::builder(DEPLOY, "release").duration("30m").build().unwrap();
    let provider = stage.base().assume_role_with(request.clone()).into_provider().unwrap();
    assert_eq!(provider.request(), &request);
    assert_eq!(caller(&stage.base().assume_role_with(request).into_config().unwrap()).await, RELEASE);
}
