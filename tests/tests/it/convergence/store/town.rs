//! Many orders in one database, and what waits for their workers.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use contracts::{EventKind, OrderId};
use domain::timer::TimerKind;
use domain::{OrderState, Status};
use serde_json::{Value, json};
use store::orders::{self, Scope};
use store::violations::{self, Violation};
use store::{Database, DatabaseConfig, parked};
use testkit::shop::{self, ShopEvent};
use testkit::{TestDatabase, eventually};

use super::Balances;
use crate::convergence::fact::{Cause, Fact, Scene};
use crate::convergence::history::{Told, in_disorder};
use crate::convergence::picture::Announced;

/// The workers, by the names of their queues.
pub(crate) const WORKERS: [&str; 5] =
    ["order-created", "payment-attempted", "payment-timeout", "refund-requested", "dispute-opened"];

/// Takes everything out of the outbox, as a relay does; with what each refund is for.
const RELAY: &str = "
    WITH gone AS (DELETE FROM outbox RETURNING order_id, exchange, routing_key, body)
    SELECT json_build_array(
        gone.exchange, gone.routing_key, gone.order_id, refunds.id, refunds.request_key,
        convert_from(gone.body, 'UTF8')
    )::text
    FROM gone
    LEFT JOIN refunds
        ON gone.routing_key = 'refund.execute'
        AND refunds.order_id = gone.order_id
        AND refunds.id::text = convert_from(gone.body, 'UTF8')::json -> 'data' ->> 'refund_id'";

/// How many orders are read at once.
const PAGE: usize = 500;

/// What is on its way, and who works on it.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    queues: [VecDeque<Vec<u8>>; WORKERS.len()],
    /// How many batches are being applied.
    pub(crate) busy: u32,
    announced: HashMap<OrderId, Announced>,
}

/// The database, the queues, and a provider that knows what it will report.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) database: TestDatabase,
    pub(crate) waiting: Mutex<Waiting>,
    reports: HashMap<OrderId, (Scene, Vec<Fact>)>,
    timers: AtomicU32,
}

impl Town {
    /// A town in which nothing was delivered yet; messages of all orders wait, mixed.
    pub(crate) async fn new(scenes: &[Scene], histories: &[Vec<Told>]) -> Self {
        let mut messages = Vec::new();
        let mut reports = HashMap::new();
        for (scene, history) in scenes.iter().zip(histories) {
            for (place, arrival) in in_disorder(history).into_iter().enumerate() {
                let id = format!("{}-{}", scene.order, arrival.id);
                let event = scene.event(arrival.fact);
                messages.extend(event.map(|event| (place, event.id(&id))));
            }
            let facts = history.iter().map(|told| told.fact.clone());
            let of_refunds = facts.filter(|fact| matches!(fact, Fact::Refunded { .. }));
            reports.insert(scene.order(), (*scene, of_refunds.collect()));
        }
        // The sort is stable: what is in the same place comes order by order.
        messages.sort_by_key(|(place, _)| *place);
        let town = Self {
            database: TestDatabase::migrated().await,
            waiting: Mutex::default(),
            reports,
            timers: AtomicU32::default(),
        };
        for (_, event) in messages {
            town.send(&event);
        }
        town
    }

    pub(crate) fn config(&self) -> DatabaseConfig {
        DatabaseConfig::new(self.database.url().parse().unwrap(), "convergence")
    }

    pub(crate) fn send(&self, event: &ShopEvent) {
        let worker = worker_of(event.kind());
        self.waiting.lock().unwrap().queues[worker].push_back(event.body());
    }

    /// Puts messages back, as the broker does with what was not acknowledged.
    pub(crate) fn redeliver(&self, worker: usize, bodies: Vec<Vec<u8>>) {
        self.waiting.lock().unwrap().queues[worker].extend(bodies);
    }

    /// Takes up to `size` messages of some worker's queue; the caller is busy with them then.
    pub(crate) fn take(&self, first: usize, size: usize) -> Option<(usize, Vec<Vec<u8>>)> {
        let mut waiting = self.waiting.lock().unwrap();
        let workers = (0..WORKERS.len()).map(|offset| (first + offset) % WORKERS.len());
        let worker = workers.into_iter().find(|worker| !waiting.queues[*worker].is_empty())?;
        let queue = &mut waiting.queues[worker];
        let bodies = queue.drain(..size.min(queue.len())).collect();
        waiting.busy += 1;
        Some((worker, bodies))
    }

    /// Brings what the workers sent to where it goes: home, to the provider, or to who counts it.
    pub(crate) async fn relay(&self, database: &mut Database) {
        let released = database
            .within("release", async |transaction| {
                parked::release_stranded(transaction, 1_000).await
            })
            .await;
        // One that meets a lane over the same events comes again.
        released.map_or_else(|error: store::Error| println!("relay: {error}"), drop);
        for message in self.database.texts(RELAY).await {
            self.bring(&serde_json::from_str(&message).unwrap());
        }
    }

    fn bring(&self, message: &Value) {
        let text = |place: usize| message[place].as_str().unwrap_or_default();
        let (exchange, key) = (text(0), text(1));
        if exchange == "return" {
            let worker = WORKERS.iter().position(|worker| *worker == key).unwrap();
            self.redeliver(worker, vec![text(5).as_bytes().to_vec()]);
            return;
        }
        let order: OrderId = text(2).parse().unwrap();
        self.waiting.lock().unwrap().announced.entry(order).or_default().hear(key);
        if key == "refund.execute" {
            self.refund(order, text(3), Cause::of_key(text(4)));
        }
    }

    /// The provider does as it is told, and reports what it will, some of it twice.
    fn refund(&self, order: OrderId, refund: &str, cause: Cause) {
        let (scene, facts) = &self.reports[&order];
        for (number, fact) in facts.iter().enumerate() {
            let Fact::Refunded { cause: of, result, minute } = fact else { continue };
            if *of == cause {
                let event = shop::refund_updated(order, refund.parse().unwrap(), "submitted")
                    .with("status", json!(result))
                    .with("occurred_at", json!(scene.at(*minute)));
                let id = format!("{refund}-{number}");
                self.send(&event.clone().id(&id));
                self.send(&event.id(&format!("{id}{}", if number % 2 == 0 { "" } else { "-b" })));
            }
        }
    }

    /// Makes every payment timer fall due, and hands it over twice; answers how many.
    pub(crate) async fn fire_payment_timers(&self) -> usize {
        let timers = self
            .database
            .texts(
                "UPDATE timers SET due_at = now()
                 WHERE
                     status = 'armed' AND kind NOT IN ('dispute_evidence_due', 'refund_answer_due')
                 RETURNING json_build_array(kind, order_id, generation)::text",
            )
            .await;
        for timer in &timers {
            let timer: Value = serde_json::from_str(timer).unwrap();
            let kind = TimerKind::parse(timer[0].as_str().unwrap()).unwrap();
            let (order, generation) = (&timer[1], &timer[2]);
            let data = json!({
                "order_id": order, "generation": generation, "due_at": shop::at("12:30:00"),
            });
            for _ in 0..2 {
                let number = self.timers.fetch_add(1, Ordering::Relaxed);
                let event = ShopEvent::new(kind.event(), data.clone());
                self.send(&event.id(&format!("timer-{number}")));
            }
        }
        timers.len()
    }

    /// Whether nothing is on its way any more.
    pub(crate) async fn is_at_rest(&self) -> bool {
        let unsent = self.database.number("SELECT count(*) FROM outbox").await;
        let waiting = self.waiting.lock().unwrap();
        unsent == 0 && waiting.busy == 0 && waiting.queues.iter().all(VecDeque::is_empty)
    }

    pub(crate) async fn come_to_rest(&self, patience: Duration) {
        eventually(patience, "the orders come to rest", async || self.is_at_rest().await).await;
    }

    pub(crate) async fn violations(&self) -> Vec<Violation> {
        let mut database = Database::connect(&self.config()).await.unwrap();
        violations::all(&mut database).await.unwrap()
    }

    pub(crate) fn announced(&self, order: OrderId) -> Announced {
        self.waiting.lock().unwrap().announced.get(&order).copied().unwrap_or_default()
    }

    pub(crate) async fn states(&self, scenes: &[Scene]) -> HashMap<OrderId, OrderState> {
        let mut database = Database::connect(&self.config()).await.unwrap();
        let mut states = HashMap::new();
        for page in scenes.chunks(PAGE) {
            let ids: Vec<OrderId> = page.iter().map(|scene| scene.order()).collect();
            let mut transaction = database.begin("look").await.unwrap();
            states.extend(orders::load(&mut transaction, &ids, Scope::Order).await.unwrap());
            transaction.rollback().await.unwrap();
        }
        states
    }

    pub(crate) async fn balances(&self) -> Balances {
        let sql = "SELECT json_build_array(subject_id, account, debit_minor)::text FROM balances";
        let rows = self.database.texts(sql).await;
        let rows = rows.iter().map(|row| serde_json::from_str::<Value>(row).unwrap());
        let balance = |row: Value| {
            let order = row[0].as_str().unwrap().parse().unwrap();
            let account = Status::parse(row[1].as_str().unwrap()).unwrap();
            ((order, account), row[2].as_i64().unwrap())
        };
        rows.map(balance).collect()
    }
}

/// Which worker's queue an event is for.
pub(crate) fn worker_of(kind: EventKind) -> usize {
    match kind {
        EventKind::OrderCreated | EventKind::OrderCancelRequested | EventKind::ConsentWithdrawn => {
            0
        }
        EventKind::PaymentAttempted
        | EventKind::UnappliedDue
        | EventKind::ReserveReplied
        | EventKind::ReserveAnswerDue => 1,
        EventKind::PaymentTimeout | EventKind::PaymentReminder => 2,
        EventKind::RefundRequested
        | EventKind::RefundUpdated
        | EventKind::RefundReviewed
        | EventKind::RefundReviewDue => 3,
        EventKind::DisputeOpened
        | EventKind::DisputeUpdated
        | EventKind::EvidenceSubmitted
        | EventKind::DisputeMediated
        | EventKind::DisputeDeadline => 4,
    }
}
