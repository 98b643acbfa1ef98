//! Secrets appear in no arguments, messages and core dumps.

use std::process::Stdio;

use crate::support::{DEPLOY, Run, Stage, in_terminal};

#[test]
fn no_process_has_a_secret_in_its_arguments() {
    let stage = Stage::new();
    let trace = stage.home.join("trace");
    let line = format!(
        "strace -f -e trace=execve -s 9999 -o {} sh -c 'eval \"$(arl assume {DEPLOY} -v)\"; arl exec 123456789012/Chained --chain -v -- true'",
        trace.display()
    );
    let _ = stage.run(stage.as_ann("sh").args(["-c", &line]));
    let trace = std::fs::read_to_string(trace).unwrap();
    assert!(trace.matches("execve(").count() >= 4, "{trace}");
    stage.assert_no_secret(&trace);
}

#[test]
fn no_message_contains_an_mfa_code() {
    let stage = Stage::new();
    let mfa = ["--serial-number", arl_sts::World::ANN_MFA, "--token-code", "100007"];
    let args = [&["-v", "assume", "123456789012/NeedsMfa", "--shell", "bash"], &mfa[..]].concat();
    let run = stage.arl(&args);
    assert!(!run.stderr.contains("100007"), "{run:?}");
    let _ = run.success();
    let again = stage.arl(&args);
    again.failure(1, "invalid MFA one time pass code");
    assert!(!again.stderr.contains("100007"), "{again:?}");
    let bad = stage.arl(&["assume", DEPLOY, "--token-code", "10000x"]);
    bad.failure(2, "--token-code must be the 6 digits");
    assert!(!bad.stderr.contains("10000x"), "{bad:?}");
}

#[test]
fn errors_about_invalid_source_credentials_contain_no_secret() {
    let stage = Stage::new();
    let mut command = stage.bare("arl");
    command
        .args(["-v", "assume", DEPLOY])
        .env("AWS_ACCESS_KEY_ID", "AKIA")
        .env("AWS_SECRET_ACCESS_KEY", "hunter2 hunter2");
    let run = stage.run(&mut command);
    run.failure(1, "the secret access key holds a blank");
    assert!(!run.stderr.contains("hunter2"), "{run:?}");
    stage.profiles("", "[default]\naws_access_key_id = AKIA\naws_secret_access_key = hun\u{e9}ter2\n");
    let run = stage.run(stage.bare("arl").args(["-v", "assume", DEPLOY]));
    run.failure(1, "profile `default` cannot be used");
    assert!(!run.stderr.contains("ter2"), "{run:?}");
}

#[test]
fn arl_disables_core_dumps_of_itself() {
    let stage = Stage::new();
    stage.sts.inject(arl_sts::Fault::Silence, 1);
    let mut command = stage.as_ann("sh");
    let line = format!("ulimit -S -c 1024; exec arl assume {DEPLOY} --json");
    command.args(["-c", &line]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    while stage.sts.requests().is_empty() {
        std::thread::yield_now();
    }
    // For other users, /proc shows the dumpable flag as root's ownership. For root, only the core limit shows
    // that arl has disabled dumps.
    let status = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let core = status.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

#[test]
fn a_file_that_others_can_read_gets_no_secret_unless_the_user_insists() {
    let stage = Stage::new();
    let write = |format: &str, mode: &str, redirect: &str| {
        let prepare = format!("rm -f out; : >out; chmod {mode} out");
        let line = format!("{prepare}; arl assume {DEPLOY} {format} {redirect}");
        let run = stage.run(stage.as_ann("sh").args(["-c", &line]));
        (run, std::fs::read_to_string(stage.home.join("out")).unwrap())
    };
    for format in ["", "--json", "--format dotenv", "--shell fish"] {
        for mode in ["644", "640", "604"] {
            for redirect in [">out", ">>out", "1<>out"] {
                let (run, out) = write(format, mode, redirect);
                run.failure(1, "other users can read the file");
                assert!(run.stderr.contains("hint: chmod 600 "), "{run:?}");
                assert!(!out.contains("ASIA"), "{format} {mode} {redirect}: {out}");
            }
        }
        for (mode, redirect) in [("600", ">out"), ("644", "--show >out"), ("622", ">out")] {
            let (run, out) = write(format, mode, redirect);
            assert_eq!(run.status, 0, "{format} {mode} {redirect}: {run:?}");
            assert!(out.contains("ASIA"), "{format} {mode} {redirect}: {out}");
        }
        let (run, _) = write(format, "600", ">/dev/null");
        assert_eq!(run.status, 0, "{run:?}");
    }
    assert_eq!(stage.assumed().len(), 16, "a refusal asks for nothing");
}

#[test]
fn a_terminal_gets_no_secret_unless_the_user_insists() {
    let stage = Stage::new();
    for format in ["", "--env", "--json", "--format json", "--format dotenv", "--shell fish"] {
        for show in ["", "--show"] {
            let line = format!("arl assume {DEPLOY} {format} {show}");
            let run = Run::of(in_terminal(&stage, &line).output().unwrap());
            assert_eq!(run.status, i32::from(show.is_empty()), "{line}: {run:?}");
            assert_eq!(run.stdout.contains("ASIA"), !show.is_empty(), "{line}: {run:?}");
        }
    }
    assert_eq!(stage.assumed().len(), 6, "a refusal asks for nothing");
}

#[test]
fn errors_about_endpoints_show_no_part_that_may_be_a_secret() {
    let stage = Stage::new();
    for url in
        ["https://h/?token=hunter2", "http://h/#hunter2", "https://ann:hunter2@h/", "https://h/?hunter2@"]
    {
        let flag = stage.arl(&["-v", "assume", DEPLOY, "--endpoint-url", url]);
        let mut command = stage.as_ann("arl");
        command.args(["-v", "assume", DEPLOY, "--json"]).env("AWS_ENDPOINT_URL_STS", url);
        for run in [flag, stage.run(&mut command)] {
            assert_eq!(run.status, 2, "{url}: {run:?}");
            assert!(!run.stderr.contains("hunter2"), "{url}: {run:?}");
        }
    }
}
