//! How fast to publish.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// How often a second messages are handed over at most, so that a low rate stays even.
const STEPS_PER_SECOND: u32 = 10;

/// Messages per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate(NonZeroU32);

impl Rate {
    /// How many messages to hand over at once.
    pub(crate) fn step(self) -> usize {
        usize::try_from(self.0.get() / STEPS_PER_SECOND).unwrap_or(usize::MAX).max(1)
    }

    /// How long one such step may take at the earliest.
    pub(crate) fn pause(self) -> Duration {
        let step = u32::try_from(self.step()).unwrap_or(u32::MAX);
        Duration::from_secs(1) * step / self.0.get()
    }
}

impl FromStr for Rate {
    type Err = String;

    /// Reads `50/s` or `50`.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix("/s").unwrap_or(text);
        let rate = number.parse().ok().and_then(NonZeroU32::new);
        rate.map(Self).ok_or_else(|| "must be a number per second such as 50/s".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_by_steps() {
        for (text, step, pause) in [
            ("1/s", 1, Duration::from_secs(1)),
            ("4", 1, Duration::from_millis(250)),
            ("50/s", 5, Duration::from_millis(100)),
            ("1000/s", 100, Duration::from_millis(100)),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.step(), rate.pause()), (step, pause), "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", "0/s", "-1", "fast", "10/m", "1.5/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
