//! Decides whether a cached session lasts long enough to be used.

use std::time::{Duration, SystemTime};

use super::entry::CachedSession;

/// The program that uses the session.
#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "the CLI uses the rest"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumer {
    /// A shell or a command, which gets the session once.
    OneShot,
    /// An SDK that runs arl again: botocore does so at every use within 15 minutes of the expiration.
    CredentialProcess,
    /// The credentials endpoint, which renews earlier than any SDK asks.
    Endpoint,
    /// A program that gets any session that has not expired, because STS cannot be reached.
    Unreachable,
}

impl Consumer {
    /// Returns how long a session of this lifetime must still last.
    pub fn margin(self, lifetime: Duration) -> Duration {
        match self {
            Self::OneShot => ONE_SHOT_MARGIN.min(lifetime / 6),
            Self::CredentialProcess if lifetime < 2 * CREDENTIAL_PROCESS_MARGIN => lifetime / 2,
            Self::CredentialProcess => CREDENTIAL_PROCESS_MARGIN,
            Self::Unreachable => Duration::ZERO,
            // A quarter of the lifetime from 80 minutes on, half of it below 40 minutes, and 20 minutes in
            // between.
            Self::Endpoint => ENDPOINT_MARGIN.min(lifetime / 2).max(lifetime / 4),
        }
    }
}

/// How long a session must still last.
#[derive(Debug, Clone, Copy)]
pub struct FreshnessPolicy {
    /// The program that uses the session.
    pub consumer: Consumer,
    /// The minimum that the user asks for. It counts if it is longer than the margin of `consumer`.
    pub min_ttl: Duration,
}

const ONE_SHOT_MARGIN: Duration = Duration::from_secs(5 * 60);
const CREDENTIAL_PROCESS_MARGIN: Duration = Duration::from_secs(15 * 60);
/// botocore renews within 15 minutes of the expiration, and so does the AWS SDK for Java.
const ENDPOINT_MARGIN: Duration = Duration::from_secs(20 * 60);
/// No role session lasts longer than 12 hours. The rest allows for clocks that differ.
const MAX_SESSION_LIFETIME: Duration = Duration::from_secs(12 * 3600 + 15 * 60);
/// How far in the future an entry's time of issue may lie. Beyond that, one of the two clocks is wrong.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

impl FreshnessPolicy {
    /// Whether the session lasts long enough.
    pub fn allows(&self, session: &CachedSession, now: SystemTime) -> bool {
        let Some(expiration) = session.credentials.expiration() else { return false };
        let (Ok(remaining), Ok(lifetime)) =
            (expiration.duration_since(now), expiration.duration_since(session.issued_at))
        else {
            return false;
        };
        let from_the_future = session.issued_at.duration_since(now).is_ok_and(|ahead| ahead > MAX_CLOCK_SKEW);
        !from_the_future
            && remaining <= MAX_SESSION_LIFETIME
            && remaining > self.consumer.margin(lifetime).max(self.min_ttl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Credentials;
    use crate::secret::Secret;

    #[test]
    fn freshness_depends_on_the_consumer() {
        let issued_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let minutes = |n: u64| Duration::from_secs(n * 60);
        let used = |consumer, at_least, lifetime: u64, age: u64| {
            let end = Some(issued_at + minutes(lifetime));
            let credentials =
                Credentials::new("ASIA".into(), Secret::new("s".into()), None, end).expect("credentials");
            let session = CachedSession { credentials, issued_at };
            FreshnessPolicy { consumer, min_ttl: minutes(at_least) }
                .allows(&session, issued_at + minutes(age))
        };
        // Consumer, --min-ttl, lifetime, the last minute in which it is used, the first in which it is not.
        for (reader, at_least, lifetime, last, first) in [
            (Consumer::OneShot, 0, 60, 54, 55),
            (Consumer::OneShot, 0, 15, 12, 13),
            (Consumer::OneShot, 20, 60, 39, 40),
            (Consumer::CredentialProcess, 0, 60, 44, 45),
            (Consumer::CredentialProcess, 0, 15, 7, 8),
            (Consumer::CredentialProcess, 30, 60, 29, 30),
            (Consumer::OneShot, 0, 12 * 60, 714, 715),
            (Consumer::Endpoint, 0, 15, 7, 8),
            (Consumer::Endpoint, 0, 60, 39, 40),
            (Consumer::Endpoint, 0, 12 * 60, 539, 540),
        ] {
            assert!(used(reader, at_least, lifetime, last), "{reader:?} {at_least} {lifetime} {last}");
            assert!(!used(reader, at_least, lifetime, first), "{reader:?} {at_least} {lifetime} {first}");
        }
        assert!(!used(Consumer::OneShot, 0, 13 * 60, 0), "longer than any session lasts");
        let ahead = CachedSession {
            credentials: Credentials::new(
                "ASIA".into(),
                Secret::new("s".into()),
                None,
                Some(issued_at + minutes(60)),
            )
            .expect("credentials"),
            issued_at: issued_at + minutes(6),
        };
        assert!(
            !FreshnessPolicy { consumer: Consumer::OneShot, min_ttl: Duration::ZERO }
                .allows(&ahead, issued_at)
        );
    }
}
