//! Roles and sign-ins of IAM Identity Center in the shared config file.

use super::error::SourceError;
use super::kind::{SsoSession, SsoSource};
use crate::profiles::{Section, SharedConfig};

/// Returns the sign-in of an `[sso-session]` section.
pub(super) fn named_session(config: &SharedConfig<'_>, name: &str) -> Result<SsoSession, SourceError> {
    let section = config.sso_session(name).ok_or_else(|| SourceError::UnknownSsoSession {
        name: name.to_owned(),
        known: config.sso_session_names().into_iter().map(str::to_owned).collect(),
    })?;
    let invalid = |reason| SourceError::SsoSession { name: name.to_owned(), reason };
    read_session(Some(name), section).map_err(invalid)
}

/// Returns the role of IAM Identity Center that a profile names.
pub(super) fn role_of_profile<'a>(
    config: &SharedConfig<'a>,
    name: &str,
    section: &Section<'a>,
) -> Result<SsoSource, SourceError> {
    let required = |key: &str| {
        section.get(key).map(str::to_owned).ok_or_else(|| SourceError::Profile {
            name: name.to_owned(),
            reason: format!("has no `{key}`, which IAM Identity Center needs"),
        })
    };
    Ok(SsoSource {
        account_id: required("sso_account_id")?,
        role_name: required("sso_role_name")?,
        session: session_of_profile(config, name, section)?,
    })
}

/// Returns where the user of a profile signs in: its `sso_session`, or its own start URL.
pub(super) fn session_of_profile<'a>(
    config: &SharedConfig<'a>,
    name: &str,
    section: &Section<'a>,
) -> Result<SsoSession, SourceError> {
    let invalid = |reason: String| SourceError::Profile { name: name.to_owned(), reason };
    let session_name = section.get("sso_session");
    let session = session_name
        .map(|session| {
            config
                .sso_session(session)
                .ok_or_else(|| invalid(format!("names the [sso-session {session}], which does not exist")))
        })
        .transpose()?;
    // It is unclear which of the two the user means. The AWS CLI and the SDKs refuse this too.
    for key in ["sso_start_url", "sso_region"] {
        let of_session = session.and_then(|session| session.get(key));
        if of_session.is_some_and(|value| section.get(key).is_some_and(|own| own != value)) {
            return Err(invalid(format!("has a different `{key}` than its [sso-session]")));
        }
    }
    read_session(session_name, session.unwrap_or(section)).map_err(invalid)
}

/// Reads the settings of a sign-in from a section. The error is phrased to follow the section's name.
fn read_session(name: Option<&str>, holder: &Section<'_>) -> Result<SsoSession, String> {
    let required = |key: &str| {
        let value = holder.get_non_empty(key).map(str::to_owned);
        value.ok_or_else(|| format!("has no `{key}`, which IAM Identity Center needs"))
    };
    let region = required("sso_region")?;
    // The region becomes part of the name of the host to which arl sends the token.
    if !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(format!("has the `sso_region` `{region}`, which is not a region"));
    }
    let scopes = holder.get_non_empty("sso_registration_scopes").unwrap_or_default();
    let scopes = scopes.split(',').map(|scope| scope.trim().to_owned()).filter(|scope| !scope.is_empty());
    Ok(SsoSession {
        name: name.map(str::to_owned),
        start_url: required("sso_start_url")?,
        region,
        scopes: scopes.collect(),
    })
}
