//! Whatever is asked, reported and disputed, in whatever order: no money is given twice by us, and
//! the ledger says what the rows say.

use contracts::events::DisputeStage;
use domain::dispute::DisputeStatus;
use domain::{Outcome, Status};
use proptest::prelude::*;
use testkit::shop::{ShopEvent, attempt_id, dispute_id, refund_requested};
use testkit::world::World;

use crate::scene::{
    cases, dispute, everything, of_attempt, order, paid, refund_duplicate, report, row, tell,
};

const WORDS: [&str; 6] =
    ["submitted", "requires_action", "cancelled", "failed", "succeeded", "reversed"];

#[derive(Clone, Debug)]
enum Step {
    /// Somebody asks for so many tenths of the first capture, of one attempt or any.
    Ask { key: u8, tenths: i64, attempt: Option<u32> },
    /// Somebody asks for all that is left.
    AskForAll { key: u8 },
    /// The provider reports on a refund.
    Hear { refund: usize, word: usize, minute: u8 },
    /// A dispute is opened or decided.
    Dispute { number: u32, tenths: i64, status: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let attempt = prop_oneof![2 => Just(None), 1 => (1..=4_u32).prop_map(Some)];
    prop_oneof![
        4 => (0..6_u8, 1..14_i64, attempt)
            .prop_map(|(key, tenths, attempt)| Step::Ask { key, tenths, attempt }),
        1 => (0..6_u8).prop_map(|key| Step::AskForAll { key }),
        6 => (0..8_usize, 0..WORDS.len(), 10..15_u8)
            .prop_map(|(refund, word, minute)| Step::Hear { refund, word, minute }),
        2 => (1..=3_u32, 1..=12_i64, 0..DisputeStatus::ALL.len())
            .prop_map(|(number, tenths, status)| Step::Dispute { number, tenths, status }),
    ]
}

/// A history is a shuffle of some steps and some of them again.
fn histories() -> impl Strategy<Value = (Vec<i64>, Vec<Step>)> {
    let captures = prop::collection::vec(1_000..20_000_i64, 1..=3);
    let steps = prop::collection::vec(step(), 1..14).prop_flat_map(|steps| {
        let mut twice = steps.clone();
        twice.extend(steps.into_iter().take(4));
        Just(twice).prop_shuffle()
    });
    (captures, steps)
}

/// What refunds and disputes hold of an attempt beyond what was captured.
fn excess(world: &World, attempt: u32) -> i64 {
    let (state, order, id) = (&world.state, row(world), attempt_id(attempt));
    let sums = [state.refunded(&order, id), state.disputed(&order, id)];
    let held: i64 = sums.into_iter().map(|sum| sum.unwrap().minor()).sum();
    (held - state.captured(&order, id).unwrap().minor()).max(0)
}

fn excesses(world: &World) -> Vec<i64> {
    (1..=4).map(|attempt| excess(world, attempt)).collect()
}

fn event(world: &World, captures: &[i64], step: &Step) -> Option<ShopEvent> {
    match step {
        Step::Ask { key, tenths, attempt } => {
            let (key, amount) = (format!("r-{key}"), captures[0] * tenths / 10);
            Some(match attempt {
                Some(attempt) => of_attempt(&key, amount, *attempt),
                None => refund_requested(order(), &key, amount),
            })
        }
        Step::AskForAll { key } => Some(everything(&format!("r-{key}"))),
        Step::Hear { refund, word, minute } => {
            let refund = world.state.refunds.get(*refund)?;
            Some(report(refund, WORDS[*word], &format!("13:{minute}:00")))
        }
        Step::Dispute { .. } => None,
    }
}

/// Applies a dispute's step as far as it is legal.
fn apply_dispute(world: &mut World, captures: &[i64], step: &Step) {
    let Step::Dispute { number, tenths, status } = step else { return };
    let attempts = u32::try_from(captures.len()).unwrap();
    let (status, attempt) = (DisputeStatus::ALL[*status], 1 + number % attempts);
    let stage = DisputeStage::Chargeback;
    let known = world.state.dispute(dispute_id(*number)).map(|dispute| dispute.position);
    if known.is_none_or(|known| status.can_follow_in_stage(known.status)) {
        dispute(world, *number, attempt, captures[0] * tenths / 10, (stage, status));
    }
}

fn run(captures: &[i64], steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = paid(captures);
    refund_duplicate(&mut world, 4);
    world.clock("14:00:00");
    for step in steps {
        let (before, cases_before) = (excesses(&world), cases(&world).len());
        let event = event(&world, captures, step);
        let outcome = event.map(|event| tell(&mut world, &event));
        apply_dispute(&mut world, captures, step);
        world.check_books();
        let asked = matches!(step, Step::Ask { .. } | Step::AskForAll { .. });
        let heard = matches!(step, Step::Hear { .. });
        let grew = excesses(&world).iter().zip(&before).any(|(now, then)| now > then);
        prop_assert!(!(asked && grew), "a refund was granted out of money that is not there");
        prop_assert!(!(heard && grew) || cases(&world).len() > cases_before, "nobody was told");
        let refused = matches!(outcome, Some(Outcome::Parked { .. } | Outcome::Orphaned(_)));
        prop_assert!(!refused, "{outcome:?} although everything is known");
    }
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_history_gives_money_twice_or_unbalances_the_books((captures, steps) in histories()) {
        run(&captures, &steps)?;
    }
}
