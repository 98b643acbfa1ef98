//! The roles that arl knows without a network call: the roles of profiles and of cached catalogs, with their
//! state in the shell and in the cache.

pub(crate) mod catalogs;
pub(crate) mod needed;
pub(crate) mod pattern;
pub(crate) mod sign_ins;
mod source_chains;

use std::collections::HashMap;
use std::rc::Rc;
use std::time::SystemTime;

use arl::internal::shell::ShellState;
use arl::internal::{RoleArn, RoleProfile, Section, SessionSummary, SharedConfig, Source, web_identity_key};

use crate::cli::env::cache_location::CacheLocation;
use crate::cli::env::context::Context;
use crate::cli::env::shell_state::{expired_since, shell_state};
use crate::cli::env::vars;
use crate::cli::roles::source_chains::{SourceChains, SourceOutcome};
use crate::cli::ui::output::Output;

/// Returns the roles of the profiles that `is_wanted` selects, in the order of their names. `sessions` are
/// the cached ones.
pub(crate) fn profile_roles<'a>(
    config: &'a SharedConfig<'a>,
    sessions: &[SessionSummary],
    is_wanted: impl Fn(&KnownRole) -> bool,
) -> Vec<KnownRole> {
    let cached = by_role(sessions);
    let is_live = matches!(shell_state(), ShellState::Role { .. }) && expired_since().is_none();
    let current = vars::get(vars::ARL_ROLE).filter(|_| is_live);
    let mut chains = SourceChains::new(config);
    let mut roles = Vec::new();
    for name in config.profile_names() {
        let Some(section) = config.profile(name) else { continue };
        let Some(mut role) = KnownRole::read(name, section) else { continue };
        if is_wanted(&role) {
            role.complete(&mut chains, &cached, current.as_deref());
            roles.push(role);
        }
    }
    roles
}

/// Returns the sessions by the identifiers of their roles.
fn by_role(sessions: &[SessionSummary]) -> HashMap<String, Vec<&SessionSummary>> {
    let mut by_role: HashMap<String, Vec<&SessionSummary>> = HashMap::new();
    for session in sessions {
        if let Some(role) = identifier_of(session) {
            by_role.entry(role).or_default().push(session);
        }
    }
    by_role
}

/// Returns the identifier of a session's role, as [`KnownRole::identifier`] has it.
pub(crate) fn identifier_of(session: &SessionSummary) -> Option<String> {
    let role_arn = session.role_arn().or(session.web_identity_role());
    role_arn.map(str::to_owned).or_else(|| session.sso_role())
}

/// Adds the names of the accounts. `names` has them by account ID.
pub(crate) fn name_accounts(roles: &mut [KnownRole], names: &HashMap<String, String>) {
    for role in roles {
        role.account_name = names.get(&role.account_id).cloned();
    }
}

/// Returns the cached sessions, the first to expire first. An error of the cache counts as an empty cache,
/// because it must not hide the profiles.
pub(crate) fn cached_sessions(context: &Context, output: &Output) -> Vec<SessionSummary> {
    let cached =
        || CacheLocation::from_env(context).ok()?.open(output).ok()??.list(Context::now(), usize::MAX).ok();
    let mut sessions = cached().unwrap_or_default();
    sessions.sort_by_key(|session| session.expiration);
    sessions
}

/// Why arl knows a role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum RoleOrigin {
    /// A profile names it.
    #[default]
    Profile,
    /// IAM Identity Center offers it, and no profile names it.
    IdentityCenter,
    /// A session of it is cached, and no profile names it.
    Cache,
}

/// A role that the user can name.
#[derive(Debug, Default)]
pub(crate) struct KnownRole {
    /// The ROLE that the user types: the name of its profile, or `SESSION:ACCOUNT/NAME`.
    pub(crate) name: String,
    pub(crate) origin: RoleOrigin,
    /// `None` for a role of IAM Identity Center, whose ARN only the service knows.
    pub(crate) role_arn: Option<RoleArn>,
    /// This and `role_name` are empty if arl cannot read them in the profile.
    pub(crate) account_id: String,
    /// The name of the account, where a catalog has it. An administrator has chosen it.
    pub(crate) account_name: Option<String>,
    pub(crate) role_name: String,
    pub(crate) source: String,
    pub(crate) mfa_serial: Option<String>,
    pub(crate) region: Option<String>,
    /// Whether this role, or one on the way to it, has an MFA device.
    pub(crate) needs_mfa: bool,
    /// The source of the credentials that assume the role, where it is known.
    pub(crate) chain_source: Option<Rc<Source>>,
    /// Why the role cannot work.
    pub(crate) fault: Option<String>,
    /// Whether this shell has the role.
    pub(crate) is_current: bool,
    /// When the role's cached session expires; the latest time if there are several.
    pub(crate) expiration: Option<SystemTime>,
    /// When that session was issued.
    pub(crate) used_at: Option<SystemTime>,
}

/// The keys that make a profile a role of IAM Identity Center.
const SSO_KEYS: [&str; 2] = ["sso_account_id", "sso_role_name"];

impl KnownRole {
    /// Reads the role of a profile, if it has one.
    fn read(name: &str, section: &Section<'_>) -> Option<Self> {
        match RoleProfile::read(name, section) {
            Ok(Some(profile)) => Some(Self {
                name: name.to_owned(),
                account_id: profile.role_arn.account_id().to_string(),
                role_name: profile.role_arn.role_name().to_owned(),
                role_arn: Some(profile.role_arn),
                source: source_label(section),
                mfa_serial: profile.mfa_serial.map(|serial| serial.to_string()),
                region: profile.region,
                ..Self::default()
            }),
            Ok(None) if SSO_KEYS.iter().any(|key| section.get_non_empty(key).is_some()) => Some(Self {
                name: name.to_owned(),
                role_arn: None,
                account_id: section.get("sso_account_id").unwrap_or_default().to_owned(),
                role_name: section.get("sso_role_name").unwrap_or_default().to_owned(),
                source: section.get("sso_session").unwrap_or("IAM Identity Center").to_owned(),
                mfa_serial: None,
                region: section.get_non_empty("region").map(str::to_owned),
                ..Self::default()
            }),
            // A profile with a token file assumes its role with a web identity.
            Ok(None) => {
                web_identity_key(section)?;
                let role_arn = section.get_non_empty("role_arn")?.parse::<RoleArn>();
                let fault = role_arn
                    .as_ref()
                    .err()
                    .map(|error| format!("`role_arn` of profile `{name}` is not a role: {error}"));
                let role_arn = role_arn.ok();
                Some(Self {
                    name: name.to_owned(),
                    account_id: role_arn.as_ref().map(|arn| arn.account_id().to_string()).unwrap_or_default(),
                    role_name: role_arn.as_ref().map(|arn| arn.role_name().to_owned()).unwrap_or_default(),
                    role_arn,
                    source: "web identity".to_owned(),
                    mfa_serial: None,
                    region: section.get_non_empty("region").map(str::to_owned),
                    fault,
                    ..Self::default()
                })
            }
            Err(error) => {
                let role_arn: Option<RoleArn> = section.get("role_arn").and_then(|arn| arn.parse().ok());
                Some(Self {
                    name: name.to_owned(),
                    account_id: role_arn.as_ref().map(|arn| arn.account_id().to_string()).unwrap_or_default(),
                    role_name: role_arn.as_ref().map(|arn| arn.role_name().to_owned()).unwrap_or_default(),
                    role_arn,
                    source: source_label(section),
                    fault: Some(error.to_string()),
                    ..Self::default()
                })
            }
        }
    }

    /// Returns the identifier of the role among cached sessions: its ARN, or `SESSION:ACCOUNT/NAME`.
    pub(crate) fn identifier(&self) -> String {
        match &self.role_arn {
            Some(arn) => arn.to_string(),
            None => format!("{}:{}/{}", self.source, self.account_id, self.role_name),
        }
    }

    /// Whether a cached session of this role is one of this profile: issued with its MFA device, and with the
    /// credentials of its source. If not, arl would call STS, and perhaps ask for a code.
    pub(crate) fn would_use(&self, session: &SessionSummary) -> bool {
        session.is_from_mfa_device(self.mfa_serial.as_deref())
            && self.chain_source.as_ref().is_none_or(|source| session.is_from_source(source))
    }

    /// Adds the times of its cached session.
    fn add_session(&mut self, cached: &HashMap<String, Vec<&SessionSummary>>) {
        let sessions = cached.get(&self.identifier());
        let session = sessions.and_then(|all| all.iter().rfind(|session| self.would_use(session)));
        self.used_at = session.map(|session| session.issued_at);
        self.expiration = session.map(|session| session.expiration);
    }

    /// Fills in the fields that depend on other profiles, the shell and the cache.
    fn complete(
        &mut self,
        chains: &mut SourceChains<'_>,
        cached: &HashMap<String, Vec<&SessionSummary>>,
        current: Option<&str>,
    ) {
        let SourceOutcome { needs_mfa, fault, source, profiles: _ } = chains.of(&self.name);
        self.chain_source = source;
        self.needs_mfa = needs_mfa || self.mfa_serial.is_some();
        self.fault = self.fault.take().or(fault);
        self.is_current = current == Some(&*self.name);
        // A profile that cannot work has no session of its own: a cached one came from another profile with
        // this role.
        if self.fault.is_none() {
            self.add_session(cached);
        }
    }
}

fn source_label(section: &Section<'_>) -> String {
    if let Some(name) = section.get_non_empty("arl_keys") {
        return format!("keys:{name}");
    }
    section.get("source_profile").or_else(|| section.get("credential_source")).unwrap_or("-").to_owned()
}
