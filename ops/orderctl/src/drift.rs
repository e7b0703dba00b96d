//! What differs between the topology and the broker, and how to mend it.

use std::collections::HashSet;

use broker::topology::{Argument, Arguments, Binding, Drift, ExchangeKind, Object, Topology};
use serde::Serialize;

use crate::management::Found;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// The exchange, queue or binding.
    pub(crate) object: String,
    /// How it should be.
    pub(crate) expected: String,
    /// How it is.
    pub(crate) found: String,
    /// How to mend it.
    pub(crate) fix: String,
}

const MISSING: &str = "missing";
const APPLY: &str = "orderctl topology apply";

impl Difference {
    /// A difference of an exchange or queue, as the broker tells it.
    pub(crate) fn of(drift: &Drift, topology: &Topology) -> Self {
        match drift {
            Drift::Missing(object) => Self {
                object: object.to_string(),
                expected: declared(object, topology),
                found: MISSING.to_owned(),
                fix: APPLY.to_owned(),
            },
            Drift::Different { object, text } => {
                let (expected, found) = inequivalence(text)
                    .unwrap_or_else(|| (declared(object, topology), text.clone()));
                Self { object: object.to_string(), expected, found, fix: replacement(object) }
            }
        }
    }

    /// The bindings that are missing, and those to our queues that nobody meant to make.
    pub(crate) fn of_bindings(topology: &Topology, found: &HashSet<Found>) -> Vec<Self> {
        let missing = topology
            .bindings
            .iter()
            .filter(|binding| !found.iter().any(|it| it.is(binding)))
            .map(Self::of_missing_binding);
        let ours = |it: &&Found| topology.queues.iter().any(|queue| queue.name == it.destination);
        let meant = |it: &Found| topology.bindings.iter().any(|binding| it.is(binding));
        let mut surplus: Vec<_> = found.iter().filter(ours).filter(|it| !meant(it)).collect();
        surplus.sort_by_key(|it| (&it.destination, &it.source, &it.routing_key));
        missing.chain(surplus.into_iter().map(Self::of_surplus_binding)).collect()
    }

    fn of_missing_binding(binding: &Binding) -> Self {
        let Binding { source, destination, routing_key, .. } = binding;
        Self {
            object: format!("binding {source} -> {destination}"),
            expected: format!("key {routing_key:?}"),
            found: MISSING.to_owned(),
            fix: APPLY.to_owned(),
        }
    }

    fn of_surplus_binding(binding: &Found) -> Self {
        let Found { source, destination, routing_key, .. } = binding;
        Self {
            object: format!("binding {source} -> {destination}"),
            expected: "none".to_owned(),
            found: format!("key {routing_key:?}"),
            fix: "unbind it, in the management interface".to_owned(),
        }
    }
}

/// What was declared under this name.
fn declared(object: &Object, topology: &Topology) -> String {
    match object {
        Object::Exchange(name) => {
            let exchange = topology.exchanges.iter().find(|it| it.name == *name);
            exchange.map_or_else(String::new, |it| format!("{} exchange", kind_name(it.kind)))
        }
        Object::Queue(name) => {
            let queue = topology.queues.iter().find(|it| it.name == *name);
            let kind = queue.and_then(|it| text(&it.arguments, "x-queue-type"));
            format!("{} queue", kind.unwrap_or("durable"))
        }
    }
}

fn text<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a str> {
    match arguments.get(name) {
        Some(Argument::Text(text)) => Some(text),
        Some(Argument::Number(_)) | None => None,
    }
}

/// The broker's name of a kind of exchange.
pub(crate) fn kind_name(kind: ExchangeKind) -> &'static str {
    match kind {
        ExchangeKind::Direct => "direct",
        ExchangeKind::Fanout => "fanout",
        ExchangeKind::Topic => "topic",
        ExchangeKind::Delayed => "x-delayed-message",
    }
}

/// Arguments never change in place.
fn replacement(object: &Object) -> String {
    match object {
        Object::Exchange(name) => {
            format!("rabbitmqadmin delete exchange name={name}, then {APPLY}")
        }
        Object::Queue(name) => {
            format!("let its worker empty it, rabbitmqadmin delete queue name={name}, then {APPLY}")
        }
    }
}

/// Reads the broker's words on an argument: what we asked for, and what it has.
fn inequivalence(text: &str) -> Option<(String, String)> {
    let (_, rest) = text.split_once("inequivalent arg '")?;
    let (argument, rest) = rest.split_once('\'')?;
    let (_, rest) = rest.split_once("received ")?;
    let (received, current) = rest.split_once(" but current is ")?;
    let value = |words: &str| {
        let quoted = words.split_once('\'').and_then(|(_, rest)| rest.split_once('\''));
        format!("{argument} = {}", quoted.map_or("none", |(value, _)| value))
    };
    Some((value(received), value(current)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use broker::topology::{DestinationKind, WorkerRoute};
    use broker::{DelayProvider, Names};

    fn topology() -> Topology {
        let routes = [WorkerRoute { worker: "w", routing_keys: &["a.b"] }];
        Topology::of(&Names::default(), &routes, DelayProvider::Ladder)
    }

    fn found(binding: &Binding) -> Found {
        let kind = match binding.destination_type {
            DestinationKind::Queue => "queue",
            DestinationKind::Exchange => "exchange",
        };
        Found {
            source: binding.source.clone(),
            destination: binding.destination.clone(),
            destination_type: kind.to_owned(),
            routing_key: binding.routing_key.clone(),
        }
    }

    #[test]
    fn the_brokers_words_become_expected_and_found() {
        let text = "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'q' in \
                    vhost '/': received the value '50' of type 'signedint' but current is none";
        let pair = ("x-delivery-limit = 50".to_owned(), "x-delivery-limit = none".to_owned());
        assert_eq!(inequivalence(text), Some(pair));
        let text = "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'e' in vhost '/': \
                    received 'topic' but current is 'direct'";
        let pair = ("type = topic".to_owned(), "type = direct".to_owned());
        assert_eq!(inequivalence(text), Some(pair));
        assert_eq!(inequivalence("something else"), None);
    }

    #[test]
    fn words_that_are_not_understood_are_shown_as_they_are() {
        let object = Object::Queue("orderflow.w".to_owned());
        let drift = Drift::Different { object, text: "it is odd".to_owned() };
        let difference = Difference::of(&drift, &topology());
        assert_eq!((&*difference.expected, &*difference.found), ("quorum queue", "it is odd"));
        assert!(difference.fix.contains("delete queue name=orderflow.w"));
    }

    #[test]
    fn a_binding_that_is_gone_and_one_too_many_are_told_apart() {
        let topology = topology();
        let mut all: HashSet<_> = topology.bindings.iter().map(found).collect();
        assert_eq!(Difference::of_bindings(&topology, &all), []);

        let way_in = topology.bindings.iter().find(|it| it.routing_key == "a.b").unwrap();
        all.remove(&found(way_in));
        let way_in = found(way_in);
        all.insert(Found { routing_key: "#".to_owned(), ..way_in.clone() });
        // What others bind to our exchanges is their own affair.
        all.insert(Found { destination: "audit".to_owned(), ..way_in });
        let differences = Difference::of_bindings(&topology, &all);
        let seen: Vec<_> = differences.iter().map(|it| (&*it.expected, &*it.found)).collect();
        assert_eq!(seen, [("key \"a.b\"", "missing"), ("none", "key \"#\"")]);
    }
}
