//! Broker and database go away in the middle of a replay, which then goes on by itself.

use std::time::Duration;

use fleet::{Link, Weather};
use system_tests::{Lines, Stage, StageOptions, dead_letter, open_order, replay_call};
use testkit::eventually;

use super::{fates, start};

const BOUND: Duration = Duration::from_mins(1);
/// Letters of the replay; at its rate it lasts six seconds when nothing happens.
const LETTERS: u32 = 120;

/// Everybody who takes part reaches what goes away by a line.
async fn half_way() -> Stage {
    let everyone = ["dead-letter-parker", "order-created", "outbox-relay"];
    let stage = Stage::start(StageOptions::of(&everyone).by_lines()).await;
    let letters =
        (0..LETTERS).map(|n| dead_letter(&stage.names, "order-created", &open_order(n))).collect();
    stage.publish_raw(letters).await;
    let parked = "SELECT count(*) FROM dead_letters WHERE status = 'parked'";
    stage.until("they are parked", parked, i64::from(LETTERS)).await;
    start(&stage, &replay_call(20, 10, 0, 1000)).await;
    eventually(BOUND, "a part of it is replayed", async || {
        let done = "SELECT count(*) FROM dead_letters WHERE status = 'resolved'";
        let done = stage.database.number(done).await;
        if done >= 10 { Ok(()) } else { Err(done) }
    })
    .await;
    let open = "SELECT count(*) FROM replay_items WHERE state IN ('claimed', 'sending', 'sent')";
    assert!(stage.database.number(open).await > 0, "it is over before anything happened");
    stage
}

/// Whoever replays says that it is away; then it is back, and the rest follows of itself.
async fn away_and_back(line: fn(&Lines) -> &Link, why: &str) {
    let mut stage = half_way().await;
    let set = |stage: &Stage, weather| {
        line(stage.lines.as_ref().expect("the stage has lines")).set(weather);
    };
    set(&stage, Weather::Cut);
    for binary in ["dead-letter-parker", "order-created"] {
        let member = stage.fleet.member(binary).expect("it runs");
        eventually(BOUND, "it notices", async || match member.page("readyz").await {
            Ok((503, text)) if text.contains(why) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    }
    let open = "SELECT count(*) FROM dead_letters WHERE status = 'claimed'";
    assert!(stage.database.number(open).await > 0, "the replay was over before the {why} went");
    set(&stage, Weather::Clear);
    let done = "SELECT count(*) FROM replay_batches WHERE state = 'done'";
    stage.until("the replay goes on to its end by itself", done, 1).await;
    assert_eq!(fates(&stage).await, [format!("{LETTERS} resolved resolved")]);
    let orders = "SELECT count(*) FROM orders";
    assert_eq!(stage.database.number(orders).await, i64::from(LETTERS));
    let items = "SELECT count(*) FROM replay_items";
    assert_eq!(stage.database.number(items).await, i64::from(LETTERS), "each has one item");
    let raw = "SELECT count(*) FROM dead_letters_raw";
    assert_eq!(stage.database.number(raw).await, 0);
    assert_eq!(stage.fleet.casualties(), Vec::<String>::new());
    stage.finish().await;
}

#[tokio::test]
async fn a_replay_goes_on_by_itself_once_the_broker_is_back() {
    away_and_back(|lines| &lines.broker, "broker").await;
}

#[tokio::test]
async fn a_replay_goes_on_by_itself_once_the_database_is_back() {
    away_and_back(|lines| &lines.database, "database").await;
}
