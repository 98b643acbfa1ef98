//! `arl init`: prints the hook of a shell.

use clap_complete::engine::ArgValueCandidates;

use crate::cli::args::complete;
use crate::cli::env::shell_scripts;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;

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
with them for bash, zsh (after compinit) and fish.

In the background, fish runs no function and tcsh, mksh and macOS end only the function's shell: write
`command arl exec ROLE -- SERVER &` (tcsh: `\\arl`) where `kill $!` or `kill %1` has to end SERVER.";

#[derive(Debug, clap::Args)]
#[command(before_long_help = EXAMPLES)]
pub(crate) struct InitArgs {
    /// bash, zsh, fish, ksh, mksh, sh, tcsh, nushell, elvish, xonsh or powershell
    #[arg(add = ArgValueCandidates::new(complete::hook_shells))]
    shell: String,
}

pub(crate) fn run(args: &InitArgs, output: &Output) -> Result<(), CliError> {
    let name =
        args.shell.rsplit('/').next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    let name = if name == "dash" || name == "ash" || name == "busybox" { "sh" } else { name };
    match shell_scripts::init(name) {
        Some(script) => output.write_data(script.as_bytes()),
        None => Err(CliError::usage(format!("there is no hook for `{}`", args.shell)).hint(
            "there is one for bash, zsh, fish, ksh, mksh, sh, tcsh, nushell, elvish, xonsh and powershell",
        )),
    }
}
