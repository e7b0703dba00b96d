//! A message that ends its worker costs a few restarts, and itself; nothing else.

use std::time::Duration;

use system_tests::{Stage, StageOptions, open_order};
use tokio::time::{Instant, sleep};

/// Twice among its neighbours, then three times alone.
const CRASHES: u32 = 5;
/// Longest time for all of it, restarts included.
const BOUND: Duration = Duration::from_mins(2);

/// Publishes a message with this fault among fifty others, and restarts the worker like a
/// supervisor does until everything is settled.
async fn meet(fault: &str) {
    let options = StageOptions::everyone()
        .with("ORDERFLOW_FAILPOINTS", format!("{fault}:bad-apple"))
        .with("ORDERFLOW_DECISION_LIMIT", "500ms");
    let mut stage = Stage::start(options).await;
    let mut events: Vec<_> = (0..50).map(open_order).collect();
    events.insert(25, open_order(999).id("bad-apple"));
    stage.publish(&events).await;

    let crashes = restart_until_settled(&mut stage).await;
    assert_eq!(crashes, CRASHES, "restarts over one message");
    let letters = "SELECT error_code || ' ' || attempts FROM dead_letters";
    assert_eq!(stage.database.texts(letters).await, ["worker-crashed 1"]);
    let innocent = "SELECT count(*) FROM suspects WHERE event_id <> 'bad-apple'";
    assert_eq!(stage.database.number(innocent).await, 0, "nobody else is suspected any more");
    stage.fleet.wait_until_ready(BOUND).await.expect("the workers come back");
    stage.finish().await;
}

/// Returns how often the worker had to be restarted.
async fn restart_until_settled(stage: &mut Stage) -> u32 {
    let (started, mut crashes) = (Instant::now(), 0);
    loop {
        crashes += stage.fleet.revive().expect("the binary is built");
        let orders = stage.database.number("SELECT count(*) FROM orders").await;
        let letters = stage.database.number("SELECT count(*) FROM dead_letters").await;
        if (orders, letters) == (50, 1) {
            return crashes;
        }
        let waited = started.elapsed();
        assert!(waited < BOUND, "{orders} orders, {letters} dead letters, {crashes} crashes");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_message_that_aborts_its_worker_is_parked_alone() {
    meet("abort").await;
}

#[tokio::test]
async fn a_message_that_overflows_the_stack_is_parked_alone() {
    meet("overflow").await;
}

#[tokio::test]
async fn a_message_that_is_never_decided_is_parked_alone() {
    meet("endless").await;
}

#[tokio::test]
async fn a_message_that_wants_all_the_memory_is_parked_alone() {
    meet("hog").await;
}
