//! The workers as users and roles that may do only what they need.

use std::time::Duration;

use contracts::EventKind;
use system_tests::{
    Stage, StageOptions, dead_letter, garbage, open_order, replay_call, short_order,
};
use testkit::eventually;
use testkit::shop::{attempt_id, captured, dispute_id, dispute_opened, order_id, refund_requested};

const ORDERS: u32 = 40;

/// Orders, payments before their orders, refunds, disputes, an order that runs out of time.
#[tokio::test]
async fn restricted_workers_do_all_of_their_work() {
    let options = StageOptions::everyone()
        .with_least_privilege()
        .with("ORDERFLOW_REMINDER_MIN_GAP", "1s")
        .with("ORDERFLOW_PATIENCE", "200ms");
    let stage = Stage::start(options).await;
    let mut events: Vec<_> =
        (0..ORDERS).map(|n| captured(order_id(n), attempt_id(n), 10_000)).collect();
    events.extend((0..ORDERS).map(open_order));
    events.push(refund_requested(order_id(0), "r-1", 2_000));
    events.push(dispute_opened(order_id(1), dispute_id(1), attempt_id(1), 3_000));
    events.push(short_order(ORDERS, 5));
    stage.publish(&events).await;
    stage.until("the paid are paid", "SELECT count(*) FROM captures", i64::from(ORDERS)).await;
    let count = |table: &str| format!("SELECT count(*) FROM {table}");
    stage.until("the refund is known", &count("refunds"), 1).await;
    stage.until("the dispute is known", &count("disputes"), 1).await;
    let expired = count("orders WHERE status = 'expired'");
    stage.until("who does not pay runs out of time", &expired, 1).await;
    // Nobody listens to commands here: what has to reach a queue waits.
    let unsent = count("outbox WHERE sent_at IS NULL AND NOT must_route");
    stage.until("all announcements are sent", &unsent, 0).await;
    stage.publish_raw(vec![garbage(&stage.names, EventKind::PaymentAttempted)]).await;
    stage.until("garbage is parked", &count("dead_letters"), 1).await;
    stage.finish().await;
}

/// What a replay brings back is resolved by the worker in which it failed.
#[tokio::test]
async fn restricted_workers_resolve_what_is_replayed() {
    let binaries = ["order-created", "outbox-relay", "dead-letter-parker"];
    let stage = Stage::start(StageOptions::of(&binaries).with_least_privilege()).await;
    let letter = dead_letter(&stage.names, "order-created", &open_order(1));
    stage.publish_raw(vec![letter]).await;
    stage.until("it is parked", "SELECT count(*) FROM dead_letters", 1).await;
    stage.database.number(&replay_call(10_000, 1000, 0, 10_000)).await;
    let resolved = "SELECT count(*) FROM dead_letters WHERE status = 'resolved'";
    stage.until("it is resolved", resolved, 1).await;
    let items = "SELECT count(*) FROM replay_items WHERE state = 'resolved'";
    assert_eq!(stage.database.number(items).await, 1);
    stage.finish().await;
}

/// A worker without the right to its work pauses and says so; nothing is dead-lettered.
#[tokio::test]
async fn a_worker_that_lacks_a_right_pauses_and_says_which() {
    let mut stage = Stage::start(StageOptions::everyone().with_least_privilege()).await;
    stage.database.run("REVOKE INSERT ON orders FROM orderflow_order_created").await;
    stage.publish(&[open_order(1)]).await;
    let worker = stage.fleet.member("order-created").expect("it runs");
    eventually(Duration::from_mins(1), "the worker says why", async || {
        let log = std::fs::read_to_string(worker.log()).unwrap_or_default();
        if log.contains("database-refuses") { Ok(()) } else { Err(log) }
    })
    .await;
    stage.database.run("GRANT INSERT ON orders TO orderflow_order_created").await;
    stage.until("the order is opened", "SELECT count(*) FROM orders", 1).await;
    assert_eq!(stage.database.number("SELECT count(*) FROM dead_letters").await, 0);
    stage.finish().await;
}
