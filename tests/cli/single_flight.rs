//! Locks between processes: when they must not wait for each other, and lock files that are not arl's.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use arl_sts::Fault;

use crate::support::{DEPLOY, Run, Stage};

const OTHER: u32 = 4242;

fn caching(stage: &Stage, words: &[&str]) -> Command {
    let mut command = stage.as_ann("arl");
    command.env_remove("ARL_CACHE").args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn directory(path: PathBuf) -> PathBuf {
    fs::create_dir_all(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

fn ended(children: Vec<Child>) -> Vec<Run> {
    children.into_iter().map(|child| Run::of(child.wait_with_output().unwrap())).collect()
}

#[test]
fn processes_do_not_queue_for_a_session_that_cannot_be_cached() {
    for more in [&["--region", "eu-west-1"][..], &["--min-ttl", "90m"]] {
        let stage = Stage::new();
        let runtime = directory(stage.home.join("run"));
        stage.sts.inject(Fault::Delay(Duration::from_secs(1)), 1);
        // STS answers the other seven only when all of them ask at the same time.
        stage.sts.inject(Fault::Gather(7), 7);
        let start = |_| {
            let mut command = caching(&stage, &["assume", DEPLOY, "--json"]);
            command.args(more).env("XDG_RUNTIME_DIR", &runtime);
            if more[0] != "--min-ttl" {
                command.env("ARL_CACHE_DIR", "/proc/nowhere");
            }
            command.spawn().unwrap()
        };
        for run in ended((0..8).map(start).collect()) {
            assert!(run.success().contains("SessionToken"));
        }
        assert_eq!(stage.assumed().len(), 8);
    }
}

#[test]
fn a_helper_programs_error_output_is_not_shared_through_the_lock_file() {
    let stage = Stage::new();
    let line = "sh -c 'echo x >>ran; echo Bearer TOPSECRET >&2; exit 1'";
    stage.profiles(&format!("[profile p]\ncredential_process = {line}\n"), "");
    let locks = directory(stage.home.join("run"));
    let start = |_| {
        let mut command = caching(&stage, &["assume", DEPLOY, "--profile", "p", "--json"]);
        command.env("XDG_RUNTIME_DIR", &locks).spawn().unwrap()
    };
    for run in ended((0..4).map(start).collect()) {
        run.failure(1, "Bearer TOPSECRET");
    }
    // Each process ran the program itself.
    assert_eq!(fs::read_to_string(stage.home.join("ran")).unwrap().lines().count(), 4);
    let kept = fs::read_dir(locks.join("arl")).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<String> = kept.map(|path| fs::read_to_string(path).unwrap()).collect();
    assert!(!kept.is_empty() && kept.iter().all(|text| !text.contains("TOPSECRET")), "{kept:?}");
}

#[test]
fn cleanup_removes_only_stale_lock_files() {
    let stage = Stage::new();
    let locks = directory(stage.home.join("cache/locks"));
    let old = SystemTime::now() - Duration::from_secs(3 * 86_400);
    let age = |name: &str| {
        let file = fs::File::create(locks.join(name)).unwrap();
        file.set_modified(old).unwrap();
    };
    let stale = "0123456789abcdef".repeat(4);
    for name in ["Cargo.lock", "terminal-x", "terminal-77", &stale] {
        age(name);
    }
    let run = stage
        .run(caching(&stage, &["assume", DEPLOY, "--json"]).env("ARL_CACHE_DIR", stage.home.join("cache")));
    let _ = run.success();
    let is_there = |name: &str| locks.join(name).exists();
    assert!(is_there("Cargo.lock") && is_there("terminal-x"));
    assert!(!is_there("terminal-77") && !is_there(&stale));
}

#[test]
fn a_runtime_directory_of_another_user_is_not_used() {
    let stage = Stage::new();
    let runtime = directory(stage.home.join("run"));
    // Only root can create another user's directory. Other users find one in root's /run.
    let runtime = match std::os::unix::fs::chown(&runtime, Some(OTHER), None) {
        Ok(()) => runtime,
        Err(_) => PathBuf::from("/run"),
    };
    let run =
        stage.run(caching(&stage, &["assume", DEPLOY, "--json"]).env("XDG_RUNTIME_DIR", &runtime)).success();
    assert!(run.contains("SessionToken"));
    assert!(!runtime.join("arl").exists());
    assert_eq!(fs::read_dir(stage.home.join(".cache/arl/locks")).unwrap().count(), 1);
}

#[test]
fn a_named_pipe_in_place_of_a_lock_file_does_not_block() {
    let stage = Stage::new();
    let json = |stage: &Stage| {
        stage.run(&mut caching(stage, &["assume", DEPLOY, "--json", "--region", "eu-west-1"]))
    };
    let _ = json(&stage).success();
    let locks = stage.home.join(".cache/arl/locks");
    for entry in fs::read_dir(&locks).unwrap() {
        let path = entry.unwrap().path();
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    }
    fs::remove_dir_all(stage.home.join(".cache/arl/v1")).unwrap();
    assert!(json(&stage).success().contains("SessionToken"));
}

#[test]
fn cache_directories_may_have_names_that_are_not_utf8() {
    let stage = Stage::new();
    let name = std::ffi::OsString::from_vec(b"x\xffy".to_vec());
    for variable in ["ARL_CACHE_DIR", "XDG_CACHE_HOME"] {
        let path = stage.home.join(variable).join(&name);
        let _ = stage.run(caching(&stage, &["assume", DEPLOY, "--json"]).env(variable, &path)).success();
        assert!(path.is_dir(), "{variable}");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "{variable}");
    }
}

/// The disk is full, so the lock holder cannot even write a note for the waiting processes.
#[test]
fn processes_do_not_queue_on_a_full_disk() {
    let stage = Stage::new();
    let disk = directory(stage.home.join("disk"));
    let mount =
        |words: &[&str]| Command::new("mount").args(words).status().is_ok_and(|status| status.success());
    let path = disk.to_str().unwrap();
    // Only root can mount a disk of this size. `processes_do_not_queue_for_a_session_that_cannot_be_cached`
    // covers the notes for other users.
    if fs::metadata("/proc/self").unwrap().uid() != 0
        || !mount(&["-t", "tmpfs", "-o", "size=16k,mode=0700", "arl-test", path])
    {
        return;
    }
    let fill = |path: &Path| while fs::write(path, [0; 4096].repeat(8)).is_ok() {};
    for place in ["locks", "v1"] {
        directory(disk.join(place));
    }
    fill(&disk.join("fill"));
    let start = |_| {
        let mut command = caching(&stage, &["assume", DEPLOY, "--json"]);
        command.env("ARL_CACHE_DIR", &disk).spawn().unwrap()
    };
    let runs = ended((0..6).map(start).collect());
    assert!(Command::new("umount").arg(&disk).status().unwrap().success());
    for run in runs {
        assert!(run.success().contains("SessionToken"));
    }
    assert_eq!(stage.assumed().len(), 6);
}

/// A failure that was noted while the clock was ahead was repeated until the clock caught up.
#[test]
fn a_failure_is_told_to_those_alone_who_waited_for_that_holder() {
    let stage = Stage::new();
    let cache = stage.home.join("cache");
    let refused = |stage: &Stage| {
        let mut command = caching(stage, &["assume", "123456789012/Closed", "--json"]);
        stage.run(command.env("ARL_CACHE_DIR", &cache))
    };
    refused(&stage).failure(1, "AccessDenied");
    let lock = fs::read_dir(cache.join("locks")).unwrap().next().unwrap().unwrap().path();
    let note = fs::read_to_string(&lock).unwrap();
    let calls = stage.assumed().len();
    assert!(note.starts_with("failed "), "{note}");
    // The same note, as if its holder's clock had been twenty minutes ahead.
    let file = fs::File::options().write(true).open(&lock).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(1200)).unwrap();
    refused(&stage).failure(1, "AccessDenied");
    assert_eq!(stage.assumed().len(), calls + 1, "a note of another call was believed");
}

#[test]
fn cache_clear_forgets_failures_as_well() {
    let stage = Stage::new();
    let cache = stage.home.join("cache");
    let mut command = caching(&stage, &["assume", "123456789012/Closed", "--json"]);
    stage.run(command.env("ARL_CACHE_DIR", &cache)).failure(1, "AccessDenied");
    assert_eq!(fs::read_dir(cache.join("locks")).unwrap().count(), 1);
    let _ = stage.run(caching(&stage, &["cache", "clear"]).env("ARL_CACHE_DIR", &cache)).success();
    assert_eq!(fs::read_dir(cache.join("locks")).unwrap().count(), 0);
}

/// A lock holder that is stopped holds the others up for a limited time, and not in silence.
#[test]
fn a_stopped_lock_holder_is_reported_under_verbose_without_a_terminal() {
    let stage = Stage::new();
    stage.sts.inject(Fault::Delay(Duration::from_secs(3)), 1);
    let holder = caching(&stage, &["assume", DEPLOY, "--json"]).spawn().unwrap();
    while stage.assumed().is_empty() {
        std::thread::yield_now();
    }
    let run = |flags: &[&str]| stage.run(caching(&stage, flags).args(["assume", DEPLOY, "--json"]));
    let waiting = "another arl process is getting this session; waiting for it";
    let verbose = run(&["-v"]);
    assert_eq!(verbose.stderr.matches(waiting).count(), 1, "{verbose:?}");
    let _ = verbose.success();
    for ended in ended(vec![holder]) {
        assert_eq!(ended.stderr, "");
        let _ = ended.success();
    }
    assert_eq!(stage.assumed().len(), 1);
}
