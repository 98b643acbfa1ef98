//! `arl each`: one command in several roles.

use std::fs;
use std::process::{Command, Stdio};

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
        [("payments", 125, "no profile `payments`"), ("pay*x", 2, "no profile with a role matches `pay*x`")];
    for (name, status, said) in refused {
        let run = stage.arl(&["each", name, "--", "touch", "started"]);
        run.failure(status, said);
        assert!(!stage.home.join("started").exists(), "{run:?}");
    }
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
        .failure(2, "works once");
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
    assert!(run.stderr.contains("arl: 0 of 2 done, 1 failed, 1 not begun"), "{run:?}");
}

#[test]
fn each_ends_when_its_output_pipe_closes() {
    let stage = stage();
    let line = "arl each deploy 123456789012/ReadOnly -- yes | head -n 1";
    let run = stage.run(stage.as_ann("bash").args(["-c", line]));
    assert_eq!(run.success(), "deploy: y\n");
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
        while b'MFA code of' not in seen: read()\n\
        while not os.path.exists('done-ReadOnly'): pass\n\
        os.write(terminal, b'100001\\r')\n\
        while read(): pass\n\
        os.waitpid(child, 0)\n\
        sys.stdout.buffer.write(seen)\n";
    let mut python = stage.as_ann("python3");
    let run = stage.run(python.args(["-c", script]).env("TERM", "xterm"));
    let shown = run.success();
    let behind = shown.split("MFA code of").nth(1).unwrap();
    let answer = behind.find("\r\n").unwrap_or(behind.len());
    assert!(!behind[..answer].contains('\u{1b}'), "the question was wiped away: {shown:?}");
    assert!(shown.contains("arl: 2 of 2 done"), "{shown:?}");
}

#[test]
fn a_terminal_shows_progress() {
    let stage = stage();
    let mut script = in_terminal(&stage, "arl each deploy 123456789012/ReadOnly -- echo hello");
    let run = stage.run(script.env("TERM", "xterm"));
    let shown = run.success();
    assert!(shown.contains("1/2 done; running: 123456789012/ReadOnly\r"), "{shown:?}");
    assert!(shown.contains("\r\u{1b}[Kdeploy: hello\r\n"), "{shown:?}");
    assert!(shown.ends_with("\r\u{1b}[Karl: 2 of 2 done\r\n"), "{shown:?}");
}
