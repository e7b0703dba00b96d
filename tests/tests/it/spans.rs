//! Spans of sampled traces, at a collector that is there, that is away, or that says nothing.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use system_tests::{
    CollectedSpan, Collector, Stage, StageOptions, dead_letter, open_order, replay_call,
    short_order,
};
use testkit::eventually;
use testkit::shop::{ShopEvent, attempt_id, captured, order_id};
use testkit::tls::{Authority, Protocol, TlsDoor, Validity};

use crate::runbooks::closed_port;

/// How long anything may take before a test gives up.
const BOUND: Duration = Duration::from_mins(1);

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_SPAN: &str = "00f067aa0ba902b7";
const STATE: &str = "shop=t61rcWkgMzE";

fn traced(event: &ShopEvent, flags: &str) -> ShopEvent {
    let parent = format!("00-{TRACE}-{PARENT_SPAN}-{flags}");
    event.clone().attribute("traceparent", parent.into()).attribute("tracestate", STATE.into())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Workers that export to this address, soon.
fn exporting(endpoint: &str) -> StageOptions {
    StageOptions::everyone()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .with("OTEL_BSP_SCHEDULE_DELAY", "100")
}

/// Waits for so many spans about a message.
async fn spans_about(collector: &Collector, message_id: &str, count: usize) -> Vec<CollectedSpan> {
    let what = format!("{count} spans about {message_id}");
    eventually(BOUND, &what, async || {
        let spans = collector.about(message_id);
        if spans.len() == count { Ok(()) } else { Err(spans) }
    })
    .await;
    collector.about(message_id)
}

/// What every span of a trace of the shop has in common.
fn assert_goes_on(it: &CollectedSpan, kind: SpanKind) {
    assert_eq!(hex(&it.span.trace_id), TRACE);
    assert_eq!(hex(&it.span.parent_span_id), PARENT_SPAN);
    assert_ne!(hex(&it.span.span_id), PARENT_SPAN);
    assert_eq!(it.span.trace_state, STATE);
    assert_eq!(it.span.kind, kind as i32);
    assert!(it.span.start_time_unix_nano <= it.span.end_time_unix_nano);
}

fn with_texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_sampled_trace_goes_on_in_a_span_of_each_delivery_and_of_each_message_sent() {
    let collector = Collector::start().await;
    let options = exporting(&collector.url())
        .with("OTEL_EXPORTER_OTLP_HEADERS", "x-token=only-for-tests")
        .with("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
    let stage = Stage::start(options).await;
    let created = traced(&open_order(1), "01").id("created");
    stage.publish(&[created.clone(), traced(&open_order(2), "00").id("unsampled")]).await;
    stage.publish(&[open_order(3).id("untraced")]).await;
    let paid = traced(&captured(order_id(1), attempt_id(1), 10_000), "01").id("captured");
    stage.until("they are open", "SELECT count(*) FROM orders", 3).await;
    stage.publish(&[paid]).await;

    let spans = spans_about(&collector, "created", 1).await;
    assert_goes_on(&spans[0], SpanKind::Consumer);
    assert_eq!(spans[0].headers["x-token"], "only-for-tests");
    let queue = stage.names.work_queue("order-created");
    assert_eq!(spans[0].span.name, format!("process {queue}"));
    let destination = format!("{}:order.created:{queue}", stage.names.inbound());
    let order = order_id(1).to_string();
    let expected = with_texts(&[
        ("messaging.system", "rabbitmq"),
        ("messaging.operation.name", "process"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.name", &destination),
        ("messaging.rabbitmq.destination.routing_key", "order.created"),
        ("messaging.message.id", "created"),
        ("messaging.message.conversation_id", &order),
        ("messaging.message.body.size", &created.body().len().to_string()),
        ("event_type", "order.created"),
        ("order_id", &order),
        ("attempt", "1"),
        ("outcome", "applied"),
    ]);
    assert_eq!(spans[0].attributes, expected);
    let process = &spans[0].process;
    assert_eq!(process["service.name"], "order-created");
    assert_eq!(process["deployment.environment.name"], "test");

    let sent = "SELECT message_id::text FROM outbox WHERE routing_key = 'order.paid'";
    stage
        .until(
            "it is announced",
            "SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL AND routing_key = 'order.paid'",
            1,
        )
        .await;
    let sent = stage.database.texts(sent).await.concat();
    let spans = spans_about(&collector, &sent, 1).await;
    assert_goes_on(&spans[0], SpanKind::Producer);
    assert_eq!(spans[0].process["service.name"], "outbox-relay");
    assert_eq!(spans[0].attributes["messaging.operation.type"], "send");
    assert_eq!(spans[0].attributes["order_id"], order);
    assert_eq!(
        spans_about(&collector, "captured", 1).await[0].process["service.name"],
        "payment-attempted"
    );
    for message in ["unsampled", "untraced"] {
        assert_eq!(collector.about(message).len(), 0, "{message}");
    }
    stage.finish().await;
}

#[tokio::test]
async fn the_span_of_a_delivery_that_failed_says_with_what_code_and_what_became_of_it() {
    let collector = Collector::start().await;
    let options = exporting(&collector.url()).with("ORDERFLOW_FAILPOINTS", "panic:bad-apple");
    let stage = Stage::start(options).await;
    let no_order = traced(&open_order(2), "01").with("total", "nothing").id("no-order");
    stage.publish(&[traced(&open_order(1), "01").id("bad-apple"), no_order]).await;
    let mut spans = spans_about(&collector, "bad-apple", 3).await;
    spans.sort_by_key(|it| it.span.start_time_unix_nano);
    for (span, (attempt, outcome)) in
        spans.iter().zip([("1", "retried"), ("2", "retried"), ("3", "dead-lettered")])
    {
        assert_goes_on(span, SpanKind::Consumer);
        assert_eq!(span.attributes["attempt"], attempt);
        assert_eq!(span.attributes["outcome"], outcome);
        assert_eq!(span.attributes["error.type"], "panic");
        let status = span.span.status.as_ref().expect("a failure has a status");
        assert_eq!((status.code(), status.message.as_str()), (StatusCode::Error, "panic"));
    }
    stage.until("both are parked", "SELECT count(*) FROM dead_letters", 2).await;
    stage.finish().await;
}

#[tokio::test]
async fn what_waits_for_its_batch_is_exported_when_the_worker_stops() {
    let collector = Collector::start().await;
    // Longer than any test: nothing goes out before the end.
    let options = exporting(&collector.url())
        .with("OTEL_BSP_SCHEDULE_DELAY", "3600000")
        .with("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .with("OTEL_SERVICE_NAME", "shop-orders");
    let stage = Stage::start(options).await;
    stage.publish(&[traced(&open_order(1), "01").id("created")]).await;
    stage.until("it is open", "SELECT count(*) FROM orders", 1).await;
    assert_eq!(collector.spans().len(), 0);
    stage.finish().await;
    let spans = spans_about(&collector, "created", 1).await;
    assert_goes_on(&spans[0], SpanKind::Consumer);
    assert_eq!(spans[0].process["service.name"], "shop-orders");
}

/// Spans of the worker of orders, by what became of them.
async fn counted(stage: &mut Stage, result: &str) -> f64 {
    let member = stage.fleet.member("order-created").expect("it runs");
    let label = format!("result=\"{result}\"");
    member.metric("orderflow_spans_total", &[&label]).await.expect("it serves its metrics")
}

#[tokio::test]
async fn a_collector_that_is_away_costs_one_warning_and_no_message() {
    let options = exporting(&format!("http://127.0.0.1:{}", closed_port()))
        .with("OTEL_EXPORTER_OTLP_TIMEOUT", "300")
        .with("OTEL_BSP_MAX_QUEUE_SIZE", "8");
    let mut stage = Stage::start(options).await;
    let events: Vec<_> = (0..100).map(|number| traced(&open_order(number), "01")).collect();
    stage.publish(&events).await;
    stage.until("all are open", "SELECT count(*) FROM orders", 100).await;
    let mut lost = 0.0;
    eventually(BOUND, "every span is counted", async || {
        lost = counted(&mut stage, "failed").await + counted(&mut stage, "dropped").await;
        if lost >= 100.0 { Ok(()) } else { Err(lost) }
    })
    .await;
    assert!((lost - 100.0).abs() < 0.5, "{lost} spans of 100 deliveries");
    assert!(counted(&mut stage, "dropped").await > 0.5, "the queue is bounded");
    assert!(counted(&mut stage, "exported").await < 0.5);
    let log = stage.fleet.member("order-created").expect("it runs").log().to_owned();
    let log = fs::read_to_string(log).expect("a worker has a log");
    assert_eq!(log.matches("spans are not exported").count(), 1, "{log}");
    assert_eq!(log.lines().filter(|line| line.contains("WARN")).count(), 1, "{log}");
    stage.finish().await;
}

#[tokio::test]
async fn a_collector_that_never_answers_does_not_hold_up_the_end_of_a_worker() {
    // Connections wait in its backlog; nobody takes them.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = silent.local_addr().expect("it is bound");
    // Longer than any test may take: only a bound of our own ends the wait.
    let options =
        exporting(&format!("http://{address}")).with("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000");
    let stage = Stage::start(options).await;
    stage.publish(&[traced(&open_order(1), "01")]).await;
    stage.until("it is open", "SELECT count(*) FROM orders", 1).await;
    stage.finish().await;
}

#[tokio::test]
async fn the_hand_over_of_a_timer_has_a_span_in_the_trace_of_the_event_that_armed_it() {
    let collector = Collector::start().await;
    let stage = Stage::start(exporting(&collector.url())).await;
    let order = order_id(1).to_string();
    stage.publish(&[traced(&short_order(1, 2), "01"), short_order(2, 2)]).await;
    let expired = "SELECT count(*) FROM orders WHERE status = 'expired'";
    stage.until("both expire", expired, 2).await;
    let handed_over = || {
        let is_of_timer = |it: &CollectedSpan| {
            it.process["service.name"] == "timer-scheduler"
                && it.attributes["event_type"] == "payment.timeout"
        };
        collector.spans().into_iter().filter(is_of_timer).collect::<Vec<_>>()
    };
    eventually(BOUND, "there is a span of the hand-over", async || {
        if handed_over().is_empty() { Err(collector.spans()) } else { Ok(()) }
    })
    .await;
    let spans = handed_over();
    assert!(spans.iter().all(|it| it.attributes["order_id"] == order), "{spans:?}");
    let span = &spans[0];
    assert_goes_on(span, SpanKind::Producer);
    assert_eq!(span.attributes["messaging.operation.type"], "send");
    assert_eq!(span.attributes["outcome"], "confirmed");
    // The message that was handed over is the one that came back.
    let message = &span.attributes["messaging.message.id"];
    let both = spans_about(&collector, message, 2).await;
    assert!(both.iter().any(|it| it.process["service.name"] == "payment-timeout"), "{both:?}");
    stage.finish().await;
}

#[tokio::test]
async fn a_replay_has_the_span_that_its_message_names_with_a_link_to_the_trace_before() {
    let collector = Collector::start().await;
    let stage = Stage::start(exporting(&collector.url())).await;
    let mut letter = dead_letter(&stage.names, "order-created", &open_order(1).id("again"));
    letter.properties.headers.insert("traceparent", format!("00-{TRACE}-{PARENT_SPAN}-01"));
    stage.publish_raw(vec![letter]).await;
    stage.until("it is parked", "SELECT count(*) FROM dead_letters", 1).await;
    assert_eq!(stage.database.number(&replay_call(100, 10, 0, 100)).await, 1);
    stage.until("it is handled", "SELECT count(*) FROM orders", 1).await;

    let spans = spans_about(&collector, "again", 2).await;
    let of = |process: &str| {
        let found = spans.iter().find(|it| it.process["service.name"] == process);
        found.unwrap_or_else(|| panic!("no span of {process}: {spans:?}"))
    };
    let (sent, taken) = (of("dead-letter-parker"), of("order-created"));
    assert_eq!(sent.span.kind, SpanKind::Producer as i32);
    assert_eq!(hex(&sent.span.parent_span_id), "");
    assert_ne!(hex(&sent.span.trace_id), TRACE);
    let links: Vec<_> =
        sent.span.links.iter().map(|it| (hex(&it.trace_id), hex(&it.span_id))).collect();
    assert_eq!(links, [(TRACE.to_owned(), PARENT_SPAN.to_owned())]);
    assert_eq!(sent.attributes["outcome"], "sent");
    assert_eq!(taken.span.trace_id, sent.span.trace_id);
    assert_eq!(taken.span.parent_span_id, sent.span.span_id);
    let noted = "SELECT trace_id::text FROM replay_items";
    assert_eq!(stage.database.texts(noted).await, [hex(&sent.span.trace_id)]);
    stage.finish().await;
}

/// Workers that export by HTTPS, to a collector that they believe by this authority.
fn exporting_by_https(door: &TlsDoor, trusted: &Authority) -> StageOptions {
    let certificate = trusted.certificate().display().to_string();
    exporting(&format!("https://127.0.0.1:{}", door.port()))
        .with("OTEL_EXPORTER_OTLP_CERTIFICATE", certificate)
}

#[tokio::test]
async fn a_collector_by_https_is_believed_by_its_own_authority_and_by_no_other() {
    let (own, other) = (Authority::new(), Authority::new());
    let collector = Collector::start().await;
    let shown = own.server("127.0.0.1", Validity::Current);
    let door = TlsDoor::open(Protocol::Amqp, collector.place(), &shown, None).await;

    let stage = Stage::start(exporting_by_https(&door, &own)).await;
    stage.publish(&[traced(&open_order(1), "01").id("trusted")]).await;
    assert_goes_on(&spans_about(&collector, "trusted", 1).await[0], SpanKind::Consumer);
    stage.finish().await;

    let mut stage = Stage::start(exporting_by_https(&door, &other)).await;
    for number in 1..4 {
        stage.publish(&[traced(&open_order(number), "01").id(&format!("{number}"))]).await;
    }
    stage.until("all are open", "SELECT count(*) FROM orders", 3).await;
    eventually(BOUND, "every span is counted", async || {
        let lost = counted(&mut stage, "failed").await;
        if lost > 2.5 { Ok(()) } else { Err(lost) }
    })
    .await;
    assert!((1..4).all(|number| collector.about(&number.to_string()).is_empty()));
    let log = stage.fleet.member("order-created").expect("it runs").log().to_owned();
    let log = fs::read_to_string(log).expect("a worker has a log");
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{log}");
    for words in ["spans are not exported", "no trusted authority", "OTLP_CERTIFICATE"] {
        assert!(warnings[0].contains(words), "{words}: {}", warnings[0]);
    }
    stage.finish().await;
}
