//! Converts errors of the library to errors with hints.

use std::time::{Duration, SystemTime};

use arl::internal::shell::Shell;
use arl::internal::{
    AssumeRoleRequest, CertificateFault, EditError, HelperError, KeyStoreError, MetadataPresence,
    MetadataRequest, Partition, ProcessError, Source, SourceChain, SourceId, StsError, StsSettings,
    UpdateError, WebIdentityToken,
};

use crate::cli::env::context::Context;
use crate::cli::plan::mistyped_role::SSO_ROLE;
use crate::cli::plan::refusal::{Refusal, denied_caller};
use crate::cli::ui::error::CliError;
use crate::cli::ui::text::{human_duration, last_four, quote_words};

const INVALID_CODE_HINT: &str = "each code works once, for 30 seconds: wait for the next one";

/// Returns the error for a source that failed.
pub(crate) fn source_failed(error: &StsError, chain: &SourceChain) -> CliError {
    let cli_error =
        CliError::new(format!("could not get the source credentials ({})", describe(chain))).caused_by(error);
    let profile = chain.source_profile.as_deref().unwrap_or("default");
    if let StsError::Keychain(error) = error {
        return cli_error.hints(keychain_hints(error));
    }
    match &chain.source {
        Source::MfaSession { .. } if Refusal::of(error) == Some(Refusal::InvalidMfaCode) => {
            cli_error.hint(INVALID_CODE_HINT)
        }
        Source::Login(_) => cli_error.hint(format!("sign in: aws login --profile {profile}")),
        Source::InstanceMetadata(source) => {
            let hints = metadata_hints(error, source.presence == MetadataPresence::Possible);
            cli_error.hints(hints.into_iter().map(str::to_owned))
        }
        Source::Process(process) => {
            let words = ["aws", "configure", "get", "credential_process", "--profile", &process.profile];
            let line = quote_words(Shell::Posix, &words.map(str::to_owned));
            cli_error.hint(format!("to see the credential process, and run it without arl: {line}"))
        }
        Source::Container(_) => cli_error.hint(
            "check AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN, which the container platform sets",
        ),
        Source::WebIdentity { token: WebIdentityToken::File(_), .. } if matches!(error, StsError::Source(_)) => {
            cli_error.hint(match &chain.source_profile {
                Some(profile) => format!("check `web_identity_token_file` of profile `{profile}`"),
                None => "check AWS_WEB_IDENTITY_TOKEN_FILE".to_owned(),
            })
        }
        _ => cli_error,
    }
}

/// Returns the hints for a failure of the keychain.
pub(crate) fn keychain_hints(error: &KeyStoreError) -> Vec<String> {
    let hint = match error {
        KeyStoreError::NoStore(_) => {
            "install one: docker-credential-helper (Homebrew), or golang-docker-credential-helpers with gnome-keyring or pass (Debian)".into()
        }
        KeyStoreError::NotFound { name, .. } => {
            format!("`arl keys list` shows the stored keys; to store this one: arl keys add {name}")
        }
        KeyStoreError::Helper { error: HelperError::Process(ProcessError::NotStarted(_)), store } => {
            format!("install `{}` and put it on PATH, or set ARL_KEY_STORE to another keychain", store.program())
        }
        KeyStoreError::Helper { .. } | KeyStoreError::NotKept(_) => {
            "unlock the keychain, or set ARL_KEY_STORE to another one; a session without a desktop may have no keychain".into()
        }
        KeyStoreError::Foreign { name, .. } => format!("to replace it: arl keys add {name} --force"),
    };
    vec![hint]
}

/// Returns the hints for a failure of the instance metadata service.
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
    let kind = describe_kind(&chain.source);
    match (&chain.source_profile, &chain.id) {
        (Some(profile), _) => format!("profile `{profile}`, {kind}"),
        (None, SourceId::Environment(_)) => format!("environment, {kind}"),
        (None, _) => kind,
    }
}

fn describe_kind(source: &Source) -> String {
    match source {
        Source::Keys(keys) => format!("key …{}", last_four(keys.access_key_id())),
        Source::Keychain(key) => format!("keys `{}` of the keychain", key.name),
        Source::Sso(_) => "IAM Identity Center".into(),
        Source::Process(_) => "credential process".into(),
        Source::MfaSession { keys, .. } => format!("MFA session of {}", describe_kind(keys)),
        Source::Login(_) => "aws login".into(),
        Source::WebIdentity { .. } => "web identity".into(),
        Source::Container(_) => "container endpoint".into(),
        Source::InstanceMetadata(_) => "instance metadata".into(),
    }
}

/// Returns the error for a failed AssumeRole call. `caller` describes the credentials that signed it.
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
        error if error.is_clock_problem() => cli_error.hint(
            "arl discarded the credentials; if this machine's clock is wrong, set it (`date -u` shows it)",
        ),
        StsError::Mismatch(_) => {
            cli_error.hint(format!("arl discarded the credentials; check whether you trust {endpoint}"))
        }
        _ => cli_error,
    }
}

/// Returns the hint for a shared file that another program changed while arl decided what to write.
pub(crate) fn changed_file_hint(error: &UpdateError<EditError>) -> Option<String> {
    matches!(error, UpdateError::Edit(EditError::Changed))
        .then(|| "look at the profile, and run the command again if it still needs the change".to_owned())
}

/// Returns the hint for a connection that failed.
pub(crate) fn network_hint(error: &StsError, endpoint: &str, region: &str) -> Option<String> {
    match error {
        StsError::Untrusted { fault, .. } => Some(certificate_hint(*fault, endpoint)),
        StsError::Unreachable(_) | StsError::TimedOut(_) => {
            Some(format!("check the network, HTTPS_PROXY, and the endpoint ({endpoint}, region {region})"))
        }
        _ => None,
    }
}

/// Returns the hint for a certificate that TLS rejected.
fn certificate_hint(fault: CertificateFault, endpoint: &str) -> String {
    match fault {
        CertificateFault::IsAuthority => format!(
            "{endpoint} uses a certificate for an authority (CA:TRUE), which clients reject for a server; give the server a certificate with CA:FALSE that this authority has issued"
        ),
        CertificateFault::WrongName => {
            format!("the certificate is not valid for {endpoint}; check --endpoint-url and AWS_ENDPOINT_URL")
        }
        CertificateFault::WrongTime => {
            "have the server's certificate renewed; if this machine's clock is wrong, set it (`date -u` shows it)"
                .into()
        }
        _ => "if your network has its own certificate authority, set AWS_CA_BUNDLE to its PEM file".into(),
    }
}

/// Returns a text about the difference between this host's clock and the endpoint's, if it is more than four
/// minutes.
pub(crate) fn clock_skew(endpoint_time: SystemTime) -> Option<String> {
    let now = Context::now();
    let (skew, direction) = match now.duration_since(endpoint_time) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let skew = (skew > Duration::from_secs(4 * 60)).then(|| human_duration(skew))?;
    Some(format!("this machine's clock is {skew} {direction} the endpoint's"))
}

/// Returns the hints for a refusal of STS.
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
        Refusal::MfaRequired if request.serial_number.is_some() => {
            let device = request.serial_number.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("check that `{device}` is the MFA device of the user that asks ({caller})")
        }
        Refusal::MfaRequired => {
            "name your MFA device with --serial-number; arl asks for the code, unless you pass --token-code".into()
        }
        Refusal::ExpiredCredentials => format!(
            "the source credentials have expired ({caller}): get new ones, and try again"
        ),
        Refusal::UnknownKey if is_opt_in(region) => format!(
            "AWS does not know the access key ({caller}) in region {region}: it is deleted or inactive, or its account has not enabled the region, or the key is from the global STS endpoint; try --region us-east-1"
        ),
        Refusal::UnknownKey => format!(
            "AWS does not know the access key ({caller}): it is deleted or inactive, or it does not belong to the partition of region {region}"
        ),
        Refusal::WrongRegion => format!(
            "arl signed the request for region {region}, but the endpoint belongs to another region; name that region with --region"
        ),
        Refusal::RootCaller => {
            "the root user of an account cannot assume roles: use an IAM user's keys, or sign in to IAM Identity Center"
                .into()
        }
        Refusal::WrongClock => "set this machine's clock; `date -u` shows it".into(),
        Refusal::ForbiddenByOrganization => format!(
            "{}; a policy of the organization denies it, and only the organization's administrators can change that",
            asked_as(message, caller)
        ),
        Refusal::TagsNotAllowed => format!(
            "{}; for session tags, both the role's trust policy and the caller's policy must allow sts:TagSession",
            asked_as(message, caller)
        ),
        Refusal::SourceIdentityNotAllowed => format!(
            "{}; for a source identity, both the role's trust policy and the caller's policy must allow sts:SetSourceIdentity",
            asked_as(message, caller)
        ),
        Refusal::WrongSecretOrClock => {
            format!("the secret key is wrong ({caller}), or this machine's clock is wrong (`date -u` shows it)")
        }
        Refusal::DurationAboveRoleMaximum => {
            "every role allows 1h (--duration 1h); for more, raise the role's maximum session duration in IAM".into()
        }
        Refusal::DurationAboveChainedMaximum => {
            "a role that is assumed with temporary credentials lasts at most 1h (--duration 1h)".into()
        }
        Refusal::MalformedPolicy => "check the syntax of --policy".into(),
        Refusal::PackedPolicyTooLarge => {
            "shorten --policy, --policy-arns and --tags: STS limits their total size".into()
        }
        Refusal::RegionDisabled => {
            format!("activate STS in {region} for this account, or call another region with --region")
        }
        Refusal::Throttled => {
            "this account calls STS too often: try again in a moment".into()
        }
        Refusal::InvalidIdentityToken => {
            "the web identity token is invalid or has expired: get a new one".into()
        }
    };
    vec![hint]
}

/// Whether an account must enable the region before using it, as with every region that AWS opened after
/// March 2019.
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

/// Returns who asked STS: the identity, if the message names it, and the credentials that signed the call.
fn asked_as(message: &str, caller: &str) -> String {
    match denied_caller(message) {
        // After the first hop, `caller` is an ARN already.
        Some(arn) if caller.contains(arn) => format!("arl asked as {caller}"),
        Some(arn) => format!("arl asked as `{arn}` ({caller})"),
        None => format!("arl asked with these credentials: {caller}"),
    }
}

/// Returns the hints for AccessDenied. STS does not say which condition failed, so the hints name those that
/// this request may not meet.
fn access_denied_hints(message: &str, request: &AssumeRoleRequest, caller: &str) -> Vec<String> {
    let asked = asked_as(message, caller);
    let role = &request.role_arn;
    let of_caller = denied_caller(message).and_then(|arn| arn.split(':').nth(1));
    if let Some(other) = of_caller.filter(|partition| *partition != role.partition().as_str()) {
        return vec![format!(
            "{asked}; a role of partition {} needs credentials of that partition, not of {other}: name a profile that has them with --profile",
            role.partition()
        )];
    }
    if role.role_name().starts_with("AWSReservedSSO_") {
        return vec![SSO_ROLE.to_owned()];
    }
    let identity =
        if denied_caller(message).is_some() { "this identity" } else { "the identity of these credentials" };
    let mut hints = vec![format!(
        "{asked}; the role's trust policy must allow {identity}, and a policy of this identity must allow sts:AssumeRole"
    )];
    let (account, name) = (role.account_id(), role.role_name());
    hints.push(match role.to_string().contains(":role/role/") {
        true => format!("the path of that role is /role/; did you mean `{account}/{name}`?"),
        false => format!("STS gives the same answer if account {account} has no role {name}"),
    });
    hints.push(match &request.external_id {
        None => "if the role requires an external ID, pass it with --external-id".to_owned(),
        Some(id) => format!("check that `{id}` is the external ID that the role requires"),
    });
    if request.serial_number.is_none() {
        hints.push(
            "if the role requires MFA, name your device with --serial-number; arl then asks for the code"
                .to_owned(),
        );
    }
    let tags = request.tags.as_ref().is_some_and(|tags| !tags.is_empty());
    for (is_sent, what, action) in [
        (tags, "session tags", "sts:TagSession"),
        (request.source_identity.is_some(), "a source identity", "sts:SetSourceIdentity"),
    ] {
        if is_sent {
            hints.push(format!(
                "for {what}, both the role's trust policy and the caller's policy must allow {action}"
            ));
        }
    }
    hints
}
