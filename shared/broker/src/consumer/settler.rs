//! Ends deliveries: ack, requeue, reject.

use std::time::Duration;

use lapin::{
    Channel,
    options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions},
};

use crate::{Error, session::within};

/// Settles the deliveries of one consumer; cheap to clone.
///
/// A tag means something only to the settler of the consumer that delivered it, and only once:
/// the broker closes the channel on a tag it does not know.
#[derive(Debug, Clone)]
pub struct Settler {
    channel: Channel,
    operation_timeout: Duration,
}

/// Whether a settlement reached the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a stale settlement means that the broker delivers the message again"]
pub enum Settled {
    /// It was sent.
    Done,
    /// The channel is gone; the broker delivers the message again.
    Stale,
}

impl Settler {
    pub(super) fn new(channel: Channel, operation_timeout: Duration) -> Self {
        Self { channel, operation_timeout }
    }

    /// Ends one delivery for good.
    pub async fn ack(&self, tag: u64) -> Result<Settled, Error> {
        let options = BasicAckOptions { multiple: false };
        self.settle("ack", self.channel.basic_ack(tag, options)).await
    }

    /// Ends, with one frame, this delivery and all unsettled ones before it.
    pub async fn ack_through(&self, tag: u64) -> Result<Settled, Error> {
        let options = BasicAckOptions { multiple: true };
        self.settle("ack", self.channel.basic_ack(tag, options)).await
    }

    /// Gives one delivery back that was not at fault; from RabbitMQ 4.3 on this is not counted.
    pub async fn requeue(&self, tag: u64) -> Result<Settled, Error> {
        let options = BasicNackOptions { multiple: false, requeue: true };
        self.settle("requeue", self.channel.basic_nack(tag, options)).await
    }

    /// Counts one delivery as failed: it comes again, or goes to the dead-letter queue.
    pub async fn reject(&self, tag: u64, requeue: bool) -> Result<Settled, Error> {
        let options = BasicRejectOptions { requeue };
        self.settle("reject", self.channel.basic_reject(tag, options)).await
    }

    async fn settle(
        &self,
        operation: &'static str,
        work: impl Future<Output = lapin::Result<()>>,
    ) -> Result<Settled, Error> {
        match within(operation, self.operation_timeout, work).await {
            Ok(()) => Ok(Settled::Done),
            Err(error) if self.is_gone() => {
                tracing::debug!(operation, %error, "settlement on a channel that is gone");
                Ok(Settled::Stale)
            }
            Err(error) => Err(error),
        }
    }

    fn is_gone(&self) -> bool {
        !self.channel.status().connected()
    }
}
