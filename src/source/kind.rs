//! The kinds of source credentials.

use std::fmt;
use std::time::Duration;

use super::sso_token::cache_file_name;
use crate::arn::{AccountId, RoleArn};
use crate::credentials::Credentials;
use crate::keys::{KeyName, StoredKey};
use crate::request::{SerialNumber, SessionDuration};
use crate::secret::Secret;

/// The variable that tells a credential process, and the programs it starts, which profiles are being
/// resolved: one name per line.
pub const PROCESS_ANCESTORS: &str = "ARL_PROCESS_PROFILES";

/// The source of the first credentials of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Keys from the environment or from a profile.
    Keys(Credentials),
    /// Long-term keys in the system's keychain.
    Keychain(StoredKey),
    /// A role of IAM Identity Center, with the token of a sign-in.
    Sso(SsoSource),
    /// A command that prints credentials as JSON.
    Process(ProcessSource),
    /// A session of long-term keys that was obtained with an MFA code.
    MfaSession {
        /// The long-term keys: [`Source::Keys`] or [`Source::Keychain`].
        keys: Box<Source>,
        /// The MFA device.
        serial_number: SerialNumber,
    },
    /// The session from `aws login`.
    Login(LoginSource),
    /// A web identity token.
    WebIdentity {
        /// The role that trusts the token's issuer.
        role_arn: RoleArn,
        /// Where the token comes from.
        token: WebIdentityToken,
        /// The session name. `None`: arl chooses one.
        role_session_name: Option<String>,
        /// How long the session lasts.
        duration_seconds: Option<SessionDuration>,
    },
    /// The container credentials endpoint.
    Container(ContainerSource),
    /// The instance metadata service.
    InstanceMetadata(MetadataSource),
}

/// The container credentials endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSource {
    /// The URL. On ECS this is the URL of the ECS agent and the path from the environment, elsewhere the full
    /// URL from the environment.
    pub url: String,
    /// The authorization token that the endpoint requires.
    pub token: ContainerToken,
}

/// The authorization token of a container credentials endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerToken {
    /// ECS requires no token.
    None,
    /// The token itself.
    Text(Secret),
    /// The file that holds it. Kubernetes replaces the token from time to time.
    File(String),
}

/// The instance metadata service, and the limits of its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataSource {
    /// The URL of the service.
    pub endpoint: String,
    /// The time limit of one request.
    pub timeout: Duration,
    /// How often a request is tried. `None`: once if no answer comes, and three times if the service is busy.
    pub attempts: Option<u32>,
    /// Whether the configuration says that this host has the service.
    pub presence: MetadataPresence,
}

/// Whether there is an instance metadata service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataPresence {
    /// A `credential_source` says so.
    Certain,
    /// Nothing else is configured, so arl tries the service. Most hosts have none.
    Possible,
}

/// Where the token of a web identity comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebIdentityToken {
    /// A file.
    File(String),
    /// A command that prints it, as in aws-vault.
    Process(ProcessSource),
}

/// A command that prints credentials or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSource {
    /// The command line, for `sh`.
    pub command: String,
    /// The profile with the command.
    pub profile: String,
    /// The profiles whose processes led to this one, the first one first.
    pub ancestors: Vec<String>,
    /// The profile's `aws_account_id`, for a process that prints no account.
    pub account_id: Option<AccountId>,
}

/// A session from `aws login`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSource {
    /// `login_session`: the ARN of the identity that signed in.
    pub session: String,
    /// The profile that names it.
    pub profile: String,
    /// The file with the session.
    pub file: String,
}

/// A role of IAM Identity Center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoSource {
    /// `sso_account_id`.
    pub account_id: String,
    /// `sso_role_name`.
    pub role_name: String,
    /// Where the user signs in.
    pub session: SsoSession,
}

/// The settings of a sign-in to IAM Identity Center, which all of its roles share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoSession {
    /// The name of the `[sso-session]` section, which older profiles do not have.
    pub name: Option<String>,
    /// `sso_start_url`.
    pub start_url: String,
    /// `sso_region`.
    pub region: String,
    /// `sso_registration_scopes`.
    pub scopes: Vec<String>,
}

impl SsoSession {
    /// Returns the name of the sign-in, for messages and for the name of the token file: the session's name,
    /// else the start URL.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.start_url)
    }

    /// Returns the name of the token file.
    pub fn token_file_name(&self) -> String {
        cache_file_name(self.label())
    }
}

/// Identifies a source: the value of `ARL_SOURCE`. With it arl finds the source again after a role has
/// replaced the variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceId {
    /// A profile, possibly a role profile itself.
    Profile(String),
    /// The keys of a profile that has a role too. A profile that names it as `source_profile` starts from
    /// these keys.
    ProfileKeys(String),
    /// Keys from the environment, by access key ID.
    Environment(String),
    /// A role of IAM Identity Center that the user named as `SESSION:ACCOUNT/NAME`. Holds the session.
    SsoSession(String),
    /// Keys in the keychain, by name.
    Keychain(KeyName),
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`.
    WebIdentity,
    /// The container credentials endpoint.
    Container,
    /// The instance metadata service.
    InstanceMetadata,
    /// The instance metadata service with the settings of this profile, because another endpoint is another
    /// identity.
    InstanceMetadataOf(String),
}

impl SourceId {
    /// Parses the output of [`fmt::Display`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match (text.split_once(':'), text) {
            (Some(("profile", name)), _) => Self::Profile(name.to_owned()),
            (Some(("profile-keys", name)), _) => Self::ProfileKeys(name.to_owned()),
            (Some(("env", id)), _) => Self::Environment(id.to_owned()),
            (Some(("sso", session)), _) => Self::SsoSession(session.to_owned()),
            (Some(("keys", name)), _) => Self::Keychain(name.parse().ok()?),
            (None, "web-identity") => Self::WebIdentity,
            (None, "container") => Self::Container,
            (Some(("imds", name)), _) => Self::InstanceMetadataOf(name.to_owned()),
            (None, "imds") => Self::InstanceMetadata,
            _ => return None,
        })
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile(name) => write!(f, "profile:{name}"),
            Self::ProfileKeys(name) => write!(f, "profile-keys:{name}"),
            Self::Environment(id) => write!(f, "env:{id}"),
            Self::SsoSession(session) => write!(f, "sso:{session}"),
            Self::Keychain(name) => write!(f, "keys:{name}"),
            Self::WebIdentity => f.write_str("web-identity"),
            Self::Container => f.write_str("container"),
            Self::InstanceMetadata => f.write_str("imds"),
            Self::InstanceMetadataOf(name) => write!(f, "imds:{name}"),
        }
    }
}
