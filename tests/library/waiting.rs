//! How long one process waits for another, measured by tokio's paused clock.

use std::fs::{self, File};
use std::future::ready;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use arl::internal::{
    Acquired, CacheKey, Credentials, LeaderLock, Secret, SingleFlight, SourceKey, StsSettings, WaitBudget,
};

const CALL: Duration = Duration::from_secs(25);

fn key(region: &str) -> CacheKey {
    let keys = Credentials::new("AKIAEXAMPLE".into(), Secret::new("secret".into()), None, None).unwrap();
    CacheKey::new(&StsSettings::new(region), &SourceKey::from_keys(&keys), &[])
}

fn directory(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Remove the files of an earlier run.
    let _ = fs::remove_dir_all(&path);
    path
}

async fn acquire(
    single_flight: &SingleFlight,
    key: &CacheKey,
    wait_budget: &mut WaitBudget,
    is_cached: impl Fn() -> bool,
    on_wait: impl FnMut(Duration),
) -> Acquired<()> {
    let cached = || ready(is_cached().then_some(()));
    let sleep = tokio::time::sleep;
    single_flight.acquire(key, SystemTime::now(), wait_budget, cached, sleep, on_wait).await
}

/// Takes the lock and makes no progress.
async fn held(single_flight: &SingleFlight, key: &CacheKey) -> LeaderLock {
    match acquire(single_flight, key, &mut WaitBudget::default(), || false, |_| ()).await {
        Acquired::Leader(flying) => flying,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn one_wait_limit_applies_to_all_roles_of_a_chain() {
    let single_flight = SingleFlight::new(directory("bound"));
    let keys = [key("eu-west-1"), key("eu-west-2"), key("eu-west-3")];
    let mut held_up = Vec::new();
    for key in &keys {
        held_up.push(held(&single_flight, key).await);
    }
    let (mut wait_budget, start) = (WaitBudget::default(), tokio::time::Instant::now());
    for key in &keys {
        let flown = acquire(&single_flight, key, &mut wait_budget, || false, |_| ()).await;
        assert!(matches!(flown, Acquired::Leader(_)));
    }
    assert!(
        start.elapsed() > CALL && start.elapsed() < CALL + Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_waiting_process_waits_for_a_holder_that_makes_progress() {
    let single_flight = SingleFlight::new(directory("sign"));
    let (key, start) = (key("eu-west-1"), tokio::time::Instant::now());
    let mut holder = held(&single_flight, &key).await;
    let mut signs = 0;
    let waiting = |waited: Duration| {
        // The holder reports a new call every 20 s, three times.
        if signs < 3 && waited > Duration::from_secs(20) * (signs + 1) {
            signs += 1;
            holder.heartbeat(SystemTime::now(), Duration::ZERO);
        }
    };
    let landed = || start.elapsed() > Duration::from_secs(75);
    let flown = acquire(&single_flight, &key, &mut WaitBudget::default(), landed, waiting).await;
    assert!(matches!(flown, Acquired::Cached(())), "{flown:?} after {:?}", start.elapsed());
}

#[test]
fn the_lock_directory_is_created_on_first_use() {
    let path = directory("made");
    let _ = SingleFlight::new(&path);
    assert!(File::open(path).is_err());
}
