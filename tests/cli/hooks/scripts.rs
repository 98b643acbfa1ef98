//! The files in `shell/`, read without running them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Stage;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("shell")
}

#[test]
fn hook_scripts_clear_every_identity_variable() {
    for name in ["arl.bash", "arl.zsh", "arl.fish", "arl.ksh"] {
        let text = fs::read_to_string(directory().join(name)).unwrap();
        for variable in arl::internal::ASSUMED_VARIABLES {
            let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            assert!(words.any(|word| word == variable), "{name} does not clear {variable}");
        }
    }
}

/// bash 3.2 (of macOS) and 5.3 are not installed here, so this test reads the branches for them. Features of
/// newer versions may stand only behind a version check, and syntax that 3.2 cannot parse only in quotes.
#[test]
fn features_of_newer_bash_versions_are_used_only_behind_a_version_check() {
    let text = fs::read_to_string(directory().join("arl.bash")).unwrap();
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    for newer in [
        "declare -A",
        "local -n",
        "mapfile",
        "readarray",
        ",,}",
        "^^}",
        "&>>",
        "|&",
        "coproc",
        "@Q}",
        "EPOCHSECONDS",
        "[[ -v",
    ] {
        let uses: Vec<&&str> = code.iter().filter(|line| line.contains(newer)).collect();
        assert!(uses.is_empty(), "{newer}: {uses:?}");
    }
    for (feature, since) in [("'%(%s)T'", 402), ("PROMPT_COMMAND+=(", 501), ("'${ __arl_preexec; }'", 503)] {
        let at = code.iter().position(|line| line.contains(feature)).unwrap_or_else(|| panic!("{feature}"));
        let check = format!("BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= {since}");
        let is_checked = code[at.saturating_sub(3)..at].iter().any(|line| line.contains(&check));
        assert!(is_checked, "no version check before {feature}");
    }
}

#[test]
fn shell_scripts_pass_their_linters() {
    let stage = Stage::new();
    for line in [
        "shellcheck -s bash arl.bash",
        "shellcheck -s sh arl.sh",
        "shellcheck -s ksh arl.ksh",
        "shfmt -d -i 4 -ci arl.bash arl.sh",
        "shfmt -ln mksh -d -i 4 -ci arl.ksh",
        "bash -n arl.bash",
        "zsh -n arl.zsh",
        "mksh -n arl.ksh",
        "dash -n arl.sh",
        "fish --no-execute arl.fish",
        "fish_indent --check arl.fish",
        "python3 -c 'import ast; ast.parse(open(\"arl.xsh\").read())'",
        "tcsh -f -n arl.tcsh",
        "elvish -compileonly <(grep -v '^edit:\\|^set edit:' arl.elv)",
    ] {
        let run = stage.run(stage.bare("bash").args(["-c", line]).current_dir(directory()));
        assert_eq!(run.status, 0, "{line}: {run:?}");
    }
}
