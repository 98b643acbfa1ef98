//! The identity variables, which are set and unset together.
//!
//! A tool that sets only some of them leaves a shell with a mixed identity: botocore prefers a stale
//! `AWS_SECURITY_TOKEN`, the JavaScript SDK prefers a leftover `AWS_PROFILE`, and every SDK refuses new keys
//! beside an old `AWS_CREDENTIAL_EXPIRATION`.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::arn::RoleArn;
use crate::credentials::Credentials;
use crate::encoding::rfc3339;
use crate::secret::Secret;

/// All variables that decide or describe the identity of a process. The region is not part of it.
pub const IDENTITY_VARIABLES: [&str; 27] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ACCOUNT_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_EXPIRATION",
    "AWS_CREDENTIALS_EXPIRATION",
    "AWS_CREDENTIAL_SCOPE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CREDENTIAL_FILE",
    "ARL_ROLE",
    "ARL_ROLE_ARN",
    "ARL_EXPIRES_AT",
    "ARL_KEY_ID",
    "ARL_SOURCE",
    "ARL_REGION",
    "ARL_USER_REGION",
    "ARL_ENDPOINT",
];

/// The variables that choose a region. [`RegionChange`] says how a new identity changes them.
pub const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The variables that [`Identity::variables`] may set. It unsets the others, so if they are set later,
/// another program or the user set them.
pub const ASSUMED_VARIABLES: [&str; 12] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ACCOUNT_ID",
    "ARL_ROLE",
    "ARL_ROLE_ARN",
    "ARL_EXPIRES_AT",
    "ARL_KEY_ID",
    "ARL_SOURCE",
    "ARL_REGION",
    "ARL_USER_REGION",
];

/// How a new identity changes the region variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegionChange {
    /// They stay as they are, because the user has chosen a region, or because nothing names one.
    Keep,
    /// Both are set to this region, which a flag or a profile names. With `ARL_REGION`, later
    /// runs of arl know that the region came with the role.
    Set(String),
    /// Both are set to the region that the user has set in one of them, because some SDKs read only the
    /// other.
    Complete(String),
    /// Both are unset, because they hold another role's region or one of another partition.
    Unset,
}

impl RegionChange {
    /// Returns the region that both variables are set to.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Set(region) | Self::Complete(region) => Some(region),
            Self::Keep | Self::Unset => None,
        }
    }
}

/// An identity to export: credentials, and what is known about them.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The credentials.
    pub credentials: Credentials,
    /// The name that the user gave, as the value of `ARL_ROLE`.
    pub name: Option<String>,
    /// The role. `None` for credentials that a profile has without a role.
    pub role_arn: Option<RoleArn>,
    /// The source of the role, as the value of `ARL_SOURCE`.
    pub source: String,
    /// How this identity changes the region variables.
    pub region: RegionChange,
    /// The value of `ARL_USER_REGION`: the region that the user has chosen, if the region variables do not
    /// hold it while this identity is used. Later runs of arl read it there, because they cannot see the
    /// variables that the shell has saved.
    pub user_region: Option<String>,
}

impl Identity {
    /// Returns the variables to set, in the order of [`IDENTITY_VARIABLES`], with the region last.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let Self { credentials, name, role_arn, source, region, user_region } = self;
        let mut variables = vec![
            ("AWS_ACCESS_KEY_ID", credentials.access_key_id().to_owned()),
            ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key().expose().to_owned()),
        ];
        let mut insert = |name, value: Option<String>| variables.extend(value.map(|value| (name, value)));
        let expiration = credentials.expiration();
        insert("AWS_SESSION_TOKEN", credentials.session_token().map(|token| token.expose().to_owned()));
        insert("AWS_CREDENTIAL_EXPIRATION", expiration.map(rfc3339));
        insert("AWS_ACCOUNT_ID", credentials.account_id().map(ToString::to_string));
        insert("ARL_ROLE", name.clone());
        insert("ARL_ROLE_ARN", role_arn.as_ref().map(ToString::to_string));
        insert("ARL_EXPIRES_AT", expiration.map(|time| epoch_seconds(time).to_string()));
        insert("ARL_KEY_ID", Some(credentials.access_key_id().to_owned()));
        insert("ARL_SOURCE", Some(source.clone()));
        let chosen = matches!(region, RegionChange::Set(_));
        insert("ARL_REGION", region.region().filter(|_| chosen).map(str::to_owned));
        insert("ARL_USER_REGION", user_region.clone());
        for name in REGION_VARIABLES {
            insert(name, region.region().map(str::to_owned));
        }
        variables
    }

    /// Returns the variables for a process that gets its credentials from arl's endpoint. All other identity
    /// variables must be unset.
    pub fn endpoint_variables(&self, url: &str, token: &Secret) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.to_owned()),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token.expose().to_owned()),
            ("ARL_ENDPOINT", url.to_owned()),
        ];
        let passed_on = [
            "ARL_ROLE",
            "ARL_ROLE_ARN",
            "ARL_SOURCE",
            "ARL_REGION",
            "ARL_USER_REGION",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
        ];
        variables.extend(self.variables().into_iter().filter(|(name, _)| passed_on.contains(name)));
        variables
    }

    /// Returns the variables whose previous values must not remain.
    pub fn replaced_variables(&self) -> impl Iterator<Item = &'static str> + use<> {
        let region: &[_] = if self.region == RegionChange::Unset { &REGION_VARIABLES } else { &[] };
        IDENTITY_VARIABLES.into_iter().chain(region.iter().copied())
    }

    /// Returns the variables to unset: the identity variables for which this identity has no value, and the
    /// region variables if they hold a region that is not for it.
    pub fn variables_to_unset(&self) -> Vec<&'static str> {
        let variables = self.variables();
        let has_value = |name: &&str| variables.iter().any(|(other, _)| other == name);
        self.replaced_variables().filter(|name| !has_value(name)).collect()
    }
}

/// The error for a value that a format cannot express. It does not contain the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedValue {
    /// The variable.
    pub name: &'static str,
}

impl fmt::Display for UnsupportedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value of {} contains characters that the output format cannot represent", self.name)
    }
}

impl std::error::Error for UnsupportedValue {}

fn epoch_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
