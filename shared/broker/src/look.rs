//! Looks into a queue without taking anything out of it.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::{
    Channel,
    options::{
        BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
        QueueDeclareOptions,
    },
    types::{FieldTable, ShortString},
};
use tokio::time::timeout;

use crate::{Delivery, Error, Session, session::within};

/// No message for so long means that somebody else took it, or that the queue has ended.
const IDLE: Duration = Duration::from_secs(2);

/// What a look into a queue found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// How many messages waited in the queue.
    pub waiting: u32,
    /// How many of them were seen.
    pub seen: u32,
}

impl Session {
    /// Shows messages of a queue, the oldest first and at most `most`; all of them go back.
    ///
    /// They are held, unacknowledged, on one channel until the last was seen: so `most` is also how
    /// many are out of others' reach meanwhile. Each look counts as a delivery on brokers before
    /// 4.3: a queue that has a delivery limit loses what is looked at too often.
    ///
    /// # Errors
    /// When there is no such queue, or the broker fails; it then takes them back by itself.
    pub async fn look(
        &self,
        queue: &str,
        most: u16,
        mut see: impl FnMut(Delivery),
    ) -> Result<Looked, Error> {
        let name = ShortString::try_new(queue)
            .map_err(|error| Error::NotFound { text: format!("queue name: {error}") })?;
        let channel = self.throw_away_channel().await?;
        let limit = self.operation_timeout();
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let there = channel.queue_declare(name.clone(), passive, FieldTable::default());
        let waiting = within("look at the queue", limit, there).await?.message_count();
        let wanted = u16::try_from(waiting).unwrap_or(u16::MAX).min(most);
        let mut seen = 0;
        if wanted > 0 {
            let looking = Looking { channel: &channel, limit, wanted };
            seen = looking.run(name, &mut see).await?;
        }
        within("close the channel", limit, channel.close(200, "OK".into())).await?;
        Ok(Looked { waiting, seen })
    }

    /// Whether there is a queue of this name.
    ///
    /// # Errors
    /// When the broker fails.
    pub async fn has_queue(&self, queue: &str) -> Result<bool, Error> {
        match self.look(queue, 0, drop).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A look on its channel.
struct Looking<'a> {
    channel: &'a Channel,
    limit: Duration,
    wanted: u16,
}

impl Looking<'_> {
    async fn run(&self, queue: ShortString, see: &mut impl FnMut(Delivery)) -> Result<u32, Error> {
        let qos = self.channel.basic_qos(self.wanted, BasicQosOptions { global: false });
        within("limit the look", self.limit, qos).await?;
        let tag = ShortString::default();
        let consume = self.channel.basic_consume(
            queue,
            tag,
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let mut stream = within("look into the queue", self.limit, consume).await?;
        let mut seen = 0;
        while seen < u32::from(self.wanted) {
            match timeout(IDLE, stream.next()).await {
                Ok(Some(Ok(delivery))) => see(delivery.into()),
                Ok(Some(Err(error))) => return Err(error.into()),
                Ok(None) | Err(_) => break,
            }
            seen += 1;
        }
        let cancel = self.channel.basic_cancel(stream.tag(), BasicCancelOptions::default());
        within("end the look", self.limit, cancel).await?;
        // The tag 0 stands for everything that this channel holds.
        let back = BasicNackOptions { multiple: true, requeue: true };
        within("give the messages back", self.limit, self.channel.basic_nack(0, back)).await?;
        Ok(seen)
    }
}
