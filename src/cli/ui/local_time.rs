//! Times of day for the user: in UTC, as AWS shows them, and in the user's own time zone beside it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::sys::{self, LocalTime};
use crate::cli::ui::text::printable;

/// The last second that RFC 3339 can write, in the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// Returns a time such as `2026-11-26T07:17:10Z (02:17 EST)`. The local date comes before the local time if
/// it differs from the date in UTC. There is no local time if the user's zone has the same time as UTC.
/// Returns `None` for a time that has no date in RFC 3339.
pub(crate) fn with_local_time(time: SystemTime) -> Option<String> {
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    if seconds > LAST_SECOND {
        return None;
    }
    let utc = humantime::format_rfc3339_seconds(time).to_string();
    let zone = std::env::var_os("TZ");
    let local = i64::try_from(seconds).ok().and_then(|seconds| sys::local_time(seconds, zone.as_deref()));
    Some(match local.and_then(|local| beside(&utc, &local)) {
        Some(local) => format!("{utc} ({local})"),
        None => utc,
    })
}

/// Returns a time of RFC 3339 with the local time beside it, and any other text as it is.
pub(crate) fn text_with_local_time(text: &str) -> String {
    let time = humantime::parse_rfc3339(text).ok().and_then(with_local_time);
    time.unwrap_or_else(|| text.to_owned())
}

/// Returns what to show beside a time in UTC. `None` if the clocks show the same.
fn beside(utc: &str, local: &LocalTime) -> Option<String> {
    let LocalTime { date: (year, month, day), clock: (hour, minute), zone, offset } = local;
    if *offset == 0 {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    let date = if utc.starts_with(&date) { String::new() } else { format!("{date} ") };
    Some(format!("{date}{hour:02}:{minute:02} {}", printable(zone)).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_local_time_stands_beside_utc_if_the_clocks_differ() {
        let local =
            |date, clock, zone: &str, offset| LocalTime { date, clock, zone: zone.to_owned(), offset };
        let beside = |local: LocalTime| beside("2026-11-26T02:17:10Z", &local);
        assert_eq!(beside(local((2026, 11, 26), (2, 17), "UTC", 0)), None);
        assert_eq!(beside(local((2026, 11, 26), (2, 17), "GMT", 0)), None);
        let new_york = local((2026, 11, 25), (21, 17), "EST", -18_000);
        assert_eq!(beside(new_york).as_deref(), Some("2026-11-25 21:17 EST"));
        let kolkata = local((2026, 11, 26), (7, 47), "IST", 19_800);
        assert_eq!(beside(kolkata).as_deref(), Some("07:47 IST"));
        // Some zones have no letters, and TZ can name one with any characters.
        assert_eq!(beside(local((2026, 11, 26), (6, 17), "+04", 14_400)).as_deref(), Some("06:17 +04"));
        assert_eq!(beside(local((2026, 11, 26), (6, 17), "", 14_400)).as_deref(), Some("06:17"));
        let hostile = local((2026, 11, 26), (6, 17), "A\u{1b}[2J", 14_400);
        assert_eq!(beside(hostile).as_deref(), Some("06:17 A\\u{1b}[2J"));
    }

    #[test]
    fn a_time_beyond_the_calendar_is_no_panic() {
        let after = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(
            with_local_time(after(LAST_SECOND)).is_some_and(|text| text.starts_with("9999-12-31T23:59:59Z"))
        );
        assert_eq!(with_local_time(after(LAST_SECOND + 1)), None);
        assert_eq!(with_local_time(UNIX_EPOCH - Duration::from_secs(1)), None);
        for text in ["", "soon", "2026-13-01T00:00:00Z"] {
            assert_eq!(text_with_local_time(text), text);
        }
    }
}
