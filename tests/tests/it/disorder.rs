//! Any order of arrival, any number of times.

use system_tests::{Stage, StageOptions, open_order};
use testkit::shop::{attempt_id, captured, dispute_id, dispute_opened, order_id, refund_requested};

#[tokio::test]
async fn case_022_to_024_children_wait_for_their_parents() {
    let stage = Stage::start(StageOptions::everyone()).await;
    let (order, attempt) = (order_id(1), attempt_id(1));
    stage
        .publish(&[
            // An inquiry holds no money, so it does not compete with the refund.
            dispute_opened(order, dispute_id(1), attempt, 2_000).with("stage", "inquiry"),
            refund_requested(order, "r-1", 3_000),
            captured(order, attempt, 10_000),
        ])
        .await;
    stage.until("all three are parked", "SELECT count(*) FROM parked_events", 3).await;
    stage.publish(&[open_order(1)]).await;
    let applied = "SELECT count(*) FROM inbox
                   WHERE outcome = 'applied' AND kind <> 'dispute.deadline'";
    stage.until("all four are applied", applied, 4).await;
    assert_eq!(stage.order_status().await, "paid");
    assert_eq!(stage.database.number("SELECT count(*) FROM parked_events").await, 0);
    // The dispute is an old one: its deadlines are over and come at once.
    let due = "SELECT count(*) FROM timers WHERE status = 'armed' AND due_at < now()";
    stage.until("what is due has come", due, 0).await;
    stage.finish().await;
}

#[tokio::test]
async fn case_022_payments_that_overtake_their_orders_are_held_back_and_then_parked() {
    let options = StageOptions::of(&["payment-attempted", "outbox-relay"]);
    // Each lane has to learn for itself that payments come early.
    let options = options.with("ORDERFLOW_LANES", "1").with("ORDERFLOW_PATIENCE", "5s");
    let mut stage = Stage::start(options).await;
    stage.publish(&[captured(order_id(1), attempt_id(1), 10_000)]).await;
    let parked = "SELECT count(*) FROM parked_events";
    stage.until("nobody expects the first to overtake its order", parked, 1).await;
    let payments = [2, 3].map(|number| captured(order_id(number), attempt_id(number), 10_000));
    stage.publish(&payments).await;
    stage.fleet.spawn("order-created").expect("the binary is there");
    stage.publish(&[open_order(2)]).await;
    let paid = "SELECT count(*) FROM orders WHERE status = 'paid'";
    stage.until("the second waited for its order", paid, 1).await;
    stage.until("the third waits in vain, and is parked", parked, 2).await;
    let deliveries = "SELECT sum(deliveries)::bigint FROM inbox WHERE kind = 'payment.attempted'";
    assert_eq!(stage.database.number(deliveries).await, 3, "none was parked and came home");
    stage.finish().await;
}

#[tokio::test]
async fn case_025_money_whose_order_never_comes_is_kept_and_shown() {
    let stage = Stage::start(StageOptions::everyone().with("ORDERFLOW_PARK_TTL", "1s")).await;
    stage.publish(&[captured(order_id(1), attempt_id(1), 10_000)]).await;
    stage
        .until("the event is orphaned", "SELECT count(*) FROM inbox WHERE outcome = 'orphaned'", 1)
        .await;
    let kept = "SELECT amount_minor FROM unapplied_money WHERE cause = 'orphan'";
    assert_eq!(stage.database.number(kept).await, 10_000);
    stage.finish().await;
}

#[tokio::test]
async fn case_026_and_030_duplicates_change_nothing_wherever_they_meet() {
    let mut stage = Stage::start(StageOptions::everyone()).await;
    // A second process of the same worker takes its share of the same queue.
    stage.fleet.spawn("payment-attempted").expect("the binary is there");
    let orders: Vec<_> = (0..200).map(open_order).collect();
    let payments: Vec<_> = (0..200).map(|n| captured(order_id(n), attempt_id(n), 10_000)).collect();
    for _ in 0..3 {
        stage.publish(&payments).await;
        stage.publish(&orders).await;
    }
    stage
        .until("every order is paid", "SELECT count(*) FROM orders WHERE status = 'paid'", 200)
        .await;
    stage
        .until(
            "every delivery is counted",
            "SELECT (sum(deliveries) >= 1200)::int::bigint FROM inbox",
            1,
        )
        .await;
    assert_eq!(stage.database.number("SELECT count(*) FROM captures").await, 200);
    let announced = "SELECT count(*) FROM outbox WHERE routing_key = 'order.paid'";
    assert_eq!(stage.database.number(announced).await, 200);
    stage.finish().await;
}
