//! `orderctl metrics`.

use crate::program::orderctl;

#[test]
fn the_document_holds_the_catalogue_as_it_is() {
    let printed = orderctl(["metrics", "catalog", "--markdown"]).run().exits_with(0).stdout;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let document = std::fs::read_to_string(path).unwrap();
    assert!(
        document.ends_with(&printed),
        "ops/docs/metrics.md is out of date: end it with `orderctl metrics catalog --markdown`"
    );
}

#[test]
fn programs_get_kind_unit_labels_and_buckets() {
    let ran = orderctl(["metrics", "catalog", "-o", "json"]).run().exits_with(0);
    let catalogue = ran.versioned_json();
    let metrics = catalogue["metrics"].as_array().unwrap();
    let named = |name: &str| metrics.iter().find(|metric| metric["name"] == name).unwrap();
    let lateness = named("orderflow_timer_lateness_seconds");
    assert_eq!((&lateness["kind"], &lateness["unit"]), (&"histogram".into(), &"seconds".into()));
    assert_eq!(lateness["labels"], serde_json::json!(["worker"]));
    assert!(lateness["buckets"].as_array().unwrap().contains(&10.0.into()));
    assert!(named("process_open_fds")["buckets"].is_null());
}

#[test]
fn people_get_a_table_with_a_count() {
    let ran = orderctl(["metrics", "catalog"]).run().exits_with(0);
    assert!(ran.stdout.contains("orderflow_messages_received_total"), "{}", ran.stdout);
    assert!(ran.stdout.trim_end().ends_with("metrics"), "{}", ran.stdout);
    orderctl(["metrics", "catalog", "--markdown", "-o", "json"]).run().exits_with(2);
}
