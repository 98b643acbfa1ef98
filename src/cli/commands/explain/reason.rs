//! Explains why arl chose the source, and which other sources it passed over.

use std::fmt;

use arl::internal::{SharedConfig, SourceId, SourceResolver};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::{Context, profile_variable};
use crate::cli::env::shell_state::{shell_state, uses_arl_endpoint};
use crate::cli::env::vars;
use crate::cli::plan::Plan;
use crate::cli::ui::error::CliError;
use crate::cli::ui::text::last_four;

/// Why the plan starts from its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceReason {
    /// `--profile`.
    ProfileFlag(String),
    /// `--chain`, from the role that this shell has.
    ChainFromRole,
    /// `--chain`, from a session that another program put into the environment.
    ChainFromOtherSession,
    /// ROLE is a profile without a role to assume.
    ProfileItself(String),
    /// ROLE is a role of IAM Identity Center.
    RoleItself,
    /// `source_profile` of the role's profile.
    SourceProfile { profile: String, source: String },
    /// `credential_source` of the role's profile.
    CredentialSource { profile: String, source: String },
    /// `arl_keys` of the role's profile.
    StoredKeys { profile: String, name: String },
    /// The environment has keys.
    EnvironmentKeys,
    /// A variable that was set after this shell got its role.
    SetLater(Candidate),
    /// `AWS_PROFILE` or `AWS_DEFAULT_PROFILE`.
    ProfileVariable,
    /// The source that this shell's role started from.
    SourceOfShellRole,
    /// The profile `default`, because no setting names another source.
    DefaultProfile,
    /// A web identity, because there are no keys and no profile is named, or a container endpoint, because
    /// there is no profile at all.
    NoKeysAndNoProfile(Candidate),
    /// Instance metadata, because no other source is configured.
    LastResort,
}

impl fmt::Display for SourceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProfileFlag(name) => write!(f, "--profile {name}"),
            Self::ChainFromRole => f.write_str("--chain: the role that this shell has"),
            Self::ChainFromOtherSession => {
                f.write_str("--chain: the session in the environment, which is not arl's")
            }
            Self::RoleItself => f.write_str("the role itself, of IAM Identity Center"),
            Self::ProfileItself(name) => write!(f, "ROLE is profile `{name}`, which has no role"),
            Self::SourceProfile { profile, source } => {
                write!(f, "`source_profile = {source}` of profile `{profile}`")
            }
            Self::CredentialSource { profile, source } => {
                write!(f, "`credential_source = {source}` of profile `{profile}`")
            }
            Self::StoredKeys { profile, name } => write!(f, "`arl_keys = {name}` of profile `{profile}`"),
            Self::EnvironmentKeys => f.write_str("keys in the environment come first"),
            Self::SetLater(_) => f.write_str("set after this shell got its role"),
            Self::ProfileVariable => {
                write!(f, "{}, and there are no keys in the environment", profile_variable())
            }
            Self::SourceOfShellRole => f.write_str("the source of this shell's role (ARL_SOURCE)"),
            Self::DefaultProfile => f.write_str("nothing in the environment chooses another one"),
            Self::NoKeysAndNoProfile(Candidate::WebIdentity) => {
                f.write_str("no keys, and no profile is named")
            }
            Self::NoKeysAndNoProfile(_) => f.write_str("no keys and no profile"),
            Self::LastResort => f.write_str("nothing else is configured"),
        }
    }
}

/// A source that arl considers if the command line names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Candidate {
    EnvironmentKeys,
    SelectedProfile,
    WebIdentity,
    DefaultProfile,
    Container,
}

impl Candidate {
    /// All candidates in the order of precedence.
    const ALL: [Self; 5] = [
        Self::EnvironmentKeys,
        Self::SelectedProfile,
        Self::WebIdentity,
        Self::DefaultProfile,
        Self::Container,
    ];

    fn of(id: &SourceId) -> Self {
        match id {
            SourceId::WebIdentity => Self::WebIdentity,
            SourceId::Container => Self::Container,
            _ => Self::SelectedProfile,
        }
    }
}

impl SourceReason {
    /// Returns why the plan starts from its source.
    fn find(args: &RoleArgs, plan: &Plan, config: &SharedConfig<'_>, selected: Option<&str>) -> Self {
        let shell_has_role =
            matches!(shell_state(), arl::internal::shell::ShellState::Role { .. }) || uses_arl_endpoint();
        if let Some(name) = &args.profile {
            return Self::ProfileFlag(name.clone());
        }
        if args.chain {
            return if shell_has_role { Self::ChainFromRole } else { Self::ChainFromOtherSession };
        }
        if let Some((profile, section)) =
            args.role.as_ref().and_then(|name| Some((name.clone(), config.profile(name)?)))
        {
            let assumes_role = plan.target.is_some() && !plan.hops.is_empty();
            if !assumes_role {
                return Self::ProfileItself(profile);
            }
            if let Some(name) = section.get_non_empty("arl_keys") {
                return Self::StoredKeys { profile, name: name.to_owned() };
            }
            if let Some(source) = section.get("source_profile") {
                return Self::SourceProfile { profile, source: source.to_owned() };
            }
            if let Some(source) = section.get("credential_source") {
                return Self::CredentialSource { profile, source: source.to_owned() };
            }
        }
        match &plan.chain.id {
            SourceId::Environment(_) => Self::EnvironmentKeys,
            SourceId::SsoSession(_) => Self::RoleItself,
            id @ (SourceId::Profile(_) | SourceId::WebIdentity | SourceId::Container)
                if shell_has_role && was_set_later(id, selected) =>
            {
                Self::SetLater(Candidate::of(id))
            }
            SourceId::Profile(name) if selected == Some(name) => Self::ProfileVariable,
            SourceId::Profile(_)
            | SourceId::ProfileKeys(_)
            | SourceId::Keychain(_)
            | SourceId::InstanceMetadata
            | SourceId::InstanceMetadataOf(_)
                if shell_has_role =>
            {
                Self::SourceOfShellRole
            }
            SourceId::Profile(_) | SourceId::ProfileKeys(_) | SourceId::Keychain(_) => Self::DefaultProfile,
            id @ (SourceId::WebIdentity | SourceId::Container) => Self::NoKeysAndNoProfile(Candidate::of(id)),
            SourceId::InstanceMetadata | SourceId::InstanceMetadataOf(_) => Self::LastResort,
        }
    }

    /// Returns the candidate that is the source. `None` if the source is none of them.
    fn winner(&self) -> Option<Candidate> {
        match self {
            Self::SetLater(candidate) | Self::NoKeysAndNoProfile(candidate) => Some(*candidate),
            Self::ProfileVariable => Some(Candidate::SelectedProfile),
            Self::DefaultProfile => Some(Candidate::DefaultProfile),
            // These are the keys of the role, or those that the role replaced.
            Self::ChainFromRole
            | Self::ChainFromOtherSession
            | Self::EnvironmentKeys
            | Self::SourceOfShellRole => Some(Candidate::EnvironmentKeys),
            Self::CredentialSource { source, .. } if source.eq_ignore_ascii_case("environment") => {
                Some(Candidate::EnvironmentKeys)
            }
            Self::CredentialSource { .. }
            | Self::StoredKeys { .. }
            | Self::ProfileFlag(_)
            | Self::ProfileItself(_)
            | Self::RoleItself
            | Self::SourceProfile { .. }
            | Self::LastResort => None,
        }
    }
}

/// Returns why the plan starts from its source, and descriptions of the sources that it passed over.
pub(crate) fn source_reason(
    args: &RoleArgs,
    plan: &Plan,
    context: &Context,
) -> Result<(SourceReason, Vec<String>), CliError> {
    let config = context.shared_config()?;
    let var = |name: &str| vars::get(name);
    let resolver = SourceResolver::new(&config, &var, arl::internal::ShellRole::Ignore);
    let selected = resolver.selected_profile();
    let reason = SourceReason::find(args, plan, &config, selected.as_deref());
    let has_default = config.profile("default").is_some() && resolver.default_profile_shadows_endpoint();
    let describe =
        |candidate| match candidate {
            Candidate::EnvironmentKeys => vars::get(vars::AWS_ACCESS_KEY_ID)
                .map(|id| format!("the environment's key …{}", last_four(&id))),
            Candidate::SelectedProfile => {
                selected.as_ref().map(|name| format!("{}, profile `{name}`", profile_variable()))
            }
            Candidate::DefaultProfile => has_default.then(|| "profile `default`".to_owned()),
            Candidate::WebIdentity => vars::get(vars::AWS_WEB_IDENTITY_TOKEN_FILE)
                .map(|_| "the environment's web identity".to_owned()),
            Candidate::Container => vars::get(vars::AWS_CONTAINER_CREDENTIALS_RELATIVE_URI)
                .or_else(|| vars::get(vars::AWS_CONTAINER_CREDENTIALS_FULL_URI))
                .map(|_| "the container endpoint".to_owned()),
        };
    let starts_from_default = plan.chain.source_profile.as_deref() == Some("default");
    let is_source = |candidate| {
        reason.winner() == Some(candidate) || candidate == Candidate::DefaultProfile && starts_from_default
    };
    let passed_over = Candidate::ALL.into_iter().filter(|candidate| !is_source(*candidate));
    let passed_over = passed_over.filter_map(describe).collect();
    Ok((reason, passed_over))
}

/// Whether the user chose this source after the shell got its role. `assume` unsets the variables of these
/// sources, so if they are set beside a role, the user set them later.
fn was_set_later(id: &SourceId, selected: Option<&str>) -> bool {
    match id {
        SourceId::Profile(name) => selected == Some(name),
        _ => true,
    }
}
