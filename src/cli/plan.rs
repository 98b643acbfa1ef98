//! From what was typed to what will be asked of STS. Nothing here touches the network.

use arl::{
    CacheKey, Chain, Credentials, Identity, KeyedHop, Partition, RoleArn, RoleProfile, RoleRef, Section,
    SharedConfig, Source, SourceKey, SourceTag, Sources, StsSettings, TokenCode,
};

use super::arguments::RoleArgs;
use super::context::Context;
use super::hops::{Hop, Names, parse};
use super::report::Report;
use super::sts_settings::{self, EndpointOrigin, Regions};
use super::why::profile_variable;
use super::{Output, hints};

/// What a verb with a role is going to do.
pub(super) struct Plan {
    /// The first credentials. Its hops have moved to `hops`.
    pub(super) chain: Chain,
    /// The roles to assume one after the other; none, if a profile's own credentials are wanted.
    pub(super) hops: Vec<Hop>,
    /// The last role.
    pub(super) target: Option<RoleArn>,
    /// The region to hand over.
    pub(super) region: Option<String>,
    /// Who named the region that STS is asked in.
    pub(super) region_origin: Option<&'static str>,
    /// How to reach STS.
    pub(super) sts: StsSettings,
    /// Who named the endpoint.
    pub(super) endpoint_origin: EndpointOrigin,
    /// How the MFA session that the chain starts from gets its code.
    pub(super) session: Option<SessionCode>,
    /// What tells the source from others; `None` if nothing does.
    source_key: Option<SourceKey>,
}

/// Where the code of an MFA session comes from.
#[derive(Default)]
pub(super) struct SessionCode {
    /// It was given.
    pub(super) given: Option<TokenCode>,
    /// The program that knows it.
    pub(super) process: Option<String>,
}

impl Plan {
    pub(super) fn make(args: &RoleArgs, context: &Context, output: &Output) -> Result<Self, Report> {
        let config = context.shared_config()?;
        let var = |name: &str| Context::var(name);
        let sources = Sources::new(&config, &var, args.chain);
        let role = role_ref(args)?;
        let source_failed = |error| hints::no_source(&error, context);

        let role_profile = match &role {
            RoleRef::Profile(name) => {
                let section = config.profile(name).ok_or_else(|| unknown_role(name, &config, context))?;
                let profile =
                    RoleProfile::read(name, section).map_err(|error| Report::new(error.to_string()))?;
                Some((name.as_str(), section, profile))
            }
            RoleRef::Arn(_) | RoleRef::InAccount(..) => None,
        };
        let mut chain = match (&role_profile, &args.profile) {
            (Some((name, section, None)), _) => {
                if let Some(flag) = args.needs_role() {
                    return Err(no_role_to_assume(name, section, flag));
                }
                sources.profile(name)
            }
            (_, Some(profile)) => sources.profile(profile),
            (Some((name, _, Some(_))), None) if !args.chain => sources.source_of(name),
            _ if args.chain => sources.select(),
            _ => sources.select().inspect(|chain| tell_of_others(chain, &sources, &config, output)),
        }
        .map_err(source_failed)?;

        let role_section = role_profile.as_ref().map(|(_, section, _)| *section);
        // A source is asked where it is at home: a profile's endpoint and region are its own.
        let settings_section = role_section.or_else(|| match &chain.tag {
            SourceTag::Profile(name) | SourceTag::ProfileKeys(name) => config.profile(name),
            _ => config.profile(sources.selected_profile().as_deref().unwrap_or("default")),
        });
        let regions = Regions::find(args, role_section, settings_section)?;
        let mut target = match &role_profile {
            Some((_, _, profile)) => profile.as_ref().map(|profile| profile.role_arn.clone()),
            None => role_arn(&role, args, regions.named.as_deref())?,
        };

        if let (RoleRef::Profile(_), Some(arn)) = (&role, &target) {
            check_partition(args, arn)?;
        }

        let names = Names::of_environment();
        let mut hops = Vec::new();
        for (name, profile) in std::mem::take(&mut chain.hops) {
            hops.push(names.hop_of_profile(&name, profile)?);
        }
        for via in &args.via {
            hops.push(names.via(via, args, &config, context, regions.named.as_deref())?);
        }
        if let Some(role_arn) = &target {
            let profile = role_profile.and_then(|(name, _, profile)| Some((name, profile?)));
            hops.push(names.target(role_arn, args, profile, output)?);
        }
        name_process(args, &mut hops);
        let has_device = hops.iter().any(|hop| hop.request.serial_number.is_some());
        let session = mfa_session(args, &config, &mut chain, &mut hops, output)?;
        if args.mfa_process.is_some() && !has_device && session.is_none() {
            return Err(Report::usage("--mfa-process needs an MFA device, and no role here has one")
                .hint("name it with --serial-number, or by the profile's `mfa_serial`"));
        }
        if args.token_code.is_some() && !has_device && session.is_none() && !hops.is_empty() {
            return Err(Report::usage("--token-code needs an MFA device, and no role here has one")
                .hint("name it with --serial-number, or by the profile's `mfa_serial`"));
        }
        let session = give_code(args, session, &mut hops)?;
        if hops.is_empty() && !asks_sts(&chain.source) {
            let flags = [
                ("--endpoint-url", args.endpoint_url.is_some()),
                ("--allow-insecure-endpoint", args.allow_insecure_endpoint),
            ];
            if let Some((flag, _)) = flags.into_iter().find(|(_, is_given)| *is_given) {
                return Err(Report::usage(format!("{flag} is for calls of STS, and this one makes none")));
            }
        }
        if let (None, Source::WebIdentity { role_arn, .. }) = (&target, &chain.source)
            && hops.is_empty()
        {
            target = Some(role_arn.clone());
        }

        let partition = target.as_ref().map_or_else(
            || Partition::of_region(regions.named.as_deref().unwrap_or_default()),
            |arn| arn.partition().clone(),
        );
        let (sts, endpoint_origin) =
            sts_settings::find(args, context, &config, settings_section, regions.named.clone(), &partition)?;
        let source_key = SourceKey::of(&chain.source, &context.surroundings(&var));
        let Regions { given: region, named: _, origin: region_origin } = regions;
        Ok(Self { chain, hops, target, region, region_origin, sts, endpoint_origin, session, source_key })
    }

    /// Whether a code was given, which another process's failure says nothing about.
    pub(super) fn has_code(&self) -> bool {
        self.hops.iter().any(|hop| hop.request.token_code.is_some())
            || self.session.as_ref().is_some_and(|session| session.given.is_some())
    }

    /// What the credentials after so many hops are kept under.
    pub(super) fn cache_key(&self, hops: usize) -> Option<CacheKey> {
        let source = self.source_key.as_ref()?;
        let keyed = self.hops.iter().take(hops);
        let keyed =
            keyed.map(|hop| KeyedHop { request: &hop.request, session_name: hop.session_name.as_deref() });
        let hops: Vec<KeyedHop<'_>> = keyed.collect();
        Some(CacheKey::new(&self.sts, source, &hops))
    }

    /// The credentials at the end of the plan, and what is known of them.
    pub(super) fn identity(self, credentials: Credentials) -> Identity {
        Identity {
            credentials,
            role_arn: self.target,
            source: self.chain.tag.to_string(),
            region: self.region,
        }
    }
}

/// The AWS CLI starts from somebody else in the same place, or not at all.
fn tell_of_others(chain: &Chain, sources: &Sources<'_>, config: &SharedConfig<'_>, output: &Output) {
    match (&chain.tag, sources.selected_profile()) {
        (SourceTag::Environment(_), Some(name)) if config.profile(&name).is_none() => {
            output.note(&format!(
                "{} names the profile `{name}`, which does not exist; the environment's keys are used",
                profile_variable()
            ));
        }
        (SourceTag::Profile(name), _)
            if chain.hops.is_empty()
                && ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"]
                    .iter()
                    .all(|name| Context::var(name).is_some()) =>
        {
            output.note(&format!(
                "profile `{name}` is used; the AWS CLI would use the environment's web identity (AWS_ROLE_ARN)"
            ));
        }
        _ => {}
    }
}

/// A flag about a role, and a profile that has credentials of its own.
fn no_role_to_assume(profile: &str, section: &Section<'_>, flag: &str) -> Report {
    let why = match section.get("web_identity_token_file") {
        Some(_) => "takes its credentials from a web identity",
        None => "has no `role_arn`",
    };
    Report::usage(format!("{flag} needs a role, and profile `{profile}` {why}"))
        .hint(format!("without {flag}, the profile's own credentials are used"))
}

pub(super) fn role_ref(args: &RoleArgs) -> Result<RoleRef, Report> {
    let text = match (&args.role, &args.account_id, &args.role_name) {
        (Some(role), ..) => role.clone(),
        (None, Some(account), Some(name)) => {
            let account: arl::AccountId =
                account.parse().map_err(|error| Report::usage(format!("--account-id {error}")))?;
            return Ok(RoleRef::InAccount(account, name.clone()));
        }
        _ => String::new(),
    };
    RoleRef::parse(&text).map_err(|error| Report::usage(format!("not a role: {error}")))
}

pub(super) fn role_arn(
    role: &RoleRef,
    args: &RoleArgs,
    region: Option<&str>,
) -> Result<Option<RoleArn>, Report> {
    let partition = match &args.partition {
        Some(name) => name.parse().map_err(|error| Report::usage(format!("--partition {error}")))?,
        None => Partition::of_region(region.unwrap_or_default()),
    };
    if let RoleRef::Arn(arn) = role {
        check_partition(args, arn)?;
    }
    role.arn(&partition).map_err(|error| Report::usage(format!("not a role: {error}")))
}

/// Refuses a `--partition` that contradicts a role whose ARN is known.
pub(super) fn check_partition(args: &RoleArgs, arn: &RoleArn) -> Result<(), Report> {
    match &args.partition {
        Some(named) if *named != arn.partition().as_str() => {
            Err(Report::usage(format!("--partition says `{named}`, and `{arn}` is in `{}`", arn.partition())))
        }
        _ => Ok(()),
    }
}

/// Whether credentials of this source come from STS, so that flags about its endpoint count.
fn asks_sts(source: &Source) -> bool {
    match source {
        Source::WebIdentity { .. } | Source::MfaSession { .. } => true,
        // The flag lets a container endpoint be on another machine.
        Source::Container | Source::InstanceMetadata => true,
        Source::Keys(_) | Source::Sso(_) | Source::Process(_) | Source::Login(_) => false,
    }
}

pub(super) fn unknown_role(name: &str, config: &SharedConfig<'_>, context: &Context) -> Report {
    let path = context.path_of(arl::SharedFile::Config);
    let report =
        Report::new(format!("`{name}` is neither a role ARN, nor ACCOUNT/NAME, nor a profile in `{path}`"));
    let digits = name.split('/').next().unwrap_or_default();
    if name.contains('/') && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let zeros = if digits.len() < 12 { "; are leading zeros missing?" } else { "" };
        return report.hint(format!("an account ID has 12 digits, `{digits}` has {}{zeros}", digits.len()));
    }
    match arl::closest(name, config.profile_names()).as_slice() {
        [] if !config.profile_names().is_empty() => report.hint("`arl list` shows the role profiles"),
        [] => report,
        near => report.hint(format!("did you mean `{}`?", near.join("`, `"))),
    }
}

/// The flag's and the variable's program is for every device; a profile's for its own.
fn name_process(args: &RoleArgs, hops: &mut [Hop]) {
    if let Some(process) = args.mfa_process.clone().or_else(|| Context::var("ARL_MFA_PROCESS")) {
        for hop in hops {
            let profiles = hop.mfa_process.take().filter(|_| args.mfa_process.is_none());
            hop.mfa_process = profiles.or_else(|| Some(process.clone()));
        }
    }
}

/// Lets the chain start from an MFA session of the person's keys instead of the keys, if that is wished and possible:
/// the device is then asked for once, and no hop asks for it.
fn mfa_session(
    args: &RoleArgs,
    config: &SharedConfig<'_>,
    chain: &mut Chain,
    hops: &mut [Hop],
    output: &Output,
) -> Result<Option<SessionCode>, Report> {
    let variable = match Context::var("ARL_MFA_SESSION").map(|text| text.trim().to_ascii_lowercase()) {
        None => false,
        Some(text) if ["1", "true", "yes", "on"].contains(&&*text) => true,
        Some(text) if ["0", "false", "no", "off"].contains(&&*text) => false,
        Some(text) => {
            return Err(Report::usage(format!("ARL_MFA_SESSION must be true or false, not `{text}`")));
        }
    };
    if !args.mfa_session && !variable {
        return Ok(None);
    }
    let keys = match &chain.source {
        Source::Keys(keys) if keys.session_token().is_none() => keys.clone(),
        _ => {
            if args.mfa_session {
                output.note(
                    "--mfa-session is for long-term keys; the source's credentials are temporary already",
                );
            }
            return Ok(None);
        }
    };
    let of_source = chain.source_profile.as_deref().and_then(|name| config.profile(name));
    let first = hops.first();
    let serial_number = match (&args.serial_number, first.and_then(|hop| hop.request.serial_number.clone())) {
        (Some(serial), _) => Some(parse("--serial-number", serial)?),
        (None, Some(serial)) => Some(serial),
        (None, None) => {
            let serial = of_source.and_then(|section| section.get("mfa_serial"));
            serial.map(|serial| parse("`mfa_serial`", serial)).transpose()?
        }
    };
    let process = args.mfa_process.clone().or_else(|| first?.mfa_process.clone());
    let process = process
        .or_else(|| of_source?.get("mfa_process").map(str::to_owned))
        .or_else(|| Context::var("ARL_MFA_PROCESS"));
    let Some(serial_number) = serial_number.filter(|_| args.mfa_session || !hops.is_empty()) else {
        return match args.mfa_session {
            true => Err(Report::usage(
                "--mfa-session needs a device: --serial-number, or the profile's `mfa_serial`",
            )),
            false => Ok(None),
        };
    };
    // Whoever is asked for later is asked for by a role, which has no device.
    for hop in hops.iter_mut() {
        hop.request.serial_number =
            hop.request.serial_number.take().filter(|serial| *serial != serial_number);
    }
    let given = hops.first_mut().and_then(|hop| hop.request.token_code.take());
    chain.source = Source::MfaSession { keys, serial_number };
    Ok(Some(SessionCode { given, process }))
}

/// The code goes to the MFA session, or to the first hop that asks for one: the device is the user's, and only the first
/// hop is asked for with the user's keys.
fn give_code(
    args: &RoleArgs,
    session: Option<SessionCode>,
    hops: &mut [Hop],
) -> Result<Option<SessionCode>, Report> {
    let code = args.token_code.as_deref().map(|code| parse("--token-code", code)).transpose()?;
    let Some(code) = code else { return Ok(session) };
    if let Some(session) = session {
        return Ok(Some(SessionCode { given: Some(code), ..session }));
    }
    let is_asked = |hop: &Hop| hop.request.serial_number.is_some() && hop.request.token_code.is_none();
    let index = hops.iter().position(is_asked).or_else(|| hops.len().checked_sub(1));
    match index {
        Some(index) => hops[index].request.token_code = Some(code),
        None => return Err(Report::usage("--token-code needs a role to assume")),
    }
    Ok(None)
}
