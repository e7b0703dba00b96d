//! Events that come before their order are held back a moment, in case it is on its way.
//!
//! Each kind of event has a queue of its own, so where a backlog waits, payments overtake their
//! orders. Parking such a payment costs several times what applying it does. Held back, it uses up
//! its worker's prefetch instead, and the worker falls into step with the one that opens orders.

use std::collections::HashSet;
use std::time::Duration;

use contracts::{Event, EventKind, OrderId};
use store::{Database, orders};
use tokio::time::{Instant, sleep_until};

use crate::batch::Job;

/// How often the database is asked whether orders have come.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// The events of one lane that came before their order.
#[derive(Debug)]
pub(crate) struct Early<E> {
    /// Longest that one is held back.
    patience: Duration,
    held: Vec<Held<E>>,
    next_look: Instant,
    /// Whether events overtook their orders lately; otherwise nobody asks.
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
        self.suspected = !E::KINDS.contains(&EventKind::OrderCreated);
    }

    /// What is to be worked off now, of the jobs that came and of those held back.
    ///
    /// A database that does not answer holds nothing back: the batch meets the same trouble.
    pub(crate) async fn admit(
        &mut self,
        database: &mut Database,
        came: Vec<Job<E>>,
    ) -> Vec<Job<E>> {
        if !self.suspected {
            return came;
        }
        let now = Instant::now();
        let mut candidates =
            if now >= self.next_look { std::mem::take(&mut self.held) } else { Vec::new() };
        if !candidates.is_empty() {
            self.next_look = now + LOOK_EVERY;
        }
        let until = now + self.patience;
        candidates.extend(came.into_iter().map(|job| Held { job, until }));
        let ids: Vec<OrderId> = candidates
            .iter()
            .filter_map(|held| held.job.envelope.event.order_ref().order())
            .collect();
        let known = match orders::known(database, &ids).await {
            Ok(known) => known,
            Err(error) => {
                tracing::debug!(%error, "failed to look for orders");
                ids.into_iter().collect()
            }
        };
        let (ready, early): (Vec<_>, Vec<_>) = candidates
            .into_iter()
            .partition(|held| held.until <= now || is_ready(&held.job, &known));
        self.held.extend(early);
        self.suspected =
            !self.held.is_empty() || ready.iter().any(|held| !is_ready(&held.job, &known));
        ready.into_iter().map(|held| held.job).collect()
    }

    /// Everything held back, for the end.
    pub(crate) fn give_up(&mut self) -> Vec<Job<E>> {
        self.held.drain(..).map(|held| held.job).collect()
    }
}

fn is_ready<E: Event>(job: &Job<E>, known: &HashSet<OrderId>) -> bool {
    job.envelope.event.order_ref().order().is_none_or(|order| known.contains(&order))
}
