//! The command line. Only these modules read the environment, the home directory, the clock and the terminal.
//!
//! `args` holds the command line as typed, `plan` what it means, `session` gets the credentials, and
//! `commands` use them. `ui` talks to the user, `env` reads the process's environment, and `serve` is `exec
//! --server`.

mod args;
mod commands;
#[allow(clippy::disallowed_methods, reason = "reads the environment and the clock for everything else")]
mod env;
mod eval;
mod plan;
mod process;
mod roles;
mod serve;
mod session;
pub(crate) mod sys;
#[allow(clippy::disallowed_methods, reason = "asks the terminal what it can show")]
mod ui;

use std::ffi::OsString;

use commands::{Cli, fast_path, mistakes};
use env::program;
use eval::guard::{eval_failure_shell, verb_of};
use eval::report;
use process::{core_limit, signals, standard_streams};
use ui::error::ExitStatus;
use ui::output::Output;

/// Parses the command line, runs the command, and reports errors. Returns the exit status.
pub(crate) fn run(arguments: Vec<OsString>) -> u8 {
    standard_streams::reserve_closed();
    let args = program::set_arguments(arguments);
    signals::ignore_sigpipe();
    let core_limit = core_limit::disable_core_dumps();
    // Without this hook a panic would print nothing to stdout, and `eval` of nothing succeeds.
    let has_command = verb_of(args).is_some_and(|verb| verb == "exec" || verb == "each");
    let status = if has_command { ExitStatus::ExecFailed } else { ExitStatus::Failure };
    report::install_panic_hook(args, status);
    let known = fast_path::parse(args);
    let (output, result) = match known.map_or_else(|| Cli::parse_from_args(args), Ok) {
        Ok(Cli { global, command }) => {
            let output = Output::new(global.volume(), global.color);
            let result = command.run(args, core_limit, &output);
            (output, result)
        }
        Err(error) if report::is_help(&error) => return report::print_help(&error, args),
        Err(error) => (Output::colored(), Err(mistakes::explain(&error, args))),
    };
    if let Err(error) = &result
        && let Some(shell) = eval_failure_shell(args)
    {
        // Ignore a failure to write, for example to a closed pipe: the error below is printed anyway.
        let _ = output.write_data(shell.failure(error.status.code_for_eval()).as_bytes());
    }
    let status = result.as_ref().map_or_else(|error| error.status, |status| *status);
    if let ExitStatus::Killed(signal) = status {
        sys::kill_self(signal);
    }
    if let Err(error) = &result {
        output.print_error(error);
    }
    status.code()
}
