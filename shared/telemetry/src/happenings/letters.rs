//! What becomes of dead letters.

use tracing::{debug, info};

use crate::catalogue as c;

/// Dead letters were moved into the database.
#[derive(Debug)]
pub struct DeadLettersParked {
    /// Which process.
    pub worker: &'static str,
    /// `parked`, or `raw` for what could not be read.
    pub result: &'static str,
    /// How many.
    pub count: u64,
}

impl DeadLettersParked {
    /// Logs and counts it.
    pub fn emit(&self) {
        c::PARKED_TOTAL.counter(&[self.worker, self.result]).increment(self.count);
        info!(count = self.count, result = self.result, "dead letters parked");
    }
}

/// What is parked of one queue.
#[derive(Debug)]
pub struct ParkedLetters<'a> {
    /// The queue that the letters came from.
    pub queue: &'a str,
    /// How many.
    pub letters: u32,
    /// When the oldest failed first, in seconds since 1970; 0 for none.
    pub oldest_seconds: f64,
}

impl ParkedLetters<'_> {
    /// Counts it.
    pub fn emit(&self) {
        c::PARKED_MESSAGES.gauge(&[self.queue, "parked"]).set(self.letters);
        c::PARKED_OLDEST.gauge(&[self.queue]).set(self.oldest_seconds);
    }
}

/// How many groups of like failures are parked.
#[derive(Debug)]
pub struct ParkedGroups {
    /// How many.
    pub groups: u32,
}

impl ParkedGroups {
    /// Counts it.
    pub fn emit(&self) {
        c::PARKED_GROUPS.gauge(&[]).set(self.groups);
    }
}

/// Replayed dead letters were sent, or their fate became known.
#[derive(Debug)]
pub struct ReplayItems<'a> {
    /// The queue they were sent to, or would have been.
    pub queue: &'a str,
    /// `sent`, `returned`, `skipped`, `resolved` or `reparked`.
    pub result: &'static str,
    /// How many.
    pub count: u64,
}

impl ReplayItems<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        c::REPLAY_ITEMS.counter(&[self.queue, self.result]).increment(self.count);
        debug!(queue = self.queue, result = self.result, count = self.count, "letters replayed");
    }
}

/// How many replays there are that are not over.
#[derive(Debug)]
pub struct ReplaysCounted<'a> {
    /// By state.
    pub batches: &'a [(&'a str, u32)],
    /// When a replay sent something last, in seconds since 1970; 0 for never.
    pub last_progress_seconds: f64,
}

impl ReplaysCounted<'_> {
    /// Counts it.
    pub fn emit(&self) {
        for (state, count) in self.batches {
            c::REPLAY_BATCHES.gauge(&[state]).set(*count);
        }
        c::REPLAY_PROGRESS.gauge(&[]).set(self.last_progress_seconds);
    }
}
