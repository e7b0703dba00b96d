//! Orders that get more money than they ask for: they keep their total, the rest goes back.

use contracts::events::RefundResult;
use proptest::prelude::{Strategy, prop_oneof};
use proptest::sample::select;

use super::{
    ANY_RESULT, GOOD_RESULTS, Plan, TOTAL, habits, placed, refunded, reports, results, wished,
    wishes,
};
use crate::convergence::fact::{Cause, Fact};

/// Where failures are kept, beside this file.
pub(super) const REGRESSIONS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/convergence/calm/overpaid.regressions");

/// Captures that are too much together.
const PLANS: [Plan; 5] = [
    &[(1, 12_000)],
    &[(1, 10_000), (2, 10_000)],
    &[(1, 6_000), (2, 6_000)],
    &[(1, 5_000), (1, 5_000), (1, 5_000)],
    &[(1, 4_000), (2, 7_000), (3, 1)],
];

/// What else happens to the money.
#[derive(Clone, Debug)]
enum Wanted {
    /// What goes back by itself may come to nothing: a wish would take that money first.
    Nothing(Vec<(RefundResult, u8)>),
    /// Some of what stays is wanted back.
    Back(Vec<(RefundResult, u8)>, Vec<(i64, Vec<(RefundResult, u8)>)>),
}

/// An order, too much money for it, and what becomes of that.
pub(super) fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let wanted = prop_oneof![
        results(&ANY_RESULT).prop_map(Wanted::Nothing),
        (results(&GOOD_RESULTS), wishes()).prop_map(|(own, wishes)| Wanted::Back(own, wishes)),
    ];
    let total = select(vec![TOTAL, TOTAL, TOTAL, 0]);
    (total, 1..=2_i32, select(&PLANS[..]), habits(), reports(), wanted).prop_map(
        |(total, revisions, plan, habits, reports, wanted)| {
            let mut facts = placed(total, revisions);
            for (attempt, outcome, minute) in reports {
                facts.push(habits.report(attempt, outcome, minute));
            }
            facts.extend(habits.captures(plan));
            match wanted {
                Wanted::Nothing(own) => facts.extend(refunded(Cause::Own, own)),
                Wanted::Back(own, wishes) => {
                    facts.extend(refunded(Cause::Own, own));
                    // Of a free order nothing stays.
                    facts.extend(wished(wishes, None).filter(|_| total > 0));
                }
            }
            facts
        },
    )
}
