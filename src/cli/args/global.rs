//! The flags of every command.

use crate::cli::ui::output::{ColorChoice, Volume};

/// The flags of every command. `display_order` puts them behind the command's own flags.
#[derive(Debug, clap::Args)]
pub(crate) struct GlobalArgs {
    /// Show what arl does, on stderr and without secrets
    #[arg(short, long, global = true, display_order = 100)]
    pub(crate) verbose: bool,
    /// Print only errors on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    #[arg(hide_short_help = true, display_order = 101)]
    pub(crate) quiet: bool,
    /// Color messages
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    #[arg(help = "When to use color: auto, always or never")]
    #[arg(hide_short_help = true, display_order = 102)]
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
