//! The command line. Only these modules read the environment, the home directory, the clock and the terminal.
//!
//! `args` is what was typed, `plan` what it means, `session` gets it, `commands` use it; `ui` and `env` are the two
//! ends; `serve` is `exec --server`.

mod args;
mod commands;
#[allow(clippy::disallowed_methods, reason = "reads the environment and the clock for everything else")]
mod env;
mod eval;
mod plan;
mod process;
mod serve;
mod session;
pub(crate) mod sys;
#[allow(clippy::disallowed_methods, reason = "asks the terminal what it can show")]
mod ui;

use std::ffi::OsString;

use commands::{Cli, fast_path};
use eval::guard::{failing_statement, verb};
use eval::report;
use process::core_limit;
use ui::error::Status;
use ui::output::Output;

/// Parses, runs, reports.
pub(crate) fn run(args: Vec<OsString>) -> u8 {
    sys::ignore_sigpipe();
    let core_limit = core_limit::forbid();
    // Without this a panic would leave `eval` with an empty text, which succeeds.
    let has_command = verb(&args).is_some_and(|verb| verb == "exec" || verb == "each");
    let status = if has_command { Status::ExecFailed } else { Status::Failed };
    report::on_panic(args.clone(), status);
    let known = fast_path::parse(&args);
    let cli = match known.map_or_else(|| Cli::parse_args(&args), Ok) {
        Ok(cli) => cli,
        Err(error) => return report::usage(&error, &args),
    };
    let Cli { global, command } = cli;
    let output = Output::new(global.verbose, global.quiet, global.color);
    match command.run(&args, core_limit, &output) {
        Ok(status) => {
            if let Status::Killed(signal) = status {
                sys::die_by(signal);
            }
            status.code()
        }
        Err(report) => {
            if let Some(dialect) = failing_statement(&args) {
                // The report that follows matters more than a pipe that nobody reads any more.
                let _ = output.data(dialect.failure(report.status.code()).as_bytes());
            }
            if let Some(signal) = report.signal {
                sys::die_by(signal);
            }
            output.report(&report);
            report.status.code()
        }
    }
}
