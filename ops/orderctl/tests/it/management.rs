//! The broker's management interface, to change and to look into what a test declared.

use serde_json::{Value, json};
use testkit::TestBroker;
use ureq::Agent;

fn agent() -> Agent {
    Agent::config_builder().proxy(None).build().into()
}

fn page(broker: &TestBroker, path: &str) -> String {
    format!("{}/api/{path}", broker.management_url().trim_end_matches('/'))
}

/// The full name of a queue or exchange of the test's own.
pub(crate) fn name(broker: &TestBroker, name: &str) -> String {
    format!("{}.{name}", broker.prefix())
}

pub(crate) fn delete_queue(broker: &TestBroker, queue: &str) {
    agent().delete(page(broker, &format!("queues/%2f/{queue}"))).call().unwrap();
}

pub(crate) fn delete_exchange(broker: &TestBroker, exchange: &str) {
    agent().delete(page(broker, &format!("exchanges/%2f/{exchange}"))).call().unwrap();
}

/// Declares a quorum queue without any further argument.
pub(crate) fn declare_bare_queue(broker: &TestBroker, queue: &str) {
    let body = json!({"durable": true, "arguments": {"x-queue-type": "quorum"}});
    agent().put(page(broker, &format!("queues/%2f/{queue}"))).send_json(body).unwrap();
}

pub(crate) fn declare_topic_exchange(broker: &TestBroker, exchange: &str) {
    let body = json!({"type": "topic", "durable": true, "arguments": {}});
    agent().put(page(broker, &format!("exchanges/%2f/{exchange}"))).send_json(body).unwrap();
}

pub(crate) fn bind(broker: &TestBroker, exchange: &str, queue: &str, key: &str) {
    let path = format!("bindings/%2f/e/{exchange}/q/{queue}");
    agent().post(page(broker, &path)).send_json(json!({"routing_key": key})).unwrap();
}

pub(crate) fn unbind(broker: &TestBroker, exchange: &str, queue: &str, key: &str) {
    let path = format!("bindings/%2f/e/{exchange}/q/{queue}/{key}");
    agent().delete(page(broker, &path)).call().unwrap();
}

/// Takes every message out of a queue.
pub(crate) fn take_messages(broker: &TestBroker, queue: &str) -> Vec<Value> {
    let body = json!({"count": 1000, "ackmode": "ack_requeue_false", "encoding": "auto"});
    let path = format!("queues/%2f/{queue}/get");
    let mut answer = agent().post(page(broker, &path)).send_json(body).unwrap();
    let messages: Value = answer.body_mut().read_json().unwrap();
    messages.as_array().unwrap().clone()
}

/// A vhost of a test's own, gone with it.
pub(crate) struct VirtualHost<'a> {
    broker: &'a TestBroker,
    name: String,
}

impl<'a> VirtualHost<'a> {
    pub(crate) fn create(broker: &'a TestBroker) -> Self {
        let name = broker.prefix().to_owned();
        agent().put(page(broker, &format!("vhosts/{name}"))).send_json(json!({})).unwrap();
        Self { broker, name }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the tests' user may do in it: configure, write, read.
    pub(crate) fn permit(&self, configure: &str, write: &str, read: &str) {
        let login = self.broker.amqp_url().split_once("://").unwrap().1;
        let user = login.split_once(':').unwrap().0;
        let body = json!({"configure": configure, "write": write, "read": read});
        let path = format!("permissions/{}/{user}", self.name);
        agent().put(page(self.broker, &path)).send_json(body).unwrap();
    }

    /// The names of its policies.
    pub(crate) fn policies(&self) -> Vec<String> {
        let page = page(self.broker, &format!("policies/{}", self.name));
        let found: Value = agent().get(page).call().unwrap().body_mut().read_json().unwrap();
        let names = found.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap());
        names.map(str::to_owned).collect()
    }
}

impl Drop for VirtualHost<'_> {
    fn drop(&mut self) {
        let page = page(self.broker, &format!("vhosts/{}", self.name));
        if let Err(error) = agent().delete(page).call() {
            eprintln!("the vhost {} stays on the broker: {error}", self.name);
        }
    }
}

/// Imports a `definitions.json` into a vhost.
pub(crate) fn definitions_into(vhost: &VirtualHost<'_>, definitions: &Value) {
    let page = page(vhost.broker, &format!("definitions/{}", vhost.name));
    agent().post(page).send_json(definitions).unwrap();
}
