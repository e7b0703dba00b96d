//! The day that goes on meanwhile: the demo's, but for stories that are races against the clock.

use std::time::Duration;

use demo::scenario::Day;

/// Orders placed in a second.
const ORDERS_PER_SECOND: u32 = 8;
/// Fewest orders of a day.
const FEWEST: u32 = 300;

/// Stories that end otherwise when their messages are late: an outage within their few seconds
/// turns money in time into late money, say. What they are to end in is not known here.
const RACES: [&str; 13] = [
    "paid in part, then expired",
    "authorised, then expired",
    "declined and never paid",
    "payment hangs, then expires",
    "payment hangs, expires, and comes",
    "payment hangs, and is found paid",
    "payment without an order",
    "refund of an unpaid order",
    "dispute of an unknown payment",
    "dispute's deadline missed",
    "evidence handed in before the deadline",
    "verdict before the dispute",
    "late notification",
];

/// The day of this seed, over so much time.
pub(crate) fn day(seed: u64, length: Duration) -> Day {
    let seconds = u32::try_from(length.as_secs()).unwrap_or(u32::MAX);
    let mut day = Day::new(seed, (seconds.saturating_mul(ORDERS_PER_SECOND)).max(FEWEST));
    day.stories.retain(|story| !RACES.contains(&story.scenario));
    let last = day.stories.iter().map(|story| story.begins).max().unwrap_or_default();
    let stretch = length.as_secs_f64() / last.as_secs_f64().max(1.0);
    for story in &mut day.stories {
        story.begins = story.begins.mul_f64(stretch);
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_exists() {
        let names: Vec<_> = demo::scenario::scenarios().map(|scenario| scenario.name).collect();
        for race in RACES {
            assert!(names.contains(&race), "{race}");
        }
    }

    #[test]
    fn stories_begin_over_the_whole_time() {
        let length = Duration::from_mins(3);
        let day = day(1, length);
        let begins = day.stories.iter().map(|story| story.begins);
        assert!(begins.clone().all(|begins| begins <= length));
        assert!(begins.max().unwrap() > length.mul_f64(0.9));
    }
}
