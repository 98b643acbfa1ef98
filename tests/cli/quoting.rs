//! Hostile values: a shell reads back exactly the value, or arl refuses it. Nothing is executed.
//!
//! `ARL_HOSTILE_VALUES=10000` tests more values.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

use arl::internal::shell::{RestorePoint, RoleMemory, Shell, ShellUpdate};
use arl::internal::{Credentials, Identity, RegionChange, Secret};

use crate::support::{SHELLS, Stage};

/// splitmix64, so that every machine tests the same values.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(below).unwrap()).unwrap()
    }
}

/// Fragments that end strings, start commands, or are special in some shell.
const FRAGMENTS: [&str; 44] = [
    "'",
    "\"",
    "\\",
    "`",
    "$",
    "$(touch CANARY)",
    "`touch CANARY`",
    ";touch CANARY;",
    "|touch CANARY",
    "&&touch CANARY",
    "\n",
    "\ntouch CANARY\n",
    "\r",
    "\t",
    " ",
    "#",
    "!",
    "!!",
    "^a^b",
    "=ls",
    "~",
    "~root",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "(",
    ")",
    "<(touch CANARY)",
    ">CANARY",
    "%",
    "$'\\n'",
    "${x}",
    "$HOME",
    "\\'",
    "'\\''",
    "--",
    "-n",
    "\u{1b}[2J",
    "\u{202e}",
    "é",
    "𝄞",
    "\u{7f}",
    "\u{0085}",
];

pub(crate) fn values(count: usize) -> BTreeSet<String> {
    let mut random = Random(20_261_121);
    let mut values: BTreeSet<String> = FRAGMENTS.iter().map(|&fragment| fragment.to_owned()).collect();
    values.insert(String::new());
    values.extend((1..128u8).map(|byte| char::from(byte).to_string()));
    while values.len() < count {
        let mut value = String::new();
        for _ in 0..=random.next(6) {
            match random.next(4) {
                0 => value.push(char::from(u8::try_from(33 + random.next(94)).unwrap())),
                1 => value.extend(char::from_u32(u32::try_from(1 + random.next(0xd7ff)).unwrap())),
                _ => value.push_str(FRAGMENTS[random.next(FRAGMENTS.len())]),
            }
        }
        values.insert(value);
    }
    values
}

pub(crate) fn identity(value: &str) -> Identity {
    let credentials = Credentials::new("ASIA".into(), Secret::new("s".into()), None, None).unwrap();
    Identity {
        credentials,
        name: None,
        role_arn: None,
        source: value.to_owned(),
        region: RegionChange::Keep,
        user_region: None,
    }
}

#[test]
fn every_shell_reads_back_hostile_values_exactly() {
    let count = std::env::var("ARL_HOSTILE_VALUES").ok().map_or(1000, |count| count.parse().unwrap());
    let values = values(count);
    for (shell, dialect) in SHELLS {
        let stage = Stage::new();
        let dialect: Shell = dialect.parse().unwrap();
        let mut script = String::new();
        let mut expected = Vec::new();
        let mut refused = 0;
        for value in &values {
            let identity = identity(value);
            let handover = ShellUpdate {
                identity: &identity,
                restore_point: RestorePoint::Untrusted,
                refresh: vec![value.clone()],
                memory: RoleMemory { words: vec![value.clone()], is_untrusted: false, is_for_function: true },
            };
            match dialect.assume(&handover) {
                Ok(text) => {
                    script.push_str(&String::from_utf8(text).unwrap());
                    // printf is a builtin: a child process for each value would take minutes.
                    script.push_str("printf '%s\\0' \"$ARL_SOURCE\"\n");
                    expected.extend_from_slice(value.as_bytes());
                    expected.push(0);
                }
                Err(error) => {
                    assert!(value.chars().any(char::is_control), "{value:?} refused: {error}");
                    refused += 1;
                }
            }
        }
        std::fs::write(stage.home.join("script"), script).unwrap();
        let output = stage.bare(shell).arg("script").output().unwrap();
        assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        for (was, value) in output.stdout.split(|&b| b == 0).zip(expected.split(|&b| b == 0)) {
            assert_eq!(was, value, "{shell}: {:?}", String::from_utf8_lossy(value));
        }
        assert_eq!(output.stdout.len(), expected.len(), "{shell}");
        assert!(
            refused < values.len() * 2 / 3,
            "{shell}: nearly everything is refused, so nothing is tested"
        );
        assert_only_the_script(&stage, shell);
    }
}

/// Asserts that no file was created, so no value was executed.
fn assert_only_the_script(stage: &Stage, shell: &str) {
    let names: Vec<_> = std::fs::read_dir(&stage.home)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| !name.as_bytes().starts_with(b".") && name != "script")
        .collect();
    assert!(names.is_empty(), "{shell} made {names:?}");
}

#[test]
fn quoting_is_exact_without_the_check_for_control_characters() {
    // The quoting must not depend on the check for control characters.
    let values = values(1000);
    for (shell, dialect) in SHELLS {
        let stage = Stage::new();
        let dialect: Shell = dialect.parse().unwrap();
        let script: String =
            values.iter().map(|value| format!("printf '%s\\0' {}\n", dialect.quote(value))).collect();
        std::fs::write(stage.home.join("script"), script).unwrap();
        let output = stage.bare(shell).arg("script").output().unwrap();
        let expected: Vec<u8> = values.iter().flat_map(|value| [value.as_bytes(), b"\0"].concat()).collect();
        assert!(output.stdout == expected, "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        assert_only_the_script(&stage, shell);
    }
}

#[test]
fn a_hostile_session_token_reaches_the_shell_unchanged() {
    let printable = |value: &&String| !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic());
    let values: Vec<String> = values(1500).iter().filter(printable).take(60).cloned().collect();
    assert_eq!(values.len(), 60);
    for (shell, _) in [("dash", ""), ("bash", ""), ("zsh", ""), ("fish", "")] {
        let stage = Stage::new();
        for value in &values {
            stage.sts.change(|world| world.next_token = Some(value.clone()));
            let arl = "arl assume 123456789012/Deploy";
            let line = if shell == "fish" {
                format!("{arl} | source; and printenv AWS_SESSION_TOKEN")
            } else {
                format!("eval \"$({arl})\" && printenv AWS_SESSION_TOKEN")
            };
            // Not `Stage::run`, which would find a one-character token somewhere in stderr.
            let output = stage.as_ann(shell).args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{value}\n"), "{shell}: {output:?}");
        }
        assert_only_the_script(&stage, shell);
    }
}

#[test]
fn a_hostile_profile_name_is_quoted_or_refused() {
    let stage = Stage::new();
    for name in ["x'; touch CANARY; '", "$(touch CANARY)", "x\\", "`touch CANARY`", "a b"] {
        stage.profiles(
            &format!("[profile \"{name}\"]\nregion = eu-west-1\n"),
            &format!("[{name}]\naws_access_key_id = AKIAIOSFODNN7ANN0001\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n"),
        );
        for (shell, dialect) in SHELLS {
            let mut command = stage.bare("arl");
            command.args(["assume", "123456789012/Deploy", "--shell", dialect, "--profile", name]);
            let text = stage.run(&mut command).success();
            let script = format!("{text}\nprintf %s \"$ARL_SOURCE\"");
            let run = stage.run(stage.bare(shell).args(["-c", &script]));
            assert_eq!(run.success(), format!("profile:{name}"), "{shell}");
        }
        assert_only_the_script(&stage, name);
    }
}
