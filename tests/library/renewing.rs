//! Renewals that hang or are canceled do not block other callers for good.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arl::{AssumeRoleExt, RoleProvider};
use arl_sts::{Fault, World};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use tokio::time::{Instant, pause, resume, timeout};

use crate::{CHAINED, DEPLOY, Stage, key, minutes};

/// A parent's provider that may hang.
#[derive(Debug, Clone, Default)]
struct Moody {
    hangs: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Moody {
    fn hang(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::Relaxed);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn role(&self, stage: &Stage) -> RoleProvider {
        let mut parent = stage.base().to_builder();
        parent.set_credentials_provider(Some(SharedCredentialsProvider::new(self.clone())));
        parent.build().assume_role(DEPLOY).into_provider().unwrap()
    }
}

impl ProvideCredentials for Moody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let hangs = self.hangs.load(Ordering::Relaxed);
        future::ProvideCredentials::new(async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            Ok(Credentials::new(World::ANN_KEY, World::ANN_SECRET, None, None, "moody"))
        })
    }
}

#[tokio::test]
async fn an_early_renewal_delays_its_caller_at_most_two_seconds_and_later_callers_not_at_all() {
    let (stage, parent) = (Stage::new(), Moody::default());
    let provider = parent.role(&stage);
    let first = key(&provider).await;
    parent.hang(true);
    stage.pass(46);
    pause();
    let start = Instant::now();
    assert_eq!(key(&provider).await, first);
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!(key(&provider).await, first);
    assert_eq!((start.elapsed().as_secs(), parent.asked()), (2, 2));
}

#[tokio::test]
async fn a_canceled_caller_does_not_delay_the_next_one() {
    let (stage, parent) = (Stage::new(), Moody::default());
    let provider = parent.role(&stage);
    let first = key(&provider).await;
    parent.hang(true);
    stage.pass(46);
    pause();
    assert!(timeout(Duration::from_millis(500), key(&provider)).await.is_err());
    let start = Instant::now();
    assert_eq!(key(&provider).await, first);
    assert_eq!((start.elapsed().as_secs(), parent.asked()), (0, 2));
}

#[tokio::test]
async fn a_hanging_parent_is_a_timeout_and_the_next_call_works() {
    let (stage, parent) = (Stage::new(), Moody::default());
    let provider = parent.role(&stage);
    parent.hang(true);
    pause();
    let error = provider.credentials().await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("within 2m"), "{error:?}");
    resume();
    parent.hang(false);
    stage.pass(1);
    let _ = key(&provider).await;
}

#[tokio::test]
async fn a_caller_that_is_no_longer_polled_blocks_others_for_a_limited_time() {
    let (stage, parent) = (Stage::new(), Moody::default());
    let provider = parent.role(&stage);
    parent.hang(true);
    let left = provider.credentials();
    tokio::pin!(left);
    assert!(timeout(Duration::from_millis(1), &mut left).await.is_err());
    parent.hang(false);
    let other = provider.clone();
    pause();
    let waiting = tokio::spawn(async move {
        // After the wait, the network needs the real clock again.
        let start = Instant::now();
        let found = other.credentials().await;
        (found, start.elapsed())
    });
    while parent.asked() < 2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    resume();
    let (found, waited) = waiting.await.unwrap();
    assert!(found.is_ok(), "{found:?}");
    assert!(waited >= Duration::from_secs(120), "{waited:?}");
}

#[tokio::test]
async fn transient_errors_are_distinguished_from_permanent_ones() {
    let stage = Stage::new();
    let failure = async || stage.deploy().into_provider().unwrap().credentials().await.unwrap_err();
    for fault in [Fault::Throttle, Fault::Status(503), Fault::Reset, Fault::Truncate] {
        let text = format!("{fault:?}");
        stage.sts.inject(fault, 9);
        let error = failure().await;
        assert!(error.is_transient(), "{text}: {error:?}");
        stage.sts.reset();
    }
    stage.close();
    let error = failure().await;
    assert!(!error.is_transient() && error.is_access_denied(), "{error:?}");
    // The cause is the error of the SDK, for programs that need its details.
    let sdk = std::error::Error::source(&error).unwrap();
    assert!(sdk.is::<AssumeRoleError>(), "{sdk:?}");
    // The error of a role in the middle of a chain says the same.
    let chained = stage.deploy().into_config().unwrap().assume_role(CHAINED).into_provider().unwrap();
    let error = chained.credentials().await.unwrap_err();
    assert!(error.is_access_denied() && error.to_string().contains("AccessDenied"), "{error:?}");
}

#[tokio::test]
async fn errors_show_no_part_of_a_response_that_holds_credentials() {
    const BODY: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>\
        <SecretAccessKey>hunter2</SecretAccessKey><SessionToken>hunter2</SessionToken>\
        <Expiration>tomorrow</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 16 * 1024]).unwrap();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{BODY}",
            BODY.len()
        )
        .unwrap();
    });
    let base = Stage::new().base().into_builder().endpoint_url(endpoint).build();
    let error = base.assume_role(DEPLOY).into_provider().unwrap().credentials().await.unwrap_err();
    server.join().unwrap();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2") && shown.contains("date"), "{shown}");
}

/// The SDK drops credentials some seconds before their expiration. arl must not drop them minutes earlier
/// because STS, or the source of the parent's credentials, is down.
#[tokio::test]
async fn a_session_stays_in_use_until_it_expires_while_sts_is_down() {
    for length in [15, 60, 12 * 60] {
        let stage = Stage::new();
        stage.sts.change(|world| world.roles.get_mut(DEPLOY).unwrap().max_session_duration = 43_200);
        let provider = stage.deploy().duration(minutes(length)).into_provider().unwrap();
        let first = key(&provider).await;
        stage.sts.inject(Fault::Status(503), usize::MAX);
        let length = u32::try_from(length).unwrap();
        for left in [4, 2, 1] {
            let passed = stage.passed();
            stage.pass(length - left - passed);
            assert_eq!(key(&provider).await, first, "{length}: {left}");
            // The next use does not call STS again so soon.
            let calls = stage.calls();
            assert_eq!(key(&provider).await, first, "{length}: {left}");
            assert_eq!(stage.calls(), calls, "{length}: {left}");
        }
        assert_eq!(stage.calls(), 1 + 3 * 3, "every minute one call, with its retries");
        stage.pass(1);
        assert!(provider.credentials().await.unwrap_err().is_transient());
        stage.sts.reset();
        stage.pass(1);
        assert_ne!(key(&provider).await, first);
    }
}

#[tokio::test]
async fn a_hundred_tasks_wait_for_one_renewal_in_the_last_minutes() {
    let stage = Stage::new();
    let provider = stage.deploy().into_provider().unwrap();
    let first = key(&provider).await;
    stage.pass(52);
    let ask = async || {
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
        assert_eq!(keys.len(), 1, "{keys:?}");
        keys.remove(0)
    };
    stage.sts.inject(Fault::Status(503), 3);
    assert_eq!(ask().await, first);
    assert_eq!(stage.calls(), 1 + 3);
    stage.pass(1);
    stage.sts.inject(Fault::Delay(Duration::from_millis(200)), 1);
    assert_ne!(ask().await, first);
    assert_eq!(stage.calls(), 1 + 3 + 1);
}

#[tokio::test]
async fn a_parent_without_credentials_is_no_refusal_of_the_role() {
    let (stage, parent) = (Stage::new(), Moody::default());
    let provider = parent.role(&stage);
    let first = key(&provider).await;
    parent.hang(true);
    stage.pass(55);
    pause();
    let start = Instant::now();
    assert_eq!(key(&provider).await, first);
    assert_eq!(key(&provider).await, first);
    assert_eq!((start.elapsed().as_secs(), parent.asked()), (20, 2));
}

#[tokio::test]
async fn a_refusal_in_the_last_minutes_is_an_error() {
    for code in ["AccessDenied", "InvalidClientTokenId", "ValidationError"] {
        let stage = Stage::new();
        let provider = stage.deploy().into_provider().unwrap();
        let first = key(&provider).await;
        stage.pass(52);
        stage.sts.inject(Fault::Refuse(code, "no".into()), 1);
        let error = provider.credentials().await.unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains(code), "{error:?}");
        stage.pass(1);
        assert_ne!(key(&provider).await, first);
    }
}

#[tokio::test]
async fn an_invalidated_session_is_never_used_again() {
    let stage = Stage::new();
    let provider = stage.deploy().into_provider().unwrap();
    provider.invalidate();
    let first = key(&provider).await;
    let clone = provider.clone();
    clone.invalidate();
    clone.invalidate();
    let second = key(&provider).await;
    assert_ne!(second, first);
    assert_eq!((key(&clone).await, stage.calls()), (second, 2));
    // Not even while STS is down.
    provider.invalidate();
    stage.sts.inject(Fault::Status(503), 3);
    assert!(provider.credentials().await.unwrap_err().is_transient());
}
