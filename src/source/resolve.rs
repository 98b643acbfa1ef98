//! Decides which source credentials a call starts from.
//!
//! The order is: a profile that a flag names, keys in the environment, `AWS_PROFILE`, web identity, the
//! `default` profile, container, instance metadata; see decision 0003. Unlike some SDKs, arl never falls
//! through from a selected profile to the next source.

use super::chain::SourceChain;
use super::error::SourceError;
use super::kind::{ContainerSource, MetadataPresence, Source, SourceId, WebIdentityToken};
use super::role_ref::closest;
use super::{metadata, profile, stored_key};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::profiles::{RoleProfile, Section, SharedConfig};
use crate::secret::Secret;

/// The most role profiles that a chain of `source_profile`s may lead through. Each is one call of STS.
const MAX_CHAIN: usize = 100;

/// Resolves sources from the shared files and an environment.
pub struct SourceResolver<'a> {
    pub(super) config: &'a SharedConfig<'a>,
    var: &'a dyn Fn(&str) -> Option<String>,
    shell_role: ShellRole,
}

/// What to do with a role that the shell already holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellRole {
    /// Start from the source of that role.
    Ignore,
    /// Start from that role (role chaining).
    Chain,
}

impl<'a> SourceResolver<'a> {
    /// Uses `var` to look up environment variables. An empty value counts as unset.
    pub fn new(
        config: &'a SharedConfig<'a>,
        var: &'a dyn Fn(&str) -> Option<String>,
        shell_role: ShellRole,
    ) -> Self {
        Self { config, var, shell_role }
    }

    /// Returns the source of a call that names no profile.
    ///
    /// # Errors
    /// The source that wins cannot be used, or there is no source.
    pub fn select(&self) -> Result<SourceChain, SourceError> {
        let Some(keys) = self.environment_keys()? else {
            return match (self.shell_role, self.is_arl_endpoint()) {
                (ShellRole::Ignore, _) => self.default_chain(),
                (ShellRole::Chain, false) => Err(SourceError::NothingToChainFrom),
                // Keep the ID of the first source, from which later roles without `--chain` start.
                (ShellRole::Chain, true) => {
                    let id = self.var("ARL_SOURCE").and_then(|tag| SourceId::parse(&tag));
                    let chain = self.container().ok_or(SourceError::NothingToChainFrom)?;
                    Ok(SourceChain { id: id.unwrap_or(SourceId::Container), ..chain })
                }
            };
        };
        match (self.is_arl_key(&keys), self.shell_role) {
            (true, ShellRole::Ignore) => self.original_source(),
            // Keep the ID of the first source, from which later roles without `--chain` start.
            (true, ShellRole::Chain) => {
                let id = self.var("ARL_SOURCE").and_then(|tag| SourceId::parse(&tag));
                let chain = SourceChain::from_env_keys(keys);
                Ok(SourceChain { id: id.unwrap_or_else(|| chain.id.clone()), ..chain })
            }
            // A session from another tool is a role, so arl can chain from it. Long-term keys are not a role.
            (false, ShellRole::Chain) if keys.session_token().is_none() => {
                Err(SourceError::NothingToChainFrom)
            }
            (false, _) => Ok(SourceChain::from_env_keys(keys)),
        }
    }

    /// Returns the credentials of a profile, through its roles if it has any.
    ///
    /// # Errors
    /// The profile, or one that it depends on, is missing, invalid, or part of a cycle.
    pub fn profile(&self, name: &str) -> Result<SourceChain, SourceError> {
        self.resolve_profile(name, None)
            .map(|chain| SourceChain { id: SourceId::Profile(name.to_owned()), ..chain })
    }

    /// Returns the source of a role profile, as its `source_profile` or `credential_source` says.
    ///
    /// # Errors
    /// As [`SourceResolver::profile`]; or the profile has both keys or neither.
    pub fn source_of_role(&self, name: &str) -> Result<SourceChain, SourceError> {
        let section = self.section(name, None)?;
        let mut chain = self.resolve_profile(name, None)?;
        // The role itself is not part of its source.
        chain.hops.pop();
        if matches!(chain.id, SourceId::Keychain(_)) {
            return Ok(chain);
        }
        let id = section.get("source_profile").map(|source| {
            let has_role = self.config.profile(source).is_some_and(|source| source.get("role_arn").is_some());
            match has_role && chain.hops.is_empty() && matches!(chain.source, Source::Keys(_)) {
                true => SourceId::ProfileKeys(source.to_owned()),
                false => SourceId::Profile(source.to_owned()),
            }
        });
        Ok(SourceChain { id: id.unwrap_or_else(|| chain.id.clone()), ..chain })
    }

    /// Returns the section of a profile.
    ///
    /// # Errors
    /// No profile has that name.
    pub fn section(&self, name: &str, referenced_by: Option<&str>) -> Result<&'a Section<'a>, SourceError> {
        self.config.profile(name).ok_or_else(|| SourceError::UnknownProfile {
            name: name.to_owned(),
            referenced_by: referenced_by.map(str::to_owned),
            similar_names: closest(name, self.config.profile_names())
                .into_iter()
                .map(str::to_owned)
                .collect(),
            misnamed: self.config.misnamed_section(name).map(Box::new),
        })
    }

    /// Whether SDKs prefer the credentials of the `default` profile to a container endpoint.
    pub fn default_profile_shadows_endpoint(&self) -> bool {
        let of_some_sdk = |section: &Section<'_>| {
            ["sso_session", "sso_start_url"].iter().any(|key| section.get(key).is_some())
        };
        self.config
            .profile("default")
            .is_some_and(|section| profile::has_sdk_credentials(section) || of_some_sdk(section))
    }

    /// Returns the profile that `AWS_PROFILE` (or `AWS_DEFAULT_PROFILE`) selects.
    pub fn selected_profile(&self) -> Option<String> {
        self.var("AWS_PROFILE").or_else(|| self.var("AWS_DEFAULT_PROFILE"))
    }

    fn var(&self, name: &str) -> Option<String> {
        (self.var)(name).filter(|value| !value.is_empty())
    }

    fn is_arl_key(&self, keys: &Credentials) -> bool {
        self.var("ARL_KEY_ID").is_some_and(|id| id == keys.access_key_id())
    }

    fn environment_keys(&self) -> Result<Option<Credentials>, SourceError> {
        match (self.var("AWS_ACCESS_KEY_ID"), self.var("AWS_SECRET_ACCESS_KEY")) {
            (None, None) => Ok(None),
            (Some(id), Some(secret)) => {
                // `AWS_SECURITY_TOKEN` is often a leftover beside a long-term key, which has no token.
                let old = || self.var("AWS_SECURITY_TOKEN").filter(|_| id.starts_with("ASIA"));
                let token = self.var("AWS_SESSION_TOKEN").or_else(old).map(Secret::new);
                Credentials::new(id, Secret::new(secret), token, None)
                    .map(Some)
                    .map_err(|error| SourceError::Environment(format!("in the environment, {error}")))
            }
            (id, _) => Err(SourceError::Environment(format!(
                "the environment has only half of an access key: {} is not set",
                if id.is_some() { "AWS_SECRET_ACCESS_KEY" } else { "AWS_ACCESS_KEY_ID" }
            ))),
        }
    }

    /// Returns the source that the shell's current role came from, because the next role starts there too.
    fn original_source(&self) -> Result<SourceChain, SourceError> {
        // `assume` unsets these variables, so if they are set now, the user set them later.
        if let Some(name) = self.selected_profile() {
            return self.profile(&name);
        }
        if let Some(chain) = self.web_identity()? {
            return Ok(chain);
        }
        if let Some(chain) = self.container().filter(|_| !self.is_arl_endpoint()) {
            return Ok(chain);
        }
        let id = self.var("ARL_SOURCE");
        match id.as_deref().and_then(SourceId::parse) {
            Some(SourceId::Profile(name)) => self.profile(&name),
            Some(SourceId::ProfileKeys(name)) => {
                let chain = self.resolve_profile(&name, Some(&name))?;
                Ok(SourceChain { id: SourceId::ProfileKeys(name), ..chain })
            }
            // A sign-in is not a source of other roles: they start as in a shell without a role.
            Some(SourceId::SsoSession(_)) if !self.is_arl_endpoint() => self.default_chain(),
            Some(SourceId::Keychain(name)) => {
                stored_key::named(self.var, name).map(SourceChain::from_keychain)
            }
            // Without that profile arl would ask another service.
            Some(SourceId::InstanceMetadataOf(name)) if self.config.profile(&name).is_some() => {
                self.instance_metadata(&[&name], MetadataPresence::Certain)
            }
            Some(SourceId::InstanceMetadata) => {
                self.instance_metadata(&["default"], MetadataPresence::Certain)
            }
            _ => Err(SourceError::OriginalSourceLost(id)),
        }
    }

    fn default_chain(&self) -> Result<SourceChain, SourceError> {
        if let Some(name) = self.selected_profile() {
            return self.profile(&name);
        }
        // Web identity comes first: a program has set it on purpose, while the user has not named `default`.
        if let Some(chain) = self.web_identity()? {
            return Ok(chain);
        }
        if self.config.profile("default").is_some_and(profile::has_credentials) {
            return self.profile("default");
        }
        if self.is_arl_endpoint() {
            return self.original_source();
        }
        if let Some(chain) = self.container() {
            return Ok(chain);
        }
        self.instance_metadata(&["default"], MetadataPresence::Possible)
    }

    /// Returns the instance metadata service, with the settings of the first of these profiles that has them.
    fn instance_metadata(
        &self,
        profiles: &[&str],
        presence: MetadataPresence,
    ) -> Result<SourceChain, SourceError> {
        let sections: Vec<_> = profiles.iter().filter_map(|name| self.config.profile(name)).collect();
        let source = metadata::instance_metadata(&|name| self.var(name), &sections, presence)?;
        let has_settings = |name: &&&str| self.config.profile(name).is_some_and(metadata::has_settings);
        let id = match profiles.iter().find(has_settings).filter(|name| **name != "default") {
            Some(name) => SourceId::InstanceMetadataOf((*name).to_owned()),
            None => SourceId::InstanceMetadata,
        };
        Ok(SourceChain::without_hops(id, Source::InstanceMetadata(source)))
    }

    /// Whether the environment has a web identity, and the `default` profile has credentials as well.
    pub fn web_identity_hides_default_profile(&self) -> bool {
        self.selected_profile().is_none()
            && self.var("AWS_WEB_IDENTITY_TOKEN_FILE").is_some()
            && self.config.profile("default").is_some_and(profile::has_credentials)
    }

    /// Returns the web identity of the environment. Half of a web identity is an error, because the next
    /// source in the order could be another identity, such as that of an EC2 node.
    fn web_identity(&self) -> Result<Option<SourceChain>, SourceError> {
        let Some(token_file) = self.var("AWS_WEB_IDENTITY_TOKEN_FILE") else { return Ok(None) };
        let role_arn = self.var("AWS_ROLE_ARN").ok_or_else(|| {
            SourceError::Environment(
                "the environment has only half of a web identity: AWS_ROLE_ARN is not set".into(),
            )
        })?;
        let role_arn = role_arn.parse().map_err(|error: Error| {
            SourceError::Environment(format!("AWS_ROLE_ARN is not a role: {error}"))
        })?;
        let role_session_name = self.var("AWS_ROLE_SESSION_NAME");
        let token = WebIdentityToken::File(token_file);
        let source = Source::WebIdentity { role_arn, token, role_session_name, duration_seconds: None };
        Ok(Some(SourceChain::without_hops(SourceId::WebIdentity, source)))
    }

    /// Whether the container endpoint is that of `exec --server`, which serves the session of a role.
    fn is_arl_endpoint(&self) -> bool {
        let endpoint = self.var("ARL_ENDPOINT");
        endpoint.is_some()
            && endpoint == self.var("AWS_CONTAINER_CREDENTIALS_FULL_URI")
            && self.var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").is_none()
    }

    fn container(&self) -> Option<SourceChain> {
        let source = ContainerSource::find(self.var)?;
        Some(SourceChain::without_hops(SourceId::Container, Source::Container(source)))
    }

    /// Returns a profile's chain, through its `source_profile`s. It loops instead of recursing, because a
    /// file can chain thousands.
    fn resolve_profile(&self, name: &str, referenced_by: Option<&str>) -> Result<SourceChain, SourceError> {
        let mut roles: Vec<(String, RoleProfile)> = Vec::new();
        let (mut name, mut referenced_by) = (name.to_owned(), referenced_by.map(str::to_owned));
        let mut chain = loop {
            let section = self.section(&name, referenced_by.as_deref())?;
            if let Some(index) = roles.iter().position(|(seen, _)| *seen == name) {
                let is_itself = roles.last().is_some_and(|(last, _)| *last == name);
                if !(is_itself && has_keys(section)) {
                    let mut cycle: Vec<String> = roles.drain(index..).map(|(seen, _)| seen).collect();
                    cycle.push(name);
                    return Err(SourceError::Cycle(cycle));
                }
            }
            // Keys end the chain, but only in a profile that a `source_profile` names. So a profile with keys
            // and a role can be its own `source_profile`.
            let role = match referenced_by.is_some() && has_keys(section) {
                true => None,
                false => RoleProfile::read(&name, section)?,
            };
            let Some(role) = role else {
                let source = profile::profile_source(self.config, self.var, &name, section)?;
                break SourceChain {
                    id: SourceId::Profile(name.clone()),
                    source,
                    source_profile: Some(name),
                    hops: Vec::new(),
                };
            };
            if roles.len() == MAX_CHAIN {
                let first = roles.first().map_or_else(|| name.clone(), |(first, _)| first.clone());
                let reason = format!("has a chain of more than {MAX_CHAIN} `source_profile`s");
                return Err(SourceError::Profile { name: first, reason });
            }
            roles.push((name.clone(), role));
            // The settings of instance metadata come from the profile that names it, else from the profile
            // that the user named.
            let first = roles.first().map_or(name.as_str(), |(first, _)| first.as_str());
            match self.step(&name, first, section)? {
                Step::Profile(source) => {
                    referenced_by = Some(name);
                    name = source;
                }
                Step::Chain(chain) => break *chain,
            }
        };
        chain.hops.extend(roles.into_iter().rev());
        Ok(chain)
    }

    /// Returns where a role profile's credentials come from: another profile, or a source.
    fn step(&self, name: &str, first: &str, section: &Section<'_>) -> Result<Step, SourceError> {
        let invalid = |reason: String| SourceError::Profile { name: name.to_owned(), reason };
        if let Some(key) = stored_key::of_role(self.var, name, section)? {
            return Ok(Step::Chain(Box::new(SourceChain::from_keychain(key))));
        }
        match (section.get("source_profile"), section.get("credential_source")) {
            (Some(_), Some(_)) => Err(invalid(
                "has both `source_profile` and `credential_source`; remove one of them".into(),
            )),
            (None, None) => {
                Err(invalid("has a `role_arn`, but neither `source_profile` nor `credential_source`".into()))
            }
            (Some(source), None) => Ok(Step::Profile(source.to_owned())),
            (None, Some(source)) => match source.to_ascii_lowercase().as_str() {
                "environment" => match self.environment_keys()? {
                    Some(keys) if self.is_arl_key(&keys) && self.shell_role == ShellRole::Ignore => {
                        Err(SourceError::OriginalSourceLost(self.var("ARL_SOURCE")))
                    }
                    Some(keys) => Ok(Step::Chain(Box::new(SourceChain::from_env_keys(keys)))),
                    None => Err(invalid("takes its credentials from the environment, which has no keys".into())),
                },
                "ecscontainer" if self.is_arl_endpoint() && self.shell_role == ShellRole::Ignore => {
                    Err(SourceError::OriginalSourceLost(self.var("ARL_SOURCE")))
                }
                "ecscontainer" => {
                    self.container().map(|chain| Step::Chain(Box::new(chain))).ok_or_else(|| {
                        invalid(
                            "takes its credentials from a container, but AWS_CONTAINER_CREDENTIALS_* is not set"
                                .into(),
                        )
                    })
                }
                "ec2instancemetadata" => {
                    let chain = self.instance_metadata(&[name, first], MetadataPresence::Certain)?;
                    Ok(Step::Chain(Box::new(chain)))
                }
                _ => Err(invalid(format!(
                    "has the unknown `credential_source` `{source}`; it must be Environment, Ec2InstanceMetadata or EcsContainer"
                ))),
            },
        }
    }
}

/// One step from a role profile toward its source.
enum Step {
    Profile(String),
    Chain(Box<SourceChain>),
}

fn has_keys(section: &Section<'_>) -> bool {
    section.get("aws_access_key_id").is_some() || section.get("aws_secret_access_key").is_some()
}
