//! Builds the AssumeRole requests of a plan. A flag overrides a variable, and a variable overrides the
//! profile.

use std::str::FromStr;

use arl::internal::{
    AdditionalParameters, AssumeRoleRequest, Error, RoleArn, RoleProfile, RoleRef, RoleSessionName,
    SessionNameTemplate, SessionNameValues, SharedConfig, parse_policy_arns, parse_provided_contexts,
    parse_tag_keys, parse_tags,
};

use crate::cli::args::file_url;
use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::role_ref::{check_unambiguous, role_arn, unknown_role};
use crate::cli::plan::source_hints::invalid_key;
use crate::cli::plan::value_hints::value_hint;
use crate::cli::ui::error::{CliError, parse_value};
use crate::cli::ui::output::Output;

/// STS requires a session name. This one shows the user, the role and the account in audit logs.
const DEFAULT_SESSION_NAME: &str = "{user}@{role}.{account}";
/// The value with which aws-assume-role-lib asks for a generated name although there is a source identity.
const AUTOMATIC_SESSION_NAME: &str = "AUTOMATIC_ROLE_SESSION_NAME_!#$%^&*()";

/// One AssumeRole call of a plan.
pub(crate) struct Hop {
    pub(crate) request: AssumeRoleRequest,
    /// The session name or template as given. `None` if arl chose it.
    pub(crate) session_name: Option<String>,
    /// The session name as a template, if it has placeholders. The request has a placeholder until arl makes
    /// a call, because expanding a template would take most of the time of a run that finds its session in
    /// the cache.
    pub(crate) template: Option<SessionNameTemplate>,
    /// The program that prints codes of the MFA device.
    pub(crate) mfa_process: Option<String>,
    /// Where the parameters of the request come from.
    pub(crate) origins: ParameterOrigins,
}

/// The flag, variable or profile key behind each parameter, by the name that STS uses.
#[derive(Debug, Default)]
pub(crate) struct ParameterOrigins(Vec<(&'static str, String)>);

impl ParameterOrigins {
    /// Replaces the origin of a parameter.
    fn set(&mut self, parameter: &'static str, origin: impl Into<String>) {
        self.0.retain(|(other, _)| *other != parameter);
        self.0.push((parameter, origin.into()));
    }

    /// Returns the origin of a parameter. `None` if no setting gives it.
    pub(crate) fn get(&self, parameter: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == parameter).map(|(_, origin)| origin.as_str())
    }
}

/// Builds the hops of profiles, of `--via` and of ROLE.
pub(crate) struct HopBuilder {
    /// `ARL_ROLE_SESSION_NAME`.
    env_session_name: Option<String>,
}

impl HopBuilder {
    pub(crate) fn from_env() -> Self {
        Self { env_session_name: vars::get(vars::ARL_ROLE_SESSION_NAME) }
    }

    /// Creates a hop. `name` is a setting, and the session name or template that it gives.
    fn new_hop(role_arn: RoleArn, name: Option<(String, String)>) -> Result<Hop, CliError> {
        let session_name = name.as_ref().map(|(_, text)| text.clone());
        let mut origins = ParameterOrigins::default();
        if let Some((origin, _)) = &name {
            origins.set("RoleSessionName", origin);
        }
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

    /// Returns the session name of `ARL_ROLE_SESSION_NAME`, else the profile's.
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
            if is_given {
                hop.origins.set(parameter, format!("`{key}` of profile `{name}`"));
            }
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
        check_unambiguous(text, config, context)?;
        if matches!(role, RoleRef::IdentityCenter { .. }) {
            return Err(CliError::usage(format!(
                "--via is only for AssumeRole, and `{text}` is a role of IAM Identity Center"
            )));
        }
        if let Some(arn) = role_arn(&role, args, region)? {
            return Self::new_hop(arn, self.configured(None));
        }
        let section = config.profile(text).ok_or_else(|| unknown_role(text, config, context))?;
        match RoleProfile::read(text, section).map_err(|error| invalid_key(&error, section, context))? {
            Some(profile) => self.profile_hop(text, profile),
            None => {
                Err(CliError::usage(format!("--via needs a role, and profile `{text}` has no `role_arn`")))
            }
        }
    }

    /// Builds the hop of the role that the command line names.
    pub(crate) fn target_hop(
        &self,
        role_arn: &RoleArn,
        args: &RoleArgs,
        profile: Option<(&str, RoleProfile)>,
        output: &Output,
    ) -> Result<Hop, CliError> {
        let mut overlay = Overlay::new(role_arn, args, output)?;
        let session_name = overlay
            .value("RoleSessionName", "--role-session-name", &args.role_session_name)
            .or_else(|| args.source_identity.clone().map(|text| ("--source-identity".to_owned(), text)));
        let session_name = match session_name {
            Some((_, text)) if text == AUTOMATIC_SESSION_NAME => None,
            Some(input) => Some(input),
            None => self.configured(profile.as_ref().map(|(name, profile)| (*name, profile))),
        };
        let mut hop = match profile {
            Some((name, profile)) => {
                let without_name = RoleProfile { role_session_name: None, ..profile };
                // Leave the session name out here: an invalid one would be an error, although a flag may
                // replace it.
                Hop { template: None, ..Self { env_session_name: None }.profile_hop(name, without_name)? }
            }
            None => Self::new_hop(role_arn.clone(), None)?,
        };
        let named_hop = Self::new_hop(role_arn.clone(), session_name)?;
        hop.template = named_hop.template;
        hop.session_name = named_hop.session_name;
        hop.request.role_session_name = named_hop.request.role_session_name;
        if let Some(origin) = named_hop.origins.get("RoleSessionName") {
            hop.origins.set("RoleSessionName", origin);
        }
        overlay.apply(args, &mut hop)?;
        let request = &hop.request;
        check_lists(request)?;
        for warning in request.warnings() {
            output.note(&warning);
        }
        Ok(hop)
    }
}

/// Expands the session name templates of hops. `caller` is needed only if a template contains it.
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

/// Refuses a name that is probably misspelled: a session without the session policy that the user meant would
/// have more rights than intended. Any other unknown name is only noted, because STS may have parameters that
/// arl does not know.
fn check_names(additional: &AdditionalParameters, output: &Output) -> Result<(), CliError> {
    let is_known = |name: &&str| AssumeRoleRequest::PARAMETERS.contains(name);
    for name in additional.names().filter(|name| !is_known(name)) {
        let lower = name.to_lowercase();
        let near = |known: &&str| strsim::osa_distance(&lower, &known.to_lowercase()) <= 2;
        if let Some(meant) = AssumeRoleRequest::PARAMETERS.into_iter().find(near) {
            return Err(CliError::usage(format!(
                "--additional-parameters contains `{name}`, which STS does not know"
            ))
            .hint(format!("did you mean `{meant}`?")));
        }
        output.note(&format!(
            "unknown parameter {name} of AssumeRole in --additional-parameters; sending it anyway"
        ));
    }
    Ok(())
}

/// Overrides the parameters of a hop with flags, `--additional-parameters` and variables. A flag overrides a
/// member of `--additional-parameters`, which overrides a variable.
struct Overlay {
    /// The members of `--additional-parameters` that no parameter has taken yet.
    additional: AdditionalParameters,
    origins: ParameterOrigins,
}

impl Overlay {
    fn new(role_arn: &RoleArn, args: &RoleArgs, output: &Output) -> Result<Self, CliError> {
        let mut additional: AdditionalParameters = match &args.additional_parameters {
            Some(text) => parse_value("--additional-parameters", text)
                .map_err(|error| error.hints(value_hint("--additional-parameters", text)))?,
            None => AdditionalParameters::default(),
        };
        // As in aws-assume-role-lib, ROLE overrides a `RoleArn` there.
        if let Some(other) = additional.take("RoleArn")
            && other != role_arn.to_string()
        {
            output.note(&format!("ROLE overrides the RoleArn in --additional-parameters, `{other}`"));
        }
        check_names(&additional, output)?;
        Ok(Self { additional, origins: ParameterOrigins::default() })
    }

    /// Returns the settings that give values to a parameter, each with its value: the flag, else the member
    /// of `--additional-parameters`.
    fn values(&mut self, parameter: &str, flag: &str, typed: &[String]) -> Vec<(String, String)> {
        let member = self.additional.take(parameter);
        match typed {
            [] => member
                .map(|text| (format!("{parameter} in --additional-parameters"), text))
                .into_iter()
                .collect(),
            texts => texts.iter().map(|text| (flag.to_owned(), text.clone())).collect(),
        }
    }

    /// Does the same as [`Self::values`] for a parameter with one value.
    fn value(&mut self, parameter: &str, flag: &str, typed: &Option<String>) -> Option<(String, String)> {
        self.values(parameter, flag, typed.as_slice()).pop()
    }

    /// Sets every parameter but the role and the session name.
    fn apply(mut self, args: &RoleArgs, hop: &mut Hop) -> Result<(), CliError> {
        let request = &mut hop.request;
        let duration = self
            .value("DurationSeconds", "--duration", &args.duration)
            .or_else(|| vars::get(vars::ARL_DURATION).map(|text| ("ARL_DURATION".to_owned(), text)));
        let is_variable = duration.as_ref().is_some_and(|(origin, _)| origin == vars::ARL_DURATION);
        let hint = match is_variable {
            true => "for one hour: export ARL_DURATION=1h; the longest: export ARL_DURATION=12h",
            false => "for one hour: --duration 1h; the longest: --duration 12h",
        };
        self.assign("DurationSeconds", duration, &mut request.duration_seconds)
            .map_err(|error| error.hint(hint))?;
        let policy = match self.value("Policy", "--policy", &args.policy) {
            Some((origin, text)) => Some((origin.clone(), file_url::read(&origin, text)?)),
            None => None,
        };
        self.assign("Policy", policy, &mut request.policy)?;
        self.set("ExternalId", "--external-id", &args.external_id, &mut request.external_id)?;
        self.set("SerialNumber", "--serial-number", &args.serial_number, &mut request.serial_number)?;
        // `--token-code` is for the first hop that has a device, which `assign_code` finds.
        self.set("TokenCode", "", &None, &mut request.token_code)?;
        self.set("SourceIdentity", "--source-identity", &args.source_identity, &mut request.source_identity)?;
        let keys = args.transitive_tag_keys.as_slice();
        let slot = &mut request.transitive_tag_keys;
        self.set_list("TransitiveTagKeys", "--transitive-tag-keys", keys, slot, parse_tag_keys)?;
        let slot = &mut request.policy_arns;
        self.set_list("PolicyArns", "--policy-arns", &args.policy_arns, slot, parse_policy_arns)?;
        self.set_list("Tags", "--tags", &args.tags, &mut request.tags, parse_tags)?;
        let (contexts, slot) = (&args.provided_contexts, &mut request.provided_contexts);
        self.set_list("ProvidedContexts", "--provided-contexts", contexts, slot, parse_provided_contexts)?;
        self.origins.set("AdditionalParameters", "--additional-parameters");
        request.additional_parameters = self.additional;
        for (parameter, origin) in self.origins.0 {
            hop.origins.set(parameter, origin);
        }
        Ok(())
    }

    /// Sets a parameter that has one value. If none is given, the parameter stays as it is.
    fn set<T: FromStr<Err = Error>>(
        &mut self,
        parameter: &'static str,
        flag: &str,
        typed: &Option<String>,
        slot: &mut Option<T>,
    ) -> Result<(), CliError> {
        let value = self.value(parameter, flag, typed);
        self.assign(parameter, value, slot)
    }

    fn assign<T: FromStr<Err = Error>>(
        &mut self,
        parameter: &'static str,
        value: Option<(String, String)>,
        slot: &mut Option<T>,
    ) -> Result<(), CliError> {
        if let Some((origin, text)) = value {
            let value = parse_value(&origin, &text);
            *slot = Some(value.map_err(|error| error.hints(value_hint(&origin, &text)))?);
            self.origins.set(parameter, origin);
        }
        Ok(())
    }

    /// Like [`Self::set`], for a list that may be given in several parts.
    fn set_list<T>(
        &mut self,
        parameter: &'static str,
        flag: &str,
        typed: &[String],
        slot: &mut Option<Vec<T>>,
        parse: impl Fn(&str) -> Result<Vec<T>, Error>,
    ) -> Result<(), CliError> {
        for (index, (origin, text)) in self.values(parameter, flag, typed).into_iter().enumerate() {
            let part = parse(&text).map_err(|error| {
                CliError::usage(format!("{origin} {error}")).hints(value_hint(&origin, &text))
            })?;
            if index == 0 {
                self.origins.set(parameter, origin);
                *slot = None;
            }
            slot.get_or_insert_default().extend(part);
        }
        Ok(())
    }
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
