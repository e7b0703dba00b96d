//! A hint that there is something to do; whoever waits for it polls as well.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::{Instant, timeout};

use crate::config::DatabaseConfig;
use crate::database::GREETING_WITHIN;

/// A connection that was silent for so long is asked whether it lives.
const ASK_AFTER: Duration = Duration::from_secs(30);

/// What one may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Messages were added to the outbox.
    Outbox,
    /// Timers were armed that are due soon.
    Timers,
}

impl Channel {
    /// Wakes the relay. The notification need not survive a crash, so nobody waits for the disk.
    pub(crate) const OUTBOX_HINT: &'static str =
        "SET LOCAL synchronous_commit = off; SELECT pg_notify('orderflow_outbox', '')";
    /// Wakes the scheduler.
    pub(crate) const TIMERS_HINT: &'static str =
        "SET LOCAL synchronous_commit = off; SELECT pg_notify('orderflow_timers', '')";
    /// Wakes both.
    pub(crate) const BOTH_HINTS: &'static str = "SET LOCAL synchronous_commit = off; \
         SELECT pg_notify('orderflow_outbox', ''), pg_notify('orderflow_timers', '')";

    fn name(self) -> &'static str {
        match self {
            Self::Outbox => "orderflow_outbox",
            Self::Timers => "orderflow_timers",
        }
    }
}

/// Listens on a connection of its own, made when first needed and again after any error.
///
/// The driver reconnects after some errors and not after others, and notifications sent meanwhile
/// are gone: so any error drops the connection, and waiting always ends after the caller's bound.
#[derive(Debug)]
pub struct Listener {
    config: DatabaseConfig,
    channel: Channel,
    connection: Option<PgListener>,
    /// When the server last said anything on it.
    heard: Instant,
}

impl Listener {
    /// Listens to a channel, from the first [`wait`](Self::wait) on.
    pub fn new(config: DatabaseConfig, channel: Channel) -> Self {
        Self { config, channel, connection: None, heard: Instant::now() }
    }

    /// Waits for a hint, but not longer than `at_most`; look for work after it either way.
    ///
    /// Returns whether there was a hint.
    pub async fn wait(&mut self, at_most: Duration) -> bool {
        match timeout(at_most, self.hint()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::debug!(%error, channel = self.channel.name(), "failed to listen");
                self.connection = None;
                // Without a pause a lost server would be polled as fast as it refuses.
                tokio::time::sleep(at_most).await;
                false
            }
            Err(_elapsed) => {
                self.look_for_life().await;
                false
            }
        }
    }

    /// Nothing tells a quiet channel from a connection that passes nothing, but a question.
    async fn look_for_life(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if self.heard.elapsed() < ASK_AFTER {
            return;
        }
        self.heard = Instant::now();
        let question = timeout(GREETING_WITHIN, sqlx::raw_sql("SELECT 1").execute(connection));
        if !matches!(question.await, Ok(Ok(_))) {
            tracing::debug!(channel = self.channel.name(), "a listener's connection is gone");
            self.connection = None;
        }
    }

    async fn hint(&mut self) -> Result<(), sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            empty => {
                let connection = empty.insert(listen(&self.config, self.channel).await?);
                self.heard = Instant::now();
                connection
            }
        };
        match connection.try_recv().await? {
            Some(_notification) => self.heard = Instant::now(),
            // The connection was lost in between, and hints with it.
            None => self.connection = None,
        }
        // What else came meanwhile asks for the same look.
        while self.connection.as_mut().and_then(PgListener::next_buffered).is_some() {}
        Ok(())
    }
}

async fn listen(config: &DatabaseConfig, channel: Channel) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(config.plain_options());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    listener.listen(channel.name()).await?;
    Ok(listener)
}
