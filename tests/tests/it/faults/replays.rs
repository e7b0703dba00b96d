//! A server is killed and started again in the middle of a replay.

use system_tests::{Server, Servers, Stage, StageOptions, dead_letter, open_order, replay_call};
use testkit::eventually;
use testkit::shop::ShopEvent;
use tokio::time::Instant;

use super::{BOUND, publish, until_green, until_red};

/// Letters of the replay; at its rate it lasts six seconds when nothing happens.
const LETTERS: u32 = 120;

/// Everybody who takes part.
const EVERYONE: [&str; 3] = ["dead-letter-parker", "order-created", "outbox-relay"];

/// What a letter holds; every tenth contradicts the one before it, and fails again.
fn event(number: u32) -> ShopEvent {
    if number % 10 == 9 {
        open_order(number).id(&format!("e-{}", number - 1)).with("merchant_id", "m-2")
    } else {
        open_order(number).id(&format!("e-{number}"))
    }
}

/// A replay of which a part is done and a part is not.
async fn half_way(servers: &Servers) -> Stage {
    let stage = Stage::start(StageOptions::of(&EVERYONE).on(servers)).await;
    let letter = |number| dead_letter(&stage.names, "order-created", &event(number));
    stage.publish_raw((0..LETTERS).map(letter).collect()).await;
    let parked = "SELECT count(*) FROM dead_letters WHERE status = 'parked'";
    stage.until("they are parked", parked, i64::from(LETTERS)).await;
    stage.database.number(&replay_call(20, 10, 0, 1000)).await;
    eventually(BOUND, "a part of it is replayed", async || {
        let done = "SELECT count(*) FROM dead_letters WHERE status = 'resolved'";
        let done = stage.database.number(done).await;
        if done >= 10 { Ok(()) } else { Err(done) }
    })
    .await;
    let waiting = "SELECT count(*) FROM replay_items WHERE state = 'claimed'";
    assert!(stage.database.number(waiting).await > 0, "it is over before anything happened");
    stage
}

/// Kills a server in the middle of a replay and starts it again: the rest follows of itself.
async fn killed(server: Server, why: &str) {
    let mut servers = Servers::alone().await;
    let mut stage = half_way(&servers).await;
    servers.kill(server);
    until_red(&mut stage, &EVERYONE, why).await;
    servers.start_again().await;
    let healed = Instant::now();
    publish(&mut stage, &[open_order(LETTERS)]).await;
    until_green(&mut stage, healed, &format!("the killed {why} answered")).await;
    let done = "SELECT count(*) FROM replay_batches WHERE state = 'done'";
    stage.until("the replay goes on to its end by itself", done, 1).await;
    in_one_state(&stage).await;
    stage.finish().await;
}

/// Each message was replayed once, and is applied or parked again; none is anywhere else.
async fn in_one_state(stage: &Stage) {
    let failed = LETTERS / 10;
    let fates = "SELECT concat_ws(' ', count(*), letter.status, item.state)
         FROM dead_letters AS letter LEFT JOIN replay_items AS item ON item.letter_id = letter.id
         GROUP BY letter.status, item.state ORDER BY letter.status, item.state";
    let expected =
        [format!("{failed} parked reparked"), format!("{} resolved resolved", LETTERS - failed)];
    assert_eq!(stage.database.texts(fates).await, expected);
    let orders = i64::from(LETTERS - failed + 1);
    stage.until("each is applied once", "SELECT count(*) FROM orders", orders).await;
    let raw = "SELECT count(*) FROM dead_letters_raw";
    assert_eq!(stage.database.number(raw).await, 0);
    let broken = "SELECT count(*) FROM audit_verify() WHERE broken_id IS NOT NULL";
    assert_eq!(stage.database.number(broken).await, 0);
    for queue in ["order-created", "order-created.dead"] {
        let queue = format!("{}.{queue}", stage.names.prefix());
        eventually(BOUND, "nothing is left in the queues", async || {
            let ready = stage.ready(&queue).await;
            if ready == 0 { Ok(()) } else { Err(ready) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_broker_killed_during_a_replay_leaves_every_message_in_exactly_one_state() {
    killed(Server::Broker, "broker").await;
}

#[tokio::test]
async fn a_database_killed_during_a_replay_leaves_every_message_in_exactly_one_state() {
    killed(Server::Database, "database").await;
}
