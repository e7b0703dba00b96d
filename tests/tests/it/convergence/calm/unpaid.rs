//! Orders that never get enough money: they expire or are called off, and all of it goes back.

use contracts::events::PaymentOutcome;
use proptest::prelude::{Strategy, any};
use proptest::sample::select;

use super::{ANY_RESULT, Plan, TOTAL, habits, placed, refunded, reports, results};
use crate::convergence::fact::{Cause, Fact};

/// Where failures are kept, beside this file.
pub(super) const REGRESSIONS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/convergence/calm/unpaid.regressions");

/// Captures that do not pay the order.
const PLANS: [Plan; 6] = [
    &[],
    &[(1, 4_000)],
    &[(1, 3_000), (1, 2_000)],
    &[(1, 3_000), (2, 6_900)],
    &[(1, 2_000), (1, 1_000), (1, 3_000)],
    &[(1, 1), (2, 9_000), (3, 1)],
];

/// How an order ends that is not paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its window ends.
    Expiry,
    /// The buyer calls it off.
    CalledOff,
    /// Its window ends, and some of its captures fail after all, by their places.
    Failures([bool; 3]),
}

fn end() -> impl Strategy<Value = End> {
    (0..4_u8, any::<[bool; 3]>()).prop_map(|(kind, failures)| match kind {
        0 => End::Expiry,
        1 => End::CalledOff,
        _ => End::Failures(failures),
    })
}

/// An order, less money than it asks for, and its end.
pub(super) fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let results = results(&ANY_RESULT);
    (1..=2_i32, select(&PLANS[..]), habits(), reports(), end(), results).prop_map(
        |(revisions, plan, habits, reports, end, results)| {
            let mut facts = placed(TOTAL, revisions);
            for (attempt, outcome, minute) in reports {
                facts.push(habits.report(attempt, outcome, minute));
            }
            let captures = habits.captures(plan);
            let failed = failures(&captures, end);
            facts.extend(captures);
            facts.extend(failed);
            if end == End::CalledOff {
                facts.push(Fact::CalledOff);
            }
            facts.extend(refunded(Cause::Own, results));
            facts
        },
    )
}

/// Reports that captures failed after all.
fn failures(captures: &[Fact], end: End) -> Vec<Fact> {
    let End::Failures(places) = end else { return Vec::new() };
    let failed = captures.iter().zip(places).filter(|(_, fails)| *fails);
    let failure = |fact: &Fact| match fact.clone() {
        Fact::Payment(mut payment) => {
            payment.outcome = PaymentOutcome::CaptureFailed;
            payment.minute = 8;
            Fact::Payment(payment)
        }
        other => unreachable!("{other:?} is no capture"),
    };
    failed.map(|(fact, _)| failure(fact)).collect()
}
