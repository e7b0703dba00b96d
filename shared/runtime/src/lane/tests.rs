//! Lanes over a real database, with rules that fail in every way.

use std::collections::BTreeSet;
use std::sync::Arc;

use broker::{Delivery, Properties};
use contracts::Envelope;
use contracts::events::{OrderCreated, OrderEvent};
use domain::order::{Order, OrderStatus};
use domain::{
    Decision, Draft, Moment, OrderState, Outcome, OutcomeCode, ParkKey, PolicyBook, Rules,
};
use telemetry::WorkerMetrics;
use testkit::TestDatabase;
use testkit::shop::{ShopEvent, order_created, order_id};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::Settings;
use crate::failure::FailureClass;

/// Opens orders; the customer says what goes wrong.
#[derive(Default)]
struct Moody(PolicyBook);

impl Rules for Moody {
    type Event = OrderEvent;

    fn book(&self) -> &PolicyBook {
        &self.0
    }

    fn decide(&self, state: &OrderState, message: &Envelope<OrderEvent>, at: Moment) -> Decision {
        let OrderEvent::Created(created) = &message.event else {
            panic!("only orders are sent here")
        };
        if state.order.is_some() {
            return Decision::noop(OutcomeCode::AlreadyOpen);
        }
        match created.customer_ref.as_str() {
            "panic" => panic!("as the test wants"),
            "park" => Decision::park(ParkKey::Order(created.order_id), at.now),
            mood => {
                let mut draft = Draft::new(state, message, at.now);
                draft.put_order(order(created, mood), None);
                match mood {
                    "quarantine" => Decision::quarantine(OutcomeCode::FactConflict, draft.finish()),
                    _ => Decision::apply(draft.finish()),
                }
            }
        }
    }
}

fn order(created: &OrderCreated, mood: &str) -> Order {
    // The database refuses an order whose window is empty.
    let window = std::time::Duration::from_secs(u64::from(mood != "refuse"));
    Order {
        id: created.order_id,
        merchant_id: created.merchant_id.clone(),
        customer_ref: created.customer_ref.clone(),
        total: created.total,
        status: OrderStatus::PendingPayment,
        revision: created.revision,
        amount_changed: false,
        placed_at: created.placed_at,
        expires_at: created.placed_at.plus(window),
        method: None,
        policy_version: domain::PolicyBook::default().version().clone(),
        locale: None,
        reservation_id: None,
        lines: Vec::new(),
        consent: None,
        paid_at: None,
        closed_at: None,
        close_reason: None,
        held_since: None,
        shortfall: None,
        stock_released_at: None,
        history_len: 0,
        ledger_len: 0,
        version: 0,
    }
}

struct Outcomes {
    finished: BTreeSet<u64>,
    failed: Vec<(u64, Failure)>,
    down: bool,
}

/// Runs a lane over these events, delivered with tags from 1, until it has nothing left to do.
async fn run_lane(database: &TestDatabase, batch: usize, events: &[ShopEvent]) -> Outcomes {
    let deliveries = events.iter().map(|event| (event, 0));
    run_deliveries(database, batch, deliveries.collect()).await
}

async fn run_deliveries(
    database: &TestDatabase,
    batch: usize,
    events: Vec<(&ShopEvent, u32)>,
) -> Outcomes {
    run_with(&settings(database, batch), events).await
}

fn settings(database: &TestDatabase, batch: usize) -> Settings {
    Settings {
        amqp_url: Some("amqp://127.0.0.1".to_owned()),
        database_url: Some(database.url().to_owned()),
        batch: Some(batch.to_string()),
        key_file: Some(testkit::key_file()),
        ..Settings::default()
    }
}

async fn run_with(settings: &Settings, events: Vec<(&ShopEvent, u32)>) -> Outcomes {
    run_configured(Config::resolve(settings, "test").unwrap(), events).await
}

/// Runs a lane that waits for nothing for long: 300 ms for a statement, 200 ms for a lock.
async fn run_impatient(database: &TestDatabase, events: &[ShopEvent]) -> Outcomes {
    let mut config = Config::resolve(&settings(database, 500), "test").unwrap();
    config.database.statement_timeout = Duration::from_millis(300);
    config.database.lock_timeout = Duration::from_millis(200);
    run_configured(config, events.iter().map(|event| (event, 0)).collect()).await
}

async fn run_configured(config: Config, events: Vec<(&ShopEvent, u32)>) -> Outcomes {
    let config = Arc::new(config);
    let connection = Database::connect(&config.database).await.unwrap();
    let shared = Arc::new(LaneShared {
        worker: "test",
        queue: "orderflow.order-created".to_owned(),
        rules: tokio::sync::watch::channel(Arc::new(Moody::default())).1,
        config,
        metrics: Arc::new(WorkerMetrics::new("test", ["order.created"])),
    });
    let (jobs, queue) = unbounded_channel();
    for (tag, (event, delivery_count)) in (1..).zip(events) {
        jobs.send(job(tag, event, delivery_count)).unwrap();
    }
    drop(jobs);
    let (finished, finished_tags) = unbounded_channel();
    let (failed, failures) = unbounded_channel();
    let (trouble, mut troubles) = unbounded_channel();
    run(shared, connection, queue, LaneReports { finished, failed, trouble }).await;
    let failed = drain(failures).await;
    Outcomes {
        finished: drain(finished_tags).await.into_iter().collect(),
        failed: failed.into_iter().map(|failed| (failed.delivery.tag, failed.failure)).collect(),
        down: troubles.recv().await.is_some(),
    }
}

fn job(tag: u64, event: &ShopEvent, delivery_count: u32) -> Job<OrderEvent> {
    let delivery = Delivery {
        tag,
        redelivered: delivery_count > 0,
        delivery_count,
        exchange: "shop.events".to_owned(),
        routing_key: "order.created".to_owned(),
        properties: Properties::default(),
        body: event.body(),
    };
    Job { delivery, envelope: event.decoded(), attempt: 1, span: None }
}

async fn drain<T>(mut receiver: UnboundedReceiver<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(item) = receiver.recv().await {
        all.push(item);
    }
    all
}

fn moody(number: u32, mood: &str) -> ShopEvent {
    order_created(order_id(number)).with("customer_ref", mood)
}

fn good(numbers: std::ops::Range<u32>) -> Vec<ShopEvent> {
    numbers.map(|number| moody(number, "good")).collect()
}

#[tokio::test]
async fn a_message_that_the_database_refuses_fails_alone_and_the_rest_is_applied() {
    let database = TestDatabase::migrated().await;
    let mut events = good(0..60);
    events.insert(17, moody(100, "refuse"));
    events.insert(41, moody(101, "refuse"));
    let outcomes = run_lane(&database, 500, &events).await;
    let failed: Vec<_> =
        outcomes.failed.iter().map(|(tag, failure)| (*tag, failure.class)).collect();
    let class = FailureClass::DatabasePermanent;
    assert_eq!(failed, [(18, class), (42, class)]);
    assert_eq!(outcomes.finished.len(), 60);
    assert_eq!(database.number("SELECT count(*) FROM orders").await, 60);
    assert_eq!(database.number("SELECT count(*) FROM inbox").await, 60);
}

#[tokio::test]
async fn a_panic_is_its_own_message_s_fault_and_leaves_nothing_claimed() {
    let database = TestDatabase::migrated().await;
    let mut events = good(0..10);
    events.insert(4, moody(100, "panic"));
    let outcomes = run_lane(&database, 500, &events).await;
    assert_eq!(outcomes.failed, [(5, Failure::panic())]);
    assert_eq!(outcomes.finished.len(), 10);
    assert_eq!(database.number("SELECT count(*) FROM inbox").await, 10);
    // Once the rules are mended the same message is applied, not taken for a duplicate.
    let mended = moody(100, "good").id(events[4].json()["id"].as_str().unwrap());
    let outcomes = run_lane(&database, 500, &[mended]).await;
    assert!(outcomes.failed.is_empty());
    assert_eq!(database.number("SELECT count(*) FROM orders").await, 11);
}

#[tokio::test]
async fn duplicates_within_and_across_batches_are_applied_once() {
    let database = TestDatabase::migrated().await;
    let mut events = good(0..10);
    events.extend(good(0..10));
    for batch in [500, 3] {
        let outcomes = run_lane(&database, batch, &events).await;
        assert_eq!((outcomes.finished.len(), outcomes.failed.len()), (20, 0));
    }
    assert_eq!(database.number("SELECT count(*) FROM orders").await, 10);
    assert_eq!(database.number("SELECT sum(deliveries)::bigint FROM inbox").await, 40);
}

#[tokio::test]
async fn the_same_id_with_another_body_fails_and_the_first_stays() {
    let database = TestDatabase::migrated().await;
    let events = [moody(1, "good").id("e-1"), moody(2, "good").id("e-1")];
    let outcomes = run_lane(&database, 500, &events).await;
    let conflict = Failure::conflict(OutcomeCode::IdReuse);
    assert_eq!(outcomes.failed, [(2, conflict)]);
    assert_eq!(database.number("SELECT count(*) FROM orders").await, 1);
}

#[tokio::test]
async fn what_is_quarantined_fails_again_when_its_dead_letter_was_not_published() {
    let database = TestDatabase::migrated().await;
    let events = [moody(1, "quarantine")];
    for _redelivery in 0..2 {
        let outcomes = run_lane(&database, 500, &events).await;
        assert_eq!(outcomes.failed.len(), 1);
        assert!(outcomes.finished.is_empty());
    }
}

#[tokio::test]
async fn a_parked_event_is_kept_with_its_queue_and_bytes() {
    let database = TestDatabase::migrated().await;
    let event = moody(1, "park");
    let settings =
        Settings { key_file: None, encryption: Some("off".to_owned()), ..settings(&database, 500) };
    let outcomes = run_with(&settings, vec![(&event, 0)]).await;
    assert_eq!(outcomes.finished.len(), 1);
    let kept = "SELECT queue || ' ' || convert_from(body, 'UTF8') FROM parked_events";
    let body = String::from_utf8(event.body()).unwrap();
    assert_eq!(database.texts(kept).await, [format!("orderflow.order-created {body}")]);
}

#[tokio::test]
async fn a_database_that_goes_away_is_no_message_s_fault() {
    let database = TestDatabase::migrated().await;
    let locks = "ALTER DATABASE %I SET default_transaction_read_only = on";
    let statement = format!("DO $$ BEGIN EXECUTE format('{locks}', current_database()); END $$");
    database.run(&statement).await;
    let outcomes = run_lane(&database, 500, &good(0..5)).await;
    assert!(outcomes.down && outcomes.finished.is_empty() && outcomes.failed.is_empty());
}

#[test]
fn a_suspect_is_handled_alone_and_in_its_place() {
    let events = good(0..5);
    let counts = [0, 1, 2, 0, 7];
    let jobs: Vec<_> =
        events.iter().zip(counts).map(|(event, count)| job(1, event, count)).collect();
    assert_eq!(groups(&jobs), [0..2, 2..3, 3..4, 4..5]);
    assert_eq!(groups(&jobs[..2]).len(), 1);
}

#[tokio::test]
async fn suspects_do_not_share_a_transaction_with_their_neighbours() {
    let database = TestDatabase::migrated().await;
    let events = good(0..4);
    let deliveries = events.iter().zip([0, 3, 0, 0]).collect();
    let outcomes = run_deliveries(&database, 500, deliveries).await;
    assert_eq!(outcomes.finished.len(), 4);
    let transactions = "SELECT count(DISTINCT xmin::text) FROM orders";
    assert_eq!(database.number(transactions).await, 3);
}

#[test]
fn outcomes_that_commit_are_done_and_quarantine_is_not() {
    let quarantined = Outcome::Quarantined(OutcomeCode::FactConflict);
    assert!(matches!(batch::verdict(&quarantined), Verdict::Failed(_)));
    assert!(matches!(batch::verdict(&Outcome::Applied), Verdict::Done(_)));
}

/// Lets the database sleep over rows of this table that a condition holds for.
async fn sleep_over(database: &TestDatabase, table: &str, condition: &str) {
    let statements = format!(
        "CREATE FUNCTION sleep_over_{table}() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
         CREATE TRIGGER sleep_over BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition})
             EXECUTE FUNCTION sleep_over_{table}()"
    );
    database.run(&statements).await;
}

#[tokio::test]
async fn a_table_that_somebody_holds_is_no_message_s_fault() {
    let database = TestDatabase::migrated().await;
    for table in ["orders", "inbox", "history"] {
        let held = database.hold(&format!("LOCK TABLE {table} IN SHARE MODE")).await;
        let outcomes = run_impatient(&database, &good(0..5)).await;
        assert!(outcomes.down && outcomes.finished.is_empty() && outcomes.failed.is_empty());
        held.release().await;
    }
    let outcomes = run_impatient(&database, &good(0..5)).await;
    assert_eq!(outcomes.finished.len(), 5);
}

#[tokio::test]
async fn an_order_that_somebody_holds_waits_alone_and_is_not_counted() {
    let database = TestDatabase::migrated().await;
    let lanes = Config::resolve(&settings(&database, 500), "test").unwrap();
    let mut other = Database::connect(&lanes.database).await.unwrap();
    let mut holder = other.begin("holder").await.unwrap();
    store::locks::lock_orders(&mut holder, &[order_id(3)]).await.unwrap();
    let outcomes = run_impatient(&database, &good(0..8)).await;
    assert!(!outcomes.down);
    assert_eq!(outcomes.finished.len(), 7);
    let [(4, failure)] = &outcomes.failed[..] else { panic!("{:?}", outcomes.failed) };
    assert_eq!((failure.class, failure.code), (FailureClass::DatabaseBusy, "lock-timeout"));
    assert!(failure.class.is_transient() && !failure.class.counts());
    holder.rollback().await.unwrap();
}

#[tokio::test]
async fn a_message_over_which_the_database_sleeps_fails_alone_and_is_counted() {
    let database = TestDatabase::migrated().await;
    sleep_over(&database, "orders", "NEW.customer_ref = 'sleepy'").await;
    let mut events = good(0..8);
    events.insert(4, moody(100, "sleepy"));
    let outcomes = run_impatient(&database, &events).await;
    assert!(!outcomes.down);
    assert_eq!(outcomes.finished.len(), 8);
    let [(5, failure)] = &outcomes.failed[..] else { panic!("{:?}", outcomes.failed) };
    let expected = (FailureClass::DatabaseTransient, "statement-timeout");
    assert_eq!((failure.class, failure.code), expected);
    assert!(failure.class.counts());
    // Nothing is left of the rows by which the database was tried.
    assert_eq!(database.number("SELECT count(*) FROM suspects").await, 0);
}

#[tokio::test]
async fn a_database_that_sleeps_over_everything_is_no_message_s_fault() {
    let database = TestDatabase::migrated().await;
    for table in ["orders", "suspects"] {
        sleep_over(&database, table, "true").await;
    }
    let outcomes = run_impatient(&database, &good(0..5)).await;
    assert!(outcomes.down && outcomes.finished.is_empty() && outcomes.failed.is_empty());
}

#[tokio::test]
async fn a_suspect_that_meets_a_held_table_is_not_taken_for_what_ends_its_worker() {
    let database = TestDatabase::migrated().await;
    let events = good(0..1);
    let held = database.hold("LOCK TABLE orders IN SHARE MODE").await;
    for _redelivery in 0..5 {
        let mut config = Config::resolve(&settings(&database, 500), "test").unwrap();
        config.database.lock_timeout = Duration::from_millis(100);
        let outcomes = run_configured(config, vec![(&events[0], 2)]).await;
        assert!(outcomes.down && outcomes.failed.is_empty(), "{:?}", outcomes.failed);
    }
    held.release().await;
    let outcomes = run_deliveries(&database, 500, vec![(&events[0], 2)]).await;
    assert_eq!(outcomes.finished.len(), 1);
}

#[tokio::test]
async fn what_comes_before_it_is_time_for_a_transaction_belongs_to_it() {
    let (jobs, mut queue) = unbounded_channel();
    let later = Instant::now() + Duration::from_millis(200);
    let (mut taken, mut whole) = (vec![0], vec![7, 8, 9]);
    // A whole batch waits for nothing.
    let soon = Instant::now() + Duration::from_hours(1);
    gather(&mut queue, &mut whole, 3, soon).await;
    assert_eq!(whole, [7, 8, 9]);
    let arrives = async {
        for job in 1..=4 {
            jobs.send(job).unwrap();
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(gather(&mut queue, &mut taken, 4, later), arrives);
    assert!(Instant::now() >= later);
    assert_eq!(taken, [0, 1, 2, 3]);
    assert_eq!(queue.try_recv(), Ok(4));
}
