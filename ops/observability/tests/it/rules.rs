//! Recording rules and alerts.

use serde_yaml_ng::Value;

use crate::checkers::{amtool, promtool};
use crate::files::{root, text};

pub(crate) const RULES: [&str; 2] =
    ["ops/prometheus/rules/slo.yml", "ops/prometheus/rules/orderflow.yml"];
/// The tests of rules; those of days take larger steps.
const TESTS: [&str; 3] = ["slo.yml", "orderflow.yml", "days.yml"];

/// All rules of all groups.
pub(crate) fn rules() -> Vec<Value> {
    let groups = |path| yaml(path)["groups"].as_sequence().cloned().unwrap_or_default();
    let rules = |group: Value| group["rules"].as_sequence().cloned().unwrap_or_default();
    RULES.iter().flat_map(|path| groups(path)).flat_map(rules).collect()
}

/// All alerts by name.
pub(crate) fn alerts() -> Vec<(String, Value)> {
    let alert = |rule: Value| Some((rule["alert"].as_str()?.to_owned(), rule));
    rules().into_iter().filter_map(alert).collect()
}

fn yaml(path: &str) -> Value {
    serde_yaml_ng::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn folder() -> std::path::PathBuf {
    root().join("ops/prometheus")
}

#[test]
fn prometheus_takes_the_rules_without_a_remark() {
    for path in RULES {
        let (fine, words) = promtool(&root(), &["check", "rules", path]);
        assert!(fine && words.contains("SUCCESS"), "{words}");
    }
}

#[test]
fn prometheus_takes_the_example_of_a_configuration() {
    let arguments = ["check", "config", "--syntax-only", "prometheus.yml"];
    let (fine, words) = promtool(&folder(), &arguments);
    assert!(fine, "{words}");
    let jobs = yaml("ops/prometheus/prometheus.yml")["scrape_configs"].clone();
    let jobs: Vec<_> =
        jobs.as_sequence().unwrap().iter().map(|job| job["job_name"].clone()).collect();
    for job in ["orderflow", "rabbitmq", "rabbitmq-queues", "orderflow-verify"] {
        assert!(jobs.contains(&Value::from(job)), "{job} is in an alert, and not in {jobs:?}");
    }
}

/// The addresses and the folder of rules are those inside of the containers.
#[test]
fn the_files_of_compose_are_taken_and_scrape_the_same_jobs() {
    let compose = root().join("ops/compose");
    let arguments = ["check", "config", "--syntax-only", "prometheus/prometheus.yml"];
    let (fine, words) = promtool(&compose, &arguments);
    assert!(fine, "{words}");
    let (fine, words) = amtool(&compose, &["check-config", "prometheus/alertmanager.yml"]);
    assert!(fine && words.contains("SUCCESS"), "{words}");
    let jobs = yaml("ops/compose/prometheus/prometheus.yml")["scrape_configs"].clone();
    for job in ["orderflow", "rabbitmq", "rabbitmq-queues"] {
        let jobs = jobs.as_sequence().unwrap();
        let found = jobs.iter().find(|it| it["job_name"].as_str() == Some(job));
        let shipped = yaml("ops/prometheus/prometheus.yml")["scrape_configs"].clone();
        let mut shipped = shipped.as_sequence().unwrap().iter();
        let shipped = shipped.find(|it| it["job_name"].as_str() == Some(job)).unwrap();
        let found = found.unwrap_or_else(|| panic!("no job {job}"));
        for part in ["metrics_path", "params"] {
            assert_eq!(found[part], shipped[part], "{job}: {part}");
        }
    }
    let mounted = text("ops/compose/compose.yml");
    for file in ["prometheus.yml", "alertmanager.yml"] {
        assert!(mounted.contains(&format!("./prometheus/{file}:")), "{file} is not mounted");
    }
    let rules = yaml("ops/compose/prometheus/prometheus.yml")["rule_files"][0].clone();
    assert_eq!(rules, Value::from("/etc/orderflow/prometheus/rules/*.yml"));
    assert!(mounted.contains("../prometheus:/etc/orderflow/prometheus:ro"));
}

/// Deployments choose the prefix of their queues.
#[test]
fn no_alert_knows_the_prefix_of_the_queues() {
    for (name, alert) in alerts() {
        let query = alert["expr"].as_str().unwrap();
        assert!(!query.contains("orderflow\\\\."), "{name} looks at one prefix only: {query}");
    }
}

#[test]
fn alerts_come_when_they_should_and_only_then() {
    for test in TESTS {
        let (fine, words) = promtool(&folder().join("tests"), &["test", "rules", test]);
        assert!(fine, "{test}: {words}");
    }
}

#[test]
fn every_alert_is_tested_both_ways() {
    let tests: Vec<Value> = TESTS
        .iter()
        .filter_map(|name| {
            yaml(&format!("ops/prometheus/tests/{name}"))["tests"].as_sequence().cloned()
        })
        .flatten()
        .collect();
    let expectations = |alert: &str| {
        let of_alert =
            tests.iter().filter_map(|test| test["alert_rule_test"].as_sequence()).flatten();
        let of_alert = of_alert.filter(|test| test["alertname"].as_str() == Some(alert));
        let fires = of_alert.map(|test| !test["exp_alerts"].as_sequence().unwrap().is_empty());
        fires.collect::<Vec<_>>()
    };
    let alerts = alerts();
    assert!(alerts.len() >= 50, "only {} alerts", alerts.len());
    for (name, _) in alerts {
        let fires = expectations(&name);
        assert!(fires.contains(&true), "no test lets {name} fire");
        // The watchdog fires always.
        assert!(fires.contains(&false) || name == "OrderflowWatchdog", "{name} is never quiet");
    }
}

#[test]
fn every_alert_says_whom_it_calls_what_is_the_matter_and_where_to_read_on() {
    for (name, alert) in alerts() {
        assert!(name.starts_with("Orderflow"), "{name}");
        let (labels, words) = (&alert["labels"], &alert["annotations"]);
        let severity = labels["severity"].as_str().unwrap_or_default();
        assert!(["page", "ticket", "none"].contains(&severity), "{name}: {severity}");
        assert!(["orders", "publishers"].contains(&labels["team"].as_str().unwrap()), "{name}");
        for word in ["summary", "description"] {
            assert!(words[word].as_str().is_some_and(|text| text.len() > 10), "{name}: {word}");
        }
        let page = words["runbook_url"].as_str().unwrap_or_default();
        assert!(page.starts_with("ops/runbooks/") && root().join(page).is_file(), "{name}: {page}");
        assert!(text(page).contains(&format!("`{name}`")), "{page} does not name {name}");
        let dashboard = words["dashboard"].as_str().unwrap_or_default();
        let dashboard = root().join(format!("ops/grafana/{dashboard}.json"));
        assert!(dashboard.is_file(), "{name}: {}", dashboard.display());
    }
}

#[test]
fn alertmanager_takes_its_example_and_routes_by_severity_and_team() {
    let (fine, words) = amtool(&folder(), &["check-config", "alertmanager.yml"]);
    assert!(fine && words.contains("SUCCESS"), "{words}");
    let ways = [
        (["severity=page", "team=orders"], "orders-page"),
        (["severity=ticket", "team=orders"], "orders-tickets"),
        (["severity=ticket", "team=publishers"], "publishers-tickets"),
        (["alertname=OrderflowWatchdog", "severity=none"], "watchdog"),
    ];
    for (labels, receiver) in ways {
        let config = "--config.file=alertmanager.yml";
        let way = format!("--verify.receivers={receiver}");
        let arguments = ["config", "routes", "test", config, &way, labels[0], labels[1]];
        let (fine, words) = amtool(&folder(), &arguments);
        assert!(fine, "{labels:?}: {words}");
    }
}

#[test]
fn what_inhibits_and_is_inhibited_exists() {
    let known: Vec<_> = alerts().into_iter().map(|(name, _)| name).collect();
    let text = text("ops/prometheus/alertmanager.yml");
    let named = crate::files::words(&text).filter(|word| word.starts_with("Orderflow"));
    // The burns are named by a pattern.
    let named: Vec<_> = named.filter(|word| *word != "Orderflow").collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(known.iter().any(|alert| alert == name), "{name} is no alert");
    }
}
