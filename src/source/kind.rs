//! What sources of credentials there are.

use std::fmt;

use crate::arn::RoleArn;
use crate::credentials::Credentials;
use crate::request::{SerialNumber, SessionDuration};

/// The variable that tells a credential process, and what it starts, which profiles are being asked for: a name a line.
pub const PROCESS_ANCESTORS: &str = "ARL_PROCESS_PROFILES";

/// Where the first credentials of a call come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Keys, from the environment or a profile.
    Keys(Credentials),
    /// IAM Identity Center, with the token that `aws sso login` left.
    Sso(SsoSource),
    /// A command that prints credentials as JSON.
    Process(ProcessSource),
    /// A session of a person's long-term keys that an MFA code was given for.
    MfaSession {
        /// The keys.
        keys: Credentials,
        /// The device.
        serial_number: SerialNumber,
    },
    /// The session that `aws login` left.
    Login(LoginSource),
    /// A web identity token.
    WebIdentity {
        /// The role that trusts the token's issuer.
        role_arn: RoleArn,
        /// The file that holds the token.
        token_file: String,
        /// The session's name; made up where missing.
        role_session_name: Option<String>,
        /// How long the session is to last.
        duration_seconds: Option<SessionDuration>,
    },
    /// The container credentials endpoint.
    Container,
    /// The instance metadata service.
    InstanceMetadata,
}

/// A `credential_process`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSource {
    /// The command line, for a shell.
    pub command: String,
    /// The profile that it stands in.
    pub profile: String,
    /// The profiles whose processes this program was started by, the first one first.
    pub ancestors: Vec<String>,
}

/// What tells a login from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSource {
    /// `login_session`: the ARN of who signed in.
    pub session: String,
    /// The profile that names it.
    pub profile: String,
    /// Where it is kept.
    pub file: String,
}

/// What IAM Identity Center needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoSource {
    /// `sso_account_id`.
    pub account_id: String,
    /// `sso_role_name`.
    pub role_name: String,
    /// `sso_start_url`.
    pub start_url: String,
    /// `sso_region`.
    pub region: String,
    /// The name of the `[sso-session]` section; older profiles have none.
    pub session_name: Option<String>,
}

/// Names a source so that it can be found again after its variables have been replaced: `ARL_SOURCE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceTag {
    /// A profile, possibly a role profile itself.
    Profile(String),
    /// The keys of a profile that has a role as well, as somebody's `source_profile`.
    ProfileKeys(String),
    /// Environment keys, by access key ID.
    Environment(String),
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`.
    WebIdentity,
    /// The container credentials endpoint.
    Container,
    /// The instance metadata service.
    InstanceMetadata,
}

impl SourceTag {
    /// Reads what [`fmt::Display`] wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match (text.split_once(':'), text) {
            (Some(("profile", name)), _) => Self::Profile(name.to_owned()),
            (Some(("profile-keys", name)), _) => Self::ProfileKeys(name.to_owned()),
            (Some(("env", id)), _) => Self::Environment(id.to_owned()),
            (None, "web-identity") => Self::WebIdentity,
            (None, "container") => Self::Container,
            (None, "imds") => Self::InstanceMetadata,
            _ => return None,
        })
    }
}

impl fmt::Display for SourceTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile(name) => write!(f, "profile:{name}"),
            Self::ProfileKeys(name) => write!(f, "profile-keys:{name}"),
            Self::Environment(id) => write!(f, "env:{id}"),
            Self::WebIdentity => f.write_str("web-identity"),
            Self::Container => f.write_str("container"),
            Self::InstanceMetadata => f.write_str("imds"),
        }
    }
}
