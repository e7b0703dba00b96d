//! Acknowledges finished deliveries: the contiguous prefix with one frame.

use std::collections::VecDeque;
use std::sync::Arc;

use broker::{Settled, Settler};
use telemetry::WorkerMetrics;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use crate::failpoint::pass;

/// Most wake-ups taken at once.
const WAKE_UPS: usize = 4096;

/// Which deliveries of one channel are finished; tags count from 1.
#[derive(Debug, Default)]
struct Window {
    /// The tag before the first slot.
    base: u64,
    slots: VecDeque<Slot>,
    /// Finished slots behind one that is not.
    waiting: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Open,
    Finished,
    Acked,
}

/// What to acknowledge now.
#[derive(Debug, Default, PartialEq, Eq)]
struct Due {
    /// Everything up to this tag.
    through: Option<u64>,
    /// How many deliveries that acknowledges.
    count: u64,
    /// These tags by themselves.
    singles: Vec<u64>,
}

impl Window {
    fn finish(&mut self, tag: u64) {
        let Some(index) = self.index(tag) else { return };
        if self.slots.len() <= index {
            self.slots.resize(index + 1, Slot::Open);
        }
        if self.slots[index] == Slot::Open {
            self.slots[index] = Slot::Finished;
            self.waiting += 1;
        }
    }

    fn index(&self, tag: u64) -> Option<usize> {
        let offset = tag.checked_sub(self.base + 1)?;
        usize::try_from(offset).ok()
    }

    /// The finished prefix, and single tags once too many wait behind a slow one.
    fn take(&mut self, most_waiting: usize) -> Due {
        let mut due = Due::default();
        while let Some(slot) = self.slots.front().filter(|slot| **slot != Slot::Open) {
            if *slot == Slot::Finished {
                self.waiting -= 1;
                due.count += 1;
                due.through = Some(self.base + 1);
            }
            self.base += 1;
            self.slots.pop_front();
        }
        if self.waiting > most_waiting {
            let tags = (self.base + 1..).zip(&mut self.slots);
            for (tag, slot) in tags.filter(|(_, slot)| **slot == Slot::Finished) {
                *slot = Slot::Acked;
                due.singles.push(tag);
            }
            self.waiting = 0;
        }
        due
    }

    /// The tags up to `last` that are not finished.
    fn unfinished(&self, last: u64) -> Vec<u64> {
        let open = |tag: &u64| {
            let slot = self.index(*tag).and_then(|index| self.slots.get(index));
            slot.is_none_or(|slot| *slot == Slot::Open)
        };
        (self.base + 1..=last).filter(open).collect()
    }
}

/// Settles the deliveries of one channel.
pub(crate) struct Acks {
    settler: Settler,
    metrics: Arc<WorkerMetrics>,
    window: Window,
    /// A quarter of the prefetch: a slow message must not use up the window by itself.
    most_waiting: usize,
}

impl Acks {
    pub(crate) fn new(settler: Settler, metrics: Arc<WorkerMetrics>, prefetch: u16) -> Self {
        let most_waiting = usize::from(prefetch) / 4;
        Self { settler, metrics, window: Window::default(), most_waiting }
    }

    /// Acknowledges what is reported as finished until every reporter is gone, or time is over:
    /// a lane that waits for the database does not go.
    ///
    /// # Errors
    /// When the broker no longer takes acknowledgements.
    pub(crate) async fn run(
        mut self,
        mut finished: UnboundedReceiver<u64>,
        mut over: oneshot::Receiver<()>,
    ) -> Result<Self, broker::Error> {
        let mut tags = Vec::with_capacity(WAKE_UPS);
        loop {
            let count = tokio::select! {
                biased;
                _ = &mut over, if !finished.is_closed() => {
                    // What was reported before is still taken.
                    finished.close();
                    continue;
                }
                count = finished.recv_many(&mut tags, WAKE_UPS) => count,
            };
            if count == 0 {
                return Ok(self);
            }
            for tag in tags.drain(..) {
                self.window.finish(tag);
            }
            self.acknowledge().await?;
        }
    }

    async fn acknowledge(&mut self) -> Result<(), broker::Error> {
        let due = self.window.take(self.most_waiting);
        if let Some(tag) = due.through {
            let settled = self.settler.ack_through(tag).await?;
            pass("acknowledged");
            self.metrics.acknowledged(due.count, settled == Settled::Stale);
        }
        for tag in due.singles {
            let settled = self.settler.ack(tag).await?;
            self.metrics.acknowledged(1, settled == Settled::Stale);
        }
        Ok(())
    }

    /// Gives back what is not finished, up to the last tag handed over; returns how many.
    pub(crate) async fn give_back(mut self, last: u64) -> u64 {
        self.most_waiting = 0;
        if let Err(error) = self.acknowledge().await {
            tracing::debug!(%error, "deliveries will come again");
        }
        let unfinished = self.window.unfinished(last);
        let requeue = unfinished.iter().map(|tag| self.settler.requeue(*tag));
        let results = futures_util::future::join_all(requeue).await;
        if let Some(error) = results.into_iter().find_map(Result::err) {
            // The broker gives back by itself what belongs to a channel that is gone.
            tracing::debug!(%error, "deliveries will come again");
        }
        let count = u64::try_from(unfinished.len()).unwrap_or(u64::MAX);
        self.metrics.given_back(count);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(tags: &[u64]) -> Window {
        let mut window = Window::default();
        for tag in tags {
            window.finish(*tag);
        }
        window
    }

    #[test]
    fn only_the_contiguous_prefix_is_acknowledged_at_once() {
        let mut window = finished(&[2, 1, 4]);
        let due = window.take(10);
        assert_eq!(due, Due { through: Some(2), count: 2, singles: vec![] });
        assert_eq!(window.take(10), Due::default());
        window.finish(3);
        assert_eq!(window.take(10), Due { through: Some(4), count: 2, singles: vec![] });
    }

    #[test]
    fn a_slow_message_does_not_hold_up_the_acknowledgement_of_many() {
        let mut window = finished(&[2, 3, 4]);
        assert_eq!(window.take(2), Due { through: None, count: 0, singles: vec![2, 3, 4] });
        window.finish(1);
        assert_eq!(window.take(2), Due { through: Some(1), count: 1, singles: vec![] });
        window.finish(5);
        assert_eq!(window.take(2), Due { through: Some(5), count: 1, singles: vec![] });
    }

    #[test]
    fn what_is_not_finished_is_known() {
        let mut window = finished(&[1, 3]);
        window.take(10);
        assert_eq!(window.unfinished(5), [2, 4, 5]);
        assert_eq!(Window::default().unfinished(0), [0_u64; 0]);
    }

    #[test]
    fn a_tag_reported_twice_counts_once() {
        let mut window = finished(&[1, 1]);
        assert_eq!(window.take(0).count, 1);
        window.finish(1);
        assert_eq!(window.take(0), Due::default());
    }
}
