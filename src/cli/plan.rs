//! From what was typed to what will be asked of STS. Nothing here touches the network.

use std::str::FromStr;

use arl::{
    AdditionalParameters, AssumeRoleRequest, Chain, InvalidValue, Partition, RoleArn, RoleProfile, RoleRef,
    RoleSessionName, Section, SessionNameTemplate, SessionNameValues, SharedConfig, Source, SourceTag,
    Sources, StsSettings, parse_policy_arns, parse_provided_contexts, parse_tag_keys, parse_tags,
};

use super::arguments::RoleArgs;
use super::context::Context;
use super::report::{Report, Status};
use super::sts_settings::{self, Regions};
use super::{Output, hints};

/// Audit logs say who, as what, where; STS has no name for a session that has none.
const DEFAULT_SESSION_NAME: &str = "{user}@{role}.{account}";
/// aws-assume-role-lib's word for "make one up although there is a source identity".
const AUTOMATIC_SESSION_NAME: &str = "AUTOMATIC_ROLE_SESSION_NAME_!#$%^&*()";

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
    /// How to reach STS.
    pub(super) sts: StsSettings,
}

/// One AssumeRole.
pub(super) struct Hop {
    pub(super) request: AssumeRoleRequest,
    /// The session name's template where it holds `{caller}`; the request's name is then provisional.
    pub(super) template: Option<SessionNameTemplate>,
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
            _ => sources.select(),
        }
        .map_err(source_failed)?;

        let role_section = role_profile.as_ref().map(|(_, section, _)| *section);
        // A source is asked where it is at home: a profile's endpoint and region are its own.
        let settings_section = role_section.or_else(|| match &chain.tag {
            SourceTag::Profile(name) => config.profile(name),
            _ => config.profile(sources.selected_profile().as_deref().unwrap_or("default")),
        });
        let regions = Regions::find(args, role_section, settings_section)?;
        let mut target = match &role_profile {
            Some((_, _, profile)) => profile.as_ref().map(|profile| profile.role_arn.clone()),
            None => role_arn(&role, args, regions.named.as_deref())?,
        };

        let names = Names::new(context);
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
        give_code(args, &mut hops)?;
        if let (None, Source::WebIdentity { role_arn, .. }) = (&target, &chain.source)
            && hops.is_empty()
        {
            target = Some(role_arn.clone());
        }

        let partition = target.as_ref().map_or_else(
            || Partition::of_region(regions.named.as_deref().unwrap_or_default()),
            |arn| arn.partition().clone(),
        );
        let sts = sts_settings::find(args, context, &config, settings_section, regions.named, &partition)?;
        Ok(Self { chain, hops, target, region: regions.given, sts })
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

fn role_ref(args: &RoleArgs) -> Result<RoleRef, Report> {
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

fn role_arn(role: &RoleRef, args: &RoleArgs, region: Option<&str>) -> Result<Option<RoleArn>, Report> {
    let partition = match &args.partition {
        Some(name) => name.parse().map_err(|error| Report::usage(format!("--partition {error}")))?,
        None => Partition::of_region(region.unwrap_or_default()),
    };
    role.arn(&partition).map_err(|error| Report::usage(format!("not a role: {error}")))
}

fn unknown_role(name: &str, config: &SharedConfig<'_>, context: &Context) -> Report {
    let path = context.path_of(arl::SharedFile::Config);
    let report =
        Report::new(format!("`{name}` is neither a role ARN, nor ACCOUNT/NAME, nor a profile in `{path}`"));
    let digits = name.split('/').next().unwrap_or_default();
    if name.contains('/') && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return report.hint(format!(
            "an account ID has 12 digits, `{digits}` has {}; are leading zeros missing?",
            digits.len()
        ));
    }
    match arl::closest(name, config.profile_names()).as_slice() {
        [] => report,
        near => report.hint(format!("did you mean `{}`?", near.join("`, `"))),
    }
}

/// The code goes to the one hop that asks for it; a second one would need the device's next code.
fn give_code(args: &RoleArgs, hops: &mut [Hop]) -> Result<(), Report> {
    let code = args.token_code.as_deref().map(|code| parse("--token-code", code)).transpose()?;
    let is_asked = |hop: &Hop| hop.request.serial_number.is_some() && hop.request.token_code.is_none();
    let asks: Vec<usize> = (0..hops.len()).filter(|&i| is_asked(&hops[i])).collect();
    let mut without_code = asks.as_slice();
    if let Some(code) = code {
        let index = match asks.as_slice() {
            [] => hops.len().checked_sub(1),
            [.., last] => {
                without_code = &asks[..asks.len() - 1];
                Some(*last)
            }
        };
        match index {
            Some(index) => hops[index].request.token_code = Some(code),
            None => return Err(Report::usage("--token-code needs a role to assume")),
        }
    }
    let Some(&index) = without_code.first() else { return Ok(()) };
    let request = &hops[index].request;
    let serial = request.serial_number.as_ref().map(ToString::to_string).unwrap_or_default();
    let report = Report::new(format!("an MFA code of `{serial}` is needed to assume `{}`", request.role_arn))
        .status(Status::MfaNeeded);
    Err(if asks.len() > 1 {
        report.hint("several roles of this chain ask for MFA, and a code works once; assume them one by one with --chain")
    } else {
        report.hint("pass the device's current code with --token-code")
    })
}

/// Makes session names, and with them hops.
struct Names {
    values: SessionNameValues,
    /// `ARL_ROLE_SESSION_NAME`.
    variable: Option<String>,
}

impl Names {
    fn new(context: &Context) -> Self {
        let time = Context::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let values = SessionNameValues {
            user: context.user_name(),
            caller: String::new(),
            role: String::new(),
            account: String::new(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            pid: std::process::id().to_string(),
            time: time.as_secs().to_string(),
        };
        Self { values, variable: Context::var("ARL_ROLE_SESSION_NAME") }
    }

    /// The request of a hop. `name` is a session name or template, and where it comes from.
    fn hop(&self, role_arn: RoleArn, name: Option<(String, String)>) -> Result<Hop, Report> {
        let (origin, text) = name.unwrap_or_else(|| (String::new(), DEFAULT_SESSION_NAME.to_owned()));
        if !text.contains('{') {
            let name: RoleSessionName = parse(&origin, &text)?;
            return Ok(Hop { request: AssumeRoleRequest::new(role_arn, name), template: None });
        }
        let template: SessionNameTemplate = parse(&origin, &text)?;
        let name = template.expand(&self.of_role(&role_arn));
        let request = AssumeRoleRequest::new(role_arn, name);
        Ok(Hop { request, template: template.needs_caller().then_some(template) })
    }

    fn of_role(&self, role_arn: &RoleArn) -> SessionNameValues {
        SessionNameValues {
            role: role_arn.role_name().to_owned(),
            account: role_arn.account_id().to_string(),
            ..self.values.clone()
        }
    }

    /// `ARL_ROLE_SESSION_NAME`, else the profile's.
    fn configured(&self, profile: Option<(&str, &RoleProfile)>) -> Option<(String, String)> {
        let of_profile = || {
            let (name, profile) = profile?;
            let text = profile.role_session_name.clone()?;
            Some((format!("`role_session_name` of profile `{name}`"), text))
        };
        self.variable.clone().map(|text| ("ARL_ROLE_SESSION_NAME".to_owned(), text)).or_else(of_profile)
    }

    fn hop_of_profile(&self, name: &str, profile: RoleProfile) -> Result<Hop, Report> {
        let mut hop = self.hop(profile.role_arn.clone(), self.configured(Some((name, &profile))))?;
        hop.request.duration_seconds = profile.duration_seconds;
        hop.request.external_id = profile.external_id;
        hop.request.serial_number = profile.mfa_serial;
        hop.request.source_identity = profile.source_identity;
        hop.request.tags = profile.session_tags;
        hop.request.transitive_tag_keys = profile.transitive_session_tags;
        check_lists(&hop.request)?;
        Ok(hop)
    }

    fn via(
        &self,
        text: &str,
        args: &RoleArgs,
        config: &SharedConfig<'_>,
        context: &Context,
        region: Option<&str>,
    ) -> Result<Hop, Report> {
        let role =
            RoleRef::parse(text).map_err(|error| Report::usage(format!("--via is not a role: {error}")))?;
        if let Some(arn) = role_arn(&role, args, region)? {
            return self.hop(arn, self.configured(None));
        }
        let section = config.profile(text).ok_or_else(|| unknown_role(text, config, context))?;
        match RoleProfile::read(text, section).map_err(|error| Report::new(error.to_string()))? {
            Some(profile) => self.hop_of_profile(text, profile),
            None => Err(Report::usage(format!("--via needs a role, and profile `{text}` has no `role_arn`"))),
        }
    }

    /// The role that was asked for: flags beat variables, variables the profile.
    fn target(
        &self,
        role_arn: &RoleArn,
        args: &RoleArgs,
        profile: Option<(&str, RoleProfile)>,
        output: &Output,
    ) -> Result<Hop, Report> {
        let mut more = match &args.additional_parameters {
            Some(text) => parse("--additional-parameters", text)?,
            None => AdditionalParameters::default(),
        };
        // Named by the role argument, which wins.
        more.take("RoleArn");
        let mut value = |flag: &str, given: &Option<String>, name: &str| {
            let other = more.take(name).map(|text| (format!("{name} in --additional-parameters"), text));
            given.clone().map(|text| (flag.to_owned(), text)).or(other)
        };

        let session_name = value("--role-session-name", &args.role_session_name, "RoleSessionName")
            .or_else(|| args.source_identity.clone().map(|text| ("--source-identity".to_owned(), text)));
        let session_name = match session_name {
            Some((_, text)) if text == AUTOMATIC_SESSION_NAME => None,
            Some(given) => Some(given),
            None => self.configured(profile.as_ref().map(|(name, profile)| (*name, profile))),
        };
        let mut hop = match profile {
            Some((name, profile)) => {
                let named = RoleProfile { role_session_name: None, ..profile };
                Hop { template: None, ..self.hop_of_profile(name, named)? }
            }
            None => self.hop(role_arn.clone(), None)?,
        };
        let named = self.hop(role_arn.clone(), session_name)?;
        hop.template = named.template;
        let request = &mut hop.request;
        request.role_session_name = named.request.role_session_name;

        let duration = value("--duration", &args.duration, "DurationSeconds")
            .or_else(|| Context::var("ARL_DURATION").map(|text| ("ARL_DURATION".to_owned(), text)));
        overlay(&mut request.duration_seconds, duration, str::parse)?;
        if let Some((origin, text)) = value("--policy", &args.policy, "Policy") {
            request.policy = Some(parse(&origin, &read_file_url(&origin, text)?)?);
        }
        overlay(
            &mut request.external_id,
            value("--external-id", &args.external_id, "ExternalId"),
            str::parse,
        )?;
        overlay(
            &mut request.serial_number,
            value("--serial-number", &args.serial_number, "SerialNumber"),
            str::parse,
        )?;
        overlay(&mut request.token_code, value("", &None, "TokenCode"), str::parse)?;
        overlay(
            &mut request.source_identity,
            value("--source-identity", &args.source_identity, "SourceIdentity"),
            str::parse,
        )?;
        overlay(
            &mut request.transitive_tag_keys,
            value("--transitive-tag-keys", &args.transitive_tag_keys, "TransitiveTagKeys"),
            parse_tag_keys,
        )?;
        let mut values = |flag: &str, given: &[String], name: &str| {
            let other = more.take(name).map(|text| (format!("{name} in --additional-parameters"), text));
            match given {
                [] => other.into_iter().collect(),
                texts => texts.iter().map(|text| (flag.to_owned(), text.clone())).collect::<Vec<_>>(),
            }
        };
        overlay_list(
            &mut request.policy_arns,
            values("--policy-arns", &args.policy_arns, "PolicyArns"),
            parse_policy_arns,
        )?;
        overlay_list(&mut request.tags, values("--tags", &args.tags, "Tags"), parse_tags)?;
        overlay_list(
            &mut request.provided_contexts,
            values("--provided-contexts", &args.provided_contexts, "ProvidedContexts"),
            parse_provided_contexts,
        )?;
        request.additional_parameters = more;
        check_lists(request)?;
        for warning in request.warnings() {
            output.note(&warning);
        }
        Ok(hop)
    }
}

impl Hop {
    /// Fills `{caller}` in, once it is known.
    pub(super) fn name_caller(&mut self, context: &Context, caller: &str) {
        if let Some(template) = &self.template {
            let names = Names::new(context);
            let values =
                SessionNameValues { caller: caller.to_owned(), ..names.of_role(&self.request.role_arn) };
            self.request.role_session_name = template.expand(&values);
        }
    }
}

/// Names the flag, variable or key in front of the rule that the value breaks.
fn parse<T: FromStr<Err = InvalidValue>>(origin: &str, text: &str) -> Result<T, Report> {
    text.parse().map_err(|fault| Report::usage(format!("{origin} {fault}")))
}

fn overlay<T>(
    place: &mut Option<T>,
    given: Option<(String, String)>,
    parse: impl Fn(&str) -> Result<T, InvalidValue>,
) -> Result<(), Report> {
    if let Some((origin, text)) = given {
        let value = parse(&text).map_err(|fault| Report::usage(format!("{origin} {fault}")))?;
        *place = Some(value);
    }
    Ok(())
}

fn overlay_list<T>(
    place: &mut Option<Vec<T>>,
    given: Vec<(String, String)>,
    parse: impl Fn(&str) -> Result<Vec<T>, InvalidValue>,
) -> Result<(), Report> {
    if given.is_empty() {
        return Ok(());
    }
    let mut list = Vec::new();
    for (origin, text) in given {
        list.extend(parse(&text).map_err(|fault| Report::usage(format!("{origin} {fault}")))?);
    }
    *place = Some(list);
    Ok(())
}

fn check_lists(request: &AssumeRoleRequest) -> Result<(), Report> {
    request.check_lists().map_err(|(name, fault)| {
        let flag = match name {
            "Tags" => "--tags",
            "TransitiveTagKeys" => "--transitive-tag-keys",
            _ => "--provided-contexts",
        };
        Report::usage(format!("{flag} {fault}"))
    })
}

fn read_file_url(origin: &str, text: String) -> Result<String, Report> {
    match text.strip_prefix("file://") {
        None => Ok(text),
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            Report::usage(format!("{origin} names the file `{path}`, which cannot be read")).caused_by(error)
        }),
    }
}
