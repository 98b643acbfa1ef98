//! `arl keys rotate`: killed at every step, it leaves a stored key that works, and the next one finishes.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use arl_sts::{Fault, World};

use crate::keys::KeyStage;
use crate::support::Run;

/// How often each kill is repeated. `ARL_ROTATION_KILLS=50` does so for a release.
fn repetitions() -> usize {
    std::env::var("ARL_ROTATION_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(1)
}

fn with_key() -> KeyStage {
    let keys = KeyStage::new();
    let _ = keys.add(&["dev", "--no-profile"]).success();
    fs::remove_file(keys.stage.home.join("helper-calls")).unwrap();
    keys.stage.sts.reset();
    keys
}

/// Ann's keys with their state, in the order of their IDs.
fn of_ann(keys: &KeyStage) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    keys.stage.sts.change(|world| {
        let own = world.keys.iter().filter(|(_, key)| key.arn == World::ANN && key.token.is_none());
        found.extend(own.map(|(id, key)| (id.clone(), !key.revoked)));
    });
    found.sort();
    found
}

/// The one key that Ann has, which is the stored one, and active.
#[track_caller]
fn assert_rotated(keys: &KeyStage) -> String {
    let own = of_ann(keys);
    let [(id, true)] = own.as_slice() else { panic!("{own:?}") };
    assert_ne!(id, World::ANN_KEY);
    assert_eq!(keys.stored("dev"), (Some(id.clone()), None));
    let record = fs::read_to_string(keys.record("dev")).unwrap();
    assert!(record.contains(id.as_str()) && record.contains(World::ANN), "{record}");
    id.clone()
}

fn rotate(keys: &KeyStage, args: &[&str]) -> Run {
    keys.arl(&[&["keys", "rotate", "dev"], args].concat())
}

#[test]
fn rotate_replaces_the_key_in_the_documented_order() {
    let keys = with_key();
    // The new key is refused at first, as if it were not known everywhere.
    keys.stage.sts.change(|world| world.new_key_refusals = 2);
    let run = rotate(&keys, &[]);
    assert!(run.stderr.contains(&format!("the old key {} is deleted", World::ANN_KEY)), "{run:?}");
    let _ = run.success();
    let new = assert_rotated(&keys);
    let requests = keys.stage.sts.requests();
    let calls: Vec<(&str, bool)> = requests
        .iter()
        .filter(|request| request.action != "GetCallerIdentity")
        .map(|request| (request.action.as_str(), request.access_key_id == new))
        .collect();
    assert_eq!(
        calls,
        [
            ("ListAccessKeys", false),
            ("CreateAccessKey", false),
            ("UpdateAccessKey", true),
            ("DeleteAccessKey", true)
        ]
    );
    assert!(
        requests
            .iter()
            .filter(|request| request.action == "GetCallerIdentity" && request.access_key_id == new)
            .count()
            >= 5
    );
}

#[test]
fn keep_old_only_deactivates_the_old_key() {
    let keys = with_key();
    let run = rotate(&keys, &["--keep-old"]);
    assert!(
        run.stderr.contains(&format!("the old key {} is inactive; to delete it: aws iam", World::ANN_KEY)),
        "{run:?}"
    );
    let _ = run.success();
    let own = of_ann(&keys);
    assert_eq!((own.len(), own.iter().find(|(id, _)| id == World::ANN_KEY).unwrap().1), (2, false));
    // The user has two keys now, so the next rotation says which is which.
    keys.stage.sts.change(|world| {
        world.last_used.insert(World::ANN_KEY.into(), SystemTime::now() - Duration::from_secs(3 * 3600));
    });
    let before = keys.stored("dev");
    let run = rotate(&keys, &[]);
    run.failure(1, "the user already has two keys, and AWS allows no third");
    assert!(
        run.stderr.contains(&format!("{} is inactive, last used 3h ago for s3", World::ANN_KEY)),
        "{run:?}"
    );
    assert!(run.stderr.contains("is active, never used; it is the stored key"), "{run:?}");
    assert!(
        run.stderr.contains(&format!(
            "hint: to delete the other one first: arl keys rotate dev --replace {}",
            World::ANN_KEY
        )),
        "{run:?}"
    );
    assert_eq!((keys.stored("dev"), of_ann(&keys)), (before.clone(), own));
    let stored = before.0.unwrap();
    rotate(&keys, &["--replace", &stored]).failure(2, "is the stored key");
    rotate(&keys, &["--replace", "AKIAIOSFODNN7BOB0001"]).failure(2, "is not a key of this user");
    let _ = rotate(&keys, &["--replace", World::ANN_KEY]).success();
    assert_ne!(assert_rotated(&keys), stored);
}

/// Runs `rotate` with a kill, and checks that a stored key works and that the next rotate finishes.
fn check_kill(what: &str, kill: impl Fn(&KeyStage) -> bool) -> bool {
    let keys = with_key();
    if !kill(&keys) {
        return false;
    }
    let own = of_ann(&keys);
    let (current, pending) = keys.stored("dev");
    let works = |id: &Option<String>| id.as_ref().is_some_and(|id| own.contains(&(id.clone(), true)));
    assert!(works(&current), "{what}: the stored key {current:?} (pending {pending:?}) is none of {own:?}");
    keys.stage.sts.reset();
    let run = rotate(&keys, &[]);
    assert_eq!(run.status, 0, "{what}: {run:?}");
    // A rotation that was over already is followed by another one.
    assert_rotated(&keys);
    true
}

#[test]
#[expect(clippy::print_stdout, reason = "figures of a large run")]
fn a_rotation_that_is_killed_at_the_keychain_is_finished_by_the_next_one() {
    for variable in ["KILL_BEFORE", "KILL_AFTER"] {
        for _ in 0..repetitions() {
            let mut kills = 0;
            while check_kill(&format!("{variable}={}", kills + 1), |keys| {
                let mut command = keys.bare("arl");
                command.env(variable, (kills + 1).to_string()).args(["keys", "rotate", "dev"]);
                keys.stage.run(&mut command).status == 128 + 9
            }) {
                kills += 1;
            }
            println!("{variable}: {kills} kills");
            assert!(kills >= 11, "only {kills} kills");
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "figures of a large run")]
fn a_rotation_that_is_killed_at_a_call_is_finished_by_the_next_one() {
    for _ in 0..repetitions() {
        for (fault, calls_more) in [(Fault::Silence, 0), (Fault::Unanswered, 1)] {
            let mut calls = 0;
            while check_kill(&format!("{fault:?} at call {}", calls + 1), |keys| {
                if calls > 0 {
                    // No fault at the calls before.
                    keys.stage.sts.inject(Fault::Delay(Duration::ZERO), calls);
                }
                keys.stage.sts.inject(fault.clone(), 1);
                let mut command = keys.bare("arl");
                let mut child =
                    command.args(["keys", "rotate", "dev"]).stderr(Stdio::null()).spawn().unwrap();
                loop {
                    if keys.stage.sts.requests().len() > calls {
                        break;
                    }
                    if child.try_wait().unwrap().is_some() {
                        return false;
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                // The effect comes just after the record of the request, and before the answer that never comes.
                std::thread::sleep(Duration::from_millis(30 * calls_more));
                child.kill().unwrap();
                child.wait().unwrap();
                true
            }) {
                calls += 1;
            }
            println!("{fault:?}: {calls} kills");
            assert!(calls >= 10, "only {calls} calls");
        }
    }
}

#[test]
fn a_store_that_fails_halfway_leaves_the_old_key_in_place() {
    let keys = with_key();
    fs::write(keys.stage.home.join("refuse-rotations"), "").unwrap();
    let run = rotate(&keys, &[]);
    run.failure(1, "the keychain is locked");
    assert_eq!(of_ann(&keys), [(World::ANN_KEY.to_owned(), true)], "no key was created");
    fs::remove_file(keys.stage.home.join("refuse-rotations")).unwrap();
    fs::write(keys.stage.home.join("refuse-keys"), "").unwrap();
    let run = rotate(&keys, &[]);
    run.failure(1, "the keychain is locked");
    assert!(run.stderr.contains("hint: then continue: arl keys rotate dev"), "{run:?}");
    assert_eq!(keys.stored("dev").0.as_deref(), Some(World::ANN_KEY));
    assert!(of_ann(&keys).contains(&(World::ANN_KEY.to_owned(), true)));
    fs::remove_file(keys.stage.home.join("refuse-keys")).unwrap();
    let _ = rotate(&keys, &[]).success();
    assert_rotated(&keys);
}

#[test]
fn a_new_key_of_another_user_is_deleted_again() {
    let keys = with_key();
    keys.stage.sts.change(|world| world.new_key_owner = Some("arn:aws:iam::111122223333:user/bob".into()));
    let run = rotate(&keys, &[]);
    run.failure(1, "the new key belongs to another identity, so arl does not use it");
    assert_eq!(keys.stored("dev").0.as_deref(), Some(World::ANN_KEY));
    assert_eq!(of_ann(&keys), [(World::ANN_KEY.to_owned(), true)]);
}

#[test]
fn an_old_key_that_cannot_be_retired_is_a_warning_and_the_next_rotation_does_it() {
    let keys = with_key();
    // The calls are: caller, list, create, the old caller, three times the new one, the new caller, deactivate.
    keys.stage.sts.inject(Fault::Delay(Duration::ZERO), 8);
    keys.stage.sts.inject(Fault::Refuse("AccessDenied", "not you".into()), 1);
    let run = rotate(&keys, &[]);
    assert!(
        run.stderr
            .contains("warning: could not delete the old key AKIAIOSFODNN7ANN0001 (AccessDenied: not you)"),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("or: aws iam delete-access-key --access-key-id AKIAIOSFODNN7ANN0001"),
        "{run:?}"
    );
    let _ = run.success();
    let stored = keys.stored("dev").0;
    assert_eq!(of_ann(&keys).len(), 2);
    let _ = rotate(&keys, &[]).success();
    assert_eq!(Some(assert_rotated(&keys)), stored, "it finishes the first rotation, and begins no other");
}

#[test]
fn a_refused_rotation_leaves_nothing_behind() {
    let keys = with_key();
    keys.stage.sts.inject(Fault::Delay(Duration::ZERO), 2);
    keys.stage.sts.inject(Fault::Refuse("AccessDenied", "User ann is not authorized".into()), 1);
    let run = rotate(&keys, &[]);
    run.failure(1, "could not create a new key");
    assert!(run.stderr.contains("hint: the user needs iam:ListAccessKeys"), "{run:?}");
    assert_eq!(keys.stored("dev"), (Some(World::ANN_KEY.into()), None));
    let entries = fs::read_dir(keys.stage.home.join("store")).unwrap().count();
    assert_eq!(entries, 1, "the note of the rotation is gone");
    keys.arl(&["keys", "rotate", "nothing"]).failure(1, "fake has no key `nothing`");
}

#[test]
fn two_rotations_at_once_do_not_meet() {
    let keys = with_key();
    keys.stage.sts.inject(Fault::Silence, 1);
    let mut first = keys.bare("arl");
    let mut first = first.args(["keys", "rotate", "dev"]).stderr(Stdio::null()).spawn().unwrap();
    while keys.stage.sts.requests().is_empty() {
        std::thread::yield_now();
    }
    rotate(&keys, &[]).failure(1, "another arl process is changing the key `dev`");
    first.kill().unwrap();
    first.wait().unwrap();
    let _ = rotate(&keys, &[]).success();
    assert_rotated(&keys);
}

#[test]
fn an_mfa_session_signs_the_calls_where_a_policy_wants_it() {
    let keys = with_key();
    keys.stage.sts.change(|world| world.iam_needs_mfa = true);
    let run = rotate(&keys, &[]);
    run.failure(1, "could not list the user's keys");
    assert!(run.stderr.contains("hint: if a policy requires MFA for that: --mfa-session"), "{run:?}");
    rotate(&keys, &["--mfa-session"]).failure(2, "--mfa-session needs a device");
    // Each code works once, and each of the two keys needs one.
    let device = "n=$(cat codes 2>/dev/null || echo 100100); echo $((n + 1)) | tee codes";
    let run = rotate(&keys, &["--mfa-session", "--serial-number", World::ANN_MFA, "--mfa-process", device]);
    let _ = run.success();
    assert_rotated(&keys);
    let sessions =
        keys.stage.sts.requests().into_iter().filter(|request| request.action == "GetSessionToken");
    assert_eq!(sessions.count(), 2);
}

/// Another user changes the keys in AWS while a rotation is interrupted.
#[test]
fn an_interrupted_rotation_goes_on_with_what_is_left_in_aws() {
    for what in ["the new key is deleted", "the old key is deactivated", "the old key is deleted"] {
        let keys = with_key();
        let mut command = keys.bare("arl");
        // The last but one store puts the new key beside the old one.
        command.env("KILL_BEFORE", "7").args(["keys", "rotate", "dev"]);
        assert_eq!(keys.stage.run(&mut command).status, 128 + 9);
        let (Some(old), Some(new)) = keys.stored("dev") else { panic!("{what}: {:?}", keys.stored("dev")) };
        keys.stage.sts.change(|world| match what {
            "the new key is deleted" => drop(world.keys.remove(&new)),
            "the old key is deleted" => drop(world.keys.remove(&old)),
            _ => world.keys.get_mut(&old).unwrap().revoked = true,
        });
        let run = rotate(&keys, &[]);
        assert_eq!(run.status, 0, "{what}: {run:?}");
        assert_eq!(assert_rotated(&keys) == new, what != "the new key is deleted", "{what}: {run:?}");
    }
}
