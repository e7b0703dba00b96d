//! A worker: rules over the engine, kept running.

use std::process::ExitCode;
use std::sync::Arc;

use broker::topology::WorkerRoute;
use broker::{PublisherConfig, Session};
use contracts::events::{DisputeEvent, OrderEvent, PaymentEvent, RefundEvent, TimerEvent};
use contracts::{Event, EventKind};
use domain::{PolicyBook, Rules};
use telemetry::WorkerMetrics;
use telemetry::happenings::BreakerMoved;
use tokio::sync::watch;

use crate::connect::{database_ready, topology_ready};
use crate::intake::{Round, RoundEnd};
use crate::lane::LaneShared;
use crate::policies::LivePolicies;
use crate::process::{Process, run};
use crate::sessions::sessions;

/// A worker binary that runs rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerInfo {
    /// Its name, also of its queue.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// What it consumes.
    pub kinds: &'static [EventKind],
    /// What of that shops publish; our own timers come by the way home.
    pub routing_keys: &'static [&'static str],
}

/// Every worker that runs rules.
pub const WORKERS: [WorkerInfo; 5] = [
    WorkerInfo {
        name: "order-created",
        about: "Opens orders, starts their payment windows, cancels them, notes withdrawn consent.",
        kinds: OrderEvent::KINDS,
        routing_keys: &["order.created", "order.cancel_requested", "customer.consent_withdrawn"],
    },
    WorkerInfo {
        name: "payment-attempted",
        about: "Records payments, pays orders, sends back money that cannot be kept.",
        kinds: PaymentEvent::KINDS,
        routing_keys: &["payment.attempted", "inventory.reserve_replied"],
    },
    WorkerInfo {
        name: "payment-timeout",
        about: "Reminds buyers, expires unpaid orders, releases their stock once.",
        kinds: TimerEvent::KINDS,
        routing_keys: &[],
    },
    WorkerInfo {
        name: "refund-requested",
        about: "Decides refunds, orders them, books what providers report of them.",
        kinds: RefundEvent::KINDS,
        routing_keys: &["refund.requested", "refund.updated", "refund.reviewed"],
    },
    WorkerInfo {
        name: "dispute-opened",
        about: "Tracks disputes, their deadlines, and the money they hold.",
        kinds: DisputeEvent::KINDS,
        routing_keys: &[
            "dispute.opened",
            "dispute.updated",
            "dispute.evidence_submitted",
            "dispute.mediated",
        ],
    },
];

/// The queues of all workers and the routing keys that shops reach them by.
pub fn worker_routes() -> Vec<WorkerRoute<'static>> {
    let route =
        |info: &WorkerInfo| WorkerRoute { worker: info.name, routing_keys: info.routing_keys };
    WORKERS.iter().map(route).collect()
}

/// Runs the worker of this name until it is asked to stop.
///
/// Rules are made anew whenever the shops' choices change.
pub fn run_worker<R: Rules>(name: &'static str, rules: fn(PolicyBook) -> R) -> ExitCode {
    let about = WORKERS.iter().find(|worker| worker.name == name).map_or("", |info| info.about);
    run(name, about, async move |process| {
        let rules = follow(&process.config.policies, rules);
        Worker::new(process, rules).run().await
    })
}

/// The rules by the choices in force, and by each later set of them.
fn follow<R: Rules>(policies: &LivePolicies, make: fn(PolicyBook) -> R) -> watch::Receiver<Arc<R>> {
    let (rules, current) = watch::channel(Arc::new(make(policies.current())));
    let mut changes = policies.changes();
    tokio::spawn(async move {
        while changes.changed().await.is_ok() {
            let book = changes.borrow_and_update().clone();
            rules.send_replace(Arc::new(make(book)));
        }
    });
    current
}

struct Worker<R: Rules> {
    process: Process,
    shared: Arc<LaneShared<R>>,
}

impl<R: Rules> Worker<R> {
    fn new(process: Process, rules: watch::Receiver<Arc<R>>) -> Self {
        let worker = process.worker;
        let kinds = R::Event::KINDS.iter().map(|kind| kind.name());
        telemetry::series::of_replayed(&process.config.names.work_queue(worker));
        let shared = Arc::new(LaneShared {
            worker,
            queue: process.config.names.work_queue(worker),
            rules,
            config: Arc::clone(&process.config),
            metrics: Arc::new(WorkerMetrics::new(worker, kinds)),
        });
        Self { process, shared }
    }

    /// One session after the other, until the process is asked to stop.
    async fn run(self) -> anyhow::Result<()> {
        sessions(&self.process, async |session| self.rounds(session).await).await;
        Ok(())
    }

    /// Round after round on one session; returns when asked to stop.
    async fn rounds(&self, session: &Session) -> anyhow::Result<()> {
        topology_ready(&self.process.config, session).await?;
        let mut stop = self.process.stop.clone();
        loop {
            let Some(databases) = self.databases().await else { return Ok(()) };
            let prefetch = self.process.config.prefetch;
            let consumer = session.consumer(&self.shared.queue, prefetch).await?;
            let publisher = session.publisher(PublisherConfig::default()).await?;
            self.shared.metrics.prefetch(prefetch);
            self.breaker(None);
            self.process.health.ready();
            let round = Round::start(Arc::clone(&self.shared), consumer, publisher, databases);
            match round.run(&mut stop).await {
                RoundEnd::Stopped => return Ok(()),
                RoundEnd::Database(error) => {
                    let why = format!("database: {error} ({})", error.code());
                    self.process.health.not_ready(why);
                    self.breaker(Some((error.code(), &error.to_string())));
                }
                RoundEnd::Consumer(end) => {
                    // With the broker's own words, which may be all that explains it.
                    let cause = end.cause();
                    anyhow::bail!("{:#} ({cause})", anyhow::Error::new(end));
                }
                RoundEnd::Broker(why) => anyhow::bail!(why),
            }
        }
    }

    /// A connection for each lane; the first one is the probe while the breaker is open.
    async fn databases(&self) -> Option<Vec<store::Database>> {
        let mut databases = Vec::with_capacity(self.process.config.lanes);
        let mut waiting = self.process.waiting();
        while databases.len() < self.process.config.lanes {
            databases.push(database_ready(&self.process.config, &mut waiting).await?);
        }
        Some(databases)
    }

    fn breaker(&self, open: Option<(&'static str, &str)>) {
        BreakerMoved { worker: self.process.worker, open }.emit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use broker::topology::{accounts, accounts_json};
    use broker::{DelayProvider, Names};

    #[test]
    fn the_shipped_accounts_are_those_of_the_topology() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ops/rabbitmq/accounts.json");
        let shipped = std::fs::read_to_string(file).unwrap();
        let shipped: serde_json::Value = serde_json::from_str(&shipped).unwrap();
        let accounts = accounts(&Names::default(), &worker_routes(), DelayProvider::Ladder);
        let rendered = accounts_json(&accounts, "/");
        assert_eq!(shipped, rendered, "write it anew: orderctl topology accounts > {file}");
    }

    #[test]
    fn shops_reach_every_queue_by_exactly_the_names_of_their_events() {
        for worker in WORKERS {
            let from_shops = worker.kinds.iter().filter(|kind| kind.from_shop());
            let names: Vec<_> = from_shops.map(|kind| kind.name()).collect();
            assert_eq!(names, worker.routing_keys, "{}", worker.name);
        }
    }
}
