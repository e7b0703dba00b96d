//! A part of the broker of a test's own: everything whose name starts with one prefix.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::Agent;

use crate::{Endpoints, endpoints, unique};

/// What every prefix starts with, so that it also starts with a letter.
const LETTER: char = 't';

/// How long one request to the management interface may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A prefix for the queues and exchanges of one test, all removed at the end of it.
#[derive(Debug)]
pub struct TestBroker {
    endpoints: Endpoints,
    prefix: String,
}

impl TestBroker {
    /// A prefix no other test has.
    ///
    /// # Panics
    /// When no broker is running.
    pub fn unique() -> Self {
        Self::unique_at(endpoints())
    }

    /// The same on a broker that is not the usual one.
    ///
    /// # Panics
    /// When its management interface is not one.
    pub fn unique_at(endpoints: Endpoints) -> Self {
        let management = Management::new(&endpoints.management_url);
        if let Err(error) =
            management.delete(|name| name.strip_prefix(LETTER).is_some_and(unique::is_forgotten))
        {
            eprintln!("leftovers of crashed tests stay on the broker: {error:#}");
        }
        Self { endpoints, prefix: format!("{LETTER}{}", unique::name()) }
    }

    /// A prefix that is the same in every run, for a broker that only one test uses at a time; what
    /// an earlier run left behind it is removed.
    ///
    /// # Panics
    /// When its management interface is none, or refuses.
    pub fn named_at(endpoints: Endpoints, prefix: &str) -> Self {
        let broker = Self { endpoints, prefix: prefix.to_owned() };
        broker.remove().expect("what an earlier run left can be removed");
        broker
    }

    /// What the names of this test's queues and exchanges start with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The address to connect to, with user and password.
    pub fn amqp_url(&self) -> &str {
        &self.endpoints.amqp_url
    }

    /// The address of the management interface, with user and password.
    pub fn management_url(&self) -> &str {
        &self.endpoints.management_url
    }

    /// Makes users, in the form of the broker's definitions but each with a `password`.
    ///
    /// They are removed at the end, if their names start with the test's prefix.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn import(&self, definitions: &Value) {
        let management = Management::new(&self.endpoints.management_url);
        let definitions = definitions.clone();
        let imported = tokio::task::spawn_blocking(move || management.import(&definitions));
        let outcome = imported.await.expect("importing does not panic");
        outcome.expect("the broker takes definitions");
    }

    /// The address to connect to as one of the users that were made.
    pub fn amqp_url_as(&self, user: &str, password: &str) -> String {
        let urls = self.endpoints.amqp_url.split(',');
        let other = urls.map(|url| {
            let (scheme, rest) = url.split_once("://").unwrap_or(("amqp", url));
            let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
            format!("{scheme}://{user}:{password}@{place}")
        });
        other.collect::<Vec<_>>().join(",")
    }

    /// Removes this test's queues and exchanges now instead of at the end.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn delete(self) {
        let removed = tokio::task::spawn_blocking(move || self.remove());
        let outcome = removed.await.expect("removing does not panic");
        outcome.expect("the queues and exchanges of the test can be removed");
    }

    /// Deletes everything of this test from the broker, as if its disk were lost.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn wipe(&self) {
        let (url, prefix) = (self.endpoints.management_url.clone(), self.prefix.clone());
        let wipe = move || Management::new(&url).delete(|name| is_of(name, &prefix));
        let wiped = tokio::task::spawn_blocking(wipe).await.expect("deleting does not panic");
        wiped.expect("the queues and exchanges can be deleted");
    }

    /// Deletes one queue, with all that is in it.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn delete_queue(&self, name: &str) {
        let (url, name) = (self.endpoints.management_url.clone(), name.to_owned());
        let delete = move || Management::new(&url).delete_one("queues/%2f", &name);
        let deleted = tokio::task::spawn_blocking(delete).await.expect("deleting does not panic");
        deleted.expect("the queue can be deleted");
    }

    fn remove(&self) -> Result<()> {
        let management = Management::new(&self.endpoints.management_url);
        management.delete(|name| is_of(name, &self.prefix))
    }
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        // Not a reason to fail a test: a later run removes it.
        if let Err(error) = self.remove() {
            eprintln!("{}.* stays on the broker: {error:#}", self.prefix);
        }
    }
}

/// Whether a name is one of a prefix: the user by whom this is done may be called like the prefix.
fn is_of(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['.', '-']))
}

/// The management interface of the broker.
struct Management {
    agent: Agent,
    url: String,
}

impl Management {
    fn new(url: &str) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(REQUEST_TIMEOUT))
            .http_status_as_error(true)
            .proxy(None)
            .build();
        Self { agent: config.into(), url: url.trim_end_matches('/').to_owned() }
    }

    /// Deletes the queues and exchanges of the default virtual host, and the users, that `chosen`
    /// picks by name.
    fn delete(&self, chosen: impl Fn(&str) -> bool) -> Result<()> {
        for kind in ["queues/%2f", "exchanges/%2f", "users"] {
            for name in self.names(kind)?.iter().filter(|name| chosen(name)) {
                self.delete_one(kind, name)?;
            }
        }
        Ok(())
    }

    fn import(&self, definitions: &Value) -> Result<()> {
        let url = format!("{}/api/definitions", self.url);
        let sent = self.agent.post(&url).send_json(definitions);
        sent.map(drop).context("failed to import definitions")
    }

    fn names(&self, kind: &str) -> Result<Vec<String>> {
        let url = format!("{}/api/{kind}?columns=name", self.url);
        let list: Value = self
            .agent
            .get(&url)
            .call()
            .and_then(|mut response| response.body_mut().read_json())
            .with_context(|| format!("failed to list the {kind}"))?;
        let entries = list.as_array().into_iter().flatten();
        Ok(entries.filter_map(|it| it.get("name")?.as_str().map(str::to_owned)).collect())
    }

    fn delete_one(&self, kind: &str, name: &str) -> Result<()> {
        let url = format!("{}/api/{kind}/{}", self.url, percent_encoded(name));
        match self.agent.delete(&url).call() {
            // Gone already: exclusive, auto-deleted, or deleted by another test's cleaning.
            Ok(_) | Err(ureq::Error::StatusCode(404)) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("failed to delete {name}")),
        }
    }
}

/// A name as one segment of a path.
fn percent_encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventually;
    use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
    use lapin::types::{AMQPValue, FieldTable};
    use lapin::{Connection, ConnectionProperties, ExchangeKind};

    #[test]
    fn a_name_is_of_a_prefix_when_more_follows() {
        assert!(is_of("orderflow.dead", "orderflow") && is_of("orderflow-parker", "orderflow"));
        assert!(!is_of("orderflow", "orderflow") && !is_of("orderflows.dead", "orderflow"));
    }

    async fn declare(url: &str, prefix: &str) {
        try_declare(url, prefix).await.unwrap();
    }

    async fn try_declare(url: &str, prefix: &str) -> Result<(), lapin::Error> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let mut quorum = FieldTable::default();
        quorum.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let queue = format!("{prefix}.work/one");
        channel.queue_declare(queue.into(), durable, quorum).await?;
        let exchange = format!("{prefix}.events");
        let options = ExchangeDeclareOptions::default();
        let declared = channel.exchange_declare(
            exchange.into(),
            ExchangeKind::Topic,
            options,
            FieldTable::default(),
        );
        declared.await?;
        connection.close(200, "done".into()).await
    }

    async fn names_with(prefix: &str) -> Vec<String> {
        let prefix = prefix.to_owned();
        let found = tokio::task::spawn_blocking(move || {
            let management = Management::new(&endpoints().management_url);
            let queues = management.names("queues/%2f").unwrap().into_iter();
            let all = queues.chain(management.names("exchanges/%2f").unwrap());
            all.filter(|name| name.starts_with(&prefix)).collect()
        });
        found.await.unwrap()
    }

    async fn there_are(count: usize, prefix: &str) {
        eventually(Duration::from_secs(10), "the names on the broker", async || {
            let names = names_with(prefix).await;
            if names.len() == count { Ok(()) } else { Err(names) }
        })
        .await;
    }

    #[test]
    fn a_name_is_one_segment_of_a_path() {
        assert_eq!(percent_encoded("t1.work/a b"), "t1.work%2Fa%20b");
    }

    #[tokio::test]
    async fn what_a_test_declared_is_removed_at_its_end_and_nothing_else() {
        let kept = TestBroker::unique();
        declare(kept.amqp_url(), kept.prefix()).await;
        let broker = TestBroker::unique();
        let prefix = broker.prefix().to_owned();
        declare(broker.amqp_url(), &prefix).await;
        there_are(2, &prefix).await;
        drop(broker);
        there_are(0, &prefix).await;
        there_are(2, kept.prefix()).await;

        let prefix = kept.prefix().to_owned();
        kept.delete().await;
        there_are(0, &prefix).await;
    }

    #[tokio::test]
    async fn what_a_crashed_test_left_is_removed_by_a_later_one() {
        let forgotten = format!("{LETTER}0000000{}", &unique::name()[7..]);
        // Whatever other test begins just now removes it too, perhaps half-declared.
        eventually(Duration::from_secs(10), "it is declared", async || {
            try_declare(&endpoints().amqp_url, &forgotten).await
        })
        .await;
        let _later = TestBroker::unique();
        there_are(0, &forgotten).await;
    }
}
