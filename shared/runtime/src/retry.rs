//! How long to wait before another try: of a message, and of a dependency.
//!
//! The crate `backoff` lives in this file and nowhere else.

use std::time::Duration;

use backoff::backoff::Backoff;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};

/// How often and how soon a failed message is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all, the first one included.
    pub attempts: u32,
    /// Wait after the first failure; doubles with each further one.
    pub base: Duration,
    /// Longest wait: failures must surface.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 6, base: Duration::from_secs(1), cap: Duration::from_mins(5) }
    }
}

impl RetryPolicy {
    /// The wait after the `attempt`th failure, or `None` when the tries are used up.
    ///
    /// `jitter` in `0.0..1.0` spreads the wait over 80 % to 120 %, so that what failed together
    /// does not come back together.
    pub fn delay_after(&self, attempt: u32, jitter: f64) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(31);
        let delay = self.base.saturating_mul(1 << doublings).min(self.cap);
        Some(spread(delay, jitter))
    }

    /// The wait for what somebody else holds, which is none of the tries.
    pub fn snooze(&self, jitter: f64) -> Duration {
        spread(SNOOZE.min(self.cap), jitter)
    }
}

fn spread(delay: Duration, jitter: f64) -> Duration {
    delay.mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0))
}

/// How long a message waits that needs what somebody else holds. Each try holds up its lane for as
/// long as a lock is waited for, so tries are to be few.
const SNOOZE: Duration = Duration::from_secs(30);

/// Ever longer pauses between tries of a dependency, with jitter, without an end.
#[derive(Debug)]
pub struct Pauses(ExponentialBackoff);

impl Pauses {
    /// From a fifth of a second to three: a dependency that is back is noticed within five.
    pub fn new() -> Self {
        Self(
            ExponentialBackoffBuilder::new()
                .with_initial_interval(Duration::from_millis(200))
                .with_multiplier(1.6)
                .with_randomization_factor(0.3)
                .with_max_interval(Duration::from_secs(3))
                .with_max_elapsed_time(None)
                .build(),
        )
    }

    /// The next pause.
    pub fn next_pause(&mut self) -> Duration {
        self.0.next_backoff().unwrap_or(self.0.max_interval)
    }
}

impl Default for Pauses {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy =
        RetryPolicy { attempts: 5, base: Duration::from_secs(1), cap: Duration::from_secs(6) };

    #[test]
    fn waits_double_up_to_the_cap_and_end_with_the_tries() {
        let waits: Vec<_> = (1..=5).map(|attempt| POLICY.delay_after(attempt, 0.5)).collect();
        let seconds = |s| Some(Duration::from_secs(s));
        assert_eq!(waits, [seconds(1), seconds(2), seconds(4), seconds(6), None]);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        assert_eq!(POLICY.delay_after(1, 0.0), Some(Duration::from_millis(800)));
        assert_eq!(POLICY.delay_after(1, 1.0), Some(Duration::from_millis(1200)));
        assert_eq!(POLICY.delay_after(1, 7.0), POLICY.delay_after(1, 1.0));
    }

    #[test]
    fn many_tries_do_not_overflow() {
        let policy = RetryPolicy { attempts: u32::MAX, ..POLICY };
        assert_eq!(policy.delay_after(1_000_000, 0.5), Some(POLICY.cap));
    }

    #[test]
    fn pauses_grow_and_never_end() {
        let mut pauses = Pauses::new();
        let taken: Vec<_> = (0..50).map(|_| pauses.next_pause()).collect();
        assert!(taken[0] < Duration::from_millis(300));
        assert!(taken.iter().all(|pause| *pause < Duration::from_secs(4)));
        assert!(taken[49] > Duration::from_secs(2));
    }
}
