//! Files that are written from schemas and topology, and committed.

use std::fs;

use serde_json::Value;
use testkit::TestBroker;

use crate::management::{VirtualHost, definitions_into};
use crate::program::orderctl;

fn committed(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    fs::read_to_string(format!("{root}/{path}")).unwrap()
}

#[test]
fn the_committed_asyncapi_is_fresh() {
    let ran = orderctl(["schema", "asyncapi"]).run().exits_with(0);
    let command = "orderctl schema asyncapi > schemas/asyncapi.yaml";
    assert!(ran.stdout == committed("schemas/asyncapi.yaml"), "write it anew: `{command}`");
}

#[test]
fn the_committed_definitions_are_fresh() {
    let ran = orderctl(["topology", "render", "--quiet"]).run().exits_with(0);
    let command = "orderctl topology render > ops/rabbitmq/definitions.json";
    assert!(ran.stdout == committed("ops/rabbitmq/definitions.json"), "write it anew: `{command}`");
}

#[test]
fn a_broker_that_imported_the_definitions_is_as_it_should_be() {
    let broker = TestBroker::unique();
    let vhost = VirtualHost::create(&broker);
    let text = committed("ops/rabbitmq/definitions.json");
    let text = text.replace("\"vhost\": \"/\"", &format!("\"vhost\": \"{}\"", vhost.name()));
    definitions_into(&vhost, &serde_json::from_str::<Value>(&text).unwrap());

    let url = format!("{}/{}", broker.amqp_url().trim_end_matches("/%2f"), vhost.name());
    let verify = orderctl(["topology", "verify", "-o", "json"]).env("ORDERFLOW_AMQP_URL", &url);
    let verified = verify.env("ORDERFLOW_DELAY", "ladder").management(&broker).run();
    let verified = verified.exits_with(0).versioned_json();
    assert!(verified["bindings"].as_u64().unwrap() > 40, "{verified}");
    assert_eq!(vhost.policies(), ["orderflow-leaders"]);
}
