//! Connections that deliver to the workers' rules, and a relay between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use domain::Policies;
use store::{Class, Database};
use tokio::task::JoinHandle;

use super::town::{Town, WORKERS};
use crate::convergence::event::Books;

/// Most messages of one batch.
const LARGEST_BATCH: u64 = 64;

/// One batch of so many is delivered again after its commit.
const REDELIVERED: u64 = 12;

/// Between two looks at queues that were empty.
const PAUSE: Duration = Duration::from_millis(5);

/// Numbers that look random, the same for the same seed.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    /// A number below `sides` (`SplitMix64`).
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn index(&mut self, sides: usize) -> usize {
        let sides = u64::try_from(sides).unwrap();
        usize::try_from(self.roll(sides)).unwrap()
    }
}

/// What the lanes share.
#[derive(Debug)]
struct Shared {
    town: Arc<Town>,
    books: Books,
    stopped: AtomicBool,
    batches: AtomicU32,
    retries: AtomicU32,
}

/// Running lanes and their relay.
#[derive(Debug)]
pub(crate) struct Lanes {
    shared: Arc<Shared>,
    running: Vec<JoinHandle<()>>,
}

impl Lanes {
    pub(crate) fn start(town: &Arc<Town>, policies: &Policies, count: u64, seed: u64) -> Self {
        let shared = Arc::new(Shared {
            town: Arc::clone(town),
            books: Books::new(policies),
            stopped: AtomicBool::new(false),
            batches: AtomicU32::new(0),
            retries: AtomicU32::new(0),
        });
        let lane = |number| tokio::spawn(deliver(Arc::clone(&shared), Dice(seed ^ number)));
        let mut running: Vec<_> = (0..count).map(lane).collect();
        running.push(tokio::spawn(relay(Arc::clone(&shared))));
        Self { shared, running }
    }

    /// Stops; answers how many batches were applied, and how many had to be tried again.
    pub(crate) async fn stop(self) -> (u32, u32) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        for lane in self.running {
            lane.await.unwrap();
        }
        let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        (count(&self.shared.batches), count(&self.shared.retries))
    }
}

async fn relay(shared: Arc<Shared>) {
    let mut database = Database::connect(&shared.town.config()).await.unwrap();
    while !shared.stopped.load(Ordering::Relaxed) {
        shared.town.relay(&mut database).await;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn deliver(shared: Arc<Shared>, mut dice: Dice) {
    let mut database = Database::connect(&shared.town.config()).await.unwrap();
    while !shared.stopped.load(Ordering::Relaxed) {
        let largest = 1 + dice.roll(LARGEST_BATCH);
        let size = usize::try_from(1 + dice.roll(largest)).unwrap();
        let Some((worker, bodies)) = shared.town.take(dice.index(WORKERS.len()), size) else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        while let Err(error) = apply(&shared.books, worker, &mut database, bodies.clone()).await {
            assert!(matches!(error.class(), Class::Transient | Class::Slow), "{error:?}");
            shared.retries.fetch_add(1, Ordering::Relaxed);
        }
        if dice.roll(REDELIVERED) == 0 {
            shared.town.redeliver(worker, bodies);
        }
        shared.town.waiting.lock().unwrap().busy -= 1;
        shared.batches.fetch_add(1, Ordering::Relaxed);
    }
}

/// Applies messages of one worker's queue in one transaction.
pub(crate) async fn apply(
    books: &Books,
    worker: usize,
    database: &mut Database,
    bodies: Vec<Vec<u8>>,
) -> Result<(), store::Error> {
    let queue = WORKERS[worker];
    match worker {
        0 => runtime::trial::apply_batch(&books.orders, queue, database, bodies).await,
        1 => runtime::trial::apply_batch(&books.payments, queue, database, bodies).await,
        2 => runtime::trial::apply_batch(&books.timeouts, queue, database, bodies).await,
        3 => runtime::trial::apply_batch(&books.refunds, queue, database, bodies).await,
        _ => runtime::trial::apply_batch(&books.disputes, queue, database, bodies).await,
    }
}
