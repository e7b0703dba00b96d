//! Payments that fail, at once or after all.

use contracts::events::{DisputeReason, DisputeStage, PaymentOutcome};
use domain::OutcomeCode;
use domain::dispute::{Dispute, DisputePosition, DisputeStatus};
use domain::ledger::Account;
use domain::message::Body;
use domain::order::OrderStatus;
use domain::payment::AttemptStatus;
use domain::refund::RefundStatus;
use domain::settlement::put_dispute;
use serde_json::json;
use testkit::shop::{ShopEvent, at, dispute_id, timeout};
use testkit::world::World;

use crate::payments::scene::{
    after, attempt, capture, capture_as, check_attempt, check_books, check_noop, check_order,
    check_quarantined, money, order, paid, placed, report, row, tell, tell_all,
};

fn failed(number: u32, amount_minor: i64) -> ShopEvent {
    report(number, PaymentOutcome::CaptureFailed, amount_minor)
}

fn check_refund_statuses(world: &World, expected: &[RefundStatus]) {
    let statuses: Vec<_> = world.state.refunds.iter().map(|refund| refund.status).collect();
    assert_eq!(statuses, expected);
}

/// Books a chargeback of the first attempt that is lost.
fn dispute_and_lose(world: &mut World, amount_minor: i64) {
    let nothing = money(0, "EUR");
    let dispute = Dispute {
        id: dispute_id(1),
        provider: "acme".parse().unwrap(),
        provider_ref: "dp-1".parse().unwrap(),
        attempt_id: attempt(1),
        amount: money(amount_minor, "EUR"),
        fee: nothing,
        loss: nothing,
        position: DisputePosition { stage: DisputeStage::Chargeback, status: DisputeStatus::Lost },
        reason: DisputeReason::General,
        network_reason_code: None,
        evidence_due_at: None,
        evidence_submitted_at: None,
        mediated_for: None,
        original: None,
        deadline_missed: false,
        opened_at: world.now,
        closed_at: Some(world.now),
        last_event_at: world.now,
    };
    let order = row(world).clone();
    world.write(|draft| put_dispute(draft, &order, dispute, None).unwrap());
}

#[test]
fn a_declined_payment_is_announced_while_the_order_waits() {
    let mut world = placed();
    let event = report(1, PaymentOutcome::Declined, 10_000)
        .with("decline", json!({"code": "insufficient_funds"}));
    tell_all(&mut world, &[event]);
    let Body::OrderPaymentFailed { decline_code, expires_at, .. } = &world.sent[0].body else {
        panic!("unexpected {:?}", world.sent);
    };
    assert_eq!(decline_code.as_ref().unwrap().as_str(), "insufficient_funds");
    assert_eq!(*expires_at, at("12:30:00"));
    check_order(&world, OrderStatus::PendingPayment);
}

#[test]
fn a_network_that_says_do_not_retry_is_heard_and_its_words_are_kept() {
    let mut world = placed();
    let decline = json!({
        "code": "do_not_honor", "network_code": "05", "advice": "03", "category": "soft"
    });
    let event = report(1, PaymentOutcome::Declined, 10_000)
        .with("decline", decline)
        .with("method", json!({"type": "card", "brand": "visa", "last4": "4242"}));
    tell_all(&mut world, &[event]);
    let Body::OrderPaymentFailed { network_code, advice, retry_after_s, .. } = &world.sent[0].body
    else {
        panic!("unexpected {:?}", world.sent);
    };
    assert_eq!(network_code.as_ref().unwrap().as_str(), "05");
    assert_eq!(advice.as_ref().unwrap().as_str(), "03");
    assert_eq!(*retry_after_s, None, "never the same card");
    let attempt = &world.state.attempts[0];
    assert_eq!(attempt.decline_codes().category, Some("soft"));
    let with = attempt.paid_with.as_ref().unwrap();
    assert_eq!((with.kind.as_str(), with.brand.as_ref().unwrap().as_str()), ("card", "visa"));

    let mut world = placed();
    let later = report(1, PaymentOutcome::Declined, 10_000)
        .with("decline", json!({"code": "do_not_honor", "advice": "24"}));
    tell_all(&mut world, &[later]);
    let Body::OrderPaymentFailed { retry_after_s, .. } = &world.sent[0].body else {
        panic!("unexpected {:?}", world.sent);
    };
    assert_eq!(*retry_after_s, Some(3_600));
}

#[test]
fn the_order_of_two_failures_does_not_matter() {
    let (declined, failed) =
        (report(1, PaymentOutcome::Declined, 10_000), report(1, PaymentOutcome::Failed, 10_000));
    let mut world = after(placed(), &[declined.clone(), failed.clone()]);
    check_attempt(&world, 1, AttemptStatus::Failed);
    check_noop(&mut world, &declined, OutcomeCode::StaleRank);
    let mut world = after(placed(), &[failed]);
    check_noop(&mut world, &declined, OutcomeCode::StaleRank);
}

#[test]
fn case_049_an_authorisation_that_ran_out_pays_nothing_and_another_payment_is_asked_for() {
    for outcome in [PaymentOutcome::AuthorizationExpired, PaymentOutcome::Voided] {
        let mut world = after(placed(), &[report(1, PaymentOutcome::Authorized, 10_000)]);
        tell_all(&mut world, &[report(1, outcome, 10_000)]);
        check_order(&world, OrderStatus::PendingPayment);
        check_attempt(&world, 1, AttemptStatus::from(outcome));
        assert_eq!(world.sent_names(), ["order.payment_failed"]);
    }
}

#[test]
fn case_050_a_failed_capture_leaves_the_books_but_a_paid_order_stays_paid() {
    let mut world = paid();
    tell_all(&mut world, &[failed(1, 10_000)]);
    check_order(&world, OrderStatus::Paid);
    check_attempt(&world, 1, AttemptStatus::CaptureFailed);
    check_books(&world, 0, 0, 0);
    assert_eq!(world.balance(Account::PspReceivable), 0);
    assert_eq!(world.sent_names(), ["ops.case_opened"]);
    check_noop(&mut world, &failed(1, 10_000).id("another"), OutcomeCode::DuplicateFact);
}

#[test]
fn case_050_a_payment_in_place_of_a_failed_one_is_kept() {
    let mut world = after(paid(), &[failed(1, 10_000)]);
    tell_all(&mut world, &[capture(2, 10_000)]);
    check_books(&world, 10_000, 0, 0);
    assert!(world.state.refunds.is_empty());
    assert_eq!(world.sent_count("order.paid"), 0);
}

#[test]
fn case_050_a_failed_part_is_to_be_paid_again() {
    let mut world = after(placed(), &[capture_as(1, "c-1", 4_000), capture_as(1, "c-2", 5_000)]);
    tell_all(&mut world, &[failed(1, 4_000).with("capture_ref", "c-1")]);
    check_order(&world, OrderStatus::PendingPayment);
    check_attempt(&world, 1, AttemptStatus::Captured);
    check_books(&world, 5_000, 0, 0);
    assert_eq!(world.sent_names(), ["order.payment_failed"]);
    tell_all(&mut world, &[capture(2, 5_000)]);
    check_order(&world, OrderStatus::Paid);
}

#[test]
fn case_050_refunds_of_money_that_failed_are_called_off() {
    let mut overpaid = after(placed(), &[capture(1, 12_000)]);
    tell_all(&mut overpaid, &[failed(1, 12_000)]);
    let mut duplicate = after(paid(), &[capture_as(1, "c-2", 10_000)]);
    tell_all(&mut duplicate, &[failed(1, 10_000).with("capture_ref", "c-2")]);
    for (world, funds) in [(overpaid, 0), (duplicate, 10_000)] {
        check_refund_statuses(&world, &[RefundStatus::Cancelled]);
        check_books(&world, funds, 0, 0);
        assert_eq!(world.balance(Account::DisputeLosses), 0);
        assert_eq!(world.sent_count("refund.failed"), 1);
    }
}

#[test]
fn case_050_the_refund_of_another_capture_goes_on() {
    let mut world = after(paid(), &[capture_as(1, "c-2", 10_000)]);
    tell_all(&mut world, &[failed(1, 10_000)]);
    check_refund_statuses(&world, &[RefundStatus::Approved]);
    check_books(&world, 0, 0, 10_000);
}

#[test]
fn case_050_the_refund_of_a_closed_order_is_called_off_with_its_money() {
    let mut world = after(placed(), &[capture(1, 4_000)]);
    world.clock("12:30:00");
    let mut world = after(world, &[timeout(order(), 1, at("12:30:00"))]);
    tell_all(&mut world, &[failed(1, 4_000)]);
    check_refund_statuses(&world, &[RefundStatus::Cancelled]);
    check_books(&world, 0, 0, 0);
    assert_eq!(world.balance(Account::PspReceivable), 0);
}

#[test]
fn case_050_what_was_refunded_before_it_failed_is_our_loss() {
    let mut world = after(paid(), &[capture(2, 10_000)]);
    world.state.refunds[0].status = RefundStatus::Succeeded;
    tell_all(&mut world, &[failed(2, 10_000)]);
    assert_eq!(world.balance(Account::DisputeLosses), 10_000);
    assert_eq!(world.sent_names(), ["ops.case_opened"]);
}

#[test]
fn case_050_a_failure_that_comes_before_its_capture_still_counts() {
    let mut world = placed();
    tell_all(&mut world, &[failed(1, 10_000)]);
    check_attempt(&world, 1, AttemptStatus::CaptureFailed);
    check_noop(&mut world, &capture(1, 10_000), OutcomeCode::DuplicateFact);
    check_order(&world, OrderStatus::PendingPayment);
    check_books(&world, 0, 0, 0);
}

#[test]
fn case_050_a_failure_before_its_capture_ends_an_attempt_as_one_after_it_does() {
    use PaymentOutcome::{Authorized, Declined, Processing, RequiresAction, Voided};
    for before in [RequiresAction, Processing, Declined, Authorized, Voided] {
        let in_order = [capture(1, 4_000), failed(1, 4_000)];
        let in_disorder = [failed(1, 4_000), capture(1, 4_000)];
        for told in [in_order, in_disorder] {
            let mut world = after(placed(), &[report(1, before, 10_000)]);
            for event in &told {
                tell(&mut world, event);
            }
            check_attempt(&world, 1, AttemptStatus::CaptureFailed);
            check_books(&world, 0, 0, 0);
            assert!(!world.state.payment_in_flight());
        }
    }
}

#[test]
fn case_048_an_attempt_leaves_review_when_what_was_too_much_failed() {
    let authorized = report(1, PaymentOutcome::Authorized, 8_000);
    let parts = [capture_as(1, "c-1", 6_000), capture_as(1, "c-2", 4_000)];
    let mut world = after(placed(), &[authorized]);
    tell_all(&mut world, &parts);
    check_attempt(&world, 1, AttemptStatus::Review);
    tell_all(&mut world, &[failed(1, 4_000).with("capture_ref", "c-2")]);
    check_attempt(&world, 1, AttemptStatus::Captured);
    tell_all(&mut world, &[failed(1, 6_000).with("capture_ref", "c-1")]);
    check_attempt(&world, 1, AttemptStatus::CaptureFailed);
}

#[test]
fn case_050_a_failure_without_a_reference_is_of_the_only_capture() {
    let mut world = after(placed(), &[capture_as(1, "c-1", 10_000)]);
    tell_all(&mut world, &[failed(1, 10_000)]);
    check_books(&world, 0, 0, 0);
    assert_eq!(world.state.captures.len(), 1);
}

#[test]
fn case_050_a_failure_of_a_capture_not_heard_of_leaves_the_others_alone() {
    let mut world = after(placed(), &[capture_as(1, "c-1", 4_000)]);
    tell_all(&mut world, &[failed(1, 4_000).with("capture_ref", "c-2")]);
    check_attempt(&world, 1, AttemptStatus::Captured);
    check_books(&world, 4_000, 0, 0);
    check_noop(&mut world, &capture_as(1, "c-2", 4_000), OutcomeCode::DuplicateFact);
}

#[test]
fn case_050_an_attempt_that_failed_may_be_captured_in_part() {
    let authorized = report(1, PaymentOutcome::Authorized, 10_000);
    let mut world = after(placed(), &[authorized, capture(1, 4_000), failed(1, 4_000)]);
    check_attempt(&world, 1, AttemptStatus::CaptureFailed);
    tell_all(&mut world, &[capture_as(1, "c-2", 4_000)]);
    check_attempt(&world, 1, AttemptStatus::Captured);
}

#[test]
fn case_050_a_failure_of_another_amount_is_a_conflict() {
    let mut world = paid();
    check_quarantined(&mut world, &failed(1, 9_000), OutcomeCode::FactConflict);
}

#[test]
fn money_that_comes_later_covers_what_a_lost_dispute_took() {
    let mut world = after(placed(), &[capture_as(1, "c-1", 4_000)]);
    dispute_and_lose(&mut world, 5_000);
    assert_eq!(world.state.disputes[0].loss.minor(), 1_000);
    tell_all(&mut world, &[capture_as(1, "c-2", 6_000)]);
    assert_eq!(world.state.disputes[0].loss.minor(), 0);
    tell_all(&mut world, &[failed(1, 6_000).with("capture_ref", "c-2")]);
    assert_eq!(world.state.disputes[0].loss.minor(), 1_000);
}
