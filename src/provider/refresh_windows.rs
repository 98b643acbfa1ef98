//! How long before its expiration a session is renewed.

use std::time::Duration;

/// How long before its expiration a session should be renewed, and must be renewed.
///
/// The times are 15 and 10 minutes, as in botocore, but at most half of the session's lifetime and a third of
/// it. Otherwise a session of 15 minutes would be renewed at every use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RefreshWindows {
    /// From here on a renewal is tried. If it fails, the present credentials stay in use.
    pub(super) advisory: Duration,
    /// From here on every caller waits for a renewal. If STS cannot be reached, the present credentials stay
    /// in use until they expire.
    pub(super) mandatory: Duration,
}

impl RefreshWindows {
    /// Returns the windows of a session with this lifetime.
    pub(super) fn for_lifetime(lifetime: Duration) -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self { advisory: minutes(15).min(lifetime / 2), mandatory: minutes(10).min(lifetime / 3) }
    }
}
