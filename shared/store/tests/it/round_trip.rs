//! What is written is what is read.

use contracts::OrderRef;
use contracts::events::PaymentOutcome;
use domain::order::OrderStatus;
use domain::refund::RefundStatus;
use domain::timer::{TimerKind, TimerOwner};
use store::Database;
use store::orders::{self, Scope};
use testkit::shop::{self, attempt_id, dispute_id, order_id};

use crate::home::Home;
use crate::life;
use crate::pipeline::{decide, run};

#[tokio::test]
async fn a_full_life_is_read_as_it_was_decided() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    decide(&mut database, life::created(1)).await;
    let authorized = shop::payment(order_id(1), attempt_id(1), PaymentOutcome::Authorized, 10_000);
    decide(&mut database, life::payment(&authorized)).await;
    let declined = shop::payment(order_id(1), attempt_id(2), PaymentOutcome::Declined, 10_000);
    let decline = serde_json::json!({
        "code": "do_not_honor", "network_code": "05", "advice": "03", "category": "hard"
    });
    let method = serde_json::json!({"type": "card", "brand": "visa"});
    let declined = declined.with("decline", decline).with("method", method);
    decide(&mut database, life::payment(&declined)).await;
    decide(&mut database, life::captured(1)).await;
    decide(&mut database, life::refund_wanted(1, "r-1", 2_500)).await;
    decide(&mut database, life::refund_wanted(1, "r-2", 9_999)).await;
    decide(&mut database, life::disputed(1, 1_000)).await;

    let state = life::load(&mut database, order_id(1)).await;
    let order = state.order.as_ref().unwrap();
    assert_eq!(order.status, OrderStatus::Paid);
    assert_eq!(order.lines.len(), 1);
    let attempts: Vec<_> = state.attempts.iter().map(|attempt| attempt.id).collect();
    assert_eq!(attempts, [attempt_id(1), attempt_id(2)], "oldest first");
    assert_eq!(state.attempts[1].decline_code.as_ref().unwrap().as_str(), "do_not_honor");
    let codes = state.attempts[1].decline_codes();
    assert_eq!((codes.network_code, codes.advice), (Some("05"), Some("03")));
    assert_eq!(codes.category, Some("hard"));
    let with = state.attempts[1].paid_with.as_ref().unwrap();
    assert_eq!((with.kind.as_str(), with.brand.as_ref().unwrap().as_str()), ("card", "visa"));
    assert_eq!(state.captures.len(), 1);
    let refunds: Vec<_> = state.refunds.iter().map(|refund| refund.status).collect();
    assert_eq!(refunds, [RefundStatus::Approved, RefundStatus::Rejected]);
    assert_eq!(state.disputes.len(), 1);
    let due = state.timer(TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(dispute_id(1)));
    assert!(due.is_some());
}

#[tokio::test]
async fn unknown_orders_are_absent() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let mut transaction = database.begin("load").await.unwrap();
    let states = orders::load(&mut transaction, &[order_id(9)], Scope::OrderAndCustomer).await;
    assert!(states.unwrap().is_empty());
    transaction.rollback().await.unwrap();
}

#[tokio::test]
async fn references_lead_to_orders() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    for job in [life::created(1), life::captured(1), life::disputed(1, 500), life::created(2)] {
        decide(&mut database, job).await;
    }
    let (known, unknown) = (attempt_id(1), attempt_id(7));
    let payment = |attempt| OrderRef::Payment {
        provider: "acme".parse().unwrap(),
        payment_ref: format!("pay-{attempt}").parse().unwrap(),
    };
    let dispute = |reference: String| OrderRef::Dispute {
        provider: "acme".parse().unwrap(),
        dispute_ref: reference.parse().unwrap(),
    };
    let references = [
        payment(unknown),
        OrderRef::Order(order_id(5)),
        dispute(format!("dp-{}", dispute_id(1))),
        payment(known),
        dispute("dp-x".to_owned()),
    ];
    let mut transaction = database.begin("resolve").await.unwrap();
    let found = orders::resolve(&mut transaction, &references).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(found, [None, Some(order_id(5)), Some(order_id(1)), Some(order_id(1)), None]);
}

#[tokio::test]
async fn a_customer_is_known_by_their_refunds_and_disputes_of_90_days() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    for number in [1, 2] {
        decide(&mut database, life::created(number)).await;
        decide(&mut database, life::captured(number)).await;
        decide(&mut database, life::refund_wanted(number, "r-1", 100)).await;
        decide(&mut database, life::refund_wanted(number, "r-2", 99_999)).await;
    }
    decide(&mut database, life::disputed(2, 500)).await;
    let recent = "requested_at = now() - INTERVAL '89 days'";
    sql.run(&format!("UPDATE refunds SET {recent}; UPDATE disputes SET opened_at = now()")).await;
    let ours = "UPDATE refunds SET reason = 'late_payment' WHERE request_key = 'ours'";
    sql.run(ours).await;

    let customer = async |database: &mut Database| {
        let mut transaction = database.begin("load").await.unwrap();
        let ids = [order_id(1)];
        let states = orders::load(&mut transaction, &ids, Scope::OrderAndCustomer).await.unwrap();
        transaction.rollback().await.unwrap();
        states[&order_id(1)].customer.clone()
    };
    let record = customer(&mut database).await;
    assert_eq!((record.refunds_90d, record.disputes_90d), (2, 1));
    sql.run("UPDATE refunds SET requested_at = now() - INTERVAL '91 days' WHERE part = 0").await;
    sql.run("UPDATE disputes SET opened_at = now() - INTERVAL '91 days'").await;
    let record = customer(&mut database).await;
    assert_eq!((record.refunds_90d, record.disputes_90d), (0, 0));
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    sql.run("UPDATE orders SET merchant_id = 'a b'").await;
    let error = run(&mut database, &[life::captured(1)]).await.unwrap_err();
    assert_eq!(error.code(), "inconsistent-row");
    let id = order_id(1);
    assert_eq!(error.to_string(), format!("failed to read orders.merchant_id of {id}"));
}
