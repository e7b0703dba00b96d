//! The usual worker: one transaction per message, as most are written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use lapin::{Connection, Consumer};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::incoming::{Incoming, Kind};
use super::recipe::{Recipe, Shares};
use super::{consume, next, single};
use crate::site::Site;

/// Messages in hand at a time, over all queues; each has a connection of the pool.
const IN_FLIGHT: u16 = 16;

/// What the consumers of all queues share.
#[derive(Clone)]
pub(super) struct Shared {
    pool: PgPool,
    places: Arc<Semaphore>,
    settled: Arc<AtomicUsize>,
}

impl Shared {
    pub(super) async fn open(site: &Site, settled: &Arc<AtomicUsize>) -> Result<Self> {
        let count = u32::from(IN_FLIGHT);
        // Opened before the clock starts, as a worker that has run for a while would have it.
        let options = PgPoolOptions::new().min_connections(count).max_connections(count);
        let pool = options.test_before_acquire(false).connect(site.database.url()).await?;
        let places = Arc::new(Semaphore::new(usize::from(IN_FLIGHT)));
        Ok(Self { pool, places, settled: Arc::clone(settled) })
    }
}

/// The consumer of one queue.
pub(super) struct Usual {
    /// Closed when dropped.
    _broker: Connection,
    consumer: Consumer,
    shared: Shared,
    kind: Kind,
    shares: Shares,
    outbox_body: usize,
}

impl Usual {
    pub(super) async fn open(
        site: &Site,
        kind: Kind,
        recipe: &Recipe,
        shared: &Shared,
    ) -> Result<Self> {
        let (broker, consumer) = consume(site, kind, 2 * IN_FLIGHT).await?;
        Ok(Self {
            _broker: broker,
            consumer,
            shared: shared.clone(),
            kind,
            shares: recipe.of(kind).into(),
            outbox_body: recipe.outbox_body,
        })
    }

    pub(super) async fn run(mut self) -> Result<()> {
        let mut handling = JoinSet::new();
        loop {
            let delivery = next(&mut self.consumer).await?;
            let place = Arc::clone(&self.shared.places).acquire_owned().await?;
            let plan = single::Plan::next(self.kind, &mut self.shares, self.outbox_body);
            handling.spawn(handle(self.shared.clone(), delivery, plan, place));
            while let Some(handled) = handling.try_join_next() {
                handled??;
            }
        }
    }
}

async fn handle(
    shared: Shared,
    delivery: Delivery,
    plan: single::Plan,
    _place: OwnedSemaphorePermit,
) -> Result<()> {
    let event: Incoming<'_> = serde_json::from_slice(&delivery.data)?;
    let mut transaction = shared.pool.begin().await?;
    single::write(&mut transaction, plan, &event, &delivery.data).await?;
    transaction.commit().await?;
    delivery.acker.ack(BasicAckOptions::default()).await?;
    shared.settled.fetch_add(1, Ordering::Relaxed);
    Ok(())
}
