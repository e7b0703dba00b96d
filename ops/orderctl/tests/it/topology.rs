//! `orderctl topology`.

use serde_json::Value;
use testkit::TestBroker;

use crate::management::{
    bind, declare_bare_queue, declare_topic_exchange, delete_queue, name, unbind,
};
use crate::program::orderctl;

/// A broker with the topology applied.
fn applied() -> TestBroker {
    let broker = TestBroker::unique();
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    broker
}

/// What `verify` says to programs.
fn differences(broker: &TestBroker) -> Vec<Value> {
    let verify = orderctl(["topology", "verify", "-o", "json"]).broker(broker).management(broker);
    let ran = verify.run();
    let found = ran.versioned_json()["differences"].as_array().unwrap().clone();
    ran.exits_with(if found.is_empty() { 0 } else { 3 });
    found
}

#[test]
fn rendering_needs_no_broker_and_gives_the_brokers_own_format() {
    let ran = orderctl(["topology", "render", "--vhost", "shop"]).run().exits_with(0);
    let definitions = ran.json();
    let names = |what: &str| -> Vec<String> {
        let objects = definitions[what].as_array().unwrap().iter();
        objects.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names("exchanges").contains(&"shop.events".to_owned()));
    assert!(names("queues").contains(&"orderflow.payment-timeout.dead".to_owned()));
    assert!(!names("exchanges").contains(&"orderflow.delayed".to_owned()));
    assert_eq!(definitions["queues"][0]["vhost"], "shop");
    assert!(ran.stderr.contains("delay ladder"), "{}", ran.stderr);

    let plugin = orderctl(["topology", "render", "--delay", "plugin", "-q"]).run().exits_with(0);
    assert!(plugin.stdout.contains("orderflow.delayed"));
    assert_eq!(plugin.stderr, "");
}

#[test]
fn a_rendered_topology_can_be_read_as_a_table() {
    let ran = orderctl(["topology", "render", "-o", "table", "--prefix", "tenant-7"]).run();
    let ran = ran.exits_with(0);
    assert!(ran.stdout.contains("tenant-7.shop.events"), "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ran.stdout);
}

#[test]
fn applying_says_what_it_creates_and_applying_again_creates_nothing() {
    let broker = TestBroker::unique();
    let first = orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let queue = name(&broker, "payment-attempted");
    assert!(first.stdout.contains(&format!("created queue {queue}\n")), "{}", first.stdout);
    assert!(first.stderr.contains("delayed exchange: ladder"), "{}", first.stderr);

    let again = orderctl(["topology", "apply", "-o", "json"]).broker(&broker).run().exits_with(0);
    let again = again.versioned_json();
    assert_eq!(again["created"].as_array().unwrap().len(), 0);
    assert!(again["unchanged"].as_u64().unwrap() > 30, "{again}");
    assert_eq!(differences(&broker), Vec::<Value>::new());
}

#[test]
fn an_empty_broker_differs_in_everything() {
    let broker = TestBroker::unique();
    let found = differences(&broker);
    assert!(found.len() > 60, "{found:?}");
    assert!(found.iter().all(|it| it["found"] == "missing"), "{found:?}");
}

#[test]
fn a_deleted_queue_is_missing_with_its_bindings_and_comes_back() {
    let broker = applied();
    let queue = name(&broker, "refund-requested");
    delete_queue(&broker, &queue);

    let ran = orderctl(["topology", "verify"]).broker(&broker).run().exits_with(3);
    assert!(ran.stdout.contains(&format!("queue {queue}")), "{}", ran.stdout);
    assert!(ran.stdout.contains("orderctl topology apply"), "{}", ran.stdout);
    assert!(ran.stderr.contains("bindings were not checked"), "{}", ran.stderr);
    let found = differences(&broker);
    let bindings = found.iter().filter(|it| it["object"].as_str().unwrap().starts_with("binding"));
    assert_eq!(bindings.count(), 5, "{found:?}");

    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    assert_eq!(differences(&broker), Vec::<Value>::new());
}

#[test]
fn a_queue_declared_otherwise_is_explained_and_stops_apply_before_it_changes_anything() {
    let broker = TestBroker::unique();
    let queue = name(&broker, "refund-requested");
    declare_bare_queue(&broker, &queue);

    let found = differences(&broker);
    let different = found.iter().find(|it| it["object"] == format!("queue {queue}")).unwrap();
    assert_ne!(different["found"], "missing");
    assert!(different["expected"].as_str().unwrap().contains(" = "), "{different}");
    assert!(different["found"].as_str().unwrap().ends_with(" = none"), "{different}");
    assert!(different["fix"].as_str().unwrap().contains("delete queue"), "{different}");

    orderctl(["topology", "apply"])
        .broker(&broker)
        .run()
        .fails(3, &[&queue, "nothing was changed", "orderctl topology verify"]);
    assert_eq!(differences(&broker).len(), found.len());
}

#[test]
fn an_exchange_of_another_type_is_explained() {
    let broker = TestBroker::unique();
    let exchange = name(&broker, "return");
    declare_topic_exchange(&broker, &exchange);
    let found = differences(&broker);
    let different = found.iter().find(|it| it["object"] == format!("exchange {exchange}"));
    let different = different.unwrap();
    assert_eq!(different["expected"], "type = direct");
    assert_eq!(different["found"], "type = topic");
}

#[test]
fn a_binding_that_is_gone_and_one_that_nobody_meant_are_found() {
    let broker = applied();
    let (exchange, queue) = (name(&broker, "shop.events"), name(&broker, "order-created"));
    unbind(&broker, &exchange, &queue, "order.created");
    bind(&broker, &exchange, &queue, "payment.attempted");
    let found = differences(&broker);
    let seen: Vec<_> = found
        .iter()
        .map(|it| (it["expected"].as_str().unwrap(), it["found"].as_str().unwrap()))
        .collect();
    let expected = [("key \"order.created\"", "missing"), ("none", "key \"payment.attempted\"")];
    assert_eq!(seen, expected);
}

#[test]
fn a_management_interface_that_refuses_is_told_from_one_that_is_down() {
    let broker = TestBroker::unique();
    let verify = || orderctl(["topology", "verify"]).broker(&broker);
    let url = broker.management_url();
    let host = url.rsplit_once('@').map_or(url, |(_, host)| host);
    let stranger = format!("http://nobody:hunter2@{host}");
    let ran = verify().env("ORDERFLOW_MANAGEMENT_URL", &stranger).run();
    let ran = ran.fails(1, &["management interface", "401"]);
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    verify()
        .env("ORDERFLOW_MANAGEMENT_URL", "http://127.0.0.1:9")
        .run()
        .fails(6, &["management interface", "ORDERFLOW_MANAGEMENT_URL"]);
}
