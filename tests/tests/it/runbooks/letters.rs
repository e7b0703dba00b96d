//! Dead letters by the real fault: what a shop may send, and what a database may answer.

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

/// What the database answers to the rows of some customers, by SQLSTATE.
const REFUSALS: [&str; 7] = ["23514", "P0001", "40P01", "22003", "55006", "40001", "57014"];

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

/// Every worker, with a message over which one panics and one that ends its worker.
pub(super) async fn stage() -> Stage {
    // In clear, so that letters can be copied.
    let options = StageOptions::everyone()
        .with("ORDERFLOW_FAILPOINTS", "panic:bad-apple,abort:bomb")
        .with("ORDERFLOW_RETRY_BASE", "100ms")
        .with("ORDERFLOW_ENCRYPTION", "off");
    let mut stage = Stage::start(options).await;
    stage.publish(&[open_order(1), captured(order_id(1), attempt_id(1), 10_000)]).await;
    stage.until("it is paid", "SELECT count(*) FROM orders WHERE status = 'paid'", 1).await;
    stage.publish_raw(bad_events(&stage)).await;
    contradict(&stage).await;
    refuse(&stage).await;
    stage.publish(&[open_order(5).id("bad-apple"), open_order(6).id("bomb")]).await;
    until_parked(&mut stage).await;
    stage.database.run("DROP TRIGGER refuse ON orders").await;
    stage
}

/// Waits until there is a letter of each code; a worker that ended is started again.
async fn until_parked(stage: &mut Stage) {
    let is_staged = |incident: &Incident| {
        use Incident::{BadEvent, Contradiction, RefusedRow, WorkerFails};
        [BadEvent, Contradiction, RefusedRow, WorkerFails].contains(incident)
    };
    let pages = INCIDENTS.iter().filter(|(incident, _)| is_staged(incident));
    let codes: Vec<_> = pages.flat_map(|(_, pages)| *pages).filter(|page| is_code(page)).collect();
    eventually(BOUND, "there is a letter of each code", async || {
        stage.fleet.revive().expect("the binary is built");
        let found = stage.database.texts("SELECT DISTINCT error_code FROM dead_letters").await;
        let missing: Vec<_> =
            codes.iter().filter(|code| !found.iter().any(|it| it == **code)).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
    })
    .await;
    stage.fleet.wait_until_ready(BOUND).await.expect("the workers become ready");
}

/// Whether a page is about a code; of these incidents, the others are about alerts.
pub(super) fn is_code(page: &str) -> bool {
    !["contract-violations", "dead-letters-appear", "new-failure-group"].contains(&page)
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

/// Orders whose rows the database refuses, each in another way.
async fn refuse(stage: &Stage) {
    let refuses = "
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'as the test wants' USING ERRCODE = substr(NEW.customer_ref, 8);
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW
            WHEN (NEW.customer_ref LIKE 'refuse-%') EXECUTE FUNCTION refuse()";
    stage.database.run(refuses).await;
    let orders = (100..)
        .zip(REFUSALS)
        .map(|(number, state)| open_order(number).with("customer_ref", format!("refuse-{state}")));
    stage.publish(&orders.collect::<Vec<_>>()).await;
}

/// The letter of a page: a real one of its code, or a copy under the page's own name.
///
/// Returns its id and the first digits of its group.
pub(super) async fn letter_of(database: &TestDatabase, page: &str) -> (String, String) {
    let found = format!(
        "SELECT id::text || ' ' || left(encode(fingerprint, 'hex'), 16) FROM dead_letters
         WHERE error_code = '{page}' ORDER BY id LIMIT 1"
    );
    let mut letter = database.texts(&found).await;
    if letter.is_empty() {
        copy_letter(database, page).await;
        letter = database.texts(&found).await;
    }
    let letter = letter.concat();
    let (letter, group) = letter.split_once(' ').expect("a letter was staged");
    (letter.to_owned(), group.to_owned())
}

/// A dead letter with the page's code, and its group, since a parker writes no letter without one.
async fn copy_letter(database: &TestDatabase, page: &str) {
    let staged = format!(
        "INSERT INTO failure_groups (
             fingerprint, source_queue, event_type, error_class, error_code, detail_pattern,
             first_build, first_seen_at, last_seen_at
         )
         SELECT
             sha256('{page}'), source_queue, event_type, 'contract', '{page}', detail_pattern,
             first_build, first_seen_at, last_seen_at
         FROM failure_groups WHERE error_code = 'mode-mismatch' LIMIT 1
         ON CONFLICT DO NOTHING;
         INSERT INTO dead_letters (
             source_queue, message_key, key_source, event_type, order_id, error_class, error_code,
             error_detail, fingerprint, attempts, first_failed_at, last_failed_at, worker_version,
             exchange, routing_key, properties, headers, body, digest
         )
         SELECT
             source_queue, '{page}', key_source, event_type, '{}', 'contract', '{page}',
             error_detail, sha256('{page}'), attempts, first_failed_at, last_failed_at,
             worker_version, exchange, routing_key, properties, headers, body, digest
         FROM dead_letters WHERE error_code = 'mode-mismatch' LIMIT 1
         ON CONFLICT DO NOTHING",
        order_id(1)
    );
    database.run(&staged).await;
}
