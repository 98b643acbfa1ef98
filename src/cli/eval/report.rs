//! Prints clap's help, and reports panics.

use std::ffi::OsString;

use crate::cli::eval::guard::eval_failure_shell;
use crate::cli::ui::error::ExitStatus;
use crate::cli::ui::output::{Output, write_stderr};
use crate::cli::ui::terminal;

/// Whether clap answers with help or the version, because the user asked for it or gave no subcommand.
pub(crate) fn is_help(error: &clap::Error) -> bool {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    matches!(error.kind(), DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand)
}

/// Prints clap's help. Returns the exit status.
pub(crate) fn print_help(help: &clap::Error, args: &[OsString]) -> u8 {
    if help.use_stderr() {
        if let Some(shell) = eval_failure_shell(args) {
            let output = Output::plain();
            let _ = output.write_data(shell.failure(ExitStatus::Usage.code()).as_bytes());
        }
        // The help contains no text of the command line. A closed stderr does not matter.
        let _ = help.print();
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

/// Replaces the standard panic message, which could contain a secret, restores the terminal, and makes `eval`
/// fail.
pub(crate) fn install_panic_hook(args: &'static [OsString], status: ExitStatus) {
    std::panic::set_hook(Box::new(move |panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        terminal::restore_after_panic();
        if let Some(shell) = eval_failure_shell(args) {
            let output = Output::plain();
            let _ = output.write_data(shell.failure(status.code()).as_bytes());
        }
        write_stderr(&format!(
            "error: internal error at {location}, a bug in arl\nhint: please report this\n"
        ));
        #[expect(clippy::exit, reason = "unwinding could print the panic's text")]
        std::process::exit(status.code().into());
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::cli::env::program;
    use crate::cli::ui::terminal::{Mode, Terminal};

    /// Runs a command in a terminal of its own. Prints what it showed, its status, and whether the
    /// settings of the terminal are the same as before.
    const IN_TERMINAL: &str = "
import fcntl, os, pty, sys, termios
parent, terminal = pty.openpty()
before = termios.tcgetattr(terminal)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for standard in range(3):
        os.dup2(terminal, standard)
    os.execv(sys.argv[1], sys.argv[1:])
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
after = termios.tcgetattr(terminal)
# What the command wrote can arrive in pieces. At the end, reading fails.
os.close(terminal)
shown = b''
try:
    while piece := os.read(parent, 65536): shown += piece
except OSError: pass
print(shown, status, before == after)
";

    #[test]
    fn a_panic_leaves_the_terminal_as_it_was() {
        let this = program::executable().expect("this program");
        let test = "cli::eval::report::tests::panics_at_a_terminal";
        let mut python = Command::new("python3");
        python.args(["-c", IN_TERMINAL]).arg(this).args([test, "--exact", "--ignored", "--nocapture"]);
        let shown = python.output().expect("python3");
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains("error: internal error at src/cli/eval/report.rs"), "{shown}");
        assert!(!shown.contains("a secret") && shown.contains("the screen is back"), "{shown}");
        assert!(shown.ends_with(" 7 True\n"), "{shown}");
    }

    #[test]
    #[ignore = "the test above runs it in a terminal"]
    fn panics_at_a_terminal() {
        install_panic_hook(&[], ExitStatus::Command(7));
        let terminal = Terminal::open(Mode::Keys).expect("a terminal");
        terminal.leave_with("the screen is back\r\n");
        panic!("a secret");
    }
}
