//! Waiting for the dependencies: one try at a time, with ever longer pauses, saying so.

use broker::Session;
use broker::delay::DelayProvider;
use broker::topology::Topology;
use store::{Database, pace, vault};
use telemetry::happenings::{Dependency, DependencyLost, DependencyReady};

use crate::config::{Config, TopologyMode};
use crate::health::Health;
use crate::retry::Pauses;
use crate::stop::Stop;
use crate::worker::worker_routes;

/// Who waits for a dependency, and how it says so.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Which process.
    pub worker: &'static str,
    /// Where the wait is shown.
    pub health: Health,
    /// What ends the wait early.
    pub stop: Stop,
}

impl Waiting {
    /// Tries until it works; `None` when the process was asked to stop first.
    async fn until<T, E: Refusal>(
        &mut self,
        dependency: Dependency,
        mut attempt: impl AsyncFnMut() -> Result<T, E>,
    ) -> Option<T> {
        let mut pauses = Pauses::new();
        loop {
            if self.stop.is_requested() {
                return None;
            }
            match attempt().await {
                Ok(ready) => {
                    DependencyReady { worker: self.worker, dependency }.emit();
                    return Some(ready);
                }
                Err(error) => {
                    let (cause, detail) = (error.code(), error.to_string());
                    let pause = pauses.next_pause();
                    self.health.not_ready(format!("{}: {detail} ({cause})", dependency.name()));
                    let worker = self.worker;
                    DependencyLost { worker, dependency, cause, detail: &detail, pause }.emit();
                    if !self.stop.sleep(pause).await {
                        return None;
                    }
                }
            }
        }
    }
}

/// An error of either dependency, as far as waiting is concerned.
trait Refusal: std::fmt::Display {
    fn code(&self) -> &'static str;
}

impl Refusal for broker::Error {
    fn code(&self) -> &'static str {
        broker::Error::code(self)
    }
}

impl Refusal for store::Error {
    fn code(&self) -> &'static str {
        store::Error::code(self)
    }
}

/// Waits for the broker; `None` when asked to stop first.
pub async fn broker_ready(config: &Config, waiting: &mut Waiting) -> Option<Session> {
    waiting.until(Dependency::Broker, async || Session::open(&config.amqp).await).await
}

/// Waits for a database that takes writes, in the schema of this build, with keys that fit.
///
/// `None` when asked to stop first.
pub async fn database_ready(config: &Config, waiting: &mut Waiting) -> Option<Database> {
    waiting
        .until(Dependency::Database, async || {
            store::require_schema(&config.database).await?;
            let mut database = Database::connect(&config.database).await?;
            database.ping().await?;
            vault::introduce(&mut database).await?;
            // Whoever came back now would wait for the same lock with the same messages again.
            pace::is_open(&mut database).await?;
            Ok::<_, store::Error>(database)
        })
        .await
}

/// Declares or verifies exchanges and queues; returns the provider of the delayed exchange.
///
/// # Errors
/// When the broker refuses, or something differs from what is needed.
pub async fn topology_ready(config: &Config, session: &Session) -> anyhow::Result<DelayProvider> {
    let (provider, why) = broker::delay::probe(&config.amqp, config.delay).await?;
    tracing::info!(provider = provider.as_str(), why, "delayed exchange chosen");
    let topology = Topology::of(&config.names, &worker_routes(), provider);
    match config.topology {
        TopologyMode::Declare => topology.apply(session).await?,
        TopologyMode::Verify => {
            let drift = topology.verify(session).await?;
            anyhow::ensure!(drift.is_empty(), "the broker's topology differs: {drift:?}");
        }
        TopologyMode::None => {}
    }
    Ok(provider)
}
