//! Two or more workers over one order at the same moment, a thousand times each.

use std::time::Instant;

use contracts::AttemptId;
use domain::Policies;
use store::{Database, DatabaseConfig, violations};
use testkit::TestDatabase;
use testkit::shop::{self, ShopEvent, at, attempt_id, order_id};
use tokio::sync::Barrier;

use super::event::Books;
use super::store::lanes::apply;
use super::store::town::worker_of;

/// How many orders are fought over.
const ROUNDS: u32 = 1_000;

/// How many orders are made ready in one batch.
const BATCH: usize = 200;

/// The rules over a database of the test's own.
struct Ring {
    database: TestDatabase,
    books: Books,
}

impl Ring {
    async fn new() -> Self {
        Self { database: TestDatabase::migrated().await, books: Books::new(&Policies::default()) }
    }

    async fn connect(&self) -> Database {
        let url = self.database.url().parse().unwrap();
        Database::connect(&DatabaseConfig::new(url, "duels")).await.unwrap()
    }

    /// Applies events of one worker in one batch.
    async fn apply(&self, database: &mut Database, events: &[ShopEvent]) {
        let bodies = events.iter().map(ShopEvent::body).collect();
        let worker = worker_of(events[0].kind());
        apply(&self.books, worker, database, bodies).await.unwrap();
    }

    /// Makes something happen to the order of every round.
    async fn prepare(&self, event: impl Fn(u32) -> ShopEvent) {
        let mut database = self.connect().await;
        let events: Vec<_> = (1..=ROUNDS).map(event).collect();
        for events in events.chunks(BATCH) {
            self.apply(&mut database, events).await;
        }
    }

    /// Does something to every order in turn, together with all others who do.
    async fn fight(&self, start: &Barrier, event: impl Fn(u32) -> ShopEvent) {
        let mut database = self.connect().await;
        for number in 1..=ROUNDS {
            let event = event(number);
            start.wait().await;
            self.apply(&mut database, &[event]).await;
        }
    }

    async fn check_invariants(&self) {
        assert_eq!(violations::all(&mut self.connect().await).await.unwrap(), []);
    }
}

fn placed(number: u32) -> ShopEvent {
    let now = serde_json::json!(runtime::now());
    shop::order_created(order_id(number))
        .with("placed_at", now)
        .with("customer_ref", format!("c-{number}"))
}

fn captured(number: u32) -> ShopEvent {
    let attempt: AttemptId = attempt_id(number);
    shop::captured(order_id(number), attempt, 10_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_058_of_concurrent_refunds_never_more_than_the_capture_is_approved() {
    let ring = Ring::new().await;
    ring.prepare(placed).await;
    ring.prepare(captured).await;
    let start = Barrier::new(4);
    let wish = |key: &'static str| {
        ring.fight(&start, move |number| shop::refund_requested(order_id(number), key, 3_500))
    };
    let started = Instant::now();
    tokio::join!(wish("a"), wish("b"), wish("c"), wish("d"));
    let seconds = started.elapsed().as_secs_f64();
    let sums = "SELECT count(*) || ' orders with ' || refunded || ' of 10000 refunded' FROM (
        SELECT sum(amount_minor) FILTER (WHERE status = 'approved') AS refunded
        FROM refunds GROUP BY order_id
    ) AS refunds GROUP BY refunded";
    let sums = ring.database.texts(sums).await;
    println!("4 refunders of 3500 each, {ROUNDS} rounds: {sums:?}, {seconds:.1} s");
    assert_eq!(sums, [format!("{ROUNDS} orders with 7000 of 10000 refunded")]);
    ring.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_002_payment_against_timeout_never_ends_both_ways_and_never_neither() {
    let ring = Ring::new().await;
    ring.prepare(placed).await;
    ring.database.run("UPDATE timers SET due_at = now() WHERE kind = 'payment_timeout'").await;
    let start = Barrier::new(2);
    let started = Instant::now();
    let timeout = |number| shop::timeout(order_id(number), 1, at("12:30:00"));
    tokio::join!(ring.fight(&start, captured), ring.fight(&start, timeout));
    let seconds = started.elapsed().as_secs_f64();
    let orders = |status: &str| format!("SELECT count(*) FROM orders WHERE status = '{status}'");
    let paid = ring.database.number(&orders("paid")).await;
    let expired = ring.database.number(&orders("expired")).await;
    println!(
        "payment against timeout, {ROUNDS} rounds: {paid} paid, {expired} expired, {seconds:.1} s"
    );
    assert_eq!(paid + expired, i64::from(ROUNDS), "neither");
    let both = "SELECT count(*) FROM (
        SELECT order_id FROM outbox WHERE routing_key IN ('order.paid', 'order.expired')
        GROUP BY order_id HAVING count(*) > 1
    ) AS orders";
    assert_eq!(ring.database.number(both).await, 0, "both");
    let refunds = "SELECT count(*) FROM refunds WHERE status = 'approved' AND amount_minor = 10000";
    assert_eq!(ring.database.number(refunds).await, expired, "late money goes back");
    ring.check_invariants().await;
}
