//! `orderctl event`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use contracts::EventKind;
use serde_json::{Value, json};
use testkit::TestBroker;

use crate::management::{declare_topic_exchange, name, take_messages, unbind};
use crate::program::{Program, orderctl};

const ORDER: &str = "0198c0de-0001-7000-8000-0000000000aa";

fn examples(sort: &str, kind: EventKind) -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/events/examples");
    let folder = Path::new(folder).join(sort).join(kind.name());
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn sample(kind: EventKind) -> String {
    let ran = orderctl(["event", "sample", kind.name(), "--fresh"]).run().exits_with(0);
    ran.stdout
}

/// One line of JSON.
fn line(message: &str) -> String {
    serde_json::from_str::<Value>(message).unwrap().to_string()
}

#[test]
fn without_an_event_all_of_them_are_listed() {
    let listed = orderctl(["event", "sample", "-o", "json"]).run().exits_with(0).versioned_json();
    assert_eq!(listed["events"].as_array().unwrap().len(), EventKind::ALL.len());
    let text = orderctl(["event", "sample"]).run().exits_with(0).stdout;
    assert!(EventKind::ALL.iter().all(|kind| text.contains(kind.name())), "{text}");
}

#[test]
fn a_fresh_sample_is_valid_and_never_the_same_twice() {
    for kind in EventKind::ALL {
        let (one, other) = (sample(kind), sample(kind));
        assert_ne!(one, other, "{kind}");
        let both = format!("{one}{other}");
        let ran = orderctl(["event", "validate", "-", "-o", "json"]).input(both).run();
        let report = ran.exits_with(0).versioned_json();
        assert_eq!((&report["valid"], &report["invalid"]), (&json!(2), &json!(0)));
        assert_eq!(report["messages"][1]["event"], kind.name());
    }
}

#[test]
fn a_sample_is_about_the_order_that_is_asked_for() {
    let about = |example| {
        let args = ["event", "sample", "dispute.opened", "--order", ORDER, "--example", example];
        orderctl(args).run()
    };
    let message = about("full").exits_with(0).json();
    assert_eq!((&message["subject"], &message["data"]["order_id"]), (&json!(ORDER), &json!(ORDER)));
    about("minimal").fails(1, &["names none", "--example full"]);
    about("no-such").fails(4, &["no-such", "inquiry"]);
}

#[test]
fn every_valid_example_of_the_contract_is_valid() {
    for kind in EventKind::ALL {
        let mut validate = orderctl(["event", "validate", "--event", kind.name()]);
        for file in examples("valid", kind) {
            validate = validate.arg(file);
        }
        validate.run().exits_with(0);
    }
}

/// The message of an invalid example, and how it is sent.
fn as_sent(program: Program, example: &Value, text: &str) -> Program {
    let body = match example.get("raw") {
        Some(raw) => raw.as_str().unwrap().to_owned(),
        // As it stands in the file: a parser would write 1e3 otherwise.
        None => text[text.find("\"message\":").unwrap() + 10..]
            .trim_end()
            .strip_suffix('}')
            .unwrap()
            .to_owned(),
    };
    let content_type = match example.get("content_type") {
        None => "application/cloudevents+json",
        Some(given) => given.as_str().unwrap_or_default(),
    };
    let headers: BTreeMap<String, String> =
        serde_json::from_value(example.get("headers").cloned().unwrap_or(json!({}))).unwrap();
    let program = program.arg("--content-type").arg(content_type).input(body);
    headers.iter().fold(program, |program, (name, value)| {
        program.arg("--header").arg(format!("{name}={value}"))
    })
}

#[test]
fn every_invalid_example_of_the_contract_gives_its_code_and_place() {
    let mut count = 0;
    for kind in EventKind::ALL {
        for file in examples("invalid", kind) {
            let text = fs::read_to_string(&file).unwrap();
            let example: Value = serde_json::from_str(&text).unwrap();
            let validate =
                orderctl(["event", "validate", "-", "-o", "json", "--event", kind.name()]);
            let ran = as_sent(validate, &example, &text).run().exits_with(1);
            let problem = &ran.versioned_json()["messages"][0]["problems"][0];
            let found = (&problem["code"], &problem["pointer"]);
            let expected = (&example["expect"]["code"], &example["expect"]["pointer"]);
            assert_eq!(found, expected, "{}: {problem}", file.display());
            assert!(!problem["rule"].as_str().unwrap().is_empty(), "{}", file.display());
            count += 1;
        }
    }
    assert!(count > 70, "only {count} examples");
}

#[test]
fn a_problem_is_told_with_its_rule_and_its_documentation() {
    let message = sample(EventKind::OrderCreated);
    let message =
        message.replace("5800", "58.5").replace("\"revision\": 1", "\"revision\": \"first\"");
    let ran = orderctl(["event", "validate", "-"]).input(message).run().exits_with(1);
    for words in [
        "invalid  standard input:1  order.created",
        "invalid-amount at /data/total/amount_minor",
        "Documented as: The amount as a JSON integer",
        "schema-type at /data/revision",
        "0 valid, 1 invalid",
    ] {
        assert!(ran.stdout.contains(words), "{words:?} is not in:\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("first"), "a value is repeated:\n{}", ran.stdout);
}

#[test]
fn a_file_of_lines_is_judged_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.ndjson");
    let good = line(&sample(EventKind::OrderCreated));
    fs::write(&file, format!("{good}\nnot json\n\n{good}\n")).unwrap();
    let report = orderctl(["event", "validate", "-o", "json"]).arg(&file).run().exits_with(1);
    let report = report.versioned_json();
    let seen = report["messages"].as_array().unwrap().iter();
    let seen: Vec<_> = seen.map(|it| (it["line"].as_u64().unwrap(), it["valid"] == true)).collect();
    assert_eq!(seen, [(1, true), (2, false), (4, true)]);
}

#[test]
fn a_test_event_is_valid_only_where_test_events_are_expected() {
    let mut message: Value = serde_json::from_str(&sample(EventKind::OrderCreated)).unwrap();
    message["data"]["livemode"] = json!(false);
    let validate = || orderctl(["event", "validate", "-"]).input(message.to_string());
    let ran = validate().run().exits_with(1);
    assert!(ran.stdout.contains("mode-mismatch"), "{}", ran.stdout);
    validate().env("ORDERFLOW_MODE", "test").run().exits_with(0);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    orderctl(["event", "validate", "no-such.json"])
        .run()
        .fails(1, &["failed to read no-such.json", "orderctl event sample"]);
}

#[test]
fn what_is_published_arrives_as_a_shop_sends_it() {
    let broker = TestBroker::unique();
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let (order, payment) = (sample(EventKind::OrderCreated), sample(EventKind::PaymentAttempted));
    let lines = format!("{}\n{}\n", line(&order), line(&payment));
    let ran = orderctl(["event", "publish", "-", "-o", "json"]).broker(&broker).input(lines).run();
    assert_eq!(ran.exits_with(0).versioned_json()["confirmed"], 2);

    let arrived = take_messages(&broker, &name(&broker, "order-created"));
    assert_eq!(arrived.len(), 1);
    let sent: Value = serde_json::from_str(&order).unwrap();
    let properties = &arrived[0]["properties"];
    assert_eq!(arrived[0]["routing_key"], "order.created");
    assert_eq!(properties["message_id"], sent["id"]);
    assert_eq!(properties["delivery_mode"], 2);
    assert_eq!(properties["content_type"], "application/cloudevents+json");
    assert_eq!(properties["type"], "shop.order.created.v1");
    assert_eq!(properties["app_id"], "/shops/example");
    assert_eq!(properties["correlation_id"], sent["data"]["order_id"]);
    let body: Value = serde_json::from_str(arrived[0]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(body, sent);
    assert_eq!(take_messages(&broker, &name(&broker, "payment-attempted")).len(), 1);
}

#[test]
fn a_dry_run_publishes_nothing_and_needs_no_broker() {
    let publish = orderctl(["event", "publish", "-", "--dry-run"]);
    let ran = publish.input(sample(EventKind::OrderCreated)).run().exits_with(0);
    assert!(ran.stdout.contains("0 of 1 published to exchange shop.events"), "{}", ran.stdout);
    assert!(ran.stderr.contains("dry run"), "{}", ran.stderr);
}

#[test]
fn a_rate_is_kept() {
    let broker = TestBroker::unique();
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let lines: String = (0..5).map(|_| line(&sample(EventKind::OrderCreated)) + "\n").collect();
    let began = std::time::Instant::now();
    orderctl(["event", "publish", "-", "--rate", "10/s"])
        .broker(&broker)
        .input(lines)
        .run()
        .exits_with(0);
    assert!(began.elapsed().as_millis() >= 400, "{:?}", began.elapsed());
    assert_eq!(take_messages(&broker, &name(&broker, "order-created")).len(), 5);
}

#[test]
fn one_invalid_message_stops_all_of_them() {
    let broker = TestBroker::unique();
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let lines = format!("{}\n{{}}\n", line(&sample(EventKind::OrderCreated)));
    let ran = orderctl(["event", "publish", "-"]).broker(&broker).input(lines).run().exits_with(1);
    assert!(ran.stdout.contains("missing-field"), "{}", ran.stdout);
    assert!(ran.stderr.contains("nothing was published"), "{}", ran.stderr);
    assert!(take_messages(&broker, &name(&broker, "order-created")).is_empty());
}

#[test]
fn what_shops_do_not_send_is_refused() {
    let publish = orderctl(["event", "publish", "-", "--dry-run"]);
    let ran = publish.input(sample(EventKind::PaymentTimeout)).run();
    ran.fails(1, &["payment.timeout", "no queue takes it", "timer-scheduler"]);
}

#[test]
fn publishing_where_no_exchange_is_says_what_to_declare() {
    let broker = TestBroker::unique();
    let publish = orderctl(["event", "publish", "-"]).broker(&broker);
    let exchange = name(&broker, "shop.events");
    publish
        .input(sample(EventKind::OrderCreated))
        .run()
        .fails(1, &[&exchange, "orderctl topology apply"]);
}

#[test]
fn with_the_management_interface_a_missing_binding_is_noticed_before_anything_is_sent() {
    let broker = TestBroker::unique();
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let (exchange, queue) = (name(&broker, "shop.events"), name(&broker, "order-created"));
    let publish = || {
        let publish = orderctl(["event", "publish", "-"]).broker(&broker).management(&broker);
        publish.input(sample(EventKind::OrderCreated)).run()
    };
    publish().exits_with(0);
    unbind(&broker, &exchange, &queue, "order.created");
    publish().fails(1, &["order.created", "nothing was published", "orderctl topology apply"]);
    assert_eq!(take_messages(&broker, &queue).len(), 1);
    assert!(take_messages(&broker, &name(&broker, "unroutable")).is_empty());
}

#[test]
fn a_message_that_no_queue_takes_comes_back_as_a_failure() {
    let broker = TestBroker::unique();
    let exchange = name(&broker, "shop.events");
    declare_topic_exchange(&broker, &exchange);
    let publish = orderctl(["event", "publish", "-"]).broker(&broker);
    publish
        .input(sample(EventKind::OrderCreated))
        .run()
        .fails(1, &["gave it back", "NO_ROUTE", &exchange, "orderctl topology verify"]);
}
