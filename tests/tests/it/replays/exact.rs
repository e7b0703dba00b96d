//! What is sent again is what was sent first, byte for byte and type for type.

use broker::Settled;
use runtime::headers;
use system_tests::{
    Stage, StageOptions, dead_letter, difference, odd_dead_letter, open_order, replay_call,
};

use super::start;

#[tokio::test]
async fn a_replayed_message_is_the_original_with_a_fresh_budget_and_a_new_trace() {
    let stage = Stage::start(StageOptions::of(&["dead-letter-parker"])).await;
    let mut original = odd_dead_letter(&stage.names, "order-created", &open_order(1));
    original.properties.headers.insert(headers::REPLAY_ID, 99_i64);
    stage.publish_raw(vec![original.clone()]).await;
    stage.until("it is parked", "SELECT count(*) FROM dead_letters", 1).await;
    start(&stage, &replay_call(100, 10, 0, 100)).await;
    let sent = "SELECT count(*) FROM replay_items WHERE state = 'sent'";
    stage.until("it is sent again", sent, 1).await;

    let queue = stage.names.work_queue("order-created");
    let mut consumer = stage.consumer(&queue).await;
    let replayed = consumer.next().await.expect("it is sent again");
    let settled = consumer.settler().ack(replayed.tag).await.expect("the broker answers");
    assert_ne!(settled, Settled::Stale);
    assert_eq!(replayed.exchange, stage.names.return_exchange());
    assert_eq!(replayed.properties.headers.get(headers::REPLAY_ID), Some(&1_i64.into()));
    assert_eq!(difference(&replayed, &original), None);
    stage.finish().await;
}

#[tokio::test]
async fn what_breaks_the_contract_is_not_sent_again() {
    let stage = Stage::start(StageOptions::of(&["dead-letter-parker"])).await;
    let good = dead_letter(&stage.names, "order-created", &open_order(1));
    let mut bad = dead_letter(&stage.names, "order-created", &open_order(2));
    bad.body = b"{}".to_vec();
    let mut lost = dead_letter(&stage.names, "order-created", &open_order(3));
    lost.properties.headers.insert(headers::QUEUE, "orderflow.nobody");
    stage.publish_raw(vec![good, bad, lost]).await;
    stage.until("they are parked", "SELECT count(*) FROM dead_letters", 3).await;
    start(&stage, &replay_call(100, 10, 0, 100)).await;
    let skipped = "SELECT count(*) FROM replay_items WHERE state = 'skipped'";
    stage.until("two are skipped", skipped, 2).await;
    let codes = "SELECT concat_ws(' ', code, letter.status, letter.replays) FROM replay_items
         INNER JOIN dead_letters AS letter ON letter.id = letter_id
         WHERE state = 'skipped' ORDER BY code";
    let expected = ["invalid parked 0", "no-worker parked 0"];
    assert_eq!(stage.database.texts(codes).await, expected);
    stage
        .until("the good one is sent", "SELECT count(*) FROM replay_items WHERE state = 'sent'", 1)
        .await;
    stage.finish().await;
}
