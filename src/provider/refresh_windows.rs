//! How long before its end a session is renewed.

use std::time::Duration;

/// The time before a session's end in which it should, and in which it must be renewed.
///
/// botocore's 15 and 10 minutes, but never more than a half and a third of the session: one of 15 minutes would
/// otherwise be renewed at every use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshWindows {
    /// From here on a renewal is tried; if it fails, what there is goes on being used.
    pub advisory: Duration,
    /// From here on nothing is handed out without a renewal.
    pub mandatory: Duration,
}

impl RefreshWindows {
    /// The windows of a session that lasts so long in all.
    pub fn of(lifetime: Duration) -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self { advisory: minutes(15).min(lifetime / 2), mandatory: minutes(10).min(lifetime / 3) }
    }
}
