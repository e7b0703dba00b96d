//! Workers that do not run while work for them waits.

use system_tests::{Stage, StageOptions, open_order, short_order, surroundings_of};
use testkit::eventually;
use testkit::shop::{attempt_id, captured, order_id};

use super::BOUND;
use super::surroundings::Scene;
use super::table::Incident;

/// The workers that do not run; `order-created` is killed on top of that.
const GONE: [&str; 3] = ["outbox-relay", "timer-scheduler", "dead-letter-parker"];

const OVERDUE: &str = "SELECT count(*) FROM timers WHERE status = 'armed' AND due_at < now()";
const UNSENT: &str = "SELECT count(*) FROM outbox WHERE sent_at IS NULL";
/// Nobody listens to commands here: what has to reach a queue waits all the same.
const UNSENT_NEWS: &str = "SELECT count(*) FROM outbox WHERE sent_at IS NULL AND NOT must_route";

/// A timer is overdue, a message unsent, a dead letter not taken in, an event waits for its order,
/// and another one for its worker.
pub(super) async fn stage() -> (Stage, Scene) {
    let mut stage = Stage::start(StageOptions::rules_and(&[])).await;
    let paid = |number| captured(order_id(number), attempt_id(number), 10_000);
    let bad = open_order(4).with("total", "nothing");
    stage.publish(&[short_order(1, 1), open_order(2), bad]).await;
    stage.until("both orders are open", "SELECT count(*) FROM orders", 2).await;
    stage.publish(&[paid(2), paid(3)]).await;
    stage.until("an event waits", "SELECT count(*) FROM inbox WHERE outcome = 'parked'", 1).await;
    eventually(BOUND, "a timer is overdue and a message unsent", async || {
        let waiting = [stage.database.number(OVERDUE).await, stage.database.number(UNSENT).await];
        if waiting.iter().all(|count| *count > 0) { Ok(()) } else { Err(waiting) }
    })
    .await;
    let dead = stage.names.dead_queue("order-created");
    until_ready(&stage, &dead, 1).await;
    let mut worker = stage.fleet.take("order-created").expect("it runs");
    worker.kill();
    worker.wait_after_kill().await.expect("it is gone");
    stage.publish(&[open_order(3)]).await;
    let queue = stage.names.work_queue("order-created");
    until_ready(&stage, &queue, 1).await;
    let during = surroundings_of(&stage);
    let scene = Scene { incident: Incident::WorkersGone, mending: during.clone(), during };
    (stage, scene)
}

/// Starts what is missing, and waits until nothing waits any more.
pub(super) async fn mend(stage: &mut Stage) {
    for binary in GONE.into_iter().chain(["order-created"]) {
        stage.fleet.spawn(binary).expect("the binary is built");
    }
    stage.fleet.wait_until_ready(BOUND).await.expect("the workers become ready");
    stage
        .until("the order expires", "SELECT count(*) FROM orders WHERE status = 'expired'", 1)
        .await;
    stage
        .until("the others are paid", "SELECT count(*) FROM orders WHERE status = 'paid'", 2)
        .await;
    stage.until("the letter is parked", "SELECT count(*) FROM dead_letters", 1).await;
    stage.until("news are sent", UNSENT_NEWS, 0).await;
}

async fn until_ready(stage: &Stage, queue: &str, count: u32) {
    eventually(BOUND, "a message waits in its queue", async || {
        let ready = stage.ready(queue).await;
        if ready == count { Ok(()) } else { Err(ready) }
    })
    .await;
}
