//! `--force`: whether a command overwrites a profile that arl did not write.

use arl::internal::ProfileName;

use crate::cli::ui::error::CliError;

/// Whether a profile may be overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overwrite {
    /// Only if that loses nothing that the user wrote.
    IfHarmless,
    /// Always: the user said `--force`.
    Forced,
}

impl Overwrite {
    pub(crate) fn from_flag(force: bool) -> Self {
        if force { Self::Forced } else { Self::IfHarmless }
    }

    /// Refuses the profile `default`.
    ///
    /// # Errors
    /// The profile is `default`, and the user did not say `--force`.
    pub(crate) fn check_name(self, name: &ProfileName) -> Result<(), CliError> {
        if self == Self::Forced || name.as_str() != "default" {
            return Ok(());
        }
        Err(CliError::usage(
            "arl does not overwrite profile `default`: programs that name no profile would run as the role",
        )
        .hint("choose another name, or pass --force"))
    }
}
