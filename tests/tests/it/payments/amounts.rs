//! Money that is less or more than the order asks for.

use contracts::Money;
use contracts::events::PaymentOutcome;
use domain::OutcomeCode;
use domain::message::Body;
use domain::order::OrderStatus;
use domain::payment::{AttemptStatus, Classification};
use serde_json::json;
use testkit::shop::order_created;
use testkit::world::World;

use crate::payments::scene::{
    after, attempt, capture, capture_as, check_attempt, check_books, check_last_capture,
    check_order, check_quarantined, check_refunds, money, order, paid, placed, report, tell_all,
};

/// The class, the code and the excess of every anomaly told.
fn anomalies(world: &World) -> Vec<(Classification, OutcomeCode, i64)> {
    let told = world.sent.iter().filter_map(|message| {
        let Body::PaymentAnomaly { class, code, excess, .. } = &message.body else {
            return None;
        };
        Some((*class, *code, excess.minor()))
    });
    told.collect()
}

#[test]
fn case_043_too_little_leaves_the_order_waiting() {
    let mut world = placed();
    tell_all(&mut world, &[capture(1, 4_000)]);
    check_order(&world, OrderStatus::PendingPayment);
    check_last_capture(&world, Classification::Normal, 4_000);
    check_books(&world, 4_000, 0, 0);
    assert!(world.sent.is_empty());
    tell_all(&mut world, &[capture(2, 6_000)]);
    check_order(&world, OrderStatus::Paid);
}

#[test]
fn case_044_too_much_pays_the_order_and_the_excess_goes_back() {
    let mut world = placed();
    tell_all(&mut world, &[capture(1, 12_000)]);
    check_order(&world, OrderStatus::Paid);
    check_last_capture(&world, Classification::Overpaid, 10_000);
    check_books(&world, 10_000, 0, 2_000);
    check_refunds(&world, &[(2_000, OutcomeCode::Overpaid)]);
    let key = format!("overpaid:{0}/pay-{0}", attempt(1));
    assert_eq!(world.state.refunds[0].request_key.as_str(), key);
    let expected = (Classification::Overpaid, OutcomeCode::Overpaid, 2_000);
    assert_eq!(anomalies(&world), [expected]);
    assert_eq!(world.sent_count("order.paid"), 1);
}

#[test]
fn case_044_the_last_of_several_captures_may_exceed_what_is_left() {
    let mut world = after(placed(), &[capture_as(1, "c-1", 7_000)]);
    tell_all(&mut world, &[capture_as(1, "c-2", 7_000)]);
    check_order(&world, OrderStatus::Paid);
    check_last_capture(&world, Classification::Overpaid, 3_000);
    check_books(&world, 10_000, 0, 4_000);
}

#[test]
fn case_045_a_second_payment_goes_back_whole() {
    let mut world = paid();
    tell_all(&mut world, &[capture(2, 10_000)]);
    check_order(&world, OrderStatus::Paid);
    check_last_capture(&world, Classification::Duplicate, 0);
    check_books(&world, 10_000, 0, 10_000);
    check_refunds(&world, &[(10_000, OutcomeCode::DuplicatePayment)]);
    let expected = (Classification::Duplicate, OutcomeCode::DuplicatePayment, 10_000);
    assert_eq!(anomalies(&world), [expected]);
    assert_eq!(world.sent_count("order.paid"), 0);
}

#[test]
fn case_045_money_for_a_free_order_goes_back() {
    let free = order_created(order()).with("total", json!({"amount_minor": 0, "currency": "EUR"}));
    let mut world = after(World::default(), &[free]);
    tell_all(&mut world, &[capture(1, 1)]);
    check_refunds(&world, &[(1, OutcomeCode::DuplicatePayment)]);
}

#[test]
fn case_046_more_captures_may_follow_while_some_is_left_of_the_authorisation() {
    let mut world = after(placed(), &[report(1, PaymentOutcome::Authorized, 10_000)]);
    for (capture_ref, amount) in [("c-1", 4_000), ("c-2", 1_000)] {
        tell_all(&mut world, &[capture_as(1, capture_ref, amount)]);
        check_attempt(&world, 1, AttemptStatus::PartiallyCaptured);
    }
    tell_all(&mut world, &[capture_as(1, "c-3", 5_000)]);
    check_attempt(&world, 1, AttemptStatus::Captured);
    check_order(&world, OrderStatus::Paid);
    assert_eq!(world.sent_names(), ["order.paid"]);
}

#[test]
fn case_046_the_provider_may_say_that_more_follows() {
    let mut world = placed();
    tell_all(&mut world, &[capture_as(1, "c-1", 4_000).with("final_capture", false)]);
    check_attempt(&world, 1, AttemptStatus::PartiallyCaptured);
}

#[test]
fn case_046_an_attempt_of_unknown_size_is_as_large_as_its_captures() {
    let mut world = placed();
    tell_all(&mut world, &[capture_as(1, "c-1", 4_000), capture_as(1, "c-2", 5_000)]);
    assert_eq!(world.state.attempt(attempt(1)).unwrap().amount.minor(), 9_000);
}

#[test]
fn case_047_the_last_capture_gives_the_rest_of_the_authorisation_back() {
    let mut world = after(placed(), &[report(1, PaymentOutcome::Authorized, 10_000)]);
    tell_all(&mut world, &[capture_as(1, "c-1", 4_000)]);
    tell_all(&mut world, &[capture_as(1, "c-2", 1_000).with("final_capture", true)]);
    check_attempt(&world, 1, AttemptStatus::Captured);
    check_order(&world, OrderStatus::PendingPayment);
    assert_eq!(world.sent_names(), ["payment.void_requested"]);
}

#[test]
fn case_047_an_order_that_is_paid_needs_no_more_of_an_authorisation() {
    let mut world = after(placed(), &[report(1, PaymentOutcome::Authorized, 15_000)]);
    tell_all(&mut world, &[capture_as(1, "c-1", 10_000)]);
    assert_eq!(world.sent_names(), ["payment.void_requested", "order.paid"]);
}

#[test]
fn case_048_more_than_was_authorised_is_recorded_and_a_person_told() {
    let authorized = report(1, PaymentOutcome::Authorized, 8_000);
    let mut told_before = after(placed(), std::slice::from_ref(&authorized));
    tell_all(&mut told_before, &[capture(1, 10_000)]);
    let mut told_after = placed();
    tell_all(&mut told_after, &[capture(1, 10_000), authorized]);
    for world in [told_before, told_after] {
        check_attempt(&world, 1, AttemptStatus::Review);
        check_order(&world, OrderStatus::Paid);
        check_books(&world, 10_000, 0, 0);
        assert_eq!(world.sent_count("ops.case_opened"), 1);
    }
}

#[test]
fn the_provider_may_tell_the_authorised_amount_with_the_capture() {
    let mut world = placed();
    let partly = capture_as(1, "c-1", 4_000).with("authorized", json!(money(10_000, "EUR")));
    tell_all(&mut world, &[partly]);
    check_attempt(&world, 1, AttemptStatus::PartiallyCaptured);
    assert_eq!(world.state.attempt(attempt(1)).unwrap().authorized, money(10_000, "EUR"));
}

#[test]
fn case_055_sums_beyond_any_amount_are_refused_but_their_money_is_kept() {
    let mut world = paid();
    let most = capture(2, Money::MAX_MINOR);
    let decision = check_quarantined(&mut world, &most, OutcomeCode::AmountOutOfRange);
    assert_eq!(decision.changes.unapplied[0].amount.minor(), Money::MAX_MINOR);
}

#[test]
fn case_055_large_amounts_are_money_like_any_other() {
    let total = json!({"amount_minor": Money::MAX_MINOR, "currency": "EUR"});
    let mut world = after(World::default(), &[order_created(order()).with("total", total)]);
    tell_all(&mut world, &[capture(1, Money::MAX_MINOR)]);
    check_order(&world, OrderStatus::Paid);
}
