//! One bad message never fails, delays or hides its neighbours.

use broker::{Properties, Publication};
use contracts::{EventKind, STRUCTURED_CONTENT_TYPE};
use system_tests::{Stage, StageOptions, open_order};
use testkit::shop::{attempt_id, captured, order_id};

fn raw(stage: &Stage, id: &str, content_type: Option<&str>, body: &[u8]) -> Publication {
    let properties = Properties {
        message_id: Some(id.to_owned()),
        content_type: content_type.map(str::to_owned),
        ..Properties::default()
    };
    let key = EventKind::OrderCreated.name();
    Publication::new(stage.names.inbound(), key, properties, body.to_vec())
}

#[tokio::test]
async fn case_040_and_041_each_bad_message_is_one_dead_letter_among_good_ones() {
    let stage = Stage::start(StageOptions::everyone()).await;
    let structured = Some(STRUCTURED_CONTENT_TYPE);
    let test_mode = open_order(900).with("livemode", false);
    let wrong_major = open_order(901).attribute("type", "shop.order.created.v9".into());
    let oversized = vec![b' '; 65 * 1024];
    stage
        .publish_raw(vec![
            raw(&stage, "p-1", structured, b"not json"),
            raw(&stage, "p-2", structured, b"{}"),
            raw(&stage, "p-3", Some("text/plain"), b"{}"),
            raw(&stage, "p-4", structured, &oversized),
            raw(&stage, "p-5", structured, &test_mode.body()),
            raw(&stage, "p-6", structured, &wrong_major.body()),
        ])
        .await;
    let good: Vec<_> = (0..50).map(open_order).collect();
    stage.publish(&good).await;
    stage.until("the good ones are applied", "SELECT count(*) FROM orders", 50).await;
    stage.until("the bad ones are parked", "SELECT count(*) FROM dead_letters", 6).await;
    let codes = "SELECT error_code FROM dead_letters ORDER BY error_code COLLATE \"C\"";
    assert_eq!(
        stage.database.texts(codes).await,
        [
            "body-too-large",
            "malformed-json",
            "missing-field",
            "mode-mismatch",
            "unknown-content-type",
            "unsupported-major"
        ]
    );
    assert_eq!(stage.database.number("SELECT max(attempts)::bigint FROM dead_letters").await, 1);
    stage.finish().await;
}

#[tokio::test]
async fn case_027_the_same_id_with_another_body_is_quarantined_and_the_first_wins() {
    let stage = Stage::start(StageOptions::everyone()).await;
    let first = open_order(1).id("e-1");
    let second = open_order(1).id("e-1").with("merchant_id", "m-2");
    stage.publish(&[first]).await;
    stage.until("the first is applied", "SELECT count(*) FROM orders", 1).await;
    stage.publish(&[second]).await;
    stage
        .until(
            "the second is parked",
            "SELECT count(*) FROM dead_letters WHERE error_code = 'id-reuse'",
            1,
        )
        .await;
    assert_eq!(stage.database.texts("SELECT merchant_id FROM orders").await, ["m-1"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_message_that_panics_its_rules_is_tried_again_and_then_parked_alone() {
    let options = StageOptions::everyone().with("ORDERFLOW_FAILPOINTS", "panic:bad-apple");
    let stage = Stage::start(options).await;
    let mut events: Vec<_> = (0..50).map(open_order).collect();
    events.insert(25, open_order(999).id("bad-apple"));
    stage.publish(&events).await;
    stage.until("its neighbours are applied", "SELECT count(*) FROM orders", 50).await;
    stage
        .until(
            "it is parked after three tries",
            "SELECT count(*) FROM dead_letters WHERE error_code = 'panic' AND attempts = 3
             AND last_failed_at - first_failed_at >= interval '2 seconds'",
            1,
        )
        .await;
    assert_eq!(stage.database.number("SELECT count(*) FROM dead_letters").await, 1);
    stage.finish().await;
}

#[tokio::test]
async fn a_message_that_no_queue_wants_is_parked_too() {
    let stage = Stage::start(StageOptions::everyone()).await;
    let mut lost = raw(&stage, "lost-1", Some(STRUCTURED_CONTENT_TYPE), b"{}");
    lost.routing_key = "order.teleported".to_owned();
    stage.publish_raw(vec![lost]).await;
    stage
        .until(
            "it is parked",
            "SELECT count(*) FROM dead_letters WHERE error_code = 'unroutable'",
            1,
        )
        .await;
    stage.finish().await;
}

#[tokio::test]
async fn case_029_a_contradicting_report_is_parked_with_its_evidence() {
    let stage = Stage::start(StageOptions::everyone()).await;
    let (order, attempt) = (order_id(1), attempt_id(1));
    stage.publish(&[open_order(1), captured(order, attempt, 10_000)]).await;
    stage.until("the order is paid", "SELECT count(*) FROM orders WHERE status = 'paid'", 1).await;
    stage.publish(&[captured(order, attempt, 9_000)]).await;
    stage
        .until(
            "it is parked",
            "SELECT count(*) FROM dead_letters WHERE error_code = 'fact-conflict'",
            1,
        )
        .await;
    assert_eq!(stage.order_status().await, "paid");
    stage.finish().await;
}
