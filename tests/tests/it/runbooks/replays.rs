//! Dead letters that are given up by the broker, grow old, fit no row, or are replayed in vain.

use std::path::Path;
use std::time::Duration;

use broker::Publication;
use system_tests::{Stage, StageOptions, dead_letter, open_order, surroundings_of, typed};
use testkit::eventually;
use testkit::shop::ShopEvent;
use tokio::time::timeout;

use super::BOUND;
use super::script::{Typed, in_place};
use super::surroundings::Scene;
use super::table::Incident;

const LETTERS: &str = "SELECT count(*) FROM dead_letters";
const PARKED: &str = "SELECT count(*) FROM dead_letters WHERE status = 'parked'";

#[tokio::test]
async fn letters_are_replayed_or_put_aside_as_their_pages_say() {
    let options = StageOptions::of(&["dead-letter-parker", "outbox-relay"])
        .with("ORDERFLOW_FAILPOINTS", "panic:bad-apple")
        .with("ORDERFLOW_RETRY_BASE", "100ms");
    let mut stage = Stage::start(options).await;
    let mut typed = Typed::new();
    broker_gives_up(&mut stage, &mut typed).await;
    raw(&mut stage, &mut typed).await;
    old(&stage, &mut typed).await;
    queue_gone(&mut stage, &mut typed).await;
    fails_again(&mut stage, &mut typed).await;
    typed.end();
    stage.finish().await;
}

fn scene_of(stage: &Stage, incident: Incident) -> Scene {
    in_place(incident, surroundings_of(stage))
}

fn letter(stage: &Stage, event: &ShopEvent) -> Publication {
    dead_letter(&stage.names, "order-created", event)
}

/// Takes a message and lets go of it without a word, until the broker has enough of that.
async fn broker_gives_up(stage: &mut Stage, typed: &mut Typed) {
    let queue = stage.names.work_queue("order-created");
    stage.publish(&[open_order(1)]).await;
    while stage.database.number(LETTERS).await == 0 {
        let mut consumer = stage.consumer(&queue).await;
        // Once it is on its way to the dead queue, nothing comes.
        if let Ok(taken) = timeout(Duration::from_millis(500), consumer.next()).await {
            taken.expect("the broker hands it over");
        }
    }
    let scene = scene_of(stage, Incident::BrokerGivesUp);
    typed.confirm(&scene, &stage.database).await;
    stage.fleet.spawn("order-created").expect("the binary is built");
    stage.fleet.wait_until_ready(BOUND).await.expect("it becomes ready");
    typed.mend(&scene, &stage.database).await;
}

/// A letter that the database refuses as a row.
async fn raw(stage: &mut Stage, typed: &mut Typed) {
    let refuse = "
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE check_violation;
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON dead_letters FOR EACH ROW
            EXECUTE FUNCTION refuse()";
    stage.database.run(refuse).await;
    stage.publish_raw(vec![letter(stage, &open_order(2))]).await;
    stage.until("it is kept raw", "SELECT count(*) FROM dead_letters_raw", 1).await;
    let parker = stage.fleet.member("dead-letter-parker").expect("it runs");
    let (log, worker) = (parker.log().display().to_string(), parker.listens_at());
    let worker = worker.expect("it has started").to_string();
    let scene = scene_of(stage, Incident::RawLetters);
    let scene = Scene { worker: Some(worker), log: Some(log), ..scene };
    typed.confirm(&scene, &stage.database).await;
    stage.database.run("DROP TRIGGER refuse ON dead_letters").await;
    typed.mend(&scene, &stage.database).await;
}

/// A letter that failed first long before it came to the parker.
async fn old(stage: &Stage, typed: &mut Typed) {
    stage.publish_raw(vec![letter(stage, &open_order(3))]).await;
    stage.until("it is parked", PARKED, 1).await;
    let scene = scene_of(stage, Incident::OldLetter);
    typed.confirm(&scene, &stage.database).await;
    typed.mend(&scene, &stage.database).await;
}

/// Starts a replay of what is parked, as somebody does at a shell.
fn replay(stage: &Stage) {
    let command = "orderctl dlq replay status=parked --reason 'the bug is fixed' --yes --detach";
    let (exit, said) = typed(command, &surroundings_of(stage), Path::new("."));
    assert_eq!(exit, Some(0), "{said}");
}

/// The queue of the letters is deleted while nobody consumes it.
async fn queue_gone(stage: &mut Stage, typed: &mut Typed) {
    let mut worker = stage.fleet.take("order-created").expect("it runs");
    worker.terminate();
    worker.wait_until_gone(BOUND).await.expect("it stops in order");
    // A replay into a queue that is not there is refused: it goes while the replay is under way.
    stage.fleet.member("dead-letter-parker").expect("it runs").pause();
    replay(stage);
    stage.delete_queue(&stage.names.work_queue("order-created")).await;
    stage.fleet.member("dead-letter-parker").expect("it runs").resume();
    let returned = "SELECT count(*) FROM replay_items WHERE state = 'returned'";
    stage.until("it reaches no queue", returned, 1).await;
    let scene = scene_of(stage, Incident::QueueGone);
    typed.confirm(&scene, &stage.database).await;
    typed.mend(&scene, &stage.database).await;
    stage.fleet.spawn("order-created").expect("the binary is built");
    stage.fleet.wait_until_ready(BOUND).await.expect("it becomes ready");
    stage.until("it is handled", PARKED, 0).await;
}

/// What is replayed panics as it did before.
async fn fails_again(stage: &mut Stage, typed: &mut Typed) {
    stage.publish_raw(vec![letter(stage, &open_order(4).id("bad-apple"))]).await;
    stage.until("it is parked", PARKED, 1).await;
    replay(stage);
    let again = "SELECT count(*) FROM replay_items WHERE state = 'reparked'";
    stage.until("it is parked again", again, 1).await;
    eventually(BOUND, "the replay is over", async || {
        let running = "SELECT count(*) FROM replay_batches WHERE state = 'running'";
        let running = stage.database.number(running).await;
        if running == 0 { Ok(()) } else { Err(running) }
    })
    .await;
    let scene = scene_of(stage, Incident::FailsAgain);
    typed.confirm(&scene, &stage.database).await;
    let mut worker = stage.fleet.take("order-created").expect("it runs");
    worker.terminate();
    worker.wait_until_gone(BOUND).await.expect("it stops in order");
    stage.fleet.set_for("order-created", "ORDERFLOW_FAILPOINTS", "");
    stage.fleet.spawn("order-created").expect("the binary is built");
    stage.fleet.wait_until_ready(BOUND).await.expect("it becomes ready");
    typed.mend(&scene, &stage.database).await;
}
