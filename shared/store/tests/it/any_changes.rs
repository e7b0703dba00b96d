//! Whatever rules write, the state in the database equals the state in memory.

use std::sync::atomic::{AtomicU32, Ordering};

use contracts::events::OrderEvent;
use contracts::{Money, OrderId, Timestamp};
use domain::customer::CustomerRecord;
use domain::ledger::{Account, JournalCode, Leg};
use domain::order::{CloseReason, Order, OrderStatus};
use domain::payment::{Attempt, AttemptStatus, Capture, Classification};
use domain::refund::{Refund, RefundStatus};
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft, Moment, OrderState, OutcomeCode, Status};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use testkit::shop::{self, attempt_id, order_id};
use uuid::Uuid;

use crate::home::Home;
use crate::life;
use crate::pipeline::{Job, job, run};
use crate::rules;

/// One random step of an order's life.
#[derive(Clone, Copy, Debug)]
enum Step {
    Touch,
    Status(usize),
    Attempt(u32, usize, i64),
    Capture(u32, u8, i64, bool),
    Refund(u32, i64, usize),
    Timer(usize, bool),
    Post(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Touch),
        (0..4_usize).prop_map(Step::Status),
        (0..3_u32, 0..12_usize, 1..20_000_i64).prop_map(|(n, s, a)| Step::Attempt(n, s, a)),
        (0..3_u32, 0..2_u8, 1..20_000_i64, any::<bool>())
            .prop_map(|(n, c, a, r)| Step::Capture(n, c, a, r)),
        (0..4_u32, 1..20_000_i64, 0..8_usize).prop_map(|(n, a, s)| Step::Refund(n, a, s)),
        (0..2_usize, any::<bool>()).prop_map(|(kind, arm)| Step::Timer(kind, arm)),
        (1..20_000_i64).prop_map(Step::Post),
    ]
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

/// Takes a step if the state machines allow it.
fn take(draft: &mut Draft, step: Step) {
    let now = draft.now();
    let order = draft.state().order.clone().unwrap();
    match step {
        Step::Touch => draft.touch(),
        Step::Status(status) => {
            let to = OrderStatus::ALL[status];
            if to.can_follow(Some(order.status)) {
                let closed = to.is_closed();
                let order = Order {
                    status: to,
                    paid_at: Some(now),
                    closed_at: closed.then_some(now),
                    close_reason: closed.then_some(CloseReason::Operator),
                    locale: "de-AT".parse().ok(),
                    ..order
                };
                draft.put_order(order, Some(OutcomeCode::CancelRequested));
            }
        }
        Step::Attempt(number, status, amount) => {
            let id = attempt_id(number);
            let to = AttemptStatus::ALL[status];
            let from = draft.state().attempt(id).map(|attempt| attempt.status);
            if from == Some(to) || to.can_follow(from) {
                draft.put_attempt(attempt(order.id, number, to, amount, now), None);
            }
        }
        // Captures have attempts.
        Step::Capture(number, ..) if draft.state().attempt(attempt_id(number)).is_none() => {}
        Step::Capture(number, which, amount, reversed) => draft.put_capture(Capture {
            attempt_id: attempt_id(number),
            capture_ref: format!("c-{which}").parse().unwrap(),
            // Its amount is a fact; only what it pays and its reversal may change.
            amount: eur(30_000),
            applied: eur(amount),
            classification: Classification::Normal,
            occurred_at: shop::at("12:00:00"),
            reversed_at: reversed.then_some(now),
        }),
        Step::Refund(number, amount, status) => refund(draft, number, amount, status),
        Step::Timer(kind, arm) => {
            let kind = [TimerKind::PaymentTimeout, TimerKind::PaymentReminder][kind];
            let owner = TimerOwner::Order(order.id);
            if arm { draft.arm(kind, owner, now) } else { draft.cancel(kind, owner) }
        }
        Step::Post(amount) => {
            let (debit, credit) = (Account::PspReceivable, Account::Suspense);
            let leg = Leg { code: JournalCode::Capture, debit, credit, amount: eur(amount) };
            draft.post("c-1", [leg, leg]);
        }
    }
}

fn attempt(
    order: OrderId,
    number: u32,
    status: AttemptStatus,
    amount: i64,
    now: Timestamp,
) -> Attempt {
    Attempt {
        id: attempt_id(number),
        provider: "acme".parse().unwrap(),
        provider_ref: format!("pay-{order}-{number}").parse().unwrap(),
        status,
        amount: eur(amount),
        authorized: eur(amount - 1),
        decline_code: None,
        decline: domain::payment::DeclineDetails::default(),
        paid_with: None,
        revision: Some(1),
        occurred_at: now,
        last_event_at: now,
    }
}

fn refund(draft: &mut Draft, number: u32, amount: i64, status: usize) {
    let key = format!("r-{number}").parse().unwrap();
    let known = draft.state().refunds.iter().find(|refund| refund.request_key == key).cloned();
    let to = RefundStatus::ALL[status];
    let from = known.as_ref().map(|refund| refund.status);
    if from == Some(to) || to.can_follow(from) {
        let refund = Refund {
            id: known.as_ref().map_or_else(|| draft.next_id(), |refund| refund.id),
            request_key: key,
            part: 0,
            attempt_id: Some(attempt_id(0)),
            amount: eur(amount),
            status: to,
            reason: contracts::events::RefundReason::Goodwill,
            funded_from: Account::CustomerFunds,
            decided_by: "auto:test".parse().ok(),
            first_approver: "op-1".parse().ok(),
            held_until: (to == RefundStatus::Approved).then(|| shop::at("13:00:00")),
            restock: Some(number.is_multiple_of(2)),
            code: Some(OutcomeCode::WithinLimits),
            provider_ref: None,
            requested_at: shop::at("12:00:00"),
            settled_at: None,
            last_event_at: draft.now(),
        };
        draft.put_refund(refund, None);
    }
}

/// An event whose decision takes these steps, after opening the order if it is not there.
fn steps_job(order: OrderId, number: usize, steps: Vec<Step>) -> Job {
    let event = shop::order_created(order).id(&format!("{order}-{number}"));
    let envelope = event.decoded::<OrderEvent>();
    let mut job = job::<OrderEvent>(&event, rules::order);
    job.decide_by(move |state: &OrderState, moment: Moment| {
        if state.order.is_none() {
            return rules::order(state, &envelope, moment);
        }
        let mut draft = Draft::new(state, &envelope, moment.now);
        for step in &steps {
            take(&mut draft, *step);
        }
        Decision::apply(draft.finish())
    });
    job
}

/// The rows of a state in an order that does not depend on where they come from.
///
/// The customer's record is not the order's own and is not loaded here.
fn sorted(mut state: OrderState) -> OrderState {
    state.customer = CustomerRecord::default();
    state.timers.sort_by_key(|timer| (timer.kind, Uuid::from(timer.owner)));
    state
}

/// Runs one case on an order of its own.
async fn check(home: &Home, order: OrderId, events: Vec<Vec<Step>>, batch: usize) {
    let mut database = home.connect().await;
    let opening = std::iter::once(Vec::new());
    let jobs: Vec<_> = opening
        .chain(events)
        .enumerate()
        .map(|(number, steps)| steps_job(order, number, steps))
        .collect();
    let mut memory = OrderState::default();
    for jobs in jobs.chunks(batch) {
        memory = run(&mut database, jobs).await.unwrap().states.remove(&order).unwrap();
        let loaded = life::load(&mut database, order).await;
        assert_eq!(sorted(loaded), sorted(memory.clone()));
    }
    let mut sql = home.sql().await;
    let counted =
        |table: &str, key: &str| format!("SELECT count(*) FROM {table} WHERE {key} = '{order}'");
    let written = memory.order.unwrap();
    let lines = sql.count(&counted("history", "order_id")).await;
    assert_eq!(lines, i64::from(written.history_len));
    let transfers = sql.count(&counted("transfers", "subject_id")).await;
    assert_eq!(transfers, i64::from(written.ledger_len));
}

/// Whatever the rules write, in whichever batches, the database holds what memory holds.
#[test]
fn any_changes_in_any_batches_are_read_as_they_were_applied() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let home = runtime.block_on(Home::new());
    let events = prop::collection::vec(prop::collection::vec(step(), 1..8), 1..10);
    let orders = AtomicU32::new(0);
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() };
    let tested = TestRunner::new(config).run(&(events, 1..5_usize), |(events, batch)| {
        let order = order_id(orders.fetch_add(1, Ordering::Relaxed));
        runtime.block_on(check(&home, order, events, batch));
        Ok(())
    });
    tested.unwrap();
}
