//! `arl explain`: what a verb with a role would do, without any call.

pub(crate) mod reason;

use std::time::Duration;

use arl::{
    AssumeRoleRequest, Chain, IDENTITY_VARIABLES, Reader, SET_VARIABLES, SessionDuration,
    SessionNameTemplate, Source,
};
use serde_json::{Value, json};

use crate::cli::args::help::ENVIRONMENT;
use crate::cli::args::role::RoleArgs;
use crate::cli::commands::explain::reason::why;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::Plan;
use crate::cli::plan::hints;
use crate::cli::plan::hop;
use crate::cli::plan::hop::Hop;
use crate::cli::session::cache::Caches;
use crate::cli::ui::error::Report;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::{in_words, printable};

const EXAMPLES: &str = "Examples:
  arl explain prod-deploy                   which credentials, which roles, which parameters, and why
  arl explain prod-deploy --duration 8h     takes every flag of assume and exec
  arl explain prod-deploy --json            for programs

Nothing is asked of anybody, no program is run, and no secret is shown.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_long_help = EXAMPLES, after_long_help = ENVIRONMENT)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// One line of an explanation: what, its value, and where that comes from.
struct Fact {
    name: &'static str,
    value: String,
    origin: String,
}

fn fact(name: &'static str, value: impl Into<String>, origin: impl Into<String>) -> Fact {
    Fact { name, value: value.into(), origin: origin.into() }
}

/// One AssumeRole.
struct ExplainedHop {
    role_arn: String,
    parameters: Vec<Fact>,
    /// How long the session will last at most, and why.
    duration: Fact,
    /// How the MFA device is asked, if there is one.
    mfa: Option<String>,
}

struct Explanation {
    role_arn: Option<String>,
    source: String,
    reason: String,
    passed_over: Vec<String>,
    hops: Vec<ExplainedHop>,
    region: Fact,
    /// The region that is set with the credentials, whatever STS is asked in.
    region_set: Option<String>,
    endpoint: Fact,
    cache: &'static str,
    left: Option<Duration>,
    calls: Vec<String>,
    sets: Vec<&'static str>,
    unsets: Vec<&'static str>,
}

pub(crate) fn run(args: &ExplainArgs, output: &Output) -> Result<(), Report> {
    let context = Context::read()?;
    let mut plan = Plan::make(&args.role, &context, output)?;
    let caches = Caches::open(&args.role, Reader::Once, &context, output)?;
    let explanation = Explanation::of(&args.role, &mut plan, &context, &caches)?;
    let text = if args.json { format!("{}\n", explanation.json()) } else { explanation.words() };
    output.data(text.as_bytes())
}

impl Explanation {
    fn of(args: &RoleArgs, plan: &mut Plan, context: &Context, caches: &Caches) -> Result<Self, Report> {
        hop::name_sessions(&mut plan.hops, context, None);
        let (reason, passed_over) = why(args, plan, context)?;
        let kept = (0..=plan.hops.len()).rev().find_map(|hops| Some((hops, caches.find(plan, hops)?)));
        let is_hit = kept.as_ref().is_some_and(|(hops, _)| *hops == plan.hops.len());
        let end = kept.as_ref().filter(|_| is_hit).and_then(|(_, credentials)| credentials.expiration());
        let set = |name: &&str| vars::raw(name).is_some();
        let mut sets = SET_VARIABLES.to_vec();
        if plan.target.is_none() {
            sets.retain(|name| *name != "ARL_ROLE_ARN");
        }
        if plan.hops.is_empty() && is_temporary(&plan.chain.source) == Some(false) {
            let of_sessions =
                ["AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID", "ARL_EXPIRES_AT"];
            sets.retain(|name| !of_sessions.contains(name));
        }
        let unsets: Vec<&str> =
            IDENTITY_VARIABLES.into_iter().filter(|name| !sets.contains(name)).filter(set).collect();
        if plan.region.is_some() {
            sets.extend(["AWS_REGION", "AWS_DEFAULT_REGION"]);
        }
        let region = match plan.region_origin {
            Some(origin) => origin.to_owned(),
            None => "the default of the role's partition".to_owned(),
        };
        Ok(Self {
            role_arn: plan.target.as_ref().map(ToString::to_string),
            source: hints::describe(&plan.chain),
            reason,
            passed_over,
            hops: (0..plan.hops.len()).map(|index| explained(plan, index)).collect(),
            region: fact("region", plan.sts.region.clone(), region),
            region_set: plan.region.clone(),
            endpoint: fact("endpoint", plan.sts.endpoint(), plan.endpoint_origin.unwrap_or("the region's")),
            cache: match (is_hit, caches.is_open()) {
                (true, _) => "hit",
                (false, true) => "miss",
                (false, false) => "off",
            },
            left: end.and_then(|end| end.duration_since(Context::now()).ok()),
            calls: calls(plan, kept.map(|(hops, _)| hops)),
            sets,
            unsets,
        })
    }

    fn words(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str, origin: &str| {
            let value = printable(value);
            let origin =
                if origin.is_empty() { String::new() } else { format!("   ({})", printable(origin)) };
            text.push_str(format!("{name:<11}{value}{origin}").trim_end());
            text.push('\n');
        };
        line("role", self.role_arn.as_deref().unwrap_or("none: the source's own credentials"), "");
        line("source", &self.source, &self.reason);
        for other in &self.passed_over {
            line("", &format!("not {other}"), "");
        }
        for (index, hop) in self.hops.iter().enumerate() {
            line(&format!("hop {}", index + 1), &hop.role_arn, "");
            let facts =
                hop.parameters.iter().filter(|fact| !["RoleArn", "DurationSeconds"].contains(&fact.name));
            for Fact { name, value, origin } in facts.chain([&hop.duration]) {
                line("", &format!("{name} {value}"), origin);
            }
            if let Some(mfa) = &hop.mfa {
                line("", &format!("MFA: {mfa}"), "");
            }
        }
        line(self.region.name, &self.region.value, &self.region.origin);
        // The environment chooses where STS is asked, a role profile where its commands work.
        if let Some(region) = self.region_set.as_ref().filter(|region| **region != self.region.value) {
            line("", &format!("sets {region}"), "the profile's `region`");
        }
        line(self.endpoint.name, &self.endpoint.value, &self.endpoint.origin);
        let left = self.left.map(|left| format!(", {} left", in_words(left))).unwrap_or_default();
        line("cache", &format!("{}{left}", self.cache), "");
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

    fn json(&self) -> Value {
        let fact = |fact: &Fact| json!({ "name": fact.name, "value": fact.value, "origin": fact.origin });
        let hop = |hop: &ExplainedHop| {
            json!({
                "role_arn": hop.role_arn,
                "parameters": hop.parameters.iter().map(fact).collect::<Vec<_>>(),
                "duration": fact(&hop.duration),
                "mfa": hop.mfa,
            })
        };
        json!({
            "role_arn": self.role_arn,
            "source": { "description": self.source, "reason": self.reason, "passed_over": self.passed_over },
            "hops": self.hops.iter().map(hop).collect::<Vec<_>>(),
            "region": { "value": self.region.value, "origin": self.region.origin, "set": self.region_set },
            "endpoint": { "value": self.endpoint.value, "origin": self.endpoint.origin },
            "cache": { "state": self.cache, "seconds_left": self.left.map(|left| left.as_secs()) },
            "calls": self.calls,
            "sets": self.sets,
            "unsets": self.unsets,
        })
    }
}

/// Whether a role that is assumed with these credentials is capped at an hour; `None` if nobody knows before.
fn is_temporary(source: &Source) -> Option<bool> {
    match source {
        Source::Keys(keys) => Some(keys.session_token().is_some()),
        Source::Process(_) => None,
        Source::MfaSession { .. }
        | Source::Login(_)
        | Source::Sso(_)
        | Source::WebIdentity { .. }
        | Source::Container
        | Source::InstanceMetadata => Some(true),
    }
}

fn explained(plan: &Plan, index: usize) -> ExplainedHop {
    let hop = &plan.hops[index];
    let mfa = hop.request.serial_number.as_ref().map(|_| {
        let how = match (&hop.request.token_code, &hop.mfa_process) {
            (Some(_), _) => "the code was given",
            (None, Some(_)) => "a program is asked for the code",
            (None, None) => "the code is asked for at the terminal",
        };
        how.to_owned()
    });
    let mfa = mfa.or_else(|| match (&plan.chain.source, index) {
        (Source::MfaSession { serial_number, .. }, 0) => {
            Some(format!("a session of 12 hours of {serial_number}"))
        }
        _ => None,
    });
    let asked = hop.request.duration_seconds;
    let is_chained = if index > 0 { Some(true) } else { is_temporary(&plan.chain.source) };
    let over = asked.is_some_and(|asked| asked > SessionDuration::CHAINED_MAX);
    let origin = hop.origins.of("DurationSeconds").unwrap_or("STS's default");
    let duration = match (asked, is_chained) {
        (None, _) => fact("lasts", "1h", origin),
        (Some(asked), Some(true)) if over => fact(
            "lasts",
            "1h",
            format!(
                "{origin} asks for {asked}; STS gives a role no more that is assumed with temporary credentials"
            ),
        ),
        (Some(asked), None) if over => fact(
            "lasts",
            asked.to_string(),
            format!("{origin}; 1h, if the process hands out temporary credentials"),
        ),
        (Some(asked), _) => {
            fact("lasts", asked.to_string(), format!("{origin}, unless the role's own maximum is less"))
        }
    };
    ExplainedHop {
        role_arn: hop.request.role_arn.to_string(),
        parameters: parameters(hop, is_chained == Some(true)),
        duration,
        mfa,
    }
}

/// What will be sent, by STS's names. Destructured, so that a new parameter cannot be forgotten.
fn parameters(hop: &Hop, is_chained: bool) -> Vec<Fact> {
    let AssumeRoleRequest {
        role_arn,
        role_session_name,
        duration_seconds,
        policy,
        policy_arns,
        tags,
        transitive_tag_keys,
        external_id,
        serial_number,
        token_code,
        source_identity,
        provided_contexts,
        additional_parameters,
    } = &hop.request;
    let mut facts = vec![fact("RoleArn", role_arn.to_string(), "")];
    let name = match &hop.template {
        Some(template) if template.needs_caller() => {
            (hop.session_name.clone().unwrap_or_default(), "; {caller} is asked of STS")
        }
        _ => (role_session_name.to_string(), ""),
    };
    let origin = hop.origins.of("RoleSessionName").unwrap_or("made up of {user}@{role}.{account}");
    facts.push(fact("RoleSessionName", name.0, format!("{origin}{}", name.1)));
    let mut set = |name: &'static str, value: Option<String>| {
        let origin = hop.origins.of(name).unwrap_or_default();
        facts.extend(value.map(|value| fact(name, value, origin)));
    };
    let cap =
        |asked: SessionDuration| if is_chained { asked.min(SessionDuration::CHAINED_MAX) } else { asked };
    set("DurationSeconds", duration_seconds.map(|asked| cap(asked).as_secs().to_string()));
    set("Policy", policy.as_ref().map(|policy| policy.as_str().to_owned()));
    let join = |texts: Vec<String>| texts.join(", ");
    set("PolicyArns", policy_arns.as_ref().map(|arns| join(arns.iter().map(ToString::to_string).collect())));
    let tag = |tag: &arl::Tag| format!("{}={}", tag.key().as_str(), tag.value());
    set("Tags", tags.as_ref().map(|tags| join(tags.iter().map(tag).collect())));
    let keys = transitive_tag_keys
        .as_ref()
        .map(|keys| join(keys.iter().map(|key| key.as_str().to_owned()).collect()));
    set("TransitiveTagKeys", keys);
    set("ExternalId", external_id.as_ref().map(ToString::to_string));
    set("SerialNumber", serial_number.as_ref().map(ToString::to_string));
    set("TokenCode", token_code.as_ref().map(|_| "(given)".to_owned()));
    set("SourceIdentity", source_identity.as_ref().map(ToString::to_string));
    let providers = |contexts: &Vec<arl::ProvidedContext>| {
        join(contexts.iter().map(|context| context.provider_arn().to_string()).collect())
    };
    set("ProvidedContexts", provided_contexts.as_ref().map(providers));
    for (name, value) in additional_parameters.form_fields() {
        facts.push(fact("AdditionalParameters", format!("{name}={value}"), "--additional-parameters"));
    }
    facts
}

/// What would be asked of whom, from what is kept on.
fn calls(plan: &Plan, kept: Option<usize>) -> Vec<String> {
    let Chain { source, .. } = &plan.chain;
    let mut calls = Vec::new();
    if kept.is_none() {
        let call = match source {
            Source::Keys(_) => None,
            Source::MfaSession { .. } => Some("GetSessionToken".to_owned()),
            Source::Sso(_) => Some("GetRoleCredentials of IAM Identity Center".to_owned()),
            // Its name alone: arguments may be secret.
            Source::Process(process) => {
                let name = process.command.split_whitespace().next().unwrap_or_default();
                Some(format!("the program `{name}`"))
            }
            Source::Login(_) => Some("the AWS CLI, if the login's credentials are over".to_owned()),
            Source::WebIdentity { role_arn, .. } => Some(format!("AssumeRoleWithWebIdentity for {role_arn}")),
            Source::Container => Some("the container endpoint".to_owned()),
            Source::InstanceMetadata => Some("the instance metadata service".to_owned()),
        };
        calls.extend(call);
    }
    let rest = &plan.hops[kept.unwrap_or(0)..];
    if rest.iter().any(|hop| hop.template.as_ref().is_some_and(SessionNameTemplate::needs_caller)) {
        calls.push("GetCallerIdentity, for {caller}".to_owned());
    }
    calls.extend(rest.iter().map(|hop| format!("AssumeRole of {}", hop.request.role_arn)));
    calls
}
