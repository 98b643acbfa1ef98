//! `arl each`: one command in several roles.
//!
//! `ARL_EACH_ROLES=1000` runs the test of many roles with that many, and prints what they took.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use arl_sts::{Fault, Role};

use crate::support::{DEPLOY, Run, Stage, in_terminal};

const READ_ONLY: &str = "123456789012/ReadOnly";
const SCRIPT: &str =
    "echo \"$ARL_ROLE_ARN\"; echo problem >&2; case $ARL_ROLE_ARN in *Deploy) exit 7 ;; esac";

fn stage() -> Stage {
    let stage = Stage::new();
    stage.profiles("[profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\ncredential_source = Environment\n", "");
    stage
}

#[test]
fn the_command_runs_once_per_role_and_each_line_names_the_role() {
    let stage = stage();
    let run = stage.arl(&["each", DEPLOY, READ_ONLY, "deploy", "-j", "2", "--", "sh", "-c", SCRIPT]);
    assert!(run.status == 7 && run.stderr.contains("arl: 1 of 3 done, 2 failed\narl:   "), "{run:?}");
    let mut lines: Vec<&str> = run.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            format!("123456789012/Deploy: {DEPLOY}"),
            "123456789012/ReadOnly: arn:aws:iam::123456789012:role/ReadOnly".to_owned(),
            format!("deploy: {DEPLOY}"),
        ]
    );
    for line in [
        "123456789012/Deploy: problem",
        "deploy: problem",
        "123456789012/ReadOnly: problem",
        "arl:   deploy: status 7",
    ] {
        assert!(run.stderr.lines().any(|said| said == line), "{line}: {run:?}");
    }
    // Flags apply to every role.
    let words = ["each", DEPLOY, "deploy", "--source-identity", "ann", "--duration", "30m", "--", "true"];
    assert_eq!(stage.arl(&words).success(), "");
    let asked = stage.assumed();
    let last = &asked[asked.len() - 2..];
    for request in last {
        assert_eq!(request.get("SourceIdentity"), Some("ann"));
        assert_eq!(request.get("DurationSeconds"), Some("1800"));
    }
}

#[test]
fn a_pattern_names_every_profile_with_a_role_that_it_matches() {
    let stage = Stage::new();
    let role = |name: &str| {
        format!(
            "[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\ncredential_source = Environment\n"
        )
    };
    let plain =
        "[profile payments-keys]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    let config = role("payments-dev") + &role("payments-prod") + &role("other-payments-x") + plain;
    stage.profiles(&config, "");
    let run = stage.arl(&["each", "payments-*", "payments-prod", "*-PROD", "--", "true"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stderr.contains("`payments-*` matches payments-dev, payments-prod\n"), "{run:?}");
    let run = stage.arl(&["each", "payments-*", "*-PROD", "--", "sh", "-c", "echo $ARL_ROLE"]);
    assert_eq!(run.success(), "payments-dev: payments-dev\npayments-prod: payments-prod\n");
    // A name without `*` stays a name, and a pattern without a match starts nothing.
    let refused =
        [("payments", 125, "no profile `payments`"), ("pay*x", 2, "no role profile matches `pay*x`")];
    for (name, status, said) in refused {
        let run = stage.arl(&["each", name, "--", "touch", "started"]);
        run.failure(status, said);
        assert!(!stage.home.join("started").exists(), "{run:?}");
    }
}

#[test]
fn a_pattern_leaves_out_no_role_that_is_invalid_and_passes_on_no_flag() {
    let good = "[profile payments-dev]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\ncredential_source = Environment\n";
    let elsewhere = "[profile other]\nrole_arn = nonsense\n";
    for (name, status) in [("payments-bad", 125), ("--help", 2)] {
        let stage = Stage::new();
        let arn = if status == 2 { "arn:aws:iam::123456789012:role/Deploy" } else { "nonsense" };
        let bad = format!("[profile {name}]\nrole_arn = {arn}\ncredential_source = Environment\n");
        stage.profiles(&format!("{good}{elsewhere}{bad}"), "");
        let pattern = if status == 2 { "*help" } else { "payments-*" };
        let run = stage.arl(&["each", "payments-dev", pattern, "--", "touch", "started"]);
        run.failure(status, name);
        assert!(!stage.home.join("started").exists(), "{run:?}");
        // What the pattern does not match is not mentioned.
        assert!(!run.stderr.contains("`other`"), "{run:?}");
    }
}

#[test]
fn a_profile_whose_name_is_a_pattern_is_meant_itself() {
    let stage = Stage::new();
    let role = |name: &str, role: &str| {
        format!(
            "[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/{role}\ncredential_source = Environment\n"
        )
    };
    stage.profiles(&(role("a*", "Deploy") + &role("ab", "ReadOnly")), "");
    let run = stage.arl(&["each", "a*", "--", "sh", "-c", "echo $ARL_ROLE_ARN"]);
    assert_eq!(run.success(), format!("a*: {DEPLOY}\n"));
}

#[test]
fn roles_from_reads_a_file_or_standard_input() {
    let stage = stage();
    fs::write(stage.home.join("roles"), "\u{feff}# ours\n\n  deploy  # the first\r\n123456789012/ReadOnly\n")
        .unwrap();
    let run = stage.arl(&["each", DEPLOY, "--roles-from", "roles", "--", "echo", "--", "-j"]);
    assert_eq!(run.success(), "123456789012/Deploy: -- -j\ndeploy: -- -j\n123456789012/ReadOnly: -- -j\n");
    let mut arl = stage.as_ann("arl");
    let run = stage.run_with_input(arl.args(["each", "--roles-from", "-", "--", "cat"]), "deploy\n");
    assert_eq!(run.success(), "", "the commands find nothing on standard input");
    stage.arl(&["each", "--roles-from", "nowhere", "--", "true"]).failure(125, "`nowhere`");
    fs::write(stage.home.join("none"), "# no role\n").unwrap();
    stage.arl(&["each", "--roles-from", "none", "--", "true"]).failure(2, "no role");
}

#[test]
fn an_invalid_role_stops_each_before_any_command_starts() {
    let stage = stage();
    stage.arl(&["each", "deploy", "deplox", "--", "touch", "begun"]).failure(125, "did you mean `deploy`?");
    stage
        .arl(&["each", "deploy", READ_ONLY, "--token-code", "123456", "--", "touch", "begun"])
        .failure(2, "works only once");
    stage.arl(&["each", "deploy", "touch", "begun"]).failure(2, "put -- before the command");
    stage.arl(&["each", "--", "touch", "begun"]).failure(2, "`arl each` needs a role");
    assert!(!stage.home.join("begun").exists());
    assert_eq!(stage.assumed().len(), 0);
    // A role that STS refuses does not stop the others.
    let run = stage.arl(&["each", "123456789012/Closed", "deploy", "--", "touch", "begun"]);
    assert_eq!(run.status, 125);
    assert!(run.stderr.contains("123456789012/Closed:   caused by: AccessDenied"), "{run:?}");
    assert!(stage.home.join("begun").exists());
}

#[test]
fn jobs_sets_the_number_of_simultaneous_commands() {
    let stage = stage();
    // Each command ends when all three have started. With fewer at a time they would never end.
    let meet = "touch here-$$; until [ \"$(ls here-* | wc -l)\" -ge 3 ]; do :; done";
    let words = ["each", DEPLOY, READ_ONLY, "deploy", "--jobs", "3", "--", "timeout", "20", "sh", "-c", meet];
    assert_eq!(stage.arl(&words).success(), "");
    // Without --jobs, commands run one after another.
    let alone = "mkdir alone && echo here && rmdir alone";
    let run = stage.arl(&["each", DEPLOY, READ_ONLY, "deploy", "--", "sh", "-c", alone]);
    assert_eq!(run.success().matches(": here\n").count(), 3);
}

#[test]
fn a_termination_signal_stops_running_commands_and_starts_no_more() {
    let stage = stage();
    let script = "trap 'echo stopped; exit 9' TERM; touch ready; while :; do sleep 0.01; done";
    let mut arl = stage.as_ann("arl");
    arl.args(["each", "deploy", READ_ONLY, "--", "sh", "-c", script]);
    let child = arl.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !stage.home.join("ready").exists() {
        std::thread::yield_now();
    }
    let killed = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(15));
    let run = Run::of(output);
    assert_eq!(run.stdout, "deploy: stopped\n");
    assert!(run.stderr.contains("arl: 0 of 2 done, 1 failed, 1 not started"), "{run:?}");
}

#[test]
fn each_ends_when_its_output_pipe_closes() {
    let stage = stage();
    let line = "arl each deploy 123456789012/ReadOnly -- yes | head -n 1";
    let run = stage.run(stage.as_ann("bash").args(["-c", line]));
    assert_eq!(run.success(), "deploy: y\n");
}

/// The socket of arl's signals once took the number of a closed descriptor, and each byte of a command's output was
/// a signal for it.
#[test]
fn what_a_command_prints_is_no_signal_where_standard_streams_are_closed() {
    let stage = stage();
    for closed in ["<&- >&- 2>&-", "<&- >&-", ">&-", "<&- 2>&-"] {
        // 15 is SIGTERM, 9 SIGKILL.
        let line = format!(
            "arl each deploy -- sh -c 'printf \"\\017\\011\\n\"; printf \"\\017\\011\\n\" >&2; sleep 0.2; touch lived' {closed}"
        );
        let run = stage.run(stage.as_ann("bash").args(["-c", &line]));
        assert!(stage.home.join("lived").exists(), "{closed}: {run:?}");
        assert_eq!(run.status, 0, "{closed}: {run:?}");
        std::fs::remove_file(stage.home.join("lived")).unwrap();
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_messages_stop_no_command() {
    let stage = stage();
    let run = |line: &str| stage.run(stage.as_ann("bash").args(["-c", line]));
    let full =
        run("arl each deploy 123456789012/ReadOnly -- sh -c 'echo one; touch ran-$ARL_ROLE' >/dev/full");
    full.failure(125, "No space left on device");
    assert!(full.stderr.contains("1 not started"), "{full:?}");
    let run = run("arl each deploy -- sh -c 'echo a >&2; sleep 0.2; echo b >&2; echo done' 2>/dev/full");
    assert_eq!((run.status, run.stdout.as_str()), (0, "deploy: done\n"), "{run:?}");
}

#[test]
fn the_progress_line_does_not_erase_an_open_prompt() {
    let stage = stage();
    stage.sts.change(|world| {
        let role = world.roles.get_mut("arn:aws:iam::123456789012:role/NeedsMfa").unwrap();
        role.trusts.push("*".into());
    });
    let mfa = arl_sts::World::ANN_MFA;
    let config = std::fs::read_to_string(stage.home.join(".aws/config")).unwrap_or_default();
    let more = format!(
        "{config}\n[profile mfa]\nrole_arn = arn:aws:iam::123456789012:role/NeedsMfa\ncredential_source = Environment\nmfa_serial = {mfa}\n"
    );
    std::fs::write(stage.home.join(".aws/config"), more).unwrap();
    // Type the code only after the other command has ended, while the prompt is open.
    let script = "import os, pty, select, signal, sys\n\
        signal.alarm(60)\n\
        child, terminal = pty.fork()\n\
        if child == 0: os.execvp('arl', ['arl', 'each', 'mfa', '123456789012/ReadOnly', '-j', '2', '--', 'sh', '-c', 'touch done-$ARL_ROLE_ARN; echo hello'.replace('$ARL_ROLE_ARN', '${ARL_ROLE_ARN##*/}')])\n\
        seen = b''\n\
        def read():\n\
        \x20   global seen\n\
        \x20   if not select.select([terminal], [], [], 30)[0]: sys.exit('nothing after ' + repr(seen))\n\
        \x20   try: part = os.read(terminal, 65536)\n\
        \x20   except OSError: part = b''\n\
        \x20   seen += part\n\
        \x20   return part\n\
        while b'MFA code from' not in seen: read()\n\
        while not os.path.exists('done-ReadOnly'): pass\n\
        os.write(terminal, b'100001\\r')\n\
        while read(): pass\n\
        os.waitpid(child, 0)\n\
        sys.stdout.buffer.write(seen)\n";
    let mut python = stage.as_ann("python3");
    let run = stage.run(python.args(["-c", script]).env("TERM", "xterm"));
    let shown = run.success();
    let behind = shown.split("MFA code from").nth(1).unwrap();
    let answer = behind.find("\r\n").unwrap_or(behind.len());
    assert!(!behind[..answer].contains('\u{1b}'), "the question was wiped away: {shown:?}");
    assert!(shown.contains("arl: 2 of 2 done"), "{shown:?}");
}

#[test]
fn a_terminal_shows_aligned_names_and_a_progress_bar() {
    let stage = stage();
    let line = "arl each deploy 123456789012/ReadOnly -- sh -c 'echo hello; case $ARL_ROLE_ARN in *Deploy) exit 7 ;; esac'";
    let mut script = in_terminal(&stage, line);
    let run = stage.run(script.env("NO_COLOR", "1"));
    assert_eq!(run.status, 7, "{run:?}");
    let shown = run.stdout;
    assert!(shown.contains("░ 0/2 done; running: deploy "), "{shown:?}");
    assert!(shown.contains("░ 1/2 done, 1 failed; running: 123456789012/ReadOnly "), "{shown:?}");
    // Each line takes the place of the bar, which is drawn anew below it. A question would write over it.
    assert!(shown.contains("\r\u{1b}[K\rdeploy:                hello\r\n"), "{shown:?}");
    assert!(shown.contains("\r\u{1b}[K\r123456789012/ReadOnly: hello\r\n"), "{shown:?}");
    assert!(shown.ends_with("\rarl: 1 of 2 done, 1 failed\r\narl:   deploy: status 7\r\n"), "{shown:?}");
    let bars = shown.split(['\r', '\n']).filter(|part| part.contains("/2 done"));
    let bars: Vec<&str> = bars.map(|bar| bar.trim_start_matches("\u{1b}[K")).collect();
    assert!(bars.iter().all(|bar| bar.chars().count() == 79), "{bars:?}");
}

#[test]
fn each_role_has_its_color_on_a_terminal_and_on_request() {
    let stage = stage();
    let line = "arl each deploy 123456789012/ReadOnly -- sh -c 'echo out; echo err >&2'";
    let colored = ["\u{1b}[0;35mdeploy:\u{1b}[0m", "\u{1b}[0;36m123456789012/ReadOnly:\u{1b}[0m"];
    let lines_of = |shown: &str, name: &str| shown.matches(name).count();
    let shown = stage.run(&mut in_terminal(&stage, line)).success();
    for name in colored {
        assert_eq!(lines_of(&shown, name), 2, "{shown:?}");
    }
    for (variable, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let shown = stage.run(in_terminal(&stage, line).env(variable, value)).success();
        assert!(!shown.contains("\u{1b}[0"), "{shown:?}");
        assert!(shown.contains("deploy:                out\r\n"), "{shown:?}");
    }
    // A program reads the same lines whichever other roles there are.
    let script = "echo out; echo err >&2";
    let run = stage.arl(&["each", "deploy", READ_ONLY, "--", "sh", "-c", script]);
    assert_eq!(run.stdout, "deploy: out\n123456789012/ReadOnly: out\n");
    assert_eq!(run.stderr, "deploy: err\n123456789012/ReadOnly: err\n");
    let run = stage.arl(&["each", "deploy", READ_ONLY, "--color", "always", "--", "echo", "out"]);
    assert_eq!(run.success(), colored.map(|name| format!("{name} out\n")).concat());
}

/// A name with a character that moves the cursor is shown escaped, before each line and in the bar.
#[test]
fn a_hostile_name_moves_no_cursor() {
    let stage = Stage::new();
    let hostile = "a\u{202e}b";
    stage.profiles(
        &format!("[profile {hostile}]\nrole_arn = {DEPLOY}\ncredential_source = Environment\n"),
        "",
    );
    let shown =
        stage.run(&mut in_terminal(&stage, "arl each 'a*' 123456789012/ReadOnly -- echo out")).success();
    assert!(shown.contains("a\\u{202e}b:") && !shown.contains(hostile), "{shown:?}");
    let run = stage.arl(&["each", "a*", "--json", "--", "true"]);
    let object: serde_json::Value = serde_json::from_str(&run.success()).unwrap();
    assert_eq!(object["name"], hostile);
}

#[test]
fn json_says_how_each_role_ended_and_stdout_has_nothing_else() {
    let stage = stage();
    let script = "echo shown; case $ARL_ROLE in deploy) exit 7 ;; *Only) kill -9 $$ ;; esac";
    let roles = ["123456789012/Closed", "deploy", READ_ONLY, DEPLOY];
    let words: Vec<&str> =
        ["each"].into_iter().chain(roles).chain(["-j", "3", "--json", "--", "sh", "-c", script]).collect();
    let run = stage.arl(&words);
    assert_eq!(run.status, 137, "{run:?}");
    assert!(run.stderr.contains("deploy: shown\n"), "{run:?}");
    let ended: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = [
        ("123456789012/Closed", "Closed", "failed", 125, None),
        ("deploy", "Deploy", "failed", 7, None),
        (READ_ONLY, "ReadOnly", "failed", 137, Some(9)),
        ("123456789012/Deploy", "Deploy", "succeeded", 0, None),
    ];
    assert_eq!(ended.len(), expected.len(), "{run:?}");
    for (object, (name, role, outcome, status, signal)) in ended.iter().zip(expected) {
        assert!(object["seconds"].as_f64().is_some_and(|seconds| seconds < 600.0), "{object}");
        let mut object = object.clone();
        object.as_object_mut().unwrap().remove("seconds");
        let arn = format!("arn:aws:iam::123456789012:role/{role}");
        let wanted = serde_json::json!({
            "name": name, "role_arn": arn, "account_id": "123456789012", "role_name": role,
            "outcome": outcome, "exit_status": status, "signal": signal, "error": null,
        });
        assert_eq!(object, wanted);
    }
}

#[test]
fn after_a_failure_fail_fast_starts_no_more_and_lets_the_others_finish() {
    let stage = stage();
    let script = "case $ARL_ROLE in deploy) exit 7 ;; esac";
    let words = ["each", READ_ONLY, "deploy", DEPLOY, "--fail-fast", "--json", "--", "sh", "-c", script];
    let run = stage.arl(&words);
    assert_eq!(run.status, 7, "{run:?}");
    assert!(
        run.stderr.contains("arl: 1 of 3 done, 1 failed, 1 not started\narl:   deploy: status 7\n"),
        "{run:?}"
    );
    let ended = run.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let outcomes: Vec<String> =
        ended.map(|object| format!("{} {}", object["outcome"], object["exit_status"])).collect();
    assert_eq!(outcomes, ["\"succeeded\" 0", "\"failed\" 7", "\"not_started\" null"]);
    assert_eq!(stage.assumed().len(), 2);
    // The first command goes on until the second one has failed and is gone, and its output still arrives.
    let script = "case $ARL_ROLE in\n\
        deploy) echo $$ >pid; exit 9 ;;\n\
        *Only) until [ -s pid ]; do :; done; while kill -0 $(cat pid) 2>/dev/null; do :; done\n\
            for i in 1 2 3 4 5 6 7 8 9; do sh -c :; done; echo finished ;;\n\
        *) touch begun ;; esac";
    let words = [
        "each",
        READ_ONLY,
        "deploy",
        DEPLOY,
        "--fail-fast",
        "-j",
        "2",
        "--",
        "timeout",
        "60",
        "sh",
        "-c",
        script,
    ];
    let run = stage.arl(&words);
    assert_eq!((run.status, run.stdout.as_str()), (9, "123456789012/ReadOnly: finished\n"), "{run:?}");
    assert!(!stage.home.join("begun").exists(), "{run:?}");
}

#[test]
#[expect(clippy::print_stdout, reason = "figures of many roles")]
fn many_roles_cost_one_call_each_and_little_memory() {
    const DELAY: Duration = Duration::from_millis(50);
    let count = std::env::var("ARL_EACH_ROLES").ok().map_or(96, |count| count.parse().unwrap());
    let stage = Stage::new();
    let roles: Vec<String> = (0..count).map(|number| format!("210987654321/Role{number}")).collect();
    stage.sts.change(|world| {
        for role in &roles {
            let arn = format!("arn:aws:iam::{}", role.replace('/', ":role/"));
            world.roles.insert(arn, Role::trusting(&["*"]));
        }
    });
    stage.sts.inject(Fault::Delay(DELAY), count);
    fs::write(stage.home.join("roles.txt"), roles.join("\n")).unwrap();
    // The largest resident set of arl and its commands.
    let code = "import resource, subprocess, sys\n\
        status = subprocess.call(sys.argv[1:])\n\
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n\
        sys.exit(status)";
    let mut python = stage.as_ann("python3");
    python.env_remove("ARL_CACHE").args(["-c", code, "arl", "each", "--roles-from", "roles.txt", "-j", "32"]);
    let begin = Instant::now();
    let run = stage.run(python.args(["--json", "--", "true"]));
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(run.status, 0, "{run:?}");
    let named = run.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let named: Vec<String> = named.map(|object| object["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(named, roles);
    let mut asked: Vec<String> =
        stage.assumed().iter().map(|request| request.get("RoleArn").unwrap().to_owned()).collect();
    asked.sort();
    asked.dedup();
    assert_eq!((asked.len(), stage.assumed().len()), (count, count));
    let memory: u64 = run.stderr.trim().parse().unwrap();
    assert!(memory < 100_000, "{memory} KB");
    let least = DELAY.as_secs_f64() * count as f64 / 32.0;
    println!("{count} roles: {seconds:.2} s, {:.2} x {least:.2} s; {memory} KB", seconds / least);
}
