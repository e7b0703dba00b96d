//! Dashboards: what Grafana's own linter asks for, and valid queries.

use std::fmt::Write as _;

use serde_json::Value;

use crate::checkers::promtool;
use crate::files::{files, text};

/// A panel with its dashboard's name.
pub(crate) struct Panel {
    place: String,
    json: Value,
}

/// The queries of all dashboards, with where they stand.
pub(crate) fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for (path, dashboard) in dashboards() {
        for annotation in dashboard["annotations"]["list"].as_array().into_iter().flatten() {
            queries.push((path.clone(), query(annotation)));
        }
    }
    for Panel { place, json } in panels() {
        for target in json["targets"].as_array().into_iter().flatten() {
            queries.push((place.clone(), query(target)));
        }
    }
    queries
}

fn query(target: &Value) -> String {
    target["expr"].as_str().expect("a target has a query").to_owned()
}

fn dashboards() -> Vec<(String, Value)> {
    let read = |path: String| {
        let json = serde_json::from_str(&text(&path));
        let json = json.unwrap_or_else(|error| panic!("{path}: {error}"));
        (path, json)
    };
    files("ops/grafana", ".json").into_iter().map(read).collect()
}

fn panels() -> Vec<Panel> {
    let mut panels = Vec::new();
    for (path, dashboard) in dashboards() {
        for json in dashboard["panels"].as_array().into_iter().flatten() {
            let title = json["title"].as_str().unwrap_or("without a title");
            panels.push(Panel { place: format!("{path}: {title}"), json: json.clone() });
        }
    }
    panels.into_iter().filter(|panel| panel.json["type"] != "row").collect()
}

#[test]
fn dashboards_are_found_by_uid_and_choose_their_source() {
    let dashboards = dashboards();
    assert_eq!(dashboards.len(), 4);
    for (path, dashboard) in dashboards {
        let uid = dashboard["uid"].as_str().unwrap();
        assert!(path.ends_with(&format!("/{uid}.json")), "{path}: {uid}");
        assert_eq!(dashboard["editable"], false, "{path}");
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let named = |name: &str| variables.iter().find(|variable| variable["name"] == name);
        assert_eq!(named("datasource").unwrap()["type"], "datasource", "{path}");
        for name in ["job", "worker"] {
            assert_eq!(named(name).unwrap()["datasource"]["uid"], "${datasource}", "{path}");
        }
        for word in ["title", "description"] {
            assert!(dashboard[word].as_str().is_some_and(|text| text.len() > 10), "{path}");
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    let panels = panels();
    assert!(panels.len() >= 60, "only {} panels", panels.len());
    for Panel { place, json } in panels {
        let described = json["description"].as_str().is_some_and(|text| text.len() > 20);
        assert!(described, "{place}: no description");
        assert!(json["title"].as_str().is_some_and(|title| !title.is_empty()), "{place}");
        let unit = json["fieldConfig"]["defaults"]["unit"].as_str().unwrap_or_default();
        assert!(!unit.is_empty(), "{place}: no unit");
        let targets = json["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{place}: shows nothing");
        for source in targets.iter().map(|it| &it["datasource"]).chain([&json["datasource"]]) {
            assert_eq!(source["uid"], "${datasource}", "{place}");
        }
    }
}

#[test]
fn panels_lie_on_the_grid_and_not_on_each_other() {
    for (path, dashboard) in dashboards() {
        let mut taken = std::collections::HashSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            let of = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            for x in of("x")..of("x") + of("w") {
                assert!(x < 24, "{path}: {}", panel["title"]);
                for y in of("y")..of("y") + of("h") {
                    assert!(taken.insert((x, y)), "{path}: {} covers another", panel["title"]);
                }
            }
        }
    }
}

#[test]
fn rates_go_by_the_interval_of_the_scrape() {
    for (place, query) in queries() {
        for function in ["rate(", "increase("] {
            for (at, _) in query.match_indices(function) {
                let range = query[at..].split_once('[').map(|(_, rest)| rest);
                let fits = range.is_some_and(|range| range.starts_with("$__rate_interval]"));
                assert!(fits, "{place}: {query}");
            }
        }
    }
}

/// Every query becomes a rule, because rules are what promtool checks.
#[test]
fn every_query_is_valid() {
    let mut rules = String::from("groups:\n- name: dashboards\n  rules:\n");
    let queries = queries();
    for (number, (_, query)) in queries.iter().enumerate() {
        let query = query.replace("$__rate_interval", "5m");
        let query = serde_json::to_string(&query).unwrap();
        writeln!(rules, "  - record: query_{number}\n    expr: {query}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("queries.yml"), rules).unwrap();
    let (fine, words) = promtool(folder.path(), &["check", "rules", "queries.yml"]);
    assert!(fine, "{words}");
    assert!(words.contains(&format!("{} rules found", queries.len())), "{words}");
}
