//! Follows the `source_profile`s of role profiles, and finds those that cannot work.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use arl::internal::{Section, SharedConfig, ShellRole, Source, SourceError, SourceResolver};

use crate::cli::env::vars;

/// The results for the profiles of a file. Each profile is followed once, because a file may have thousands
/// of them.
pub(crate) struct SourceChains<'a> {
    config: &'a SharedConfig<'a>,
    known: HashMap<String, SourceOutcome>,
}

/// The result for one profile.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceOutcome {
    /// The number of profiles in its chain, including itself.
    pub(crate) profiles: usize,
    /// Whether a role on the way has an MFA device.
    pub(crate) needs_mfa: bool,
    /// Why the profile cannot work.
    pub(crate) fault: Option<String>,
    /// The source at the end of the chain. `None` if it is missing or depends on the host.
    pub(crate) source: Option<Rc<Source>>,
}

impl<'a> SourceChains<'a> {
    pub(crate) fn new(config: &'a SharedConfig<'a>) -> Self {
        Self { config, known: HashMap::new() }
    }

    /// Follows the `source_profile`s of a profile to their end.
    pub(crate) fn of(&mut self, name: &str) -> SourceOutcome {
        let mut walked: Vec<(String, bool)> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        let mut next = name.to_owned();
        let broken = |fault: String| SourceOutcome { fault: Some(fault), ..SourceOutcome::default() };
        let mut outcome = loop {
            if let Some(known) = self.known.get(&next) {
                break known.clone();
            }
            if !seen.insert(next.clone()) {
                break broken(format!("`{next}` is a source of itself"));
            }
            let Some(section) = self.config.profile(&next) else {
                break broken(format!("there is no profile `{next}`"));
            };
            let is_role = section.get_non_empty("role_arn").is_some();
            let source = section.get_non_empty("source_profile").filter(|_| is_role);
            if source.is_some() && section.get("credential_source").is_some() {
                break self.end(&next, is_role);
            }
            walked.push((next.clone(), is_role && section.get_non_empty("mfa_serial").is_some()));
            match source {
                // Some tools write profiles that name themselves as the source: their own keys assume the
                // role.
                Some(source) if source != next => next = source.to_owned(),
                _ => break self.end(&next, is_role),
            }
        };
        while let Some((name, has_device)) = walked.pop() {
            outcome.profiles += 1;
            outcome.needs_mfa |= has_device;
            if outcome.profiles > MAX_SOURCES + 1 && outcome.fault.is_none() {
                outcome.fault = Some(format!("more than {MAX_SOURCES} profiles in a row"));
            }
            self.known.insert(name, outcome.clone());
        }
        outcome
    }
}

/// The values of `credential_source`.
const CREDENTIAL_SOURCES: [&str; 3] = ["Environment", "Ec2InstanceMetadata", "EcsContainer"];

/// Looks up an environment variable.
static LOOKUP: fn(&str) -> Option<String> = |name| vars::get(name);

impl SourceChains<'_> {
    /// Returns the outcome of the last profile of a chain: whether it has a source.
    fn end(&self, name: &str, is_role: bool) -> SourceOutcome {
        // If the environment, the container or the instance has no credentials, that is not a fault of the
        // profile: another host may have them.
        let is_of_host = |section: &Section<'_>| {
            section.get("source_profile").is_none()
                && section.get("credential_source").is_some_and(|source| CREDENTIAL_SOURCES.contains(&source))
        };
        if is_role && self.config.profile(name).is_some_and(is_of_host) {
            return SourceOutcome::default();
        }
        let resolver = SourceResolver::new(self.config, &LOOKUP, ShellRole::Ignore);
        let found = if is_role { resolver.source_of_role(name) } else { resolver.profile(name) };
        let is_fault = |error: &SourceError| {
            matches!(
                error,
                SourceError::Profile { .. }
                    | SourceError::Key(_)
                    | SourceError::UnknownSsoSession { .. }
                    | SourceError::SsoSession { .. }
            )
        };
        match found {
            Ok(chain) => SourceOutcome { source: Some(Rc::new(chain.source)), ..SourceOutcome::default() },
            Err(error) => {
                let fault = Some(error).filter(is_fault).map(|error| error.to_string());
                SourceOutcome { fault, ..SourceOutcome::default() }
            }
        }
    }
}

/// The most profiles in a chain, as in `SourceResolver`.
const MAX_SOURCES: usize = 100;
