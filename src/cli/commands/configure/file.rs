//! Writes the shared config file, or shows what would change.

use std::path::PathBuf;

use arl::internal::files;
use arl::internal::{EditError, FileMode, ProfileEdit, SharedFile, UpdateError, UpdateOutcome};

use crate::cli::commands::configure::diff;
use crate::cli::commands::write::trace_in_place;
use crate::cli::env::context::Context;
use crate::cli::plan::hints;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;

/// Whether a command changes the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// It changes the file.
    Real,
    /// It only shows what would change.
    Dry,
}

impl Run {
    pub(super) fn from_flag(is_dry: bool) -> Self {
        if is_dry { Self::Dry } else { Self::Real }
    }
}

/// The shared config file.
pub(super) struct ConfigFile<'a> {
    pub(super) path: PathBuf,
    /// Its text when arl decided what to change.
    seen: &'a [u8],
    run: Run,
    output: &'a Output,
}

impl<'a> ConfigFile<'a> {
    pub(super) fn new(context: &'a Context, run: Run, output: &'a Output) -> Result<Self, CliError> {
        let path = context
            .file_path(SharedFile::Config)
            .ok_or_else(|| CliError::new("there is no home directory, and AWS_CONFIG_FILE is not set"))?;
        Ok(Self { path, seen: context.file_text(SharedFile::Config), run, output })
    }

    /// Makes all edits in one step. Returns what happened, or `None` if this is a dry run, which only prints
    /// the differences.
    pub(super) fn edit(
        &self,
        edits: &[ProfileEdit<'_>],
        what: &str,
    ) -> Result<Option<UpdateOutcome>, CliError> {
        let path = &self.path;
        let failed = |error: UpdateError<EditError>| {
            let hint = hints::changed_file_hint(&error);
            CliError::new(format!("could not write {what} to `{}`", path.display()))
                .caused_by(error)
                .hints(hint)
        };
        if self.run == Run::Dry {
            let old = match files::read(path, files::MAX_CONFIG) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
                read => read.map_err(|error| failed(error.into()))?,
            };
            let edited =
                arl::internal::apply_all(edits, &old).map_err(|error| failed(UpdateError::Edit(error)))?;
            let text = diff::unified(&path.display().to_string(), &old, &edited, self.output.colors_data());
            self.output.write_data(text.as_bytes())?;
            let parts = match edited.changes.len() {
                0 => "nothing would change".to_owned(),
                1 => "1 section would change".to_owned(),
                count => format!("{count} sections would change"),
            };
            self.output.note(&format!("{parts} in `{}`; nothing was written (--dry-run)", path.display()));
            return Ok(None);
        }
        let edit =
            |text: &[u8]| arl::internal::apply_if_unchanged(edits, self.seen, text).map(|edited| edited.text);
        let outcome = arl::internal::update_file(path, FileMode::Keep, edit).map_err(failed)?;
        trace_in_place(outcome, path, self.output);
        Ok(Some(outcome))
    }

    /// Makes one edit, and prints the keys that it sets.
    pub(super) fn edit_one(&self, edit: &ProfileEdit<'_>, what: &str) -> Result<(), CliError> {
        let Some(outcome) = self.edit(std::slice::from_ref(edit), what)? else { return Ok(()) };
        let done = match outcome {
            UpdateOutcome::Unchanged => "is unchanged",
            UpdateOutcome::Created | UpdateOutcome::Changed | UpdateOutcome::ChangedInPlace => "now has",
        };
        self.output.note(&format!("{what} in `{}` {done}:", self.path.display()));
        let lines: String = edit.set.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        self.output.write_data(lines.as_bytes())
    }
}
