//! A topology in the broker's own import format.

use serde_json::{Value, json};

use crate::topology::Topology;

impl Topology {
    /// The topology as a `definitions.json` for one vhost.
    ///
    /// For brokers whose workers may not declare anything: `rabbitmqctl import_definitions`.
    pub fn definitions_json(&self, vhost: &str) -> Value {
        let exchanges = self.exchanges.iter().map(|exchange| {
            json!({
                "name": exchange.name,
                "vhost": vhost,
                "type": exchange.kind,
                "durable": true,
                "auto_delete": false,
                "internal": false,
                "arguments": exchange.arguments,
            })
        });
        let queues = self.queues.iter().map(|queue| {
            json!({
                "name": queue.name,
                "vhost": vhost,
                "durable": true,
                "auto_delete": false,
                "arguments": queue.arguments,
            })
        });
        let bindings = self.bindings.iter().map(|binding| {
            json!({
                "source": binding.source,
                "vhost": vhost,
                "destination": binding.destination,
                "destination_type": binding.destination_type,
                "routing_key": binding.routing_key,
                "arguments": {},
            })
        });
        json!({
            "exchanges": exchanges.collect::<Vec<_>>(),
            "queues": queues.collect::<Vec<_>>(),
            "bindings": bindings.collect::<Vec<_>>(),
            "policies": [self.leaders(vhost)],
        })
    }

    /// Leaders of new queues go to the node of a cluster that has the fewest.
    ///
    /// All else is an argument and not a policy: what no message may get lost over is not to be
    /// changed by whoever may set a policy.
    fn leaders(&self, vhost: &str) -> Value {
        let names = self.queues.iter().map(|queue| queue.name.as_str());
        let common = names.reduce(common_start).unwrap_or_default();
        json!({
            "name": format!("{}-leaders", common.trim_end_matches('.')),
            "vhost": vhost,
            "pattern": format!("^{}", common.replace('.', "\\.")),
            "apply-to": "queues",
            "definition": { "queue-leader-locator": "balanced" },
            "priority": 0,
        })
    }
}

/// What two names begin with.
fn common_start<'a>(one: &'a str, other: &str) -> &'a str {
    let length = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    &one[..length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DelayProvider, Names, topology::WorkerRoute};

    #[test]
    fn definitions_hold_every_object_in_the_brokers_words() {
        let routes = [WorkerRoute { worker: "w", routing_keys: &["a.b"] }];
        let topology = Topology::of(&Names::default(), &routes, DelayProvider::Plugin);
        let definitions = topology.definitions_json("/");
        let count = |what: &str| definitions[what].as_array().unwrap().len();
        assert_eq!(count("exchanges"), topology.exchanges.len());
        assert_eq!(count("queues"), topology.queues.len());
        assert_eq!(count("bindings"), topology.bindings.len());
        let find = |what: &str, name: &str| {
            let all = definitions[what].as_array().unwrap();
            all.iter().find(|object| object["name"] == name).unwrap().clone()
        };
        let policy = find("policies", "orderflow-leaders");
        assert_eq!(policy["pattern"], "^orderflow\\.");
        assert_eq!(
            find("exchanges", "orderflow.delayed"),
            json!({
                "name": "orderflow.delayed", "vhost": "/", "type": "x-delayed-message",
                "durable": true, "auto_delete": false, "internal": false,
                "arguments": {"x-delayed-type": "direct"},
            })
        );
        assert_eq!(
            find("queues", "orderflow.w.dead"),
            json!({
                "name": "orderflow.w.dead", "vhost": "/", "durable": true, "auto_delete": false,
                "arguments": {"x-queue-type": "quorum", "x-delivery-limit": 2_147_483_647},
            })
        );
    }
}
