//! `arl explain`: shows what a command with a role would do, without any call.

mod calls;
pub(crate) mod reason;
mod sso;

use std::time::Duration;

use arl::internal::{
    ASSUMED_VARIABLES, Consumer, IDENTITY_VARIABLES, ParameterValue, REGION_VARIABLES, RegionChange,
    SessionDuration, Source,
};
use serde_json::{Value, json};

use crate::cli::args::help::TEMPLATE;
use crate::cli::args::role::RoleArgs;
use crate::cli::commands::explain::reason::{SourceReason, source_reason};
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::Plan;
use crate::cli::plan::hints;
use crate::cli::plan::hop;
use crate::cli::plan::hop::Hop;
use crate::cli::session::cache::SessionCache;
use crate::cli::ui::error::CliError;
use crate::cli::ui::json::json_line;
use crate::cli::ui::output;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::{human_duration, printable, wrap};

const SHORT_EXAMPLES: &str = "  \
  arl explain prod-deploy                   source, roles, parameters, and where each comes from
  arl explain prod-deploy --duration 8h     all flags of assume and exec work here";

const EXAMPLES: &str = "Examples:
  arl explain prod-deploy                   source, roles, parameters, and where each comes from
  arl explain prod-deploy --duration 8h     all flags of assume and exec work here
  arl explain prod-deploy --json            print JSON

arl makes no network call, runs no program and shows no secret.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(help_template = TEMPLATE)]
#[command(mut_arg("region", |region| region.help("The region that arl would call STS in, and set")))]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// One line of an explanation: a name, its value, and where the value comes from.
struct Setting {
    name: &'static str,
    value: String,
    origin: String,
}

fn setting(name: &'static str, value: impl Into<String>, origin: impl Into<String>) -> Setting {
    Setting { name, value: value.into(), origin: origin.into() }
}

/// One AssumeRole call.
struct ExplainedHop {
    role_arn: String,
    parameters: Vec<Setting>,
    /// The longest time that the session will last, and why.
    duration: Setting,
    /// How arl gets the MFA code, if there is a device.
    mfa: Option<String>,
}

/// Whether the role's session is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CacheState {
    Hit,
    Miss,
    Off,
}

impl CacheState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Off => "off",
        }
    }
}

struct Explanation {
    role_arn: Option<String>,
    /// The role of IAM Identity Center, if ROLE names one.
    sso_role: Option<String>,
    /// The sign-in to IAM Identity Center, if the source needs one, with its state.
    sign_in: Option<String>,
    source: String,
    reason: SourceReason,
    passed_over: Vec<String>,
    hops: Vec<ExplainedHop>,
    region: Setting,
    /// The region that arl exports with the credentials. arl may call STS in another one.
    region_set: Option<String>,
    endpoint: Setting,
    cache: CacheState,
    remaining: Option<Duration>,
    calls: Vec<String>,
    sets: Vec<&'static str>,
    unsets: Vec<&'static str>,
}

/// The column in which the values begin.
const VALUE_COLUMN: usize = 11;

pub(crate) fn run(args: &ExplainArgs, output: &Output) -> Result<(), CliError> {
    let context = Context::read()?;
    let mut plan = Plan::new(&args.role, &context, output)?;
    let cache = SessionCache::open(&args.role, Consumer::OneShot, &context, output)?;
    let explanation = Explanation::new(&args.role, &mut plan, &context, &cache)?;
    let text = match (args.json, output::stdout_columns()) {
        (true, _) => json_line(&explanation.to_json()),
        (false, None) => explanation.to_text(),
        (false, Some(width)) => wrap(&explanation.to_text(), width, VALUE_COLUMN),
    };
    output.write_data(text.as_bytes())
}

impl Explanation {
    fn new(
        args: &RoleArgs,
        plan: &mut Plan,
        context: &Context,
        cache: &SessionCache,
    ) -> Result<Self, CliError> {
        hop::name_sessions(&mut plan.hops, context, None);
        let (reason, passed_over) = source_reason(args, plan, context)?;
        let cached = (0..=plan.hops.len()).rev().find_map(|hops| Some((hops, cache.lookup(plan, hops)?)));
        let is_hit = cached.as_ref().is_some_and(|(hops, _)| *hops == plan.hops.len());
        let expiration =
            cached.as_ref().filter(|_| is_hit).and_then(|(_, credentials)| credentials.expiration());
        let is_set = |name: &&str| vars::raw(name).is_some();
        let mut sets = ASSUMED_VARIABLES.to_vec();
        if plan.target.is_none() {
            sets.retain(|name| *name != "ARL_ROLE_ARN");
        }
        if plan.hops.is_empty() && Lifetime::of(&plan.chain.source) == Lifetime::LongTerm {
            let of_sessions =
                ["AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID", "ARL_EXPIRES_AT"];
            sets.retain(|name| !of_sessions.contains(name));
        }
        let mut unsets: Vec<&str> =
            IDENTITY_VARIABLES.into_iter().filter(|name| !sets.contains(name)).filter(is_set).collect();
        match &plan.region {
            RegionChange::Set(_) | RegionChange::Complete(_) => sets.extend(REGION_VARIABLES),
            RegionChange::Unset => unsets.extend(REGION_VARIABLES.into_iter().filter(is_set)),
            RegionChange::Keep => {}
        }
        if !matches!(plan.region, RegionChange::Set(_)) {
            sets.retain(|name| *name != "ARL_REGION");
        }
        if plan.user_region.is_none() {
            sets.retain(|name| *name != "ARL_USER_REGION");
        }
        let region = match &plan.region_origin {
            Some(origin) => origin.clone(),
            None => "the default of the role's partition".to_owned(),
        };
        Ok(Self {
            role_arn: plan.target.as_ref().map(ToString::to_string),
            sso_role: sso::role(plan),
            sign_in: sso::sign_in(plan, context),
            source: hints::describe(&plan.chain),
            reason,
            passed_over,
            hops: (0..plan.hops.len()).map(|index| explain_hop(plan, index)).collect(),
            region: setting("region", plan.sts.region.clone(), region),
            region_set: plan.region.region().map(str::to_owned),
            endpoint: setting(
                "endpoint",
                plan.sts.endpoint(),
                plan.endpoint_origin.unwrap_or("the region's"),
            ),
            cache: match (is_hit, cache.is_enabled()) {
                (true, _) => CacheState::Hit,
                (false, true) => CacheState::Miss,
                (false, false) => CacheState::Off,
            },
            remaining: expiration.and_then(|expiration| expiration.duration_since(Context::now()).ok()),
            calls: calls::calls(plan, cached.map(|(hops, _)| hops)),
            sets,
            unsets,
        })
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str, origin: &str| {
            let value = printable(value);
            let origin =
                if origin.is_empty() { String::new() } else { format!("   ({})", printable(origin)) };
            text.push_str(format!("{name:<VALUE_COLUMN$}{value}{origin}").trim_end());
            text.push('\n');
        };
        let role = self.role_arn.as_ref().or(self.sso_role.as_ref());
        line("role", role.map_or("none; arl uses the source's own credentials", String::as_str), "");
        line("source", &self.source, &self.reason.to_string());
        for other in &self.passed_over {
            line("", &format!("not used: {other}"), "");
        }
        if let Some(sign_in) = &self.sign_in {
            line("sign-in", sign_in, "");
        }
        for (index, hop) in self.hops.iter().enumerate() {
            line(&format!("hop {}", index + 1), &hop.role_arn, "");
            let settings =
                hop.parameters.iter().filter(|fact| !["RoleArn", "DurationSeconds"].contains(&fact.name));
            for Setting { name, value, origin } in settings.chain([&hop.duration]) {
                line("", &format!("{name} {value}"), origin);
            }
            if let Some(mfa) = &hop.mfa {
                line("", &format!("MFA: {mfa}"), "");
            }
        }
        line(self.region.name, &self.region.value, &self.region.origin);
        line(self.endpoint.name, &self.endpoint.value, &self.endpoint.origin);
        let time_left = self
            .remaining
            .map(|remaining| format!(", {} left", human_duration(remaining)))
            .unwrap_or_default();
        line("cache", &format!("{}{time_left}", self.cache.as_str()), "");
        match self.calls.as_slice() {
            [] => line("calls", "none", ""),
            calls => calls
                .iter()
                .enumerate()
                .for_each(|(n, call)| line(if n == 0 { "calls" } else { "" }, call, "")),
        }
        line("sets", &self.sets.join(" "), "");
        if !self.unsets.is_empty() {
            line("unsets", &self.unsets.join(" "), "");
        }
        text
    }

    fn to_json(&self) -> Value {
        let setting_json = |setting_json: &Setting| json!({ "name": setting_json.name, "value": setting_json.value, "origin": setting_json.origin });
        let hop = |hop: &ExplainedHop| {
            json!({
                "role_arn": hop.role_arn,
                "parameters": hop.parameters.iter().map(setting_json).collect::<Vec<_>>(),
                "duration": setting_json(&hop.duration),
                "mfa": hop.mfa,
            })
        };
        json!({
            "role_arn": self.role_arn,
            "sso_role": self.sso_role,
            "sign_in": self.sign_in,
            "source": { "description": self.source, "reason": self.reason.to_string(), "passed_over": self.passed_over },
            "hops": self.hops.iter().map(hop).collect::<Vec<_>>(),
            "region": { "value": self.region.value, "origin": self.region.origin, "set": self.region_set },
            "endpoint": { "value": self.endpoint.value, "origin": self.endpoint.origin },
            "cache": { "state": self.cache.as_str(), "seconds_left": self.remaining.map(|remaining| remaining.as_secs()) },
            "calls": self.calls,
            "sets": self.sets,
            "unsets": self.unsets,
        })
    }
}

/// Whether credentials expire. If a role is assumed with temporary credentials, STS limits its session to one
/// hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lifetime {
    LongTerm,
    Temporary,
    /// Only the source's program knows.
    Unknown,
}

impl Lifetime {
    fn of(source: &Source) -> Self {
        match source {
            Source::Keys(keys) if keys.session_token().is_none() => Self::LongTerm,
            Source::Keychain(_) => Self::LongTerm,
            Source::Process(_) => Self::Unknown,
            Source::Keys(_)
            | Source::MfaSession { .. }
            | Source::Login(_)
            | Source::Sso(_)
            | Source::WebIdentity { .. }
            | Source::Container(_)
            | Source::InstanceMetadata(_) => Self::Temporary,
        }
    }
}

fn explain_hop(plan: &Plan, index: usize) -> ExplainedHop {
    let hop = &plan.hops[index];
    let mfa = hop.request.serial_number.as_ref().map(|_| {
        let how = match (&hop.request.token_code, &hop.mfa_process) {
            (Some(_), _) => "the code that you passed",
            (None, Some(_)) => "arl runs the MFA process, which prints the code",
            (None, None) => "arl asks for the code at the terminal",
        };
        how.to_owned()
    });
    let mfa = mfa.or_else(|| match (&plan.chain.source, index) {
        (Source::MfaSession { serial_number, .. }, 0) => {
            Some(format!("a 12-hour session with a code from {serial_number}"))
        }
        _ => None,
    });
    let requested = hop.request.duration_seconds;
    let caller = if index > 0 { Lifetime::Temporary } else { Lifetime::of(&plan.chain.source) };
    let exceeds_cap = requested.is_some_and(|requested| requested > SessionDuration::CHAINED_MAX);
    let origin = hop.origins.get("DurationSeconds").unwrap_or("STS's default");
    let duration = match (requested, caller) {
        (None, _) => setting("lasts", "1h", origin),
        (Some(requested), Lifetime::Temporary) if exceeds_cap => setting(
            "lasts",
            "1h",
            format!(
                "{origin} asks for {requested}; STS allows at most 1h for a role that is assumed with temporary credentials"
            ),
        ),
        (Some(requested), Lifetime::Unknown) if exceeds_cap => setting(
            "lasts",
            requested.to_string(),
            format!("{origin}; 1h, if the process hands out temporary credentials"),
        ),
        (Some(requested), _) => setting(
            "lasts",
            requested.to_string(),
            format!("{origin}; STS refuses it if the role's maximum is less"),
        ),
    };
    ExplainedHop {
        role_arn: hop.request.role_arn.to_string(),
        parameters: parameters(hop, caller),
        duration,
        mfa,
    }
}

/// Returns the parameters of the request, each with the setting that it comes from. If the caller has
/// temporary credentials, the duration is at most one hour, as STS grants no more.
fn parameters(hop: &Hop, caller: Lifetime) -> Vec<Setting> {
    let explain = |(name, value): (&'static str, ParameterValue<'_>)| {
        let origin = hop.origins.get(name);
        match value {
            _ if name == "RoleSessionName" => session_name(hop),
            ParameterValue::Duration(requested) if caller == Lifetime::Temporary => {
                let granted = requested.min(SessionDuration::CHAINED_MAX);
                setting(name, granted.as_secs().to_string(), origin.unwrap_or_default())
            }
            value => setting(name, value.to_string(), origin.unwrap_or_default()),
        }
    };
    hop.request.parameters().map(explain).collect()
}

/// Returns the session name. A template with `{caller}` is shown unexpanded, because only STS knows the
/// caller.
fn session_name(hop: &Hop) -> Setting {
    let (name, note) = match &hop.template {
        Some(template) if template.needs_caller() => {
            (hop.session_name.clone().unwrap_or_default(), "; arl asks STS for {caller}")
        }
        _ => (hop.request.role_session_name.to_string(), ""),
    };
    let origin = hop.origins.get("RoleSessionName").unwrap_or("from the template {user}@{role}.{account}");
    setting("RoleSessionName", name, format!("{origin}{note}"))
}
