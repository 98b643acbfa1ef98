//! Discovers what IAM Identity Center offers, for `arl list --sso`.

use arl::internal::{Catalog, SharedConfig};

use crate::cli::env::context::Context;
use crate::cli::plan::identity_center;
use crate::cli::roles::pattern::Pattern;
use crate::cli::session::discovery::{Refresh, discover};
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;

/// The catalogs of the sessions, as far as they could be discovered.
#[derive(Default)]
pub(super) struct Offers {
    pub(super) catalogs: Vec<Catalog>,
    /// The first error.
    error: Option<CliError>,
}

impl Offers {
    /// Discovers the roles of the sessions whose names match the pattern. If no name matches, asks all
    /// sessions.
    ///
    /// # Errors
    /// No session is configured, or a signal ended the discovery.
    pub(super) fn find(
        &mut self,
        refresh: Refresh,
        pattern: Option<&Pattern>,
        context: &Context,
        config: &SharedConfig<'_>,
        output: &Output,
    ) -> Result<(), CliError> {
        let mut names = config.sso_session_names();
        if names.is_empty() {
            return Err(identity_center::no_session(context));
        }
        if let Some(pattern) = pattern
            && names.iter().any(|name| pattern.matches(name))
        {
            names.retain(|name| pattern.matches(name));
        }
        for name in names {
            match discover(context, name, refresh, output) {
                Ok(catalog) => self.catalogs.push(catalog),
                Err(error) if matches!(error.status, ExitStatus::Killed(_)) => return Err(error),
                Err(error) if self.error.is_none() => self.error = Some(error),
                Err(error) => output.print_error(&error),
            }
        }
        Ok(())
    }

    /// Returns the exit status of the command. The caller prints the known roles first.
    ///
    /// # Errors
    /// The first error.
    pub(super) fn status(self) -> Result<ExitStatus, CliError> {
        match self.error {
            Some(error) => Err(error),
            None if self.catalogs.iter().all(|catalog| catalog.is_complete) => Ok(ExitStatus::Success),
            None => Ok(ExitStatus::Failure),
        }
    }
}
