//! Paces requests. The portal answers about 20 requests per second, counted over all programs of a user, and
//! refuses more.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The time between two requests: the initial and the longest.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// The pause after a refusal: the initial and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(8));
/// The longest pause that arl makes because the portal asks for it.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);
/// How long the portal may refuse every request before arl gives up.
const MAX_REFUSING: Duration = Duration::from_secs(90);
/// After this many answers in a row, the time between two requests becomes shorter again.
const RECOVERY: u32 = 20;

/// Decides when each request may be sent.
#[derive(Debug)]
pub(super) struct Pace(RefCell<State>);

#[derive(Debug)]
struct State {
    interval: Duration,
    /// When the next request may be sent.
    next: Instant,
    paused_until: Instant,
    pause: Duration,
    /// When the portal began to refuse every request.
    refusing_since: Option<Instant>,
    answers: u32,
}

impl Pace {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self(RefCell::new(State {
            interval: INTERVALS.0,
            next: now,
            paused_until: now,
            pause: PAUSES.0,
            refusing_since: None,
            answers: 0,
        }))
    }

    /// Waits until a request may be sent.
    pub(super) async fn turn(&self) {
        loop {
            let turn = {
                let mut state = self.0.borrow_mut();
                let turn = state.next.max(state.paused_until).max(Instant::now());
                state.next = turn + state.interval;
                turn
            };
            sleep_until(turn).await;
            // Another request may have been refused meanwhile.
            if self.0.borrow().paused_until <= turn {
                return;
            }
        }
    }

    /// Records that the portal has answered a request.
    pub(super) fn answered(&self) {
        let mut state = self.0.borrow_mut();
        state.refusing_since = None;
        state.pause = PAUSES.0;
        state.answers += 1;
        if state.answers == RECOVERY {
            state.answers = 0;
            state.interval = (state.interval * 3 / 4).max(INTERVALS.0);
        }
    }

    /// Records that the portal refuses requests for now. Pauses all requests and halves their rate, once for
    /// requests that were sent together. Returns whether to go on.
    pub(super) fn refused(&self, retry_after: Option<Duration>) -> bool {
        let (mut state, now) = (self.0.borrow_mut(), Instant::now());
        let since = *state.refusing_since.get_or_insert(now);
        if now >= state.paused_until {
            // Programs that were refused at the same time must not retry at the same time.
            let jitter = state.pause.mul_f64(fastrand::f64() / 2.0);
            let pause = retry_after.map_or(state.pause, |time| time.min(MAX_RETRY_AFTER)) + jitter;
            state.paused_until = now + pause;
            state.pause = (state.pause * 2).min(PAUSES.1);
            state.interval = (state.interval * 2).min(INTERVALS.1);
        }
        state.answers = 0;
        now.duration_since(since) < MAX_REFUSING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_have_their_time_and_refusals_slow_them_down() {
        let (pace, begin) = (Pace::new(), Instant::now());
        for _ in 0..31 {
            pace.turn().await;
        }
        assert_eq!(begin.elapsed(), Duration::from_secs(3));
        assert!(pace.refused(Some(Duration::from_secs(5))) && pace.refused(None));
        let refused = Instant::now();
        pace.turn().await;
        assert!((5000..=5251).contains(&refused.elapsed().as_millis()), "{:?}", refused.elapsed());
        let second = Instant::now();
        pace.turn().await;
        assert_eq!(second.elapsed(), Duration::from_millis(200));
        for _ in 0..3 * RECOVERY {
            pace.answered();
        }
        assert_eq!(pace.0.borrow().interval, INTERVALS.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_portal_that_refuses_for_long_is_given_up() {
        let (pace, begin) = (Pace::new(), Instant::now());
        while pace.refused(None) {
            pace.turn().await;
        }
        let waited = begin.elapsed();
        assert!(waited >= MAX_REFUSING && waited < MAX_REFUSING + 2 * PAUSES.1, "{waited:?}");
    }
}
