//! `arl`: assumes AWS IAM roles and hands the temporary credentials to whatever needs them.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
