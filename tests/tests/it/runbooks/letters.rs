//! Dead letters by the real fault: what a shop may send.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use broker::{Properties, Publication};
use contracts::{EventKind, STRUCTURED_CONTENT_TYPE};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use system_tests::{Stage, StageOptions, open_order};
use testkit::shop::{
    ShopEvent, attempt_id, captured, consent_withdrawn, order_id, refund_requested,
};
use testkit::{TestDatabase, eventually};

use super::BOUND;
use super::table::{INCIDENTS, Incident};

/// An event that breaks a rule, as the examples of the schemas are written.
#[derive(Deserialize)]
struct Broken {
    expect: Expected,
    #[serde(default)]
    content_type: ContentType,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    message: Option<Box<RawValue>>,
    raw: Option<String>,
}

#[derive(Deserialize)]
struct Expected {
    code: String,
}

/// Structured where an example does not say; none where it says null.
#[derive(Deserialize)]
struct ContentType(Option<String>);

impl Default for ContentType {
    fn default() -> Self {
        Self(Some(STRUCTURED_CONTENT_TYPE.to_owned()))
    }
}

/// Pages about letters of any code, each with a field whose fault makes a letter of its own group.
const FOR_ALERTS: [(&str, &str); 5] = [
    ("contract-violations", "total"),
    ("dead-letters-appear", "lines"),
    ("handled-budget-burn", "customer_ref"),
    ("new-failure-group", "merchant_id"),
    ("parked-spike", "expires_at"),
];

/// Every worker, and a letter for each rule of the contract and each contradiction.
pub(super) async fn stage() -> Stage {
    // In clear, so that broken bodies can be looked at.
    let options = StageOptions::everyone().with("ORDERFLOW_ENCRYPTION", "off");
    let stage = Stage::start(options).await;
    stage.publish(&[open_order(1), captured(order_id(1), attempt_id(1), 10_000)]).await;
    stage.until("it is paid", "SELECT count(*) FROM orders WHERE status = 'paid'", 1).await;
    stage.publish_raw(bad_events(&stage)).await;
    let for_alerts = (300..).zip(FOR_ALERTS);
    let for_alerts = for_alerts.map(|(number, (page, field))| {
        open_order(number).with(field, 7).id(&format!("for-{page}"))
    });
    stage.publish(&for_alerts.collect::<Vec<_>>()).await;
    contradict(&stage).await;
    until_parked(&stage, &[Incident::BadEvent, Incident::Contradiction]).await;
    stage
}

/// Waits until there is a letter of each code of these incidents, and of each alert's.
async fn until_parked(stage: &Stage, incidents: &[Incident]) {
    let pages = INCIDENTS.iter().filter(|(incident, _)| incidents.contains(incident));
    let pages: Vec<_> = pages.flat_map(|(_, pages)| *pages).collect();
    eventually(BOUND, "there is a letter for each page", async || {
        let found = "SELECT DISTINCT error_code FROM dead_letters
                     UNION SELECT substring(message_key FROM 'for-(.*)') FROM dead_letters
                     WHERE message_key LIKE '%for-%'";
        let found = stage.database.texts(found).await;
        let missing: Vec<_> =
            pages.iter().filter(|page| !found.iter().any(|it| it == **page)).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
    })
    .await;
}

/// One event for each rule of the contract, and one with a routing key that leads nowhere.
fn bad_events(stage: &Stage) -> Vec<Publication> {
    let mut by_code = BTreeMap::new();
    for kind in EventKind::ALL.into_iter().filter(|kind| kind.from_shop()) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = folder.join("../schemas/events/examples/invalid").join(kind.name());
        for entry in fs::read_dir(folder).expect("every kind has bad examples") {
            let text = fs::read_to_string(entry.expect("it is listed").path()).expect("it is text");
            let broken: Broken = serde_json::from_str(&text).expect("it is an example");
            by_code.entry(broken.expect.code.clone()).or_insert((kind, broken));
        }
    }
    let inbound = stage.names.inbound();
    let mut events: Vec<_> = by_code.into_values().map(|it| publication(&inbound, it)).collect();
    let mut lost = raw(&inbound, "lost", b"{}".to_vec());
    "order.teleported".clone_into(&mut lost.routing_key);
    events.extend([lost, raw(&inbound, "huge", vec![b' '; 65 * 1024])]);
    events.extend([
        of(&inbound, &open_order(2).with("livemode", false)),
        of(&inbound, &open_order(4).with("note", "card 4012 8888 8888 1881")),
        of(&inbound, &open_order(4).with("cvv", "123").id("code")),
    ]);
    events
}

fn publication(exchange: &str, (kind, broken): (EventKind, Broken)) -> Publication {
    let body = broken.message.map(|message| message.get().to_owned()).or(broken.raw);
    let mut event = raw(
        exchange,
        &format!("bad-{}", broken.expect.code),
        body.expect("an example has a body").into_bytes(),
    );
    kind.name().clone_into(&mut event.routing_key);
    event.properties.content_type = broken.content_type.0;
    for (name, value) in broken.headers {
        event.properties.headers.insert(name, value);
    }
    event
}

fn of(exchange: &str, event: &ShopEvent) -> Publication {
    let json = event.json();
    let mut publication = raw(exchange, json["id"].as_str().unwrap_or("-"), event.body());
    event.kind().name().clone_into(&mut publication.routing_key);
    publication
}

fn raw(exchange: &str, id: &str, body: Vec<u8>) -> Publication {
    let properties = Properties {
        message_id: Some(id.to_owned()),
        content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
        ..Properties::default()
    };
    Publication::new(exchange.to_owned(), EventKind::OrderCreated.name(), properties, body)
}

/// Events that contradict what was said before.
async fn contradict(stage: &Stage) {
    let (order, first) = (order_id(1), open_order(1).json()["id"].clone());
    let dollars = json!({"amount_minor": 10_000, "currency": "USD"});
    let line = json!([{"sku": "book", "qty": 1, "unit": dollars}]);
    let revised = open_order(1).with("revision", 2).with("total", dollars).with("lines", line);
    stage.publish(&[refund_requested(order, "r-1", 1_000)]).await;
    stage.until("a refund is decided", "SELECT count(*) FROM refunds", 1).await;
    stage
        .publish(&[
            open_order(1).with("merchant_id", "m-2").id("other"),
            open_order(1).with("note", "said otherwise").id(first.as_str().unwrap_or_default()),
            revised.id("revised"),
            captured(order, attempt_id(1), 9_000).id("less"),
            consent_withdrawn(order, "recovery").with("customer_ref", "c-2"),
            refund_requested(order, "r-1", 2_000).id("again"),
        ])
        .await;
}

/// The letter of a page: of its code, made for its alert, or the last one that is parked.
///
/// Returns its id and the first digits of its group.
pub(super) async fn letter_of(database: &TestDatabase, page: &str) -> (String, String) {
    let found = format!(
        "SELECT id::text || ' ' || left(encode(fingerprint, 'hex'), 16) FROM dead_letters
         ORDER BY
             error_code = '{page}' DESC, message_key LIKE '%for-{page}' DESC,
             status = 'parked' DESC, id DESC
         LIMIT 1"
    );
    let letter = database.texts(&found).await.concat();
    let (letter, group) = letter.split_once(' ').expect("a letter was staged");
    (letter.to_owned(), group.to_owned())
}
