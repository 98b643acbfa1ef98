//! The async runtime, which only network calls need.

use crate::cli::ui::error::CliError;

/// Starts the runtime.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new("could not start").caused_by(error))
}
