//! An order at the moment a payment is reported, and what to look at afterwards.

use contracts::events::PaymentOutcome;
use contracts::{AttemptId, EventKind, Money, OrderId};
use dispute_opened::DisputeRules;
use domain::ledger::Account;
use domain::order::{Order, OrderStatus};
use domain::payment::{AttemptStatus, Classification};
use domain::timer::TimerKind;
use domain::{Decision, Moment, OrderState, Outcome, OutcomeCode, Policies};
use order_created::OrderRules;
use payment_attempted::PaymentRules;
use payment_timeout::TimeoutRules;
use refund_requested::RefundRules;
use testkit::shop::{
    ShopEvent, at, attempt_id, cancel_requested, order_created, order_id, payment, timeout,
};
use testkit::world::World;

pub(crate) fn order() -> OrderId {
    order_id(1)
}

pub(crate) fn attempt(number: u32) -> AttemptId {
    attempt_id(number)
}

/// Lets the worker that an event belongs to decide it.
pub(crate) fn decide(world: &mut World, event: &ShopEvent, moment: Moment) -> Decision {
    decide_by(&Policies::default(), world, event, moment)
}

/// The same by a shop's own choices.
pub(crate) fn decide_by(
    policies: &Policies,
    world: &mut World,
    event: &ShopEvent,
    moment: Moment,
) -> Decision {
    let policies = policies.clone();
    match event.kind() {
        EventKind::PaymentAttempted
        | EventKind::UnappliedDue
        | EventKind::ReserveReplied
        | EventKind::ReserveAnswerDue => {
            world.handle_at(&PaymentRules::new(policies), event, moment)
        }
        EventKind::OrderCreated | EventKind::OrderCancelRequested | EventKind::ConsentWithdrawn => {
            world.handle_at(&OrderRules::new(policies), event, moment)
        }
        EventKind::PaymentTimeout | EventKind::PaymentReminder => {
            world.handle_at(&TimeoutRules::new(policies), event, moment)
        }
        EventKind::RefundRequested
        | EventKind::RefundUpdated
        | EventKind::RefundReviewed
        | EventKind::RefundReviewDue => world.handle_at(&RefundRules::new(policies), event, moment),
        EventKind::DisputeOpened
        | EventKind::DisputeUpdated
        | EventKind::EvidenceSubmitted
        | EventKind::DisputeMediated
        | EventKind::DisputeDeadline => {
            world.handle_at(&DisputeRules::new(policies), event, moment)
        }
    }
}

pub(crate) fn tell(world: &mut World, event: &ShopEvent) -> Outcome {
    let moment = Moment { now: world.now, parked_until: None };
    decide(world, event, moment).outcome
}

/// Tells what is news to the order.
pub(crate) fn tell_all(world: &mut World, events: &[ShopEvent]) {
    for event in events {
        assert_eq!(tell(world, event), Outcome::Applied);
    }
}

/// An order over EUR 100.00, placed at 12:00 and payable until 12:30; it is 12:06.
pub(crate) fn placed() -> World {
    let mut world = World::default();
    tell_all(&mut world, &[order_created(order())]);
    world.clock("12:06:00");
    world
}

/// The same order after it was paid by its first attempt.
pub(crate) fn paid() -> World {
    after(placed(), &[capture(1, 10_000)])
}

/// The same order after it expired at 12:30.
pub(crate) fn expired() -> World {
    let mut world = placed();
    world.clock("12:30:00");
    after(world, &[timeout(order(), 1, at("12:30:00"))])
}

/// The same order after it was cancelled at 12:10.
pub(crate) fn cancelled() -> World {
    let mut world = placed();
    world.clock("12:10:00");
    after(world, &[cancel_requested(order())])
}

/// The world after some events, its messages so far forgotten.
pub(crate) fn after(mut world: World, events: &[ShopEvent]) -> World {
    tell_all(&mut world, events);
    world.sent.clear();
    world
}

/// A report on one of the order's attempts, at 12:05.
pub(crate) fn report(number: u32, outcome: PaymentOutcome, amount_minor: i64) -> ShopEvent {
    payment(order(), attempt(number), outcome, amount_minor)
}

/// A capture of one of the order's attempts, at 12:05.
pub(crate) fn capture(number: u32, amount_minor: i64) -> ShopEvent {
    report(number, PaymentOutcome::Captured, amount_minor)
}

/// One of several captures of an attempt.
pub(crate) fn capture_as(number: u32, capture_ref: &str, amount_minor: i64) -> ShopEvent {
    capture(number, amount_minor).with("capture_ref", capture_ref)
}

pub(crate) fn row(world: &World) -> &Order {
    world.state.order.as_ref().unwrap()
}

pub(crate) fn check_order(world: &World, status: OrderStatus) {
    assert_eq!(row(world).status, status);
}

pub(crate) fn check_attempt(world: &World, number: u32, status: AttemptStatus) {
    assert_eq!(world.state.attempt(attempt(number)).unwrap().status, status);
}

/// The last capture's class and how much of it pays the order.
pub(crate) fn check_last_capture(world: &World, class: Classification, applied: i64) {
    let capture = world.state.captures.last().unwrap();
    assert_eq!((capture.classification, capture.applied.minor()), (class, applied));
}

/// What is with the buyer's funds, in suspense and promised back, in minor units.
pub(crate) fn check_books(world: &World, funds: i64, suspense: i64, promised: i64) {
    let credit = |account| -world.balance(account);
    assert_eq!(
        (
            credit(Account::CustomerFunds),
            credit(Account::Suspense),
            credit(Account::RefundsPayable)
        ),
        (funds, suspense, promised)
    );
}

/// What we ordered back by ourselves: how much, and by which rule.
pub(crate) fn check_refunds(world: &World, expected: &[(i64, OutcomeCode)]) {
    let refunds = world
        .state
        .refunds
        .iter()
        .map(|refund| (refund.amount.minor(), refund.decided_by.as_ref().unwrap().to_string()));
    let expected = expected.iter().map(|(amount, code)| (*amount, format!("auto:{code}")));
    assert_eq!(refunds.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert_eq!(world.sent_count("refund.execute"), world.state.refunds.len());
}

/// An event that changes nothing, for this reason.
pub(crate) fn check_noop(world: &mut World, event: &ShopEvent, code: OutcomeCode) {
    let before = world.clone();
    assert_eq!(tell(world, event), Outcome::Noop(code));
    assert_eq!(world.state, before.state);
    assert_eq!(world.sent, before.sent);
}

/// An event that is refused for a person to look at; the order stays as it is.
pub(crate) fn check_quarantined(
    world: &mut World,
    event: &ShopEvent,
    code: OutcomeCode,
) -> Decision {
    let before = world.state.clone();
    let moment = Moment { now: world.now, parked_until: None };
    let decision = decide(world, event, moment);
    assert_eq!(decision.outcome, Outcome::Quarantined(code));
    // Money is kept beside the order, with a timer of its own.
    let order_s_own = |state: &OrderState| {
        let mut own = state.clone();
        own.unapplied.clear();
        own.timers.retain(|timer| timer.kind != TimerKind::UnappliedMoneyDue);
        own
    };
    assert_eq!(order_s_own(&world.state), order_s_own(&before));
    assert_eq!(world.sent_count("ops.case_opened"), 1);
    decision
}

pub(crate) fn money(amount_minor: i64, currency: &str) -> Money {
    Money::new(amount_minor, currency.parse().unwrap()).unwrap()
}
