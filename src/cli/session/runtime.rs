//! The async runtime, which only network calls need.

use std::fs::File;

use crate::cli::ui::error::CliError;

/// How many files a call opens at once: the runtime itself, connections, certificates, locks, and the pipes
/// of a helper program.
const NEEDED_DESCRIPTORS: usize = 16;

/// Starts the runtime.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let failed = |error: std::io::Error| CliError::new("could not start the async runtime").caused_by(error);
    check_descriptors().map_err(|error| {
        failed(error)
            .hint("raise the limit of open files: `ulimit -n 256`; `ulimit -Hn` shows the highest one")
    })?;
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)
}

/// Checks that a call can open as many files as it may need, because tokio and the TLS library panic if they
/// cannot.
fn check_descriptors() -> std::io::Result<()> {
    let opened: Result<Vec<File>, _> = (0..NEEDED_DESCRIPTORS).map(|_| File::open("/dev/null")).collect();
    match opened {
        // Another error, as in a container without /dev, does not matter here.
        Err(error) if error.raw_os_error() != Some(rustix::io::Errno::MFILE.raw_os_error()) => Ok(()),
        opened => opened.map(drop),
    }
}
