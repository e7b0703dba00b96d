//! A broker that is short of disk, and one whose counters nobody can scrape.

use std::path::Path;

use contracts::EventKind;
use system_tests::{Resource, Servers, Stage, StageOptions, garbage, surroundings, typed};
use testkit::eventually;

use super::BOUND;
use super::script::{Typed, in_place};
use super::surroundings::Scene;
use super::table::Incident;

/// Who has something to publish.
const WORKER: &str = "order-created";

#[tokio::test]
async fn a_broker_that_runs_short_of_disk_is_seen_and_mended_as_its_pages_say() {
    let mut servers = Servers::alone().await;
    let mut stage =
        Stage::start(StageOptions::of(&[WORKER, "dead-letter-parker"]).on(&servers)).await;
    let endpoints = servers.endpoints();
    let mut around = surroundings(&endpoints.amqp_url, stage.names.prefix(), stage.database.url());
    around.push(("ORDERFLOW_MANAGEMENT_URL", endpoints.management_url));
    let mut typed = Typed::new();
    let unwatched = in_place(Incident::Unwatched, around.clone());
    typed.confirm(&unwatched, &stage.database).await;
    filling(&mut servers, &stage, &in_place(Incident::DiskFilling, around.clone()), &mut typed)
        .await;
    blocked(&mut servers, &mut stage, in_place(Incident::BrokerBlocked, around), &mut typed).await;
    typed.end();
    stage.finish().await;
}

/// The broker tells what its nodes have left only every few seconds.
async fn until_seen(scene: &Scene, words: &str) {
    eventually(BOUND, &format!("the doctor says {words}"), async || {
        let (_, said) = typed("orderctl doctor", &scene.during, Path::new("."));
        if said.contains(words) { Ok(()) } else { Err(said) }
    })
    .await;
}

/// The disk has little more left than the broker wants to have.
async fn filling(servers: &mut Servers, stage: &Stage, scene: &Scene, typed: &mut Typed) {
    let free = servers.free_disk().await;
    servers.want_disk(free / 5 * 4).await;
    until_seen(scene, "and stops at").await;
    typed.confirm(scene, &stage.database).await;
    servers.heal().await;
    typed.mend(scene, &stage.database).await;
}

/// It has less than it wants to have, while a worker has a dead letter to publish.
async fn blocked(servers: &mut Servers, stage: &mut Stage, scene: Scene, typed: &mut Typed) {
    let mut worker = stage.fleet.take(WORKER).expect("it runs");
    worker.terminate();
    worker.wait_until_gone(BOUND).await.expect("it stops in order");
    stage.publish_raw(vec![garbage(&stage.names, EventKind::OrderCreated)]).await;
    servers.run_short_of(Resource::Disk).await;
    let worker = stage.fleet.spawn(WORKER).expect("the binary is built");
    eventually(BOUND, "the worker has to wait", async || {
        let page = worker.page("readyz").await;
        match page {
            Ok((_, said)) if said.contains("takes no messages") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let worker = Some(worker.listens_at().expect("it has started").to_string());
    let scene = Scene { worker, ..scene };
    until_seen(&scene, "short of disk").await;
    typed.confirm(&scene, &stage.database).await;
    servers.heal().await;
    stage.until("the letter is parked", "SELECT count(*) FROM dead_letters", 1).await;
    until_seen(&scene, "runs without an alarm").await;
    typed.mend(&scene, &stage.database).await;
}
