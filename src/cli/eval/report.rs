//! Reports what no command reports: the help of clap, and panics.

use std::ffi::OsString;

use crate::cli::eval::guard::eval_failure_shell;
use crate::cli::ui::error::ExitStatus;
use crate::cli::ui::output::{Output, write_stderr};
use crate::cli::ui::text::printable;

/// Whether clap answers with a help text: because the user asked for it, or because there is no command.
pub(crate) fn is_help(error: &clap::Error) -> bool {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    matches!(error.kind(), DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand)
}

/// Prints the help of clap. Returns the exit status.
pub(crate) fn print_help(help: &clap::Error, args: &[OsString]) -> u8 {
    if help.use_stderr() {
        if let Some(shell) = eval_failure_shell(args) {
            let output = Output::plain();
            let _ = output.write_data(shell.failure(ExitStatus::Usage.code()).as_bytes());
        }
        let text: Vec<String> = help.to_string().lines().map(printable).collect();
        write_stderr(&format!("{}\n", text.join("\n").trim_end()));
        return ExitStatus::Usage.code();
    }
    match help.print() {
        // A reader such as `head` may have closed the pipe.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            write_stderr(&format!("error: could not write the help\n  caused by: {error}\n"));
            ExitStatus::Failure.code()
        }
        _ => ExitStatus::Success.code(),
    }
}

/// Replaces the standard panic message, which could contain a secret, and makes `eval` fail.
pub(crate) fn install_panic_hook(args: &'static [OsString], status: ExitStatus) {
    std::panic::set_hook(Box::new(move |panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        if let Some(shell) = eval_failure_shell(args) {
            let output = Output::plain();
            let _ = output.write_data(shell.failure(status.code()).as_bytes());
        }
        write_stderr(&format!(
            "error: arl came upon a mistake of its own, at {location}\nhint: please report this\n"
        ));
        #[expect(clippy::exit, reason = "unwinding could print the panic's text")]
        std::process::exit(status.code().into());
    }));
}
