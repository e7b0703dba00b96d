//! Orders that are paid exactly: some of the money is wanted back, or disputed.

use contracts::events::{DisputeStage, DisputeVerdict, RefundResult};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use super::{Plan, TOTAL, habits, placed, reports, wished, wishes};
use crate::convergence::fact::{Fact, Moved, Opened};

/// Where failures are kept, beside this file.
pub(super) const REGRESSIONS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/convergence/calm/exact.regressions");

/// Captures that pay the order; every attempt has enough for all wishes.
const PLANS: [Plan; 6] = [
    &[(1, 10_000)],
    &[(1, 4_000), (2, 6_000)],
    &[(1, 4_000), (1, 6_000)],
    &[(1, 3_000), (2, 3_000), (3, 4_000)],
    &[(1, 5_000), (1, 1_000), (2, 4_000)],
    &[(2, 4_000), (1, 6_000)],
];

/// The attempt that is disputed; wishes keep away from it.
const DISPUTED: u32 = 1;

/// What else happens to the money: the two would compete for it.
#[derive(Clone, Debug)]
enum Wanted {
    /// Wishes name no attempt.
    Back(Vec<(i64, Vec<(RefundResult, u8)>)>),
    /// Wishes name one attempt, another one is disputed.
    OfOne(Vec<(i64, Vec<(RefundResult, u8)>)>, Vec<Fact>),
}

fn wanted() -> impl Strategy<Value = Wanted> {
    prop_oneof![
        1 => wishes().prop_map(Wanted::Back),
        2 => (wishes(), disputes()).prop_map(|(wishes, disputes)| Wanted::OfOne(wishes, disputes)),
    ]
}

/// An order, its money, and what becomes of that.
pub(super) fn facts() -> impl Strategy<Value = Vec<Fact>> {
    (1..=2_i32, select(&PLANS[..]), habits(), reports(), wanted()).prop_map(
        |(revisions, plan, habits, reports, wanted)| {
            let mut facts = placed(TOTAL, revisions);
            for (attempt, outcome, minute) in reports {
                facts.push(habits.report(attempt, outcome, minute));
            }
            facts.extend(habits.captures(plan));
            match wanted {
                Wanted::Back(wishes) => facts.extend(wished(wishes, None)),
                Wanted::OfOne(wishes, disputes) => {
                    let other = plan.iter().map(|(attempt, _)| *attempt).find(|a| *a != DISPUTED);
                    if other.is_some() {
                        facts.extend(wished(wishes, other));
                    }
                    facts.extend(disputes);
                }
            }
            facts
        },
    )
}

/// Up to two disputes of one attempt, each with up to four reports on it.
fn disputes() -> impl Strategy<Value = Vec<Fact>> {
    let disputes = vec((opened(), vec(moved(), 0..5)), 0..3);
    disputes.prop_map(|disputes| {
        let mut facts = Vec::new();
        for (number, (opened, moves)) in (1..).zip(disputes) {
            let (answerable, amount) = (opened.answerable, opened.amount);
            facts.push(Fact::Opened(Opened { dispute: number, ..opened }));
            // A provider that takes no answer does not wait for one either.
            let told = moves.into_iter().filter(|moved| answerable || is_decided(moved.status));
            facts.extend(told.map(|moved| {
                let about = moved.about.map(|(attempt, _)| (attempt, amount));
                Fact::Moved(Moved { dispute: number, about, ..moved })
            }));
        }
        facts
    })
}

fn stage() -> impl Strategy<Value = DisputeStage> {
    select(vec![
        DisputeStage::Inquiry,
        DisputeStage::Chargeback,
        DisputeStage::Chargeback,
        DisputeStage::PreArbitration,
        DisputeStage::Arbitration,
    ])
}

fn opened() -> impl Strategy<Value = Opened> {
    let amounts = select(vec![500, 3_000, 12_000]);
    (amounts, stage(), any::<bool>(), select(vec![0, 1_500]), any::<bool>()).prop_map(
        |(amount, stage, answerable, fee, names_order)| Opened {
            dispute: 0,
            attempt: DISPUTED,
            amount,
            stage,
            answerable,
            fee,
            names_order,
        },
    )
}

fn moved() -> impl Strategy<Value = Moved> {
    let statuses = select(vec![
        DisputeVerdict::NeedsResponse,
        DisputeVerdict::UnderReview,
        DisputeVerdict::Won,
        DisputeVerdict::Lost,
        DisputeVerdict::Accepted,
        DisputeVerdict::Withdrawn,
    ]);
    let about = prop_oneof![Just(None), Just(Some((DISPUTED, 0)))];
    (stage(), statuses, 1..10_u8, about, any::<bool>()).prop_map(
        |(stage, status, minute, about, names_order)| Moved {
            dispute: 0,
            stage,
            status,
            minute,
            about,
            names_order,
        },
    )
}

fn is_decided(status: DisputeVerdict) -> bool {
    match status {
        DisputeVerdict::NeedsResponse | DisputeVerdict::UnderReview => false,
        DisputeVerdict::Won
        | DisputeVerdict::Lost
        | DisputeVerdict::Accepted
        | DisputeVerdict::Withdrawn => true,
    }
}
