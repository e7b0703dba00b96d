//! Whatever the order in which a provider's reports arrive, a refund and its money end the same.

use domain::refund::Refund;
use proptest::prelude::*;

use crate::scene::{ask, hear, one, paid};

const WORDS: [&str; 6] =
    ["submitted", "requires_action", "cancelled", "failed", "succeeded", "reversed"];

/// Which word, and at which minute after 13:00.
type Report = (usize, u8);

/// Up to eight reports within five minutes, so that some are of the same moment, and each in two
/// orders of arrival, the second with duplicates.
fn arrivals() -> impl Strategy<Value = (Vec<Report>, Vec<Report>)> {
    prop::collection::vec((0..WORDS.len(), 10..15_u8), 1..8).prop_flat_map(|reports| {
        let mut twice = reports.clone();
        twice.extend(reports.iter().take(3).copied());
        (Just(reports).prop_shuffle(), Just(twice).prop_shuffle())
    })
}

fn ends_as(arrivals: &[Report]) -> Refund {
    let mut world = paid(&[10_000]);
    ask(&mut world, "r", 4_000);
    world.clock("14:00:00");
    for (word, minute) in arrivals {
        hear(&mut world, "r", WORDS[*word], &format!("13:{minute}:00"));
        world.check_books();
    }
    one(&world, "r")
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn reports_in_any_order_end_in_the_same_refund((one, other) in arrivals()) {
        prop_assert_eq!(ends_as(&one), ends_as(&other));
    }
}
