//! Money and reports that come late, early, or without their order.

use contracts::events::{PaymentOutcome, RefundReason};
use domain::order::OrderStatus;
use domain::payment::{AttemptStatus, Classification};
use domain::refund::RefundStatus;
use domain::unapplied::UnappliedCause;
use domain::{Changes, Moment, Outcome, OutcomeCode, ParkKey, Policies};
use refund_requested::RefundRules;
use serde_json::json;
use testkit::shop::{ShopEvent, at, order_created, refund_requested, refund_updated, timeout};
use testkit::world::World;

use crate::payments::scene::{
    after, cancelled, capture, check_attempt, check_books, check_last_capture, check_noop,
    check_order, check_refunds, decide, expired, money, order, paid, placed, report, row, tell,
    tell_all,
};

fn happened(event: ShopEvent, time: &str) -> ShopEvent {
    event.with("occurred_at", json!(at(time)))
}

/// A capture of the whole order that happened then, told of a closed order.
fn check_late(mut world: World, time: &str, code: OutcomeCode, reason: RefundReason) {
    let status = row(&world).status;
    tell_all(&mut world, &[happened(capture(1, 10_000), time)]);
    check_order(&world, status);
    check_attempt(&world, 1, AttemptStatus::Captured);
    check_last_capture(&world, Classification::Late, 0);
    check_books(&world, 0, 0, 10_000);
    check_refunds(&world, &[(10_000, code)]);
    assert_eq!(world.state.refunds[0].reason, reason);
    assert_eq!(world.sent_names(), ["refund.approved", "refund.execute", "payment.anomaly"]);
}

#[test]
fn case_003_late_capture_is_refunded() {
    check_late(expired(), "12:30:01", OutcomeCode::LatePayment, RefundReason::LatePayment);
}

#[test]
fn case_004_money_in_time_of_which_we_hear_late_is_refunded_and_says_so() {
    let code = OutcomeCode::LateNotification;
    check_late(expired(), "12:30:00", code, RefundReason::LatePayment);
}

#[test]
fn case_005_late_authorisation_is_voided_not_refunded() {
    let mut world = expired();
    tell_all(&mut world, &[report(1, PaymentOutcome::Authorized, 10_000)]);
    check_order(&world, OrderStatus::Expired);
    check_attempt(&world, 1, AttemptStatus::Authorized);
    assert!(world.state.refunds.is_empty());
    assert_eq!(world.sent_names(), ["payment.void_requested"]);
}

#[test]
fn an_authorisation_of_a_second_attempt_is_given_back_once_the_order_is_paid() {
    let mut told_before = placed();
    tell_all(&mut told_before, &[report(2, PaymentOutcome::Authorized, 10_000)]);
    tell_all(&mut told_before, &[capture(1, 10_000)]);
    let mut told_after = placed();
    tell_all(&mut told_after, &[capture(1, 10_000)]);
    tell_all(&mut told_after, &[report(2, PaymentOutcome::Authorized, 10_000)]);
    for world in [told_before, told_after] {
        assert_eq!(world.sent_count("payment.void_requested"), 1);
        assert_eq!(world.sent_count("order.paid"), 1);
    }
}

#[test]
fn case_014_a_payment_from_the_future_counts_as_now() {
    let mut world = expired();
    let event = happened(capture(1, 10_000), "23:00:00");
    let decision = decide(&mut world, &event, Moment { now: at("12:31:00"), parked_until: None });
    assert_eq!(decision.changes.captures[0].occurred_at, at("12:31:00"));
    assert_eq!(decision.changes.attempts[0].last_event_at, at("12:31:00"));
    check_refunds(&world, &[(10_000, OutcomeCode::LatePayment)]);

    let mut world = placed();
    let event = happened(report(1, PaymentOutcome::Processing, 10_000), "23:00:00");
    let moment = Moment { now: world.now, parked_until: None };
    let decision = decide(&mut world, &event, moment);
    assert_eq!(decision.changes.history[0].reason, Some(OutcomeCode::ClockSkew));
}

#[test]
fn case_022_a_payment_before_its_order_waits_and_is_applied_after_it() {
    let mut world = World::default();
    let event = capture(1, 10_000);
    let waiting = Outcome::Parked { key: ParkKey::Order(order()), until: at("12:30:00") };
    assert_eq!(tell(&mut world, &event), waiting);
    tell_all(&mut world, &[order_created(order()), event]);
    check_order(&world, OrderStatus::Paid);
}

#[test]
fn case_025_money_whose_order_never_comes_is_kept_and_a_person_told() {
    let mut world = World::default();
    let waited_out = Moment { now: at("12:30:00"), parked_until: Some(at("12:30:00")) };
    let decision = decide(&mut world, &capture(1, 10_000), waited_out);
    assert_eq!(decision.outcome, Outcome::Orphaned(OutcomeCode::Orphaned));
    let [kept] = decision.changes.unapplied.as_slice() else {
        panic!("unexpected {:?}", decision.changes);
    };
    assert_eq!((kept.amount, kept.cause), (money(10_000, "EUR"), UnappliedCause::Orphan));
    assert_eq!(kept.claimed_order, order());
    assert_eq!(world.sent_names(), ["ops.case_opened"]);
}

#[test]
fn case_025_a_report_without_money_whose_order_never_comes_is_forgotten() {
    let mut world = World::default();
    let waited_out = Moment { now: at("12:30:00"), parked_until: Some(at("12:30:00")) };
    let event = report(1, PaymentOutcome::Authorized, 10_000);
    let decision = decide(&mut world, &event, waited_out);
    assert_eq!(decision.outcome, Outcome::Orphaned(OutcomeCode::Orphaned));
    assert_eq!(decision.changes, Changes::default());
}

#[test]
fn case_084_an_authorisation_of_a_cancelled_order_is_voided() {
    let mut world = after(placed(), &[]);
    tell_all(&mut world, &[report(1, PaymentOutcome::RequiresAction, 10_000)]);
    let mut world = after(world, &[testkit::shop::cancel_requested(order())]);
    tell_all(&mut world, &[report(1, PaymentOutcome::Authorized, 10_000)]);
    check_order(&world, OrderStatus::Cancelled);
    assert_eq!(world.sent_names(), ["payment.void_requested"]);
}

#[test]
fn case_084_a_capture_of_a_cancelled_order_is_refunded() {
    let reason = RefundReason::OrderCancelled;
    check_late(cancelled(), "12:10:00", OutcomeCode::LateNotification, reason);
    check_late(cancelled(), "12:11:00", OutcomeCode::LatePayment, reason);
}

#[test]
fn case_067_a_partly_refunded_order_does_not_expire() {
    let refunds = RefundRules::new(Policies::default());
    let mut world = paid();
    world.handle(&refunds, &refund_requested(order(), "r-1", 4_000));
    let refund = world.state.refunds[0].id;
    world.clock("13:30:00");
    world.handle(&refunds, &refund_updated(order(), refund, "succeeded"));
    assert_eq!(world.state.refunds[0].status, RefundStatus::Succeeded);
    let armed = world.state.timers.iter().any(|timer| timer.resolved_at.is_none());
    assert!(!armed, "nobody looks whether it is paid any more");
    check_noop(&mut world, &timeout(order(), 1, at("12:30:00")), OutcomeCode::AlreadyPaid);
    assert_eq!(world.sent_count("inventory.release_requested"), 0);
}
