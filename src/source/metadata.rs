//! The settings of the instance metadata service and of the container endpoint.

use std::time::Duration;

use super::error::SourceError;
use super::kind::{ContainerSource, ContainerToken, MetadataPresence, MetadataSource};
use crate::profiles::Section;
use crate::secret::Secret;

/// The instance metadata service of EC2, by IPv4 and by IPv6.
const ENDPOINTS: [&str; 2] = ["http://169.254.169.254", "http://[fd00:ec2::254]"];
/// The container agent of ECS.
const ECS_AGENT: &str = "http://169.254.170.2";
/// The longest timeout, in seconds, and the most attempts. More would look like a hang.
const MAX_TIMEOUT: u64 = 60;
const MAX_ATTEMPTS: u32 = 100;

type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Reads the settings of the instance metadata service. Each comes from its variable, else from the first of
/// these profiles that has the key.
///
/// Source: "IMDS credential provider" in the AWS SDKs and Tools Reference Guide.
pub(super) fn instance_metadata(
    var: &Lookup<'_>,
    profiles: &[&Section<'_>],
    presence: MetadataPresence,
) -> Result<MetadataSource, SourceError> {
    let disabled = "AWS_EC2_METADATA_DISABLED";
    match var(disabled).as_deref().map(str::trim) {
        Some(text) if text.eq_ignore_ascii_case("true") => {
            return Err(match presence {
                MetadataPresence::Possible => SourceError::NotConfigured,
                MetadataPresence::Certain => SourceError::Environment(format!(
                    "the source is instance metadata, but {disabled} turns that off"
                )),
            });
        }
        Some(text) if !text.eq_ignore_ascii_case("false") => {
            return Err(SourceError::Environment(format!("{disabled} must be true or false, not `{text}`")));
        }
        _ => {}
    }
    let setting = |variable: &str, key: &str| {
        let of_profile = || {
            let value = profiles.iter().find_map(|profile| profile.get_non_empty(key))?;
            Some((format!("`{key}`"), value.to_owned()))
        };
        var(variable).map(|value| (variable.to_owned(), value)).or_else(of_profile)
    };
    let number = |variable: &str, key: &str, max: u64| {
        let Some((origin, text)) = setting(variable, key) else { return Ok(None) };
        let number = text.trim().parse::<u64>().ok().filter(|number| (1..=max).contains(number));
        let invalid = || {
            SourceError::Environment(format!("{origin} must be a whole number from 1 to {max}, not `{text}`"))
        };
        number.map(Some).ok_or_else(invalid)
    };
    let mode = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
    let by_mode = match &mode {
        Some((_, mode)) if mode.trim().eq_ignore_ascii_case("ipv6") => ENDPOINTS[1],
        Some((origin, mode)) if !mode.trim().eq_ignore_ascii_case("ipv4") => {
            return Err(SourceError::Environment(format!("{origin} must be IPv4 or IPv6, not `{mode}`")));
        }
        _ => ENDPOINTS[0],
    };
    let endpoint = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    let timeout = number("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", MAX_TIMEOUT)?;
    let attempts =
        number("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", MAX_ATTEMPTS.into())?;
    Ok(MetadataSource {
        endpoint: endpoint.map_or_else(|| by_mode.to_owned(), |(_, endpoint)| endpoint),
        timeout: Duration::from_secs(timeout.unwrap_or(1)),
        attempts: attempts.and_then(|attempts| u32::try_from(attempts).ok()),
        presence,
    })
}

/// Whether a profile has settings of the instance metadata service.
pub(super) fn has_settings(profile: &Section<'_>) -> bool {
    const KEYS: [&str; 4] = [
        "ec2_metadata_service_endpoint",
        "ec2_metadata_service_endpoint_mode",
        "metadata_service_timeout",
        "metadata_service_num_attempts",
    ];
    KEYS.iter().any(|key| profile.get_non_empty(key).is_some())
}

impl ContainerSource {
    /// Returns the container endpoint that the environment names, if it names one.
    ///
    /// Source: "Container credential provider" in the AWS SDKs and Tools Reference Guide.
    pub fn find(var: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let var = |name: &str| var(name).filter(|value| !value.is_empty());
        let of_ecs = var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{ECS_AGENT}{path}"));
        let url = of_ecs.or_else(|| var("AWS_CONTAINER_CREDENTIALS_FULL_URI"))?;
        let token = match var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(path) => ContainerToken::File(path),
            None => var("AWS_CONTAINER_AUTHORIZATION_TOKEN")
                .map_or(ContainerToken::None, |token| ContainerToken::Text(Secret::new(token))),
        };
        Some(Self { url, token })
    }
}
