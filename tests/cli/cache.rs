//! The session cache: what the key covers, damaged entries, failing disks, and processes that share one call.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use arl_sts::{Fault, Sts, World};

use crate::support::{DEPLOY, Run, Stage};

/// A command that caches sessions, which [`Stage::as_ann`] disables.
fn caching(stage: &Stage, program: &str) -> Command {
    let mut command = stage.as_ann(program);
    command.env_remove("ARL_CACHE");
    command
}

fn json(stage: &Stage, args: &[&str]) -> Run {
    stage.run(caching(stage, "arl").args(["assume", "--json"]).args(args))
}

fn calls(stage: &Stage) -> usize {
    stage.assumed().len()
}

/// The cache entries.
fn entries(stage: &Stage) -> Vec<PathBuf> {
    let directory = stage.home.join(".cache/arl/v1");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.sort();
    paths
}

#[test]
fn a_second_call_uses_the_cached_session() {
    let stage = Stage::new();
    stage.profiles(
        "[profile base]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\ncredential_source = Environment\n\
         [profile top]\nrole_arn = arn:aws:iam::123456789012:role/ReadOnly\nsource_profile = base\n",
        "",
    );
    stage.sts.change(|world| {
        let role = world.roles.get_mut("arn:aws:iam::123456789012:role/ReadOnly").unwrap();
        role.trusts.push(DEPLOY.into());
    });
    for role in [DEPLOY, "top"] {
        let first = json(&stage, &[role]).success();
        let before = stage.sts.requests().len();
        assert_eq!(json(&stage, &[role]).success(), first, "{role}");
        let exec =
            stage.run(caching(&stage, "arl").args(["exec", role, "--", "printenv", "AWS_ACCESS_KEY_ID"]));
        assert!(first.contains(exec.success().trim()), "{role}");
        // A cache hit does not contact the endpoint.
        let mut offline = caching(&stage, "arl");
        offline.args(["assume", role, "--shell", "posix"]).env("HTTPS_PROXY", "http://127.0.0.1:1");
        assert!(stage.run(&mut offline).success().contains("AWS_SESSION_TOKEN"), "{role}");
        assert_eq!(stage.sts.requests().len(), before, "{role}");
    }
    // The first call has cached the first role of the chain as well.
    assert_eq!(calls(&stage), 2);
    for path in entries(&stage) {
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600, "{}", path.display());
    }
    assert_eq!(fs::metadata(stage.home.join(".cache/arl/v1")).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn no_cache_stores_nothing_and_refresh_requests_a_new_session() {
    let stage = Stage::new();
    let _ = json(&stage, &[DEPLOY, "--no-cache"]).success();
    assert_eq!((calls(&stage), entries(&stage).len()), (1, 0));
    let first = json(&stage, &[DEPLOY]).success();
    let second = json(&stage, &[DEPLOY, "--refresh"]).success();
    assert_ne!(first, second);
    assert_eq!(json(&stage, &[DEPLOY]).success(), second);
    assert_eq!(calls(&stage), 3);
    // Longer than the session lasts.
    let _ = json(&stage, &[DEPLOY, "--min-ttl", "59m"]).success();
    let asked = stage.run(caching(&stage, "arl").args(["assume", DEPLOY, "--json"]).env("ARL_MIN_TTL", "2h"));
    assert!(asked.stderr.contains("lasts for less than the 2h"), "{asked:?}");
    assert_eq!(calls(&stage), 4);
    json(&stage, &[DEPLOY, "--min-ttl", "soon"]).failure(2, "--min-ttl must be a time");
    json(&stage, &[DEPLOY, "--min-ttl", "13h"]).failure(2, "must be at most 12h");
    stage
        .run(caching(&stage, "arl").args(["assume", DEPLOY, "--json"]).env("ARL_CACHE", "disk"))
        .failure(2, "ARL_CACHE must be");
    stage
        .run(caching(&stage, "arl").args(["assume", DEPLOY, "--json"]).env("ARL_CACHE_DIR", "here"))
        .failure(2, "must be an absolute path");
}

/// The arguments and the environment variables of a call.
type Variant<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

#[test]
fn any_differing_parameter_gets_its_own_cache_entry() {
    let stage = Stage::new();
    let other = Sts::start(World::demo(), 0, 0).unwrap();
    let credentials = |key: &str| {
        format!("[one]\naws_access_key_id = {key}\naws_secret_access_key = {}\n", World::ANN_SECRET)
    };
    let config = |more: &str, role: &str| {
        format!("[profile p]\nrole_arn = arn:aws:iam::123456789012:role/{role}\nsource_profile = one\n{more}")
    };
    stage.sts.change(|world| {
        world.add_user("arn:aws:iam::111122223333:user/bob", "AKIAIOSFODNN7BOB0001", World::ANN_SECRET);
        for role in world.roles.values_mut() {
            role.trusts.push("*".into());
            role.max_session_duration = 43_200;
        }
    });
    other.change(|world| {
        for role in world.roles.values_mut() {
            role.trusts.push("*".into());
        }
    });
    let total = || calls(&stage) + other.requests().iter().filter(|r| r.action == "AssumeRole").count();
    let plain = |args: &[&str], vars: &[(&str, &str)]| {
        let mut command = caching(&stage, "arl");
        command.args(["assume", "--json"]).args(args).envs(vars.iter().copied());
        stage.run(&mut command).success()
    };
    let by_flags: &[Variant<'_>] = &[
        (&[DEPLOY], &[]),
        (&["123456789012/ReadOnly"], &[]),
        (&[DEPLOY, "--duration", "1h"], &[]),
        (&[DEPLOY, "--duration", "2h"], &[]),
        (&[DEPLOY, "--policy", "{\"Statement\":[]}"], &[]),
        (&[DEPLOY, "--policy", "{\"Version\":\"2012-10-17\",\"Statement\":[]}"], &[]),
        (&[DEPLOY, "--policy-arns", "arn:aws:iam::aws:policy/A"], &[]),
        (&[DEPLOY, "--policy-arns", "arn:aws:iam::aws:policy/A,arn:aws:iam::aws:policy/B"], &[]),
        (&[DEPLOY, "--policy-arns", "[]"], &[]),
        (&[DEPLOY, "--tags", "a=b"], &[]),
        (&[DEPLOY, "--tags", "a=c"], &[]),
        (&[DEPLOY, "--tags", "a=b", "--transitive-tag-keys", "a"], &[]),
        (&[DEPLOY, "--external-id", "abc"], &[]),
        (&[DEPLOY, "--external-id", "abd"], &[]),
        (&[DEPLOY, "--serial-number", World::ANN_MFA, "--token-code", "100061"], &[]),
        (&[DEPLOY, "--source-identity", "ann"], &[]),
        (&[DEPLOY, "--source-identity", "ann", "--role-session-name", "other"], &[]),
        (&[DEPLOY, "--role-session-name", "{user}"], &[]),
        (&[DEPLOY, "--role-session-name", "ann"], &[("ARL_DURATION", "15m")]),
        (
            &[
                DEPLOY,
                "--provided-contexts",
                r#"[{"ProviderArn":"arn:aws:iam::aws:contextProvider/X","ContextAssertion":"assertion"}]"#,
            ],
            &[],
        ),
        (&[DEPLOY, "--additional-parameters", r#"{"New":"1"}"#], &[]),
        (&[DEPLOY, "--additional-parameters", r#"{"New":"2"}"#], &[]),
        (&[DEPLOY, "--region", "eu-west-1"], &[]),
        (&[DEPLOY, "--via", "123456789012/ReadOnly"], &[]),
        (&[DEPLOY], &[("AWS_ENDPOINT_URL_STS", &other.url())]),
        (&[DEPLOY], &[("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7BOB0001")]),
    ];
    let mut answers: Vec<String> = Vec::new();
    for (args, vars) in by_flags {
        let before = total();
        let answer = plain(args, vars);
        // The session of ReadOnly, for `--via`, is cached already.
        assert_eq!(total(), before + 1, "{args:?} {vars:?}");
        assert!(!answers.contains(&answer), "{args:?} {vars:?}");
        answers.push(answer);
    }
    for ((args, vars), answer) in by_flags.iter().zip(&answers) {
        let before = total();
        let code_spent: Vec<&str> =
            args.iter().copied().filter(|a| !["--token-code", "100061"].contains(a)).collect();
        assert_eq!(&plain(&code_spent, vars), answer, "{args:?} {vars:?}");
        assert_eq!(total(), before, "{args:?} {vars:?}");
    }
    // The profile keeps its name, and its contents change.
    let edits = [
        (config("", "Deploy"), credentials(World::ANN_KEY)),
        (config("", "ReadOnly"), credentials(World::ANN_KEY)),
        (config("", "Deploy"), credentials("AKIAIOSFODNN7BOB0001")),
        (config("duration_seconds = 900\n", "Deploy"), credentials(World::ANN_KEY)),
        (config("external_id = two\n", "Deploy"), credentials(World::ANN_KEY)),
        (config("role_session_name = ann2\n", "Deploy"), credentials(World::ANN_KEY)),
    ];
    let mut seen = Vec::new();
    for (config, keys) in &edits {
        stage.profiles(config, keys);
        let answer =
            stage.run(stage.bare("arl").env_remove("ARL_CACHE").args(["assume", "p", "--json"])).success();
        assert!(!seen.contains(&answer), "{config} {keys}");
        seen.push(answer);
    }
    // The right key ID with a wrong secret key gets no cached session.
    let mut impostor = caching(&stage, "arl");
    impostor.args(["assume", DEPLOY, "--json"]).env("AWS_SECRET_ACCESS_KEY", "another");
    stage.run(&mut impostor).failure(1, "SignatureDoesNotMatch");
}

/// A name, and the change to an entry.
type Damage = (&'static str, fn(&PathBuf));

#[test]
fn a_damaged_entry_is_a_miss_and_is_replaced() {
    let stage = Stage::new();
    let damages: [Damage; 12] = [
        ("empty", |path| fs::write(path, "").unwrap()),
        ("truncated", |path| {
            let text = fs::read(path).unwrap();
            fs::write(path, &text[..text.len() - 70]).unwrap();
        }),
        ("not JSON", |path| fs::write(path, "a\nb\nc\n").unwrap()),
        ("not UTF-8", |path| fs::write(path, b"\xff\xfe\n\n\n").unwrap()),
        ("newer", |path| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, text.replacen("\"schema\":2", "\"schema\":3", 1)).unwrap();
        }),
        ("readable by others", |path| fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap()),
        ("a link", |path| {
            let away = path.with_file_name("away");
            fs::rename(path, &away).unwrap();
            symlink(&away, path).unwrap();
        }),
        ("huge", |path| fs::write(path, vec![b' '; 64 * 1024 * 1024]).unwrap()),
        ("a directory", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("a pipe", |path| {
            fs::remove_file(path).unwrap();
            assert!(Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success());
        }),
        ("deep", |path| {
            fs::write(path, format!("{}\n{}\n0\n", "[".repeat(90_000), "{\"a\":".repeat(50_000))).unwrap()
        }),
        ("foreign", |path| {
            // Only root can change the owner of a file.
            if is_root() {
                std::os::unix::fs::chown(path, Some(65_534), None).unwrap();
            } else {
                fs::write(path, "").unwrap();
            }
        }),
    ];
    let _ = json(&stage, &[DEPLOY]).success();
    for (name, damage) in damages {
        let path = entries(&stage).into_iter().find(|path| path.file_name().unwrap() != "away").unwrap();
        damage(&path);
        let before = calls(&stage);
        let run = json(&stage, &[DEPLOY]);
        assert_eq!(run.stderr, "", "{name}");
        let fresh = run.success();
        assert_eq!(calls(&stage), before + 1, "{name}");
        assert_eq!(json(&stage, &[DEPLOY]).success(), fresh, "{name}: not repaired");
        assert_eq!(calls(&stage), before + 1, "{name}");
        let repaired = fs::symlink_metadata(&path).unwrap();
        assert!(repaired.is_file() && repaired.mode() & 0o777 == 0o600, "{name}");
        let _ = fs::remove_file(path.with_file_name("away"));
    }
    // Flip single bits.
    let path = entries(&stage).remove(0);
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(29) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).unwrap();
        let before = calls(&stage);
        let _ = json(&stage, &[DEPLOY]).success();
        assert_eq!(calls(&stage), before + 1, "byte {at} of {}", whole.len());
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn a_cache_that_cannot_be_written_is_a_one_line_warning() {
    let stage = Stage::new();
    for (name, value) in [("ARL_CACHE_DIR", "/proc/nowhere"), ("XDG_CACHE_HOME", "/dev/null")] {
        let run = stage.run(caching(&stage, "arl").args(["assume", DEPLOY, "--json"]).env(name, value));
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
        assert!(run.stderr.starts_with("arl: could not cache the session"), "{run:?}");
        assert!(run.success().contains("SessionToken"));
    }
    // arl removes the permissions of others from its directory.
    let directory = stage.home.join("shared");
    fs::create_dir_all(directory.join("v1")).unwrap();
    fs::set_permissions(directory.join("v1"), fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = caching(&stage, "arl");
    command.args(["assume", DEPLOY, "--json"]).env("ARL_CACHE_DIR", &directory);
    assert!(stage.run(&mut command).success().contains("SessionToken"));
    assert_eq!(fs::metadata(directory.join("v1")).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn a_failed_system_call_while_storing_leaves_a_valid_or_no_entry() {
    let stage = Stage::new();
    let trace = stage.home.join("trace");
    let inject = |reason: String| {
        let mut strace = caching(&stage, "strace");
        strace.args(["-f", "-o", trace.to_str().unwrap(), "-e", "trace=write,rename", "-e"]);
        strace.arg(format!("inject={reason}")).args(["arl", "assume", DEPLOY, "--json", "--refresh"]);
        stage.run(&mut strace)
    };
    let old = json(&stage, &[DEPLOY]).success();
    for error in ["ENOSPC", "EIO", "EDQUOT", "EROFS"] {
        let run = inject(format!("rename:error={error}"));
        assert_eq!(run.stderr.lines().count(), 1, "{error}: {run:?}");
        assert!(run.stderr.contains("could not cache the session"), "{error}: {run:?}");
        assert!(run.success().contains("SessionToken"), "{error}");
        assert_eq!(json(&stage, &[DEPLOY]).success(), old, "{error}");
        assert_eq!(entries(&stage).len(), 1, "{error}: {:?}", entries(&stage));
    }
    // Each write in turn: to the socket, to the entry, to stdout.
    let mut warned = 0;
    for nth in 1.. {
        let run = inject(format!("write:error=EIO:when={nth}"));
        // tokio wakes its threads by a write to an eventfd, and panics if that fails.
        if !run.stderr.contains("tokio") {
            assert!(!run.stderr.contains("a bug in arl"), "{nth}: {run:?}");
        }
        assert_eq!(run.status == 0, run.stdout.contains("SessionToken"), "{nth}: {run:?}");
        warned += run.stderr.matches("could not cache the session").count();
        let before = calls(&stage);
        let _ = json(&stage, &[DEPLOY]).success();
        assert_eq!(calls(&stage), before, "{nth}: no valid entry is left");
        assert_eq!(entries(&stage).len(), 1, "{nth}: {:?}", entries(&stage));
        let trace = fs::read_to_string(&trace).unwrap();
        if !trace.contains("INJECTED") {
            break;
        }
    }
    assert!(warned > 0, "the entry's own write was never hit");
}

/// Kills a command at random moments. Returns how many times the result was damaged.
pub(crate) fn broken_by_kills(
    kills: u32,
    spawn: impl Fn() -> Child,
    longest: std::time::Duration,
    is_whole: impl Fn() -> bool,
) -> u32 {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut broken = 0;
    for _ in 0..kills {
        let mut child = spawn();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let moment = longest.mul_f64(f64::from(u32::try_from(state >> 40).unwrap()) / f64::from(1 << 24));
        let end = std::time::Instant::now() + moment;
        // This loop waits for nothing: it ends at the random moment of the kill.
        while std::time::Instant::now() < end && child.try_wait().unwrap().is_none() {}
        let _ = child.kill();
        child.wait().unwrap();
        broken += u32::from(!is_whole());
    }
    broken
}

#[test]
fn a_kill_while_storing_leaves_the_old_entry_or_the_new_one() {
    let kills = std::env::var("ARL_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let stage = Stage::new();
    let _ = json(&stage, &[DEPLOY]).success();
    let spawn = || {
        let mut command = caching(&stage, "arl");
        command
            .args(["assume", DEPLOY, "--json", "--refresh"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let started = std::time::Instant::now();
    spawn().wait().unwrap();
    let longest = started.elapsed().mul_f64(1.2);
    let is_hit = || {
        // STS may record the call of a killed process late, so do not count calls there.
        let run = json(&stage, &[DEPLOY, "-v"]);
        run.status == 0 && run.stderr.contains("cache: hit")
    };
    assert_eq!(broken_by_kills(kills, spawn, longest, is_hit), 0, "of {kills}");
    // A writer that truncates the file in place must be caught, or this test proves nothing.
    let path = entries(&stage).into_iter().find(|path| path.extension().is_none()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(stage.home.join("text"), &text).unwrap();
    let script = "t = open('text').read()\nwhile True:\n f = open(__import__('sys').argv[1], 'w')\n for c in t: f.write(c); f.flush()\n f.close()";
    let spawn = || stage.bare("python3").args(["-c", script]).arg(&path).spawn().unwrap();
    let longest = std::time::Duration::from_millis(120);
    let broken = broken_by_kills(30, spawn, longest, || fs::read_to_string(&path).unwrap() == text);
    assert!(broken > 0, "a writer that truncates in place passes");
    // The next store removes temporary files of killed processes once they are old enough.
    let orphan = path.with_extension("1-1.tmp");
    fs::write(&orphan, "secret").unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(120);
    fs::File::options().write(true).open(&orphan).unwrap().set_modified(old).unwrap();
    // It also removes entries that expired some time ago.
    let over = path.with_file_name("0".repeat(64));
    fs::write(&over, text.replace("\"Expiration\":", "\"Expiration\":1,\"Then\":")).unwrap();
    fs::set_permissions(&over, fs::Permissions::from_mode(0o600)).unwrap();
    fs::File::options()
        .write(true)
        .open(&over)
        .unwrap()
        .set_modified(old - std::time::Duration::from_secs(3600))
        .unwrap();
    let _ = json(&stage, &[DEPLOY, "--refresh"]).success();
    assert!(!orphan.exists() && !over.exists());
}

/// Starts `count` commands at once and waits for all of them.
fn stampede(count: usize, command: impl Fn() -> Command) -> Vec<Run> {
    let start = |_| command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let children: Vec<Child> = (0..count).map(start).collect();
    children.into_iter().map(|child| Run::of(child.wait_with_output().unwrap())).collect()
}

#[test]
fn simultaneous_processes_make_one_call() {
    for count in [10, 64, 256] {
        let stage = Stage::new();
        stage.sts.inject(Fault::Delay(std::time::Duration::from_millis(300)), 1);
        let runs = stampede(count, || {
            let mut command = caching(&stage, "arl");
            command.args(["assume", DEPLOY, "--json"]);
            command
        });
        assert_eq!(calls(&stage), 1, "{count}");
        let first = runs[0].stdout.clone();
        for run in runs {
            assert_eq!(run.success(), first);
        }
    }
}

#[test]
fn the_lock_of_a_killed_process_delays_no_other_process() {
    let stage = Stage::new();
    stage.sts.inject(Fault::Silence, 1);
    let holder = || {
        let mut command = caching(&stage, "arl");
        command.args(["assume", DEPLOY, "--json"]).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut first = holder().spawn().unwrap();
    while calls(&stage) == 0 {
        std::thread::yield_now();
    }
    let others: Vec<Child> =
        (0..256).map(|_| holder().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).collect();
    first.kill().unwrap();
    first.wait().unwrap();
    let runs: Vec<Run> = others.into_iter().map(|child| Run::of(child.wait_with_output().unwrap())).collect();
    let answer = runs[0].stdout.clone();
    for run in runs {
        assert_eq!(run.success(), answer);
    }
    assert_eq!(calls(&stage), 2);
}

#[test]
fn waiting_processes_share_the_failure_of_the_lock_holder() {
    let stage = Stage::new();
    stage.sts.inject(Fault::Delay(std::time::Duration::from_secs(1)), 1000);
    let runs = stampede(256, || {
        let mut command = caching(&stage, "arl");
        command.args(["assume", "123456789012/Closed", "--json"]);
        command
    });
    for run in runs {
        run.failure(1, "AccessDenied");
        assert!(run.stderr.contains("hint: "), "{run:?}");
    }
    // Processes that started after the failure call STS again, and share that call in turn.
    assert!(calls(&stage) <= 8, "{} calls", calls(&stage));
    // Failures are not cached.
    let before = calls(&stage);
    json(&stage, &["123456789012/Closed"]).failure(1, "AccessDenied");
    assert_eq!(calls(&stage), before + 1);
}

#[test]
fn a_waiting_process_tries_its_own_mfa_code_after_another_one_failed() {
    let stage = Stage::new();
    stage.sts.inject(Fault::Delay(std::time::Duration::from_millis(300)), 1);
    let call = |code: &str| {
        let mut command = caching(&stage, "arl");
        command.args(["assume", "123456789012/NeedsMfa", "--json", "--serial-number", World::ANN_MFA]);
        command.args(["--token-code", code]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let wrong = call("999999");
    while calls(&stage) == 0 {
        std::thread::yield_now();
    }
    let right = call("100081");
    Run::of(wrong.wait_with_output().unwrap()).failure(1, "one time pass code");
    assert!(Run::of(right.wait_with_output().unwrap()).success().contains("SessionToken"));
}

#[test]
fn waiting_processes_share_one_mfa_prompt_and_no_argument_holds_the_code() {
    let stage = Stage::new();
    let driver = stage.home.join("driver.py");
    fs::write(&driver, DRIVER).unwrap();
    let mut python = caching(&stage, "python3");
    python.arg(&driver).args([
        "256",
        "100071",
        "arl",
        "exec",
        "123456789012/NeedsMfa",
        "--serial-number",
        World::ANN_MFA,
    ]);
    python.args(["--", "printenv", "AWS_ACCESS_KEY_ID"]);
    let run = stage.run(&mut python);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(calls(&stage), 1, "{run:?}");
    let mut ids: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("ASIA")).collect();
    assert_eq!(ids.len(), 256, "{run:?}");
    ids.dedup();
    assert_eq!(ids.len(), 1, "{run:?}");
    assert_eq!(run.stdout.matches("MFA code from ").count(), 1, "{run:?}");
    assert!(!run.stdout.contains("100071"), "the code was shown: {run:?}");
    assert!(run.stdout.contains("the terminal is as it was"), "{run:?}");
}

/// Starts N commands in one terminal and types one code for each prompt. While the commands run, it looks for
/// the code in the arguments of every process. It prints the screen and what it found.
const DRIVER: &str = r#"
import os, pty, select, signal, subprocess, sys, termios
signal.alarm(60)
count, codes, command = int(sys.argv[1]), sys.argv[2].split(","), sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    before = termios.tcgetattr(0)
    running = [subprocess.Popen(command) for _ in range(count)]
    status = max(process.wait() for process in running)
    print("the terminal is as it was" if termios.tcgetattr(0) == before else "the terminal has changed")
    sys.stdout.flush()
    os._exit(status)
seen, typed, code = b"", 0, codes[0]
while True:
    try:
        if select.select([terminal], [], [], 0.005)[0]:
            data = os.read(terminal, 65536)
            if not data: break
            seen += data
    except OSError:
        break
    if typed < len(codes) and seen.count(b"MFA code from ") > typed:
        code = codes[typed]
        os.write(terminal, code.encode() + b"\n")
        typed += 1
    if typed:
        for process in os.listdir("/proc"):
            if process.isdigit() and process != str(os.getpid()):
                try:
                    words = open(f"/proc/{process}/cmdline", "rb").read()
                    if code.encode() in words and b"driver.py" not in words:
                        seen += b"the code is in an argument list: " + code.encode()
                except OSError:
                    pass
sys.stdout.write(seen.decode(errors="replace").replace("\r", ""))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

/// Runs `count` copies of a command in one terminal and types these codes.
fn in_one_terminal(stage: &Stage, count: &str, codes: &str, command: &[&str]) -> Run {
    let driver = stage.home.join("driver.py");
    fs::write(&driver, DRIVER).unwrap();
    let mut python = caching(stage, "python3");
    stage.run(python.arg(&driver).args([count, codes]).args(command))
}

#[test]
fn prompts_in_one_terminal_appear_one_after_another() {
    let stage = Stage::new();
    let mut command = vec!["arl", "exec", "123456789012/NeedsMfa", "--serial-number", World::ANN_MFA];
    command.extend(["--no-cache", "--", "printenv", "ARL_ROLE_ARN"]);
    let run = in_one_terminal(&stage, "3", "100072,100073,100074", &command);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(calls(&stage), 3, "{run:?}");
    assert!(run.stdout.contains("the terminal is as it was"), "{run:?}");
    for code in ["100072", "100073", "100074"] {
        assert!(!run.stdout.contains(code), "{code} was shown: {run:?}");
    }
}

#[test]
fn a_signal_that_the_caller_ignores_stays_ignored_during_a_prompt() {
    let stage = Stage::new();
    let line = format!(
        "trap '' HUP; exec arl exec 123456789012/NeedsMfa --serial-number {} -- grep SigIgn /proc/self/status",
        World::ANN_MFA
    );
    let run = in_one_terminal(&stage, "1", "100075", &["sh", "-c", &line]);
    let ignored = run.stdout.split("SigIgn:").nth(1).unwrap_or_else(|| panic!("{run:?}"));
    let mask = u64::from_str_radix(ignored.split_whitespace().next().unwrap(), 16).unwrap();
    // SIGHUP is signal 1. SIGINT, SIGQUIT and SIGTERM must not be ignored.
    assert_eq!((mask & 1, mask & 0b100_0000_0000_0110), (1, 0), "{run:?}");
}

#[test]
fn without_a_terminal_a_needed_mfa_code_fails_at_once() {
    let stage = Stage::new();
    let mut command = caching(&stage, "setsid");
    command.args(["arl", "assume", "123456789012/NeedsMfa", "--json", "--serial-number", World::ANN_MFA]);
    let run = stage.run(&mut command);
    run.failure(3, "an MFA code from");
    assert!(run.stderr.contains("--token-code"), "{run:?}");
    assert_eq!(calls(&stage), 0);
}

#[test]
fn cached_sessions_can_be_listed_completed_and_removed() {
    let stage = Stage::new();
    let run = |args: &[&str]| stage.run(caching(&stage, "arl").args(args));
    assert_eq!(run(&["cache", "list"]).success(), "");
    let _ = json(&stage, &[DEPLOY]).success();
    let path = run(&["cache", "path"]).success();
    assert_eq!(path.trim(), stage.home.join(".cache/arl").to_str().unwrap());
    let list = run(&["cache", "list"]).success();
    assert!(list.contains("Deploy") && list.contains("123456789012") && list.contains("1h"), "{list}");
    let object: serde_json::Value =
        serde_json::from_str(&run(&["cache", "list", "--json"]).success()).unwrap();
    assert_eq!(object["role_arn"], DEPLOY);
    assert!(object["seconds_left"].as_u64().unwrap() > 3500);
    let listed = run(&["list"]);
    assert!(listed.stdout.contains("Deploy"), "{listed:?}");
    let completed = run(&["completions", "bash", "--index", "2", "--", "arl", "assume", "arn:aws:iam::1234"]);
    assert_eq!(completed.success(), format!("{DEPLOY}\tused before, 1h left\n"));
    for text in [list, listed.stdout] {
        stage.assert_no_secret(&text);
    }
    assert_eq!(
        run(&["cache", "clear"]).stderr,
        "arl: 1 session deleted
"
    );
    assert_eq!(entries(&stage).len(), 0);
}

/// With `sudo -E`, root would create directories in the user's home that the user cannot use.
#[test]
fn root_creates_no_directories_in_another_users_home() {
    use std::os::unix::fs::chown;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stage = Stage::new();
    chown(&stage.home, Some(65534), None).unwrap();
    let run = json(&stage, &[DEPLOY]);
    assert!(run.stderr.contains("root creates none in the directory of another user"), "{run:?}");
    let _ = run.success();
    assert!(!stage.home.join(".cache").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn keyring_entries_expire_by_themselves_and_no_file_is_written() {
    use std::time::{Duration, SystemTime};

    use arl::internal::{
        CacheKey, CachedSession, Credentials, KeyringCache, Secret, SessionStore, StsSettings,
    };

    let stage = Stage::new();
    let now = SystemTime::now();
    // Entries of earlier runs stay in the keyring for an hour, and an earlier run may have had the same port.
    let name = format!("run-{}", now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos());
    let mut command = caching(&stage, "arl");
    command.args(["assume", DEPLOY, "--json", "--role-session-name", &name]);
    command.env("ARL_CACHE", "keyring").env("TMPDIR", &stage.home);
    let Ok(cache) = KeyringCache::open() else {
        // Many containers have no keyring. Then arl fails instead of writing secrets to a file.
        stage.run(&mut command).failure(1, "keyring");
        assert!(!stage.home.join(".cache").exists());
        return;
    };
    let first = stage.run(&mut command).success();
    assert_eq!(stage.run(&mut command).success(), first);
    assert_eq!(calls(&stage), 1);
    assert!(!stage.home.join(".cache").exists());
    let mut names = fs::read_dir(&stage.home).unwrap().flatten().map(|entry| entry.file_name());
    assert!(names.all(|name| name == ".aws" || name.to_string_lossy().starts_with("arl-")));
    // The kernel removes the key of a session that is about to expire.
    let keys = Credentials::new("AKIA".into(), Secret::new(format!("{:?}", stage.home)), None, None);
    let env = arl::internal::SourceEnvironment {
        var: &|_| None,
        read_file: &|_| None,
        home: None,
        portal_url: None,
        config_file: String::new(),
        current_dir: &PathBuf::new,
    };
    let source =
        arl::internal::SourceKey::from_source(&arl::internal::Source::Keys(keys.unwrap()), &env).unwrap();
    let settings = StsSettings { endpoint_url: Some(stage.sts.url()), ..StsSettings::new("us-east-1") };
    let key = CacheKey::new(&settings, &source, &[]);
    let now = SystemTime::now();
    // The kernel counts whole seconds, and the first one may end at once.
    let end = Some(now + Duration::from_millis(2500));
    let credentials = Credentials::new("ASIAX".into(), Secret::new("s".into()), None, end).unwrap();
    cache.write(&key, &CachedSession { credentials, issued_at: now }, now).unwrap();
    assert!(cache.read(&key).is_some());
    let patience = std::time::Instant::now() + Duration::from_secs(20);
    while cache.read(&key).is_some() {
        assert!(std::time::Instant::now() < patience, "the key outlived its session");
        std::thread::yield_now();
    }
}
