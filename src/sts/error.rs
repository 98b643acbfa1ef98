//! The errors of STS calls and of sources.

use std::error::Error;
use std::time::{Duration, SystemTime};
use std::{fmt, io};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::certificate::{CertificateFault, certificate_fault};
use crate::encoding::rfc3339;
use crate::error::ErrorKind;
#[cfg(feature = "cli")]
use crate::keys::KeyStoreError;

/// Why a call to STS, or a source, returned no credentials.
///
/// Messages of other programs are passed on unchanged, so the caller must strip control characters before
/// printing them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StsError {
    /// STS refused the request.
    Refused {
        /// The error code, for instance `AccessDenied`.
        code: String,
        /// The message from STS.
        message: String,
        /// The request ID, which AWS support asks for.
        request_id: Option<String>,
        /// The time by the clock of the endpoint.
        endpoint_time: Option<SystemTime>,
    },
    /// The endpoint redirects with this HTTP status. A signed request is not sent to another host.
    Redirected(u16),
    /// The response is not one that STS sends.
    Unexpected(String),
    /// The response does not match the request.
    Mismatch(String),
    /// The new session had expired already, at this time. So this host's clock or that of the endpoint is
    /// wrong.
    Expired(SystemTime),
    /// The connection failed or broke.
    Unreachable(String),
    /// The connection failed because the certificate of the endpoint is not trusted.
    Untrusted {
        /// The message of the TLS library.
        reason: String,
        /// What is wrong with the certificate.
        fault: CertificateFault,
    },
    /// There was no complete response within this time.
    TimedOut(Duration),
    /// The instance metadata service answered a request with this HTTP status.
    Metadata {
        /// The request that failed.
        request: MetadataRequest,
        /// The HTTP status.
        status: u16,
    },
    /// The source failed: SSO, process, container or instance metadata.
    Source(String),
    /// The key could not be read from the keychain.
    #[cfg(feature = "cli")]
    Keychain(Box<KeyStoreError>),
}

/// The response is larger than arl reads.
#[derive(Debug)]
pub(super) struct ResponseTooLarge;

impl fmt::Display for ResponseTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is larger than 1 MiB")
    }
}

impl Error for ResponseTooLarge {}

/// A request to the instance metadata service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataRequest {
    /// The token that the other requests need.
    Token,
    /// The name of the instance's role.
    RoleName,
    /// The credentials.
    Credentials,
}

impl fmt::Display for MetadataRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "a token",
            Self::RoleName => "the name of the instance's role",
            Self::Credentials => "the credentials",
        })
    }
}

impl fmt::Display for StsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code, message, .. } if message.is_empty() => f.write_str(code),
            Self::Refused { code, message, .. } => write!(f, "{code}: {message}"),
            Self::Redirected(status) => {
                write!(
                    f,
                    "the endpoint answered with a redirect (HTTP {status}), and arl does not send a signed request to another address"
                )
            }
            Self::Unexpected(what) => write!(f, "the response is invalid: {what}"),
            Self::Mismatch(what) => write!(f, "the response does not match the request: {what}"),
            Self::Expired(expiration) => write!(
                f,
                "the response does not match the request: the session expired at {}, by this machine's clock",
                rfc3339(*expiration)
            ),
            Self::Unreachable(reason) | Self::Untrusted { reason, .. } => {
                write!(f, "the connection failed: {reason}")
            }
            Self::Metadata { request, status } => {
                write!(
                    f,
                    "the instance metadata service answered the request for {request} with HTTP {status}"
                )
            }
            Self::TimedOut(limit) => {
                write!(f, "no complete response within {}", humantime::format_duration(*limit))
            }
            Self::Source(reason) => f.write_str(reason),
            #[cfg(feature = "cli")]
            Self::Keychain(error) => error.fmt(f),
        }
    }
}

impl Error for StsError {}

impl From<StsError> for crate::error::Error {
    fn from(error: StsError) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

impl StsError {
    /// Whether the same request may succeed later, because STS was unreachable or busy.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Untrusted { .. } | Self::TimedOut(_) | Self::Unexpected(_) => true,
            Self::Metadata { status, .. } => *status == 429 || *status >= 500,
            Self::Refused { code, .. } => TRANSIENT_CODES.contains(&code.as_str()),
            Self::Redirected(_) | Self::Mismatch(_) | Self::Expired(_) | Self::Source(_) => false,
            #[cfg(feature = "cli")]
            Self::Keychain(_) => false,
        }
    }

    /// Whether the service refused with this code.
    pub fn is_code(&self, expected: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == expected)
    }

    /// Returns what a program can do about the error.
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { code, .. } if code.starts_with("AccessDenied") => ErrorKind::AccessDenied,
            error if error.is_transient() => ErrorKind::Transient,
            // The parent's credentials have expired, which says nothing about the role.
            Self::Refused { code, .. } if code.starts_with("ExpiredToken") => ErrorKind::Other,
            Self::Refused { .. } => ErrorKind::Refused,
            _ => ErrorKind::Other,
        }
    }

    /// Returns what is wrong with the certificate of the endpoint, if that is the problem.
    pub fn certificate_fault(&self) -> Option<CertificateFault> {
        match self {
            Self::Untrusted { fault, .. } => Some(*fault),
            _ => None,
        }
    }

    /// Whether a wrong clock is probably the cause.
    pub fn is_clock_problem(&self) -> bool {
        matches!(self, Self::Expired(_))
    }

    /// Creates the error of a failed connection.
    pub(crate) fn no_connection(error: &(dyn Error + 'static)) -> Self {
        // The SDK writes `other: ` before an error of arl's own connector.
        let cause = root_cause(error);
        let reason = cause.strip_prefix("other: ").unwrap_or(&cause).to_owned();
        match certificate_fault(causes(error)) {
            _ if causes(error).any(|cause| cause.is::<ResponseTooLarge>()) => Self::Unexpected(reason),
            Some((fault, validity)) => Self::Untrusted { reason: validity.unwrap_or(reason), fault },
            None => Self::Unreachable(reason),
        }
    }
}

/// The codes with which STS or IAM Identity Center refuses a request that may succeed later. Source: "Common
/// errors" of the STS API reference, and the codes that the SDKs retry.
const TRANSIENT_CODES: [&str; 11] = [
    "IDPCommunicationError",
    "InternalFailure",
    "InternalServerException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

impl StsError {
    pub(super) fn from_sdk_error<E>(error: &SdkError<E, HttpResponse>, limit: Duration) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        if let Some(status) = status.filter(|status| (300..400).contains(status)) {
            return Self::Redirected(status);
        }
        match error {
            SdkError::ServiceError(context) => {
                match context.err().code().filter(|code| !code.trim().is_empty()) {
                    Some(code) => Self::Refused {
                        code: code.to_owned(),
                        message: context.err().message().unwrap_or_default().to_owned(),
                        request_id: aws_types::request_id::RequestId::request_id(context.err().meta())
                            .map(str::to_owned),
                        endpoint_time: error.raw_response().and_then(date_header),
                    },
                    None => Self::from_nonstandard_body(error.raw_response()),
                }
            }
            SdkError::TimeoutError(_) => Self::TimedOut(limit),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Self::Unreachable("no response came in time".into())
            }
            SdkError::DispatchFailure(failure) if failure.is_user() => {
                let cause = failure.as_connector_error().and_then(Error::source);
                Self::Source(cause.map_or_else(|| root_cause(error), ToString::to_string))
            }
            SdkError::DispatchFailure(_) => Self::no_connection(error),
            SdkError::ResponseError(_) if is_truncated(error) => Self::Unreachable(root_cause(error)),
            _ => Self::Unexpected(root_cause(error)),
        }
    }
}

impl StsError {
    /// Reads an error code from XML that the SDK does not understand, which some replacements of STS send.
    fn from_nonstandard_body(response: Option<&HttpResponse>) -> Self {
        let body = response.and_then(|response| response.body().bytes()).unwrap_or_default();
        let body = String::from_utf8_lossy(body);
        let element = |name: &str| {
            let after = body.split_once(&format!("<{name}>"))?.1;
            Some(after.split_once("</")?.0.trim().to_owned()).filter(|text| !text.is_empty())
        };
        match element("Code") {
            Some(code) => Self::Refused {
                code,
                message: element("Message").unwrap_or_default(),
                request_id: None,
                endpoint_time: response.and_then(date_header),
            },
            None => {
                let status = response.map(|response| response.status().as_u16()).unwrap_or_default();
                let what = if status < 300 { "a valid body" } else { "an error code" };
                Self::Unexpected(format!("HTTP {status} without {what}"))
            }
        }
    }
}

/// Whether the connection broke in the middle of the response.
fn is_truncated(error: &(dyn Error + 'static)) -> bool {
    // This is hyper's message. Its error type would need another dependency.
    causes(error)
        .any(|cause| cause.is::<io::Error>() || cause.to_string().starts_with("error reading a body"))
}

/// Returns when the response was sent, from its `Date` header.
pub(super) fn date_header(response: &HttpResponse) -> Option<SystemTime> {
    let date = DateTime::from_str(response.headers().get("date")?, Format::HttpDate).ok()?;
    SystemTime::try_from(date).ok()
}

/// Returns the last two causes of an SDK error, or one if the outer of them contains the inner. The other
/// causes only say that something failed.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
    match causes.as_slice() {
        [.., outer, inner] if !outer.contains(inner) => format!("{outer}: {inner}"),
        [.., outer, _] => outer.clone(),
        [only] => only.clone(),
        [] => String::new(),
    }
}

/// Returns an error and its causes, the outermost first.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}
