//! Which RabbitMQ user may do what, worked out from the topology.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    DelayProvider, Names,
    delay::LEVELS,
    topology::{Topology, WorkerRoute},
};

/// A user of the broker and what it may do, as regular expressions over names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its name, such as `orderflow-payment-attempted`.
    pub name: String,
    /// Exchanges and queues it may declare and delete.
    pub configure: String,
    /// Exchanges it may publish to.
    pub write: String,
    /// Queues it may consume, and so also empty.
    pub read: String,
}

/// The exchanges and queues of one account.
#[derive(Debug, Default)]
struct Rights {
    configure: Vec<String>,
    write: Vec<String>,
    read: Vec<String>,
}

/// The accounts of a deployment: one per worker, one for shops, one that declares.
///
/// No worker may declare anything: run them with `--topology verify`, and declare with
/// `orderctl topology apply` as the deployer.
pub fn accounts(names: &Names, workers: &[WorkerRoute<'_>], delay: DelayProvider) -> Vec<Account> {
    let ladder = || (0..LEVELS).map(|level| names.ladder_level(level));
    // The longest way home begins at the highest level, the shortest at none.
    let delayed = || ladder().chain([names.return_exchange()]);
    let mut all = Vec::new();
    for route in workers {
        let write = delayed().chain([names.dead_exchange()]).collect();
        let read = vec![names.work_queue(route.worker)];
        all.push(account(names, route.worker, &Rights { write, read, ..Rights::default() }));
    }
    let write = vec![names.outbound(), names.return_exchange()];
    all.push(account(names, "outbox-relay", &Rights { write, ..Rights::default() }));
    let plugin = (delay == DelayProvider::Plugin).then(|| names.delayed_exchange());
    let write = delayed().chain(plugin).collect();
    all.push(account(names, "timer-scheduler", &Rights { write, ..Rights::default() }));
    let dead = workers.iter().map(|route| names.dead_queue(route.worker));
    let read = dead.chain([names.unroutable()]).collect();
    // What is replayed takes the way home.
    let write = vec![names.return_exchange()];
    all.push(account(names, "dead-letter-parker", &Rights { write, read, ..Rights::default() }));
    let write = vec![names.inbound()];
    all.push(account(names, "shop", &Rights { write, ..Rights::default() }));
    all.push(account(names, "deployer", &deployer(&Topology::of(names, workers, delay))));
    all
}

/// Declares and binds everything; a binding writes to where it leads and reads where it begins.
fn deployer(topology: &Topology) -> Rights {
    let exchanges = topology.exchanges.iter().map(|exchange| exchange.name.clone());
    let queues = topology.queues.iter().map(|queue| queue.name.clone());
    let mut everything: Vec<String> = exchanges.chain(queues).collect();
    everything.sort_unstable();
    everything.dedup();
    // Naming an alternate or a dead-letter exchange asks for the right to publish there, and to
    // read what would be moved there.
    Rights { configure: everything.clone(), write: everything.clone(), read: everything }
}

fn account(names: &Names, who: &str, rights: &Rights) -> Account {
    Account {
        name: format!("{}-{who}", names.prefix()),
        configure: pattern(&rights.configure),
        write: pattern(&rights.write),
        read: pattern(&rights.read),
    }
}

/// A regular expression that these names match, and no others.
fn pattern(names: &[String]) -> String {
    if names.is_empty() {
        return "^$".to_owned();
    }
    let escaped = names.iter().map(|name| name.replace('.', r"\."));
    format!("^({})$", escaped.collect::<Vec<_>>().join("|"))
}

/// The accounts in the broker's own import format, without passwords.
///
/// A user with an empty hash cannot log in by password until it is given one.
pub fn accounts_json(accounts: &[Account], vhost: &str) -> Value {
    let users = accounts.iter().map(|account| {
        json!({
            "name": account.name,
            "password_hash": "",
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": [],
            "limits": {},
        })
    });
    let permissions = accounts.iter().map(|account| {
        json!({
            "user": account.name,
            "vhost": vhost,
            "configure": account.configure,
            "write": account.write,
            "read": account.read,
        })
    });
    json!({
        "users": users.collect::<Vec<_>>(),
        "permissions": permissions.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: [WorkerRoute<'static>; 1] =
        [WorkerRoute { worker: "order-created", routing_keys: &["order.created"] }];

    fn of(who: &str) -> Account {
        let all = accounts(&Names::default(), &ROUTES, DelayProvider::Ladder);
        all.into_iter().find(|account| account.name == format!("orderflow-{who}")).unwrap()
    }

    #[test]
    fn a_worker_reads_its_own_queue_and_declares_nothing() {
        let worker = of("order-created");
        assert_eq!(worker.read, r"^(orderflow\.order-created)$");
        assert_eq!(worker.configure, "^$");
        assert!(worker.write.contains(r"orderflow\.dead") && worker.write.contains(r"delay\.11"));
        assert!(!worker.write.contains("shop") && !worker.write.contains("orderflow.events"));
    }

    #[test]
    fn the_parker_reads_dead_letters_and_sends_them_home() {
        let parker = of("dead-letter-parker");
        assert_eq!(parker.read, r"^(orderflow\.order-created\.dead|orderflow\.unroutable)$");
        assert_eq!(parker.write, r"^(orderflow\.return)$");
        assert_eq!(parker.configure, "^$");
    }

    #[test]
    fn a_shop_publishes_events_and_nothing_else() {
        let shop = of("shop");
        assert_eq!(shop.write, r"^(shop\.events)$");
        assert_eq!((shop.configure.as_str(), shop.read.as_str()), ("^$", "^$"));
    }

    #[test]
    fn the_rendered_accounts_hold_no_password() {
        let all = accounts(&Names::default(), &ROUTES, DelayProvider::Ladder);
        let rendered = accounts_json(&all, "/");
        assert!(rendered["users"].as_array().unwrap().iter().all(|it| it["password_hash"] == ""));
        assert_eq!(rendered["permissions"].as_array().unwrap().len(), all.len());
    }
}
