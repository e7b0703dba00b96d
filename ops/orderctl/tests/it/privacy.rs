//! `orderctl privacy`.

use testkit::{KEYS, TestDatabase};

use crate::program::{Program, orderctl};
use crate::story::{order, store_story};

/// The customer of the story.
const CUSTOMER: &str = "c-1";

/// The story, with what it left open decided; its bodies are sealed.
async fn settled_story() -> TestDatabase {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    let settle = format!(
        "DELETE FROM parked_events; UPDATE disputes SET status = 'withdrawn', closed_at = now(); \
         INSERT INTO consent_withdrawals VALUES ('{}', 1, 'c-1', 'recovery', 'v2', \
         '2026-03-01T13:00:00Z', '2026-03-01T13:00:01Z'); \
         INSERT INTO dead_letters (source_queue, message_key, key_source, event_type, order_id, \
         error_class, error_code, fingerprint, status, first_failed_at, last_failed_at, exchange, \
         routing_key, properties, headers, body, digest) VALUES ('orderflow.order-created', \
         '/shop e-9', 'ce', 'shop.order.created.v1', '{}', 'contract', 'malformed-json', \
         sha256(''), 'archived', '2026-03-01T16:00:00Z', '2026-03-01T16:00:00Z', 'shop.events', \
         'order.created', '{{}}', '{{}}', 'Erika', sha256('Erika'))",
        order(),
        order()
    );
    database.run(&settle).await;
    database
}

fn erase(database: &TestDatabase) -> Program {
    orderctl(["privacy", "erase", CUSTOMER, "--reason", "asked to", "--by", "anna"])
        .database(database)
}

fn export(database: &TestDatabase) -> Program {
    orderctl(["privacy", "export", CUSTOMER]).database(database)
}

#[tokio::test]
async fn an_export_tells_every_order_and_every_body() {
    let database = settled_story().await;
    let document = export(&database).arg("-o").arg("json").run().exits_with(0).versioned_json();
    assert_eq!(document["held"]["orders"], 1);
    assert_eq!(document["orders"][0]["order_id"], order().to_string());
    assert_eq!(document["orders"][0]["timeline"]["order"]["status"], "paid");
    let withdrawn = &document["standing"]["withdrawals"][0];
    assert_eq!(
        (&withdrawn["purpose"], &withdrawn["text_version"]),
        (&"recovery".into(), &"v2".into())
    );
    let content = &document["contents"][0];
    assert_eq!(content["body"]["content"], "Erika");
    assert_eq!((&content["table"], &content["unreadable"]), (&"dead_letters".into(), &().into()));
    insta::assert_snapshot!("export", export(&database).run().exits_with(0).stdout);
}

#[tokio::test]
async fn an_export_that_cannot_open_a_body_says_so_and_fails() {
    let database = settled_story().await;
    database
        .run(
            "INSERT INTO subject_keys (id, subject, master, wrapped) \
             SELECT '00000000-0000-4000-8000-000000000001', 'order:' || order_id, 'lost', \
             decode(repeat('00', 60), 'hex') FROM dead_letters; UPDATE dead_letters SET \
             key_id = '00000000-0000-4000-8000-000000000001', headers = NULL",
        )
        .await;
    let ran = export(&database).arg("-o").arg("json").run().exits_with(1);
    assert_eq!(ran.versioned_json()["contents"][0]["unreadable"], "key-missing");
    assert!(ran.stderr.contains("ORDERFLOW_KEY_FILE"), "{}", ran.stderr);
}

#[tokio::test]
async fn an_erasure_is_confirmed_done_once_and_recorded() {
    let database = settled_story().await;
    let hasty = erase(&database).input("no\n").run().exits_with(1);
    assert!(hasty.stderr.contains("1 closed dead letter"), "{}", hasty.stderr);
    assert!(hasty.stderr.contains("nothing was changed"), "{}", hasty.stderr);
    assert_eq!(database.number("SELECT count(*) FROM erasures").await, 0);

    let done = erase(&database).input("c-1\n").run().exits_with(0);
    assert_eq!(
        done.stdout,
        "customer c-1 is erased: 0 keys destroyed, 1 dead letter emptied, 0 marks deleted\n"
    );
    let again = erase(&database).arg("--yes").arg("-o").arg("json").run().exits_with(0);
    assert_eq!(again.versioned_json()["letters_emptied"], 0);
    let record = "SELECT customer_ref || ' ' || erased_by || ' ' || reason FROM erasures";
    assert_eq!(database.texts(record).await, ["c-1 anna asked to"]);
    let noted = "SELECT action || ' ' || object || ' ' || actor || ' ' || role FROM audit";
    assert_eq!(database.texts(noted).await, ["privacy.erase customer:c-1 anna admin"]);
    let after = export(&database).arg("-o").arg("json").run().exits_with(0).versioned_json();
    assert_eq!(after["contents"][0]["unreadable"], "erased");
    assert_eq!(after["orders"][0]["timeline"]["order"]["status"], "paid");
}

#[tokio::test]
async fn what_stands_against_an_erasure_is_named_with_what_to_do() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    let waits = erase(&database).arg("--yes").arg("--force").run();
    waits.fails(1, &["nothing was changed", "1 parked event", "until 2026-03-01T15:30:00Z"]);
    database.run("DELETE FROM parked_events").await;
    let held = erase(&database).arg("--yes").run();
    held.fails(1, &["nothing was changed", "1 open dispute", "--force"]);
    erase(&database).arg("--yes").arg("--force").run().exits_with(0);
    assert_eq!(database.number("SELECT count(*) FROM erasures WHERE forced").await, 1);
}

/// The letter of the story, sealed for its customer by a master key that was rotated since.
async fn leaked() -> TestDatabase {
    let database = settled_story().await;
    database
        .run(
            "INSERT INTO subject_keys (id, subject, master, masters_before, wrapped) VALUES \
             ('00000000-0000-4000-8000-000000000001', 'customer:c-1', 'new', '{lost}', \
             decode(repeat('00', 60), 'hex')), \
             ('00000000-0000-4000-8000-000000000002', 'customer:c-2', 'new', '{}', \
             decode(repeat('00', 60), 'hex')), \
             ('00000000-0000-4000-8000-000000000003', 'day:2026-03-01', 'lost', '{}', \
             decode(repeat('00', 60), 'hex')); UPDATE dead_letters SET \
             key_id = '00000000-0000-4000-8000-000000000001', headers = NULL",
        )
        .await;
    database
}

fn affected(database: &TestDatabase, asked: &[&str]) -> Program {
    let program = orderctl(["privacy", "affected", "--reason", "a lost laptop", "--by", "anna"]);
    asked.iter().fold(program, Program::arg).database(database)
}

#[tokio::test]
async fn a_lost_master_key_names_whom_it_concerns_even_after_a_rotation() {
    let database = leaked().await;
    let letter = database.number("SELECT id FROM dead_letters").await;
    let found = affected(&database, &["--master-key", "lost", "-o", "json"]);
    let found = found.run().exits_with(0).versioned_json();
    let [customer] = found["customers"].as_array().unwrap().as_slice() else { panic!("{found}") };
    assert_eq!(customer["customer_ref"], "c-1");
    assert_eq!(customer["orders"], serde_json::json!([order().to_string()]));
    assert_eq!(customer["dead_letters"], serde_json::json!([letter]));
    assert_eq!(found["unnamed"], 1, "the key of a day");
    let places: Vec<_> =
        found["items"].as_array().unwrap().iter().map(|it| it["place"].as_str().unwrap()).collect();
    assert_eq!(places, ["dead_letters", "subject_keys", "subject_keys"]);
    let text = affected(&database, &["--master-key", "lost"]).run().exits_with(0).stdout;
    insta::assert_snapshot!("affected", text);
    let noted = "SELECT action || ' ' || actor || ' ' || reason || ' ' || (detail ->> 'found')
         FROM audit ORDER BY id";
    assert_eq!(database.texts(noted).await, ["privacy.affected anna a lost laptop 3"; 2]);
}

#[tokio::test]
async fn a_copy_of_the_database_and_a_curious_colleague_name_whom_they_concern() {
    let database = leaked().await;
    let count = |found: Program| {
        let found = found.arg("-o").arg("json").run().exits_with(0).versioned_json();
        found["dead_letters"].as_array().unwrap().len()
    };
    assert_eq!(count(affected(&database, &["--until", "2026-03-01T16:00:01Z"])), 1);
    let before = affected(&database, &["--until", "2026-03-01T12:00:00Z"]);
    before.run().fails(4, &["nothing that is stored here"]);
    affected(&database, &["--opened-by", "mallory"]).run().exits_with(4);
    let letter = database.number("SELECT id FROM dead_letters").await;
    let opened = format!(
        "SELECT * FROM dlq_content('mallory', 'curious', 'unmask', ARRAY[{letter}::bigint])"
    );
    database.run(&opened).await;
    assert_eq!(count(affected(&database, &["--opened-by", "mallory"])), 1);
    let earlier = ["--opened-by", "mallory", "--until", "2026-03-01T12:00:00Z"];
    affected(&database, &earlier).run().exits_with(4);
    affected(&database, &[]).run().exits_with(2);
}

#[tokio::test]
async fn a_customer_nobody_heard_of_exits_with_4() {
    let database = TestDatabase::migrated().await;
    export(&database).run().fails(4, &[CUSTOMER, "letter by letter"]);
    erase(&database).arg("--yes").run().fails(4, &[CUSTOMER]);
}

#[tokio::test]
async fn rotation_needs_a_key_file_that_can_be_used() {
    let database = TestDatabase::migrated().await;
    let rotate = || orderctl(["privacy", "rotate"]).database(&database);
    rotate().run().fails(64, &["ORDERFLOW_KEY_FILE is required"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let with = |text: &str| {
        std::fs::write(&file, text).unwrap();
        rotate().env("ORDERFLOW_KEY_FILE", file.to_str().unwrap()).run()
    };
    let short = with("mine c2hvcnQ=\n").fails(64, &["ORDERFLOW_KEY_FILE", "line 1"]);
    assert!(!short.stderr.contains("c2hvcnQ"), "{}", short.stderr);
    let done = with(KEYS).exits_with(0);
    assert_eq!(done.stdout, "every key is wrapped with testkit already\n");
    let other = KEYS.replace("testkit", "mine");
    with(&other).fails(64, &["`testkit`", "ORDERFLOW_KEY_FILE"]);
}
