//! Publishes messages and knows what became of each.

mod window;

use std::{sync::Arc, time::Duration};

use lapin::{Channel, Connection, options::ConfirmSelectOptions};
use tokio::sync::Mutex;

use crate::{
    Error, InvalidPublication, Publication,
    message::Encoded,
    publisher::window::Window,
    session::{SessionWatch, within},
};

/// How a publisher waits for the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublisherConfig {
    /// Messages sent before their confirms are awaited; at least one.
    ///
    /// On a quorum queue 256 measured best: 1 reached 4 % of its rate, 64 82 %, 1024 90 %.
    pub window: usize,
    /// Longest wait for the confirms of one window; does not run while the broker is blocked.
    pub confirm_timeout: Duration,
    /// What to do while the broker takes nothing, for want of memory or disk.
    pub when_blocked: WhenBlocked,
}

impl PublisherConfig {
    /// For people who watch: fails at once while the broker takes nothing.
    pub fn hasty() -> Self {
        Self { when_blocked: WhenBlocked::Fail, ..Self::default() }
    }
}

/// What a publisher does while the broker takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenBlocked {
    /// It waits, as long as its session lasts: for programs that have nothing else to do.
    Wait,
    /// It fails at once: for people who watch.
    Fail,
}

impl Default for PublisherConfig {
    fn default() -> Self {
        Self {
            window: 256,
            confirm_timeout: Duration::from_secs(10),
            when_blocked: WhenBlocked::Wait,
        }
    }
}

/// What became of a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The broker holds it safely in every queue it belongs to.
    Confirmed,
    /// No queue takes it; the broker gave it back.
    Returned {
        /// AMQP reply code; 312 when no binding matches.
        code: u16,
        /// The broker's words.
        text: String,
    },
    /// The broker could not take it; it may take it later.
    Nacked,
    /// No answer in time: it may or may not have arrived, and is to be sent again.
    TimedOut,
    /// It was not sent, and never can be as it is.
    Invalid(InvalidPublication),
}

/// Publishes persistent, confirmed messages on a channel of its own.
///
/// May be shared by tasks: windows take turns. A channel that failed, or whose window was not
/// awaited to its end, is thrown away and the next window opens another.
#[derive(Debug)]
pub struct Publisher {
    connection: Arc<Connection>,
    watch: SessionWatch,
    channel: Mutex<Option<Channel>>,
    config: PublisherConfig,
    operation_timeout: Duration,
}

impl Publisher {
    pub(crate) async fn open(
        connection: Arc<Connection>,
        watch: SessionWatch,
        config: PublisherConfig,
        operation_timeout: Duration,
    ) -> Result<Self, Error> {
        let channel = Mutex::new(None);
        let publisher = Self { connection, watch, channel, config, operation_timeout };
        let channel = publisher.open_channel().await?;
        *publisher.channel.lock().await = Some(channel);
        Ok(publisher)
    }

    /// Publishes all messages in order and tells, in the same order, what became of each.
    ///
    /// After a window with a time-out the rest is reported as timed out without being sent. On
    /// an error nothing is known of any message, and all are to be sent again; the receivers'
    /// inbox absorbs what had arrived.
    pub async fn publish_all(&self, publications: Vec<Publication>) -> Result<Vec<Outcome>, Error> {
        let mut outcomes = Vec::with_capacity(publications.len());
        let mut unsent = Vec::with_capacity(publications.len());
        for publication in publications {
            match Encoded::new(publication) {
                Ok(encoded) => {
                    unsent.push((outcomes.len(), encoded));
                    outcomes.push(Outcome::TimedOut);
                }
                Err(invalid) => outcomes.push(Outcome::Invalid(invalid)),
            }
        }
        let mut unsent = unsent.into_iter();
        while unsent.len() > 0 {
            let window = unsent.by_ref().take(self.config.window.max(1));
            let (positions, messages): (Vec<_>, Vec<_>) = window.unzip();
            let answers = self.publish_window(messages).await?;
            let timed_out = answers.contains(&Outcome::TimedOut);
            for (position, outcome) in positions.into_iter().zip(answers) {
                outcomes[position] = outcome;
            }
            if timed_out {
                break;
            }
        }
        Ok(outcomes)
    }

    async fn publish_window(&self, messages: Vec<Encoded>) -> Result<Vec<Outcome>, Error> {
        let mut watch = self.watch.clone();
        match self.config.when_blocked {
            WhenBlocked::Wait => self.send_window(messages).await,
            WhenBlocked::Fail => tokio::select! {
                biased;
                () = watch.blocked() => Err(Error::Blocked),
                sent = self.send_window(messages) => sent,
            },
        }
    }

    async fn send_window(&self, messages: Vec<Encoded>) -> Result<Vec<Outcome>, Error> {
        let mut slot = self.channel.lock().await;
        // A connection that is blocked sends nothing; what is queued to it would only pile up.
        self.watch.clone().unblocked().await?;
        // Taken out, so that a call which is dropped half-way leaves no channel behind whose late
        // returns would be mistaken for the next window's.
        let channel = match slot.take().filter(|channel| channel.status().connected()) {
            Some(channel) => channel,
            None => self.open_channel().await?,
        };
        let window =
            Window::send(&channel, messages, self.watch.patience(self.config.confirm_timeout))
                .await?;
        if window.is_complete() {
            *slot = Some(channel);
        }
        Ok(window.into_outcomes())
    }

    async fn open_channel(&self) -> Result<Channel, Error> {
        let open = async {
            let channel = self.connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Ok(channel)
        };
        within("open a channel", self.operation_timeout, open).await
    }
}
