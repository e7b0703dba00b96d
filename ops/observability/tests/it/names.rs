//! Names of metrics: whatever is named exists, and whatever exists is looked at.

use std::collections::BTreeSet;

use telemetry::catalogue::{ALL, Kind, Metric, OF_PROCESS};

use crate::dashboards::queries;
use crate::files::{files, text, words};
use crate::rules::rules;

/// What the broker says of itself, as far as it is used: `/metrics` of `rabbitmq_prometheus`.
const OF_BROKER: [&str; 14] = [
    "rabbitmq_alarms_file_descriptor_limit",
    "rabbitmq_alarms_free_disk_space_watermark",
    "rabbitmq_alarms_memory_used_watermark",
    "rabbitmq_detailed_queue_consumers",
    "rabbitmq_detailed_queue_messages_ready",
    "rabbitmq_detailed_queue_messages_unacked",
    "rabbitmq_disk_space_available_bytes",
    "rabbitmq_disk_space_available_limit_bytes",
    "rabbitmq_global_messages_dead_lettered_delivery_limit_total",
    "rabbitmq_global_messages_dead_lettered_expired_total",
    "rabbitmq_global_messages_dead_lettered_maxlen_total",
    "rabbitmq_global_messages_dead_lettered_rejected_total",
    "rabbitmq_global_messages_unroutable_dropped_total",
    "rabbitmq_global_messages_unroutable_returned_total",
];

/// The names under which a metric is scraped.
fn scraped(metric: &Metric) -> Vec<String> {
    match metric.kind {
        Kind::Counter | Kind::Gauge => vec![metric.name.to_owned()],
        Kind::Histogram(_) => {
            ["_bucket", "_sum", "_count"].map(|part| format!("{}{part}", metric.name)).to_vec()
        }
    }
}

fn known() -> BTreeSet<String> {
    ALL.iter().chain(OF_PROCESS).flat_map(scraped).collect()
}

/// Every query of rules and dashboards, with where it stands.
fn all_queries() -> Vec<(String, String)> {
    let of_rule = |rule: serde_yaml_ng::Value| {
        let name = rule["alert"].as_str().or(rule["record"].as_str()).unwrap_or_default();
        (name.to_owned(), rule["expr"].as_str().unwrap_or_default().to_owned())
    };
    rules().into_iter().map(of_rule).chain(queries()).collect()
}

fn is_ours(word: &str) -> bool {
    word.starts_with("orderflow_") || word.starts_with("process_")
}

#[test]
fn every_metric_of_a_query_exists() {
    let (known, mut ours) = (known(), 0);
    let recorded: BTreeSet<String> =
        rules().iter().filter_map(|rule| rule["record"].as_str().map(str::to_owned)).collect();
    for (place, query) in all_queries() {
        for word in words(&query) {
            if is_ours(word) {
                assert!(known.contains(word), "{place}: `{word}` is not in the catalogue");
                ours += 1;
            }
            if word.starts_with("rabbitmq_") {
                assert!(OF_BROKER.contains(&word), "{place}: `{word}` is not the broker's");
            }
            if word.starts_with("orderflow:") {
                assert!(recorded.contains(word), "{place}: `{word}` is not recorded");
            }
        }
    }
    assert!(ours > 150, "only {ours} names were looked at");
}

#[test]
fn every_metric_of_the_catalogue_is_in_an_alert_or_on_a_dashboard() {
    let queries = all_queries();
    let used: BTreeSet<&str> = queries.iter().flat_map(|(_, query)| words(query)).collect();
    for metric in ALL.iter().chain(OF_PROCESS) {
        let is_used = scraped(metric).iter().any(|name| used.contains(name.as_str()));
        assert!(is_used, "nobody looks at {}", metric.name);
    }
    for name in OF_BROKER {
        assert!(used.contains(name), "nobody looks at {name}");
    }
}

/// Other things have such names, too: only what ends like a metric is looked at.
#[test]
fn every_metric_that_a_document_names_exists() {
    let names = ALL.iter().chain(OF_PROCESS).map(|metric| metric.name.to_owned());
    let known: BTreeSet<String> = known().into_iter().chain(names).collect();
    let folders = ["ops/docs", "ops/docs/adr", "ops/runbooks"];
    let documents = folders.iter().flat_map(|folder| files(folder, ".md"));
    let mut seen = 0;
    for path in documents.chain(["README.md".to_owned()]) {
        let text = text(&path);
        for word in words(&text).filter(|word| is_ours(word)) {
            let endings = ["_total", "_seconds", "_bytes", "_bucket", "_count", "_sum"];
            if endings.iter().any(|ending| word.ends_with(ending)) {
                assert!(known.contains(word), "{path}: `{word}` is not in the catalogue");
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "only {seen} names were looked at");
}
