//! Finds out why STS refused a call. STS has few error codes, so some reasons are only in its
//! messages, which no other module reads.

use arl::internal::StsError;

/// The reasons for which arl has advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The MFA code is wrong, or was used before.
    InvalidMfaCode,
    /// The trust policy requires MFA.
    MfaRequired,
    /// Another condition of a policy denies the call.
    AccessDenied,
    /// The source credentials have expired.
    ExpiredCredentials,
    /// The access key does not exist in this partition.
    UnknownKey,
    /// The signature does not match.
    WrongSecretOrClock,
    /// The time of the signature is wrong.
    WrongClock,
    /// The request was signed for another region than the endpoint's.
    WrongRegion,
    /// The caller is the root user of an account.
    RootCaller,
    /// A service control policy, or another policy of the organization, denies the call.
    ForbiddenByOrganization,
    /// The caller may not set session tags.
    TagsNotAllowed,
    /// The caller may not set a source identity.
    SourceIdentityNotAllowed,
    /// The duration is longer than the role allows.
    DurationAboveRoleMaximum,
    /// The duration is longer than STS allows for a chained role.
    DurationAboveChainedMaximum,
    /// The session policy does not parse.
    MalformedPolicy,
    /// Policies and tags take too much space.
    PackedPolicyTooLarge,
    /// STS is not active in this region.
    RegionDisabled,
    /// The account sends too many calls.
    Throttled,
    /// The web identity token is invalid or expired.
    InvalidIdentityToken,
    /// Anything else.
    Other,
}

impl Refusal {
    /// Returns the reason behind an error code of STS and its message.
    pub(crate) fn classify(code: &str, message: &str) -> Self {
        match code.trim_end_matches("Exception") {
            _ if message.contains("invalid MFA one time pass code") => Self::InvalidMfaCode,
            "AccessDenied" if message.contains("MultiFactorAuthentication") => Self::MfaRequired,
            "AccessDenied" if message.contains("root account") => Self::RootCaller,
            "AccessDenied" if is_of_organization(message) => Self::ForbiddenByOrganization,
            "AccessDenied" if message.contains("perform: sts:TagSession") => Self::TagsNotAllowed,
            "AccessDenied" if message.contains("perform: sts:SetSourceIdentity") => {
                Self::SourceIdentityNotAllowed
            }
            "AccessDenied" => Self::AccessDenied,
            "ExpiredToken" | "ExpiredTokenId" => Self::ExpiredCredentials,
            "InvalidClientTokenId" | "UnrecognizedClient" => Self::UnknownKey,
            "SignatureDoesNotMatch" if message.contains("scoped to a valid region") => Self::WrongRegion,
            "SignatureDoesNotMatch" if is_of_clock(message) => Self::WrongClock,
            "RequestExpired" | "RequestTimeTooSkewed" => Self::WrongClock,
            "SignatureDoesNotMatch" => Self::WrongSecretOrClock,
            "ValidationError" | "Validation" if message.contains("MaxSessionDuration") => {
                Self::DurationAboveRoleMaximum
            }
            "ValidationError" | "Validation" if message.contains("role chaining") => {
                Self::DurationAboveChainedMaximum
            }
            "MalformedPolicyDocument" => Self::MalformedPolicy,
            "PackedPolicyTooLarge" => Self::PackedPolicyTooLarge,
            "RegionDisabled" => Self::RegionDisabled,
            "Throttling" | "RequestLimitExceeded" | "TooManyRequests" | "SlowDown" => Self::Throttled,
            "InvalidIdentityToken" | "IDPRejectedClaim" | "ExpiredIdentityToken" => {
                Self::InvalidIdentityToken
            }
            _ => Self::Other,
        }
    }

    /// Returns the reason of an error, if STS refused the call.
    pub(crate) fn of(error: &StsError) -> Option<Self> {
        match error {
            StsError::Refused { code, message, .. } => Some(Self::classify(code, message)),
            _ => None,
        }
    }
}

/// Whether AWS says that a policy of the organization denies the call. Source: "Troubleshoot access denied
/// error messages" in the IAM User Guide.
fn is_of_organization(message: &str) -> bool {
    ["service control policy", "resource control policy"].iter().any(|policy| message.contains(policy))
}

/// Whether AWS says that the signature is too old, or from the future.
fn is_of_clock(message: &str) -> bool {
    ["Signature expired", "Signature not yet current"].iter().any(|text| message.contains(text))
}

/// Returns the ARN of the caller that an AccessDenied message names: `User: ARN is not authorized to perform:
/// …`.
pub(crate) fn denied_caller(message: &str) -> Option<&str> {
    message
        .split_whitespace()
        .find(|word| word.starts_with("arn:") && (word.contains(":sts:") || word.contains(":iam:")))
}
