//! Bindings, which only `RabbitMQ`'s management interface can tell.

use std::collections::HashSet;
use std::time::Duration;

use broker::topology::{Binding, DestinationKind};
use serde::Deserialize;
use ureq::Agent;

use crate::exit::{Exit, Failure};
use crate::settings::ManagementUrl;

/// How long the interface may take to answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A binding as the broker has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(crate) struct Found {
    /// The exchange messages come from; empty for the default exchange.
    pub(crate) source: String,
    /// Where they go.
    pub(crate) destination: String,
    /// `queue` or `exchange`.
    pub(crate) destination_type: String,
    /// The key, or the pattern, that lets them pass.
    pub(crate) routing_key: String,
}

impl Found {
    /// Whether it does what a binding of ours is to do.
    pub(crate) fn is(&self, binding: &Binding) -> bool {
        let kind = match binding.destination_type {
            DestinationKind::Queue => "queue",
            DestinationKind::Exchange => "exchange",
        };
        self.source == binding.source
            && self.destination == binding.destination
            && self.destination_type == kind
            && self.routing_key == binding.routing_key
    }
}

/// Every binding of a vhost but those of the default exchange, which nobody can change.
pub(crate) async fn bindings(url: &ManagementUrl, vhost: &str) -> Result<HashSet<Found>, Failure> {
    let page = url.page(&format!("api/bindings/{vhost}"));
    let asked = tokio::task::spawn_blocking(move || ask(&page));
    let found = asked.await.expect("asking does not panic")?;
    Ok(found.into_iter().filter(|binding| !binding.source.is_empty()).collect())
}

fn ask(page: &str) -> Result<Vec<Found>, Failure> {
    let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).proxy(None).build();
    let answer = Agent::from(config).get(page).call();
    answer.and_then(|mut answer| answer.body_mut().read_json()).map_err(|error| {
        let (exit, next) = match error {
            ureq::Error::StatusCode(401 | 403) => (
                Exit::Failed,
                "check the user in ORDERFLOW_MANAGEMENT_URL; it needs the tag `monitoring`",
            ),
            ureq::Error::StatusCode(404) => {
                (Exit::Failed, "check the vhost at the end of ORDERFLOW_AMQP_URL")
            }
            _ => (
                Exit::DependencyDown,
                "check ORDERFLOW_MANAGEMENT_URL, or leave it out: bindings are then not checked",
            ),
        };
        let what = "failed to ask the management interface for the bindings";
        Failure::new(exit, what, next).because(error.to_string())
    })
}
