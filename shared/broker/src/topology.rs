//! Every exchange, queue and binding of a deployment, as data.

mod access;
mod apply;
mod arguments;
mod definitions;
mod ladder;
mod verify;

use serde::Serialize;

use crate::{DelayProvider, Names};

pub use access::{Account, accounts, accounts_json};
pub use arguments::{Argument, Arguments};
pub use verify::{Drift, Object};

/// How often the broker hands over a message that keeps killing its consumer.
///
/// It counts what our own retries never see: crashes and lost channels. Those also hit messages
/// that were only prefetched, so it must stay far above the restarts a message may sit through;
/// brokers before 4.3 count a requeue as well. Beyond it the message is dead-lettered.
pub const WORK_DELIVERY_LIMIT: i64 = 50;

/// Stands for no delivery limit, on every broker version.
///
/// Leaving the limit out means 20 from 4.0 on; -1 means unlimited there, and dead-lettering at
/// the first requeue before. With any limit, a requeued message keeps its place in the queue.
pub const NO_DELIVERY_LIMIT: i64 = i32::MAX as i64;

/// Everything a deployment has on the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topology {
    /// All exchanges.
    pub exchanges: Vec<Exchange>,
    /// All queues.
    pub queues: Vec<Queue>,
    /// All bindings.
    pub bindings: Vec<Binding>,
}

/// A worker and the routing keys its queue takes from the inbound exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerRoute<'a> {
    /// Name of the worker, such as `payment-attempted`.
    pub worker: &'a str,
    /// Event names; none for a worker that only takes what we send ourselves.
    pub routing_keys: &'a [&'a str],
}

/// A durable exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// Its name.
    pub name: String,
    /// How it routes.
    #[serde(rename = "type")]
    pub kind: ExchangeKind,
    /// What else it was declared with.
    pub arguments: Arguments,
}

/// How an exchange routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum ExchangeKind {
    /// By the exact routing key.
    #[serde(rename = "direct")]
    Direct,
    /// To everything bound.
    #[serde(rename = "fanout")]
    Fanout,
    /// By patterns over the words of the routing key.
    #[serde(rename = "topic")]
    Topic,
    /// By the delay plugin, after the time in header `x-delay`.
    #[serde(rename = "x-delayed-message")]
    Delayed,
}

/// A durable quorum queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// What it was declared with.
    pub arguments: Arguments,
}

/// A way from an exchange to a queue or to another exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Binding {
    /// The exchange messages come from.
    pub source: String,
    /// Where they go.
    pub destination: String,
    /// What `destination` is.
    pub destination_type: DestinationKind,
    /// The routing key, or the pattern, that lets them pass.
    pub routing_key: String,
}

/// What a binding leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DestinationKind {
    /// A queue.
    Queue,
    /// An exchange.
    Exchange,
}

impl Topology {
    /// All that `workers` need; the exchange of the delay plugin only if it is to be used.
    pub fn of(names: &Names, workers: &[WorkerRoute<'_>], delay: DelayProvider) -> Self {
        let mut topology = Self::shared(names);
        ladder::add(&mut topology, names);
        if delay == DelayProvider::Plugin {
            // An alternate exchange here would take every message at once: until the delay is
            // over, the plugin tells the broker that no queue matches.
            let arguments = Arguments::of([("x-delayed-type", "direct".into())]);
            topology.exchange(names.delayed_exchange(), ExchangeKind::Delayed, arguments);
        }
        for route in workers {
            topology.worker(names, route, delay);
        }
        topology
    }

    fn shared(names: &Names) -> Self {
        let mut topology = Self { exchanges: Vec::new(), queues: Vec::new(), bindings: Vec::new() };
        let unroutable = names.unroutable();
        let parked = || Arguments::of([("alternate-exchange", unroutable.as_str().into())]);
        topology.exchange(names.inbound(), ExchangeKind::Topic, parked());
        // Announcements may have no subscriber. Commands are mandatory and come back to us.
        topology.exchange(names.outbound(), ExchangeKind::Topic, Arguments::default());
        topology.exchange(names.return_exchange(), ExchangeKind::Direct, parked());
        topology.exchange(names.dead_exchange(), ExchangeKind::Direct, Arguments::default());
        topology.exchange(unroutable.clone(), ExchangeKind::Fanout, Arguments::default());
        topology.queue(unroutable.clone(), resting_place());
        topology.bind_queue(&unroutable, &unroutable, "");
        topology
    }

    fn worker(&mut self, names: &Names, route: &WorkerRoute<'_>, delay: DelayProvider) {
        let (queue, dead) = (names.work_queue(route.worker), names.dead_queue(route.worker));
        self.queue(queue.clone(), work_arguments(names, &queue));
        self.queue(dead.clone(), resting_place());
        self.bind_queue(&names.dead_exchange(), &dead, &queue);
        self.bind_queue(&names.return_exchange(), &queue, &queue);
        self.bind_queue(&names.ladder_home(), &queue, &format!("#.{queue}"));
        if delay == DelayProvider::Plugin {
            self.bind_queue(&names.delayed_exchange(), &queue, &queue);
        }
        for key in route.routing_keys {
            self.bind_queue(&names.inbound(), &queue, key);
        }
    }

    fn exchange(&mut self, name: String, kind: ExchangeKind, arguments: Arguments) {
        self.exchanges.push(Exchange { name, kind, arguments });
    }

    fn queue(&mut self, name: String, arguments: Arguments) {
        self.queues.push(Queue { name, arguments });
    }

    fn bind_queue(&mut self, source: &str, queue: &str, routing_key: &str) {
        self.bind(source, queue, DestinationKind::Queue, routing_key);
    }

    fn bind_exchange(&mut self, source: &str, exchange: &str, routing_key: &str) {
        self.bind(source, exchange, DestinationKind::Exchange, routing_key);
    }

    fn bind(&mut self, source: &str, destination: &str, kind: DestinationKind, key: &str) {
        self.bindings.push(Binding {
            source: source.to_owned(),
            destination: destination.to_owned(),
            destination_type: kind,
            routing_key: key.to_owned(),
        });
    }
}

/// A queue whose messages wait for a person: no end in time, in number or in deliveries.
fn resting_place() -> Arguments {
    Arguments::of([
        ("x-queue-type", "quorum".into()),
        ("x-delivery-limit", NO_DELIVERY_LIMIT.into()),
    ])
}

fn work_arguments(names: &Names, queue: &str) -> Arguments {
    let mut arguments = Arguments::of([
        ("x-queue-type", "quorum".into()),
        ("x-delivery-limit", WORK_DELIVERY_LIMIT.into()),
        ("x-dead-letter-routing-key", queue.into()),
    ]);
    arguments.dead_letter_safely(&names.dead_exchange());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: [WorkerRoute<'static>; 2] = [
        WorkerRoute { worker: "order-created", routing_keys: &["order.created", "order.changed"] },
        WorkerRoute { worker: "payment-timeout", routing_keys: &[] },
    ];

    fn topology(delay: DelayProvider) -> Topology {
        Topology::of(&Names::default(), &ROUTES, delay)
    }

    fn ways_to(topology: &Topology, queue: &str) -> Vec<(String, String)> {
        let to_queue = |binding: &&Binding| binding.destination == queue;
        let way = |binding: &Binding| (binding.source.clone(), binding.routing_key.clone());
        topology.bindings.iter().filter(to_queue).map(way).collect()
    }

    fn arguments_of<'a>(topology: &'a Topology, queue: &str) -> &'a Arguments {
        let found = topology.queues.iter().find(|candidate| candidate.name == queue);
        &found.unwrap().arguments
    }

    #[test]
    fn a_work_queue_is_reached_by_its_events_by_return_and_from_the_ladder() {
        let topology = topology(DelayProvider::Ladder);
        let way = |source: &str, key: &str| (source.to_owned(), key.to_owned());
        assert_eq!(
            ways_to(&topology, "orderflow.order-created"),
            [
                way("orderflow.return", "orderflow.order-created"),
                way("orderflow.delay.home", "#.orderflow.order-created"),
                way("shop.events", "order.created"),
                way("shop.events", "order.changed"),
            ]
        );
        assert_eq!(
            ways_to(&topology, "orderflow.order-created.dead"),
            [way("orderflow.dead", "orderflow.order-created")]
        );
    }

    #[test]
    fn the_plugins_exchange_exists_only_when_it_is_used() {
        let delayed = |topology: &Topology| {
            topology.exchanges.iter().any(|exchange| exchange.kind == ExchangeKind::Delayed)
        };
        assert!(!delayed(&topology(DelayProvider::Ladder)));
        let plugin = topology(DelayProvider::Plugin);
        assert!(delayed(&plugin));
        let way = ("orderflow.delayed".to_owned(), "orderflow.payment-timeout".to_owned());
        assert!(ways_to(&plugin, "orderflow.payment-timeout").contains(&way));
    }

    #[test]
    fn a_work_queue_dead_letters_safely_and_never_without_a_limit() {
        let expected = Arguments::of([
            ("x-queue-type", "quorum".into()),
            ("x-delivery-limit", 50.into()),
            ("x-dead-letter-exchange", "orderflow.dead".into()),
            ("x-dead-letter-routing-key", "orderflow.payment-timeout".into()),
            ("x-dead-letter-strategy", "at-least-once".into()),
            ("x-overflow", "reject-publish".into()),
        ]);
        let topology = topology(DelayProvider::Ladder);
        assert_eq!(arguments_of(&topology, "orderflow.payment-timeout"), &expected);
    }

    #[test]
    fn nothing_ever_leaves_a_dead_letter_queue_by_itself() {
        let expected = Arguments::of([
            ("x-queue-type", "quorum".into()),
            ("x-delivery-limit", 2_147_483_647.into()),
        ]);
        let topology = topology(DelayProvider::Ladder);
        assert_eq!(arguments_of(&topology, "orderflow.payment-timeout.dead"), &expected);
        assert_eq!(arguments_of(&topology, "orderflow.unroutable"), &expected);
    }

    #[test]
    fn nothing_unroutable_is_lost_on_the_way_in_or_home() {
        let topology = topology(DelayProvider::Ladder);
        let without: Vec<&str> = topology
            .exchanges
            .iter()
            .filter(|exchange| exchange.arguments.get("alternate-exchange").is_none())
            .map(|exchange| exchange.name.as_str())
            .collect();
        assert_eq!(without, ["orderflow.events", "orderflow.dead", "orderflow.unroutable"]);
    }
}
