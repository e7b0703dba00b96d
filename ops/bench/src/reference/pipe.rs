//! The bare pipe: what broker and database give when nothing is decided.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use futures_util::{FutureExt as _, StreamExt as _};
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use lapin::{Connection, Consumer};
use sqlx::PgConnection;

use super::bulk;
use super::incoming::{Incoming, Kind};
use super::recipe::{Recipe, Shares};
use super::{consume, next};
use crate::site::Site;

/// Most messages in one transaction.
const BATCH: usize = 1_000;
/// Two batches: one is written while the next one comes. More slows the broker down.
const PREFETCH: u16 = 2_000;

/// One queue with a connection of its own to broker and database.
pub(super) struct Pipe {
    /// Closed when dropped.
    _broker: Connection,
    consumer: Consumer,
    database: PgConnection,
    kind: Kind,
    shares: Shares,
    outbox_body: usize,
    settled: Arc<AtomicUsize>,
}

impl Pipe {
    pub(super) async fn open(
        site: &Site,
        kind: Kind,
        recipe: &Recipe,
        settled: &Arc<AtomicUsize>,
    ) -> Result<Self> {
        let database = site.connect().await?;
        let (broker, consumer) = consume(site, kind, PREFETCH).await?;
        Ok(Self {
            _broker: broker,
            consumer,
            database,
            kind,
            shares: recipe.of(kind).into(),
            outbox_body: recipe.outbox_body,
            settled: Arc::clone(settled),
        })
    }

    pub(super) async fn run(mut self) -> Result<()> {
        loop {
            let batch = self.batch().await?;
            self.write(&batch).await?;
            let last = batch.last().context("a batch has a first delivery")?;
            last.acker.ack(BasicAckOptions { multiple: true }).await?;
            self.settled.fetch_add(batch.len(), Ordering::Relaxed);
        }
    }

    /// Whatever waits; not a moment longer, which measured best for both rate and latency.
    async fn batch(&mut self) -> Result<Vec<Delivery>> {
        let mut batch = Vec::with_capacity(BATCH);
        batch.push(next(&mut self.consumer).await?);
        while batch.len() < BATCH {
            match self.consumer.next().now_or_never() {
                Some(Some(delivery)) => batch.push(delivery?),
                Some(None) | None => break,
            }
        }
        Ok(batch)
    }

    async fn write(&mut self, batch: &[Delivery]) -> Result<()> {
        let events: Vec<Incoming<'_>> = batch
            .iter()
            .map(|delivery| serde_json::from_slice(&delivery.data))
            .collect::<Result<_, _>>()?;
        let database = &mut self.database;
        sqlx::raw_sql("BEGIN").execute(&mut *database).await?;
        let fresh = bulk::claim(database, self.kind, &events).await?;
        let fresh = bulk::Fresh::new(&events, batch, fresh);
        bulk::subject(database, self.kind, &fresh.events).await?;
        bulk::rest(database, self.kind, &mut self.shares, self.outbox_body, &fresh).await?;
        sqlx::raw_sql("COMMIT").execute(database).await?;
        Ok(())
    }
}
