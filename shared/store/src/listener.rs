//! A hint that there is something to do; whoever waits for it polls as well.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::config::DatabaseConfig;

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
}

impl Listener {
    /// Listens to a channel, from the first [`wait`](Self::wait) on.
    pub fn new(config: DatabaseConfig, channel: Channel) -> Self {
        Self { config, channel, connection: None }
    }

    /// Waits for a hint, but not longer than `at_most`; look for work after it either way.
    ///
    /// Returns whether there was a hint.
    pub async fn wait(&mut self, at_most: Duration) -> bool {
        match tokio::time::timeout(at_most, self.hint()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::debug!(%error, channel = self.channel.name(), "failed to listen");
                self.connection = None;
                // Without a pause a lost server would be polled as fast as it refuses.
                tokio::time::sleep(at_most).await;
                false
            }
            Err(_elapsed) => false,
        }
    }

    async fn hint(&mut self) -> Result<(), sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            empty => empty.insert(listen(&self.config, self.channel).await?),
        };
        match connection.try_recv().await? {
            Some(_notification) => {}
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
