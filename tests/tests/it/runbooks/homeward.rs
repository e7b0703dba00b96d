//! Events that wait for their order, and cannot be read when it comes.

use system_tests::{Stage, StageOptions, open_order, surroundings_of};
use testkit::eventually;
use testkit::shop::{attempt_id, captured, order_id};

use super::script::{Typed, in_place};
use super::surroundings::Scene;
use super::table::Incident;
use super::{BOUND, until_counted};

const WAITING: &str = "SELECT count(*) FROM parked_events";
const PAID: &str = "SELECT count(*) FROM orders WHERE status = 'paid'";
const HOMEWARD: &str = "SELECT count(*) FROM outbox WHERE exchange = 'return' AND sent_at IS NULL";

#[tokio::test]
async fn events_on_their_way_home_are_treated_as_their_pages_say() {
    let workers = ["order-created", "payment-attempted"];
    let mut stage = Stage::start(StageOptions::of(&workers)).await;
    let mut typed = Typed::new();
    waits(&mut stage, &mut typed).await;
    damaged(&mut stage, &mut typed).await;
    erased(&mut stage, &mut typed).await;
    typed.end();
    stage.finish().await;
}

fn scene_of(stage: &mut Stage, incident: Incident, binary: &str) -> Scene {
    let worker = stage.fleet.member(binary).expect("it runs");
    let log = worker.log().display().to_string();
    let worker = worker.listens_at().expect("it has started").to_string();
    let scene = in_place(incident, surroundings_of(stage));
    Scene { worker: Some(worker), log: Some(log), ..scene }
}

async fn start(stage: &mut Stage, binary: &'static str) {
    stage.fleet.spawn(binary).expect("the binary is built");
    stage.fleet.wait_until_ready(BOUND).await.expect("it becomes ready");
}

async fn stop(stage: &mut Stage, binary: &str) {
    let mut worker = stage.fleet.take(binary).expect("it runs");
    worker.terminate();
    worker.wait_until_gone(BOUND).await.expect("it stops in order");
}

/// A payment comes before its order, which then comes or does not.
async fn pay_early(stage: &Stage, number: u32) {
    stage.publish(&[captured(order_id(number), attempt_id(number), 10_000)]).await;
    stage.until("it waits", WAITING, 1).await;
}

async fn waits(stage: &mut Stage, typed: &mut Typed) {
    pay_early(stage, 1).await;
    start(stage, "timer-scheduler").await;
    let scene = scene_of(stage, Incident::EventsWait, "timer-scheduler");
    let scheduler = stage.fleet.member("timer-scheduler").expect("it runs");
    until_counted(scheduler, "orderflow_parked_events", "", 1.0).await;
    typed.confirm(&scene, &stage.database).await;
    stage.publish(&[open_order(1)]).await;
    start(stage, "outbox-relay").await;
    stage.until("it is paid", PAID, 1).await;
    typed.mend(&scene, &stage.database).await;
}

/// An event that is to go home is there, and no relay takes it.
async fn homeward(stage: &mut Stage, number: u32) {
    stop(stage, "outbox-relay").await;
    pay_early(stage, number).await;
    stage.publish(&[open_order(number)]).await;
    stage.until("it is to go home", HOMEWARD, 1).await;
}

/// Turns over a byte of what is stored; twice is as good as never.
async fn flip(stage: &Stage) {
    let flip = "UPDATE outbox SET body = set_byte(body, 40, 255 - get_byte(body, 40)),
                    publish_after = now()
                WHERE exchange = 'return' AND sent_at IS NULL";
    stage.database.run(flip).await;
}

async fn damaged(stage: &mut Stage, typed: &mut Typed) {
    homeward(stage, 2).await;
    flip(stage).await;
    start(stage, "outbox-relay").await;
    let relay = stage.fleet.member("outbox-relay").expect("it runs");
    until_counted(relay, "orderflow_publishes_total", "damaged", 1.0).await;
    let scene = scene_of(stage, Incident::BytesChanged, "outbox-relay");
    typed.confirm(&scene, &stage.database).await;
    flip(stage).await;
    stage.until("it is paid", PAID, 2).await;
    typed.mend(&scene, &stage.database).await;
}

async fn erased(stage: &mut Stage, typed: &mut Typed) {
    homeward(stage, 3).await;
    let erase = "UPDATE subject_keys SET wrapped = NULL, destroyed_at = now()";
    stage.database.run(erase).await;
    start(stage, "outbox-relay").await;
    let relay = stage.fleet.member("outbox-relay").expect("it runs");
    until_counted(relay, "orderflow_publishes_total", "erased", 1.0).await;
    eventually(BOUND, "it is let go", async || {
        let left = stage.database.number(HOMEWARD).await;
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
    let scene = scene_of(stage, Incident::KeyDestroyed, "outbox-relay");
    typed.confirm(&scene, &stage.database).await;
    typed.mend(&scene, &stage.database).await;
}
