//! The relay's loop: read, publish, mark.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use broker::{Publisher, PublisherConfig, Session, SessionWatch};
use contracts::Timestamp;
use runtime::{Process, database_ready, pass, sessions, topology_ready, turn};
use store::Database;
use store::listener::{Channel, Listener};
use store::outbox::{self, Backlog, Exchange, OutboxKey, PendingMessage, Shards};
use store::vault::Unreadable;
use telemetry::happenings::{OutboxBacklog, Published, WindowPublished, WorkCommitted};
use tokio::time::{Instant, sleep_until};

use crate::publication::{Fate, publication};
use crate::spans;

/// Most rows published before they are marked.
const WINDOW: usize = 1000;
/// Shortest time from one look at the outbox to the next while little waits: every transaction of
/// every worker announces its messages, and a look costs the same for one as for many.
const PACE: Duration = Duration::from_millis(20);
/// Until an event that cannot be read is looked at again: somebody has to mend the key file.
const UNREADABLE_PAUSE: Duration = Duration::from_mins(1);
/// How often the backlog is measured.
const GAUGE_EVERY: Duration = Duration::from_secs(5);
/// How often shards are shared out anew; those of a relay that died wait so long at most.
const SHARE_EVERY: Duration = Duration::from_secs(1);

/// Publishes the outbox until asked to stop.
///
/// # Errors
/// Never for want of a dependency: that is waited for.
pub async fn relay(process: Process) -> anyhow::Result<()> {
    telemetry::series::of_relay(crate::NAME);
    sessions(&process, async |session| {
        let mut waiting = process.waiting();
        match database_ready(&process.config, &mut waiting).await {
            Some(database) => Relay::start(process.clone(), session, database).await?.run().await,
            None => Ok(()),
        }
    })
    .await;
    Ok(())
}

struct Relay {
    process: Process,
    broker: SessionWatch,
    publisher: Publisher,
    database: Database,
    listener: Listener,
    shards: Shards,
    next_gauge: Instant,
    next_share: Instant,
}

impl Relay {
    async fn start(
        process: Process,
        session: &Session,
        mut database: Database,
    ) -> anyhow::Result<Self> {
        topology_ready(&process.config, session).await?;
        let publisher = session
            .publisher(PublisherConfig { window: WINDOW, ..PublisherConfig::default() })
            .await?;
        let listener = Listener::new(process.config.database.clone(), Channel::Outbox);
        let mut shards = Shards::default();
        let own = async |database: &mut Database| outbox::own_shards(database, &mut shards).await;
        database.answered("take shards", own).await?;
        process.health.ready();
        let next_gauge = Instant::now();
        let next_share = next_gauge + SHARE_EVERY;
        let broker = session.watch();
        Ok(Self { process, broker, publisher, database, listener, shards, next_gauge, next_share })
    }

    async fn run(mut self) -> anyhow::Result<()> {
        let mut stop = self.process.stop.clone();
        while !stop.is_requested() {
            let next_look = Instant::now() + PACE;
            let (process, broker) = (self.process.clone(), self.broker.clone());
            let Some(more) = turn(&process, &broker, self.turn()).await? else { break };
            if !more {
                let more = async {
                    self.listener.wait(self.process.config.poll).await;
                    sleep_until(next_look).await;
                };
                tokio::select! {
                    () = stop.requested() => break,
                    // With nothing to send, nothing else would tell.
                    end = self.broker.ended() => {
                        return Err(anyhow::Error::from(end).context("the broker went away"));
                    }
                    () = more => {}
                }
            }
        }
        Ok(())
    }

    /// Sends what is due; `true` when there was more than one turn takes.
    async fn turn(&mut self) -> anyhow::Result<bool> {
        let shards = &self.shards;
        let pending =
            async |database: &mut Database| outbox::pending(database, shards, WINDOW).await;
        let pending = self.database.answered("read the outbox", pending).await?;
        if !pending.unreadable.is_empty() {
            self.set_aside(pending.unreadable).await?;
        }
        let (outdated, messages): (Vec<_>, Vec<_>) =
            pending.messages.into_iter().partition(|message| message.is_outdated);
        if !outdated.is_empty() {
            self.suppress(&outdated).await?;
        }
        if !messages.is_empty() {
            self.publish(messages).await?;
        }
        self.measure().await?;
        self.share().await?;
        Ok(pending.more)
    }

    async fn publish(&mut self, rows: Vec<PendingMessage>) -> anyhow::Result<()> {
        pass("read");
        let names = &self.process.config.names;
        let publications: Vec<_> = rows.iter().map(|row| publication(names, row)).collect();
        let mut spans = spans::begin(&rows, &publications).into_iter();
        let started = Instant::now();
        let outcomes = self.publisher.publish_all(publications).await?;
        WindowPublished { worker: crate::NAME, took: started.elapsed() }.emit();
        pass("published");
        let (mut done, mut unconfirmed) = (Vec::new(), 0_u64);
        let mut postponed: BTreeMap<Duration, Vec<OutboxKey>> = BTreeMap::new();
        let mut counts = Counts::default();
        for (row, outcome) in rows.iter().zip(&outcomes) {
            let fate = Fate::of(outcome, row.must_route, row.attempts);
            counts.add(row.exchange, fate.name());
            if let Some(span) = spans.next().flatten() {
                spans::end(span, fate);
            }
            match fate {
                Fate::Sent | Fate::Unheard => done.push(row.key),
                Fate::Postponed(pause) => {
                    let (message_id, routing_key) = (&row.message_id, &row.routing_key);
                    tracing::warn!(message_id, routing_key, ?pause, "command reached no queue");
                    postponed.entry(pause).or_default().push(row.key);
                }
                Fate::Unconfirmed => unconfirmed += 1,
            }
        }
        counts.emit();
        outbox::mark_sent(&mut self.database, &done).await?;
        pass("marked");
        WorkCommitted { worker: crate::NAME }.emit();
        for (pause, keys) in postponed {
            outbox::postpone(&mut self.database, &keys, pause).await?;
        }
        anyhow::ensure!(unconfirmed == 0, "{unconfirmed} messages were not confirmed");
        Ok(())
    }

    /// Lets notifications go that waited until they held no longer.
    async fn suppress(&mut self, outdated: &[PendingMessage]) -> anyhow::Result<()> {
        let mut counts = Counts::default();
        for message in outdated {
            counts.add(message.exchange, "outdated");
        }
        let keys: Vec<_> = outdated.iter().map(|message| message.key).collect();
        let version = self.process.config.policies.current().version().clone();
        outbox::suppress(&mut self.database, &keys, &version).await?;
        counts.emit();
        Ok(())
    }

    /// Lets go of events that were erased, and puts off those that cannot be read for now.
    async fn set_aside(&mut self, unreadable: Vec<(OutboxKey, Unreadable)>) -> anyhow::Result<()> {
        let (mut erased, mut waiting) = (Vec::new(), Vec::new());
        let mut counts = Counts::default();
        for (key, why) in unreadable {
            tracing::error!(code = why.code(), "an event on its way home cannot be read");
            counts.add(Exchange::Return, why.code());
            match why {
                Unreadable::Erased => erased.push(key),
                Unreadable::KeyMissing(_) | Unreadable::Damaged => waiting.push(key),
            }
        }
        counts.emit();
        outbox::mark_sent(&mut self.database, &erased).await?;
        outbox::postpone(&mut self.database, &waiting, UNREADABLE_PAUSE).await?;
        Ok(())
    }

    /// Takes the shards of a relay that died, and gives up some to one that came.
    async fn share(&mut self) -> anyhow::Result<()> {
        if Instant::now() >= self.next_share {
            self.next_share = Instant::now() + SHARE_EVERY;
            // Reading goes well where nothing could be marked as sent.
            self.database.ping().await?;
            outbox::own_shards(&mut self.database, &mut self.shards).await?;
        }
        Ok(())
    }

    async fn measure(&mut self) -> anyhow::Result<()> {
        if Instant::now() >= self.next_gauge {
            self.next_gauge = Instant::now() + GAUGE_EVERY;
            let backlog = outbox::backlog(&mut self.database)
                .await
                .context("failed to measure the outbox")?;
            OutboxBacklog {
                worker: crate::NAME,
                pending: u32::try_from(backlog.count).unwrap_or(u32::MAX),
                oldest_seconds: oldest_seconds(&backlog),
            }
            .emit();
        }
        Ok(())
    }
}

/// When the oldest message was written, in seconds since 1970; 0 for none.
fn oldest_seconds(backlog: &Backlog) -> f64 {
    if backlog.count == 0 {
        return 0.0;
    }
    runtime::now().minus(backlog.oldest).since(Timestamp::EPOCH).as_secs_f64()
}

/// The broker's answers, added up before they are counted.
#[derive(Debug, Default)]
struct Counts(Vec<(&'static str, &'static str, u64)>);

impl Counts {
    fn add(&mut self, exchange: Exchange, result: &'static str) {
        let exchange = match exchange {
            Exchange::Events => "events",
            Exchange::Return => "return",
        };
        let same = |(e, r, _): &&mut (_, _, _)| (*e, *r) == (exchange, result);
        match self.0.iter_mut().find(same) {
            Some((_, _, count)) => *count += 1,
            None => self.0.push((exchange, result, 1)),
        }
    }

    fn emit(self) {
        for (exchange, result, count) in self.0 {
            Published { worker: crate::NAME, exchange, result, count }.emit();
        }
    }
}
