//! What only `RabbitMQ`'s management interface can tell, bindings above all.

use std::collections::HashSet;
use std::time::Duration;

use broker::topology::{Binding, DestinationKind};
use contracts::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::Agent;

use crate::doctor::http_date;
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

/// A page of the interface, and when it was written.
pub(crate) struct Page<T> {
    /// What it says.
    pub(crate) content: T,
    /// The broker's time of day.
    pub(crate) date: Option<Timestamp>,
}

/// Every binding of a vhost but those of the default exchange, which nobody can change.
pub(crate) async fn bindings(url: &ManagementUrl, vhost: &str) -> Result<HashSet<Found>, Failure> {
    let found = page::<Vec<Found>>(url, format!("api/bindings/{vhost}")).await?.content;
    Ok(found.into_iter().filter(|binding| !binding.source.is_empty()).collect())
}

/// Asks for a page of the interface.
pub(crate) async fn page<T>(url: &ManagementUrl, path: String) -> Result<Page<T>, Failure>
where
    T: DeserializeOwned + Send + 'static,
{
    let page = url.page(&path);
    let asked = tokio::task::spawn_blocking(move || ask(&page, &path));
    asked.await.expect("asking does not panic")
}

fn ask<T: DeserializeOwned>(page: &str, path: &str) -> Result<Page<T>, Failure> {
    let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).proxy(None).build();
    let answer = Agent::from(config).get(page).call();
    let read = answer.and_then(|mut answer| {
        let date = answer.headers().get("date").and_then(|date| http_date(date.to_str().ok()?));
        Ok(Page { content: answer.body_mut().read_json()?, date })
    });
    read.map_err(|error| {
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
        let what = format!("failed to ask the management interface for {path}");
        Failure::new(exit, what, next).because(error.to_string())
    })
}
