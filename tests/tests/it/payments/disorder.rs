//! Reports that come twice, out of order, or about several attempts.

use contracts::events::PaymentOutcome;
use domain::OutcomeCode;
use domain::order::OrderStatus;
use domain::payment::AttemptStatus;
use testkit::shop::order_created;

use crate::payments::scene::{
    after, attempt, cancelled, capture, capture_as, check_attempt, check_books, check_noop,
    check_order, check_quarantined, expired, order, paid, placed, report, row, tell_all,
};

#[test]
fn an_order_is_paid_by_its_capture() {
    let mut world = placed();
    tell_all(&mut world, &[capture(1, 10_000)]);
    check_order(&world, OrderStatus::Paid);
    check_attempt(&world, 1, AttemptStatus::Captured);
    check_books(&world, 10_000, 0, 0);
    assert_eq!(row(&world).paid_at, Some(world.now));
    assert_eq!(world.sent_names(), ["order.paid"]);
    let armed = |timer: &domain::timer::Timer| timer.resolved_at.is_none();
    assert!(!world.state.timers.iter().any(armed));
}

#[test]
fn case_028_the_same_fact_under_another_event_id_changes_nothing() {
    let mut world = paid();
    let again = capture(1, 10_000).id("another");
    check_noop(&mut world, &again, OutcomeCode::DuplicateFact);

    let mut world = after(placed(), &[report(1, PaymentOutcome::Authorized, 10_000)]);
    let again = report(1, PaymentOutcome::Authorized, 10_000).id("another");
    check_noop(&mut world, &again, OutcomeCode::DuplicateFact);
}

#[test]
fn case_029_the_same_capture_with_another_amount_is_a_conflict_and_no_further_money() {
    let mut world = paid();
    let other = capture(1, 9_000);
    let decision = check_quarantined(&mut world, &other, OutcomeCode::FactConflict);
    assert!(decision.changes.unapplied.is_empty());
}

#[test]
fn case_029_the_same_authorisation_with_another_amount_is_a_conflict() {
    let mut world = after(placed(), &[report(1, PaymentOutcome::Authorized, 10_000)]);
    let other = report(1, PaymentOutcome::Authorized, 9_000);
    check_quarantined(&mut world, &other, OutcomeCode::FactConflict);
}

#[test]
fn case_033_declined_after_captured_is_stale() {
    let mut world = paid();
    let late = report(1, PaymentOutcome::Declined, 10_000);
    check_noop(&mut world, &late, OutcomeCode::StaleRank);
}

#[test]
fn case_034_declined_for_one_attempt_leaves_the_other_and_the_order_alone() {
    let mut world = paid();
    tell_all(&mut world, &[report(2, PaymentOutcome::Declined, 10_000)]);
    check_order(&world, OrderStatus::Paid);
    check_attempt(&world, 1, AttemptStatus::Captured);
    check_attempt(&world, 2, AttemptStatus::Declined);
    assert!(world.sent.is_empty());
}

#[test]
fn case_035_declined_then_captured_is_captured() {
    let mut world = after(placed(), &[report(1, PaymentOutcome::Declined, 10_000)]);
    tell_all(&mut world, &[capture(1, 10_000)]);
    check_attempt(&world, 1, AttemptStatus::Captured);
    check_order(&world, OrderStatus::Paid);
}

#[test]
fn case_036_authorised_after_captured_tells_the_amount_and_nothing_else() {
    let mut world = paid();
    tell_all(&mut world, &[report(1, PaymentOutcome::Authorized, 10_000)]);
    check_attempt(&world, 1, AttemptStatus::Captured);
    assert_eq!(world.state.attempt(attempt(1)).unwrap().authorized.minor(), 10_000);
    assert!(world.sent.is_empty());
    let again = report(1, PaymentOutcome::Authorized, 10_000).id("another");
    check_noop(&mut world, &again, OutcomeCode::StaleRank);
}

#[test]
fn case_037_no_report_moves_an_order_that_is_paid_or_closed() {
    use PaymentOutcome::{
        AuthorizationExpired, Authorized, CaptureFailed, Captured, Declined, Failed, Processing,
        RequiresAction, Voided,
    };
    let outcomes = [
        RequiresAction,
        Processing,
        Authorized,
        Captured,
        Declined,
        Failed,
        Voided,
        AuthorizationExpired,
        CaptureFailed,
    ];
    for world in [paid(), expired(), cancelled()] {
        let status = row(&world).status;
        for outcome in outcomes {
            for attempt in [1, 2] {
                let mut world = world.clone();
                crate::payments::scene::tell(&mut world, &report(attempt, outcome, 10_000));
                check_order(&world, status);
                assert_eq!(world.sent_count("order.paid"), 0);
                assert_eq!(world.sent_count("inventory.release_requested"), 0);
            }
        }
    }
}

#[test]
fn case_039_a_payment_remembers_the_revision_that_its_buyer_saw() {
    let mut world = placed();
    let event = report(1, PaymentOutcome::Processing, 10_000).with("order_revision", 1);
    tell_all(&mut world, &[event]);
    assert_eq!(world.state.attempt(attempt(1)).unwrap().revision, Some(1));
}

#[test]
fn case_039_a_capture_is_judged_by_the_revision_it_was_made_for() {
    let seen = report(1, PaymentOutcome::Processing, 10_000).with("order_revision", 1);
    let mut world = after(placed(), &[seen]);
    let dearer = serde_json::json!({"amount_minor": 12_000, "currency": "EUR"});
    tell_all(&mut world, &[order_created(order()).with("revision", 2).with("total", dearer)]);
    tell_all(&mut world, &[capture(1, 10_000)]);
    check_order(&world, OrderStatus::Paid);
    assert!(row(&world).amount_changed);
}

#[test]
fn case_046_captures_of_one_attempt_add_up_in_any_order() {
    let captures = [("c-1", 5_000), ("c-2", 3_000), ("c-3", 2_000)];
    for turn in 0..captures.len() {
        let mut world = placed();
        for number in 0..captures.len() {
            check_order(&world, OrderStatus::PendingPayment);
            let (capture_ref, amount) = captures[(turn + number) % captures.len()];
            tell_all(&mut world, &[capture_as(1, capture_ref, amount)]);
        }
        check_order(&world, OrderStatus::Paid);
        check_books(&world, 10_000, 0, 0);
        assert_eq!(world.sent_names(), ["order.paid"]);
    }
}
