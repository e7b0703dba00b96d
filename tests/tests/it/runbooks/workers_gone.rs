//! Workers that do not run while work for them waits.

use std::path::Path;

use system_tests::{
    Stage, StageOptions, Surroundings, dead_letter, open_order, short_order, surroundings_of, typed,
};
use testkit::eventually;
use testkit::shop::{attempt_id, captured, order_id};

use super::script::in_place;
use super::surroundings::Scene;
use super::table::Incident;
use super::{BOUND, closed_port};

/// The workers that do not run; `order-created` is killed on top of that.
const GONE: [&str; 3] = ["outbox-relay", "timer-scheduler", "dead-letter-parker"];

const OVERDUE: &str = "SELECT count(*) FROM timers WHERE status = 'armed' AND due_at < now()";
const UNSENT: &str = "SELECT count(*) FROM outbox WHERE sent_at IS NULL";
/// Nobody listens to commands here: what has to reach a queue waits all the same.
const UNSENT_NEWS: &str = "SELECT count(*) FROM outbox WHERE sent_at IS NULL AND NOT must_route";

/// What waits does so for longer than anybody should let it.
const FOR_LONG: &str = "
    UPDATE timers SET due_at = due_at - interval '6 minutes'
    WHERE status = 'armed' AND due_at < now();
    UPDATE outbox
    SET
        created_at = created_at - interval '6 minutes',
        publish_after = publish_after - interval '6 minutes'
    WHERE sent_at IS NULL AND NOT must_route";

/// A timer is overdue, a message unsent, a dead letter not taken in, a replay not carried out, and
/// an event waits for its worker.
pub(super) async fn stage() -> (Stage, Scene) {
    let options = StageOptions::rules_and(&["dead-letter-parker"]);
    let mut stage = Stage::prepare(&options).await;
    let address = format!("127.0.0.1:{}", closed_port());
    stage.fleet.set_for("order-created", "ORDERFLOW_HTTP_LISTEN", &address);
    stage.start_workers(&options).await;
    let letter = dead_letter(&stage.names, "order-created", &open_order(5));
    stage.publish_raw(vec![letter]).await;
    stage.until("it is parked", "SELECT count(*) FROM dead_letters", 1).await;
    stop(&mut stage, "dead-letter-parker").await;
    let around = doctors(&stage);
    let replay = "orderctl dlq replay --all --reason 'it was a panic' --yes --detach";
    let (exit, said) = typed(replay, &around, Path::new("."));
    assert_eq!(exit, Some(0), "{said}");

    let bad = open_order(4).with("total", "nothing");
    stage.publish(&[short_order(1, 1), open_order(2), bad]).await;
    stage.until("both orders are open", "SELECT count(*) FROM orders", 2).await;
    stage.publish(&[captured(order_id(2), attempt_id(2), 10_000)]).await;
    eventually(BOUND, "a timer is overdue and a message unsent", async || {
        let waiting = [stage.database.number(OVERDUE).await, stage.database.number(UNSENT).await];
        if waiting.iter().all(|count| *count > 0) { Ok(()) } else { Err(waiting) }
    })
    .await;
    stage.database.run(FOR_LONG).await;
    let dead = stage.names.dead_queue("order-created");
    until_ready(&stage, &dead, 1).await;
    stop(&mut stage, "order-created").await;
    stage.publish(&[open_order(3)]).await;
    let queue = stage.names.work_queue("order-created");
    until_ready(&stage, &queue, 1).await;
    let scene = Scene { worker: Some(address), ..in_place(Incident::WorkersGone, around) };
    until_seen(&scene).await;
    (stage, scene)
}

/// With the management interface, which tells who consumes.
fn doctors(stage: &Stage) -> Surroundings {
    let mut around = surroundings_of(stage);
    around.push(("ORDERFLOW_MANAGEMENT_URL", testkit::endpoints().management_url));
    around
}

/// The broker counts messages and consumers only every few seconds.
async fn until_seen(scene: &Scene) {
    let seen = ["nobody consumes", "where 1 messages wait", "1 messages in"];
    eventually(BOUND, "the broker has counted", async || {
        let (_, said) = typed("orderctl doctor -o json", &scene.during, Path::new("."));
        if seen.iter().all(|words| said.contains(words)) { Ok(()) } else { Err(said) }
    })
    .await;
}

async fn stop(stage: &mut Stage, binary: &str) {
    let mut worker = stage.fleet.take(binary).expect("it runs");
    worker.kill();
    worker.wait_after_kill().await.expect("it is gone");
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
    stage.until("the other is paid", "SELECT count(*) FROM orders WHERE status = 'paid'", 1).await;
    stage.until("the letter is parked", "SELECT count(*) FROM dead_letters", 2).await;
    let resolved = "SELECT count(*) FROM dead_letters WHERE status = 'resolved'";
    stage.until("the replay is carried out", resolved, 1).await;
    stage.until("news are sent", UNSENT_NEWS, 0).await;
}

async fn until_ready(stage: &Stage, queue: &str, count: u32) {
    eventually(BOUND, "a message waits in its queue", async || {
        let ready = stage.ready(queue).await;
        if ready == count { Ok(()) } else { Err(ready) }
    })
    .await;
}
