//! `--broker-only`: dead queues are looked at, and keep what is in them.

use std::collections::BTreeSet;
use std::time::Duration;

use broker::{AmqpConfig, Properties, Publication, PublisherConfig, Session};
use serde_json::Value;
use testkit::TestBroker;

use crate::program::orderctl;

async fn session(broker: &TestBroker) -> Session {
    let config = AmqpConfig {
        urls: vec![broker.amqp_url().parse().unwrap()],
        connection_name: "orderctl-tests".to_owned(),
        heartbeat: Duration::from_secs(10),
        operation_timeout: Duration::from_secs(20),
    };
    Session::open(&config).await.unwrap()
}

/// Puts dead letters into the dead queue of refund-requested, as its worker does.
async fn die(session: &Session, broker: &TestBroker, count: usize) {
    let prefix = broker.prefix();
    let publisher = session.publisher(PublisherConfig::default()).await.unwrap();
    let letters = (0..count).map(|n| {
        let mut properties =
            Properties { message_id: Some(format!("m-{n}")), ..Properties::default() };
        let headers = &mut properties.headers;
        headers.insert("orderflow-error-class", "contract");
        headers.insert("orderflow-error-code", "invalid-amount");
        headers.insert("orderflow-attempt", 2_i64);
        headers.insert("orderflow-failed-at", "2026-03-01T12:00:00Z");
        headers.insert("odd", broker::HeaderValue::U8(7));
        let body = format!(r#"{{"type":"shop.refund.requested.v1","n":{n}}}"#);
        let (exchange, key) = (format!("{prefix}.dead"), format!("{prefix}.refund-requested"));
        Publication::new(exchange, key, properties, body.into_bytes())
    });
    for outcome in publisher.publish_all(letters.collect()).await.unwrap() {
        assert_eq!(outcome, broker::Outcome::Confirmed);
    }
}

#[tokio::test]
async fn dead_queues_are_listed_and_exported_and_keep_everything() {
    let broker = TestBroker::unique();
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let session = session(&broker).await;
    die(&session, &broker, 30).await;

    let list = orderctl(["dlq", "list", "--broker-only", "-o", "json"]).broker(&broker);
    let ran = list.run().exits_with(0);
    assert!(ran.stderr.contains("each look counts as one more delivery"), "{}", ran.stderr);
    let seen = ran.versioned_json();
    assert_eq!(seen["count"], 30);
    let first = &seen["letters"][0];
    assert_eq!((&first["code"], &first["attempts"]), (&"invalid-amount".into(), &2.into()));
    assert_eq!(first["message_id"], "m-0");

    let export = orderctl(["dlq", "export", "--broker-only"]).broker(&broker);
    let lines = export.run().exits_with(0).stdout;
    let lines: Vec<Value> = lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert_eq!(lines.len(), 30);
    assert_eq!(lines[0]["properties"]["headers"]["odd"]["type"], "u8");

    let few = orderctl(["dlq", "export", "--broker-only", "--most", "5"]).broker(&broker);
    let few = few.run().exits_with(3);
    assert_eq!(few.stdout.lines().count(), 5);
    assert!(few.stderr.contains("25 dead letters were not written"), "{}", few.stderr);

    // Everything is still there for whoever takes it out.
    let queue = format!("{}.refund-requested.dead", broker.prefix());
    let mut consumer = session.consumer(&queue, 100).await.unwrap();
    let mut left: BTreeSet<String> = (0..30).map(|n| format!("m-{n}")).collect();
    while !left.is_empty() {
        let id = consumer.next().await.unwrap().properties.message_id.unwrap();
        assert!(left.remove(&id), "{id} is there twice");
    }
    drop(consumer);
    session.close().await;
    broker.delete().await;
}

#[tokio::test]
async fn empty_and_missing_dead_queues_are_told_apart() {
    let broker = TestBroker::unique();
    let list = || orderctl(["dlq", "list", "--broker-only"]).broker(&broker).run();
    let missing = list().exits_with(0);
    assert!(missing.stderr.contains("there is no queue"), "{}", missing.stderr);
    assert!(missing.stderr.contains("orderctl topology apply"), "{}", missing.stderr);
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let empty = list().exits_with(0);
    assert_eq!(empty.stdout, "the dead queues are empty\n");
    assert!(!empty.stderr.contains("there is no queue"), "{}", empty.stderr);
    let filter = ["dlq", "list", "code=x", "--broker-only"];
    orderctl(filter).broker(&broker).run().exits_with(2);
    broker.delete().await;
}
