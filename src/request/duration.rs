//! The duration of a session.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, try_from_text};

/// The values that STS accepts as `DurationSeconds`. A role's own maximum may be lower.
const DURATION_RANGE: std::ops::RangeInclusive<u64> = 900..=43_200;

/// The duration of a session in whole seconds, 15 minutes to 12 hours.
///
/// ```
/// use arl::request::SessionDuration;
/// assert_eq!("1h 30m".parse::<SessionDuration>()?.as_secs(), 5400);
/// assert_eq!("3600".parse::<SessionDuration>()?.as_secs(), 3600);
/// # Ok::<(), arl::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionDuration(u32);

impl SessionDuration {
    /// The longest session that STS allows when the source credentials have a session token (role chaining).
    pub const CHAINED_MAX: Self = Self(3600);
    /// The longest session that any role allows.
    pub const MAX: Self = Self(43_200);

    /// Returns the number of seconds.
    pub fn as_secs(self) -> u32 {
        self.0
    }
}

impl TryFrom<Duration> for SessionDuration {
    type Error = Error;

    fn try_from(duration: Duration) -> Result<Self, Error> {
        if duration.subsec_nanos() != 0 {
            return Err(Error::invalid("must be a whole number of seconds"));
        }
        match u32::try_from(duration.as_secs()) {
            Ok(seconds) if DURATION_RANGE.contains(&u64::from(seconds)) => Ok(Self(seconds)),
            _ => Err(Error::invalid(format!("must be 15m to 12h, not {}", in_hours(duration)))),
        }
    }
}

/// Formats a duration. Whole hours from 1 to 7 days are written in hours, because the limit is too (`12h`).
fn in_hours(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 86_400..=604_800 if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        _ => humantime::format_duration(duration).to_string(),
    }
}

try_from_text!(SessionDuration);

impl FromStr for SessionDuration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let trimmed = text.trim();
        // Accept seconds as Python writes them (`+900`, `3_600`), so that the scripts of Python users keep
        // working.
        let digits = trimmed.strip_prefix('+').unwrap_or(trimmed);
        let is_number = digits.split('_').all(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
        let duration = if is_number {
            digits.replace('_', "").parse().map(Duration::from_secs).map_err(|_| "is far too long".to_owned())
        } else {
            // Ignore case. humantime's `M`, for months, is longer than the limit anyway.
            humantime::parse_duration(&trimmed.to_ascii_lowercase()).map_err(|_| {
                format!("must be a duration such as 2h, 90m, \"1h 30m\" or 3600, not `{trimmed}`")
            })
        };
        let duration = duration.map_err(Error::invalid)?;
        match duration.as_secs() {
            // A user who types a small number probably means hours or minutes.
            hours @ 1..=12 if is_number => {
                Err(Error::invalid(format!("must be 15m to 12h, not {hours}s; did you mean {hours}h?")))
            }
            minutes @ 15..=720 if is_number => {
                Err(Error::invalid(format!("must be 15m to 12h, not {minutes}s; did you mean {minutes}m?")))
            }
            _ => duration.try_into(),
        }
    }
}

impl fmt::Display for SessionDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(Duration::from_secs(self.0.into())).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_parse_in_every_notation() {
        for (text, seconds) in [
            ("2h", 7200),
            ("90m", 5400),
            ("1h 30m", 5400),
            ("1h30m", 5400),
            ("2H", 7200),
            ("90 Min", 5400),
            ("900", 900),
            ("43200", 43_200),
            ("12h", 43_200),
            ("+900", 900),
            (" 1_000 ", 1000),
        ] {
            assert_eq!(text.parse::<SessionDuration>().expect(text).as_secs(), seconds, "{text}");
        }
    }

    #[test]
    fn invalid_durations_are_rejected_with_the_rule() {
        for (text, reason) in [
            ("899", "must be 15m to 12h, not 14m 59s"),
            ("43201", "must be 15m to 12h, not 12h 1s"),
            ("0", "must be 15m to 12h, not 0s"),
            ("-5", "must be a duration such as 2h, 90m, \"1h 30m\" or 3600, not `-5`"),
            ("PT1H", "must be a duration such as 2h, 90m, \"1h 30m\" or 3600, not `PT1H`"),
            ("24h", "must be 15m to 12h, not 24h"),
            ("1day", "must be 15m to 12h, not 24h"),
            ("3600.0", "must be a duration such as"),
            ("", "must be a duration such as"),
            ("1_", "must be a duration such as"),
            ("900500ms", "must be a whole number of seconds"),
            ("99999999999999999999999", "is far too long"),
        ] {
            let error = text.parse::<SessionDuration>().expect_err(text).to_string();
            assert!(error.starts_with(reason), "{text}: {error}");
        }
    }
}
