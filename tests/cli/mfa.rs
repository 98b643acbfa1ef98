//! MFA codes: from a program, for an MFA session, and typed at a terminal, whose settings must be restored.

use std::process::Command;

use arl_sts::{Role, World};

use crate::support::{Run, Stage};

const NEEDS_MFA: &str = "123456789012/NeedsMfa";

fn profiles(stage: &Stage, more: &str) {
    let keys =
        format!("[ann]\naws_access_key_id={}\naws_secret_access_key={}\n", World::ANN_KEY, World::ANN_SECRET);
    let role = "role_arn = arn:aws:iam::123456789012:role/NeedsMfa\nsource_profile = ann\n";
    let config = format!(
        "[profile secure]\n{role}mfa_serial = {}\n{more}[profile ann]\nmfa_serial = {}\n",
        World::ANN_MFA,
        World::ANN_MFA
    );
    stage.profiles(&config, &keys);
}

/// `arl` with a cache and without a terminal.
fn arl(stage: &Stage, args: &[&str]) -> Command {
    let mut command = stage.bare("setsid");
    command.args(["--wait", "arl"]).args(args).env("ARL_CACHE", "file");
    command
}

fn codes(stage: &Stage, action: &str) -> Vec<Option<String>> {
    let requests = stage.sts.requests().into_iter().filter(|request| request.action == action);
    requests.map(|request| request.get("TokenCode").map(str::to_owned)).collect()
}

fn code(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn an_mfa_process_supplies_the_code() {
    let stage = Stage::new();
    profiles(&stage, "mfa_process = echo ' 100001 '; echo 'touch your key' >&2\n");
    let run = stage.run(&mut arl(&stage, &["assume", "secure", "--json", "--no-cache"]));
    assert!(run.stderr.contains("touch your key"), "{run:?}");
    let _ = run.success();
    // The profile's `mfa_process` takes precedence over the variable, and the flag over both.
    let mut by_variable = arl(
        &stage,
        &["assume", NEEDS_MFA, "--profile", "ann", "--serial-number", World::ANN_MFA, "--json", "--no-cache"],
    );
    let _ = stage.run(by_variable.env("ARL_MFA_PROCESS", "echo 100002")).success();
    let mut both = arl(&stage, &["assume", "secure", "--mfa-process", "echo 100003", "--json", "--no-cache"]);
    let _ = stage.run(both.env("ARL_MFA_PROCESS", "echo 100004")).success();
    assert_eq!(codes(&stage, "AssumeRole"), [code("100001"), code("100002"), code("100003")]);
    // After a code that was used before, arl runs the program again.
    let file = stage.home.join("codes");
    std::fs::write(&file, "100003\n100005\n").unwrap();
    let next = format!("head -n 1 {0}; sed -i 1d {0}", file.display());
    let run =
        stage.run(&mut arl(&stage, &["assume", "secure", "--mfa-process", &next, "--json", "--no-cache"]));
    assert!(run.stderr.contains("wait for the next one"), "{run:?}");
    let _ = run.success();
}

#[test]
fn a_failing_mfa_process_is_reported_without_its_output() {
    let stage = Stage::new();
    profiles(&stage, "");
    for (process, said) in [
        ("echo hunter22", "did not print six digits"),
        ("echo 1234567", "did not print six digits"),
        ("exit 7", "exit status 7"),
        ("head -c 1000000 /dev/zero", "wrote more than 64 KiB"),
        ("no-such-program-anywhere", "exit status 127"),
    ] {
        let run = stage.run(&mut arl(&stage, &["assume", "secure", "--mfa-process", process]));
        run.failure(1, said);
        assert!(!run.stderr.contains("hunter22") && !run.stderr.contains("1234567"), "{run:?}");
    }
    assert_eq!(stage.sts.requests().len(), 0);
    let run = stage.run(&mut arl(&stage, &["assume", "secure"]));
    run.failure(3, "an MFA code");
    for way_out in ["--token-code", "--mfa-process", "mfa_process", "in a terminal"] {
        assert!(run.stderr.contains(way_out), "{way_out}: {run:?}");
    }
}

#[test]
fn arl_mfa_session_takes_only_yes_or_no() {
    let stage = Stage::new();
    for (text, status) in [("TRUE", 0), ("on", 0), ("No", 0), ("maybe", 2), ("2", 2)] {
        let mut arl = stage.as_ann("arl");
        let run = stage.run(arl.args(["explain", "123456789012/ReadOnly"]).env("ARL_MFA_SESSION", text));
        assert_eq!(run.status, status, "{text}: {run:?}");
    }
}

#[test]
fn an_mfa_session_needs_one_code_for_several_roles() {
    let stage = Stage::new();
    profiles(&stage, "");
    stage.sts.change(|world| {
        let role = world.roles["arn:aws:iam::123456789012:role/NeedsMfa"].clone();
        world.roles.insert("arn:aws:iam::123456789012:role/Other".into(), role);
    });
    let words = ["assume", "secure", "--mfa-session", "--mfa-process", "echo 100001", "--json", "-v"];
    let run = stage.run(&mut arl(&stage, &words));
    for step in ["asking the MFA process for a code", "getting a 12-hour MFA session with a code from"] {
        assert!(run.stderr.contains(step), "{run:?}");
    }
    let _ = run.success();
    let other =
        ["assume", "123456789012/Other", "--profile", "ann", "--serial-number", World::ANN_MFA, "--json"];
    let _ = stage.run(arl(&stage, &other).env("ARL_MFA_SESSION", "1")).success();
    assert_eq!(codes(&stage, "GetSessionToken"), [code("100001")]);
    assert_eq!(codes(&stage, "AssumeRole"), [None, None]);
    // A role assumed with an MFA session lasts at most one hour.
    let run =
        stage.run(&mut arl(&stage, &["assume", "secure", "--mfa-session", "--duration", "2h", "--json"]));
    assert!(run.stderr.contains("lowered to 1h"), "{run:?}");
    let _ = run.success();
    // The MFA session itself, without a role.
    let said = stage.run(&mut arl(&stage, &["assume", "ann", "--mfa-session", "--json"])).success();
    assert!(said.contains("SessionToken"), "{said}");
    assert_eq!(codes(&stage, "GetSessionToken").len(), 1);
    // A refresh, another region and another session name use the same MFA session.
    let more: [&[&str]; 3] = [
        &["--refresh", "--json"],
        &["--region", "eu-west-1", "--json"],
        &["--role-session-name", "{caller}.x", "--json"],
    ];
    for more in more {
        let words = [&["assume", "secure", "--mfa-session"], more].concat();
        let _ = stage.run(&mut arl(&stage, &words)).success();
    }
    assert_eq!(codes(&stage, "GetSessionToken").len(), 1);
    assert_eq!(
        stage
            .sts
            .requests()
            .last()
            .and_then(|last| last.get("RoleSessionName").map(str::to_owned))
            .as_deref(),
        Some("ann.x")
    );
    // Another user's keys do not get Ann's MFA session.
    stage.sts.change(|world| {
        world.add_user("arn:aws:iam::111122223333:user/bob", "AKIAIOSFODNN7BOB0001", "bobs-secret-key")
    });
    let mut bob = arl(&stage, &["assume", NEEDS_MFA, "--serial-number", World::ANN_MFA, "--mfa-session"]);
    bob.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7BOB0001").env("AWS_SECRET_ACCESS_KEY", "bobs-secret-key");
    stage.run(&mut bob).failure(3, "an MFA code");
    let mut bob = arl(&stage, &["assume", NEEDS_MFA, "--mfa-session"]);
    bob.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7BOB0001").env("AWS_SECRET_ACCESS_KEY", "bobs-secret-key");
    stage.run(&mut bob).failure(2, "needs a device");
    let wrong = ["assume", "secure", "--mfa-session", "--token-code", "999999", "--no-cache"];
    stage.run(&mut arl(&stage, &wrong)).failure(1, "could not get the source credentials");
}

#[test]
fn in_a_chain_the_mfa_session_belongs_to_the_first_user() {
    let stage = Stage::new();
    profiles(&stage, "");
    stage.sts.change(|world| {
        world.roles.insert("arn:aws:iam::123456789012:role/Other".into(), Role::trusting(&["*"]));
    });
    let by_flag = ["--via", NEEDS_MFA, "--serial-number", World::ANN_MFA];
    // Without the flag, the device is that of the profile with the keys.
    for (more, code) in [(&by_flag[..], "echo 100010"), (&["--via", NEEDS_MFA], "echo 100011")] {
        let start =
            ["assume", "123456789012/Other", "--profile", "ann", "--mfa-session", "--no-cache", "--json"];
        let words = [&start[..], more, &["--mfa-process", code]].concat();
        let before = stage.sts.requests().len();
        let _ = stage.run(&mut arl(&stage, &words)).success();
        let requests = &stage.sts.requests()[before..];
        let serials = requests.iter().map(|request| request.get("SerialNumber").is_some());
        assert_eq!(serials.collect::<Vec<_>>(), [true, false, false], "{requests:?}");
    }
}

/// Does something at an MFA prompt, then compares the terminal's settings with those before.
const AT_A_PROMPT: &str = r#"
import os, pty, select, signal, subprocess, sys, termios
signal.alarm(60)
what, line = sys.argv[1], sys.argv[2]
child, terminal = pty.fork()
if child == 0:
    os.execvp("bash", ["bash", "-c", "stty -a >before; " + line + "; echo \"status $?\"; stty -a >after; cmp before after && echo as it was"])
seen = b""
def read():
    global seen
    try: data = os.read(terminal, 65536)
    except OSError: return False
    seen += data
    return bool(data)
while b"MFA code from " not in seen: read()
if what == "kill":
    def is_arl(pid):
        # Other processes end while this looks at them.
        try: return open(f"/proc/{pid}/cmdline", "rb").read().startswith(b"arl\0") and os.getpgid(pid) == os.getpgid(child)
        except OSError: return False
    pids = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_arl(pid)]
    for pid in pids: os.kill(pid, signal.SIGTERM)
else:
    os.write(terminal, {"code": b"100001\n", "interrupt": b"\x03", "end": b"\x04", "stop": b"\x1a\n100003\n", "nonsense": b"hunter22\n100002\n"}[what])
while read(): pass
sys.stdout.write(seen.decode(errors="replace").replace("\r", ""))
os.waitpid(child, 0)
"#;

fn at_a_prompt(stage: &Stage, what: &str, line: &str) -> Run {
    let mut python = stage.bare("python3");
    stage.run(python.args(["-c", AT_A_PROMPT, what, line]).env("TERM", "dumb"))
}

#[test]
fn the_mfa_prompt_is_visible_inside_eval() {
    let stage = Stage::new();
    profiles(&stage, "");
    let line = "eval \"$(arl assume secure --shell bash)\" </dev/null; echo \"role $ARL_ROLE_ARN\"";
    let said = at_a_prompt(&stage, "code", line).success();
    assert!(said.contains("role arn:aws:iam::123456789012:role/NeedsMfa\n"), "{said}");
    assert!(said.contains("as it was"), "{said}");
    assert!(!said.contains("100001"), "{said}");
    // Ctrl-Z is ignored: it would leave the shell waiting and the terminal without echo.
    let said = at_a_prompt(&stage, "stop", line).success();
    assert!(said.contains("role arn:") && said.contains("as it was"), "{said}");
    // An invalid code is not shown, and arl prompts again.
    let said = at_a_prompt(&stage, "nonsense", line).success();
    assert!(said.contains("a code has six digits") && !said.contains("hunter22"), "{said}");
}

#[test]
fn the_terminal_is_restored_however_a_prompt_ends() {
    let stage = Stage::new();
    profiles(&stage, "");
    for (what, status) in [("end", 1), ("kill", 143)] {
        let said = at_a_prompt(&stage, what, "arl assume secure --json --show").success();
        assert!(said.contains(&format!("status {status}\n")) && said.contains("as it was"), "{what}: {said}");
    }
    // An interrupt ends the inner script as well.
    let line = "bash -c 'arl assume secure --json --show; echo not this'";
    let said = at_a_prompt(&stage, "interrupt", &format!("trap : INT; {line}")).success();
    assert!(said.contains("as it was") && !said.contains("not this"), "{said}");
    assert_eq!(stage.sts.requests().len(), 0);
}

/// The device belongs to the user of the source profile, and so does the program that knows its codes.
#[test]
fn an_mfa_process_is_inherited_from_the_profiles_on_the_way() {
    let role = "role_arn = arn:aws:iam::123456789012:role/NeedsMfa\n";
    let serial = World::ANN_MFA;
    let other = "arn:aws:iam::111122223333:mfa/other";
    let keys =
        format!("[ann]\naws_access_key_id={}\naws_secret_access_key={}\n", World::ANN_KEY, World::ANN_SECRET);
    let device = format!("mfa_serial = {serial}\n");
    for (config, args, expected) in [
        // From the source profile, which names the device itself or does not.
        (
            format!(
                "[profile r]\n{role}{device}source_profile = ann\n[profile ann]\nmfa_process = echo 100001\n"
            ),
            &["r"][..],
            code("100001"),
        ),
        (
            format!(
                "[profile r]\n{role}{device}source_profile = ann\n[profile ann]\n{device}mfa_process = echo 100001\n"
            ),
            &["r"],
            code("100001"),
        ),
        // The role's own takes precedence.
        (
            format!(
                "[profile r]\n{role}{device}mfa_process = echo 100002\nsource_profile = ann\n[profile ann]\nmfa_process = echo 100001\n"
            ),
            &["r"],
            code("100002"),
        ),
        // The device is named by a flag, the source by another one.
        (
            format!("[profile r]\n{role}source_profile = x\n[profile ann]\nmfa_process = echo 100001\n"),
            &["r", "--serial-number", serial, "--profile", "ann"],
            code("100001"),
        ),
        // A program for another device.
        (
            format!(
                "[profile r]\n{role}{device}source_profile = ann\n[profile ann]\nmfa_serial = {other}\nmfa_process = echo 100001\n"
            ),
            &["r"],
            None,
        ),
    ] {
        let stage = Stage::new();
        stage.profiles(&config, &keys);
        let mut command = arl(&stage, &["assume", "--json", "--no-cache"]);
        let run = stage.run(command.args(args));
        match &expected {
            Some(_) => {
                let _ = run.success();
                assert_eq!(codes(&stage, "AssumeRole"), [expected], "{config}");
            }
            None => {
                run.failure(3, "an MFA code from");
                let mut variable = arl(&stage, &["assume", "--json", "--no-cache"]);
                let _ = stage.run(variable.args(args).env("ARL_MFA_PROCESS", "echo 100004")).success();
            }
        }
    }
}

#[test]
fn list_shows_a_session_only_beside_profiles_with_its_source_and_mfa_device() {
    let stage = Stage::new();
    let role = "role_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = ann\n";
    let config = format!(
        "[profile plain]\n{role}[profile secure]\n{role}mfa_serial = {}\n[profile of-bob]\n{}",
        World::ANN_MFA,
        role.replace("ann", "bob")
    );
    let keys = format!(
        "[ann]\naws_access_key_id={}\naws_secret_access_key={}\n[bob]\naws_access_key_id=AKIABOB\naws_secret_access_key=x\n",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    stage.profiles(&config, &keys);
    let run = |args: &[&str]| stage.run(&mut arl(&stage, args)).success();
    // Which of the profiles have a session, and how many other sessions there are.
    let listed = || {
        let lines = run(&["list"]);
        let has_session = |name: &str| {
            lines.lines().find(|line| line.trim_start().starts_with(name)).unwrap().ends_with(" 1h")
        };
        assert!(!has_session("of-bob"), "{lines}");
        let others = lines.lines().filter(|line| line.contains("key …")).count();
        (has_session("plain"), has_session("secure"), others)
    };
    let _ = run(&["assume", "plain", "--json"]);
    assert_eq!(listed(), (true, false, 0));
    let _ = run(&["assume", "secure", "--json", "--token-code", "100001"]);
    assert_eq!(listed(), (true, true, 0));
    let _ = run(&["cache", "clear"]);
    let _ = run(&["assume", "secure", "--json", "--token-code", "100002"]);
    assert_eq!(listed(), (false, true, 0));
    let _ = run(&["cache", "clear"]);
    let _ = run(&["assume", "secure", "--json", "--mfa-session", "--token-code", "100003"]);
    assert!(listed().1);
    // A session that no profile would use stands below the profiles.
    let _ = run(&["cache", "clear"]);
    let _ = run(&["assume", "plain", "--json"]);
    let device = "mfa_serial = arn:aws:iam::111122223333:mfa/bob\n";
    stage.profiles(&config.replacen(role, &format!("{role}{device}"), 1), &keys);
    assert_eq!(listed(), (false, false, 1));
}
