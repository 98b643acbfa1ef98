//! The flags of every command.

use crate::cli::ui::output::{ColorChoice, Volume};

#[derive(Debug, clap::Args)]
pub(crate) struct GlobalArgs {
    /// Say on stderr what arl does; never a secret
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Colour messages
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    #[arg(help = "Colour messages: auto, always or never")]
    pub(crate) color: ColorChoice,
}

impl GlobalArgs {
    pub(crate) fn volume(&self) -> Volume {
        match (self.quiet, self.verbose) {
            (true, _) => Volume::Quiet,
            (false, true) => Volume::Verbose,
            (false, false) => Volume::Normal,
        }
    }
}
