//! What a worker counts for every delivery and batch, with handles made once.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use crate::catalogue;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processed {
    /// It changed something.
    Applied,
    /// It rightly changed nothing.
    Noop,
    /// It was applied before.
    Duplicate,
    /// It waits for its parent.
    Parked,
    /// Its parent never came.
    Orphaned,
    /// The answer was no.
    Rejected,
    /// It will be tried again.
    Retried,
    /// It was dead-lettered.
    DeadLettered,
}

impl Processed {
    /// Every outcome, in the order of the handles.
    pub const ALL: [Processed; 8] = [
        Self::Applied,
        Self::Noop,
        Self::Duplicate,
        Self::Parked,
        Self::Orphaned,
        Self::Rejected,
        Self::Retried,
        Self::DeadLettered,
    ];

    /// The label value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Noop => "noop",
            Self::Duplicate => "duplicate",
            Self::Parked => "parked",
            Self::Orphaned => "orphaned",
            Self::Rejected => "rejected",
            Self::Retried => "retried",
            Self::DeadLettered => "dead-lettered",
        }
    }
}

/// The handles of one worker process; cheap to use on every message.
#[derive(Debug)]
pub struct WorkerMetrics {
    kinds: Vec<KindMetrics>,
    end_to_end: Histogram,
    batch_size: Histogram,
    batch_duration: Histogram,
    in_flight: Gauge,
    prefetch: Gauge,
    acks: Counter,
    stale_acks: Counter,
    given_back: Counter,
    lateness: Histogram,
    last_commit: Gauge,
}

#[derive(Debug)]
struct KindMetrics {
    name: &'static str,
    received: Counter,
    processed: [Counter; Processed::ALL.len()],
}

impl WorkerMetrics {
    /// Makes every series of a worker that consumes these kinds of events.
    pub fn new(worker: &str, kinds: impl IntoIterator<Item = &'static str>) -> Self {
        use catalogue as c;
        crate::series::of_rules(worker);
        let settled = |kind, result| c::SETTLEMENTS.counter(&[worker, kind, result]);
        // What cannot be decoded has no kind.
        let kinds = kinds.into_iter().chain(["unknown"]);
        Self {
            kinds: kinds.map(|name| KindMetrics::new(worker, name)).collect(),
            end_to_end: c::END_TO_END.histogram(&[worker]),
            batch_size: c::BATCH_SIZE.histogram(&[worker]),
            batch_duration: c::BATCH_DURATION.histogram(&[worker]),
            in_flight: c::IN_FLIGHT.gauge(&[worker]),
            prefetch: c::PREFETCH.gauge(&[worker]),
            acks: settled("ack", "done"),
            stale_acks: settled("ack", "stale"),
            given_back: settled("requeue", "done"),
            lateness: c::TIMER_LATENESS.histogram(&[worker]),
            last_commit: c::LAST_COMMIT.gauge(&[worker]),
        }
    }

    /// How many messages may be in flight from now on; none is when a round begins.
    pub fn prefetch(&self, limit: u16) {
        self.prefetch.set(f64::from(limit));
        self.in_flight.set(0.0);
    }

    /// A message was handed over; `kind` is `unknown` when it cannot be decoded.
    pub fn received(&self, kind: &str) {
        self.in_flight.increment(1.0);
        self.kind(kind).received.increment(1);
    }

    /// It is known what became of messages of one kind.
    pub fn processed(&self, kind: &str, outcome: Processed, count: u64) {
        self.kind(kind).processed[outcome as usize].increment(count);
    }

    /// A batch was committed.
    pub fn committed(&self, size: usize, took: Duration) {
        // A batch is far smaller than 2^52.
        self.batch_size.record(u32::try_from(size).unwrap_or(u32::MAX));
        self.batch_duration.record(took);
        self.last_commit.set(crate::happenings::seconds_since_1970());
    }

    /// How long a message took from publishing to commit.
    pub fn end_to_end(&self, took: Duration) {
        self.end_to_end.record(took);
    }

    /// How long after its due time a timer was handled.
    pub fn timer_lateness(&self, late: Duration) {
        self.lateness.record(late);
    }

    /// Messages were acknowledged; `stale` when the channel was gone already.
    pub fn acknowledged(&self, count: u64, stale: bool) {
        let acks = if stale { &self.stale_acks } else { &self.acks };
        acks.increment(count);
        self.in_flight.decrement(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    }

    /// Messages were given back to the broker.
    pub fn given_back(&self, count: u64) {
        self.given_back.increment(count);
        self.in_flight.decrement(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    }

    fn kind(&self, name: &str) -> &KindMetrics {
        let known = self.kinds.iter().find(|kind| kind.name == name);
        known.or(self.kinds.last()).expect("`new` adds the kind `unknown`")
    }
}

impl KindMetrics {
    fn new(worker: &str, name: &'static str) -> Self {
        let processed =
            |outcome: Processed| catalogue::PROCESSED.counter(&[worker, name, outcome.name()]);
        Self {
            name,
            received: catalogue::RECEIVED.counter(&[worker, name]),
            processed: Processed::ALL.map(processed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_listed_in_the_order_of_their_handles() {
        for (index, outcome) in Processed::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index);
        }
    }
}
