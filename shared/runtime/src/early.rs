//! Events that come before their parent are held back a while, in case it is on its way.
//!
//! Each kind of event has a queue of its own, so where a backlog waits, payments overtake their
//! orders, and refunds the payments. Parking such an event costs several times what applying it
//! does. Held back, it uses up its worker's prefetch instead, and the worker falls into step with
//! the one that brings the parent.

use std::collections::HashSet;
use std::time::Duration;

use contracts::{Event, EventKind, OrderId};
use store::Database;
use store::orders::{self, Parent};
use tokio::time::{Instant, sleep_until};

use crate::batch::Job;

/// Shortest time between two looks for parents.
const SHORTEST_PAUSE: Duration = Duration::from_millis(25);
/// Longest time between two looks for parents.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// A pause lasts so many times what the look took: looking must stay a small part of all work.
const PAUSE_PER_LOOK: u32 = 40;

/// The events of one lane that came before their parent.
#[derive(Debug)]
pub(crate) struct Early<E> {
    /// Longest that one is held back.
    patience: Duration,
    held: Vec<Held<E>>,
    next_look: Instant,
    /// Whether events overtook their parents lately; otherwise nobody asks.
    suspected: bool,
}

#[derive(Debug)]
struct Held<E> {
    job: Job<E>,
    until: Instant,
}

impl<E: Event> Early<E> {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience, held: Vec::new(), next_look: Instant::now(), suspected: false }
    }

    /// Resolves when those held back are worth another look; never if there are none.
    pub(crate) async fn look(&self) {
        if self.held.is_empty() {
            std::future::pending::<()>().await;
        }
        sleep_until(self.next_look).await;
    }

    /// Says that an event was parked: more of its like may follow.
    pub(crate) fn suspect(&mut self) {
        // Whoever opens orders has nothing to wait for.
        self.suspected = parent::<E>().is_some();
    }

    /// What is to be worked off now, of the jobs that came and of those held back.
    ///
    /// A database that does not answer holds nothing back: the batch meets the same trouble.
    pub(crate) async fn admit(
        &mut self,
        database: &mut Database,
        came: Vec<Job<E>>,
    ) -> Vec<Job<E>> {
        let Some(parent) = parent::<E>().filter(|_| self.suspected) else { return came };
        let now = Instant::now();
        let is_look = now >= self.next_look;
        let mut candidates = if is_look { std::mem::take(&mut self.held) } else { Vec::new() };
        let until = now + self.patience;
        candidates.extend(came.into_iter().map(|job| Held { job, until }));
        let orders: Vec<Option<OrderId>> =
            candidates.iter().map(|held| held.job.envelope.event.order_ref().order()).collect();
        let wanted: Vec<OrderId> = orders.iter().copied().flatten().collect();
        let found = match orders::with_parent(database, &wanted, parent).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "failed to look for orders");
                wanted.into_iter().collect::<HashSet<_>>()
            }
        };
        if is_look {
            let pause = (PAUSE_PER_LOOK * now.elapsed()).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            self.next_look = Instant::now() + pause;
        }
        // What names no order itself is not held back: finding its order is the batch's affair.
        let has_parent = |order: Option<OrderId>| order.is_none_or(|order| found.contains(&order));
        let mut ready = Vec::with_capacity(candidates.len());
        let mut orphans = false;
        for (held, order) in candidates.into_iter().zip(orders) {
            let is_ready = has_parent(order);
            if is_ready || held.until <= now {
                orphans |= !is_ready;
                ready.push(held.job);
            } else {
                self.held.push(held);
            }
        }
        self.suspected = orphans || !self.held.is_empty();
        ready
    }

    /// Everything held back, for the end.
    pub(crate) fn give_up(&mut self) -> Vec<Job<E>> {
        self.held.drain(..).map(|held| held.job).collect()
    }
}

/// What the events of a worker come after; nothing for the one that opens orders.
fn parent<E: Event>() -> Option<Parent> {
    let takes = |kind| E::KINDS.contains(&kind);
    if takes(EventKind::OrderCreated) {
        None
    } else if takes(EventKind::RefundRequested) || takes(EventKind::DisputeOpened) {
        Some(Parent::Money)
    } else {
        Some(Parent::Order)
    }
}
