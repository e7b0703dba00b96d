//! No card number and no security code is stored, logged or passed on, whatever way it came.

use std::fs;

use broker::{Consumer, Delivery, Properties, Publication, Settled};
use contracts::{EventKind, STRUCTURED_CONTENT_TYPE};
use serde_json::{Value, json};
use system_tests::{Stage, StageOptions, open_order};
use testkit::TestDatabase;

/// A published test number; its middle occurs nowhere else.
const CARD: &str = "4012888888881881";
/// What gives more of it away than its first six and last four digits.
const GIVEAWAYS: [&str; 4] = ["4012888", "8888888", "8888 8888", "0038\\u0038"];
/// A code that nothing else contains in quotation marks.
const CODE: &str = "\"8737\"";

fn event(number: u32, field: &str, value: Value) -> Vec<u8> {
    open_order(number).with(field, value).body()
}

fn message(stage: &Stage, id: &str, body: Vec<u8>) -> Publication {
    let properties = Properties {
        message_id: Some(id.to_owned()),
        content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
        ..Properties::default()
    };
    let key = EventKind::OrderCreated.name();
    Publication::new(stage.names.inbound(), key, properties, body)
}

/// Every way to send it to a worker.
fn dirty(stage: &Stage) -> Vec<Publication> {
    let send = |id: &str, body: Vec<u8>| message(stage, id, body);
    let clean = |number| open_order(number).body();
    let in_groups = "paid with 4012 8888 8888 1881";
    let escaped = String::from_utf8(event(902, "note", json!("NUMBER"))).expect("JSON is text");
    let digits = CARD.chars().map(|digit| format!("\\u{:04x}", u32::from(digit)));
    let escaped = escaped.replace("NUMBER", &digits.collect::<String>());
    let mut header = send("in-header", clean(908));
    header.properties.headers.insert("x-note", in_groups);
    let mut integer = send("in-integer-header", clean(909));
    integer.properties.headers.insert("x-note", CARD.parse::<i64>().expect("digits"));
    let mut text = send("in-text", in_groups.into());
    text.properties.content_type = Some("text/plain".to_owned());
    let mut correlation = send("in-correlation-id", clean(910));
    correlation.properties.correlation_id = Some(CARD.to_owned());
    let oversized = format!("{in_groups}{}", " ".repeat(70_000));
    vec![
        send("in-value", event(900, "note", json!(in_groups))),
        send("in-number", event(901, "note", json!(CARD.parse::<u64>().expect("digits")))),
        send("in-escapes", escaped.into_bytes()),
        send("in-key", event(903, "extra", json!({ CARD: true }))),
        send("in-broken-json", format!("{{\"note\": {CARD}").into_bytes()),
        send("in-oversized", oversized.into_bytes()),
        send("in-code", event(904, "card", json!({"cvc": "8737"}))),
        send(CARD, clean(905)),
        header,
        integer,
        text,
        correlation,
    ]
}

fn assert_clean(what: &str, text: &str) {
    for giveaway in GIVEAWAYS.into_iter().chain([CODE]) {
        let hex = giveaway.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        assert!(!text.contains(giveaway) && !text.contains(&hex), "{what} holds {giveaway}");
    }
}

/// Looks at what waits in a queue, and puts it back.
async fn look(mut consumer: Consumer, count: usize) -> Vec<Delivery> {
    let mut found = Vec::new();
    while found.len() < count {
        found.push(consumer.next().await.expect("the queue can be consumed"));
    }
    consumer.cancel().await.expect("the broker takes the wish");
    for delivery in &found {
        let settled = consumer.settler().requeue(delivery.tag).await;
        assert_eq!(settled.expect("the broker takes it back"), Settled::Done);
    }
    found
}

/// Every row of every table, as text; bytes are in hex.
async fn rows(database: &TestDatabase) -> String {
    let tables = "SELECT format('%I.%I', table_schema, table_name)
                  FROM information_schema.tables
                  WHERE table_type = 'BASE TABLE'
                  AND table_schema NOT IN ('pg_catalog', 'information_schema')";
    let mut all = String::new();
    for table in database.texts(tables).await {
        let rows = format!("SELECT coalesce(string_agg(row::text, ' '), '') FROM {table} AS row");
        all += &database.texts(&rows).await.concat();
    }
    all
}

fn logs(stage: &mut Stage) -> String {
    let members = stage.fleet.members().iter();
    members.map(|it| fs::read_to_string(it.log()).expect("a worker has a log")).collect()
}

#[tokio::test]
async fn card_data_leaves_only_what_may_be_kept_of_it() {
    let options = StageOptions::of(&["order-created"]).with("ORDERFLOW_LOG", "debug,lapin=off");
    let mut stage = Stage::start(options.clone()).await;
    let dirty = dirty(&stage);
    let count = dirty.len();
    stage.publish_raw(dirty).await;
    let good: Vec<_> = (0..20).map(open_order).collect();
    stage.publish(&good).await;
    stage.until("the good ones are applied", "SELECT count(*) FROM orders", 20).await;

    let dead = stage.names.dead_queue("order-created");
    for letter in look(stage.consumer(&dead).await, count).await {
        let body = String::from_utf8(letter.body.clone()).expect("the stand-in is JSON");
        assert_clean(
            "the dead queue",
            &format!("{:?} {} {body}", letter.properties, letter.routing_key),
        );
        let stand_in: Value = serde_json::from_str(&body).expect("the stand-in is JSON");
        assert_eq!(stand_in["sha256"].as_str().map(str::len), Some(64), "{body}");
        if stand_in["withheld"] == "card-number" {
            assert_eq!(
                (&stand_in["first_six"], &stand_in["last_four"]),
                (&json!("401288"), &json!("1881"))
            );
        }
    }

    // What the broker dead-letters by itself has not been through any worker's door.
    let mut lost = message(&stage, "unroutable", event(950, "note", json!(CARD)));
    lost.routing_key = format!("order.{CARD}");
    let mut poison = message(&stage, "poison", event(951, "note", json!(CARD)));
    (poison.exchange, poison.routing_key) = (String::new(), dead);
    stage.publish_raw(vec![lost, poison]).await;
    stage.fleet.spawn("dead-letter-parker").expect("the binary is built");
    let all = i64::try_from(count + 2).expect("a few");
    stage.until("all of them are parked", "SELECT count(*) FROM dead_letters", all).await;
    let codes = "SELECT DISTINCT error_class || ' ' || error_code FROM dead_letters ORDER BY 1";
    let codes = stage.database.texts(codes).await;
    assert_eq!(codes, ["contract card-number", "contract security-code"]);
    assert_clean("the database", &rows(&stage.database).await);
    assert_clean("a log", &logs(&mut stage));
    stage.finish().await;
}
