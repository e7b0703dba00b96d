//! How the queues are: whether somebody consumes them, and where messages wait for a person.

use broker::Names;
use runtime::worker_routes;
use serde::Deserialize;

use super::{Finding, Health};
use crate::management;
use crate::settings::ManagementUrl;

/// A queue as the broker sees it; what it has not counted yet is absent.
#[derive(Debug, Deserialize)]
struct Found {
    name: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    consumers: u64,
    #[serde(default)]
    messages: u64,
}

/// What is wrong with the queues.
pub(super) async fn examine(
    url: &ManagementUrl,
    vhost: &str,
    names: &Names,
    findings: &mut Vec<Finding>,
) {
    match management::page::<Vec<Found>>(url, format!("api/queues/{vhost}")).await {
        Ok(page) => findings.extend(judged(&page.content, names)),
        Err(failure) => findings.push(Finding::failed("queues", &failure)),
    }
}

fn judged(queues: &[Found], names: &Names) -> Vec<Finding> {
    let check = "queues";
    let mut findings = Vec::new();
    let find = |name: &str| queues.iter().find(|queue| queue.name == name);
    for route in worker_routes() {
        let (work, dead) = (names.work_queue(route.worker), names.dead_queue(route.worker));
        if let Some(queue) = find(&work).filter(|queue| queue.consumers == 0) {
            let found = format!("nobody consumes {work}, where {} messages wait", queue.messages);
            let fix = format!("start {}, and see what its /readyz says", route.worker);
            findings.push(Finding::bad(Health::Warning, check, found, fix));
        }
        if let Some(queue) = find(&dead).filter(|queue| queue.messages > 0) {
            let found = format!("{} messages in {dead}", queue.messages);
            let fix = "start dead-letter-parker, which takes them into Postgres";
            findings.push(Finding::bad(Health::Warning, check, found, fix));
        }
    }
    if let Some(queue) = find(&names.unroutable()).filter(|queue| queue.messages > 0) {
        let found = format!("{} messages that no queue took, in {}", queue.messages, queue.name);
        let fix = "tell their publisher the right routing key; ops/docs/publishing.md lists them";
        findings.push(Finding::bad(Health::Warning, check, found, fix));
    }
    let ours = queues.iter().filter(|it| it.name.starts_with(names.prefix()));
    for queue in ours.filter(|queue| !["", "running"].contains(&queue.state.as_str())) {
        let found = format!("{} is {}", queue.name, queue.state);
        let fix = "start the nodes that hold it: rabbitmq-queues check_if_node_is_quorum_critical";
        findings.push(Finding::bad(Health::Wrong, check, found, fix));
    }
    if findings.is_empty() {
        findings.push(Finding::good(check, "all are consumed, and nothing waits for a person"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(name: &str, consumers: u64, messages: u64, state: &str) -> Found {
        Found { name: name.to_owned(), state: state.to_owned(), consumers, messages }
    }

    #[test]
    fn what_waits_for_a_person_or_a_worker_is_found() {
        let sound =
            [queue("orderflow.order-created", 1, 9, "running"), queue("other", 0, 9, "down")];
        let health = |queues: &[Found]| {
            judged(queues, &Names::default()).iter().map(|it| it.health).collect::<Vec<_>>()
        };
        assert_eq!(health(&sound), [Health::Good]);
        assert_eq!(health(&[queue("orderflow.order-created", 0, 0, "")]), [Health::Warning]);
        assert_eq!(health(&[queue("orderflow.order-created.dead", 0, 1, "")]), [Health::Warning]);
        assert_eq!(health(&[queue("orderflow.unroutable", 0, 1, "")]), [Health::Warning]);
        assert_eq!(health(&[queue("orderflow.delay.3", 0, 0, "down")]), [Health::Wrong]);
    }
}
