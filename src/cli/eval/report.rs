//! Reports what no command reports: errors of clap, and panics.

use std::ffi::OsString;

use crate::cli::eval::guard::{eval_failure_shell, verb_of};
use crate::cli::ui::error::ExitStatus;
use crate::cli::ui::output::{Output, write_stderr};
use crate::cli::ui::text::printable;

/// Prints an error of clap, or its help. Returns the exit status.
pub(crate) fn print_clap_error(error: &clap::Error, args: &[OsString]) -> u8 {
    use clap::error::ErrorKind;
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return match error.print() {
            // A reader such as `head` may have closed the pipe.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                write_stderr(&format!("error: could not write the help\n  caused by: {error}\n"));
                ExitStatus::Failure.code()
            }
            _ => ExitStatus::Success.code(),
        };
    }
    if let Some(shell) = eval_failure_shell(args) {
        let output = Output::plain();
        let _ = output.write_data(shell.failure(ExitStatus::Usage.code()).as_bytes());
    }
    let text: Vec<String> = error.to_string().lines().map(printable).collect();
    let verb = verb_of(args).filter(|_| !args.iter().any(|word| word == "--"));
    let hint = match (error.kind(), verb.as_deref()) {
        (ErrorKind::UnknownArgument, Some(verb @ ("exec" | "each")))
        | (ErrorKind::MissingRequiredArgument, Some(verb @ "each")) => {
            format!("\nhint: put -- before the command: arl {verb} ROLE -- COMMAND")
        }
        _ => String::new(),
    };
    write_stderr(&format!("{}{hint}\n", text.join("\n").trim_end()));
    ExitStatus::Usage.code()
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
