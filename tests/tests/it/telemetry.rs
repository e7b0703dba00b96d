//! What workers say of their work: in numbers, in logs, and along a trace.

use std::collections::BTreeSet;
use std::fs;

use broker::{Properties, Publication};
use contracts::{EventKind, STRUCTURED_CONTENT_TYPE};
use serde_json::{Value, json};
use system_tests::{Stage, StageOptions, open_order, short_order};
use telemetry::catalogue;
use testkit::shop::{ShopEvent, attempt_id, captured, order_id, refund_requested};

/// Most series that one process may have, whatever it meets.
const MOST_SERIES: usize = 1500;

/// A trace, and what its systems add.
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const STATE: &str = "shop=t61rcWkgMzE";

fn message(stage: &Stage, event: &ShopEvent) -> Publication {
    let properties = Properties {
        message_id: event.json()["id"].as_str().map(str::to_owned),
        content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
        ..Properties::default()
    };
    Publication::new(stage.names.inbound(), event.kind().name(), properties, event.body())
}

/// Every series of a process, without its value.
async fn series(member: &mut fleet::Member) -> BTreeSet<String> {
    let (status, page) = member.page("metrics").await.expect("a worker serves its metrics");
    assert_eq!(status, 200);
    let series = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    series.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
}

async fn all_series(stage: &mut Stage) -> Vec<(&'static str, BTreeSet<String>)> {
    let mut all = Vec::new();
    for member in stage.fleet.members() {
        all.push((member.binary(), series(member).await));
    }
    all
}

fn log_lines(stage: &mut Stage) -> Vec<Value> {
    let logs = logs(stage);
    logs.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn logs(stage: &mut Stage) -> String {
    let members = stage.fleet.members().iter();
    members.map(|it| fs::read_to_string(it.log()).expect("a worker has a log")).collect()
}

/// Good and bad, early and repeated: a bit of everything.
async fn let_things_happen(stage: &Stage) {
    let good: Vec<_> = (0..20).map(open_order).collect();
    stage.publish(&[captured(order_id(1), attempt_id(1), 10_000)]).await;
    stage.until("it waits", "SELECT count(*) FROM inbox WHERE outcome = 'parked'", 1).await;
    stage.publish(&good).await;
    stage.publish(&good[..2]).await;
    stage.publish(&[open_order(3).with("merchant_id", "m-2").id("other")]).await;
    stage.publish(&[open_order(900).with("total", "nothing")]).await;
    stage.publish(&[open_order(901).id("bad-apple")]).await;
    stage.publish(&[refund_requested(order_id(1), "r-1", 1_000)]).await;
    let mut lost = message(stage, &open_order(902));
    "order.teleported".clone_into(&mut lost.routing_key);
    stage.publish_raw(vec![lost]).await;
    stage.until("all bad ones are parked", "SELECT count(*) FROM dead_letters", 4).await;
    stage.until("a refund is decided", "SELECT count(*) FROM refunds", 1).await;
    // Nobody listens to commands here: what has to reach a queue waits.
    let unsent = "SELECT count(*) FROM outbox WHERE sent_at IS NULL AND NOT must_route";
    stage.until("all announcements are sent", unsent, 0).await;
}

#[tokio::test]
async fn every_series_is_there_from_the_start_and_they_are_few() {
    let options = StageOptions::everyone().with("ORDERFLOW_FAILPOINTS", "panic:bad-apple");
    let mut stage = Stage::start(options).await;
    let before = all_series(&mut stage).await;
    let_things_happen(&stage).await;
    let after = all_series(&mut stage).await;
    for ((binary, before), (_, after)) in before.iter().zip(&after) {
        assert!(after.len() <= MOST_SERIES, "{binary} has {} series", after.len());
        println!("{binary}: {} series", after.len());
        let late: Vec<_> = after.difference(before).collect();
        assert!(late.is_empty(), "{binary} had no series for these: {late:?}");
        for metric in catalogue::OF_PROCESS {
            assert!(after.contains(metric.name), "{binary} lacks {}", metric.name);
        }
    }
    let all: BTreeSet<_> = after.iter().flat_map(|(_, series)| series).collect();
    for metric in catalogue::ALL {
        // Those of looks at the whole database are written by who looks.
        let of_check = ["orderflow_invariant_", "orderflow_verify_", "orderflow_merchant"]
            .iter()
            .any(|prefix| metric.name.starts_with(prefix));
        let is_there = all.iter().any(|series| series.starts_with(metric.name));
        assert!(is_there || of_check, "no process has {}", metric.name);
    }
    stage.finish().await;
}

#[tokio::test]
async fn every_failure_is_logged_with_its_event_order_code_and_trace() {
    let options = StageOptions::everyone().with("ORDERFLOW_FAILPOINTS", "panic:bad-apple");
    let mut stage = Stage::start(options).await;
    let event = open_order(7).id("bad-apple").attribute("traceparent", PARENT.into());
    stage.publish(&[event]).await;
    stage.until("it is parked", "SELECT count(*) FROM dead_letters", 1).await;
    let lines = log_lines(&mut stage);
    let messages = ["message failed", "message will be tried again", "message dead-lettered"];
    for (message, times) in messages.into_iter().zip([3, 2, 1]) {
        let lines: Vec<_> = lines.iter().filter(|line| line["message"] == message).collect();
        assert_eq!(lines.len(), times, "{message}");
        for line in lines {
            assert_eq!(line["event_id"], "bad-apple", "{line}");
            assert_eq!(line["event_type"], "order.created", "{line}");
            assert_eq!(line["order_id"], order_id(7).to_string(), "{line}");
            assert_eq!(line["error.code"], "panic", "{line}");
            assert_eq!(line["trace_id"], TRACE_ID, "{line}");
        }
    }
    stage.finish().await;
}

/// The traces of our messages of one kind.
async fn traces(stage: &Stage, routing_key: &str) -> Vec<String> {
    let sql = format!(
        "SELECT concat(data ->> 'traceparent', ' ', data ->> 'tracestate') FROM (
             SELECT convert_from(body, 'utf8')::json AS data FROM outbox
             WHERE routing_key = '{routing_key}' AND exchange = 'events'
         ) AS messages"
    );
    stage.database.texts(&sql).await
}

#[tokio::test]
async fn a_trace_goes_on_through_waiting_timers_and_outgoing_messages() {
    let stage = Stage::start(StageOptions::everyone()).await;
    let expected = [format!("{PARENT} {STATE}")];

    // By attributes of the event, through a timer that fires.
    let order = short_order(1, 3).attribute("traceparent", PARENT.into());
    stage.publish(&[order.attribute("tracestate", STATE.into())]).await;
    stage.until("it expires", "SELECT count(*) FROM orders WHERE status = 'expired'", 1).await;
    assert_eq!(traces(&stage, "order.expired").await, expected);

    // By headers of the message, through the wait for its order.
    let mut early = message(&stage, &captured(order_id(2), attempt_id(2), 10_000));
    early.properties.headers.insert("traceparent", PARENT);
    early.properties.headers.insert("tracestate", STATE);
    stage.publish_raw(vec![early]).await;
    stage.until("it waits", "SELECT count(*) FROM inbox WHERE outcome = 'parked'", 1).await;
    stage.publish(&[open_order(2)]).await;
    stage.until("it is paid", "SELECT count(*) FROM orders WHERE status = 'paid'", 1).await;
    assert_eq!(traces(&stage, "order.paid").await, expected);
    stage.finish().await;
}

/// A value that nothing else contains, in every place where a person's data may stand.
const MARK: &str = "zq7mark";

fn marked(number: u32) -> ShopEvent {
    let line = json!([{
        "sku": format!("sku-{MARK}"), "qty": 2,
        "unit": {"amount_minor": 5_000, "currency": "EUR"},
    }]);
    open_order(number)
        .with("customer_ref", format!("c-{MARK}"))
        .with("reservation_id", format!("r-{MARK}"))
        .with("note", format!("for {MARK}"))
        .with("lines", line)
}

#[tokio::test]
async fn no_log_holds_personal_data_bodies_or_secrets() {
    let options = StageOptions::everyone()
        .with("ORDERFLOW_LOG", "debug,lapin=off")
        .with("ORDERFLOW_FAILPOINTS", "panic:bad-apple");
    let mut stage = Stage::start(options).await;
    let mut with_header = message(&stage, &marked(1));
    with_header.properties.headers.insert("x-note", format!("for {MARK}"));
    with_header.properties.app_id = Some(MARK.to_owned());
    let raw = |body: String| {
        let properties = Properties {
            content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
            message_id: Some("raw".to_owned()),
            ..Properties::default()
        };
        let key = EventKind::OrderCreated.name();
        Publication::new(stage.names.inbound(), key, properties, body.into_bytes())
    };
    let broken = [raw(format!("{{\"note\": \"{MARK}")), raw(format!("\"{MARK}\""))];
    stage.publish_raw([vec![with_header], broken.into()].concat()).await;
    stage
        .publish(&[
            marked(2).id("bad-apple"),
            marked(3).with("merchant_id", format!("m {MARK}\u{7}")),
            marked(4).with("payment_method_hint", MARK),
            marked(5).with("total", json!({"amount_minor": MARK, "currency": MARK})),
            marked(1).with("merchant_id", format!("m-{MARK}")).id("another"),
        ])
        .await;
    stage.until("the bad ones are parked", "SELECT count(*) FROM dead_letters", 6).await;
    // A method that nobody knows is no mistake.
    stage.until("the good ones are applied", "SELECT count(*) FROM orders", 2).await;
    let secrets = [stage.database.url().to_owned(), testkit::endpoints().amqp_url];
    let password = |url: &String| url.split(['@', '/', ':']).nth(4).unwrap_or_default().to_owned();
    let logs = logs(&mut stage);
    assert!(logs.contains("event decided"), "the log says what happens");
    for secret in secrets.iter().map(password).chain([MARK.to_owned()]) {
        assert!(secret.len() >= 7, "{secret} would be found by chance");
        let line = logs.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "a log holds what it may not");
    }
    stage.finish().await;
}
