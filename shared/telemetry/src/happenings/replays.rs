//! What becomes of dead letters that are sent again.

use tracing::debug;

use crate::catalogue as c;

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
