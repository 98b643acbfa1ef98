//! The async runtime, which only a call needs.

use crate::cli::ui::error::CliError;

/// Started only for a call.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new("could not start").caused_by(error))
}
