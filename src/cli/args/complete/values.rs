//! Completes values with a fixed set or few candidates: regions, services, times, shells, keys.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use arl::internal::shell::Shell;
use clap_complete::engine::CompletionCandidate;

use super::known::{MAX_DESCRIBED, Typed, with_known};
use crate::cli::args::regions::REGIONS;
use crate::cli::args::services::SERVICES;
use crate::cli::env::key_records::recorded_names;
use crate::cli::env::shell_scripts;
use crate::cli::env::vars;

/// Examples of times, for sessions of 15 minutes to 12 hours.
const DURATIONS: [(&str, &str); 7] = [
    ("15m", "the shortest"),
    ("30m", "30 minutes"),
    ("1h", "the default of STS, and the longest for role chaining"),
    ("2h", "two hours"),
    ("4h", "four hours"),
    ("8h", "eight hours"),
    ("12h", "the longest"),
];

const PARTITIONS: [(&str, &str); 4] = [
    ("aws", "the standard AWS regions"),
    ("aws-cn", "China"),
    ("aws-us-gov", "AWS GovCloud (US)"),
    ("aws-eusc", "AWS European Sovereign Cloud"),
];

/// Completes `--region`: the regions of the environment, of profiles and of earlier calls first.
pub(crate) fn regions(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = Typed::new(typed);
    let mut used = BTreeSet::new();
    used.extend([vars::AWS_REGION, vars::AWS_DEFAULT_REGION].into_iter().filter_map(vars::get));
    let _ = with_known(|known| {
        let profiles = known.config.profile_names().into_iter().take(MAX_DESCRIBED);
        let region = |name: &str| known.config.profile(name)?.get_non_empty("region").map(str::to_owned);
        used.extend(profiles.filter_map(region));
        let sessions = known.sessions();
        used.extend(sessions.iter().filter_map(|session| session.region().map(str::to_owned)));
        Vec::new()
    });
    let location = |region: &str| {
        let known = REGIONS.iter().find(|(name, _)| *name == region);
        known.map_or("a region that you have used", |(_, location)| location)
    };
    let own = used.iter().filter_map(|region| typed.candidate(region, location(region)));
    let others = REGIONS.iter().filter(|(name, _)| !used.contains(*name));
    own.chain(others.filter_map(|(name, location)| typed.candidate(name, *location))).collect()
}

/// Completes `--service`.
pub(crate) fn services(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = Typed::new(typed);
    SERVICES.iter().filter_map(|(name, _, help)| typed.candidate(name, *help)).collect()
}

/// Completes a time with examples.
pub(crate) fn durations() -> Vec<CompletionCandidate> {
    described(&DURATIONS)
}

/// Completes `--partition`.
pub(crate) fn partitions() -> Vec<CompletionCandidate> {
    described(&PARTITIONS)
}

/// Completes the name of a stored key.
pub(crate) fn key_names(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = Typed::new(typed);
    let mut names: Vec<String> = recorded_names().iter().map(ToString::to_string).collect();
    names.sort_unstable();
    names.iter().filter_map(|name| typed.candidate(name, "stored key")).collect()
}

/// Completes `--shell`.
pub(crate) fn output_shells() -> Vec<CompletionCandidate> {
    Shell::ALL.into_iter().map(|shell| CompletionCandidate::new(shell.name())).collect()
}

/// Completes the shell of `arl init`.
pub(crate) fn hook_shells() -> Vec<CompletionCandidate> {
    shell_scripts::hook_names().map(CompletionCandidate::new).collect()
}

/// Completes the shell of `arl completions`.
pub(crate) fn completion_shells() -> Vec<CompletionCandidate> {
    let names = shell_scripts::hook_names().filter(|name| shell_scripts::completion(name).is_some());
    names.map(CompletionCandidate::new).collect()
}

fn described(values: &[(&'static str, &'static str)]) -> Vec<CompletionCandidate> {
    values.iter().map(|(value, help)| CompletionCandidate::new(value).help(Some((*help).into()))).collect()
}
