//! What shops sent is sealed at rest, and comes back as it was.

use contracts::OrderId;
use serde_json::json;
use store::dead_letters::{DeadLetter, RawDeadLetter, ingest, ingest_raw};
use store::outbox::{self, Exchange, PendingMessage, Shards};
use store::privacy::{self, CustomerRef};
use store::vault::{Content, KeyRing, Unreadable, introduce, rotate};
use store::{Class, Database};
use testkit::shop::{self, at, attempt_id, order_id};
use tokio::sync::Barrier;

use crate::home::Home;
use crate::letters::{letter, park};
use crate::life;
use crate::pipeline::{Job, decide, run};

/// Looked for in every column of every table.
const MARKER: &str = "Erika-Mustermann-17";

/// Two other master keys.
const OLD: &str = "old AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n";
const NEW: &str = "new AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n";

fn ring(lines: &[&str]) -> KeyRing {
    KeyRing::parse(&lines.concat()).unwrap()
}

fn customer() -> CustomerRef {
    "c-1".parse().unwrap()
}

/// A payment that says more than it should.
fn payment(order: OrderId) -> Job {
    life::payment(&shop::captured(order, attempt_id(1), 10_000).attribute("note", json!(MARKER)))
}

/// A dead letter that names an order, with the marker in headers and body.
pub(crate) fn marked<'a>(key: &'a str, order: &'a str) -> DeadLetter<'a> {
    DeadLetter {
        order_id: Some(order),
        headers_json: r#"{"a":{"type":"text","value":"Erika-Mustermann-17"}}"#,
        body: b"{\"name\":\"Erika-Mustermann-17\"}",
        ..letter(key, "malformed", at("12:00:00"))
    }
}

/// Leaves the marker wherever bodies are stored: parked, on its way home, dead, dead and raw.
async fn leave_marks(database: &mut Database) {
    decide(database, payment(order_id(1))).await;
    decide(database, life::created(1)).await;
    decide(database, payment(order_id(2))).await;
    let by_reference = shop::dispute_opened(order_id(3), shop::dispute_id(3), attempt_id(3), 500)
        .with("order_id", serde_json::Value::Null)
        .attribute("note", json!(MARKER));
    decide(database, life::dispute(&by_reference)).await;
    let order = order_id(1).to_string();
    park(database, &[marked("a", &order), marked("b", "no order")]).await.unwrap();
    let raw = RawDeadLetter {
        source_queue: "orderflow.test",
        reason: "invalid-data",
        headers: MARKER.as_bytes(),
        body: MARKER.as_bytes(),
    };
    let mut transaction = database.begin("raw").await.unwrap();
    ingest_raw(&mut transaction, &[raw]).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn nothing_that_a_shop_sent_lies_in_any_table_in_clear() {
    let home = Home::new().await;
    leave_marks(&mut home.connect().await).await;
    assert_eq!(home.tables_with(MARKER).await, Vec::<String>::new());

    // The search finds it where it is.
    let open = Home::new().await;
    leave_marks(&mut open.connect_in_clear().await).await;
    let tables = open.tables_with(MARKER).await;
    for table in ["dead_letters", "dead_letters_raw", "outbox", "parked_events"] {
        assert!(tables.iter().any(|found| found == table), "{table} is not among {tables:?}");
    }
}

async fn pending(database: &mut Database) -> outbox::Pending {
    let mut shards = Shards::default();
    outbox::own_shards(database, &mut shards).await.unwrap();
    outbox::pending(database, &shards, 1000).await.unwrap()
}

fn returning(pending: &outbox::Pending) -> Vec<&PendingMessage> {
    pending.messages.iter().filter(|message| message.exchange == Exchange::Return).collect()
}

#[tokio::test]
async fn a_sealed_event_goes_home_as_it_came() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    decide(&mut database, payment(order_id(1))).await;
    decide(&mut database, life::created(1)).await;
    let event = shop::captured(order_id(1), attempt_id(1), 10_000);
    let event = event.attribute("note", json!(MARKER));
    let pending = pending(&mut database).await;
    let [message] = returning(&pending)[..] else { panic!("{pending:?}") };
    assert_eq!(message.body, event.body());
    assert_eq!(message.headers_json.as_deref(), Some(r#"{"n":{"type":"i32","value":1}}"#));
    assert_eq!((message.attempts, pending.unreadable.len()), (0, 0));
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_told_apart_and_holds_up_nobody() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, payment(order_id(1))).await;
    decide(&mut database, life::created(1)).await;
    run(&mut database, &[life::created(2), life::captured(2)]).await.unwrap();
    let keyless = home.connect_in_clear().await;
    database.close().await.unwrap();

    let mut database = keyless;
    let found = pending(&mut database).await;
    assert_eq!(found.unreadable[0].1, Unreadable::KeyMissing("testkit".to_owned()));
    assert!(returning(&found).is_empty() && !found.messages.is_empty());
    database.close().await.unwrap();

    for (damage, expected) in [
        ("UPDATE outbox SET message_id = 'other' WHERE exchange = 'return'", Unreadable::Damaged),
        ("UPDATE subject_keys SET wrapped = NULL, destroyed_at = now()", Unreadable::Erased),
        ("DELETE FROM subject_keys", Unreadable::Erased),
    ] {
        sql.run(damage).await;
        let mut database = home.connect().await;
        let found = pending(&mut database).await;
        assert_eq!(found.unreadable.len(), 1);
        assert_eq!(found.unreadable[0].1, expected, "{damage}");
        database.close().await.unwrap();
    }
}

/// What is stored of the customer's dead letters.
async fn letters(database: &mut Database) -> Vec<Result<Content, Unreadable>> {
    let export = privacy::export(database, &customer()).await.unwrap();
    let letters = export.contents.into_iter().filter(|it| it.table == "dead_letters");
    letters.map(|letter| letter.content).collect()
}

#[tokio::test]
async fn two_who_need_the_key_of_one_order_at_once_use_the_same() {
    const ROUNDS: u32 = 30;
    let home = Home::new().await;
    let start = Barrier::new(2);
    let parker = async |key: &str| {
        let mut database = home.connect().await;
        for number in 0..ROUNDS {
            start.wait().await;
            let (order, key) = (order_id(number).to_string(), format!("{key}-{number}"));
            park(&mut database, &[marked(&key, &order), marked(&key, "nobody")]).await.unwrap();
        }
    };
    tokio::join!(parker("a"), parker("b"));
    let mut sql = home.sql().await;
    let keys = sql.count("SELECT count(*) FROM subject_keys").await;
    assert_eq!(keys, i64::from(ROUNDS) + 1, "one for each order, and the day's");
    let mut database = home.connect().await;
    let orders: Vec<_> = (0..ROUNDS).map(life::created).collect();
    run(&mut database, &orders).await.unwrap();
    let letters = letters(&mut database).await;
    assert_eq!(letters.len(), 2 * ROUNDS as usize);
    assert!(letters.iter().all(|content| content.as_ref().unwrap().body == marked("a", "").body));
}

#[tokio::test]
async fn a_sealed_piece_opens_in_its_own_row_only() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    let order = order_id(1).to_string();
    let other = DeadLetter { body: b"other", ..marked("b", &order) };
    park(&mut database, &[marked("a", &order), other]).await.unwrap();
    assert!(letters(&mut database).await.iter().all(Result::is_ok));
    sql.run(
        "UPDATE dead_letters SET body = other.body FROM dead_letters AS other
         WHERE dead_letters.message_key = 'a' AND other.message_key = 'b'",
    )
    .await;
    assert_eq!(letters(&mut database).await[0], Err(Unreadable::Damaged));
}

#[tokio::test]
async fn a_newer_failure_is_stored_with_its_own_headers() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    decide(&mut database, life::created(1)).await;
    let order = order_id(1).to_string();
    park(&mut database, &[marked("a", &order)]).await.unwrap();
    let later = at("13:00:00");
    let again = DeadLetter { last_failed_at: later, headers_json: "{}", ..marked("a", &order) };
    park(&mut database, &[again]).await.unwrap();
    let letters = letters(&mut database).await;
    let [Ok(content)] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(content.headers_json.as_deref(), Some("{}"));
}

#[tokio::test]
async fn a_process_with_other_keys_is_stopped_before_it_does_harm() {
    let home = Home::new().await;
    introduce(&mut home.connect_with(ring(&[OLD])).await).await.unwrap();
    let both = ring(&[NEW, OLD]);
    introduce(&mut home.connect_with(both).await).await.unwrap();

    let missing = introduce(&mut home.connect_with(ring(&[NEW])).await).await.unwrap_err();
    assert_eq!((missing.class(), missing.code()), (Class::DependencyDown, "key-missing"));
    assert!(missing.to_string().contains("`old`"), "{missing}");
    let imposter = NEW.replace("new", "old");
    let differs = introduce(&mut home.connect_with(ring(&[NEW, &imposter])).await).await;
    let differs = differs.unwrap_err();
    assert_eq!((differs.class(), differs.code()), (Class::DependencyDown, "key-differs"));
}

#[tokio::test]
async fn a_process_with_other_keys_does_not_stop_the_others() {
    let home = Home::new().await;
    introduce(&mut home.connect_with(ring(&[OLD])).await).await.unwrap();
    let lacking = introduce(&mut home.connect_with(ring(&[NEW])).await).await.unwrap_err();
    assert_eq!(lacking.code(), "key-missing");
    introduce(&mut home.connect_with(ring(&[OLD])).await).await.unwrap();
}

#[tokio::test]
async fn rotation_frees_the_old_key_and_loses_nothing() {
    let home = Home::new().await;
    let mut old = home.connect_with(ring(&[OLD])).await;
    introduce(&mut old).await.unwrap();
    decide(&mut old, life::created(1)).await;
    let order = order_id(1).to_string();
    park(&mut old, &[marked("a", &order), marked("b", "nobody")]).await.unwrap();

    let mut both = home.connect_with(ring(&[NEW, OLD])).await;
    // What has a key goes on with it, whatever master key wraps that.
    park(&mut both, &[marked("c", &order)]).await.unwrap();
    assert_eq!(rotate(&mut both).await.unwrap(), 2);
    assert_eq!(rotate(&mut both).await.unwrap(), 0);
    let mut sql = home.sql().await;
    let masters = "SELECT DISTINCT concat_ws(' ', master, masters_before) FROM subject_keys";
    assert_eq!(sql.texts(masters).await, ["new {old}"], "a backup opens with the old one");
    let mut new = home.connect_with(ring(&[NEW])).await;
    introduce(&mut new).await.unwrap();
    assert!(letters(&mut new).await.iter().all(Result::is_ok));
    let unreadable = letters(&mut old).await;
    assert_eq!(unreadable.len(), 2);
    assert!(unreadable.iter().all(|it| *it == Err(Unreadable::KeyMissing("new".to_owned()))));
}

#[tokio::test]
async fn without_the_master_key_of_an_order_nothing_new_is_sealed_for_it() {
    let home = Home::new().await;
    let order = order_id(1).to_string();
    park(&mut home.connect_with(ring(&[OLD])).await, &[marked("a", &order)]).await.unwrap();
    let mut new = home.connect_with(ring(&[NEW])).await;
    let mut transaction = new.begin("park").await.unwrap();
    let refused = ingest(&mut transaction, &[marked("b", &order)]).await.unwrap_err();
    assert_eq!((refused.class(), refused.code()), (Class::DependencyDown, "key-missing"));
    transaction.rollback().await.unwrap();
}
