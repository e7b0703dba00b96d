//! A replay and the queue it sends to.

use std::time::Duration;

use system_tests::{Stage, StageOptions, dead_letter, open_order, replay_call};
use testkit::eventually;

use super::{fates, start};

const BOUND: Duration = Duration::from_mins(1);

async fn parked(stage: &Stage, count: u32) {
    let letters =
        (0..count).map(|n| dead_letter(&stage.names, "order-created", &open_order(n))).collect();
    stage.publish_raw(letters).await;
    let parked = "SELECT count(*) FROM dead_letters WHERE status = 'parked'";
    stage.until("they are parked", parked, i64::from(count)).await;
}

#[tokio::test]
async fn a_queue_that_is_deleted_stops_its_replay_and_loses_nothing_that_was_not_in_it() {
    let stage = Stage::start(StageOptions::of(&["dead-letter-parker"])).await;
    let queue = stage.names.work_queue("order-created");
    parked(&stage, 40).await;
    // Two canaries are sent and awaited, for there is nobody who consumes them.
    let batch = start(&stage, &replay_call(1000, 40, 2, 1000)).await;
    let sent = "SELECT count(*) FROM replay_items WHERE state = 'sent'";
    stage.until("the canaries are sent", sent, 2).await;
    stage.delete_queue(&queue).await;
    let cancel = format!("SELECT replay_cancel('ann', 'they are gone', {batch}, true)");
    assert_eq!(stage.database.number(&cancel).await, 40);

    start(&stage, &replay_call(1000, 10, 0, 1000)).await;
    let stopped = "SELECT count(*) FROM replay_batches
         WHERE state = 'stopped' AND stopped_because = 'target-gone'";
    stage.until("the replay stops", stopped, 1).await;
    let open = "SELECT count(*) FROM replay_items WHERE state IN ('sending', 'sent')";
    assert_eq!(stage.database.number(open).await, 0, "nothing went nowhere");

    stage.declare_topology().await;
    let resume = "SELECT 1::bigint FROM replay_resume('ann', 'the queue is back', 2)";
    stage.database.number(resume).await;
    let mut fleet = stage.other_fleet(&StageOptions::of(&[]));
    fleet.spawn("order-created").expect("the binary is built");
    let over = "SELECT count(*) FROM replay_batches WHERE state = 'done'";
    stage.until("the rest is replayed", over, 1).await;
    start(&stage, &replay_call(1000, 10, 0, 1000)).await;
    stage.until("what came back is replayed", over, 2).await;
    assert_eq!(fates(&stage).await, ["40 resolved resolved"]);
    assert_eq!(stage.database.number("SELECT count(*) FROM orders").await, 40);
    fleet.stop(BOUND).await.expect("it stops in order");
    stage.finish().await;
}

#[tokio::test]
async fn a_replay_waits_while_its_queue_is_full() {
    let stage = Stage::start(StageOptions::of(&["dead-letter-parker"])).await;
    let queue = stage.names.work_queue("order-created");
    let backlog: Vec<_> = (100..110).map(open_order).collect();
    stage.publish(&backlog).await;
    parked(&stage, 5).await;
    start(&stage, &replay_call(1000, 100, 0, 10)).await;
    eventually(BOUND, "the backlog is there", async || {
        let ready = stage.ready(&queue).await;
        if ready == 10 { Ok(()) } else { Err(ready) }
    })
    .await;
    // Looked at several times meanwhile.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(fates(&stage).await, ["5 claimed claimed"]);
    let mut fleet = stage.other_fleet(&StageOptions::of(&[]));
    fleet.spawn("order-created").expect("the binary is built");
    stage.until("all are opened", "SELECT count(*) FROM orders", 15).await;
    stage.until("it is done", "SELECT count(*) FROM replay_batches WHERE state = 'done'", 1).await;
    assert_eq!(fates(&stage).await, ["5 resolved resolved"]);
    fleet.stop(BOUND).await.expect("it stops in order");
    stage.finish().await;
}
