//! The parker's loop: take, commit, acknowledge.

use std::time::Duration;

use anyhow::Context as _;
use broker::{ConsumeEnd, Consumer, Delivery, Session, Settled, Settler};
use contracts::Timestamp;
use runtime::{
    Process, WORKERS, database_ready, now, pass, sessions, topology_ready, without_card_data,
};
use store::{Class, Database, Transaction, dead_letters};
use telemetry::happenings::{
    DeadLettersParked, ParkedGroups, ParkedLetters, ReplayItems, WorkCommitted,
};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::letter::{Letter, Origin, letter};
use crate::replay::Replayer;

/// How often what is parked is counted.
const GAUGE_EVERY: Duration = Duration::from_secs(15);
/// Deliveries not settled per queue, and rows in one transaction.
const WINDOW: u16 = 50;

/// With nothing to do, it asks the database for a sign of life so often.
const PROBE_AFTER: Duration = Duration::from_secs(3);

/// A delivery with where it was found and how it is settled.
struct Found {
    delivery: Delivery,
    origin: Origin,
    settler: Settler,
}

/// Parks dead letters until asked to stop.
///
/// # Errors
/// Never for want of a dependency: that is waited for.
pub async fn park(process: Process) -> anyhow::Result<()> {
    let queues = sources(&process);
    telemetry::series::of_parker(crate::NAME, queues.iter().map(String::as_str));
    sessions(&process, async |session| {
        topology_ready(&process.config, session).await?;
        let mut waiting = process.waiting();
        let Some(database) = database_ready(&process.config, &mut waiting).await else {
            return Ok(());
        };
        // A second connection, so that a long look at replays holds nothing up.
        match database_ready(&process.config, &mut waiting).await {
            Some(second) => round(&process, session, database, second).await,
            None => Ok(()),
        }
    })
    .await;
    Ok(())
}

/// Parks and replays until asked to stop, or until a dependency is down.
async fn round(
    process: &Process,
    session: &Session,
    database: Database,
    second: Database,
) -> anyhow::Result<()> {
    let (found, mut letters) = channel(usize::from(WINDOW) * 2);
    let mut consumers = JoinSet::new();
    for (queue, origin) in queues(process) {
        let consumer = session.consumer(&queue, WINDOW).await?;
        consumers.spawn(consume(consumer, origin, found.clone()));
    }
    drop(found);
    let mut parker = Parker { process, database, queues: sources(process) };
    parker.measure().await?;
    let mut replayer = Replayer::new(process, session, second).await?;
    process.health.ready();
    let mut stop = process.stop.clone();
    let ended = tokio::select! {
        // Asked to stop, it ends once what it sent is noted.
        ended = replayer.run(&mut stop) => ended,
        ended = consumers.join_next() => Err(consumer_end(ended)),
        error = parker.run(&mut letters) => Err(error),
    };
    // What was committed and not acknowledged comes again and is the same row.
    consumers.shutdown().await;
    ended
}

/// The queues that dead letters come from.
fn sources(process: &Process) -> Vec<String> {
    let queues = queues(process).into_iter();
    queues.map(|(_, origin)| origin.queue().to_owned()).collect()
}

fn queues(process: &Process) -> Vec<(String, Origin)> {
    let names = &process.config.names;
    let dead = WORKERS.iter().map(|worker| {
        (names.dead_queue(worker.name), Origin::WorkQueue(names.work_queue(worker.name)))
    });
    let unroutable = (names.unroutable(), Origin::Unroutable(names.unroutable()));
    dead.chain([unroutable]).collect()
}

async fn consume(mut consumer: Consumer, origin: Origin, found: Sender<Found>) -> ConsumeEnd {
    let settler = consumer.settler();
    loop {
        match consumer.next().await {
            Ok(delivery) => {
                // What the broker dead-lettered by itself has not been through any worker's door.
                let delivery = without_card_data(delivery);
                let (origin, settler) = (origin.clone(), settler.clone());
                if found.send(Found { delivery, origin, settler }).await.is_err() {
                    return ConsumeEnd::Stopped;
                }
            }
            Err(end) => return end,
        }
    }
}

fn consumer_end(ended: Option<Result<ConsumeEnd, tokio::task::JoinError>>) -> anyhow::Error {
    match ended {
        Some(Ok(end)) => anyhow::anyhow!("{end} ({})", end.cause()),
        Some(Err(error)) => error.into(),
        None => anyhow::anyhow!("no queue to consume"),
    }
}

struct Parker<'a> {
    process: &'a Process,
    database: Database,
    /// Where dead letters come from.
    queues: Vec<String>,
}

impl Parker<'_> {
    /// Parks what is found until something fails; that every queue is lost is a failure, too.
    async fn run(&mut self, letters: &mut Receiver<Found>) -> anyhow::Error {
        match self.park_all(letters).await {
            Ok(()) => anyhow::anyhow!("no queue is consumed any more"),
            Err(error) => error,
        }
    }

    async fn park_all(&mut self, letters: &mut Receiver<Found>) -> anyhow::Result<()> {
        let mut batch = Vec::with_capacity(usize::from(WINDOW));
        let mut gauge = tokio::time::interval(GAUGE_EVERY);
        loop {
            tokio::select! {
                count = letters.recv_many(&mut batch, usize::from(WINDOW)) => {
                    if count == 0 {
                        return Ok(());
                    }
                }
                _moment = gauge.tick() => {
                    self.measure().await?;
                    continue;
                }
                () = sleep(PROBE_AFTER) => {
                    self.database.ping().await?;
                    continue;
                }
            }
            self.process.reached("park-received");
            pass("taken");
            self.commit(&batch).await?;
            self.process.reached("park-committed");
            pass("stored");
            for found in batch.drain(..) {
                if found.settler.ack(found.delivery.tag).await? == Settled::Stale {
                    tracing::debug!("a parked dead letter comes again");
                }
            }
            pass("acknowledged");
        }
    }

    /// Counts what is parked of each queue; one that has nothing says so, too.
    async fn measure(&mut self) -> anyhow::Result<()> {
        let count = async |database: &mut Database| store::letter_backlog(database).await;
        let backlog = self.database.answered("count dead letters", count).await?;
        let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        // A group is of one queue.
        let groups = backlog.iter().map(|found| count(found.groups)).sum();
        ParkedGroups { groups }.emit();
        for queue in &self.queues {
            let found = backlog.iter().find(|found| found.queue == *queue);
            let oldest = found.map(|found| found.oldest.since(Timestamp::EPOCH));
            let letters = found.map_or(0, |found| count(found.letters));
            let oldest_seconds = oldest.map_or(0.0, |oldest| oldest.as_secs_f64());
            ParkedLetters { queue, letters, oldest_seconds }.emit();
        }
        Ok(())
    }

    /// All of a batch at once; if the database refuses, each by itself.
    async fn commit(&mut self, batch: &[Found]) -> anyhow::Result<()> {
        let letters: Vec<_> =
            batch.iter().map(|found| letter(&found.delivery, &found.origin, now())).collect();
        match self.ingest(&letters).await {
            Ok(()) => {
                parked("parked", letters.len());
                return Ok(());
            }
            Err(error) if error.class() == Class::Permanent => {
                tracing::warn!(%error, "a dead letter is refused: trying each by itself");
            }
            Err(error) => return Err(error).context("failed to park dead letters"),
        }
        for letter in &letters {
            match self.ingest(std::slice::from_ref(letter)).await {
                Ok(()) => parked("parked", 1),
                Err(error) if error.class() == Class::Permanent => {
                    tracing::error!(%error, "a dead letter is kept raw");
                    self.keep_raw(letter, &error.to_string()).await?;
                    parked("raw", 1);
                }
                Err(error) => return Err(error).context("failed to park a dead letter"),
            }
        }
        Ok(())
    }

    async fn ingest(&mut self, letters: &[Letter]) -> Result<(), store::Error> {
        let rows: Vec<_> = letters.iter().map(Letter::row).collect();
        let ingest = async |transaction: &mut Transaction<'_>| {
            dead_letters::ingest(transaction, &rows).await
        };
        let reparked = self.database.within("park", ingest).await?;
        for queue in &reparked {
            ReplayItems { queue, result: "reparked", count: 1 }.emit();
        }
        Ok(())
    }

    async fn keep_raw(&mut self, letter: &Letter, reason: &str) -> Result<(), store::Error> {
        let keep = async |transaction: &mut Transaction<'_>| {
            dead_letters::ingest_raw(transaction, &[letter.raw(reason)]).await
        };
        self.database.within("keep raw", keep).await
    }
}

fn parked(result: &'static str, count: usize) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    DeadLettersParked { worker: crate::NAME, result, count }.emit();
    WorkCommitted { worker: crate::NAME }.emit();
}
