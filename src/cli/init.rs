//! `arl init`: prints the hook of a shell.

use clap_complete::engine::ArgValueCandidates;

use super::report::Report;
use super::{Outcome, Output, complete};

const EXAMPLES: &str = "Examples:
  eval \"$(arl init bash)\"          in ~/.bashrc
  eval \"$(arl init zsh)\"           in ~/.zshrc
  arl init fish | source           in ~/.config/fish/config.fish
  eval \"$(arl init ksh)\"           in the file that ENV names (mksh, ksh93)
  arl init nushell | save -f ($nu.default-config-dir | path join arl.nu)   and `source arl.nu` in config.nu
  eval (arl init elvish | slurp)   in ~/.config/elvish/rc.elv
  execx($(arl init xonsh))         in ~/.xonshrc
  arl init tcsh > ~/.arl.tcsh      and `source ~/.arl.tcsh` in ~/.tcshrc
  arl init powershell | Out-String | Invoke-Expression   in $PROFILE (checked as text only)
  eval \"$(arl init sh)\"            in the file that ENV names (dash and others: the function alone)

The function makes `arl assume` and `arl clear` change the shell itself. The hook clears expired
credentials at the prompt, or restores or refreshes them if ARL_ON_EXPIRY says so. Completion comes
with them for bash, zsh (after compinit) and fish.";

/// Print the function and the hook for a shell
#[derive(Debug, clap::Args)]
#[command(before_long_help = EXAMPLES)]
pub(super) struct InitArgs {
    /// bash, zsh, fish, ksh, mksh, sh, tcsh, nushell, elvish, xonsh or powershell
    #[arg(add = ArgValueCandidates::new(complete::shells))]
    shell: String,
}

/// The shells there is a script for.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SCRIPTS.iter().map(|(name, _)| *name)
}

const SH: &str = include_str!("../../shell/arl.sh");

/// Each shell with its script, in one piece or two.
const SCRIPTS: [(&str, &[&str]); 14] = [
    ("bash", &[include_str!("../../shell/arl.bash")]),
    ("zsh", &[include_str!("../../shell/arl.zsh")]),
    ("fish", &[include_str!("../../shell/arl.fish")]),
    ("ksh", &[SH, include_str!("../../shell/arl.ksh")]),
    ("mksh", &[SH, include_str!("../../shell/arl.ksh")]),
    ("nu", &[include_str!("../../shell/arl.nu")]),
    ("nushell", &[include_str!("../../shell/arl.nu")]),
    ("elvish", &[include_str!("../../shell/arl.elv")]),
    ("xonsh", &[include_str!("../../shell/arl.xsh")]),
    ("tcsh", &[include_str!("../../shell/arl.tcsh")]),
    ("pwsh", &[include_str!("../../shell/arl.ps1")]),
    ("powershell", &[include_str!("../../shell/arl.ps1")]),
    ("sh", &[SH]),
    ("posix", &[SH]),
];

pub(super) fn run(args: &InitArgs, output: &Output) -> Outcome {
    let name =
        args.shell.rsplit('/').next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    let name = if name == "dash" || name == "ash" || name == "busybox" { "sh" } else { name };
    match SCRIPTS.iter().find(|(shell, _)| *shell == name) {
        Some((_, pieces)) => {
            let completion = super::completions::script(name).unwrap_or_default();
            let end = if completion.is_empty() { "" } else { "\n" };
            output.data(format!("{}{end}{completion}", pieces.concat()).as_bytes())
        }
        None => Err(Report::usage(format!("there is no hook for `{}`", args.shell)).hint(
            "there is one for bash, zsh, fish, ksh, mksh, sh, tcsh, nushell, elvish, xonsh and powershell",
        )),
    }
}
