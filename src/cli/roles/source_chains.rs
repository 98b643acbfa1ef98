//! Follows the `source_profile`s of role profiles, and finds those that cannot work.

use std::collections::{HashMap, HashSet};

use arl::internal::SharedConfig;

/// The results for the profiles of a file. Each profile is followed once, because a file may have thousands
/// of them.
pub(crate) struct SourceChains<'a, 'b> {
    config: &'a SharedConfig<'b>,
    known: HashMap<String, SourceOutcome>,
}

/// The result for one profile.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceOutcome {
    /// The number of profiles in its chain, including itself.
    profiles: usize,
    /// Whether a role on the way has an MFA device.
    pub(crate) needs_mfa: bool,
    /// Why the profile cannot work.
    pub(crate) fault: Option<String>,
}

impl<'a, 'b> SourceChains<'a, 'b> {
    pub(crate) fn new(config: &'a SharedConfig<'b>) -> Self {
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
            walked.push((next.clone(), is_role && section.get_non_empty("mfa_serial").is_some()));
            match source {
                // Some tools write profiles that name themselves as the source: their own keys assume the
                // role.
                Some(source) if source != next => next = source.to_owned(),
                _ => break SourceOutcome::default(),
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

/// The most profiles in a chain, as in `SourceResolver`.
const MAX_SOURCES: usize = 100;
