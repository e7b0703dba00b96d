//! Receives the messages of one queue.

mod settler;

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use lapin::{
    Channel, ChannelState, Connection, ConnectionState, ConnectionStatus, ErrorKind,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};

use crate::{Delivery, Error, session::within};

pub use settler::{Settled, Settler};

/// A subscription to one queue, on a channel of its own.
///
/// Dropping it, and every [`Settler`] of it, closes the channel; the broker then takes back what
/// is unsettled, and counts that as a failed delivery.
#[derive(Debug)]
pub struct Consumer {
    stream: lapin::Consumer,
    channel: Channel,
    connection: ConnectionStatus,
    operation_timeout: Duration,
    stopping: bool,
    end: Option<ConsumeEnd>,
}

/// Why no further delivery comes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConsumeEnd {
    /// We cancelled the consumer, and everything received before has been read.
    #[error("consumer was stopped")]
    Stopped,
    /// The broker cancelled it: the queue was deleted or moved, or we held a delivery too long.
    #[error("consumer was cancelled by the broker")]
    Cancelled,
    /// The channel was closed under it.
    #[error("consumer lost its channel")]
    ChannelClosed(#[source] Error),
    /// The connection ended.
    #[error("consumer lost its connection")]
    ConnectionLost(#[source] Error),
}

impl ConsumeEnd {
    /// Stable name for logs and metrics.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled-by-broker",
            Self::ChannelClosed(_) => "channel-closed",
            Self::ConnectionLost(_) => "connection-lost",
        }
    }
}

impl Consumer {
    pub(crate) async fn open(
        connection: &Connection,
        queue: &str,
        prefetch: u16,
        operation_timeout: Duration,
    ) -> Result<Self, Error> {
        let queue = ShortString::try_new(queue)
            .map_err(|error| Error::NotFound { text: format!("queue name: {error}") })?;
        let subscribe = async {
            let channel = connection.create_channel().await?;
            channel.basic_qos(prefetch, BasicQosOptions { global: false }).await?;
            // An empty tag has the broker make up a unique one.
            let tag = ShortString::default();
            let options = BasicConsumeOptions::default();
            let stream = channel.basic_consume(queue, tag, options, FieldTable::default()).await?;
            Ok((channel, stream))
        };
        let (channel, stream) = within("consume", operation_timeout, subscribe).await?;
        let connection = connection.status().clone();
        Ok(Self { stream, channel, connection, operation_timeout, stopping: false, end: None })
    }

    /// The next delivery, or why there will be none any more.
    ///
    /// Deliveries received before the end are handed out first. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Delivery, ConsumeEnd> {
        if let Some(end) = &self.end {
            return Err(end.clone());
        }
        let end = match self.stream.next().await {
            Some(Ok(delivery)) => return Ok(delivery.into()),
            Some(Err(error)) => self.end_by(error),
            None => self.silent_end(),
        };
        self.end = Some(end.clone());
        Err(end)
    }

    /// The next delivery if it has been received already.
    pub fn try_next(&mut self) -> Option<Result<Delivery, ConsumeEnd>> {
        self.next().now_or_never()
    }

    /// Asks the broker for no more; what was received stays readable, then the consumer ends.
    pub async fn cancel(&mut self) -> Result<(), Error> {
        if self.stopping {
            return Ok(());
        }
        self.stopping = true;
        let cancel = self.channel.basic_cancel(self.stream.tag(), BasicCancelOptions::default());
        match within("cancel the consumer", self.operation_timeout, cancel).await {
            Err(Error::ChannelClosed { .. }) => Ok(()),
            result => result,
        }
    }

    /// Settles deliveries of this consumer, from any task.
    pub fn settler(&self) -> Settler {
        Settler::new(self.channel.clone(), self.operation_timeout)
    }

    fn end_by(&self, error: lapin::Error) -> ConsumeEnd {
        if error.is_amqp_soft_error() && self.connection.connected() {
            ConsumeEnd::ChannelClosed(error.into())
        } else {
            ConsumeEnd::ConnectionLost(error.into())
        }
    }

    /// The client library ends its stream without a word when the broker cancels the consumer.
    fn silent_end(&self) -> ConsumeEnd {
        if self.stopping {
            ConsumeEnd::Stopped
        } else if !self.connection.connected() {
            let closed = ErrorKind::InvalidConnectionState(ConnectionState::Closed);
            ConsumeEnd::ConnectionLost(lapin::Error::from(closed).into())
        } else if !self.channel.status().connected() {
            let closed = ErrorKind::InvalidChannelState(ChannelState::Closed, "basic.deliver");
            ConsumeEnd::ChannelClosed(lapin::Error::from(closed).into())
        } else {
            ConsumeEnd::Cancelled
        }
    }
}
