//! The contract for publishers as `AsyncAPI` 3.0, from the schemas and the topology themselves.

mod schemas;
mod yaml;

use broker::topology::{Binding, Exchange, Queue, Topology};
use broker::{DelayProvider, Names};
use contracts::{EventKind, STRUCTURED_CONTENT_TYPE};
use runtime::worker_routes;
use serde_json::{Map, Value, json};

use crate::events::{examples_of, schema_texts};

pub(crate) use yaml::Yaml;

/// Version of the AMQP bindings that are used.
const BINDING: &str = "0.3.0";

const DESCRIPTION: &str = "Events that shops publish to Orderflow, as CloudEvents 1.0 in \
    structured mode. Publish with confirms, mandatory and persistent, and keep the id over every \
    try. Events may come twice and in any order. ops/docs/publishing.md has the promises, \
    ops/publishers examples in seven languages.";

/// The document.
pub(crate) fn document() -> Value {
    let names = Names::default();
    let topology = Topology::of(&names, &worker_routes(), DelayProvider::Ladder);
    let kinds = EventKind::ALL.into_iter().filter(|kind| kind.from_shop());
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    for kind in kinds {
        channels.insert(kind.name().to_owned(), channel(kind, &names, &topology));
        operations.insert(format!("receive.{kind}"), operation(kind));
        messages.insert(kind.name().to_owned(), message(kind));
    }
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:orderflow:publishers",
        "info": {
            "title": "Orderflow",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": STRUCTURED_CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas::rendered() },
    })
}

/// Where an event is published to, and the queue that it comes into.
fn channel(kind: EventKind, names: &Names, topology: &Topology) -> Value {
    let exchange = exchange(names, topology);
    let queue = queue_of(kind, names, topology);
    json!({
        "address": kind.name(),
        "title": kind.name(),
        "description": description(kind),
        "messages": {
            kind.name(): { "$ref": format!("#/components/messages/{kind}") },
        },
        "bindings": {
            "amqp": {
                "bindingVersion": BINDING,
                "is": "routingKey",
                "exchange": {
                    "name": exchange.name,
                    "type": exchange.kind,
                    "durable": true,
                    "autoDelete": false,
                    "vhost": "/",
                },
            },
        },
        // What the bindings of AsyncAPI have no words for.
        "x-rabbitmq": {
            "exchangeArguments": exchange.arguments,
            "queue": queue.name,
            "queueArguments": queue.arguments,
        },
    })
}

fn exchange<'a>(names: &Names, topology: &'a Topology) -> &'a Exchange {
    let found = topology.exchanges.iter().find(|exchange| exchange.name == names.inbound());
    found.expect("the topology has the exchange that shops publish to")
}

fn queue_of<'a>(kind: EventKind, names: &Names, topology: &'a Topology) -> &'a Queue {
    let leads_there = |it: &&Binding| it.source == names.inbound() && it.routing_key == kind.name();
    let binding = topology.bindings.iter().find(leads_there);
    let queue = binding
        .and_then(|binding| topology.queues.iter().find(|queue| queue.name == binding.destination));
    queue.expect("every event of shops comes into a queue, as a test proves")
}

fn operation(kind: EventKind) -> Value {
    json!({
        "action": "receive",
        "title": kind.name(),
        "channel": { "$ref": format!("#/channels/{kind}") },
        "messages": [{ "$ref": format!("#/channels/{kind}/messages/{kind}") }],
        "bindings": {
            "amqp": {
                "bindingVersion": BINDING,
                "deliveryMode": 2,
                "mandatory": true,
                "timestamp": true,
            },
        },
    })
}

fn message(kind: EventKind) -> Value {
    let examples = examples_of(kind).map(|example| {
        let payload: Value = serde_json::from_str(example.body).expect("examples are JSON");
        json!({ "name": example.name, "payload": payload })
    });
    json!({
        "name": kind.type_name(),
        "title": kind.name(),
        "summary": description(kind),
        "contentType": STRUCTURED_CONTENT_TYPE,
        "payload": { "$ref": format!("#/components/schemas/{kind}") },
        "bindings": {
            "amqp": { "bindingVersion": BINDING, "messageType": kind.type_name() },
        },
        "examples": examples.collect::<Vec<_>>(),
    })
}

/// What the schema says of the event.
fn description(kind: EventKind) -> Value {
    let text = schema_texts().find(|(name, _)| *name == kind.name());
    let (_, text) = text.expect("every event has a schema");
    let schema: Value = serde_json::from_str(text).expect("schemas are JSON");
    schema["description"].clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::examples::EXAMPLES;

    fn validator(document: &Value, kind: EventKind) -> jsonschema::Validator {
        let schema = json!({
            "allOf": [{ "$ref": format!("#/components/schemas/{kind}") }],
            "components": document["components"],
        });
        let options = jsonschema::draft7::options();
        options.should_validate_formats(true).build(&schema).unwrap()
    }

    #[test]
    fn the_schemas_here_take_every_valid_example() {
        let document = document();
        for example in EXAMPLES.iter().filter(|example| example.kind.from_shop()) {
            let message = serde_json::from_str(example.body).unwrap();
            let validator = validator(&document, example.kind);
            let errors: Vec<_> =
                validator.iter_errors(&message).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{} {}: {errors:?}", example.kind, example.name);
        }
    }

    #[test]
    fn the_schemas_here_refuse_what_the_schemas_refuse() {
        let document = document();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/events/examples/invalid");
        let mut refused = 0;
        for kind in EventKind::ALL.into_iter().filter(|kind| kind.from_shop()) {
            let validator = validator(&document, kind);
            for entry in std::fs::read_dir(format!("{folder}/{kind}")).unwrap().flatten() {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                let example: Value = serde_json::from_str(&text).unwrap();
                let structured = example.get("headers").is_none() && example.get("raw").is_none();
                if !structured || !example["message"].is_object() {
                    continue;
                }
                let original = crate::events::schema_accepts(kind, &example["message"]);
                let here = validator.is_valid(&example["message"]);
                assert_eq!(here, original, "{}", entry.path().display());
                refused += usize::from(!here);
            }
        }
        assert!(refused > 50, "only {refused}");
    }

    #[test]
    fn channels_are_the_bindings_of_the_inbound_exchange() {
        let document = document();
        let names = Names::default();
        let topology = Topology::of(&names, &worker_routes(), DelayProvider::Ladder);
        let inbound = topology.bindings.iter().filter(|binding| binding.source == names.inbound());
        let mut bound: Vec<_> = inbound
            .map(|binding| (binding.routing_key.clone(), binding.destination.clone()))
            .collect();
        bound.sort();
        let channels = document["channels"].as_object().unwrap().iter();
        let channels = channels.map(|(name, channel)| {
            assert_eq!(channel["address"], **name);
            (name.clone(), channel["x-rabbitmq"]["queue"].as_str().unwrap().to_owned())
        });
        assert_eq!(channels.collect::<Vec<_>>(), bound);
    }
}
