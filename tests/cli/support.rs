//! The stage of a test: a loopback STS and a home directory of its own, with arl between them.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use arl_sts::{Recorded, Sts, World};

/// The role of most tests.
pub(crate) const DEPLOY: &str = "arn:aws:iam::123456789012:role/Deploy";

/// A loopback STS and a home directory.
pub(crate) struct Stage {
    pub(crate) sts: Sts,
    pub(crate) home: PathBuf,
}

impl Stage {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
        fs::create_dir_all(home.join(".aws")).unwrap();
        Self { sts: Sts::start(World::demo(), 0, 0).unwrap(), home }
    }

    /// Writes `~/.aws/config` and `~/.aws/credentials`.
    pub(crate) fn profiles(&self, config: &str, credentials: &str) {
        fs::write(self.home.join(".aws/config"), config).unwrap();
        fs::write(self.home.join(".aws/credentials"), credentials).unwrap();
    }

    /// Returns a command whose environment has only this stage, so that no test reaches a real account.
    pub(crate) fn bare(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let arl = binary();
        command
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", arl.parent().unwrap().display()))
            .env("HOME", &self.home)
            .env("LC_ALL", "C.UTF-8")
            .env("AWS_ENDPOINT_URL_STS", self.sts.url())
            // Programs that ask for instance metadata in spite of the next variable get no answer.
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // Most tests compare requests. Tests of the cache remove this variable.
            .env("ARL_CACHE", "none")
            .current_dir(&self.home)
            .stdin(Stdio::null());
        command
    }

    /// Does the same as [`Stage::bare`], with Ann's keys.
    pub(crate) fn as_ann(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.bare(program);
        command.env("AWS_ACCESS_KEY_ID", World::ANN_KEY).env("AWS_SECRET_ACCESS_KEY", World::ANN_SECRET);
        command
    }

    /// Runs `arl` as Ann.
    pub(crate) fn arl(&self, args: &[&str]) -> Run {
        self.run(self.as_ann("arl").args(args))
    }

    /// Runs a command to its end, and asserts that stderr holds no secret.
    pub(crate) fn run(&self, command: &mut Command) -> Run {
        let run = Run::of(command.output().unwrap());
        self.assert_no_secret(&run.stderr);
        run
    }

    /// Like [`Stage::run`], with a text as standard input.
    pub(crate) fn run_with_input(&self, command: &mut Command, input: &str) -> Run {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that refuses its arguments does not read.
        match child.stdin.take().unwrap().write_all(input.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written.unwrap(),
        }
        let run = Run::of(child.wait_with_output().unwrap());
        self.assert_no_secret(&run.stderr);
        run
    }

    /// Asserts that the text holds no secret key and no session token of this STS.
    pub(crate) fn assert_no_secret(&self, text: &str) {
        self.sts.change(|world| {
            for key in world.keys.values() {
                assert!(!text.contains(&key.secret), "a secret key in: {text}");
                if let Some(token) = &key.token {
                    // A part of a token is a leak too.
                    let piece: String = token.chars().take(40).collect();
                    assert!(!text.contains(&piece), "a session token in: {text}");
                }
            }
        });
    }

    /// The AssumeRole requests so far.
    pub(crate) fn assumed(&self) -> Vec<Recorded> {
        self.sts.requests().into_iter().filter(|request| request.action == "AssumeRole").collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A leftover directory does no harm.
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// How a command ended.
#[must_use = "compare the status at least"]
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit status, or 128 and the signal, as shells count.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let status = output.status.code().or(output.status.signal().map(|signal| 128 + signal));
        Self {
            status: status.unwrap(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Asserts that the command succeeded. Returns its standard output.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert_eq!(self.status, 0, "{self:?}");
        self.stdout
    }

    /// Asserts that the command failed with this status and one error, and that stderr contains the text.
    #[track_caller]
    pub(crate) fn failure(&self, status: i32, said: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.stderr.contains(said), "`{said}` is not in {self:?}");
        let errors = self.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "{self:?}");
        assert!(!self.stderr.contains("panicked") && !self.stderr.contains("a bug in arl"), "{self:?}");
    }
}

/// The shells in which statements for `eval` must work, with their dialects.
pub(crate) const SHELLS: [(&str, &str); 7] = [
    ("sh", "posix"),
    ("dash", "posix"),
    ("bash", "bash"),
    ("zsh", "zsh"),
    ("ksh93", "posix"),
    ("mksh", "posix"),
    ("fish", "fish"),
];

/// A command line in its own terminal, through script(1).
pub(crate) fn in_terminal(stage: &Stage, line: &str) -> Command {
    let mut command = stage.as_ann("script");
    command
        // A test that runs in the background inherits ignored interrupts.
        .args(["-qefc", &format!("exec env --default-signal=INT,QUIT {line}"), "/dev/null"])
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh");
    command
}

/// Interrupts a command `count` times at a terminal. Returns how many interrupts reached it.
pub(crate) fn interrupts_counted(stage: &Stage, arl: &str, count: usize) -> usize {
    let child = "count=0; trap 'count=$((count + 1)); echo \"int $count\"' INT; echo ready; \
                 while :; do read -r line && echo \"got $line\" && [ \"$line\" = stop ] && break; done; \
                 echo \"total $count\"";
    fs::write(stage.home.join("child"), child).unwrap();
    let mut terminal = in_terminal(stage, &format!("{arl} bash child"));
    let mut process = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut keyboard = process.stdin.take().unwrap();
    let mut screen = BufReader::new(process.stdout.take().unwrap());
    let mut wait_for = |text: &str| {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(screen.read_line(&mut line).unwrap(), 0, "the end came before `{text}`");
        }
        line
    };
    wait_for("ready");
    for number in 1..=count {
        // The line after the interrupt wakes bash if the signal arrived just before bash started to read.
        keyboard.write_all(b"\x03\r").unwrap();
        wait_for(&format!("int {number}"));
        // bash loses an interrupt that arrives while it handles the previous one.
        write!(keyboard, "next {number}\r").unwrap();
        wait_for(&format!("got next {number}"));
    }
    keyboard.write_all(b"\rstop\r").unwrap();
    let total = wait_for("total").trim().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(process.wait().unwrap().success());
    total
}

/// The blocks of code in a page of `docs/` that are marked with this language.
pub(crate) fn blocks(page: &str, language: &str) -> Vec<String> {
    let start = format!("```{language}\n");
    page.split(&start).skip(1).map(|rest| rest.split("```").next().unwrap().trim_end().to_owned()).collect()
}

/// Writes an executable file through another process. Were it open for writing here, a child that another test forks
/// at that moment would inherit the descriptor, and starting the file would fail with ETXTBSY.
pub(crate) fn write_program(path: &Path, content: impl AsRef<[u8]>) {
    let mut sh = Command::new("sh")
        .args(["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    sh.stdin.take().unwrap().write_all(content.as_ref()).unwrap();
    assert!(sh.wait().unwrap().success());
}

/// Copies the arl under test to a place where another user may start it.
pub(crate) fn copy_program(path: &Path) {
    write_program(path, fs::read(binary()).unwrap());
}

/// The program under test: the one that `ARL_TEST_BINARY` names, or the one that cargo has built for the
/// tests.
pub(crate) fn binary() -> PathBuf {
    match std::env::var_os("ARL_TEST_BINARY") {
        Some(path) => fs::canonicalize(path).expect("ARL_TEST_BINARY names a program"),
        None => PathBuf::from(env!("CARGO_BIN_EXE_arl")),
    }
}

/// The path of a tool that `tests/install-tools.sh` has installed.
pub(crate) fn tools(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools").join(path);
    assert!(path.exists(), "{} is missing: run tests/install-tools.sh", path.display());
    path.display().to_string()
}

/// The path of an example program of this package. Cargo builds examples before it runs the tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_arl")).with_file_name("examples").join(name);
    assert!(path.exists(), "{} is missing: cargo build --examples", path.display());
    path
}
