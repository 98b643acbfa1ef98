//! Role profiles: the keys of a profile that describe an AssumeRole request.

use std::fmt;
use std::str::FromStr;

use super::config::Section;
use crate::arn::RoleArn;
use crate::error::Error;
use crate::request::notations::{parse_tag_keys, parse_tags};
use crate::request::{ExternalId, SerialNumber, SessionDuration, SourceIdentity, Tag, TagKey};

/// The error for a key whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidProfileKey {
    /// The profile with the key.
    pub profile: String,
    /// The key, spelled as in the shared config.
    pub key: &'static str,
    /// What is wrong, phrased to follow the key's name.
    pub reason: String,
}

impl fmt::Display for InvalidProfileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of profile `{}` {}", self.key, self.profile, self.reason)
    }
}

impl std::error::Error for InvalidProfileKey {}

/// The role keys of a profile. `mfa_process` and the last three are keys of aws-vault. The AWS SDKs ignore
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleProfile {
    /// `role_arn`.
    pub role_arn: RoleArn,
    /// `role_session_name`, which may be a template.
    pub role_session_name: Option<String>,
    /// `duration_seconds`, in seconds or as a duration such as `1h 30m`.
    pub duration_seconds: Option<SessionDuration>,
    /// `external_id`.
    pub external_id: Option<ExternalId>,
    /// `mfa_serial`.
    pub mfa_serial: Option<SerialNumber>,
    /// `mfa_process`.
    pub mfa_process: Option<String>,
    /// `region`.
    pub region: Option<String>,
    /// `source_identity`.
    pub source_identity: Option<SourceIdentity>,
    /// `session_tags`: `K=V,K=V`.
    pub session_tags: Option<Vec<Tag>>,
    /// `transitive_session_tags`: `K,K`.
    pub transitive_session_tags: Option<Vec<TagKey>>,
}

/// Returns the key that says where the profile's web identity token comes from, if there is one. If both keys
/// are present, the file wins, because it is the only key that the SDKs know.
pub fn web_identity_key(section: &Section<'_>) -> Option<&'static str> {
    let keys = ["web_identity_token_file", "web_identity_token_process"];
    keys.into_iter().find(|key| section.get_non_empty(key).is_some())
}

impl RoleProfile {
    /// Reads the role keys. Returns `None` if the profile has no `role_arn`, or if it has a web identity
    /// token, for which `role_arn` has another meaning.
    ///
    /// # Errors
    /// The first key whose value STS would refuse.
    pub fn read(name: &str, section: &Section<'_>) -> Result<Option<Self>, InvalidProfileKey> {
        if section.get("role_arn").is_none() || web_identity_key(section).is_some() {
            return Ok(None);
        }
        let invalid = |key, reason: String| InvalidProfileKey { profile: name.to_owned(), key, reason };
        let role_arn = section
            .get("role_arn")
            .unwrap_or_default()
            .parse()
            .map_err(|error: Error| invalid("role_arn", format!("is not a role: {error}")))?;
        Ok(Some(Self {
            role_arn,
            role_session_name: section.get_non_empty("role_session_name").map(str::to_owned),
            duration_seconds: parse_key(name, section, "duration_seconds")?,
            external_id: parse_key(name, section, "external_id")?,
            mfa_serial: parse_key(name, section, "mfa_serial")?,
            mfa_process: section.get_non_empty("mfa_process").map(str::to_owned),
            region: section.get_non_empty("region").map(str::to_owned),
            source_identity: parse_key(name, section, "source_identity")?,
            session_tags: section
                .get_non_empty("session_tags")
                .map(|text| parse_tags(&normalize_list(text)))
                .transpose()
                .map_err(|error| invalid("session_tags", error.to_string()))?,
            transitive_session_tags: section
                .get_non_empty("transitive_session_tags")
                .map(|text| parse_tag_keys(&normalize_list(text)))
                .transpose()
                .map_err(|error| invalid("transitive_session_tags", error.to_string()))?,
        }))
    }
}

fn parse_key<T: FromStr<Err = Error>>(
    name: &str,
    section: &Section<'_>,
    key: &'static str,
) -> Result<Option<T>, InvalidProfileKey> {
    let value = section.get_non_empty(key).map(str::parse).transpose();
    value.map_err(|error: Error| InvalidProfileKey {
        profile: name.to_owned(),
        key,
        reason: error.to_string(),
    })
}

/// Removes the whitespace around the commas of a profile's list, and around the `=` of tags, and drops empty
/// items.
///
/// aws-vault does the same, so users write profiles with spaces, which would otherwise become part of a tag.
/// JSON stays as it is.
///
/// ```
/// assert_eq!(arl::internal::normalize_list(" Team = web , Note=x"), "Team=web,Note=x");
/// ```
pub fn normalize_list(list: &str) -> String {
    if list.trim_start().starts_with(['{', '[']) {
        return list.to_owned();
    }
    let trimmed = |item: &str| match item.split_once('=') {
        Some((key, value)) => format!("{}={}", key.trim(), value.trim()),
        None => item.trim().to_owned(),
    };
    let items = list.split(',').filter(|item| !item.trim().is_empty());
    items.map(trimmed).collect::<Vec<_>>().join(",")
}
