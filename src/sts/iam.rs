//! The IAM calls that a key rotation needs, without the SDK's large client for IAM.
//!
//! Source: the IAM API reference; endpoints and regions: "IAM endpoints and quotas" in the AWS General
//! Reference.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;

use super::error::StsError;
use super::http::LazyClient;
use super::settings::NetworkConfig;
use crate::arn::Partition;
use crate::credentials::Credentials;
use crate::encoding::percent_encode;
use crate::secret::Secret;

/// How long arl waits for the answer. IAM normally answers in a fraction of a second.
const TIMEOUT: Duration = Duration::from_secs(15);
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// How to reach IAM.
#[derive(Debug, Clone)]
pub struct IamSettings {
    /// The URL of the endpoint.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: &'static str,
    /// Proxies and certificates.
    pub network: NetworkConfig,
}

impl IamSettings {
    /// Returns the endpoint of a partition. IAM has one in each.
    pub fn of_partition(partition: &Partition, network: NetworkConfig) -> Self {
        let (endpoint, region) = match partition.as_str() {
            "aws-cn" => ("https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            "aws-us-gov" => ("https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
            "aws-iso" => ("https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
            "aws-iso-b" => ("https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
            "aws-iso-e" => ("https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"),
            "aws-iso-f" => ("https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"),
            "aws-eusc" => ("https://iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
            _ => ("https://iam.amazonaws.com", "us-east-1"),
        };
        Self { endpoint: endpoint.to_owned(), region, network }
    }
}

/// An access key of a user, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The access key ID.
    pub id: String,
    /// Whether requests that are signed with it are accepted.
    pub is_active: bool,
    /// When it was created.
    pub created: Option<SystemTime>,
}

/// When and for what an access key was used last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    /// The time of the last use. AWS reports a use some minutes later.
    pub time: SystemTime,
    /// The service that was called, such as `s3`.
    pub service: String,
}

/// A client of IAM for the keys of one user.
#[derive(Debug, Clone)]
pub struct Iam {
    settings: IamSettings,
    http: LazyClient,
    user_name: Option<String>,
}

impl Iam {
    /// Creates a client for the keys of the user with this ARN, or of the account's root.
    pub fn new(settings: IamSettings, arn: &str) -> Self {
        let http = LazyClient::new(settings.network.clone());
        // Without a name, IAM takes the owner of the key that signs the request.
        let user_name = arn.split_once(":user/").and_then(|(_, path)| path.rsplit('/').next());
        Self { settings, http, user_name: user_name.map(str::to_owned) }
    }

    /// Creates an access key. It does not retry after a failure, because the key may exist already.
    ///
    /// # Errors
    /// IAM refuses, cannot be reached, or sends an unexpected response.
    pub async fn create_access_key(
        &self,
        signer: &Credentials,
        now: SystemTime,
    ) -> Result<Credentials, StsError> {
        let response = self.call(signer, now, "CreateAccessKey", &[]).await?;
        let (id, secret) = (response.text("AccessKeyId"), response.text("SecretAccessKey").map(Secret::new));
        match (id, secret) {
            (Some(id), Some(secret)) => Credentials::new(id, secret, None, None)
                .map_err(|error| StsError::Unexpected(format!("its new key is unusable: {error}"))),
            _ => Err(StsError::Unexpected("it does not contain the new key".into())),
        }
    }

    /// Lists the access keys of the user. There are at most two.
    ///
    /// # Errors
    /// As [`Iam::create_access_key`].
    pub async fn access_keys(
        &self,
        signer: &Credentials,
        now: SystemTime,
    ) -> Result<Vec<AccessKey>, StsError> {
        let response = self.call(signer, now, "ListAccessKeys", &[]).await?;
        let Some(list) = response.text("AccessKeyMetadata") else {
            return Err(StsError::Unexpected("it lists no access keys".into()));
        };
        let keys = list.split("<member>").skip(1).map(|member| {
            let member = Response(Secret::new(member.to_owned()));
            Some(AccessKey {
                id: member.text("AccessKeyId")?,
                is_active: member.text("Status")? == "Active",
                created: member.text("CreateDate").and_then(|text| parse_time(&text)),
            })
        });
        keys.collect::<Option<_>>()
            .ok_or_else(|| StsError::Unexpected("a listed access key has no ID".into()))
    }

    /// Returns when an access key was used last, if it ever was.
    ///
    /// # Errors
    /// As [`Iam::create_access_key`].
    pub async fn last_use(
        &self,
        signer: &Credentials,
        now: SystemTime,
        id: &str,
    ) -> Result<Option<LastUse>, StsError> {
        let response = self.call(signer, now, "GetAccessKeyLastUsed", &[("AccessKeyId", id)]).await?;
        let time = response.text("LastUsedDate").and_then(|text| parse_time(&text));
        Ok(time.map(|time| LastUse { time, service: response.text("ServiceName").unwrap_or_default() }))
    }

    /// Deactivates an access key.
    ///
    /// # Errors
    /// As [`Iam::create_access_key`].
    pub async fn deactivate(&self, signer: &Credentials, now: SystemTime, id: &str) -> Result<(), StsError> {
        let parameters = [("AccessKeyId", id), ("Status", "Inactive")];
        self.call(signer, now, "UpdateAccessKey", &parameters).await.map(|_| ())
    }

    /// Deletes an access key.
    ///
    /// # Errors
    /// As [`Iam::create_access_key`].
    pub async fn delete(&self, signer: &Credentials, now: SystemTime, id: &str) -> Result<(), StsError> {
        self.call(signer, now, "DeleteAccessKey", &[("AccessKeyId", id)]).await.map(|_| ())
    }

    /// Returns the serial numbers of the user's MFA devices.
    ///
    /// # Errors
    /// As [`Iam::create_access_key`].
    pub async fn mfa_devices(&self, signer: &Credentials, now: SystemTime) -> Result<Vec<String>, StsError> {
        let response = self.call(signer, now, "ListMFADevices", &[]).await?;
        let list = response.text("MFADevices").unwrap_or_default();
        let members = list.split("<member>").skip(1).map(|member| Response(Secret::new(member.to_owned())));
        Ok(members.filter_map(|member| member.text("SerialNumber")).collect())
    }

    /// Calls an action by the Query protocol.
    async fn call(
        &self,
        signer: &Credentials,
        now: SystemTime,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Response, StsError> {
        let mut form = format!("Action={action}&Version=2010-05-08");
        let user = self.user_name.as_deref().map(|name| ("UserName", name));
        // This action identifies a key by its ID alone and takes no user name.
        let user = user.filter(|_| action != "GetAccessKeyLastUsed");
        for (name, value) in parameters.iter().copied().chain(user) {
            form.push_str(&format!("&{name}={}", percent_encode(value)));
        }
        let request = self.signed(signer, now, form)?;
        let (status, body) = tokio::time::timeout(TIMEOUT, self.http.send(request))
            .await
            .map_err(|_| StsError::TimedOut(TIMEOUT))?
            .map_err(|error| StsError::no_connection(&error))?;
        let response = Response(Secret::new(String::from_utf8_lossy(&body).into_owned()));
        match status {
            200 if response.0.expose().contains(&format!("<{action}Response")) => Ok(response),
            300..400 => Err(StsError::Redirected(status)),
            _ => match response.text("Code") {
                Some(code) if status >= 400 => Err(StsError::Refused {
                    code,
                    message: response.text("Message").unwrap_or_default(),
                    request_id: response.text("RequestId"),
                    endpoint_time: None,
                }),
                _ => Err(StsError::Unexpected(format!("HTTP {status} without a response of IAM"))),
            },
        }
    }

    /// Returns the request, signed with Signature Version 4.
    fn signed(&self, signer: &Credentials, now: SystemTime, form: String) -> Result<HttpRequest, StsError> {
        let failed =
            |error: &dyn std::fmt::Display| StsError::Source(format!("cannot sign the request: {error}"));
        let IamSettings { endpoint, region, network: _ } = &self.settings;
        let url = format!("{}/", endpoint.trim_end_matches('/'));
        let identity = aws_credential_types::Credentials::from(signer).into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("iam")
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| failed(&error))?;
        let headers = [("content-type", FORM)];
        let body = SignableBody::Bytes(form.as_bytes());
        let signable = SignableRequest::new("POST", url.as_str(), headers.into_iter(), body)
            .map_err(|error| failed(&error))?;
        let (instructions, _) =
            sign(signable, &parameters.into()).map_err(|error| failed(&error))?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(form.as_str()));
        request.set_method("POST").map_err(|error| failed(&error))?;
        request.set_uri(url).map_err(|error| failed(&error))?;
        request.headers_mut().insert("content-type", FORM);
        for (name, value) in instructions.headers() {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }
}

/// The XML of a response, which may hold a secret.
struct Response(Secret);

impl Response {
    /// Returns the content of the first element of this name. IAM's elements have no attributes.
    fn text(&self, name: &str) -> Option<String> {
        let after = self.0.expose().split_once(&format!("<{name}>"))?.1;
        let text = after.split_once(&format!("</{name}>"))?.0;
        Some(unescape(text).into_owned())
    }
}

/// Replaces XML's character references.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'")];
    let text =
        named.iter().fold(text.to_owned(), |text, (reference, character)| text.replace(reference, character));
    Cow::Owned(text.replace("&amp;", "&"))
}

fn parse_time(text: &str) -> Option<SystemTime> {
    SystemTime::try_from(DateTime::from_str(text, Format::DateTimeWithOffset).ok()?).ok()
}
