//! Two connections to one broker node: one consumes, one publishes.

mod dial;
pub(crate) mod tls;
mod watch;

use std::{sync::Arc, time::Duration};

use lapin::{Channel, Connection, options::QueueDeclareOptions, types::FieldTable};
use tokio::time::timeout;

use crate::{
    AmqpUrl, Class, Consumer, Error, Publisher, PublisherConfig,
    session::{dial::dial, watch::Watchers},
};

pub use tls::{Identity, TlsFiles};
pub use watch::{Link, Patience, SessionEnd, SessionState, SessionWatch};

/// How to reach the broker.
#[derive(Debug, Clone)]
pub struct AmqpConfig {
    /// Nodes of one cluster, tried in this order.
    pub urls: Vec<AmqpUrl>,
    /// Name shown in the broker's list of connections; the connection's purpose is added.
    pub connection_name: String,
    /// A silent peer is given up after twice this time; whole seconds, at least one.
    pub heartbeat: Duration,
    /// Longest wait for any single answer of the broker.
    pub operation_timeout: Duration,
}

/// A working pair of connections; never recovers by itself.
///
/// A broker short of memory or disk stops reading from a connection that publishes, acks
/// included, so consuming has a connection of its own. When either connection ends, the session
/// is over: open another one, as often as it takes, with backoff.
#[derive(Debug)]
pub struct Session {
    consume: Arc<Connection>,
    publish: Arc<Connection>,
    watchers: Watchers,
    operation_timeout: Duration,
}

impl Session {
    /// Tries every node once and opens both connections to the first that answers.
    ///
    /// Takes at most the operation time-out per node. Of several failures, one that only a
    /// change of the configuration can cure is reported, else the last.
    pub async fn open(config: &AmqpConfig) -> Result<Self, Error> {
        first_usable(config, async |url| Self::open_at(url, config).await).await
    }

    async fn open_at(url: &AmqpUrl, config: &AmqpConfig) -> Result<Self, Error> {
        let dial = |link: Link| dial(url, config, link.as_str());
        let (consume, publish) = tokio::try_join!(dial(Link::Consume), dial(Link::Publish))?;
        tracing::info!(%url, "connected to the broker");
        Ok(Self {
            watchers: Watchers::start(&consume, &publish),
            consume: Arc::new(consume),
            publish: Arc::new(publish),
            operation_timeout: config.operation_timeout,
        })
    }

    /// A publisher with a channel of its own.
    pub async fn publisher(&self, config: PublisherConfig) -> Result<Publisher, Error> {
        let connection = Arc::clone(&self.publish);
        Publisher::open(connection, self.watch(), config, self.operation_timeout).await
    }

    /// A consumer of `queue` with a channel of its own and at most `prefetch` unsettled deliveries.
    ///
    /// At least one: a prefetch of zero would mean no limit to the broker.
    pub async fn consumer(&self, queue: &str, prefetch: u16) -> Result<Consumer, Error> {
        Consumer::open(&self.consume, queue, prefetch.max(1), self.operation_timeout).await
    }

    /// How many messages are ready in a queue; `None` if there is no such queue.
    ///
    /// Asks by a passive declaration, which needs no permission and changes nothing.
    pub async fn ready_messages(&self, queue: &str) -> Result<Option<u32>, Error> {
        // The answer that there is none closes the channel.
        let channel = self.throw_away_channel().await?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let asked = channel.queue_declare(queue.into(), options, FieldTable::default());
        match within("look at a queue", self.operation_timeout, asked).await {
            Ok(found) => {
                let closing = channel.close(200, "OK".into());
                within("close a channel", self.operation_timeout, closing).await?;
                Ok(Some(found.message_count()))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Follows the state of both connections.
    pub fn watch(&self) -> SessionWatch {
        self.watchers.watch()
    }

    /// Closes both connections; what is unsettled goes back to its queue.
    pub async fn close(self) {
        self.watchers.closed();
        let limit = self.operation_timeout;
        for connection in [self.consume, self.publish] {
            close(&connection, limit).await;
        }
    }

    /// A channel for declarations, on the connection that is never blocked.
    pub(crate) async fn throw_away_channel(&self) -> Result<Channel, Error> {
        within("open a channel", self.operation_timeout, self.consume.create_channel()).await
    }

    pub(crate) fn operation_timeout(&self) -> Duration {
        self.operation_timeout
    }
}

/// One connection, for a purpose of its own.
pub(crate) async fn connect(config: &AmqpConfig, purpose: &str) -> Result<Connection, Error> {
    first_usable(config, async |url| dial(url, config, purpose).await).await
}

/// Tries every node once, in order; of several failures a permanent one is reported, else the last.
async fn first_usable<T>(
    config: &AmqpConfig,
    attempt: impl AsyncFn(&AmqpUrl) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut failure = None;
    for url in &config.urls {
        match attempt(url).await {
            Ok(usable) => return Ok(usable),
            Err(error) => {
                tracing::warn!(%url, code = error.code(), %error, "broker node is not usable");
                failure = failure.filter(|f: &Error| f.class() == Class::Permanent).or(Some(error));
            }
        }
    }
    Err(failure.unwrap_or(Error::NoUrl))
}

/// Closes a connection; one that is gone already, or does not answer, is as good as closed.
pub(crate) async fn close(connection: &Connection, limit: Duration) {
    let closing = connection.close(200, "OK".into());
    if let Err(error) = within("close the connection", limit, closing).await {
        tracing::debug!(%error, "connection was not closed in order");
    }
}

/// Runs one operation of the client library, which has no deadlines of its own.
pub(crate) async fn within<T>(
    operation: &'static str,
    limit: Duration,
    work: impl Future<Output = lapin::Result<T>>,
) -> Result<T, Error> {
    match timeout(limit, work).await {
        Ok(result) => result.map_err(Error::from),
        Err(_) => Err(Error::Timeout { operation, limit }),
    }
}
