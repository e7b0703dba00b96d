//! The node that leads every queue is killed while events come and go.

use std::time::{Duration, Instant};

use system_tests::{Stage, StageOptions, open_order};
use testkit::eventually;
use testkit::shop::{ShopEvent, attempt_id, captured, order_id};

use crate::nodes::Nodes;

/// Orders of the whole run, each with a payment.
const ORDERS: u32 = 3000;

/// Events between two looks at whether the shop still has a connection.
const CHUNK: usize = 100;

/// Longest time in which the shop, or a worker, finds another node.
const FAIL_OVER: Duration = Duration::from_mins(2);

fn events() -> Vec<ShopEvent> {
    let both = |n| [open_order(n), captured(order_id(n), attempt_id(n), 10_000)];
    (0..ORDERS).flat_map(both).collect()
}

#[tokio::test]
async fn killing_the_leader_under_load_loses_nothing_and_recovers_by_itself() {
    let nodes = Nodes::found();
    let mut stage = Stage::start(StageOptions::everyone()).await;
    let queue = stage.names.work_queue("order-created");
    let (leader, copies) = Nodes::leader_and_copies(&queue).await;
    assert_eq!(copies, 3, "the queue is on every node");

    let events = events();
    let (before, after) = events.split_at(events.len() / 3);
    for chunk in before.chunks(CHUNK) {
        stage.publish_persistently(chunk, FAIL_OVER).await;
    }
    nodes.kill(&leader);
    let killed = Instant::now();
    let known = stage.database.number("SELECT count(*) FROM inbox").await;
    stage.publish_persistently(&after[..CHUNK], FAIL_OVER).await;
    let shop = killed.elapsed();
    eventually(FAIL_OVER, "the workers go on", async || {
        let sql = "SELECT count(*) FROM inbox";
        let found = stage.database.number(sql).await;
        if found > known { Ok(()) } else { Err(found) }
    })
    .await;
    println!(
        "leader {leader} killed: shop went on after {shop:?}, workers after {:?}",
        killed.elapsed()
    );
    for chunk in after[CHUNK..].chunks(CHUNK) {
        stage.publish_persistently(chunk, FAIL_OVER).await;
    }

    let paid = "SELECT count(*) FROM orders WHERE status = 'paid'";
    stage.until("every order is paid", paid, i64::from(ORDERS)).await;
    let captures = "SELECT count(*) FROM captures";
    assert_eq!(stage.database.number(captures).await, i64::from(ORDERS));
    let unsent = "SELECT count(*) FROM outbox WHERE sent_at IS NULL";
    stage.until("everything is sent", unsent, 0).await;
    let announced = "SELECT count(*) FROM outbox WHERE routing_key = 'order.paid'";
    assert_eq!(stage.database.number(announced).await, i64::from(ORDERS));
    assert_eq!(stage.database.number("SELECT count(*) FROM dead_letters").await, 0);
    assert_eq!(stage.fleet.casualties(), Vec::<String>::new(), "no worker ended");
    nodes.repair().await;
    stage.finish().await;
}
