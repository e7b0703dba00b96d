//! Whatever is opened, reported and due, in whatever order: the ledger says what the rows say, and
//! money that is lost twice is announced.

use domain::refund::RefundStatus;
use domain::{Outcome, Timestamp};
use proptest::prelude::*;
use testkit::shop::{ShopEvent, attempt_id, dispute_deadline, dispute_id};
use testkit::world::World;

use crate::scene::{armed, chargeback, end_refund, money, order, paid, refund, row, tell, update};

const STAGES: [&str; 4] = ["inquiry", "chargeback", "pre_arbitration", "arbitration"];
const STATUSES: [&str; 6] =
    ["needs_response", "under_review", "won", "lost", "accepted", "withdrawn"];
const ENDS: [RefundStatus; 3] =
    [RefundStatus::Succeeded, RefundStatus::Failed, RefundStatus::Cancelled];

#[derive(Clone, Debug)]
enum Step {
    /// A dispute over so many tenths of the first capture is opened.
    Open { number: u32, stage: usize, tenths: i64, fee: i64, answerable: bool },
    /// The provider reports on a dispute.
    Hear { number: u32, stage: usize, status: usize, minute: u8, tenths: Option<i64>, fee: i64 },
    /// A deadline's timer comes back after so many days.
    FallDue { number: u32, generation: i32, days: u64 },
    /// So many tenths are refunded, if they are there.
    Refund { key: u8, tenths: i64 },
    /// A refund ends.
    EndRefund { key: u8, end: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let tenths = || 1..=12_i64;
    let update = (1..=3_u32, 0..STAGES.len(), 0..STATUSES.len(), 10..15_u8);
    prop_oneof![
        3 => (1..=3_u32, 0..STAGES.len(), tenths(), 0..3_i64, prop::bool::weighted(0.8)).prop_map(
            |(number, stage, tenths, fee, answerable)| Step::Open {
                number, stage, tenths, fee, answerable
            }
        ),
        6 => (update, prop::option::of(tenths()), 0..3_i64).prop_map(
            |((number, stage, status, minute), tenths, fee)| Step::Hear {
                number, stage, status, minute, tenths, fee
            }
        ),
        1 => (1..=3_u32, 1..4, 0..12_u64)
            .prop_map(|(number, generation, days)| Step::FallDue { number, generation, days }),
        2 => (0..3_u8, tenths()).prop_map(|(key, tenths)| Step::Refund { key, tenths }),
        2 => (0..3_u8, 0..ENDS.len()).prop_map(|(key, end)| Step::EndRefund { key, end }),
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

fn event(step: &Step, first_capture: i64, now: Timestamp) -> Option<ShopEvent> {
    let with_fee = |event: ShopEvent, fee: i64| {
        if fee > 0 { event.with("fee", money(fee * 500)) } else { event }
    };
    Some(match step {
        Step::Open { number, stage, tenths, fee, answerable } => {
            let opened = chargeback(*number, first_capture * tenths / 10);
            let opened = with_fee(opened.with("stage", STAGES[*stage]), *fee);
            let mute = opened.clone().with("evidence_due_at", serde_json::Value::Null);
            if *answerable { opened } else { mute }
        }
        Step::Hear { number, stage, status, minute, tenths, fee } => {
            let time = format!("14:{minute}:00");
            let heard = with_fee(update(*number, STAGES[*stage], STATUSES[*status], &time), *fee);
            let payment_ref = format!("pay-{}", attempt_id(1));
            match tenths {
                None => heard,
                Some(tenths) => heard
                    .with("payment_ref", payment_ref)
                    .with("amount", money(first_capture * tenths / 10)),
            }
        }
        Step::FallDue { number, generation, .. } => {
            dispute_deadline(order(), dispute_id(*number), *generation, now)
        }
        Step::Refund { .. } | Step::EndRefund { .. } => return None,
    })
}

/// Refunds as the other worker makes them: never more than is there.
fn move_refund(world: &mut World, step: &Step, first_capture: i64) {
    match step {
        Step::Refund { key, tenths } => {
            let amount = first_capture * tenths / 10;
            let free = world.state.refundable(&row(world), attempt_id(1)).unwrap();
            if amount <= free.minor() {
                let sent = std::mem::take(&mut world.sent);
                refund(world, &format!("r-{key}"), amount);
                world.sent = sent;
            }
        }
        Step::EndRefund { key, end } => {
            let key = format!("r-{key}");
            let known = world.state.refunds.iter().find(|r| r.request_key.as_str() == key);
            let from = known.map(|refund| refund.status);
            if from == Some(RefundStatus::Approved) {
                end_refund(world, &key, ENDS[*end]);
            }
        }
        Step::Open { .. } | Step::Hear { .. } | Step::FallDue { .. } => {}
    }
}

/// What disputes and refunds hold of attempt 1 beyond its capture, if both hold something.
fn double_loss(world: &World) -> i64 {
    let (state, order, id) = (&world.state, row(world), attempt_id(1));
    let refunded = state.refunded(&order, id).unwrap().minor();
    let disputed = state.disputed(&order, id).unwrap().minor();
    let captured = state.captured(&order, id).unwrap().minor();
    let both = refunded > 0 && disputed > 0;
    if both { (refunded + disputed - captured).max(0) } else { 0 }
}

/// Every dispute that awaits evidence has its timer, unless its time has passed.
fn is_watched(world: &World) -> bool {
    world.state.disputes.iter().all(|dispute| {
        let awaits = dispute.position.status == domain::dispute::DisputeStatus::NeedsResponse;
        let numbers = (1..=3).filter(|number| dispute_id(*number) == dispute.id);
        let armed = numbers.filter_map(|number| armed(world, number)).count() == 1;
        armed == (awaits && !dispute.deadline_missed)
    })
}

fn run(captures: &[i64], steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = paid(captures);
    world.clock("15:00:00");
    for step in steps {
        if let Step::FallDue { days, .. } = step {
            world.now = world.now.plus(std::time::Duration::from_hours(24 * days));
        }
        let before = double_loss(&world);
        let announced = world.sent_count("dispute.double_loss_detected");
        let outcome = event(step, captures[0], world.now).map(|event| tell(&mut world, &event));
        move_refund(&mut world, step, captures[0]);
        world.check_books();
        prop_assert!(is_watched(&world), "{:?}", world.state.disputes);
        let told = world.sent_count("dispute.double_loss_detected") > announced;
        prop_assert!(told || double_loss(&world) <= before, "nobody was told");
        let orphaned = matches!(outcome, Some(Outcome::Orphaned(_)));
        prop_assert!(!orphaned, "given up without waiting");
    }
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_history_unbalances_the_books_or_hides_a_double_loss((captures, steps) in histories()) {
        run(&captures, &steps)?;
    }
}
