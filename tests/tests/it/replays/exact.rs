//! What is sent again is what was sent first, byte for byte and type for type.

use broker::{Delivery, HeaderValue, Headers, Settled};
use runtime::headers;
use system_tests::{Stage, StageOptions, dead_letter, open_order, replay_call};

use super::start;

/// Headers of every type that a shop may send.
fn shop_headers() -> Vec<(String, HeaderValue)> {
    let nested = Headers::from_iter([("n".to_owned(), HeaderValue::I16(-7))]);
    [
        ("h-bool", HeaderValue::Bool(true)),
        ("h-u8", HeaderValue::U8(200)),
        ("h-i64", HeaderValue::I64(i64::MIN)),
        ("h-f64", HeaderValue::F64(0.1)),
        ("h-decimal", HeaderValue::Decimal { scale: 2, value: 1999 }),
        ("h-text", HeaderValue::Text("né".to_owned())),
        ("h-raw", HeaderValue::RawText(vec![0xff, 0xfe])),
        ("h-bytes", HeaderValue::Bytes(vec![0, 1, 2])),
        ("h-time", HeaderValue::Timestamp(1_700_000_000)),
        ("h-list", HeaderValue::List(vec![HeaderValue::Void, HeaderValue::I8(1)])),
        ("h-table", HeaderValue::Table(nested)),
        ("traceparent", HeaderValue::Text(TRACE.to_owned())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn a_replayed_message_is_the_original_with_a_fresh_budget_and_a_new_trace() {
    let stage = Stage::start(StageOptions::of(&["dead-letter-parker"])).await;
    let mut original = dead_letter(&stage.names, "order-created", &open_order(1));
    // Valid, but not as we would write it: nothing of it may be put in order.
    let spaced = String::from_utf8(original.body).expect("events are text");
    let spaced = spaced.replace("\":", "\" :\t");
    original.body = spaced.into_bytes();
    original.properties.correlation_id = Some("c-1".to_owned());
    original.properties.app_id = Some("shop".to_owned());
    original.properties.timestamp = Some(1_700_000_000);
    for (name, value) in shop_headers() {
        original.properties.headers.insert(name, value);
    }
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
    assert_eq!(replayed.body, original.body);
    assert_eq!(replayed.exchange, stage.names.return_exchange());
    check_properties(replayed, original.properties);
    stage.finish().await;
}

fn check_properties(replayed: Delivery, original: broker::Properties) {
    let mut found = replayed.properties;
    let trace = found.headers.remove("traceparent").expect("a trace begins");
    assert_ne!(trace, HeaderValue::from(TRACE));
    let linked = found.headers.remove(headers::REPLAYED_TRACE);
    assert_eq!(linked, Some(HeaderValue::from(TRACE)));
    assert_eq!(found.headers.remove(headers::REPLAY_ID), Some(1_i64.into()));
    assert_eq!(found.headers.remove(headers::REPLAY_COUNT), Some(1_i64.into()));
    let mut expected = original;
    expected.headers =
        shop_headers().into_iter().filter(|(name, _)| name != "traceparent").collect();
    assert_eq!(found, expected);
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
