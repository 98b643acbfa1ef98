//! What each AssumeRole of a plan is asked for: flags beat variables, variables the profile.

use arl::internal::{
    AdditionalParameters, AssumeRoleRequest, InvalidValue, RoleArn, RoleProfile, RoleRef, RoleSessionName,
    SessionNameTemplate, SessionNameValues, SharedConfig, parse_policy_arns, parse_provided_contexts,
    parse_tag_keys, parse_tags,
};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::role_ref::{role_arn, unknown_role};
use crate::cli::ui::error::{CliError, parse_value};
use crate::cli::ui::output::Output;

/// Audit logs say who, as what, where; STS has no name for a session that has none.
const DEFAULT_SESSION_NAME: &str = "{user}@{role}.{account}";
/// aws-assume-role-lib's word for "make one up although there is a source identity".
const AUTOMATIC_SESSION_NAME: &str = "AUTOMATIC_ROLE_SESSION_NAME_!#$%^&*()";

/// One AssumeRole.
pub(crate) struct Hop {
    pub(crate) request: AssumeRoleRequest,
    /// The session name as it was given; `None` if arl made it up.
    pub(crate) session_name: Option<String>,
    /// The session name's template, if it is one. The request's name is provisional until a call is made: what a
    /// template stands for costs more to find out than the rest of a warm call.
    pub(crate) template: Option<SessionNameTemplate>,
    /// The program that knows the MFA device's codes.
    pub(crate) mfa_process: Option<String>,
    /// Where what stands in the request comes from.
    pub(crate) origins: ParameterOrigins,
}

/// The flag, variable or profile key behind each parameter, by STS's name of it.
#[derive(Debug, Default)]
pub(crate) struct ParameterOrigins(Vec<(&'static str, String)>);

impl ParameterOrigins {
    /// A later one takes the place of an earlier one.
    fn set(&mut self, parameter: &'static str, origin: Option<String>) {
        if let Some(origin) = origin {
            self.0.retain(|(other, _)| *other != parameter);
            self.0.push((parameter, origin));
        }
    }

    /// `None` for what nobody has given.
    pub(crate) fn get(&self, parameter: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == parameter).map(|(_, origin)| origin.as_str())
    }
}

/// Makes hops, with the session names that the environment or a profile gives them.
pub(crate) struct HopBuilder {
    /// `ARL_ROLE_SESSION_NAME`.
    env_session_name: Option<String>,
}

impl HopBuilder {
    pub(crate) fn from_env() -> Self {
        Self { env_session_name: vars::get(vars::ARL_ROLE_SESSION_NAME) }
    }

    /// The request of a hop. `name` is a session name or template, and where it comes from.
    fn new_hop(role_arn: RoleArn, name: Option<(String, String)>) -> Result<Hop, CliError> {
        let session_name = name.as_ref().map(|(_, text)| text.clone());
        let mut origins = ParameterOrigins::default();
        origins.set("RoleSessionName", name.as_ref().map(|(origin, _)| origin.clone()));
        let (origin, text) = name.unwrap_or_else(|| (String::new(), DEFAULT_SESSION_NAME.to_owned()));
        if !text.contains('{') {
            let name: RoleSessionName = parse_value(&origin, &text)?;
            let request = AssumeRoleRequest::new(role_arn, name);
            return Ok(Hop { request, session_name, template: None, mfa_process: None, origins });
        }
        let template: SessionNameTemplate = parse_value(&origin, &text)?;
        let request = AssumeRoleRequest::new(role_arn, RoleSessionName::sanitized("arl"));
        Ok(Hop { request, session_name, template: Some(template), mfa_process: None, origins })
    }

    /// `ARL_ROLE_SESSION_NAME`, else the profile's.
    fn configured(&self, profile: Option<(&str, &RoleProfile)>) -> Option<(String, String)> {
        let of_profile = || {
            let (name, profile) = profile?;
            let text = profile.role_session_name.clone()?;
            Some((format!("`role_session_name` of profile `{name}`"), text))
        };
        self.env_session_name
            .clone()
            .map(|text| ("ARL_ROLE_SESSION_NAME".to_owned(), text))
            .or_else(of_profile)
    }

    pub(crate) fn profile_hop(&self, name: &str, profile: RoleProfile) -> Result<Hop, CliError> {
        let mut hop = Self::new_hop(profile.role_arn.clone(), self.configured(Some((name, &profile))))?;
        for (parameter, key, is_given) in [
            ("DurationSeconds", "duration_seconds", profile.duration_seconds.is_some()),
            ("ExternalId", "external_id", profile.external_id.is_some()),
            ("SerialNumber", "mfa_serial", profile.mfa_serial.is_some()),
            ("SourceIdentity", "source_identity", profile.source_identity.is_some()),
            ("Tags", "session_tags", profile.session_tags.is_some()),
            ("TransitiveTagKeys", "transitive_session_tags", profile.transitive_session_tags.is_some()),
        ] {
            hop.origins.set(parameter, is_given.then(|| format!("`{key}` of profile `{name}`")));
        }
        hop.request.duration_seconds = profile.duration_seconds;
        hop.request.external_id = profile.external_id;
        hop.request.serial_number = profile.mfa_serial;
        hop.mfa_process = profile.mfa_process;
        hop.request.source_identity = profile.source_identity;
        hop.request.tags = profile.session_tags;
        hop.request.transitive_tag_keys = profile.transitive_session_tags;
        check_lists(&hop.request)?;
        Ok(hop)
    }

    pub(crate) fn via_hop(
        &self,
        text: &str,
        args: &RoleArgs,
        config: &SharedConfig<'_>,
        context: &Context,
        region: Option<&str>,
    ) -> Result<Hop, CliError> {
        let role =
            RoleRef::parse(text).map_err(|error| CliError::usage(format!("--via is not a role: {error}")))?;
        if let Some(arn) = role_arn(&role, args, region)? {
            return Self::new_hop(arn, self.configured(None));
        }
        let section = config.profile(text).ok_or_else(|| unknown_role(text, config, context))?;
        match RoleProfile::read(text, section).map_err(|error| CliError::new(error.to_string()))? {
            Some(profile) => self.profile_hop(text, profile),
            None => {
                Err(CliError::usage(format!("--via needs a role, and profile `{text}` has no `role_arn`")))
            }
        }
    }

    /// The role that was asked for: flags beat variables, variables the profile.
    pub(crate) fn target_hop(
        &self,
        role_arn: &RoleArn,
        args: &RoleArgs,
        profile: Option<(&str, RoleProfile)>,
        output: &Output,
    ) -> Result<Hop, CliError> {
        let mut additional = match &args.additional_parameters {
            Some(text) => parse_value("--additional-parameters", text)?,
            None => AdditionalParameters::default(),
        };
        // Named by the role argument, which wins.
        additional.take("RoleArn");
        let mut value = |flag: &str, input: &Option<String>, name: &str| {
            let other =
                additional.take(name).map(|text| (format!("{name} in --additional-parameters"), text));
            input.clone().map(|text| (flag.to_owned(), text)).or(other)
        };

        let session_name = value("--role-session-name", &args.role_session_name, "RoleSessionName")
            .or_else(|| args.source_identity.clone().map(|text| ("--source-identity".to_owned(), text)));
        let session_name = match session_name {
            Some((_, text)) if text == AUTOMATIC_SESSION_NAME => None,
            Some(input) => Some(input),
            None => self.configured(profile.as_ref().map(|(name, profile)| (*name, profile))),
        };
        let mut hop = match profile {
            Some((name, profile)) => {
                let without_name = RoleProfile { role_session_name: None, ..profile };
                // The name of the session is another matter: a flag beats a variable that may be wrong.
                Hop { template: None, ..Self { env_session_name: None }.profile_hop(name, without_name)? }
            }
            None => Self::new_hop(role_arn.clone(), None)?,
        };
        let named_hop = Self::new_hop(role_arn.clone(), session_name)?;
        hop.template = named_hop.template;
        hop.session_name = named_hop.session_name;
        let Hop { request, origins, .. } = &mut hop;
        request.role_session_name = named_hop.request.role_session_name;
        origins.set("RoleSessionName", named_hop.origins.get("RoleSessionName").map(str::to_owned));

        let duration = value("--duration", &args.duration, "DurationSeconds")
            .or_else(|| vars::get(vars::ARL_DURATION).map(|text| ("ARL_DURATION".to_owned(), text)));
        origins.set("DurationSeconds", overlay(&mut request.duration_seconds, duration, str::parse)?);
        if let Some((origin, text)) = value("--policy", &args.policy, "Policy") {
            request.policy = Some(parse_value(&origin, &read_file_url(&origin, text)?)?);
            origins.set("Policy", Some(origin));
        }
        let input = value("--external-id", &args.external_id, "ExternalId");
        origins.set("ExternalId", overlay(&mut request.external_id, input, str::parse)?);
        let input = value("--serial-number", &args.serial_number, "SerialNumber");
        origins.set("SerialNumber", overlay(&mut request.serial_number, input, str::parse)?);
        let input = value("", &None, "TokenCode");
        origins.set("TokenCode", overlay(&mut request.token_code, input, str::parse)?);
        let input = value("--source-identity", &args.source_identity, "SourceIdentity");
        origins.set("SourceIdentity", overlay(&mut request.source_identity, input, str::parse)?);
        let input = value("--transitive-tag-keys", &args.transitive_tag_keys, "TransitiveTagKeys");
        origins.set("TransitiveTagKeys", overlay(&mut request.transitive_tag_keys, input, parse_tag_keys)?);
        let mut values = |flag: &str, input: &[String], name: &str| {
            let other =
                additional.take(name).map(|text| (format!("{name} in --additional-parameters"), text));
            match input {
                [] => other.into_iter().collect(),
                texts => texts.iter().map(|text| (flag.to_owned(), text.clone())).collect::<Vec<_>>(),
            }
        };
        let input = values("--policy-arns", &args.policy_arns, "PolicyArns");
        origins.set("PolicyArns", overlay_list(&mut request.policy_arns, input, parse_policy_arns)?);
        let input = values("--tags", &args.tags, "Tags");
        origins.set("Tags", overlay_list(&mut request.tags, input, parse_tags)?);
        let input = values("--provided-contexts", &args.provided_contexts, "ProvidedContexts");
        origins.set(
            "ProvidedContexts",
            overlay_list(&mut request.provided_contexts, input, parse_provided_contexts)?,
        );
        request.additional_parameters = additional;
        check_lists(request)?;
        for warning in request.warnings() {
            output.note(&warning);
        }
        Ok(hop)
    }
}

/// What the templates of these hops stand for; `caller` where one of them asks for it.
pub(crate) fn name_sessions(hops: &mut [Hop], context: &Context, caller: Option<&str>) {
    let time = Context::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let mut values = SessionNameValues {
        user: context.user_name(),
        caller: caller.unwrap_or_default().to_owned(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        pid: std::process::id().to_string(),
        time: time.as_secs().to_string(),
        ..SessionNameValues::default()
    };
    for hop in hops {
        if let Some(template) = &hop.template {
            values.role = hop.request.role_arn.role_name().to_owned();
            values.account = hop.request.role_arn.account_id().to_string();
            hop.request.role_session_name = template.expand(&values);
        }
    }
}

/// Puts what was given in its place; where it comes from.
fn overlay<T>(
    slot: &mut Option<T>,
    value: Option<(String, String)>,
    parse: impl Fn(&str) -> Result<T, InvalidValue>,
) -> Result<Option<String>, CliError> {
    let Some((origin, text)) = value else { return Ok(None) };
    *slot = Some(parse(&text).map_err(|error| CliError::usage(format!("{origin} {error}")))?);
    Ok(Some(origin))
}

fn overlay_list<T>(
    slot: &mut Option<Vec<T>>,
    value: Vec<(String, String)>,
    parse: impl Fn(&str) -> Result<Vec<T>, InvalidValue>,
) -> Result<Option<String>, CliError> {
    let origin = value.first().map(|(origin, _)| origin.clone());
    if origin.is_none() {
        return Ok(None);
    }
    let mut list = Vec::new();
    for (origin, text) in value {
        list.extend(parse(&text).map_err(|error| CliError::usage(format!("{origin} {error}")))?);
    }
    *slot = Some(list);
    Ok(origin)
}

fn check_lists(request: &AssumeRoleRequest) -> Result<(), CliError> {
    request.check_lists().map_err(|(name, error)| {
        let flag = match name {
            "Tags" => "--tags",
            "TransitiveTagKeys" => "--transitive-tag-keys",
            _ => "--provided-contexts",
        };
        CliError::usage(format!("{flag} {error}"))
    })
}

fn read_file_url(origin: &str, text: String) -> Result<String, CliError> {
    match text.strip_prefix("file://") {
        None => Ok(text),
        Some(path) => match std::fs::read_to_string(path) {
            // Windows's editors begin a file with a mark.
            Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Err(error) => {
                Err(CliError::usage(format!("{origin} names the file `{path}`, which cannot be read"))
                    .caused_by(error))
            }
        },
    }
}
