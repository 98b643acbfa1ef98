//! What to do about an error. The library says what is wrong; here it becomes advice with flags in it.

use std::time::{Duration, SystemTime};

use arl::{AssumeRoleRequest, CallError, Chain, SharedFile, Source, SourceError, SourceTag, StsSettings};

use crate::cli::env::context::{Context, profile_variable};
use crate::cli::env::program;
use crate::cli::env::vars;
use crate::cli::ui::error::Report;
use crate::cli::ui::text::{in_words, tail};

/// No source credentials.
pub(crate) fn no_source(error: &SourceError, context: &Context) -> Report {
    let config = context.path_of(SharedFile::Config);
    let report = Report::new(error.to_string());
    match error {
        SourceError::UnknownProfile { name, wanted_by: None, closest } if is_selected(name) => {
            let variable = profile_variable();
            let report = Report::new(format!("there is no profile `{name}`, which {variable} names"));
            elsewhere(report, closest, context)
        }
        SourceError::UnknownProfile { closest, .. } => elsewhere(report, closest, context),
        SourceError::Replaced(_) => report
            .hint("to go back first: eval \"$(arl clear)\", or, where the hook is installed, arl clear")
            .hint("to go on from the role this shell has: --chain"),
        SourceError::NothingToChainFrom => report.hint("leave --chain out to start from your own credentials"),
        SourceError::Nothing => report
            .hint("name a profile with --profile or AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        SourceError::Cycle(_) | SourceError::Profile { .. } | SourceError::Key(_) => {
            report.hint(format!("see `{config}`"))
        }
        _ => report,
    }
}

/// Where a profile was looked for, and what is like it.
fn elsewhere(report: Report, closest: &[String], context: &Context) -> Report {
    let (config, credentials) =
        (context.path_of(SharedFile::Config), context.path_of(SharedFile::Credentials));
    let report = report.caused_by(format!("neither `{config}` nor `{credentials}` has it"));
    match closest {
        [] => report,
        near => report.hint(format!("did you mean `{}`?", near.join("`, `"))),
    }
}

/// Whether nobody has typed that name today.
fn is_selected(name: &str) -> bool {
    let mut words = program::arguments().iter();
    let is_typed = words.any(|word| word.to_string_lossy().split('=').any(|part| part == name));
    !is_typed && vars::get(profile_variable()).as_deref() == Some(name)
}

/// The source could not be had.
pub(crate) fn source_failed(error: &CallError, chain: &Chain) -> Report {
    let report =
        Report::new(format!("could not get the source credentials ({})", describe(chain))).caused_by(error);
    let profile = chain.source_profile.as_deref().unwrap_or("default");
    match &chain.source {
        Source::Sso(_) => report.hint(format!("sign in again: aws sso login --profile {profile}")),
        Source::MfaSession { .. } if is_wrong_code(error) => {
            report.hint("a code works once and for half a minute: wait for the device's next one")
        }
        Source::Login(_) => report.hint(format!("sign in again: aws login --profile {profile}")),
        Source::InstanceMetadata if chain.tag == SourceTag::InstanceMetadata => report
            .hint("on an EC2 instance: IMDSv2 must be on, with a hop limit of 2 for containers")
            .hint("elsewhere: name a profile with --profile or AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        _ => report,
    }
}

/// Where a chain starts, in words.
pub(crate) fn describe(chain: &Chain) -> String {
    let kind = match &chain.source {
        Source::Keys(keys) => format!("key …{}", tail(keys.access_key_id())),
        Source::Sso(_) => "IAM Identity Center".into(),
        Source::Process(_) => "credential process".into(),
        Source::MfaSession { keys, .. } => format!("MFA session of key …{}", tail(keys.access_key_id())),
        Source::Login(_) => "aws login".into(),
        Source::WebIdentity { .. } => "web identity".into(),
        Source::Container => "container endpoint".into(),
        Source::InstanceMetadata => "instance metadata".into(),
    };
    match (&chain.source_profile, &chain.tag) {
        (Some(profile), _) => format!("profile `{profile}`, {kind}"),
        (None, SourceTag::Environment(_)) => format!("environment, {kind}"),
        (None, _) => kind,
    }
}

/// STS did not give the role. `caller` is whose credentials asked.
pub(crate) fn not_assumed(
    error: &CallError,
    request: &AssumeRoleRequest,
    caller: &str,
    settings: &StsSettings,
) -> Report {
    let report = Report::new(format!("could not assume `{}`", request.role_arn)).caused_by(error);
    let endpoint = settings.endpoint();
    let region = &settings.region;
    match error {
        CallError::Refused { code, message, endpoint_time, .. } => {
            let report = match endpoint_time.and_then(clock_error) {
                Some(off) => report.caused_by(off),
                None => report,
            };
            report.hints(refused(code.trim_end_matches("Exception"), message, request, caller, region))
        }
        CallError::Redirected(_) | CallError::Unexpected(_) => {
            report.hint(format!("is `{endpoint}` an STS endpoint? See --endpoint-url and AWS_ENDPOINT_URL"))
        }
        error if error.is_certificate_problem() => report.hint(
            "if your network has a certificate authority of its own, name its PEM file in AWS_CA_BUNDLE",
        ),
        CallError::Unreachable(_) | CallError::TimedOut(_) => report
            .hint(format!("check the network, HTTPS_PROXY, and the endpoint ({endpoint}, region {region})")),
        error if error.is_clock_problem() => report
            .hint("nothing was handed over; if this machine's clock is wrong, set it: compare `date -u`"),
        CallError::Mismatch(_) => report.hint(format!("nothing was handed over; do you trust {endpoint}?")),
        _ => report,
    }
}

/// By how much this machine's clock is wrong, if that is more than STS forgives in a hurry.
fn clock_error(endpoint_time: SystemTime) -> Option<String> {
    let now = Context::now();
    let (off, direction) = match now.duration_since(endpoint_time) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let off = (off > Duration::from_secs(4 * 60)).then(|| in_words(off))?;
    Some(format!("this machine's clock is {off} {direction} the endpoint's"))
}

/// STS's words for a code that is wrong, or was used before.
const WRONG_CODE: &str = "invalid MFA one time pass code";

/// Whether another code would help.
pub(crate) fn is_wrong_code(error: &CallError) -> bool {
    matches!(error, CallError::Refused { message, .. } if message.contains(WRONG_CODE))
}

fn refused(
    code: &str,
    message: &str,
    request: &AssumeRoleRequest,
    caller: &str,
    region: &str,
) -> Vec<String> {
    let hints: Vec<String> = match code {
        "AccessDenied" if message.contains(WRONG_CODE) => {
            vec!["a code works once and for half a minute: wait for the device's next one".into()]
        }
        "AccessDenied" if message.contains("MultiFactorAuthentication") => {
            vec!["pass the device of the user that asks with --serial-number, and its current code with --token-code".into()]
        }
        "AccessDenied" => denied(message, request, caller),
        "ExpiredToken" | "ExpiredTokenId" => {
            vec![format!(
                "the source credentials have expired ({caller}); renew them where they come from, and try again"
            )]
        }
        "InvalidClientTokenId" | "UnrecognizedClient" => vec![format!(
            "the access key is unknown here ({caller}): deleted, inactive, or of another partition than region {region}"
        )],
        "SignatureDoesNotMatch" | "RequestExpired" | "RequestTimeTooSkewed" => {
            vec![format!("the secret key is wrong ({caller}), or this machine's clock is: compare `date -u`")]
        }
        "ValidationError" | "Validation" if message.contains("MaxSessionDuration") => {
            vec!["ask for less with --duration, or raise the role's maximum session duration".into()]
        }
        "ValidationError" | "Validation" if message.contains("role chaining") => {
            vec!["a role assumed with temporary credentials lasts at most 1h: --duration 1h".into()]
        }
        "MalformedPolicyDocument" => vec!["check the grammar of --policy".into()],
        "PackedPolicyTooLarge" => {
            vec!["shorten --policy, --policy-arns and --tags: STS packs them into one space".into()]
        }
        "RegionDisabled" => {
            vec![format!("activate STS in {region} for this account, or ask another region with --region")]
        }
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequests" | "SlowDown" => {
            vec!["STS is being asked too often from this account; try again in a moment".into()]
        }
        "InvalidIdentityToken" | "IDPRejectedClaim" | "ExpiredIdentityToken" => {
            vec!["the web identity token is not valid (any more); get a new one".into()]
        }
        _ => Vec::new(),
    };
    hints
}

/// STS does not say which condition failed; these are the ones that fail, as far as this request can have met them.
fn denied(message: &str, request: &AssumeRoleRequest, caller: &str) -> Vec<String> {
    // `User: ARN is not authorized to perform: …`
    let arn = message
        .split_whitespace()
        .find(|word| word.starts_with("arn:") && (word.contains(":sts:") || word.contains(":iam:")));
    let who = match arn {
        // The caller of a later hop is named by its ARN already.
        Some(arn) if !caller.contains(arn) => format!("{caller}, which is `{arn}`"),
        _ => caller.to_owned(),
    };
    let mut hints = vec![format!(
        "asked with {who}; the role's trust policy must name that identity, which itself must be allowed sts:AssumeRole"
    )];
    hints.push(match &request.external_id {
        None => "if the role wants an external ID, pass --external-id".to_owned(),
        Some(id) => format!("is `{id}` the external ID that the role wants?"),
    });
    if request.serial_number.is_none() {
        hints.push(
            "if the role wants MFA, name the device with --serial-number; arl asks for its code".to_owned(),
        );
    }
    let tags = request.tags.as_ref().is_some_and(|tags| !tags.is_empty());
    for (is_sent, what, action) in [
        (tags, "session tags", "sts:TagSession"),
        (request.source_identity.is_some(), "a source identity", "sts:SetSourceIdentity"),
    ] {
        if is_sent {
            hints.push(format!("{what} need {action} in the trust policy and in the caller's own"));
        }
    }
    hints
}
