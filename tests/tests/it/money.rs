//! What becomes of orders and their money.

use contracts::events::PaymentOutcome;
use system_tests::{Stage, StageOptions, open_order};
use testkit::shop::{
    attempt_id, cancel_requested, captured, dispute_id, dispute_opened, dispute_updated, order_id,
    payment, refund_requested,
};

#[tokio::test]
async fn an_order_is_paid_refunded_in_part_and_disputed_for_the_rest() {
    let stage = Stage::start(StageOptions::everyone()).await;
    let (order, attempt, dispute) = (order_id(1), attempt_id(1), dispute_id(1));
    stage
        .publish(&[
            open_order(1),
            payment(order, attempt, PaymentOutcome::Authorized, 10_000),
            captured(order, attempt, 10_000),
        ])
        .await;
    stage.until_decided(3).await;
    assert_eq!(stage.order_status().await, "paid");
    stage.publish(&[refund_requested(order, "r-1", 3_000)]).await;
    stage
        .until(
            "the refund is approved",
            "SELECT count(*) FROM refunds WHERE status = 'approved'",
            1,
        )
        .await;
    stage.publish(&[dispute_opened(order, dispute, attempt, 7_000)]).await;
    stage.until("the dispute is open", "SELECT count(*) FROM disputes", 1).await;
    stage.publish(&[dispute_updated(order, dispute, "chargeback", "lost")]).await;
    stage
        .until("the dispute is lost", "SELECT count(*) FROM disputes WHERE status = 'lost'", 1)
        .await;
    let owed = "SELECT coalesce(sum(CASE WHEN debit = 'psp_receivable' THEN amount_minor
                ELSE -amount_minor END), 0)::bigint
                FROM transfers WHERE 'psp_receivable' IN (debit, credit)";
    stage.until("the provider keeps what is disputed", owed, 3_000).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_cancelled_order_s_late_money_is_sent_back_by_command() {
    let stage = Stage::start(StageOptions::everyone()).await;
    let (order, attempt) = (order_id(1), attempt_id(1));
    stage.publish(&[open_order(1), cancel_requested(order)]).await;
    stage.until_decided(2).await;
    stage.publish(&[captured(order, attempt, 10_000)]).await;
    stage
        .until("a refund is ordered", "SELECT count(*) FROM refunds WHERE status = 'approved'", 1)
        .await;
    assert_eq!(stage.order_status().await, "cancelled");
    let commands = "SELECT count(*) FROM outbox
                    WHERE routing_key IN ('refund.execute', 'inventory.release_requested')";
    assert_eq!(stage.database.number(commands).await, 2);
    stage.finish().await;
}

#[tokio::test]
async fn money_of_a_closed_order_goes_back_when_its_dispute_is_won() {
    let stage = Stage::start(StageOptions::everyone()).await;
    let (order, attempt, dispute) = (order_id(1), attempt_id(1), dispute_id(1));
    stage.publish(&[open_order(1), captured(order, attempt, 4_000)]).await;
    stage.until_decided(2).await;
    stage.publish(&[dispute_opened(order, dispute, attempt, 3_000)]).await;
    stage.until("the dispute is open", "SELECT count(*) FROM disputes", 1).await;
    stage.publish(&[cancel_requested(order)]).await;
    let refunded = "SELECT coalesce(sum(amount_minor), 0)::bigint FROM refunds
                    WHERE status = 'approved'";
    stage.until("what is not disputed goes back", refunded, 1_000).await;
    stage.publish(&[dispute_updated(order, dispute, "chargeback", "won")]).await;
    stage.until("the rest goes back, too", refunded, 4_000).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_customer_s_refunds_are_counted_within_a_batch_too() {
    let shops = StageOptions::of(&["order-created", "payment-attempted"]);
    let mut stage = Stage::start(shops.with("ORDERFLOW_LANES", "1")).await;
    stage.publish(&(1..=8).map(open_order).collect::<Vec<_>>()).await;
    stage.until_decided(8).await;
    let payments = (1..=8).map(|number| captured(order_id(number), attempt_id(number), 10_000));
    stage.publish(&payments.collect::<Vec<_>>()).await;
    stage.until("all are paid", "SELECT count(*) FROM orders WHERE status = 'paid'", 8).await;
    // A time ahead of ours counts as now: the fixtures' own is more than 90 days ago.
    let request =
        |order| refund_requested(order, "r", 1_000).with("requested_at", "2098-01-01T00:00:00Z");
    stage.publish(&(1..=8).map(order_id).map(request).collect::<Vec<_>>()).await;
    // One lane finds all of them waiting, and takes them in one batch.
    stage.start_workers(&StageOptions::of(&["refund-requested"])).await;
    stage.until("all are decided", "SELECT count(*) FROM refunds", 8).await;
    let approved = "SELECT count(*) FROM refunds WHERE status = 'approved'";
    assert_eq!(stage.database.number(approved).await, 5);
    stage.finish().await;
}

#[tokio::test]
async fn case_058_of_refunds_that_compete_only_a_fitting_subset_is_approved() {
    let stage = Stage::start(StageOptions::everyone()).await;
    let (order, attempt) = (order_id(1), attempt_id(1));
    stage.publish(&[open_order(1), captured(order, attempt, 10_000)]).await;
    stage.until("the order is paid", "SELECT count(*) FROM orders WHERE status = 'paid'", 1).await;
    let requests: Vec<_> =
        (0..20).map(|number| refund_requested(order, &format!("r-{number}"), 3_500)).collect();
    stage.publish(&requests).await;
    stage.until("all are decided", "SELECT count(*) FROM refunds", 20).await;
    let approved = "SELECT count(*) FROM refunds WHERE status = 'approved'";
    assert_eq!(stage.database.number(approved).await, 2);
    stage.finish().await;
}

#[tokio::test]
async fn everything_announced_is_sent_and_commands_wait_for_a_queue() {
    let stage = Stage::start(StageOptions::everyone()).await;
    stage.publish(&[open_order(1), cancel_requested(order_id(1))]).await;
    stage
        .until(
            "the announcement is sent though nobody listens",
            "SELECT count(*) FROM outbox
             WHERE routing_key = 'order.cancelled' AND sent_at IS NOT NULL",
            1,
        )
        .await;
    stage
        .until(
            "the command is returned and tried again",
            "SELECT count(*) FROM outbox WHERE routing_key = 'inventory.release_requested'
             AND sent_at IS NULL AND attempts >= 2",
            1,
        )
        .await;
    stage.finish().await;
}
