//! Medians, quantiles and rates.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// An hour: whatever takes longer counts as this.
const LONGEST_MICROS: u64 = 3_600_000_000;

/// The middle of the values; of an even number of them the mean of both middle ones.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

/// How many of something in a second.
pub(crate) fn rate(count: usize, seconds: f64) -> f64 {
    float(count) / seconds.max(1e-6)
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^52")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

/// A signed count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^52")]
pub(crate) fn signed(count: i64) -> f64 {
    count as f64
}

/// How long something took, over many times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// How many there are.
    pub(crate) count: u64,
    /// Milliseconds that half of them do not exceed.
    pub(crate) p50_ms: f64,
    /// Milliseconds that 99 of 100 do not exceed.
    pub(crate) p99_ms: f64,
    /// Milliseconds that 999 of 1000 do not exceed.
    pub(crate) p999_ms: f64,
    /// Milliseconds of the longest.
    pub(crate) max_ms: f64,
}

impl Spread {
    /// The spread of these microseconds; what is negative counts as one.
    pub(crate) fn of_micros(micros: impl IntoIterator<Item = i64>) -> Self {
        let mut histogram = Histogram::<u64>::new_with_max(LONGEST_MICROS, 3)
            .expect("three digits up to an hour are possible");
        for micros in micros {
            histogram.saturating_record(u64::try_from(micros).unwrap_or(1).max(1));
        }
        let ms = |micros: u64| f64::from(u32::try_from(micros).unwrap_or(u32::MAX)) / 1e3;
        Self {
            count: histogram.len(),
            p50_ms: ms(histogram.value_at_quantile(0.5)),
            p99_ms: ms(histogram.value_at_quantile(0.99)),
            p999_ms: ms(histogram.value_at_quantile(0.999)),
            max_ms: ms(histogram.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= expected * 0.001 + 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        close(median(&[]), 0.0);
        close(median(&[3.0]), 3.0);
        close(median(&[9.0, 1.0, 2.0]), 2.0);
        close(median(&[4.0, 1.0, 2.0, 100.0]), 3.0);
    }

    #[test]
    fn a_spread_has_the_quantiles_of_what_was_measured() {
        let spread = Spread::of_micros((1..=10_000).rev().map(|n| n * 1_000));
        assert_eq!(spread.count, 10_000);
        close(spread.p50_ms, 5_000.0);
        close(spread.p99_ms, 9_900.0);
        close(spread.p999_ms, 9_990.0);
        close(spread.max_ms, 10_000.0);
    }

    #[test]
    fn clocks_that_disagree_count_as_no_time() {
        close(Spread::of_micros([-5]).max_ms, 0.001);
        assert_eq!(Spread::of_micros([]).count, 0);
    }

    #[test]
    fn a_rate_of_no_time_is_finite() {
        assert!(rate(5, 0.0).is_finite());
        close(rate(500, 2.0), 250.0);
    }
}
