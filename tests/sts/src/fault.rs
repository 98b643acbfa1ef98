//! Faults that tests inject.

use std::time::Duration;

/// A fault, injected into one answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// HTTP 400 with code `Throttling`.
    Throttle,
    /// This HTTP status, with an HTML body.
    Status(u16),
    /// A refusal with this code and message.
    Refuse(&'static str, String),
    /// This HTTP status with an exception of IAM Identity Center, by name and message.
    Exception(u16, &'static str, String),
    /// The right answer after this time.
    Delay(Duration),
    /// The right answer this time after the request has had its effect.
    Late(Duration),
    /// The right answer once this many requests wait for it at the same time, or HTTP 400 after 10 s.
    Gather(usize),
    /// The right answer, one byte per second.
    Drip,
    /// No answer at all, while the connection stays open.
    Silence,
    /// No answer at all, but the request has its effect.
    Unanswered,
    /// Half an answer, then a connection reset.
    Reset,
    /// Half an answer, then the end of the connection.
    Truncate,
    /// An answer that is not XML.
    Malform,
    /// An answer of ten megabytes.
    Oversize,
    /// A redirect to this URL.
    Redirect(String),
    /// The session of another role.
    WrongRole,
    /// This text in the place of the session's ARN.
    SessionArn(String),
    /// A session that expires in ten years.
    FarExpiry,
    /// A session that expired yesterday.
    PastExpiry,
    /// A session token with a newline and an escape sequence.
    ControlCharacters,
    /// A `Date` header that is wrong by this many seconds.
    SkewedDate(i64),
    /// An answer without credentials.
    NoCredentials,
}

impl Fault {
    /// Reads a name such as `throttle`, `status=503`, `delay=300` (milliseconds) or `redirect=URL`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        Some(match name {
            "throttle" => Self::Throttle,
            "status" => Self::Status(value.parse().ok()?),
            "delay" => Self::Delay(Duration::from_millis(value.parse().ok()?)),
            "late" => Self::Late(Duration::from_millis(value.parse().ok()?)),
            "gather" => Self::Gather(value.parse().ok()?),
            "drip" => Self::Drip,
            "silence" => Self::Silence,
            "unanswered" => Self::Unanswered,
            "reset" => Self::Reset,
            "truncate" => Self::Truncate,
            "malform" => Self::Malform,
            "oversize" => Self::Oversize,
            "redirect" => Self::Redirect(value.to_owned()),
            "wrong-role" => Self::WrongRole,
            "session-arn" => Self::SessionArn(value.to_owned()),
            "far-expiry" => Self::FarExpiry,
            "past-expiry" => Self::PastExpiry,
            "control-characters" => Self::ControlCharacters,
            "skewed-date" => Self::SkewedDate(value.parse().ok()?),
            "no-credentials" => Self::NoCredentials,
            _ => return None,
        })
    }
}
