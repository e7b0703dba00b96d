//! Each worker alone on a queue full of its events.

use std::time::Duration;

use anyhow::Result;
use contracts::Timestamp;
use serde::Serialize;
use testkit::shop::{ShopEvent, order_id, timeout};

use crate::cli::Settings;
use crate::drain::{Goal, drain};
use crate::mix;
use crate::results::{Figures, number};
use crate::site::Site;
use crate::stats::{float, rate};

/// One worker alone.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Alone {
    /// Its binary.
    pub(crate) worker: &'static str,
    /// Events in its queue.
    pub(crate) events: usize,
    /// Events in a second, from first to last commit.
    pub(crate) per_second: f64,
    /// Processor microseconds of the worker per event, its start included.
    pub(crate) worker_cpu_us: f64,
    /// Processor microseconds of the broker per event; none when it runs elsewhere.
    pub(crate) broker_cpu_us: Option<f64>,
    /// Processor microseconds of Postgres per event; none when it runs elsewhere.
    pub(crate) postgres_cpu_us: Option<f64>,
}

/// All of them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// In the order in which an order meets them.
    pub(crate) workers: Vec<Alone>,
}

/// Measures one worker after the other on one database, so that each finds its orders.
pub(crate) async fn run(settings: &Settings) -> Result<Figure> {
    let count: u32 = settings.choose(50_000, 5_000);
    let now = runtime::now();
    let mut bench = Bench { site: Site::new().await?, in_inbox: 0, workers: Vec::new() };
    let of = |event: fn(u32, Timestamp) -> ShopEvent, from: u32, to: u32| -> Vec<ShopEvent> {
        (from..to).map(|number| event(number, now)).collect()
    };
    bench.measure("order.created", of(mix::order, 0, count)).await?;
    let paid = of(|number, now| mix::pay(number, true, now), 0, count);
    bench.measure("payment.attempted", paid).await?;
    bench.measure("refund.requested", of(mix::refund, 0, count / 2)).await?;
    bench.measure("dispute.opened", of(mix::dispute, count / 2, count)).await?;
    bench.prepare(of(overdue, count, 2 * count)).await?;
    bench.measure("payment.timeout", of(end, count, 2 * count)).await?;
    let workers = bench.workers;
    bench.site.close().await?;
    Ok(Figure { workers })
}

/// The end of the payment window of an order that nobody paid.
fn ended(now: Timestamp) -> Timestamp {
    now.minus(Duration::from_secs(30))
}

fn overdue(number: u32, now: Timestamp) -> ShopEvent {
    mix::order(number, now).with("expires_at", ended(now).to_string())
}

fn end(number: u32, now: Timestamp) -> ShopEvent {
    timeout(order_id(number), 1, ended(now))
}

struct Bench {
    site: Site,
    in_inbox: usize,
    workers: Vec<Alone>,
}

impl Bench {
    async fn measure(&mut self, kind: &'static str, events: Vec<ShopEvent>) -> Result<()> {
        let alone = self.drain(kind, &events).await?;
        self.workers.push(alone);
        Ok(())
    }

    /// Works off events that only make ready what comes next.
    async fn prepare(&mut self, events: Vec<ShopEvent>) -> Result<()> {
        self.drain("order.created", &events).await.map(drop)
    }

    async fn drain(&mut self, kind: &'static str, events: &[ShopEvent]) -> Result<Alone> {
        let worker = events.first().map_or("order-created", |event| mix::worker(event.kind()));
        eprintln!("{worker} alone ...");
        // Straight to the queue, as nobody publishes our own timers.
        self.site.send_home(events).await?;
        self.in_inbox += events.len();
        let goal =
            Goal { in_inbox: self.in_inbox, messages: events.len(), sent: false, kinds: &[kind] };
        let drained = drain(&self.site, self.site.fleet(), &[worker], goal).await?;
        let each = |seconds: f64| seconds * 1e6 / float(events.len().max(1));
        Ok(Alone {
            worker,
            events: events.len(),
            per_second: rate(events.len(), drained.commits.seconds()),
            worker_cpu_us: each(drained.costs.workers_cpu_s),
            broker_cpu_us: drained.costs.broker_cpu_s.map(each),
            postgres_cpu_us: drained.costs.postgres_cpu_s.map(each),
        })
    }
}

impl Figures for Figure {
    const PART: &'static str = "workers";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let header = vec!["worker", "events", "events/s", "worker CPU µs", "broker", "Postgres"];
        let rows = self.workers.iter().map(|alone| {
            let known = |us: Option<f64>| us.map_or_else(|| "unknown".to_owned(), number);
            vec![
                alone.worker.to_owned(),
                number(float(alone.events)),
                number(alone.per_second),
                number(alone.worker_cpu_us),
                known(alone.broker_cpu_us),
                known(alone.postgres_cpu_us),
            ]
        });
        (header, rows.collect())
    }
}
