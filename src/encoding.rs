//! Percent-encoding, hexadecimal digits and RFC 3339 times.

#[cfg(feature = "cli")]
use std::time::Duration;
use std::time::SystemTime;

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Decodes a part of a query, in which `+` is a space. `None` if it is not percent-encoded UTF-8.
#[cfg(feature = "cli")]
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit =
                    |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit(rest.next()?)? << 4 | digit(rest.next()?)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Returns two hexadecimal digits for each byte.
pub(crate) fn hex_encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Formats a time as `2026-01-02T03:04:05Z`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Parses a time with a zone in the forms that botocore's parser accepts: `2026-01-02T03:04:05Z`, an offset
/// with or without its colon or minutes, a space instead of `T`, no separators, fractions of a second or no
/// seconds.
#[cfg(feature = "cli")]
pub(crate) fn parse_time(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let date = match date.len() {
        8 if !date.contains('-') => format!("{}-{}-{}", date.get(..4)?, date.get(4..6)?, date.get(6..)?),
        _ => date.to_owned(),
    };
    let time = time.trim_start();
    let zone = time.find(['Z', 'z', '+', '-']).or_else(|| time.find("UTC")).or_else(|| time.find("GMT"))?;
    let (clock, zone) = (time[..zone].trim_end(), &time[zone..]);
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let sign = zone.chars().next().filter(|sign| "+-".contains(*sign));
    let (hours, minutes): (u64, u64) = match (sign, digits.len()) {
        (None, 0) => (0, 0),
        (Some(_), 2) => (digits.parse().ok()?, 0),
        (Some(_), 4) => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    let offset = Duration::from_secs(hours * 3600 + minutes * 60);
    let (whole, fraction) = clock.split_once(['.', ',']).map_or((clock, None), |(w, f)| (w, Some(f)));
    let clock = match (whole.matches(':').count(), whole.len()) {
        (0, 6) => format!("{}:{}:{}", whole.get(..2)?, whole.get(2..4)?, whole.get(4..)?),
        (0, 4) => format!("{}:{}:00", whole.get(..2)?, whole.get(2..)?),
        (1, 5) => format!("{whole}:00"),
        _ => whole.to_owned(),
    };
    let fraction =
        fraction.map(|digits| format!(".{}", digits.get(..9).unwrap_or(digits))).unwrap_or_default();
    let utc = humantime::parse_rfc3339(&format!("{date}T{clock}{fraction}Z")).ok()?;
    if sign == Some('-') { utc.checked_add(offset) } else { utc.checked_sub(offset) }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_botocore_reads_them() {
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(4_070_908_800);
        for text in [
            "2099-01-01T00:00:00Z",
            "2099-01-01T00:00:00+00:00",
            "2099-01-01T00:00:00+0000",
            "2099-01-01T00:00:00+00",
            "2099-01-01T00:00:00.000Z",
            "2099-01-01T00:00:00.123456789012Z",
            "2099-01-01 00:00:00Z",
            "2099-01-01 00:00:00 UTC",
            "2099-01-01 00:00:00 +00:00",
            "2099-01-01T01:00:00+0100",
            "2098-12-31T19:00:00-05:00",
            "2099-01-01T00:00Z",
            "20990101T000000Z",
        ] {
            let parsed = parse_time(text).and_then(|time| time.duration_since(expected).ok());
            assert!(parsed.is_some_and(|late| late < Duration::from_secs(1)), "{text}: {parsed:?}");
        }
        for text in
            ["", "2099-01-01T00:00:00", "2099-01-01", "soon", "4070908800", "2099-13-01T00:00:00Z", "TZ"]
        {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
