//! What only the broker's management interface does: look into queues, and remove them.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use ureq::Agent;

use crate::surroundings::Surroundings;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The management interface of the broker.
#[derive(Clone, Debug)]
pub struct BrokerAdmin {
    agent: Agent,
    url: String,
    vhost: String,
}

/// A queue with how many messages it holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Depth {
    /// The queue's name.
    pub name: String,
    /// Messages ready and unsettled; the broker counts them every few seconds.
    #[serde(default)]
    pub messages: u64,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl BrokerAdmin {
    /// The interface that belongs to the broker.
    pub fn new(surroundings: &Surroundings) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(REQUEST_TIMEOUT))
            .http_status_as_error(true)
            .proxy(None)
            .build();
        let url = surroundings.management_url.as_str().trim_end_matches('/').to_owned();
        Self { agent: config.into(), url, vhost: surroundings.vhost().to_owned() }
    }

    /// The queues whose names start with the prefix, with what they hold.
    ///
    /// # Errors
    /// When the interface does not answer.
    pub async fn depths(&self, prefix: &str) -> Result<Vec<Depth>> {
        let (admin, prefix) = (self.clone(), dotted(prefix));
        blocking(move || {
            let mut all: Vec<Depth> = admin.list("queues", "name,messages")?;
            all.retain(|queue| queue.name.starts_with(&prefix));
            Ok(all)
        })
        .await
    }

    /// Removes the queues and exchanges whose names start with the prefix.
    ///
    /// # Errors
    /// When the interface does not answer or refuses.
    pub async fn remove(&self, prefix: &str) -> Result<()> {
        let (admin, prefix) = (self.clone(), dotted(prefix));
        blocking(move || {
            for kind in ["queues", "exchanges"] {
                let all: Vec<Named> = admin.list(kind, "name")?;
                for name in all.iter().filter(|named| named.name.starts_with(&prefix)) {
                    admin.remove_one(kind, &name.name)?;
                }
            }
            Ok(())
        })
        .await
    }

    fn list<T: for<'de> Deserialize<'de>>(&self, kind: &str, columns: &str) -> Result<Vec<T>> {
        let url = format!("{}/api/{kind}/{}?columns={columns}", self.url, self.vhost);
        self.agent
            .get(&url)
            .call()
            .and_then(|mut response| response.body_mut().read_json())
            .with_context(|| format!("failed to list the broker's {kind}"))
    }

    fn remove_one(&self, kind: &str, name: &str) -> Result<()> {
        // Names of ours are letters, digits, dots, `-` and `_`: one segment of a path as they are.
        let url = format!("{}/api/{kind}/{}/{name}", self.url, self.vhost);
        match self.agent.delete(&url).call() {
            // Gone already.
            Ok(_) | Err(ureq::Error::StatusCode(404)) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("failed to remove {name}")),
        }
    }
}

/// With the dot, so that one prefix that begins like another one keeps to its own.
fn dotted(prefix: &str) -> String {
    format!("{prefix}.")
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.context("a request to the broker was given up")?
}
