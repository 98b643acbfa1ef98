//! `arl exec`: the command replaces arl and inherits everything but the identity.

use std::io::Read;
use std::process::Stdio;

use arl_sts::World;

use crate::support::{DEPLOY, Stage, binary, in_terminal, interrupts_counted, write_program};

#[test]
fn exec_returns_the_commands_status() {
    let stage = Stage::new();
    for code in 0..64 {
        let run = stage.arl(&["exec", DEPLOY, "--", "sh", "-c", &format!("exit {code}")]);
        assert_eq!(run.status, code);
    }
    assert_eq!(stage.arl(&["exec", DEPLOY, "--", "sh", "-c", "exit 300"]).status, 300 % 256);
}

#[test]
fn a_command_killed_by_a_signal_has_the_same_status_as_without_arl() {
    let stage = Stage::new();
    let names = stage.run(stage.bare("bash").args(["-c", "echo {1..31}"])).success();
    for signal in names
        .split_whitespace()
        .filter(|name| !["17", "18", "19", "20", "21", "22", "23", "28"].contains(name))
    {
        let line = format!("kill -{signal} $$; exit 99");
        let bare = stage.run(stage.as_ann("sh").args(["-c", &line]));
        let through = stage.arl(&["exec", DEPLOY, "--", "sh", "-c", &line]);
        assert_eq!(through.status, bare.status, "signal {signal}");
        assert_ne!(through.status, 99, "signal {signal}");
    }
}

#[test]
fn one_interrupt_reaches_the_command_once() {
    let stage = Stage::new();
    assert_eq!(interrupts_counted(&stage, &format!("arl exec {DEPLOY} --"), 1), 1);
}

#[test]
fn a_gibibyte_of_standard_input_reaches_the_command() {
    let stage = Stage::new();
    let line = format!("head -c 1G /dev/zero | arl exec {DEPLOY} -- wc -c");
    assert_eq!(stage.run(stage.as_ann("sh").args(["-c", &line])).success(), "1073741824\n");
}

#[test]
fn the_command_inherits_the_callers_descriptors_and_no_others() {
    let stage = Stage::new();
    std::fs::write(stage.home.join("seven"), "from seven").unwrap();
    let line = format!("arl exec {DEPLOY} -- sh -c 'cat <&7' 7<seven");
    assert_eq!(stage.run(stage.as_ann("sh").args(["-c", &line])).success(), "from seven");
    let bare = stage.run(stage.as_ann("ls").arg("/proc/self/fd")).success();
    assert_eq!(stage.arl(&["exec", DEPLOY, "--", "ls", "/proc/self/fd"]).success(), bare);
}

#[test]
fn the_command_inherits_the_callers_signal_dispositions_and_limits() {
    let stage = Stage::new();
    let command = "grep -E '^(SigBlk|SigIgn|SigCgt)' /proc/self/status; ulimit -c; ulimit -n; umask";
    let line = |prefix: &str| format!("trap '' HUP PIPE; ulimit -c 1024; {prefix} sh -c \"{command}\"");
    let bare = stage.run(stage.as_ann("bash").args(["-c", &line("")])).success();
    let through =
        stage.run(stage.as_ann("bash").args(["-c", &line(&format!("arl exec {DEPLOY} --"))])).success();
    assert_eq!(through, bare);
}

/// Some supervisors ignore SIGCHLD. A limit on file sizes would kill arl when it writes the cache.
#[test]
fn settings_that_arl_changes_for_itself_are_restored_for_the_command() {
    let stage = Stage::new();
    let process = format!(
        "[profile p]\ncredential_process = echo '{{\"Version\":1,\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\"}}'\n",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    stage.profiles(&process, "");
    let script = "import os, signal, sys, resource\n\
                  signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n\
                  signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n\
                  resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n\
                  os.execvp(sys.argv[1], sys.argv[1:])";
    let ignored = ["grep", "^SigIgn", "/proc/self/status"];
    let run = |words: &[&str]| {
        let mut python = stage.bare("python3");
        python.env_remove("ARL_CACHE").args(["-c", script]).args(words);
        stage.run(&mut python)
    };
    let bare = run(&ignored).success();
    for flags in [&["--"][..], &["--server", "--"]] {
        let arl = run(&[&["arl", "exec", DEPLOY, "--profile", "p"], flags, &ignored].concat());
        assert!(arl.stderr.starts_with("arl: could not cache the session"), "{arl:?}");
        assert_eq!(arl.success(), bare, "{flags:?}");
    }
}

/// `arl exec ROLE -- $COMMAND` with an empty variable must not start a shell that executes standard input.
#[test]
fn an_empty_command_is_refused_and_starts_no_shell() {
    let stage = Stage::new();
    for words in [&["exec", DEPLOY, "--"][..], &["exec", DEPLOY, "--chain", "--"]] {
        let run =
            stage.run_with_input(stage.as_ann("arl").args(words).env("SHELL", "/bin/sh"), "echo done\n");
        run.failure(2, "no command after --");
        assert_eq!(run.stdout, "");
    }
    let run = stage
        .run_with_input(stage.as_ann("arl").args(["exec", DEPLOY]).env("SHELL", "/bin/sh"), "echo done\n");
    assert_eq!(run.success(), "done\n");
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let stage = Stage::new();
    for line in
        ["arl assume ROLE --json >&-", "arl assume ROLE --json >/dev/full", "arl completions bash >&-"]
    {
        let line = line.replace("ROLE", DEPLOY);
        let run = stage.run(stage.as_ann("sh").args(["-c", &line]));
        run.failure(1, "could not write the output");
    }
    stage
        .run(stage.as_ann("sh").args(["-c", "arl help exec >/dev/full"]))
        .failure(1, "could not write the help");
}

/// No socket of arl's takes the number of a closed stream, to which arl would then write secrets.
#[test]
fn a_closed_standard_stream_is_nothing_else_for_arl_and_stays_closed_for_the_command() {
    let stage = Stage::new();
    let run = |line: &str| {
        let mut sh = stage.as_ann("bash");
        stage.run(sh.args(["-c", line]).env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url()))
    };
    run(&format!("arl console {DEPLOY} >&-")).failure(1, "Bad file descriptor");
    run(&format!("arl console {DEPLOY} <&- >&-")).failure(1, "Bad file descriptor");
    for (closed, open) in
        [("", "012"), ("<&-", "12"), (">&-", "02"), ("2>&-", "01"), ("<&- >&-", "2"), ("<&- >&- 2>&-", "")]
    {
        for server in ["", "--server"] {
            // `test` asks about the descriptors of the shell that runs it.
            let command = "for fd in 0 1 2; do [ ! -e /proc/$$/fd/$fd ] || found=$found$fd; done; echo \"$found\" >\"$HOME/found\"";
            let run = run(&format!("arl exec {DEPLOY} {server} -- bash -c '{command}' {closed}"));
            assert_eq!(run.status, 0, "{closed} {server}: {run:?}");
            let found = std::fs::read_to_string(stage.home.join("found")).unwrap();
            assert_eq!(found.trim(), open, "{closed} {server}");
        }
    }
}

#[test]
fn failures_have_the_exit_statuses_of_env() {
    let stage = Stage::new();
    stage
        .arl(&["exec", DEPLOY, "--", "no-such-command"])
        .failure(127, "command not found: `no-such-command`");
    stage.arl(&["exec", DEPLOY, "--", "/"]).failure(126, "could not run `/`");
    std::fs::write(stage.home.join("plain"), "echo hi").unwrap();
    stage.arl(&["exec", DEPLOY, "--", "./plain"]).failure(126, "Permission denied");
    stage.arl(&["exec", "123456789012/Closed", "--", "true"]).failure(125, "AccessDenied");
    stage.arl(&["exec", "nowhere", "--", "true"]).failure(125, "there is no profile `nowhere`");
    stage.arl(&["exec", DEPLOY, "--duration", "1", "--", "true"]).failure(2, "--duration must be 15m to 12h");
    stage.arl(&["exec", DEPLOY, "--serial-number", "GAHT12345678", "--", "true"]).failure(3, "MFA code");
    let run = stage.arl(&["exec", DEPLOY, "true"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:?}");
    assert!(run.stderr.contains("put -- before the command"), "{run:?}");
}

#[test]
fn a_script_without_a_shebang_runs_in_sh() {
    let stage = Stage::new();
    let script = stage.home.join("bin/deploy-it");
    std::fs::create_dir(stage.home.join("bin")).unwrap();
    write_program(&script, "echo \"$1 as $ARL_ROLE_ARN\"; exit 5\n");
    let path = format!("{}:/usr/bin:/bin", script.parent().unwrap().display());
    for name in ["deploy-it", "./bin/deploy-it"] {
        let mut command = stage.as_ann(binary());
        let run = stage.run(command.args(["exec", DEPLOY, "--", name, "a b"]).env("PATH", &path));
        assert_eq!((run.status, run.stdout.as_str()), (5, format!("a b as {DEPLOY}\n").as_str()), "{run:?}");
    }
}

#[test]
fn without_a_command_exec_starts_the_users_shell() {
    let stage = Stage::new();
    let mut command = stage.as_ann("arl");
    command.args(["exec", DEPLOY]).env("SHELL", "/bin/bash");
    let run = stage.run_with_input(&mut command, "echo $ARL_ROLE_ARN ${BASH_VERSION:+bash}");
    let said = "arl: starting /bin/bash as role/Deploy in 123456789012, ";
    assert!(run.stderr.starts_with(said) && run.stderr.lines().count() == 1, "{run:?}");
    assert_eq!(run.success(), format!("{DEPLOY} bash\n"));
    let run = stage.run_with_input(command.arg("--server"), "echo $ARL_ROLE_ARN");
    assert!(run.stderr.contains("arl: starting /bin/bash, which gets credentials from arl"), "{run:?}");
    // With a command there is nothing to say.
    let run = stage.run(stage.as_ann("arl").args(["exec", DEPLOY, "--", "true"]));
    assert_eq!(run.stderr, "", "{run:?}");
}

#[test]
fn the_command_gets_the_roles_identity_variables_and_no_others() {
    let stage = Stage::new();
    let mut command = stage.as_ann("arl");
    for name in arl::internal::IDENTITY_VARIABLES {
        if !["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].contains(&name) {
            command.env(name, "stale");
        }
    }
    let out = stage.run(command.args(["exec", DEPLOY, "--region", "eu-west-1", "--", "env"])).success();
    assert!(!out.contains("stale"), "{out}");
    assert!(
        out.contains("\nAWS_DEFAULT_REGION=eu-west-1\n") || out.starts_with("AWS_DEFAULT_REGION"),
        "{out}"
    );
    assert!(out.contains("AWS_ACCESS_KEY_ID=ASIA"), "{out}");
}

#[test]
fn arguments_and_variables_that_are_not_utf8_pass_through() {
    use std::os::unix::ffi::OsStrExt;
    let stage = Stage::new();
    let odd = std::ffi::OsStr::from_bytes(b"a\xffb\nc");
    let mut command = stage.as_ann("arl");
    command.args(["exec", DEPLOY, "--", "sh", "-c", "printf %s \"$1$ODD\"", "sh"]).arg(odd).env("ODD", odd);
    let output = command.output().unwrap();
    assert_eq!(output.stdout, [odd.as_bytes(), odd.as_bytes()].concat());
}

#[test]
fn the_command_keeps_the_terminal() {
    let stage = Stage::new();
    let run = stage.run(&mut in_terminal(
        &stage,
        &format!("arl exec {DEPLOY} -- sh -c 'test -t 0 && test -t 1 && test -t 2 && echo tty'"),
    ));
    assert_eq!(run.success().trim(), "tty");
}

#[test]
fn exec_replaces_the_arl_process() {
    let stage = Stage::new();
    let mut command = stage.as_ann("arl");
    let mut child =
        command.args(["exec", DEPLOY, "--", "sh", "-c", "echo $$"]).stdout(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(out.trim(), id.to_string());
}

/// An entry without a `=` is no variable, but the command would have it without arl as well.
#[test]
fn the_command_gets_every_entry_of_the_environment_byte_for_byte() {
    let stage = Stage::new();
    let code = "import os, sys\n\
        env = [b'PATH=' + os.environb[b'PATH'], b'HOME=' + os.environb[b'HOME'], b'NOVALUE', b'ODD=\\xff\\xfe', b'=x', b'A=1', b'A=2']\n\
        env += [k + b'=' + v for k, v in os.environb.items() if k.startswith((b'AWS', b'ARL'))]\n\
        libc = __import__('ctypes').CDLL(None)\n\
        array = lambda xs: (__import__('ctypes').c_char_p * (len(xs) + 1))(*xs, None)\n\
        libc.execve(sys.argv[1].encode(), array([a.encode() for a in sys.argv[1:]]), array(env))";
    let arl = crate::support::binary().display().to_string();
    let dump = |arguments: &[&str]| {
        let mut python = stage.as_ann("python3");
        python.args(["-c", code]).args(arguments);
        stage.run(&mut python).success()
    };
    let bare = dump(&["/bin/cat", "/proc/self/environ"]);
    let under = dump(&[&arl, "exec", DEPLOY, "--", "cat", "/proc/self/environ"]);
    let others = |text: &str| {
        let entries =
            text.split('\0').filter(|entry| !entry.starts_with("AWS_") && !entry.starts_with("ARL_"));
        entries.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(others(&under), others(&bare));
    assert!(others(&bare).contains(&"NOVALUE".to_owned()), "{bare:?}");
    assert!(
        under.contains("AWS_SESSION_TOKEN=") && under.contains("AWS_EC2_METADATA_DISABLED="),
        "{under:?}"
    );
}
