//! The shell scripts that arl prints: functions with hooks, and completions. The linters read them as files
//! in `shell/`.

use arl::internal::shell::Shell;

/// Returns the names of the shells that have a script.
pub(crate) fn hook_names() -> impl Iterator<Item = &'static str> {
    SCRIPTS.iter().map(|(name, _)| *name)
}

const POSIX_SCRIPT: &str = include_str!("../../../shell/arl.sh");

/// Each shell with the parts of its script.
const SCRIPTS: [(&str, &[&str]); 14] = [
    ("bash", &[include_str!("../../../shell/arl.bash")]),
    ("zsh", &[include_str!("../../../shell/arl.zsh")]),
    ("fish", &[include_str!("../../../shell/arl.fish")]),
    ("ksh", &[POSIX_SCRIPT, include_str!("../../../shell/arl.ksh")]),
    ("mksh", &[POSIX_SCRIPT, include_str!("../../../shell/arl.ksh")]),
    ("nu", &[include_str!("../../../shell/arl.nu")]),
    ("nushell", &[include_str!("../../../shell/arl.nu")]),
    ("elvish", &[include_str!("../../../shell/arl.elv")]),
    ("xonsh", &[include_str!("../../../shell/arl.xsh")]),
    ("tcsh", &[include_str!("../../../shell/arl.tcsh")]),
    ("pwsh", &[include_str!("../../../shell/arl.ps1")]),
    ("powershell", &[include_str!("../../../shell/arl.ps1")]),
    ("sh", &[POSIX_SCRIPT]),
    ("posix", &[POSIX_SCRIPT]),
];

/// Returns the name of the script for a shell, which is given as the user typed it or as the path of its
/// program: `/bin/ksh93` is `ksh`.
pub(crate) fn name_of(shell: &str) -> &str {
    let name = shell.rsplit('/').next().unwrap_or_default().trim_start_matches('-');
    match name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-') {
        "dash" | "ash" | "busybox" | "yash" | "posh" => "sh",
        "csh" => "tcsh",
        name => name,
    }
}

/// Returns the line that integrates arl into a shell, and the file to add it to.
pub(crate) fn startup_line(shell: &str) -> Option<(&'static str, &'static str)> {
    Some(match shell {
        "bash" => ("eval \"$(arl init bash)\"", "~/.bashrc"),
        "zsh" => ("eval \"$(arl init zsh)\"", "~/.zshrc"),
        "fish" => ("arl init fish | source", "~/.config/fish/config.fish"),
        "ksh" => ("eval \"$(arl init ksh)\"", "~/.kshrc"),
        "mksh" => ("eval \"$(arl init mksh)\"", "~/.mkshrc"),
        "sh" | "posix" => ("eval \"$(arl init sh)\"", "the file that ENV names"),
        "tcsh" => ("arl init tcsh > ~/.arl.tcsh; source ~/.arl.tcsh", "~/.tcshrc"),
        "nu" | "nushell" => {
            ("source ~/.arl.nu", "config.nu (and first run: arl init nushell | save -f ~/.arl.nu)")
        }
        "elvish" => ("eval (arl init elvish | slurp)", "~/.config/elvish/rc.elv"),
        "xonsh" => ("execx($(arl init xonsh))", "~/.xonshrc"),
        "pwsh" | "powershell" => ("arl init powershell | Out-String | Invoke-Expression", "$PROFILE"),
        _ => return None,
    })
}

/// Returns the completion script of a shell, as packages install it.
pub(crate) fn completion(shell: &str) -> Option<&'static str> {
    match shell {
        "bash" => Some(include_str!("../../../completions/arl.bash")),
        "zsh" => Some(include_str!("../../../completions/_arl")),
        "fish" => Some(include_str!("../../../completions/arl.fish")),
        _ => None,
    }
}

/// Returns the script with a shell's function and hook.
pub(crate) fn hook(shell: &str) -> Option<String> {
    SCRIPTS.iter().find(|(name, _)| *name == shell).map(|(_, parts)| parts.concat())
}

/// Returns the script with a shell's function and hook, and its completion.
pub(crate) fn init(shell: &str) -> Option<String> {
    let mut text = hook(shell)?;
    if let Some(completion) = completion(shell) {
        text.push('\n');
        text.push_str(completion);
    }
    Some(if shell == "zsh" { without_aliases(&text) } else { text })
}

/// Makes zsh read a script without aliases. A global alias (such as one for `--help`) would replace every
/// unquoted word of the script that is the name of the alias.
fn without_aliases(script: &str) -> String {
    let script = Shell::Zsh.quote(script);
    format!("() {{\n'builtin' 'setopt' 'local_options' 'no_aliases'\n'builtin' 'eval' {script}\n}}\n")
}
