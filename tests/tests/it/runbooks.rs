//! The commands of every runbook, typed as they stand, against an incident staged for it.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use broker::{Properties, Publication};
use contracts::{EventKind, STRUCTURED_CONTENT_TYPE};
use serde_json::json;
use system_tests::{Stage, StageOptions, Surroundings, open_order, surroundings, typed};
use testkit::shop::{attempt_id, captured, order_id};
use testkit::{TestBroker, TestDatabase};

/// What is the matter where a page is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Incident {
    /// Dead letters of many kinds, on a system that is well otherwise.
    Letters,
    /// Nobody listens where the broker should be.
    BrokerAway,
    /// Nobody listens where the database should be.
    DatabaseAway,
    /// Exchanges and queues are missing.
    Drift,
    /// The database has no migrations.
    SchemaBehind,
    /// A row breaks an invariant.
    Violated,
    /// The policies cannot be used.
    PoliciesRefused,
}

/// The incident of each page that is not about dead letters or a system that is well.
const INCIDENTS: [(Incident, &[&str]); 6] = [
    (
        Incident::BrokerAway,
        &[
            "broker-unreachable",
            "broker-timeout",
            "broker-tls-failed",
            "broker-connection-lost",
            "broker-channel-closed",
            "broker-frame-unreadable",
            "worker-not-ready",
            "dependency-down",
        ],
    ),
    (
        Incident::DatabaseAway,
        &[
            "database-unreachable",
            "database-shutting-down",
            "database-tls-failed",
            "database-refuses",
            "database-exhausted",
            "database-damaged",
            "database-read-only",
            "connection-spoilt",
            "schema-mismatch",
            "no-answer",
            "no-randomness",
            "key-missing",
            "key-differs",
            "breaker-open",
        ],
    ),
    (
        Incident::Drift,
        &[
            "broker-object-missing",
            "broker-discarding-messages",
            "unroutable-dropped",
            "unroutable-returned",
        ],
    ),
    (Incident::SchemaBehind, &["schema-behind", "migration-failed"]),
    (Incident::Violated, &["invariant-violated"]),
    (Incident::PoliciesRefused, &["policies-refused"]),
];

fn incident_of(page: &str) -> Incident {
    let named = INCIDENTS.iter().find(|(_, pages)| pages.contains(&page));
    named.map_or(Incident::Letters, |(incident, _)| *incident)
}

/// A command of a page.
struct Step {
    page: String,
    /// Whether it confirms the incident, while that lasts; all others mend it.
    confirms: bool,
    command: String,
    exit: i32,
}

/// Every command of every page, in the order in which it is typed.
fn steps() -> Vec<Step> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/runbooks");
    let mut pages: Vec<PathBuf> = fs::read_dir(folder)
        .expect("there are pages")
        .map(|it| it.expect("it is listed").path())
        .collect();
    pages.sort();
    pages.iter().flat_map(|path| steps_of(path)).collect()
}

fn steps_of(path: &Path) -> Vec<Step> {
    let page = path.file_stem().and_then(|name| name.to_str()).expect("pages have plain names");
    let text = fs::read_to_string(path).expect("a page can be read");
    let (mut steps, mut confirms) = (Vec::new(), false);
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            confirms = heading == "Confirm";
        }
        let Some(command) = line.strip_prefix("$ ") else { continue };
        let exit = command.split_once("# exits with ").map_or("0", |(_, code)| code);
        let exit = exit.trim().parse().expect("an exit code is a number");
        steps.push(Step { page: page.to_owned(), confirms, command: command.to_owned(), exit });
    }
    steps
}

/// The surroundings of an incident, and those in which it is mended.
struct Scene {
    during: Surroundings,
    mending: Surroundings,
}

/// A port of the loopback range on which nobody listens.
pub(crate) fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// Dead letters of many kinds, made by the workers themselves.
async fn stage_letters() -> Stage {
    // In clear, so that letters can be copied.
    let options = StageOptions::everyone()
        .with("ORDERFLOW_FAILPOINTS", "panic:bad-apple")
        .with("ORDERFLOW_ENCRYPTION", "off");
    let stage = Stage::start(options).await;
    let raw = |id: &str, body: &[u8]| {
        let properties = Properties {
            message_id: Some(id.to_owned()),
            content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
            ..Properties::default()
        };
        let key = EventKind::OrderCreated.name();
        Publication::new(stage.names.inbound(), key, properties, body.to_vec())
    };
    stage.publish(&[open_order(1), captured(order_id(1), attempt_id(1), 10_000)]).await;
    stage.until("it is paid", "SELECT count(*) FROM orders WHERE status = 'paid'", 1).await;
    let mut lost = raw("lost", b"{}");
    "order.teleported".clone_into(&mut lost.routing_key);
    stage.publish_raw(vec![raw("no-json", b"not json"), lost]).await;
    stage
        .publish(&[
            open_order(2).with("livemode", false),
            open_order(3).with("total", json!({"amount_minor": 12.5, "currency": "EUR"})),
            open_order(4).with("note", "card 4012 8888 8888 1881"),
            open_order(5).id("bad-apple"),
            open_order(1).with("merchant_id", "m-2").id("other"),
            captured(order_id(1), attempt_id(1), 9_000),
        ])
        .await;
    stage.until("all of them are parked", "SELECT count(*) FROM dead_letters", 8).await;
    stage
}

/// A dead letter as the page is about: one that a worker gave up on, with the page's own code, and
/// its group, since a parker writes no letter without one.
async fn stage_letter(database: &TestDatabase, page: &str) {
    let class = if page == "worker-crashed" { "crash" } else { "contract" };
    let staged = format!(
        "INSERT INTO failure_groups (
             fingerprint, source_queue, event_type, error_class, error_code, detail_pattern,
             first_build, first_seen_at, last_seen_at
         )
         SELECT
             sha256('{page}'), source_queue, event_type, '{class}', '{page}', detail_pattern,
             first_build, first_seen_at, last_seen_at
         FROM failure_groups WHERE error_code = 'mode-mismatch' LIMIT 1
         ON CONFLICT DO NOTHING;
         INSERT INTO dead_letters (
             source_queue, message_key, key_source, event_type, order_id, error_class, error_code,
             error_detail, fingerprint, attempts, first_failed_at, last_failed_at, worker_version,
             exchange, routing_key, properties, headers, body, digest
         )
         SELECT
             source_queue, '{page}', key_source, event_type, '{}', '{class}', '{page}',
             error_detail, sha256('{page}'), attempts, first_failed_at, last_failed_at,
             worker_version, exchange, routing_key, properties, headers, body, digest
         FROM dead_letters WHERE error_code = 'mode-mismatch' LIMIT 1
         ON CONFLICT DO NOTHING",
        order_id(1)
    );
    database.run(&staged).await;
}

/// What stands for the words in capitals.
async fn places(database: &TestDatabase, folder: &Path, page: &str) -> [(&'static str, String); 5] {
    let letter = format!(
        "SELECT id::text || ' ' || left(encode(fingerprint, 'hex'), 16) FROM dead_letters
         WHERE message_key = '{page}'"
    );
    let letter = database.texts(&letter).await.concat();
    let (letter, group) = letter.split_once(' ').expect("a letter was staged");
    let file = |name: &str| folder.join(name).display().to_string();
    [
        ("LETTER_ID", letter.to_owned()),
        ("GROUP", group.to_owned()),
        ("ORDER_ID", order_id(1).to_string()),
        ("POLICIES", file("policies.toml")),
        ("TEXTFILE", file("orderflow.prom")),
    ]
}

/// Types the commands of all pages of one kind of incident; returns how many it typed.
///
/// A command that many pages share, but for their code, is typed once.
async fn type_all(incident: Incident, database: &TestDatabase, scene: &Scene) -> usize {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let template = typed("orderctl policy template", &scene.mending, Path::new("."));
    assert_eq!(template.0, Some(0), "{}", template.1);
    let policies = folder.path().join("policies.toml");
    let mut seen = HashSet::new();
    for step in steps().into_iter().filter(|step| incident_of(&step.page) == incident) {
        if !seen.insert((step.confirms, step.command.replace(&step.page, "CODE"))) {
            continue;
        }
        stage_letter(database, &step.page).await;
        let refused = incident == Incident::PoliciesRefused && step.confirms;
        let text = if refused { "window_card = \"soon\"" } else { &template.1 };
        fs::write(&policies, text).expect("the file can be written");
        let mut command = step.command.clone();
        for (word, value) in places(database, folder.path(), &step.page).await {
            command = command.replace(word, &value);
        }
        assert!(command.starts_with("orderctl "), "{}: {command}", step.page);
        let around = if step.confirms { &scene.during } else { &scene.mending };
        let (exit, said) = typed(&command, around, Path::new("."));
        assert_eq!(exit, Some(step.exit), "{}: {command}\n{said}", step.page);
    }
    seen.len()
}

#[test]
fn every_page_with_an_incident_exists_and_every_page_has_commands() {
    let pages: HashSet<_> = steps().into_iter().map(|step| step.page).collect();
    for page in INCIDENTS.iter().flat_map(|(_, pages)| *pages) {
        assert!(pages.contains(*page), "{page}");
    }
    assert!(pages.len() >= 110, "only {} pages have commands", pages.len());
}

#[tokio::test]
async fn every_command_does_what_its_page_says() {
    let stage = stage_letters().await;
    let nowhere = TestBroker::unique();
    let endpoints = testkit::endpoints();
    let (broker, database) = (endpoints.amqp_url.as_str(), stage.database.url());
    let prefix = stage.names.prefix();
    let well = || surroundings(broker, prefix, database);
    let away = |scheme: &str| format!("{scheme}://me:me@127.0.0.1:{}/x", closed_port());
    let empty = TestDatabase::empty().await;
    let during = [
        (Incident::Letters, well()),
        (Incident::BrokerAway, surroundings(&away("amqp"), prefix, database)),
        (Incident::DatabaseAway, surroundings(broker, prefix, &away("postgres"))),
        (Incident::Drift, surroundings(broker, nowhere.prefix(), database)),
        (Incident::SchemaBehind, surroundings(broker, prefix, empty.url())),
        (Incident::PoliciesRefused, well()),
        (Incident::Violated, well()),
    ];
    let mut typed = BTreeMap::new();
    for (incident, during) in during {
        let mending = match incident {
            // What is missing is made where it is missing.
            Incident::Drift | Incident::SchemaBehind => during.clone(),
            Incident::Letters
            | Incident::BrokerAway
            | Incident::DatabaseAway
            | Incident::Violated
            | Incident::PoliciesRefused => well(),
        };
        if incident == Incident::Violated {
            let forget =
                "CREATE TABLE kept AS SELECT id, paid_at FROM orders WHERE status = 'paid';
                          UPDATE orders SET status = 'pending_payment', paid_at = NULL
                          WHERE status = 'paid'";
            stage.database.run(forget).await;
        }
        let count = type_all(incident, &stage.database, &Scene { during, mending }).await;
        println!("{incident:?}: {count} commands");
        typed.insert(incident, count);
    }
    let remember = "UPDATE orders SET status = 'paid', paid_at = kept.paid_at
                    FROM kept WHERE kept.id = orders.id; DROP TABLE kept";
    stage.database.run(remember).await;
    assert_eq!(typed.len(), INCIDENTS.len() + 1);
    assert!(typed.values().all(|count| *count >= 2), "{typed:?}");
    nowhere.delete().await;
    stage.finish().await;
}
