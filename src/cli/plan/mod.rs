//! Decides from the command line which calls arl will make. It never uses the network.

pub(crate) mod endpoint_url;
pub(crate) mod hints;
pub(crate) mod hop;
pub(crate) mod identity_center;
pub(crate) mod mfa_session;
pub(crate) mod mistyped_role;
pub(crate) mod refusal;
pub(crate) mod region;
pub(crate) mod role_ref;
pub(crate) mod sign_in_hints;
pub(crate) mod source_hints;
pub(crate) mod sts_settings;
pub(crate) mod value_hints;

use std::cell::{Cell, OnceCell};

use arl::internal::{
    CacheKey, CacheKeyHop, Credentials, Identity, IdentityCenterSettings, Partition, RegionChange, RoleArn,
    RoleProfile, RoleRef, Section, SharedConfig, SharedFile, ShellRole, Source, SourceChain,
    SourceEnvironment, SourceId, SourceKey, SourceResolver, StsSettings, web_identity_key,
};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::{Context, profile_variable};
use crate::cli::env::vars;
use crate::cli::plan::endpoint_url::{EndpointArgs, Service};
use crate::cli::plan::hop::{Hop, HopBuilder};
use crate::cli::plan::mfa_session::{MfaSessionCode, plan_mfa};
use crate::cli::plan::region::{RegionProfile, Regions};
use crate::cli::plan::role_ref::{
    check_partition, check_unambiguous, display_name, header_rule, role_arn, typed_role_in, unknown_role,
};
use crate::cli::plan::sts_settings::EndpointOrigin;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;

/// The calls and settings that a command line means.
pub(crate) struct Plan {
    /// The source. Its own `hops` is empty, because they are in the field below.
    pub(crate) chain: SourceChain,
    /// The roles to assume one after the other. Empty if the user wants a profile's own credentials.
    pub(crate) hops: Vec<Hop>,
    /// The last role.
    pub(crate) target: Option<RoleArn>,
    /// The name that the user gave to the role.
    pub(crate) name: Option<String>,
    /// How the region variables change.
    pub(crate) region: RegionChange,
    /// The user's region, if the region variables do not hold it after that change.
    pub(crate) user_region: Option<String>,
    /// The setting that names the region for STS.
    pub(crate) region_origin: Option<String>,
    /// How to reach STS.
    pub(crate) sts: StsSettings,
    /// The setting that names the endpoint.
    pub(crate) endpoint_origin: EndpointOrigin,
    /// How to reach IAM Identity Center, if the chain starts there.
    pub(crate) identity_center: Option<IdentityCenterSettings>,
    /// How the MFA session that the chain starts from gets its code.
    pub(crate) mfa_session: Option<MfaSessionCode>,
    /// Identifies the source in cache keys. `None` if the source cannot be identified; nothing is cached
    /// then.
    source_key: Option<SourceKey>,
    /// Whether the source has turned out to differ from `source_key`.
    has_source_changed: Cell<bool>,
    /// The element N is the cache key of the credentials after N hops.
    cache_keys: Vec<OnceCell<CacheKey>>,
}

impl Plan {
    pub(crate) fn new(args: &RoleArgs, context: &Context, output: &Output) -> Result<Self, CliError> {
        let config = context.shared_config()?;
        let var = |name: &str| vars::get(name);
        let shell_role = if args.chain { ShellRole::Chain } else { ShellRole::Ignore };
        let resolver = SourceResolver::new(&config, &var, shell_role);
        let role = NamedRole::read(args, &config, context)?;
        let mut chain = role.source_chain(args, &resolver, &config, context, output)?;
        let named = role.profile.as_ref().map(|profile| profile.name);
        for name in named.into_iter().chain(chain.source_profile.as_deref()) {
            note_ignored_section(name, &config, context, output);
        }

        // The endpoint and the region in a profile belong to the source that the profile names.
        let settings_profile = match (named, &chain.id) {
            (Some(name), _) => name.to_owned(),
            (None, SourceId::Profile(name) | SourceId::ProfileKeys(name)) => name.clone(),
            (None, _) => resolver.selected_profile().unwrap_or_else(|| "default".to_owned()),
        };
        let settings_section = config.profile(&settings_profile);
        let is_named = named.is_some() || is_profile_named(args, &chain.id);
        let region_profile =
            RegionProfile { name: Some(&settings_profile), section: settings_section, is_named };
        let has_endpoint =
            endpoint_url::find(Service::Sts, &EndpointArgs::of(args), &config, settings_section)?.is_some();
        let partition = role.partition(args)?;
        let regions = Regions::resolve(args, &region_profile, partition.as_ref(), has_endpoint, output)?;
        let mut target = role.target(args, regions.effective.as_deref())?;

        let builder = HopBuilder::from_env();
        let mut hops = Vec::new();
        for (name, profile) in std::mem::take(&mut chain.hops) {
            hops.push(builder.profile_hop(&name, profile)?);
        }
        for via in &args.via {
            hops.push(builder.via_hop(via, args, &config, context, regions.effective.as_deref())?);
        }
        if let Some(role_arn) = &target {
            hops.push(builder.target_hop(role_arn, args, role.into_role_profile(), output)?);
        }
        let name = display_name(args, target.as_ref());
        let mfa_session = plan_mfa(args, &config, &mut chain, &mut hops, output)?;
        if hops.is_empty() {
            refuse_unused_endpoint_flags(args, &chain.source)?;
            if let (None, Source::WebIdentity { role_arn, .. }) = (&target, &chain.source) {
                target = Some(role_arn.clone());
            }
        }

        let Regions { change: region, effective, origin: region_origin, hidden: user_region } = regions;
        let partition = target.as_ref().map_or_else(
            || Partition::for_region(effective.as_deref().unwrap_or_default()),
            |arn| arn.partition().clone(),
        );
        let (sts, endpoint_origin) =
            sts_settings::find(args, context, &config, settings_section, effective, &partition)?;
        let identity_center =
            identity_center::settings(&chain.source, args, context, &config, settings_section)?;
        let source_key = find_source_key(&chain.source, identity_center.as_ref(), context);
        let cache_keys = vec![OnceCell::new(); hops.len() + 1];
        Ok(Self {
            chain,
            hops,
            target,
            name,
            region,
            user_region,
            region_origin,
            sts,
            endpoint_origin,
            identity_center,
            mfa_session,
            source_key,
            has_source_changed: Cell::new(false),
            cache_keys,
        })
    }

    /// Computes `source_key` and the cache keys again, after the user has signed in.
    pub(crate) fn identify_source(&mut self, context: &Context) {
        self.source_key = find_source_key(&self.chain.source, self.identity_center.as_ref(), context);
        self.cache_keys = vec![OnceCell::new(); self.hops.len() + 1];
    }

    /// Whether the user gave an MFA code. If another process failed, its code may have been wrong, so a
    /// process with a code of its own must try it.
    pub(crate) fn has_code(&self) -> bool {
        self.hops.iter().any(|hop| hop.request.token_code.is_some())
            || self.mfa_session.as_ref().is_some_and(|session| session.code.is_some())
    }

    /// Stops caching if the long-term key is not the one in `source_key`. Another program may have replaced
    /// it in the keychain since arl wrote its record.
    pub(crate) fn check_source(&self, keys: &Credentials) {
        let planned = self.source_key.as_ref().and_then(SourceKey::access_key_id);
        if planned.is_some_and(|planned| planned != keys.access_key_id()) {
            self.has_source_changed.set(true);
        }
    }

    /// Returns the cache key of the credentials after this number of hops.
    ///
    /// Each key is computed once. Generated session names and MFA codes, which the plan gets later, are not
    /// part of it.
    pub(crate) fn cache_key(&self, hops: usize) -> Option<&CacheKey> {
        let source = self.source_key.as_ref().filter(|_| !self.has_source_changed.get())?;
        let make = || {
            let key_hops = self.hops.iter().take(hops);
            let key_hops = key_hops
                .map(|hop| CacheKeyHop { request: &hop.request, session_name: hop.session_name.as_deref() });
            CacheKey::new(&self.sts, source, &key_hops.collect::<Vec<_>>())
        };
        Some(self.cache_keys.get(hops)?.get_or_init(make))
    }

    /// Returns the identity of the credentials at the end of the plan.
    pub(crate) fn into_identity(self, credentials: Credentials) -> Identity {
        Identity {
            credentials,
            name: self.name,
            role_arn: self.target,
            source: self.chain.id.to_string(),
            region: self.region,
            user_region: self.user_region,
        }
    }
}

fn find_source_key(
    source: &Source,
    identity_center: Option<&IdentityCenterSettings>,
    context: &Context,
) -> Option<SourceKey> {
    let var = |name: &str| vars::get(name);
    let portal_url = identity_center.and_then(|center| center.portal.endpoint_url.clone());
    SourceKey::from_source(source, &SourceEnvironment { portal_url, ..context.source_environment(&var) })
}

/// The role that the command line names.
struct NamedRole<'a, 'text> {
    reference: RoleRef,
    /// The profile, if ROLE is the name of one.
    profile: Option<NamedProfile<'a, 'text>>,
}

struct NamedProfile<'a, 'text> {
    name: &'a str,
    section: &'a Section<'text>,
    /// `None` if the profile has credentials of its own.
    role: Option<RoleProfile>,
}

impl<'a, 'text> NamedRole<'a, 'text> {
    fn read(
        args: &'a RoleArgs,
        config: &'a SharedConfig<'text>,
        context: &Context,
    ) -> Result<Self, CliError> {
        let reference = typed_role_in(args, config)?;
        if let Some(text) = &args.role {
            check_unambiguous(text, config, context)?;
        }
        let profile = match (&reference, &args.role) {
            (RoleRef::Profile(_), Some(name)) => {
                let section = config.profile(name).ok_or_else(|| unknown_role(name, config, context))?;
                let role = RoleProfile::read(name, section)
                    .map_err(|error| source_hints::invalid_key(&error, section, context))?;
                Some(NamedProfile { name, section, role })
            }
            _ => None,
        };
        Ok(Self { reference, profile })
    }

    /// Returns the credentials to start from, and the roles on the way.
    fn source_chain(
        &self,
        args: &RoleArgs,
        resolver: &SourceResolver<'_>,
        config: &SharedConfig<'_>,
        context: &Context,
        output: &Output,
    ) -> Result<SourceChain, CliError> {
        if let RoleRef::IdentityCenter { session, account, role_name } = &self.reference {
            return identity_center::role(args, resolver, context, (session, account, role_name));
        }
        let chain = match (&self.profile, &args.profile) {
            (Some(NamedProfile { name, section, role: None }), _) => {
                if let Some(flag) = args.role_only_flag() {
                    return Err(no_role_to_assume(name, section, flag));
                }
                resolver.profile(name)
            }
            (_, Some(profile)) => resolver.profile(profile),
            (Some(profile), None) if !args.chain => resolver.source_of_role(profile.name),
            _ if args.chain => resolver.select(),
            _ => resolver.select().inspect(|chain| warn_if_cli_differs(chain, resolver, config, output)),
        };
        chain.map_err(|error| source_hints::source_not_found(&error, context))
    }

    /// Returns the target role. `None` if the user wants a profile's own credentials.
    fn target(&self, args: &RoleArgs, region: Option<&str>) -> Result<Option<RoleArn>, CliError> {
        if matches!(self.reference, RoleRef::IdentityCenter { .. }) {
            return Ok(None);
        }
        let Some(profile) = &self.profile else { return role_arn(&self.reference, args, region) };
        let target = profile.role.as_ref().map(|role| role.role_arn.clone());
        if let Some(arn) = &target {
            check_partition(args, arn)?;
        }
        Ok(target)
    }

    /// Returns the partition of the role, or `None` if it follows from the region.
    fn partition(&self, args: &RoleArgs) -> Result<Option<Partition>, CliError> {
        match (&self.reference, &self.profile, &args.partition) {
            (RoleRef::Arn(arn), ..) => Ok(Some(arn.partition().clone())),
            (RoleRef::IdentityCenter { .. }, ..) => Ok(None),
            (_, Some(profile), _) => Ok(profile.role.as_ref().map(|role| role.role_arn.partition().clone())),
            (.., Some(_)) => Ok(role_arn(&self.reference, args, None)?.map(|arn| arn.partition().clone())),
            (.., None) => Ok(None),
        }
    }

    fn into_role_profile(self) -> Option<(&'a str, RoleProfile)> {
        let profile = self.profile?;
        Some((profile.name, profile.role?))
    }
}

/// Whether the user chose the source's profile. Its region must then be exported, because SDKs will read only
/// the profile `default`.
fn is_profile_named(args: &RoleArgs, source: &SourceId) -> bool {
    let is_other =
        matches!(source, SourceId::Profile(name) | SourceId::ProfileKeys(name) if name != "default");
    is_other
        || args.profile.is_some()
        || [vars::AWS_PROFILE, vars::AWS_DEFAULT_PROFILE].into_iter().any(|name| vars::get(name).is_some())
}

/// Refuses the flags for STS if the plan has no call to it.
fn refuse_unused_endpoint_flags(args: &RoleArgs, source: &Source) -> Result<(), CliError> {
    let flags = [
        ("--endpoint-url", args.endpoint_url.is_some()),
        ("--allow-insecure-endpoint", args.allow_insecure_endpoint),
    ];
    match flags.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) if !asks_sts(source) => {
            Err(CliError::usage(format!("{flag} is for calls to STS, and this command makes none")))
        }
        _ => Ok(()),
    }
}

/// Prints a note if the config file has a section that was probably meant for this profile and that no
/// program reads. Without that section the profile has only its keys in the credentials file, and no region
/// or role.
fn note_ignored_section(name: &str, config: &SharedConfig<'_>, context: &Context, output: &Output) {
    if config.profile(name).is_none_or(|section| section.is_in(SharedFile::Config)) {
        return;
    }
    if let Some(section) = config.misnamed_section(name) {
        let path = context.display_path(section.file);
        output.note(&format!(
            "`[{}]` in `{path}` is ignored; write `[{}]`: {}",
            section.header,
            section.right_header,
            header_rule(section.file)
        ));
    }
}

/// Warns if the AWS CLI would choose another source here, or fail.
fn warn_if_cli_differs(
    chain: &SourceChain,
    resolver: &SourceResolver<'_>,
    config: &SharedConfig<'_>,
    output: &Output,
) {
    match (&chain.id, resolver.selected_profile()) {
        (SourceId::Environment(_), Some(name)) if config.profile(&name).is_none() => {
            output.note(&format!(
                "{} names the profile `{name}`, which does not exist; using the environment's keys",
                profile_variable()
            ));
        }
        (SourceId::WebIdentity, _) if resolver.web_identity_hides_default_profile() => {
            output.note("using the environment's web identity (AWS_ROLE_ARN), not the profile `default`");
        }
        (SourceId::Profile(name), _)
            if chain.hops.is_empty()
                && ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"]
                    .iter()
                    .all(|name| vars::get(name).is_some()) =>
        {
            output.note(&format!(
                "using profile `{name}`; the AWS CLI would use the environment's web identity (AWS_ROLE_ARN)"
            ));
        }
        _ => {}
    }
}

/// Returns the error for a flag that needs a role, where ROLE is a profile with credentials of its own.
fn no_role_to_assume(profile: &str, section: &Section<'_>, flag: &str) -> CliError {
    let reason = match web_identity_key(section) {
        Some(_) => "takes its credentials from a web identity",
        None => "has no `role_arn`",
    };
    CliError::usage(format!("{flag} needs a role, and profile `{profile}` {reason}"))
        .hint(format!("without {flag}, arl uses the profile's own credentials"))
}

/// Whether the flags about the STS endpoint have an effect on this source.
fn asks_sts(source: &Source) -> bool {
    match source {
        Source::WebIdentity { .. } | Source::MfaSession { .. } => true,
        // `--allow-insecure-endpoint` also allows a container endpoint on another host.
        Source::Container(_) | Source::InstanceMetadata(_) => true,
        Source::Keys(_) | Source::Keychain(_) | Source::Sso(_) | Source::Process(_) | Source::Login(_) => {
            false
        }
    }
}
