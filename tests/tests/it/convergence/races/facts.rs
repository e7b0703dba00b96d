//! Whatever may happen to one order, as long as no two facts contradict each other.

use contracts::events::{
    DisputeStage, DisputeVerdict, PaymentOutcome, RefundResult, ReserveOutcome,
};
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use crate::convergence::fact::{Cause, Fact, Moved, Opened, Payment, Wish};

/// How much each capture of each attempt is; the third attempt has one capture without a name.
const CAPTURES: [&[i64]; 3] = [&[10_000, 4_000, 1_000], &[6_000, 12_000], &[3_000]];

/// How much each attempt has authorised: plenty, too little, exactly its capture.
const AUTHORIZED: [i64; 3] = [15_000, 8_000, 3_000];

/// How much each dispute is about, and of which attempt.
const DISPUTES: [(u32, i64); 3] = [(1, 2_500), (1, 20_000), (2, 6_000)];

/// An order and up to two dozen other facts.
pub(super) fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let fact = prop_oneof![
        1 => placed(1..=3),
        1 => Just(Fact::CalledOff),
        8 => payment(),
        3 => wish(),
        2 => opened(),
        3 => moved(),
        1 => evidence(),
        1 => stock(),
        4 => refunded(),
    ];
    (placed(1..=1), vec(fact, 0..20)).prop_map(|(first, others)| {
        let mut facts = vec![first];
        facts.extend(others);
        facts
    })
}

/// A window may end before the first message comes, among the messages, or after them.
fn placed(revisions: std::ops::RangeInclusive<i32>) -> impl Strategy<Value = Fact> {
    let total = prop_oneof![6 => Just(10_000), 2 => Just(12_000), 1 => Just(0)];
    (revisions, total, select(vec![300, 660, 900, 3_600]))
        .prop_map(|(revision, total, window_s)| Fact::Placed { revision, total, window_s })
}

fn payment() -> impl Strategy<Value = Fact> {
    let outcome = prop_oneof![
        6 => Just(PaymentOutcome::Captured),
        2 => Just(PaymentOutcome::CaptureFailed),
        6 => select(vec![
            PaymentOutcome::RequiresAction,
            PaymentOutcome::Processing,
            PaymentOutcome::Authorized,
            PaymentOutcome::Declined,
            PaymentOutcome::Failed,
            PaymentOutcome::Voided,
            PaymentOutcome::AuthorizationExpired,
        ]),
    ];
    let last = option::of(any::<bool>());
    (0..3_usize, outcome, any::<usize>(), last, select(vec![1, 6, 20, 90])).prop_map(
        |(place, outcome, part, last, minute)| {
            let moves_money =
                matches!(outcome, PaymentOutcome::Captured | PaymentOutcome::CaptureFailed);
            let part = part % CAPTURES[place].len();
            let several = moves_money && CAPTURES[place].len() > 1;
            Fact::Payment(Payment {
                attempt: u32::try_from(place).unwrap() + 1,
                outcome,
                amount: if moves_money { CAPTURES[place][part] } else { AUTHORIZED[place] },
                part: several.then(|| u8::try_from(part).unwrap()),
                last,
                // Either every message about money repeats it, or none.
                authorized: (moves_money && place == 1).then_some(AUTHORIZED[place]),
                minute,
            })
        },
    )
}

/// Wishes, some under one key with different amounts.
fn wish() -> impl Strategy<Value = Fact> {
    let amount = option::weighted(0.8, select(vec![500, 3_000, 4_000, 9_999, 60_000]));
    let attempt = option::weighted(0.4, 1_u32..=3);
    (0..4_u8, amount, attempt, weighted(0.1)).prop_map(|(key, amount, attempt, foreign)| {
        let foreign = foreign && amount.is_some();
        Fact::Wish(Wish { key, amount, attempt, foreign })
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

fn opened() -> impl Strategy<Value = Fact> {
    (0..3_usize, stage(), select(vec![0, 1_500]), any::<bool>()).prop_map(
        |(place, stage, fee, names_order)| {
            let (attempt, amount) = DISPUTES[place];
            Fact::Opened(Opened {
                dispute: u32::try_from(place).unwrap() + 1,
                attempt,
                amount,
                stage,
                answerable: true,
                fee,
                names_order,
            })
        },
    )
}

fn moved() -> impl Strategy<Value = Fact> {
    let statuses = select(vec![
        DisputeVerdict::NeedsResponse,
        DisputeVerdict::UnderReview,
        DisputeVerdict::Won,
        DisputeVerdict::Lost,
        DisputeVerdict::Accepted,
        DisputeVerdict::Withdrawn,
    ]);
    (0..3_usize, stage(), statuses, 1..10_u8, any::<bool>(), any::<bool>()).prop_map(
        |(place, stage, status, minute, repeats, names_order)| {
            Fact::Moved(Moved {
                dispute: u32::try_from(place).unwrap() + 1,
                stage,
                status,
                minute,
                about: repeats.then_some(DISPUTES[place]),
                names_order,
            })
        },
    )
}

fn evidence() -> impl Strategy<Value = Fact> {
    let stage = option::of(stage());
    (1..4_u32, stage).prop_map(|(dispute, stage)| Fact::Evidence { dispute, stage })
}

fn stock() -> impl Strategy<Value = Fact> {
    let outcomes = select(vec![ReserveOutcome::Reserved, ReserveOutcome::Refused]);
    outcomes.prop_map(Fact::Stock)
}

fn refunded() -> impl Strategy<Value = Fact> {
    let causes = prop_oneof![Just(Cause::Own), (0..4_u8).prop_map(Cause::Wish)];
    let results = select(vec![
        RefundResult::Submitted,
        RefundResult::RequiresAction,
        RefundResult::Succeeded,
        RefundResult::Succeeded,
        RefundResult::Failed,
        RefundResult::Cancelled,
        RefundResult::Reversed,
    ]);
    (causes, results, 7..10_u8).prop_map(|(cause, result, minute)| Fact::Refunded {
        cause,
        result,
        minute,
    })
}
