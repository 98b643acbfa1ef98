//! Sign-in URLs of the AWS console, and addresses that open such a URL in a Firefox container.
//!
//! Source: "Enable custom identity broker access to the AWS console" in the IAM User Guide.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::arn::Partition;
use crate::credentials::Credentials;
use crate::digest::sha256_hex;
use crate::encoding::percent_encode;
use crate::request::SessionDuration;
use crate::secret::Secret;
use crate::sts::{LazyClient, NetworkConfig, StsError};

/// How long arl waits for the answer. AWS normally answers in a fraction of a second.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(15);

/// A page of the AWS console, and how to sign in to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleSignIn {
    /// `https://signin.aws.amazon.com` and the like.
    endpoint: String,
    destination: String,
    /// How long the console session lasts. `None`: as long as the credentials.
    session_duration: Option<SessionDuration>,
}

/// The error for a partition whose console is not known, or for an invalid service name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleError(String);

impl fmt::Display for ConsoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConsoleError {}

impl ConsoleSignIn {
    /// Creates a sign-in to the console of a partition. It leads to the page of `service`, or to the front
    /// page if there is none, in `region` if one is given.
    ///
    /// # Errors
    /// The console of the partition is not known, or `service` is not a service name.
    pub fn new(
        partition: &Partition,
        service: Option<&str>,
        region: Option<&str>,
    ) -> Result<Self, ConsoleError> {
        let (endpoint, console) = match partition.as_str() {
            "aws" => ("https://signin.aws.amazon.com", "https://console.aws.amazon.com"),
            "aws-cn" => ("https://signin.amazonaws.cn", "https://console.amazonaws.cn"),
            "aws-us-gov" => ("https://signin.amazonaws-us-gov.com", "https://console.amazonaws-us-gov.com"),
            other => return Err(ConsoleError(format!("the console of partition `{other}` is not known"))),
        };
        let service = service.unwrap_or("console");
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-_/".contains(&b);
        if service.is_empty() || !service.bytes().all(is_name) {
            return Err(ConsoleError(format!(
                "`{service}` is not a service name of the console, such as s3 or ec2/v2"
            )));
        }
        let region = region.map(|region| format!("?region={}", percent_encode(region))).unwrap_or_default();
        let destination = format!("{console}/{service}/home{region}");
        Ok(Self { endpoint: endpoint.to_owned(), destination, session_duration: None })
    }

    /// Replaces the sign-in endpoint, which is otherwise that of the partition.
    #[must_use]
    pub fn with_endpoint(self, endpoint: &str) -> Self {
        Self { endpoint: endpoint.trim_end_matches('/').to_owned(), ..self }
    }

    /// Limits the console session to this duration. AWS accepts no duration for a role that was assumed from
    /// a role.
    #[must_use]
    pub fn with_duration(self, session_duration: Option<SessionDuration>) -> Self {
        Self { session_duration, ..self }
    }

    /// Returns a URL that signs the browser in. The URL is as secret as the credentials, and valid for
    /// 15 minutes.
    ///
    /// # Errors
    /// The credentials are not temporary, AWS refuses them, or the endpoint cannot be reached.
    pub async fn sign_in_url(
        &self,
        credentials: &Credentials,
        network: &NetworkConfig,
    ) -> Result<Secret, StsError> {
        let Self { endpoint, destination, session_duration } = self;
        let Some(token) = credentials.session_token() else {
            return Err(StsError::Source("the console accepts only temporary credentials".into()));
        };
        let session = Zeroizing::new(
            json!({
                "sessionId": credentials.access_key_id(),
                "sessionKey": credentials.secret_access_key().expose(),
                "sessionToken": token.expose(),
            })
            .to_string(),
        );
        let duration =
            session_duration.map(|d| format!("&SessionDuration={}", d.as_secs())).unwrap_or_default();
        let request_url = Zeroizing::new(format!(
            "{endpoint}/federation?Action=getSigninToken{duration}&Session={}",
            *Zeroizing::new(percent_encode(&session))
        ));
        let client = LazyClient::new(network.clone());
        let (status, response) = tokio::time::timeout(SIGN_IN_TIMEOUT, client.get(&request_url))
            .await
            .map_err(|_| StsError::TimedOut(SIGN_IN_TIMEOUT))?
            .map_err(|error| StsError::no_connection(&error))?;
        let token = serde_json::from_slice::<Value>(&response).ok();
        let token = token.as_ref().and_then(|response| response.get("SigninToken")?.as_str());
        match (status, token) {
            (200, Some(token)) => Ok(Secret::new(format!(
                "{endpoint}/federation?Action=login&Destination={}&SigninToken={}",
                percent_encode(destination),
                percent_encode(token)
            ))),
            (300..400, _) => Err(StsError::Redirected(status)),
            (400..500, _) => Err(StsError::Refused {
                code: format!("HTTP {status}"),
                message: "AWS does not accept these credentials for a sign-in".into(),
                request_id: None,
                endpoint_time: None,
            }),
            _ => Err(StsError::Unexpected(format!("HTTP {status} without a sign-in token"))),
        }
    }
}

/// The color of containers that look like production.
const PRODUCTION_COLOR: &str = "red";
/// The colors of all other containers. With red, these are the eight that Firefox has.
const COLORS: [&str; 7] = ["blue", "turquoise", "green", "yellow", "orange", "pink", "purple"];

/// A container of Firefox for one role. The cookies of the console stay in it, so the consoles of several
/// roles can be open at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirefoxContainer {
    name: String,
    color: &'static str,
}

impl FirefoxContainer {
    /// Returns the container for a role. `name` is the user's name for the role. The same name always gets
    /// the same color: red if a part of it is `prod`, `production`, `prd` or `live`, else one of the others.
    pub fn for_role(name: &str) -> Self {
        let color = if looks_like_production(name) {
            PRODUCTION_COLOR
        } else {
            let digest = usize::from_str_radix(&sha256_hex(name.as_bytes())[..8], 16).unwrap_or_default();
            COLORS[digest % COLORS.len()]
        };
        // The extension takes the name `default` to mean "outside of any container".
        let name = if name == "default" { "arl default" } else { name };
        Self { name: name.to_owned(), color }
    }

    /// Returns an address that opens a URL in the container. It needs the Firefox extension "Open external
    /// links in a container", which creates the container if it is missing.
    ///
    /// Source: <https://github.com/honsiorovskyi/open-url-in-container>.
    pub fn address(&self, url: &str) -> String {
        let Self { name, color } = self;
        let (name, url) = (percent_encode(name), percent_encode(url));
        format!("ext+container:name={name}&color={color}&icon=briefcase&url={url}")
    }
}

/// Whether a part of the name means production, and the part before it does not negate that (`non-prod`).
fn looks_like_production(name: &str) -> bool {
    let lower = name.to_lowercase();
    let parts: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    parts.iter().enumerate().any(|(index, part)| {
        let before = index.checked_sub(1).map(|index| parts[index]);
        ["prod", "production", "prd", "live"].contains(part)
            && !before.is_some_and(|before| ["non", "not", "no", "pre"].contains(&before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_has_the_name_of_its_role_and_a_stable_color() {
        let address = FirefoxContainer::for_role("a+b & ä/prod").address("http://127.0.0.1:1/x?y=1&z=%");
        assert_eq!(
            address,
            "ext+container:name=a%2Bb%20%26%20%C3%A4%2Fprod&color=red&icon=briefcase\
             &url=http%3A%2F%2F127.0.0.1%3A1%2Fx%3Fy%3D1%26z%3D%25"
        );
        let color = |name: &str| FirefoxContainer::for_role(name).color;
        // If this fails, arl chooses other colors than before, and the containers that users have keep the
        // old ones.
        assert_eq!(["dev", "staging", "billing"].map(color), ["blue", "pink", "pink"]);
        for name in ["prod", "payments-prod", "PROD_admin", "corp:123456789012/live", "eu production"] {
            assert_eq!(color(name), "red", "{name}");
        }
        for name in ["non-prod", "pre_prod", "nonprod", "product", "deliver", "alive", ""] {
            assert_ne!(color(name), "red", "{name}");
        }
        assert!(FirefoxContainer::for_role("default").address("").contains("name=arl%20default&"));
    }
}
