//! What the management interface tells: bindings, nodes, queues, permissions, the clock.

use broker::Names;
use serde::Deserialize;

use super::amqp::wrong;
use super::{Declared, Finding, Health, clocks, permissions, queues};
use crate::drift::Difference;
use crate::management;
use crate::settings::ManagementUrl;

/// Free space that a broker should have, in bytes; below its own limit it stops publishers.
const FREE_SPACE: u64 = 1 << 30;

/// The plugin by which its counters are scraped.
const COUNTERS: &str = "rabbitmq_prometheus";

/// A node of the broker.
#[derive(Debug, Deserialize)]
struct Node {
    name: String,
    #[serde(default)]
    running: bool,
    #[serde(default)]
    mem_alarm: bool,
    #[serde(default)]
    disk_free_alarm: bool,
    disk_free: Option<u64>,
    /// Below so much, it stops publishers.
    disk_free_limit: Option<u64>,
    enabled_plugins: Option<Vec<String>>,
    #[serde(default)]
    partitions: Vec<String>,
}

/// Everything that the interface tells.
pub(crate) async fn examine(
    url: Option<&ManagementUrl>,
    vhost: &str,
    names: &Names,
    declared: &Declared,
    findings: &mut Vec<Finding>,
) {
    let topology = &declared.topology;
    findings.push(invisible());
    let Some(url) = url else {
        let found = "bindings, nodes, queues and permissions were not looked at";
        let fix = "set ORDERFLOW_MANAGEMENT_URL, of a user with the tag `administrator`";
        findings.push(Finding::bad(Health::Unknown, "management", found, fix));
        return;
    };
    match management::bindings(url, vhost).await {
        Ok(found) => {
            let differences = Difference::of_bindings(topology, &found);
            if differences.is_empty() {
                let found = format!("{} bindings are as they should be", topology.bindings.len());
                findings.push(Finding::good("bindings", found));
            }
            findings.extend(differences.into_iter().map(|it| wrong("bindings", it)));
        }
        Err(failure) => {
            findings.push(Finding::failed("management", &failure));
            return;
        }
    }
    match management::page::<Vec<Node>>(url, "api/nodes".to_owned()).await {
        Ok(page) => {
            findings.extend(page.date.map(|date| clocks::of_broker(date, runtime::now())));
            findings.extend(page.content.iter().flat_map(of_node));
            findings.extend(page.content.iter().filter_map(of_counters));
        }
        Err(failure) => findings.push(Finding::failed("broker-nodes", &failure)),
    }
    queues::examine(url, vhost, names, findings).await;
    permissions::examine(url, vhost, names, declared, findings).await;
}

/// What no interface over the network tells.
fn invisible() -> Finding {
    let setting = "dead_letter_worker_publisher_confirm_timeout";
    let found = format!("{setting} is not told over the network; 15000 is shipped");
    let fix = format!("on a node: rabbitmqctl eval 'application:get_env(rabbit, {setting}).'");
    Finding::bad(Health::Unknown, "broker-settings", found, fix)
}

fn of_node(node: &Node) -> Vec<Finding> {
    let check = "broker-nodes";
    let name = &node.name;
    let bad = |health, found: String, fix: &str| Finding::bad(health, check, found, fix);
    let mut findings = Vec::new();
    if !node.running {
        findings.push(bad(Health::Wrong, format!("{name} does not run"), "start it again"));
    }
    if node.mem_alarm {
        let found = format!("{name} is short of memory and stops publishers");
        findings.push(bad(Health::Wrong, found, "give it memory, or let workers empty the queues"));
    }
    if node.disk_free_alarm {
        let found = format!("{name} is short of disk and stops publishers");
        findings.push(bad(Health::Wrong, found, "give it disk"));
    } else if let Some(free) = node.disk_free.filter(|free| *free < scarce(node)) {
        let limit = node.disk_free_limit.unwrap_or_default();
        let (free, limit) = (free >> 20, limit >> 20);
        let found = format!("{name} has {free} MiB of disk left, and stops at {limit} MiB");
        findings.push(bad(Health::Warning, found, "give it disk, before it stops publishers"));
    }
    if !node.partitions.is_empty() {
        let found = format!("{name} does not see {}", node.partitions.join(", "));
        findings.push(bad(Health::Wrong, found, "mend the network, then restart the smaller part"));
    }
    if findings.is_empty() {
        let free = node
            .disk_free
            .map_or_else(String::new, |free| format!(", {} MiB of disk left", free >> 20));
        findings.push(Finding::good(check, format!("{name} runs without an alarm{free}")));
    }
    findings
}

/// Below this, there is not much time until the node stops publishers.
fn scarce(node: &Node) -> u64 {
    let limit = node.disk_free_limit.unwrap_or_default();
    FREE_SPACE.max(limit.saturating_add(limit / 2))
}

/// Whether its counters can be scraped; alerts on lost messages need them.
fn of_counters(node: &Node) -> Option<Finding> {
    let (check, name) = ("broker-counters", &node.name);
    if node.enabled_plugins.as_ref()?.iter().any(|plugin| plugin == COUNTERS) {
        return Some(Finding::good(check, format!("{name} has {COUNTERS}")));
    }
    let found = format!("{name} lacks {COUNTERS}: alerts on lost messages cannot come");
    let fix = "rabbitmq-plugins enable rabbitmq_prometheus: ops/runbooks/broker-not-watched.md";
    Some(Finding::bad(Health::Warning, check, found, fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healths(node: &str) -> Vec<Health> {
        let node = serde_json::from_str(node).unwrap();
        of_node(&node).iter().map(|finding| finding.health).collect()
    }

    #[test]
    fn a_node_short_of_something_is_found_before_and_after_it_stops_publishers() {
        let sound = r#"{"name": "a", "running": true, "disk_free": 5000000000}"#;
        assert_eq!(healths(sound), [Health::Good]);
        let scarce = r#"{"name": "a", "running": true, "disk_free": 500000000}"#;
        assert_eq!(healths(scarce), [Health::Warning]);
        let near = r#"{"name": "a", "running": true, "disk_free": 5000000000,
            "disk_free_limit": 4000000000}"#;
        assert_eq!(healths(near), [Health::Warning]);
        let alarmed = r#"{"name": "a", "running": true, "disk_free": 1, "disk_free_alarm": true,
            "mem_alarm": true, "partitions": ["b"]}"#;
        assert_eq!(healths(alarmed), [Health::Wrong; 3]);
        assert_eq!(healths(r#"{"name": "a"}"#), [Health::Wrong]);
    }

    #[test]
    fn a_node_whose_counters_cannot_be_scraped_is_found() {
        let health = |plugins: &str| {
            let node = format!(r#"{{"name": "a", "enabled_plugins": {plugins}}}"#);
            of_counters(&serde_json::from_str(&node).unwrap()).map(|it| it.health)
        };
        assert_eq!(health(r#"["rabbitmq_management"]"#), Some(Health::Warning));
        assert_eq!(health(r#"["rabbitmq_prometheus"]"#), Some(Health::Good));
        assert_eq!(health("null"), None);
    }
}
