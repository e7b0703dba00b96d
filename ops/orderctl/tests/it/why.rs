//! `orderctl order show` says in words why an order is where it is.

use contracts::events::{
    OrderEvent, PaymentEvent, PaymentOutcome, RefundEvent, RefundReason, TimerEvent,
};
use domain::judgement::PolicyKind;
use domain::ledger::Account;
use domain::operations::{OwnRefund, close_order, refund_own};
use domain::order::{CloseReason, OrderStatus};
use domain::payment::AttemptStatus;
use domain::refund::{Refund, RefundStatus};
use domain::{Draft, OutcomeCode, PolicyBook};
use testkit::TestDatabase;
use testkit::shop::{
    at, attempt_id, cancel_requested, captured, order_created, payment, refund_requested, timeout,
};

use crate::program::orderctl;
use crate::story::{
    Teller, attempt, current, decline_first, euros, open_order, order, pay_by_second, put_capture,
    store_early_payment, store_story,
};

/// What is said between the first lines and the timeline.
fn why(database: &TestDatabase) -> String {
    let show = orderctl(["order", "show"]).arg(order().to_string());
    let text = show.database(database).run().exits_with(0).stdout;
    let (_, why) = text.split_once("\n\nWhy\n").unwrap();
    why.split("\n\nTimeline").next().unwrap().to_owned()
}

/// An order that was opened, and whose first payment was declined.
async fn opened(database: &TestDatabase) -> Teller<'_> {
    let mut teller = Teller::of(database).await;
    teller.tell::<OrderEvent>("12:00:00.25", &order_created(order()), open_order).await;
    let declined = payment(order(), attempt_id(1), PaymentOutcome::Declined, 10_000);
    teller.tell::<PaymentEvent>("12:04:00.5", &declined, decline_first).await;
    teller
}

async fn expired(database: &TestDatabase) -> Teller<'_> {
    let mut teller = opened(database).await;
    let due = timeout(order(), 1, at("12:30:00"));
    teller.tell::<TimerEvent>("12:30:01", &due, expire).await;
    teller
}

fn expire(draft: &mut Draft) {
    let (reason, code) = (CloseReason::PaymentTimeout, OutcomeCode::PaymentTimeout);
    close_order(draft, OrderStatus::Expired, reason, code).unwrap();
}

fn call_off(draft: &mut Draft) {
    let (reason, code) = (CloseReason::Buyer, OutcomeCode::CancelRequested);
    close_order(draft, OrderStatus::Cancelled, reason, code).unwrap();
}

fn give_back_late(draft: &mut Draft) {
    put_capture(draft, attempt_id(2), 0, Account::Suspense);
    let attempt = attempt(attempt_id(2), AttemptStatus::Captured);
    let wanted = OwnRefund {
        attempt: &attempt,
        amount: euros(10_000),
        request_key: "late:second".to_owned(),
        reason: RefundReason::LatePayment,
        funded_from: Account::Suspense,
        code: OutcomeCode::LatePayment,
    };
    refund_own(draft, &current(draft), &wanted).unwrap();
}

fn lay_before_a_person(draft: &mut Draft) {
    let code = OutcomeCode::AboveAutoLimit;
    let inputs = vec![
        ("amount", euros(6_000).to_string()),
        ("auto_limit", "EUR 5000 in minor units".to_owned()),
    ];
    draft.judge(PolicyKind::RefundApproval, code, &PolicyBook::default(), inputs);
    let refund = Refund {
        id: draft.next_id(),
        request_key: "wish-1".parse().unwrap(),
        part: 0,
        attempt_id: Some(attempt_id(2)),
        amount: euros(6_000),
        status: RefundStatus::PendingReview,
        reason: RefundReason::RequestedByCustomer,
        funded_from: Account::CustomerFunds,
        decided_by: None,
        first_approver: None,
        restock: None,
        held_until: None,
        code: Some(code),
        provider_ref: None,
        requested_at: draft.now(),
        settled_at: None,
        last_event_at: draft.now(),
    };
    draft.put_refund(refund, Some(code));
}

async fn paid(database: &TestDatabase) -> Teller<'_> {
    let mut teller = opened(database).await;
    let paid = captured(order(), attempt_id(2), 10_000);
    teller.tell::<PaymentEvent>("12:05:03", &paid, pay_by_second).await;
    teller
}

#[tokio::test]
async fn a_paid_order_says_which_event_covered_it() {
    let database = TestDatabase::migrated().await;
    paid(&database).await;
    insta::assert_snapshot!("paid", why(&database));
}

#[tokio::test]
async fn an_expired_order_says_which_window_ended_and_how_its_payments_went() {
    let database = TestDatabase::migrated().await;
    expired(&database).await;
    insta::assert_snapshot!("expired", why(&database));
}

#[tokio::test]
async fn a_cancelled_order_says_who_asked() {
    let database = TestDatabase::migrated().await;
    let mut teller = opened(&database).await;
    teller.tell::<OrderEvent>("12:07:00", &cancel_requested(order()), call_off).await;
    insta::assert_snapshot!("cancelled", why(&database));
}

#[tokio::test]
async fn late_money_says_why_it_goes_back() {
    let database = TestDatabase::migrated().await;
    let mut teller = expired(&database).await;
    let late = captured(order(), attempt_id(2), 10_000);
    teller.tell::<PaymentEvent>("12:40:00", &late, give_back_late).await;
    insta::assert_snapshot!("late_refund", why(&database));
}

#[tokio::test]
async fn a_refund_in_review_says_by_which_policy_and_on_what() {
    let database = TestDatabase::migrated().await;
    let mut teller = paid(&database).await;
    let wish = refund_requested(order(), "wish-1", 6_000);
    teller.tell::<RefundEvent>("13:00:00", &wish, lay_before_a_person).await;
    insta::assert_snapshot!("review", why(&database));

    let show = orderctl(["order", "show", "-o", "json"]).arg(order().to_string());
    let document = show.database(&database).run().exits_with(0).versioned_json();
    let ruling = &document["why"]["decisions"][0];
    assert_eq!(ruling["policy"], "refund_approval");
    assert_eq!(ruling["policy_version"], "defaults-1");
    assert_eq!(ruling["inputs"]["auto_limit"], "EUR 5000 in minor units");
    let reason = &document["why"]["reasons"][2];
    assert_eq!(reason["subject"], "refund 1");
    assert_eq!(reason["code"], "above-auto-limit");
    assert_eq!(reason["event"]["kind"], "refund.requested");
    assert_eq!(reason["at"], "2026-03-01T13:00:00Z");
}

#[tokio::test]
async fn a_disputed_order_says_until_when_evidence_is_taken() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    insta::assert_snapshot!("disputed", why(&database));
}

#[tokio::test]
async fn an_order_that_is_not_known_says_what_waits_for_it() {
    let database = TestDatabase::migrated().await;
    store_early_payment(&database).await;
    let show = orderctl(["order", "show"]).arg(order().to_string());
    let text = show.database(&database).run().exits_with(0).stdout;
    insta::assert_snapshot!("not_known", text);
}

#[tokio::test]
async fn a_refused_event_and_a_code_of_a_newer_program_are_told_too() {
    let database = TestDatabase::migrated().await;
    paid(&database).await;
    database
        .run(
            "UPDATE inbox SET outcome = 'rejected', outcome_code = 'disputed' \
             WHERE kind = 'order.created'; \
             ALTER TABLE history DISABLE TRIGGER USER; \
             UPDATE history SET reason = 'from-tomorrow' WHERE to_status = 'paid'; \
             ALTER TABLE history ENABLE TRIGGER USER",
        )
        .await;
    let why = why(&database).replace("\n  ", " ");
    for told in [
        "was rejected because the payment is disputed, and its money would go back twice \
         (disputed).",
        "because of from-tomorrow.",
    ] {
        assert!(why.contains(told), "{told:?} is not in:\n{why}");
    }
}
