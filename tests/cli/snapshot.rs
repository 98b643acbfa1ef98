//! Compares the whole result of a command, status, stdout and stderr, with a file under `snapshots/`.
//!
//! Each folder there belongs to one test, which fails if a file differs, is missing, or is used by no check.
//! `ARL_TEST_UPDATE=1 cargo test --test cli snapshot` writes the files anew and deletes unused ones. Read the
//! diff before you commit it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use crate::support::{Run, Stage, binary};

/// The folders, each checked by one test.
const FOLDERS: [&str; 4] = ["dialects", "errors", "explain", "help"];

/// The snapshots of one folder.
pub(crate) struct Snapshots {
    directory: PathBuf,
    used: Mutex<BTreeSet<String>>,
    differences: Mutex<Vec<String>>,
}

impl Snapshots {
    /// Runs the checks of a folder, then reports all differences and unused files at once.
    pub(crate) fn check(folder: &str, checks: impl FnOnce(&Self)) {
        assert!(FOLDERS.contains(&folder), "add `{folder}` to FOLDERS");
        let directory = root().join(folder);
        let is_update = is_update();
        if is_update {
            fs::create_dir_all(&directory).unwrap();
        }
        let snapshots = Self { directory, used: Mutex::default(), differences: Mutex::default() };
        checks(&snapshots);
        let mut differences = snapshots.differences.into_inner().unwrap();
        let used = snapshots.used.into_inner().unwrap();
        for name in names_in(&snapshots.directory).difference(&used) {
            let path = snapshots.directory.join(name);
            if is_update {
                fs::remove_file(&path).unwrap();
            } else {
                differences.push(format!("{} is used by no check", path.display()));
            }
        }
        assert!(
            differences.is_empty(),
            "{}\n\nIf the new output is right: ARL_TEST_UPDATE=1 cargo test --test cli snapshot",
            differences.join("\n\n")
        );
    }

    /// Compares a run with `NAME.txt`, or writes the file if `ARL_TEST_UPDATE` is set.
    pub(crate) fn assert_snapshot(&self, name: &str, stage: &Stage, run: &Run) {
        let file = format!("{name}.txt");
        let path = self.directory.join(&file);
        assert!(self.used.lock().unwrap().insert(file), "two snapshots are called `{name}`");
        let actual = normalized(stage, &text(run));
        if is_update() {
            return fs::write(&path, actual).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if actual != expected {
            let line = 1 + actual.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
            self.differences.lock().unwrap().push(format!(
                "{} differs from line {line} on.\n<<<<<<< expected\n{expected}=======\n{actual}>>>>>>> actual",
                path.display()
            ));
        }
    }
}

#[test]
fn every_snapshot_folder_is_checked_by_a_test() {
    let expected = FOLDERS.map(str::to_owned).into();
    assert_eq!(names_in(&root()), expected, "a folder that no test checks, or a file outside of the folders");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots")
}

fn is_update() -> bool {
    std::env::var_os("ARL_TEST_UPDATE").is_some()
}

fn names_in(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn text(run: &Run) -> String {
    let section = |name: &str, text: &str| {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "<no newline>\n" };
        format!("--- {name}\n{}{end}", shown(text))
    };
    format!(
        "--- status\n{}\n{}{}",
        run.status,
        section("stdout", &run.stdout),
        section("stderr", &run.stderr)
    )
}

/// The text with its control characters escaped.
fn shown(text: &str) -> String {
    let show = |c: char| {
        let escaped = c.is_control() && c != '\n';
        if escaped { c.escape_default().to_string() } else { c.to_string() }
    };
    text.chars().map(show).collect()
}

/// The text with everything replaced that differs from run to run.
fn normalized(stage: &Stage, text: &str) -> String {
    static USER: LazyLock<String> = LazyLock::new(|| {
        Run::of(Command::new("id").arg("-un").output().unwrap()).success().trim().to_owned()
    });
    let mut text = text
        .replace(&binary().display().to_string(), "/bin/arl")
        .replace(&stage.home.display().to_string(), "~")
        .replace(&format!("{}@", *USER), "USER@");
    stage.sts.change(|world| {
        for (id, key) in &world.keys {
            if id.starts_with("ASIA") {
                text = text.replace(id, "ASIASESSION");
            }
            text = text.replace(&key.secret, "SECRET");
            if let Some(token) = &key.token {
                text = text.replace(token, "TOKEN");
            }
        }
    });
    for (pattern, name) in [
        ("0000-00-00T00:00:00Z", "TIME"),
        ("0000000000", "EPOCH"),
        ("000000000 seconds ago", "SECONDS seconds ago"),
        ("127.0.0.1:00000", "127.0.0.1:PORT"),
        ("c6104cbe-af31-11e0-8154-xxxxxxxxxxxx", "REQUEST-ID"),
    ] {
        text = masked(&text, pattern, name);
    }
    text
}

/// Replaces what a pattern matches, in which `0` matches a digit and `x` a hexadecimal digit, and
/// which matches no part of a longer number.
fn masked(text: &str, pattern: &str, name: &str) -> String {
    let is_match = |rest: &str| {
        let ends = !rest[pattern.len()..].starts_with(|c: char| c.is_ascii_digit());
        ends && rest.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            other => byte == other,
        })
    };
    let (mut masked, mut rest) = (String::new(), text);
    while let Some(c) = rest.chars().next() {
        let follows_digit = masked.ends_with(|c: char| c.is_ascii_digit());
        if !follows_digit && rest.is_char_boundary(pattern.len()) && is_match(rest) {
            masked.push_str(name);
            rest = &rest[pattern.len()..];
        } else {
            masked.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    masked
}

#[test]
fn masks_replace_whole_numbers_only() {
    assert_eq!(masked("at 1795600000.", "0000000000", "EPOCH"), "at EPOCH.");
    assert_eq!(masked("123456789012 é 12345678901", "0000000000", "EPOCH"), "123456789012 é 12345678901");
    assert_eq!(masked("http://127.0.0.1:40123/x", "127.0.0.1:00000", "A"), "http://A/x");
}
