//! Paid orders that their shop lets buyers call off: all of the money goes back (case 85).

use proptest::prelude::Strategy;
use proptest::sample::select;

use super::{ANY_RESULT, Plan, TOTAL, habits, placed, refunded, reports, results};
use crate::convergence::fact::{Cause, Fact};

/// Where failures are kept, beside this file.
pub(super) const REGRESSIONS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/convergence/calm/called_off.regressions");

/// Captures that pay the order, or more than that.
const PLANS: [Plan; 5] = [
    &[(1, 10_000)],
    &[(1, 4_000), (1, 6_000)],
    &[(1, 3_000), (2, 7_000)],
    &[(1, 10_000), (2, 4_000)],
    &[(1, 6_000), (2, 5_000), (3, 1)],
];

/// An order, its money, and the buyer who calls it off before, between or after.
pub(super) fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let results = results(&ANY_RESULT);
    (1..=2_i32, select(&PLANS[..]), habits(), reports(), results).prop_map(
        |(revisions, plan, habits, reports, results)| {
            let mut facts = placed(TOTAL, revisions);
            for (attempt, outcome, minute) in reports {
                facts.push(habits.report(attempt, outcome, minute));
            }
            facts.extend(habits.captures(plan));
            facts.push(Fact::CalledOff);
            facts.extend(refunded(Cause::Own, results));
            facts
        },
    )
}
