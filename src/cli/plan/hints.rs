//! Turns errors of the library into messages with advice about flags.

use std::path::Path;
use std::time::{Duration, SystemTime};

use arl::internal::{
    AssumeRoleRequest, CertificateFault, IdentityCenterSettings, LoginError, MetadataPresence,
    MetadataRequest, Partition, SharedFile, Source, SourceChain, SourceError, SourceId, SsoSession,
    SsoSource, StsError, StsSettings, shell::Shell,
};

use crate::cli::env::context::{Context, profile_variable};
use crate::cli::env::program;
use crate::cli::env::vars;
use crate::cli::plan::refusal::{Refusal, denied_caller};
use crate::cli::plan::role_ref::with_misnamed;
use crate::cli::ui::error::CliError;
use crate::cli::ui::text::{human_duration, last_four, quote_words};

const INVALID_CODE_HINT: &str = "a code works once and for half a minute: wait for the device's next one";

/// Returns the error for a source that is not configured.
pub(crate) fn source_not_found(error: &SourceError, context: &Context) -> CliError {
    let config = context.display_path(SharedFile::Config);
    let cli_error = CliError::new(error.to_string());
    match error {
        SourceError::UnknownProfile { name, referenced_by, similar_names, misnamed } => {
            let cli_error = match referenced_by {
                None if came_from_environment(name) => {
                    let variable = profile_variable();
                    CliError::new(format!("there is no profile `{name}`, which {variable} names"))
                }
                _ => cli_error,
            };
            match misnamed {
                Some(section) => with_misnamed(cli_error, section, context),
                None => profile_not_found(cli_error, name, similar_names, context),
            }
        }
        SourceError::OriginalSourceLost(_) => cli_error
            .hint("to go back first: eval \"$(arl clear)\", or, where the hook is installed, arl clear")
            .hint("to go on from the role this shell has: --chain"),
        SourceError::NothingToChainFrom => cli_error.hint("leave --chain out to start from your own credentials"),
        SourceError::NotConfigured => cli_error
            .hint("name a profile with --profile or AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        SourceError::UnknownSsoSession { known, .. } if known.is_empty() => cli_error
            .hint(format!("add an [sso-session] with `sso_start_url` and `sso_region` to `{config}`")),
        SourceError::UnknownSsoSession { known, .. } => {
            cli_error.hint(format!("the sessions are: {}", known.join(", ")))
        }
        SourceError::NoSignIn(_)
        | SourceError::SsoSession { .. }
        | SourceError::Cycle(_)
        | SourceError::Profile { .. }
        | SourceError::Key(_) => {
            cli_error.hint(format!("see `{config}`"))
        }
        _ => cli_error,
    }
}

/// Adds where arl looked for a profile, and similar names.
fn profile_not_found(error: CliError, name: &str, similar_names: &[String], context: &Context) -> CliError {
    let (config, credentials) =
        (context.display_path(SharedFile::Config), context.display_path(SharedFile::Credentials));
    let error = error.caused_by(format!("neither `{config}` nor `{credentials}` has it"));
    match similar_names {
        _ if name.starts_with("profile ") => error.hint(
            "name a profile without the word `profile`, which stands in the header of its section only",
        ),
        [] => error,
        similar => error.hint(format!("did you mean `{}`?", similar.join("`, `"))),
    }
}

/// Returns whether a profile's name comes from the environment and not from the command line.
fn came_from_environment(name: &str) -> bool {
    let mut words = program::arguments().iter();
    let is_typed = words.any(|word| word.to_string_lossy().split('=').any(|part| part == name));
    !is_typed && vars::get(profile_variable()).as_deref() == Some(name)
}

/// Returns the error for a source that failed.
pub(crate) fn source_failed(error: &StsError, chain: &SourceChain) -> CliError {
    let cli_error =
        CliError::new(format!("could not get the source credentials ({})", describe(chain))).caused_by(error);
    let profile = chain.source_profile.as_deref().unwrap_or("default");
    match &chain.source {
        Source::MfaSession { .. } if Refusal::of(error) == Some(Refusal::InvalidMfaCode) => {
            cli_error.hint(INVALID_CODE_HINT)
        }
        Source::Login(_) => cli_error.hint(format!("sign in again: aws login --profile {profile}")),
        Source::InstanceMetadata(source) => {
            let hints = metadata_hints(error, source.presence == MetadataPresence::Possible);
            cli_error.hints(hints.into_iter().map(str::to_owned))
        }
        _ => cli_error,
    }
}

/// Returns what to do about a failure of the instance metadata service.
fn metadata_hints(error: &StsError, is_last_resort: bool) -> Vec<&'static str> {
    const NO_INSTANCE: &str = "elsewhere: name a profile with --profile or AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    const VERSION_2: &str = "on an EC2 instance: IMDSv2 must be on, with a hop limit of 2 for containers";
    match error {
        StsError::Metadata { status: 429 | 500.., .. } => {
            vec!["the service is busy or out of order: try again, or raise AWS_METADATA_SERVICE_NUM_ATTEMPTS"]
        }
        StsError::Metadata { request: MetadataRequest::Token, .. } => vec![VERSION_2],
        StsError::Metadata { status: 404, .. } => {
            vec!["the instance has no role: attach an instance profile to it"]
        }
        StsError::TimedOut(_) if !is_last_resort => {
            vec![VERSION_2, "if the service is only slow, raise AWS_METADATA_SERVICE_TIMEOUT (seconds)"]
        }
        StsError::TimedOut(_) | StsError::Unreachable(_) => vec![VERSION_2, NO_INSTANCE],
        _ => Vec::new(),
    }
}

/// Returns a description of the source of a chain.
pub(crate) fn describe(chain: &SourceChain) -> String {
    let kind = match &chain.source {
        Source::Keys(keys) => format!("key …{}", last_four(keys.access_key_id())),
        Source::Sso(_) => "IAM Identity Center".into(),
        Source::Process(_) => "credential process".into(),
        Source::MfaSession { keys, .. } => format!("MFA session of key …{}", last_four(keys.access_key_id())),
        Source::Login(_) => "aws login".into(),
        Source::WebIdentity { .. } => "web identity".into(),
        Source::Container(_) => "container endpoint".into(),
        Source::InstanceMetadata(_) => "instance metadata".into(),
    };
    match (&chain.source_profile, &chain.id) {
        (Some(profile), _) => format!("profile `{profile}`, {kind}"),
        (None, SourceId::Environment(_)) => format!("environment, {kind}"),
        (None, _) => kind,
    }
}

/// Returns the error for a role that STS did not give. `caller` describes the credentials that asked.
pub(crate) fn assume_failed(
    error: &StsError,
    request: &AssumeRoleRequest,
    caller: &str,
    settings: &StsSettings,
) -> CliError {
    let cli_error = CliError::new(format!("could not assume `{}`", request.role_arn)).caused_by(error);
    let endpoint = settings.endpoint();
    let region = &settings.region;
    match error {
        StsError::Refused { code, message, endpoint_time, .. } => {
            let cli_error = match endpoint_time.and_then(clock_skew) {
                Some(skew) => cli_error.caused_by(skew),
                None => cli_error,
            };
            let refusal = Refusal::classify(code, message);
            cli_error.hints(refusal_hints(refusal, message, request, caller, region))
        }
        StsError::Redirected(_) | StsError::Unexpected(_) => cli_error
            .hint(format!("is `{endpoint}` an STS endpoint? See --endpoint-url and AWS_ENDPOINT_URL")),
        StsError::Untrusted { .. } | StsError::Unreachable(_) | StsError::TimedOut(_) => {
            cli_error.hints(network_hint(error, &endpoint, region))
        }
        error if error.is_clock_problem() => cli_error
            .hint("nothing was handed over; if this machine's clock is wrong, set it: compare `date -u`"),
        StsError::Mismatch(_) => cli_error.hint(format!("nothing was handed over; do you trust {endpoint}?")),
        _ => cli_error,
    }
}

/// Returns what to do about a connection that failed.
pub(crate) fn network_hint(error: &StsError, endpoint: &str, region: &str) -> Option<String> {
    match error {
        StsError::Untrusted { fault, .. } => Some(certificate_hint(*fault, endpoint)),
        StsError::Unreachable(_) | StsError::TimedOut(_) => {
            Some(format!("check the network, HTTPS_PROXY, and the endpoint ({endpoint}, region {region})"))
        }
        _ => None,
    }
}

/// Returns the error for a role of IAM Identity Center that arl did not get.
pub(crate) fn identity_center_failed(
    error: &LoginError,
    chain: &SourceChain,
    sso: &SsoSource,
    settings: &IdentityCenterSettings,
) -> CliError {
    let SsoSource { account_id, role_name, session } = sso;
    let cli_error =
        CliError::new(format!("could not get the source credentials ({})", describe(chain))).caused_by(error);
    match error {
        error if error.needs_sign_in() => cli_error.hint(sign_in_hint(session, chain.source_profile.as_deref())),
        LoginError::NotAssigned { roles, .. } => {
            let has = match roles.as_deref() {
                None => "`arl list` shows your profiles; ask your administrator which roles you have".into(),
                Some([]) => format!("the sign-in `{}` has no role in account {account_id}", session.label()),
                Some(roles) => format!("your roles in account {account_id}: {}", listed(roles)),
            };
            cli_error.caused_by(format!("you have no role `{role_name}` in account {account_id}")).hint(has)
        }
        LoginError::Call(error @ StsError::Refused { .. }) if error.is_transient() => {
            cli_error.hint("IAM Identity Center is busy; try again in a moment")
        }
        LoginError::Call(StsError::Unexpected(_) | StsError::Redirected(_)) => cli_error.hint(format!(
            "is `{}` an endpoint of IAM Identity Center? See AWS_ENDPOINT_URL_SSO and AWS_ENDPOINT_URL_SSO_OIDC; \
             if it is, try again in a moment",
            settings.portal.endpoint_url.as_deref().unwrap_or(&session.region)
        )),
        LoginError::TokenFile(path, _) => {
            cli_error.hint(format!("look at it, and remove it if you do not trust it: rm {}", quoted(path)))
        }
        LoginError::Call(error) => {
            let endpoint = settings.portal.endpoint_url.as_deref().unwrap_or("IAM Identity Center");
            cli_error.hints(network_hint(error, endpoint, &session.region))
        }
        _ => cli_error,
    }
}

/// Returns a path as a word that can be pasted.
pub(crate) fn quoted(path: &Path) -> String {
    quote_words(Shell::Posix, &[path.display().to_string()])
}

/// Returns how to sign in.
pub(crate) fn sign_in_hint(session: &SsoSession, profile: Option<&str>) -> String {
    let name = session.name.as_deref().or(profile).unwrap_or_default();
    let words = ["arl", "login", name].into_iter().filter(|word| !word.is_empty()).map(str::to_owned);
    format!("sign in: {}", quote_words(Shell::Posix, &words.collect::<Vec<_>>()))
}

/// Returns some names of a list.
fn listed(names: &[String]) -> String {
    const MAX: usize = 20;
    let shown = names.iter().take(MAX).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > MAX { format!("{shown} and {} more", names.len() - MAX) } else { shown }
}

/// Returns what to do about a certificate that TLS rejected.
fn certificate_hint(fault: CertificateFault, endpoint: &str) -> String {
    match fault {
        CertificateFault::IsAuthority => format!(
            "{endpoint} shows the certificate of an authority (CA:TRUE), which no client takes for a server's: give the server one that this authority has issued, with CA:FALSE"
        ),
        CertificateFault::WrongName => {
            format!("the certificate is for other names than {endpoint}: see --endpoint-url and AWS_ENDPOINT_URL")
        }
        CertificateFault::WrongTime => {
            "have the server's certificate renewed; if this machine's clock is wrong, set it: compare `date -u`"
                .into()
        }
        _ => "if your network has a certificate authority of its own, name its PEM file in AWS_CA_BUNDLE".into(),
    }
}

/// Returns how wrong this machine's clock is, if it is off by more than four minutes.
fn clock_skew(endpoint_time: SystemTime) -> Option<String> {
    let now = Context::now();
    let (skew, direction) = match now.duration_since(endpoint_time) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let skew = (skew > Duration::from_secs(4 * 60)).then(|| human_duration(skew))?;
    Some(format!("this machine's clock is {skew} {direction} the endpoint's"))
}

/// Returns what to do about a refusal.
fn refusal_hints(
    refusal: Refusal,
    message: &str,
    request: &AssumeRoleRequest,
    caller: &str,
    region: &str,
) -> Vec<String> {
    let hint = match refusal {
        Refusal::AccessDenied => return access_denied_hints(message, request, caller),
        Refusal::Other => return Vec::new(),
        Refusal::InvalidMfaCode => INVALID_CODE_HINT.into(),
        Refusal::MfaRequired => {
            "pass the device of the user that asks with --serial-number, and its current code with --token-code".into()
        }
        Refusal::ExpiredCredentials => format!(
            "the source credentials have expired ({caller}); renew them where they come from, and try again"
        ),
        Refusal::UnknownKey if is_opt_in(region) => format!(
            "the access key is unknown here ({caller}): deleted or inactive, or its account has not enabled region {region}, or its session is from the global STS endpoint; try --region us-east-1"
        ),
        Refusal::UnknownKey => format!(
            "the access key is unknown here ({caller}): deleted, inactive, or of another partition than region {region}"
        ),
        Refusal::WrongRegion => format!(
            "the endpoint belongs to another region than {region}, for which the request was signed: name the endpoint's region with --region"
        ),
        Refusal::RootCaller => {
            "the root user of an account cannot assume roles: use an IAM user's keys, or sign in to IAM Identity Center"
                .into()
        }
        Refusal::WrongClock => "set this machine's clock: compare `date -u`".into(),
        Refusal::ForbiddenByOrganization => format!(
            "asked with {caller}; a policy of the organization forbids it, which only the organization's administrators can change"
        ),
        Refusal::TagsNotAllowed => format!(
            "asked with {caller}; session tags need sts:TagSession in the role's trust policy and in the caller's own"
        ),
        Refusal::SourceIdentityNotAllowed => format!(
            "asked with {caller}; a source identity needs sts:SetSourceIdentity in the role's trust policy and in the caller's own"
        ),
        Refusal::WrongSecretOrClock => {
            format!("the secret key is wrong ({caller}), or this machine's clock is: compare `date -u`")
        }
        Refusal::DurationAboveRoleMaximum => {
            "ask for less with --duration, or raise the role's maximum session duration".into()
        }
        Refusal::DurationAboveChainedMaximum => {
            "a role assumed with temporary credentials lasts at most 1h: --duration 1h".into()
        }
        Refusal::MalformedPolicy => "check the grammar of --policy".into(),
        Refusal::PackedPolicyTooLarge => {
            "shorten --policy, --policy-arns and --tags: STS packs them into one space".into()
        }
        Refusal::RegionDisabled => {
            format!("activate STS in {region} for this account, or ask another region with --region")
        }
        Refusal::Throttled => {
            "STS is being asked too often from this account; try again in a moment".into()
        }
        Refusal::InvalidIdentityToken => {
            "the web identity token is not valid (any more); get a new one".into()
        }
    };
    vec![hint]
}

/// Whether accounts must enable the region before they can use it, as all regions since March 2019.
///
/// Source: "AWS Regions" in the AWS Account Management Guide.
fn is_opt_in(region: &str) -> bool {
    const ALWAYS_ENABLED: [&str; 17] = [
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    ];
    Partition::for_region(region).as_str() == "aws"
        && region != "aws-global"
        && !ALWAYS_ENABLED.contains(&region)
}

/// Returns hints about AccessDenied. STS does not say which condition failed, so these are those that this
/// request may have missed.
fn access_denied_hints(message: &str, request: &AssumeRoleRequest, caller: &str) -> Vec<String> {
    let who = match denied_caller(message) {
        // The description of a later hop's caller already has its ARN.
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
