//! Two workers without rules, to compare ours with: they write as many rows and decide nothing.
//!
//! Both take the same messages from the same queues and insert into the same tables. They do what
//! nobody could do without: an event that comes twice is written once, and the acknowledgement
//! follows the commit. They lock nothing, read nothing, update nothing and publish nothing.

mod bulk;
mod incoming;
mod pipe;
mod recipe;
mod single;
mod usual;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::progress::Progress;
use crate::site::Site;
use incoming::Kind;
pub(crate) use recipe::Recipe;

/// How often the end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long nothing may be settled before a run is given up.
const PATIENCE: Duration = Duration::from_mins(1);

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reference {
    /// Large batches: one statement per table, one commit, one acknowledgement.
    Pipe,
    /// One transaction per message, sixteen at a time.
    PerMessage,
}

impl Reference {
    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pipe => "bare pipe",
            Self::PerMessage => "per message",
        }
    }
}

/// A reference at work.
#[derive(Debug)]
pub(crate) struct Running {
    tasks: JoinSet<Result<()>>,
    settled: Arc<AtomicUsize>,
}

impl Running {
    /// Starts consuming every queue that a shop's events come to.
    pub(crate) async fn start(site: &Site, which: Reference, recipe: &Recipe) -> Result<Self> {
        let settled = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        match which {
            Reference::Pipe => {
                for kind in Kind::ALL {
                    let pipe = pipe::Pipe::open(site, kind, recipe, &settled).await?;
                    tasks.spawn(pipe.run());
                }
            }
            Reference::PerMessage => {
                let shared = usual::Shared::open(site, &settled).await?;
                for kind in Kind::ALL {
                    let usual = usual::Usual::open(site, kind, recipe, &shared).await?;
                    tasks.spawn(usual.run());
                }
            }
        }
        Ok(Self { tasks, settled })
    }

    /// Waits until so many messages are acknowledged.
    pub(crate) async fn until_settled(&mut self, messages: usize) -> Result<()> {
        let progress = Progress::begin("Working the backlog off", messages);
        let (mut last, mut changed) = (0, Instant::now());
        loop {
            if let Some(ended) = self.tasks.try_join_next() {
                ended??;
                bail!("a consumer of the reference ended by itself");
            }
            let settled = self.settled.load(Ordering::Relaxed);
            progress.set(settled);
            if settled >= messages {
                return Ok(());
            }
            if settled != last {
                (last, changed) = (settled, Instant::now());
            } else if changed.elapsed() > PATIENCE {
                bail!("nothing moves: {settled} of {messages} messages are settled");
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Ends all consumers, which have nothing in hand.
    pub(crate) async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// The next delivery, or why there is none.
async fn next(consumer: &mut lapin::Consumer) -> Result<lapin::message::Delivery> {
    use futures_util::StreamExt as _;
    let delivery = consumer.next().await.context("the broker ended the consumer")?;
    Ok(delivery?)
}

/// A consumer of a worker's queue on a connection of its own.
async fn consume(
    site: &Site,
    kind: Kind,
    prefetch: u16,
) -> Result<(lapin::Connection, lapin::Consumer)> {
    let connection = crate::site::connection(site.amqp_url()).await?;
    let channel = connection.create_channel().await?;
    channel.basic_qos(prefetch, lapin::options::BasicQosOptions::default()).await?;
    let queue = site.names.work_queue(kind.worker()).into();
    let options = lapin::options::BasicConsumeOptions::default();
    let arguments = lapin::types::FieldTable::default();
    let consumer = channel.basic_consume(queue, "bench".into(), options, arguments).await?;
    Ok((connection, consumer))
}
