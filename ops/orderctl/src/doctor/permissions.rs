//! Whether somebody may do what has to be done on the broker.

use broker::Names;
use broker::topology::accounts;
use regex::Regex;
use runtime::worker_routes;
use serde::Deserialize;

use super::{Declared, Finding, Health, accounts};
use crate::management;
use crate::settings::ManagementUrl;

/// What a user may do in a vhost.
#[derive(Debug, Deserialize)]
pub(super) struct Permission {
    pub(super) user: String,
    pub(super) configure: String,
    pub(super) write: String,
    pub(super) read: String,
}

/// Whether every queue has a reader and every exchange a writer, and each worker its own account.
pub(super) async fn examine(
    url: &ManagementUrl,
    vhost: &str,
    names: &Names,
    declared: &Declared,
    findings: &mut Vec<Finding>,
) {
    let topology = &declared.topology;
    let check = "broker-permissions";
    let page = format!("api/vhosts/{vhost}/permissions");
    let permissions = match management::page::<Vec<Permission>>(url, page).await {
        Ok(page) => page.content,
        Err(failure) => {
            let found = format!("they are not told: {}", failure.why.unwrap_or(failure.what));
            let fix = "rabbitmqctl list_permissions, or a user with the tag `administrator`";
            findings.push(Finding::bad(Health::Unknown, check, found, fix));
            return;
        }
    };
    let accounts = accounts(names, &worker_routes(), declared.provider);
    findings.extend(accounts::of_broker(&permissions, &accounts, topology, names));
    let queues = worker_routes().into_iter().map(|route| names.work_queue(route.worker));
    let unread = without(&permissions, queues, |it| &it.read);
    let exchanges = topology.exchanges.iter().map(|exchange| exchange.name.clone());
    let unwritten = without(&permissions, exchanges, |it| &it.write);
    if unread.is_empty() && unwritten.is_empty() {
        let users: Vec<_> = permissions.iter().map(|it| it.user.as_str()).collect();
        let found =
            format!("every queue has a reader and every exchange a writer, among {users:?}");
        findings.push(Finding::good(check, found));
        return;
    }
    for (verb, objects) in [("read", unread), ("write to", unwritten)] {
        if !objects.is_empty() {
            let found = format!("no user may {verb} {}", objects.join(", "));
            let fix = "rabbitmqctl set_permissions, for the user of the worker or publisher";
            findings.push(Finding::bad(Health::Wrong, check, found, fix));
        }
    }
}

/// The objects that nobody has the right to.
fn without(
    permissions: &[Permission],
    objects: impl Iterator<Item = String>,
    right: fn(&Permission) -> &String,
) -> Vec<String> {
    // The broker's own patterns are Perl's; one that Rust cannot read counts as no right.
    let patterns: Vec<Regex> =
        permissions.iter().filter_map(|it| Regex::new(right(it)).ok()).collect();
    objects.filter(|name| !patterns.iter().any(|pattern| pattern.is_match(name))).collect()
}
