//! `arl init`: prints the integration for a shell: a function and a prompt hook.

use arl::internal::closest;
use clap_complete::engine::ArgValueCandidates;

use crate::cli::args::complete;
use crate::cli::args::help::TEMPLATE;
use crate::cli::env::{shell, shell_scripts};
use crate::cli::ui::error::CliError;
use crate::cli::ui::output;
use crate::cli::ui::output::Output;

const EXAMPLES: &str = "Examples:
  eval \"$(arl init bash)\"          in ~/.bashrc
  eval \"$(arl init zsh)\"           in ~/.zshrc
  arl init fish | source           in ~/.config/fish/config.fish
  eval \"$(arl init ksh)\"           in the file that ENV names (mksh, ksh93)
  arl init nushell | save -f ~/.arl.nu   and `source ~/.arl.nu` in config.nu
  eval (arl init elvish | slurp)   in ~/.config/elvish/rc.elv
  execx($(arl init xonsh))         in ~/.xonshrc
  arl init tcsh > ~/.arl.tcsh      and `source ~/.arl.tcsh` in ~/.tcshrc
  arl init powershell | Out-String | Invoke-Expression   in $PROFILE (not yet tested)
  eval \"$(arl init sh)\"            in the file that ENV names (dash and others; no prompt hook)

The integration defines a shell function and a prompt hook. The function makes `arl assume` and `arl clear` \
change the shell itself. The hook clears credentials that have expired, or restores or refreshes them if \
ARL_ON_EXPIRY says so. bash, zsh and fish also get tab completion; in zsh put the `eval` line after compinit.

To start a program in the background that you want to stop with `kill $!` or `kill %1`, bypass the shell \
function in fish, in mksh and on macOS: `command arl exec ROLE -- PROGRAM &`; in tcsh: `\\arl exec ROLE -- \
PROGRAM &`. fish cannot run a function in the background. The others run it in a copy of the shell, and `kill` \
would end only that copy.";

#[derive(Debug, clap::Args)]
#[command(before_long_help = EXAMPLES, help_template = TEMPLATE)]
pub(crate) struct InitArgs {
    /// bash, zsh, fish, ksh, mksh, sh, tcsh, nushell, elvish, xonsh or powershell [default: the shell that
    /// runs arl]
    #[arg(add = ArgValueCandidates::new(complete::hook_shells))]
    shell: Option<String>,
}

pub(crate) fn run(args: &InitArgs, output: &Output) -> Result<(), CliError> {
    let found = args.shell.is_none().then(shell::program_above).flatten();
    let typed = args.shell.clone().or(found).ok_or_else(|| {
        CliError::usage("arl could not tell which shell runs it").hint("name it: arl init bash")
    })?;
    let name = shell_scripts::name_of(&typed);
    let Some(script) = shell_scripts::init(name) else {
        let refused = CliError::usage(format!("there is no shell integration for `{typed}`"));
        return Err(match closest(name, shell_scripts::hook_names()).first() {
            Some(similar) => refused.hint(format!("did you mean `arl init {similar}`?")),
            None => refused.hint(
                "there is a script for bash, zsh, fish, ksh, mksh, sh, tcsh, nushell, elvish, xonsh and powershell",
            ),
        });
    };
    output.write_data(script.as_bytes())?;
    if output::stdout_is_terminal()
        && let Some((line, file)) = shell_scripts::startup_line(name)
    {
        output.note(&format!("this was the shell integration; to load it, add this line to {file}:"));
        output.write_line("");
        output.write_line(&format!("    {line}"));
        output.write_line("");
        output.note("then open a new terminal and type: arl assume ROLE");
    }
    Ok(())
}
