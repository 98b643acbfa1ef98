//! Completes values from files, never from the network, and without messages.

mod identity_center;
mod roles;
mod values;

use std::ffi::OsStr;

use arl::internal::{Catalog, SessionSummary, SharedConfig, ShellRole, SourceResolver};
use clap::builder::StyledStr;
use clap_complete::engine::CompletionCandidate;

pub(crate) use self::identity_center::{account_ids, role_names, sign_ins};
pub(crate) use self::roles::{profiles, roles, written_profiles};
pub(crate) use self::values::{
    completion_shells, durations, hook_shells, key_names, output_shells, partitions, regions, services,
};
use crate::cli::env::cache_location::CacheLocation;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::roles::catalogs::cached_catalogs;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::is_unsafe;

/// How many cached sessions a completion reads, because the user waits for it.
const MAX_SESSIONS: usize = 256;
/// How many profiles a completion reads the keys of. Above that nobody reads their descriptions.
const MAX_DESCRIBED: usize = 1000;

/// The help of a candidate without a value, which stands for the names of files. The shell completes those by
/// itself, with its own rules for directories and `~`.
const FILES: &str = "files";

/// Completes the name of a file.
pub(crate) fn files(_: &OsStr) -> Vec<CompletionCandidate> {
    vec![CompletionCandidate::new("").help(Some(FILES.into()))]
}

/// Returns a candidate for a value. clap would give each a tag of its own making, which takes more time than
/// all the rest for ten thousand of them.
fn candidate(value: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).tag(Some(StyledStr::new()))
}

/// What was typed of a word.
struct Typed<'a>(std::borrow::Cow<'a, str>);

impl<'a> Typed<'a> {
    fn new(typed: &'a OsStr) -> Self {
        Self(typed.to_string_lossy())
    }

    /// Whether a name begins with what was typed. The shell would execute a control character in a name.
    fn fits(&self, name: &str) -> bool {
        let is_plain = |name: &str| name.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        name.starts_with(&*self.0) && (is_plain(name) || !name.contains(is_unsafe))
    }

    /// Returns a candidate, if it fits.
    fn candidate(&self, name: &str, help: impl Into<String>) -> Option<CompletionCandidate> {
        self.fits(name).then(|| candidate(name).help(Some(help.into().into())))
    }
}

/// What the shared files and the cache know.
struct Known<'a> {
    context: &'a Context,
    config: &'a SharedConfig<'a>,
    resolver: SourceResolver<'a>,
}

impl Known<'_> {
    /// Returns what IAM Identity Center offered within the last day.
    fn catalogs(&self) -> Vec<Catalog> {
        cached_catalogs(self.context, self.config, &self.resolver)
    }

    /// Returns cached sessions, a limited number.
    fn sessions(&self) -> Vec<SessionSummary> {
        let location = CacheLocation::from_env(self.context).ok();
        let cache = location.and_then(|location| location.open(&Output::quiet()).ok()?);
        cache.and_then(|cache| cache.list(Context::now(), MAX_SESSIONS).ok()).unwrap_or_default()
    }
}

/// Calls a function with what is known. Without readable files there are no candidates.
fn with_known(find: impl FnOnce(&Known<'_>) -> Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    let Ok(context) = Context::read() else { return Vec::new() };
    let Ok(config) = context.shared_config() else { return Vec::new() };
    let var = |name: &str| vars::get(name);
    let resolver = SourceResolver::new(&config, &var, ShellRole::Ignore);
    find(&Known { context: &context, config: &config, resolver })
}
