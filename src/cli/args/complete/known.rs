//! The input of completions: the typed text, the shared files and the cache.

use std::borrow::Cow;
use std::ffi::OsStr;

use arl::internal::{Catalog, SessionSummary, SharedConfig, ShellRole, SourceResolver};
use clap::builder::StyledStr;
use clap_complete::engine::CompletionCandidate;

use crate::cli::env::cache_location::CacheLocation;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::roles::catalogs::cached_catalogs;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::is_unsafe;

/// The most cached sessions that a completion reads, because the user waits for it.
const MAX_SESSIONS: usize = 256;
/// The most profiles whose keys a completion reads. With more, no user reads their descriptions.
pub(super) const MAX_DESCRIBED: usize = 1000;

/// Returns a candidate for a value. Without a tag, clap would compute one for each, which for ten thousand
/// candidates takes longer than everything else.
pub(super) fn candidate(value: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).tag(Some(StyledStr::new()))
}

/// The typed beginning of a word.
pub(super) struct Typed<'a>(Cow<'a, str>);

impl<'a> Typed<'a> {
    pub(super) fn new(typed: &'a OsStr) -> Self {
        Self(typed.to_string_lossy())
    }

    /// Whether a name begins with the typed text and is safe. The shell would execute a control character in
    /// a name.
    pub(super) fn fits(&self, name: &str) -> bool {
        let is_plain = |name: &str| name.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        name.starts_with(&*self.0) && (is_plain(name) || !name.contains(is_unsafe))
    }

    /// Returns a candidate, if the name fits.
    pub(super) fn candidate(&self, name: &str, help: impl Into<String>) -> Option<CompletionCandidate> {
        self.fits(name).then(|| candidate(name).help(Some(help.into().into())))
    }
}

/// The shared files and the cache.
pub(super) struct Known<'a> {
    context: &'a Context,
    pub(super) config: &'a SharedConfig<'a>,
    resolver: SourceResolver<'a>,
}

impl Known<'_> {
    /// Returns the cached catalogs of IAM Identity Center, which are at most a day old.
    pub(super) fn catalogs(&self) -> Vec<Catalog> {
        cached_catalogs(self.context, self.config, &self.resolver)
    }

    /// Returns at most [`MAX_SESSIONS`] cached sessions.
    pub(super) fn sessions(&self) -> Vec<SessionSummary> {
        let location = CacheLocation::from_env(self.context).ok();
        let cache = location.and_then(|location| location.open(&Output::quiet()).ok()?);
        cache.and_then(|cache| cache.list(Context::now(), MAX_SESSIONS).ok()).unwrap_or_default()
    }
}

/// Calls a function with the shared files and the cache. Without readable files there are no candidates.
pub(super) fn with_known(
    find: impl FnOnce(&Known<'_>) -> Vec<CompletionCandidate>,
) -> Vec<CompletionCandidate> {
    let Ok(context) = Context::read() else { return Vec::new() };
    let Ok(config) = context.shared_config() else { return Vec::new() };
    let var = |name: &str| vars::get(name);
    let resolver = SourceResolver::new(&config, &var, ShellRole::Ignore);
    find(&Known { context: &context, config: &config, resolver })
}
