//! The recorded ratio of ours to the bare pipe, below which no change may fall.

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// What is recorded.
const RECORD: &str = include_str!("../guard.toml");

/// The recorded ratio and how far below it a run may be.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guard {
    /// Messages per second of ours over those of the pipe.
    ratio_to_pipe: f64,
    /// The part of it that may be missing, for machines differ.
    tolerance: f64,
}

/// A ratio beside the least one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Verdict {
    found: f64,
    floor: f64,
}

impl Guard {
    /// The guard of this build.
    pub(crate) fn recorded() -> Result<Self> {
        toml::from_str(RECORD).context("failed to read ops/bench/guard.toml")
    }

    /// Compares.
    pub(crate) fn judge(&self, found: f64) -> Verdict {
        Verdict { found, floor: self.ratio_to_pipe * (1.0 - self.tolerance) }
    }
}

impl Verdict {
    /// Whether it is fast enough.
    pub(crate) fn holds(&self) -> bool {
        self.found >= self.floor
    }

    /// The verdict in words.
    pub(crate) fn sentence(&self) -> String {
        let Self { found, floor } = self;
        if self.holds() {
            return format!("The guard holds: ours is {found:.2} x the pipe, at least {floor:.2}.");
        }
        format!(
            "The guard FAILED: ours is {found:.2} x the pipe, which is below {floor:.2} \
             (ops/bench/guard.toml). Find what made it slower, or record the new ratio there \
             with its reason."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_may_be_below_the_record_by_the_tolerance_and_not_more() {
        let guard = Guard { ratio_to_pipe: 0.5, tolerance: 0.2 };
        assert!(guard.judge(0.5).holds());
        assert!(guard.judge(0.4).holds());
        let below = guard.judge(0.39);
        assert!(!below.holds());
        assert!(below.sentence().contains("0.39 x the pipe, which is below 0.40"));
    }

    #[test]
    fn a_ratio_that_is_no_number_fails() {
        assert!(!Guard { ratio_to_pipe: 0.5, tolerance: 0.2 }.judge(f64::NAN).holds());
    }

    #[test]
    fn the_record_can_be_read() {
        let guard = Guard::recorded().unwrap();
        assert!(guard.ratio_to_pipe > 0.0 && (0.0..1.0).contains(&guard.tolerance));
    }
}
