//! What shops sent is never in clear where it rests.

use broker::{Properties, Publication};
use contracts::{EventKind, STRUCTURED_CONTENT_TYPE};
use serde_json::json;
use system_tests::{Stage, StageOptions, open_order};
use testkit::shop::{attempt_id, captured, order_id};

/// Looked for in every table and every log.
const MARKER: &str = "Erika-Mustermann-17";

fn poison(stage: &Stage) -> Publication {
    let properties = Properties {
        message_id: Some("poison-1".to_owned()),
        content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
        ..Properties::default()
    };
    let body = format!(r#"{{"name":"{MARKER}"}}"#).into_bytes();
    Publication::new(stage.names.inbound(), EventKind::OrderCreated.name(), properties, body)
}

#[tokio::test]
async fn parked_and_dead_lettered_bodies_are_sealed_and_decided_as_if_they_were_not() {
    let options = StageOptions::everyone().with("ORDERFLOW_PATIENCE", "1ms");
    let mut stage = Stage::start(options).await;
    let payment = captured(order_id(1), attempt_id(1), 10_000).attribute("note", json!(MARKER));
    stage.publish(&[payment]).await;
    stage.until("the payment is parked", "SELECT count(*) FROM parked_events", 1).await;
    stage.publish_raw(vec![poison(&stage)]).await;
    stage.until("the poison is kept", "SELECT count(*) FROM dead_letters", 1).await;
    assert_eq!(stage.database.tables_with(MARKER).await, Vec::<String>::new());
    assert_eq!(stage.database.number("SELECT count(*) FROM subject_keys").await, 2);

    stage.publish(&[open_order(1)]).await;
    let paid = "SELECT count(*) FROM orders WHERE status = 'paid'";
    stage.until("the payment came home", paid, 1).await;
    assert_eq!(stage.database.tables_with(MARKER).await, Vec::<String>::new());
    for member in stage.fleet.members() {
        let log = std::fs::read_to_string(member.log()).expect("every worker has a log");
        assert!(!log.contains(MARKER), "{} logs what a shop sent", member.binary());
    }
    stage.finish().await;
}
