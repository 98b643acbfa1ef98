//! `arl status`: the role, the hook, the sign-ins and the clock.

use arl_sts::Fault;
use serde_json::Value;

use crate::shell::{ASKING, BASH, DASH, HOOKED, ShellSession};
use crate::support::{DEPLOY, Stage};

/// A shell that has the role, started by `exec`.
fn status(stage: &Stage, args: &[&str]) -> crate::support::Run {
    stage.run(stage.as_ann("arl").args(["exec", DEPLOY, "--", "arl", "status"]).args(args))
}

#[test]
fn status_tells_whether_each_prompt_runs_the_hook() {
    for shell in HOOKED.into_iter().chain(ASKING).chain([DASH]) {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).line("arl status").assume(DEPLOY).line("arl status");
        let run = session.typed();
        let expected =
            if shell.name == "dash" { "hook      this shell cannot have one" } else { "hook      installed" };
        assert_eq!(run.stdout.matches(expected).count(), 2, "{expected}: {run:?}");
        if !ASKING.into_iter().any(|asking| asking.name == shell.name) {
            let run = ShellSession::new(&stage, shell).line("arl status --json").run();
            let status: Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(status["hook"], "script", "a script of {} has no prompt", shell.name);
        }
    }
    let stage = Stage::new();
    let session = ShellSession::new(&stage, BASH).line("PROMPT_COMMAND=").line("arl status > lost");
    let run = session.line("arl assume 123456789012/Deploy").line("arl status > back").typed();
    assert!(
        run.file("lost").contains("\n  hook      missing from the prompt; `arl assume` adds it again\n"),
        "{run:?}"
    );
    assert!(run.file("back").contains("\n  hook      installed\n"), "{run:?}");
    // What one shell says of its hook reaches no other program.
    let mut arl = stage.as_ann("bash");
    let run = stage.run(arl.args(["-c", "arl status --json; arl status; true"]));
    let status: Value = serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(status["hook"], Value::Null);
    assert!(
        run.stdout.contains("hook      missing; add to ~/.bashrc: eval \"$(arl init bash)\"\n"),
        "{run:?}"
    );
}

#[test]
fn verify_compares_the_clocks() {
    let stage = Stage::new();
    for (offset, said) in [
        (0, "\n  clock     the same as STS's\n"),
        (-120, "\n  clock     2m ahead of STS's\n"),
        (90, "\n  clock     2m behind STS's\n"),
    ] {
        // A second may pass meanwhile.
        stage.sts.inject(Fault::Delay(std::time::Duration::ZERO), 1);
        stage.sts.inject(Fault::SkewedDate(offset), 1);
        let run = status(&stage, &["--verify"]);
        assert!(run.stdout.contains(said), "{offset}: {run:?}");
        let json = {
            stage.sts.inject(Fault::Delay(std::time::Duration::ZERO), 1);
            stage.sts.inject(Fault::SkewedDate(offset), 1);
            status(&stage, &["--verify", "--json"]).success()
        };
        let json: Value = serde_json::from_str(&json).unwrap();
        let clock = json["clock_offset_seconds"].as_i64().unwrap();
        assert!((clock + offset).abs() <= 2, "{offset}: {json}");
    }
    let unasked: Value = serde_json::from_str(&status(&stage, &["--json"]).success()).unwrap();
    assert_eq!(unasked["clock_offset_seconds"], Value::Null);
    // A clock that is too wrong for AWS is named in the error.
    stage.sts.inject(Fault::Delay(std::time::Duration::ZERO), 1);
    stage.sts.change(|world| world.clock_offset = 0);
    let script = "arl status --verify";
    let mut arl = stage.as_ann("arl");
    arl.args(["exec", DEPLOY, "--", "sh", "-c", script]);
    stage.sts.inject(Fault::SkewedDate(3600), 1);
    let run = stage.run(&mut arl);
    assert!(
        run.stdout.contains(
            "clock     1h behind STS's; AWS refuses calls if the difference is more than 5m: set the clock\n"
        ),
        "{run:?}"
    );
}

#[test]
fn verify_tells_whose_other_keys_are_and_that_there_are_none() {
    let stage = Stage::new();
    let run = stage.arl(&["status", "--verify"]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stdout.contains("\n  verified  arn:aws:iam::111122223333:user/ann\n"), "{run:?}");
    let run = stage.run(stage.bare("arl").args(["status", "--verify"]));
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.stdout.starts_with("no role\n") && run.stderr.contains("no credentials to ask about"),
        "{run:?}"
    );
    let mut command = stage.as_ann("arl");
    command.args(["exec", DEPLOY, "--", "env", "ARL_EXPIRES_AT=1", "arl", "status", "--verify"]);
    let run = stage.run(&mut command);
    assert!(
        run.stdout.contains(" expired ") && run.stdout.contains("\n  clock     the same as STS's\n"),
        "{run:?}"
    );
}

#[test]
fn status_lists_the_sign_ins_and_tells_which_are_good() {
    let stage = Stage::new();
    stage.profiles(
        "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n\
         [sso-session other]\nsso_start_url = https://other.example/start\nsso_region = eu-west-1\n",
        "",
    );
    let cache = stage.home.join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    let token = "{\"startUrl\":\"https://corp.example/start\",\"region\":\"eu-west-1\",\"accessToken\":\"t\",\
                 \"expiresAt\":\"2100-01-01T00:00:00Z\"}";
    let name = stage.run(stage.bare("sh").args(["-c", "printf corp | sha1sum | cut -c -40"])).success();
    std::fs::write(cache.join(format!("{}.json", name.trim())), token).unwrap();
    let text = status(&stage, &[]).success();
    let corp = text.lines().find(|line| line.starts_with("  sign-in   corp: ")).unwrap_or_default();
    assert!(corp.ends_with(" left"), "{text}");
    assert!(text.contains("\n  sign-in   other: not signed in; arl login other\n"), "{text}");
    let json: Value = serde_json::from_str(&status(&stage, &["--json"]).success()).unwrap();
    let good =
        |index: usize| (json["sign_ins"][index]["sign_in"].clone(), json["sign_ins"][index]["good"].clone());
    assert_eq!((good(0), good(1)), (("corp".into(), true.into()), ("other".into(), false.into())));
    // Shared files that are not valid do not hide the role.
    stage.profiles("[profile a\nbroken", "");
    let run = stage.run(stage.bare("arl").arg("status"));
    assert!(run.stderr.contains("could not list the sign-ins"), "{run:?}");
    assert!(run.stdout.starts_with("no role\n"), "{run:?}");
}

/// The end of a session of 2099, a winter's and a summer's, in several zones.
#[test]
fn the_local_time_stands_beside_utc() {
    const WINTER: (&str, &str) = ("4073336230", "2099-01-29T02:17:10Z");
    const SUMMER: (&str, &str) = ("4088974630", "2099-07-29T02:17:10Z");
    for ((seconds, utc), zone, local) in [
        (WINTER, "UTC", ""),
        (WINTER, "Europe/London", ""),
        (SUMMER, "Europe/London", " (03:17 BST)"),
        (WINTER, "America/New_York", " (2099-01-28 21:17 EST)"),
        (SUMMER, "America/New_York", " (2099-07-28 22:17 EDT)"),
        (WINTER, "Asia/Kolkata", " (07:47 IST)"),
        (WINTER, "Asia/Dubai", " (06:17 +04)"),
        (WINTER, "XYZ-3:30", " (05:47 XYZ)"),
        (WINTER, ":America/New_York", " (2099-01-28 21:17 EST)"),
        // What the C library does not know is UTC.
        (WINTER, "No/Such_Zone", ""),
        (WINTER, ":/nonexistent", ""),
        (WINTER, "\u{1b}]0;owned\u{7}", ""),
    ] {
        let stage = Stage::new();
        let mut arl = stage.bare("arl");
        arl.arg("status").env("TZ", zone).envs([
            ("AWS_ACCESS_KEY_ID", "ASIAX"),
            ("ARL_KEY_ID", "ASIAX"),
            ("ARL_ROLE", "prod-deploy"),
            ("ARL_ROLE_ARN", DEPLOY),
            ("ARL_SOURCE", "profile:dev"),
            ("ARL_EXPIRES_AT", seconds),
            ("AWS_CREDENTIAL_EXPIRATION", utc),
        ]);
        let text = stage.run(&mut arl).success();
        assert!(text.contains(&format!("\n  expires   {utc}{local}\n")), "{zone}: {text}");
        assert!(!text.contains('\u{1b}'), "{zone}: {text}");
        let json: Value = serde_json::from_str(&stage.run(arl.arg("--json")).success()).unwrap();
        assert_eq!(json["expires_at"].to_string(), seconds, "{zone}");
    }
}

#[test]
fn a_time_zone_that_is_no_regular_file_is_not_read() {
    let stage = Stage::new();
    let pipe = stage.home.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for zone in [pipe.to_str().unwrap(), "/dev/zero", "/"] {
        let mut arl = stage.bare("timeout");
        arl.args(["10", "arl", "status"]).env("TZ", format!(":{zone}")).envs([
            ("AWS_ACCESS_KEY_ID", "ASIAX"),
            ("ARL_KEY_ID", "ASIAX"),
            ("ARL_ROLE", "corp-dev"),
            ("AWS_ACCOUNT_ID", "123456789012"),
            ("ARL_EXPIRES_AT", "4073336230"),
            ("AWS_CREDENTIAL_EXPIRATION", "2099-01-29T02:17:10Z"),
        ]);
        let text = stage.run(&mut arl).success();
        assert!(text.contains("\n  expires   2099-01-29T02:17:10Z\n"), "{zone}: {text}");
        // A role without an ARN is named with its account.
        assert!(text.starts_with("corp-dev (in 123456789012), "), "{zone}: {text}");
    }
}
