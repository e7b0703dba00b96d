//! The scheduler's loop.

use std::time::Duration;

use broker::delay::DelayProvider;
use broker::{Outcome, Publisher, PublisherConfig, Session, SessionWatch};
use contracts::Timestamp;
use runtime::{Process, database_ready, pass, sessions, topology_ready, turn};
use store::listener::{Channel, Listener};
use store::timers::{self, DueTimer};
use store::{Database, Transaction, outbox, parked};
use telemetry::happenings::{TimersHandedOver, WaitingRows, WindowPublished, WorkCommitted};
use tokio::time::Instant;

use crate::publication::publication;
use crate::spans;

/// Most timers handed over before the next look.
const WINDOW: i64 = 1000;
/// Most parked events sent home before the next look.
const PARKED_WINDOW: i64 = 500;
/// How often parked events are looked through.
const UPKEEP_EVERY: Duration = Duration::from_secs(2);
/// How often the gauges are measured: every armed timer is counted, and there may be millions.
const GAUGE_EVERY: Duration = Duration::from_secs(15);
/// How often the outbox's partitions are looked after.
const PARTITIONS_EVERY: Duration = Duration::from_hours(1);
/// How many days of partitions are kept ready.
const DAYS_AHEAD: i32 = 7;

/// Schedules timers until asked to stop.
///
/// # Errors
/// Never for want of a dependency: that is waited for.
pub async fn schedule(process: Process) -> anyhow::Result<()> {
    telemetry::series::of_scheduler(crate::NAME);
    sessions(&process, async |session| {
        let mut waiting = process.waiting();
        match database_ready(&process.config, &mut waiting).await {
            Some(database) => {
                Scheduler::start(process.clone(), session, database).await?.run().await
            }
            None => Ok(()),
        }
    })
    .await;
    Ok(())
}

struct Scheduler {
    process: Process,
    broker: SessionWatch,
    publisher: Publisher,
    provider: DelayProvider,
    database: Database,
    listener: Listener,
    next_upkeep: Instant,
    next_gauge: Instant,
    next_partitions: Instant,
}

impl Scheduler {
    async fn start(
        process: Process,
        session: &Session,
        database: Database,
    ) -> anyhow::Result<Self> {
        let provider = topology_ready(&process.config, session).await?;
        let publisher = session.publisher(PublisherConfig::default()).await?;
        let listener = Listener::new(process.config.database.clone(), Channel::Timers);
        process.health.ready();
        let now = Instant::now();
        Ok(Self {
            process,
            broker: session.watch(),
            publisher,
            provider,
            database,
            listener,
            next_upkeep: now,
            next_gauge: now,
            next_partitions: now,
        })
    }

    async fn run(mut self) -> anyhow::Result<()> {
        let mut stop = self.process.stop.clone();
        while !stop.is_requested() {
            let (process, broker) = (self.process.clone(), self.broker.clone());
            let Some(more) = turn(&process, &broker, self.look()).await? else { break };
            if !more {
                tokio::select! {
                    () = stop.requested() => break,
                    // With nothing to hand over, nothing else would tell.
                    end = self.broker.ended() => {
                        return Err(anyhow::Error::from(end).context("the broker went away"));
                    }
                    _hint = self.listener.wait(self.process.config.poll) => {}
                }
            }
        }
        Ok(())
    }

    /// One look at everything; `true` when there was more than one look takes.
    async fn look(&mut self) -> anyhow::Result<bool> {
        let config = &self.process.config;
        let (horizon, grace) = (config.timer_horizon, config.timer_grace);
        let due = async |database: &mut Database| {
            let soon = timers::hand_over(database, horizon, WINDOW).await?;
            Ok::<_, store::Error>((soon, timers::overdue(database, grace, WINDOW).await?))
        };
        let (soon, overdue) = self.database.answered("find timers due", due).await?;
        let full = |timers: &Vec<DueTimer>| i64::try_from(timers.len()) == Ok(WINDOW);
        let more = full(&soon) || full(&overdue);
        self.hand_over("due-soon", soon).await?;
        self.hand_over("overdue", overdue).await?;
        if Instant::now() >= self.next_upkeep {
            self.next_upkeep = Instant::now() + UPKEEP_EVERY;
            self.upkeep().await?;
        }
        Ok(more)
    }

    async fn hand_over(
        &mut self,
        reason: &'static str,
        timers: Vec<DueTimer>,
    ) -> anyhow::Result<()> {
        if timers.is_empty() {
            return Ok(());
        }
        pass("handed-over");
        let names = &self.process.config.names;
        let publications = timers.iter().map(|timer| publication(names, self.provider, timer));
        let publications: Vec<_> = publications.collect();
        let spans = spans::begin(&timers, &publications);
        let started = Instant::now();
        let published = self.publisher.publish_all(publications).await;
        WindowPublished { worker: crate::NAME, took: started.elapsed() }.emit();
        pass("published");
        let outcomes = match published {
            Ok(outcomes) => outcomes,
            Err(error) => {
                timers::give_back(&mut self.database, &timers).await?;
                return Err(error.into());
            }
        };
        spans::end(spans, &outcomes);
        let (sent, refused): (Vec<_>, Vec<_>) = timers
            .into_iter()
            .zip(&outcomes)
            .partition(|(_, outcome)| **outcome == Outcome::Confirmed);
        let count = u64::try_from(sent.len()).unwrap_or(u64::MAX);
        TimersHandedOver { worker: crate::NAME, reason, count }.emit();
        WorkCommitted { worker: crate::NAME }.emit();
        if let Some((_, why)) = refused.first() {
            let why = format!("{why:?}");
            let refused: Vec<_> = refused.into_iter().map(|(timer, _)| timer).collect();
            timers::give_back(&mut self.database, &refused).await?;
            anyhow::bail!("the broker did not take {} timers: {why}", refused.len());
        }
        Ok(())
    }

    async fn upkeep(&mut self) -> anyhow::Result<()> {
        let parked = self.send_parked_home().await?;
        if Instant::now() >= self.next_gauge {
            self.next_gauge = Instant::now() + GAUGE_EVERY;
            let armed = timers::counts(&mut self.database).await?;
            let count = |rows: i64| u32::try_from(rows).unwrap_or(u32::MAX);
            let timers = count(armed.resting + armed.handed_over);
            let first_due = armed.first_due.map(|due| due.since(Timestamp::EPOCH));
            let first_due_seconds = first_due.map_or(0.0, |due| due.as_secs_f64());
            let (worker, parked) = (crate::NAME, count(parked));
            WaitingRows { worker, timers, first_due_seconds, parked }.emit();
        }
        if Instant::now() >= self.next_partitions {
            self.next_partitions = Instant::now() + PARTITIONS_EVERY;
            outbox::ensure_partitions(&mut self.database, DAYS_AHEAD).await?;
        }
        Ok(())
    }

    /// Sends home what waited too long or waits for what is there; returns what is left.
    async fn send_parked_home(&mut self) -> Result<i64, store::Error> {
        let send = async |transaction: &mut Transaction<'_>| {
            parked::release_expired(transaction, PARKED_WINDOW).await?;
            parked::release_stranded(transaction, PARKED_WINDOW).await?;
            parked::count(transaction).await
        };
        self.database.within("send parked events home", send).await
    }
}
