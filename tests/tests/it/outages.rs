//! Stopping, killing and restarting workers leaves no trace.

use std::time::Duration;

use system_tests::{Stage, StageOptions, open_order};
use testkit::shop::{attempt_id, captured, order_id};

/// Every worker, with batches so small that many are under way when something ends.
fn small_batches() -> StageOptions {
    StageOptions::everyone().with("ORDERFLOW_BATCH", "20")
}

const ORDERS: u32 = 2000;

async fn publish_all(stage: &Stage) {
    let orders: Vec<_> = (0..ORDERS).map(open_order).collect();
    let payments: Vec<_> =
        (0..ORDERS).map(|n| captured(order_id(n), attempt_id(n), 10_000)).collect();
    stage.publish(&orders).await;
    stage.publish(&payments).await;
}

async fn check(stage: &Stage) {
    let paid = "SELECT count(*) FROM orders WHERE status = 'paid'";
    stage.until("every order is paid", paid, i64::from(ORDERS)).await;
    let captures = "SELECT count(*) FROM captures";
    assert_eq!(stage.database.number(captures).await, i64::from(ORDERS));
    stage.until("everything is sent", "SELECT count(*) FROM outbox WHERE sent_at IS NULL", 0).await;
    let announced = "SELECT count(*) FROM outbox WHERE routing_key = 'order.paid'";
    assert_eq!(stage.database.number(announced).await, i64::from(ORDERS));
    assert_eq!(stage.database.number("SELECT count(*) FROM dead_letters").await, 0);
}

#[tokio::test]
async fn case_031_and_032_killed_workers_leave_no_trace() {
    let mut stage = Stage::start(small_batches()).await;
    publish_all(&stage).await;
    for binary in ["order-created", "payment-attempted", "outbox-relay"] {
        let mut member = stage.fleet.take(binary).expect("it runs");
        member.kill();
        member.wait_after_kill().await.expect("it is gone");
        stage.fleet.spawn(binary).expect("the binary is there");
    }
    check(&stage).await;
    stage.finish().await;
}

#[tokio::test]
async fn workers_asked_to_stop_drain_without_a_dead_letter() {
    let mut stage = Stage::start(small_batches()).await;
    publish_all(&stage).await;
    for binary in ["order-created", "payment-attempted", "outbox-relay"] {
        let mut member = stage.fleet.take(binary).expect("it runs");
        member.terminate();
        member.wait_until_gone(Duration::from_secs(30)).await.expect("it stops in order");
        stage.fleet.spawn(binary).expect("the binary is there");
    }
    check(&stage).await;
    stage.finish().await;
}

#[tokio::test]
async fn lost_database_connections_pause_a_worker_and_dead_letter_nothing() {
    let stage = Stage::start(small_batches()).await;
    publish_all(&stage).await;
    for _ in 0..5 {
        stage
            .database
            .run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()
                 AND application_name LIKE 'orderflow/%'",
            )
            .await;
    }
    check(&stage).await;
    stage.finish().await;
}
