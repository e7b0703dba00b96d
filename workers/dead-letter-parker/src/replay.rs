//! The replayer's loop: lease, check, publish, note.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use broker::{Outcome, Publication, Publisher, PublisherConfig, Session};
use runtime::{Process, Stop, turn};
use store::replays::{self, ItemId, Letter, Settled};
use store::{Class, Database};
use telemetry::happenings::{ReplayItems, ReplaysCounted};
use tokio::time::Instant;

use crate::message::{self, Replay};
use crate::spans;

/// Most letters leased at once.
const MOST: i64 = 200;
/// How long a letter is ours; longer than a publisher waits for its confirms.
const LEASE: Duration = Duration::from_secs(30);
/// Wait between two looks for letters while a replay is open.
const BUSY: Duration = Duration::from_millis(20);
/// How often replays are judged and the depth of their queues is asked for.
const LOOK: Duration = Duration::from_millis(500);
/// How often replays are counted.
const COUNT: Duration = Duration::from_secs(15);

/// Replays what people asked for; shares the work with whoever else does.
pub(crate) struct Replayer<'a> {
    process: &'a Process,
    session: &'a Session,
    publisher: Publisher,
    database: Database,
    /// Target queues that hold too much already.
    full: Vec<String>,
    looked: Option<Instant>,
    counted: Option<Instant>,
    open: usize,
}

impl<'a> Replayer<'a> {
    /// A replayer with a channel of its own.
    ///
    /// # Errors
    /// When the broker gives no channel.
    pub(crate) async fn new(
        process: &'a Process,
        session: &'a Session,
        database: Database,
    ) -> anyhow::Result<Self> {
        let publisher = session.publisher(PublisherConfig::default()).await?;
        let (full, looked, counted, open) = (Vec::new(), None, None, 0);
        Ok(Self { process, session, publisher, database, full, looked, counted, open })
    }

    /// Works until asked to stop; what is in hand then is finished.
    ///
    /// # Errors
    /// When a dependency is down.
    pub(crate) async fn run(&mut self, stop: &mut Stop) -> anyhow::Result<()> {
        while !stop.is_requested() {
            let (process, broker) = (self.process, self.session.watch());
            let pause = match turn(process, &broker, self.turn()).await {
                Ok(None) => break,
                Ok(Some(())) if self.open > 0 => BUSY,
                Ok(Some(())) => self.process.config.poll,
                Err(error) => passing(error)?,
            };
            stop.sleep(pause).await;
        }
        Ok(())
    }

    async fn turn(&mut self) -> anyhow::Result<()> {
        if due(&mut self.counted, COUNT) {
            self.count().await?;
        }
        if self.open == 0 || due(&mut self.looked, LOOK) {
            self.open = replays::advance(&mut self.database).await?;
            if self.open > 0 {
                self.full = self.full_queues().await?;
            }
        }
        if self.open == 0 {
            return Ok(());
        }
        let letters = replays::take(&mut self.database, &self.full, LEASE, MOST).await?;
        if letters.is_empty() {
            return Ok(());
        }
        self.process.reached("replay-leased");
        self.send(letters).await
    }

    /// Queues that hold as much as the strictest of their replays allows.
    async fn full_queues(&mut self) -> anyhow::Result<Vec<String>> {
        let mut full = Vec::new();
        for target in replays::targets(&mut self.database).await? {
            let ready = self.session.ready_messages(&target.queue).await?;
            // One that is not there is found out when something is to be sent to it.
            if ready.is_some_and(|ready| i64::from(ready) >= target.max_backlog) {
                tracing::info!(queue = target.queue, ready, "a replay waits for its queue");
                full.push(target.queue);
            }
        }
        Ok(full)
    }

    async fn send(&mut self, letters: Vec<Letter>) -> anyhow::Result<()> {
        let (mut settled, mut sendable) = (Vec::new(), Vec::new());
        for letter in letters {
            let (item, queue) = (letter.item, letter.target.clone());
            match message::replay(letter, &self.process.config) {
                Ok(replay) => sendable.push((item, queue, replay)),
                Err(code) => settled.push((item, queue, Settled::Skipped(code))),
            }
        }
        let gone = self.gone(sendable.iter().map(|(_, queue, _)| queue.as_str())).await?;
        let (mut publications, mut sent) = (Vec::new(), Vec::new());
        for (item, queue, Replay { publication, trace_id }) in sendable {
            if gone.contains(&queue) {
                settled.push((item, queue, Settled::Returned));
            } else {
                publications.push(publication);
                sent.push((item, queue, trace_id));
            }
        }
        let outcomes = self.publish(publications).await?;
        self.process.reached("replay-published");
        for ((item, queue, trace_id), outcome) in sent.into_iter().zip(outcomes) {
            settled.push((item, queue, fate(&outcome, trace_id)));
        }
        let items: Vec<(ItemId, Settled)> =
            settled.iter().map(|(item, _, settled)| (*item, settled.clone())).collect();
        replays::settle(&mut self.database, &items).await?;
        self.process.reached("replay-noted");
        if settled.iter().any(|(_, _, settled)| *settled == Settled::Returned) {
            // Their replay is judged before more of it is tried.
            self.looked = None;
        }
        for (item, queue, settled) in settled {
            tell(item, &queue, &settled);
        }
        Ok(())
    }

    /// Those of the queues that do not exist.
    ///
    /// The broker returns nothing that is sent to them: the alternate exchange takes it to the
    /// queue of unroutable messages, where it would become a letter of its own.
    async fn gone(&self, queues: impl Iterator<Item = &str>) -> anyhow::Result<BTreeSet<String>> {
        let mut gone = BTreeSet::new();
        for queue in queues.collect::<BTreeSet<_>>() {
            if self.session.ready_messages(queue).await?.is_none() {
                tracing::warn!(queue, "nothing is replayed to a queue that is gone");
                gone.insert(queue.to_owned());
            }
        }
        Ok(gone)
    }

    async fn publish(&self, publications: Vec<Publication>) -> anyhow::Result<Vec<Outcome>> {
        if publications.is_empty() {
            return Ok(Vec::new());
        }
        let spans = spans::begin(&publications);
        // On an error nothing is known: the leases run out and everything is sent again.
        let outcomes = self.publisher.publish_all(publications).await;
        let outcomes = outcomes.context("failed to publish a replay")?;
        spans::end(spans, &outcomes);
        Ok(outcomes)
    }

    async fn count(&mut self) -> anyhow::Result<()> {
        let numbers = replays::numbers(&mut self.database).await?;
        ReplaysCounted {
            batches: &[
                ("running", numbers.running),
                ("paused", numbers.paused),
                ("stopped", numbers.stopped),
            ],
            last_progress_seconds: numbers.last_progress_seconds,
        }
        .emit();
        Ok(())
    }
}

/// What the broker's answer means for the item.
fn fate(outcome: &Outcome, trace_id: String) -> Settled {
    match outcome {
        Outcome::Confirmed => Settled::Sent { trace_id },
        Outcome::Returned { .. } => Settled::Returned,
        Outcome::Nacked | Outcome::TimedOut => Settled::Unknown,
        Outcome::Invalid(_) => Settled::Skipped("unsendable"),
    }
}

fn tell(ItemId(item): ItemId, queue: &str, settled: &Settled) {
    let result = match settled {
        Settled::Sent { .. } => "sent",
        Settled::Returned => "returned",
        Settled::Skipped(code) => {
            tracing::warn!(item, queue, code, "a dead letter is not replayed");
            "skipped"
        }
        Settled::Unknown => return,
    };
    ReplayItems { queue, result, count: 1 }.emit();
}

/// Whether it is time again, and from when on to count.
fn due(last: &mut Option<Instant>, every: Duration) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= every);
    if due {
        *last = Some(Instant::now());
    }
    due
}

/// How long to wait after a failure that is nobody's but this turn's; others end the round.
///
/// Parking goes on beside it, whatever is wrong with a replay.
fn passing(error: anyhow::Error) -> anyhow::Result<Duration> {
    match error.downcast_ref::<store::Error>().map(store::Error::class) {
        Some(Class::Transient | Class::Slow) => {
            tracing::info!(error = format!("{error:#}"), "a replay is looked at again");
            Ok(LOOK)
        }
        Some(Class::Permanent) => {
            tracing::error!(error = format!("{error:#}"), "a replay cannot go on");
            Ok(COUNT)
        }
        Some(Class::DependencyDown) | None => Err(error),
    }
}
