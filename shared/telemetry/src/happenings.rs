//! Rarer events: each a log line and a counter in one struct.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::catalogue as c;

/// One message failed, whatever becomes of it.
#[derive(Debug)]
pub struct MessageFailed<'a> {
    /// Which process.
    pub worker: &'static str,
    /// The sender's id of the message, if it could be read.
    pub message_id: &'a str,
    /// The class of the failure.
    pub class: &'static str,
    /// Its stable code.
    pub code: &'a str,
    /// Which try it was, from 1.
    pub attempt: u32,
}

impl MessageFailed<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        c::FAILURES.counter(&[self.worker, self.class]).increment(1);
        let Self { message_id, class, code, attempt, .. } = self;
        warn!(message_id, error.class = class, error.code = code, attempt, "message failed");
    }
}

/// A message goes to the delayed exchange for another try.
#[derive(Debug)]
pub struct RetryScheduled<'a> {
    /// Which process.
    pub worker: &'static str,
    /// The sender's id of the message.
    pub message_id: &'a str,
    /// Which try the next one is.
    pub next_attempt: u32,
    /// How long it waits.
    pub delay: Duration,
}

impl RetryScheduled<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        c::RETRIES.counter(&[self.worker]).increment(1);
        let Self { message_id, next_attempt, delay, .. } = self;
        info!(message_id, next_attempt, ?delay, "message will be tried again");
    }
}

/// A message went to the dead-letter exchange.
#[derive(Debug)]
pub struct DeadLettered<'a> {
    /// Which process.
    pub worker: &'static str,
    /// The sender's id of the message, if it could be read.
    pub message_id: &'a str,
    /// The class of the failure.
    pub class: &'static str,
    /// Its stable code.
    pub code: &'a str,
    /// What is wrong, without any value of the message.
    pub detail: &'a str,
}

impl DeadLettered<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        c::DEAD_LETTERS.counter(&[self.worker, self.class]).increment(1);
        let Self { message_id, class, code, detail, .. } = self;
        warn!(message_id, error.class = class, error.code = code, detail, "message dead-lettered");
    }
}

/// A rule panicked; the panic was caught.
#[derive(Debug)]
pub struct RulePanicked<'a> {
    /// Which process.
    pub worker: &'static str,
    /// The sender's id of the message.
    pub message_id: &'a str,
}

impl RulePanicked<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        c::PANICS.counter(&[self.worker]).increment(1);
        error!(message_id = self.message_id, "a rule panicked over a message");
    }
}

/// The shops' choices were read anew.
#[derive(Debug)]
pub struct PoliciesReloaded<'a> {
    /// Which process.
    pub worker: &'static str,
    /// The version now in force, or why the last one stays in force.
    pub result: Result<&'a str, &'a String>,
}

impl PoliciesReloaded<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let label = if self.result.is_ok() { "taken" } else { "refused" };
        c::POLICY_RELOADS.counter(&[self.worker, label]).increment(1);
        match self.result {
            Ok(version) => info!(version, "new policies are in force"),
            Err(reason) => error!(reason, "the policies cannot be used: the last ones stay"),
        }
    }
}

/// A dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// RabbitMQ.
    Broker,
    /// Postgres.
    Database,
}

impl Dependency {
    /// The label value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Database => "database",
        }
    }
}

/// A dependency does not answer; another try follows after a pause.
#[derive(Debug)]
pub struct DependencyLost<'a> {
    /// Which process.
    pub worker: &'static str,
    /// Which dependency.
    pub dependency: Dependency,
    /// The stable code of the error.
    pub cause: &'static str,
    /// The error, without secrets.
    pub detail: &'a str,
    /// How long until the next try.
    pub pause: Duration,
}

impl DependencyLost<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let Self { worker, dependency, cause, detail, pause } = self;
        let dependency = dependency.name();
        c::RECONNECTS.counter(&[worker, dependency, cause]).increment(1);
        c::CONNECTED.gauge(&[worker, dependency]).set(0.0);
        warn!(dependency, error.code = cause, detail, ?pause, "waiting for a dependency");
    }
}

/// A dependency answers.
#[derive(Debug)]
pub struct DependencyReady {
    /// Which process.
    pub worker: &'static str,
    /// Which dependency.
    pub dependency: Dependency,
}

impl DependencyReady {
    /// Logs and counts it.
    pub fn emit(&self) {
        let dependency = self.dependency.name();
        c::CONNECTED.gauge(&[self.worker, dependency]).set(1.0);
        info!(dependency, "dependency is ready");
    }
}

/// Consuming was paused or goes on.
#[derive(Debug)]
pub struct BreakerMoved {
    /// Which process.
    pub worker: &'static str,
    /// Whether consuming is paused.
    pub open: bool,
}

impl BreakerMoved {
    /// Logs and counts it.
    pub fn emit(&self) {
        c::BREAKER_OPEN.gauge(&[self.worker]).set(f64::from(u8::from(self.open)));
        if self.open {
            warn!("consuming is paused");
        } else {
            info!("consuming");
        }
    }
}

/// Time to drain was over and messages were given back unfinished.
#[derive(Debug)]
pub struct DrainAbandoned {
    /// Which process.
    pub worker: &'static str,
    /// How many messages.
    pub count: u64,
}

impl DrainAbandoned {
    /// Logs and counts it.
    pub fn emit(&self) {
        c::DRAIN_ABANDONED.counter(&[self.worker]).increment(self.count);
        warn!(count = self.count, "gave messages back unfinished");
    }
}

/// The broker answered publications.
#[derive(Debug)]
pub struct Published {
    /// Which process.
    pub worker: &'static str,
    /// To which exchange, by its role.
    pub exchange: &'static str,
    /// The broker's answer.
    pub result: &'static str,
    /// How many messages.
    pub count: u64,
}

impl Published {
    /// Counts it; only what was not confirmed is worth a log line.
    pub fn emit(&self) {
        let Self { worker, exchange, result, count } = self;
        c::PUBLISHES.counter(&[worker, exchange, result]).increment(*count);
        let expected = matches!(*result, "confirmed" | "unheard");
        if !expected && *count > 0 {
            warn!(exchange, result, count, "messages were not confirmed");
        }
    }
}

/// What the outbox holds.
#[derive(Debug)]
pub struct OutboxBacklog {
    /// Which process.
    pub worker: &'static str,
    /// How many messages are not sent yet.
    pub pending: u32,
    /// When the oldest of them was written, in seconds since 1970; 0 for none.
    pub oldest_seconds: f64,
}

impl OutboxBacklog {
    /// Counts it.
    pub fn emit(&self) {
        c::OUTBOX_PENDING.gauge(&[self.worker]).set(self.pending);
        c::OUTBOX_OLDEST.gauge(&[self.worker]).set(self.oldest_seconds);
    }
}

/// Timers left the database for the delayed exchange.
#[derive(Debug)]
pub struct TimersHandedOver {
    /// Which process.
    pub worker: &'static str,
    /// `due-soon`, or `overdue` when the broker lost an earlier one.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

impl TimersHandedOver {
    /// Logs what is out of the ordinary and counts all.
    pub fn emit(&self) {
        let Self { worker, reason, count } = self;
        c::TIMERS_HANDED_OVER.counter(&[worker, reason]).increment(*count);
        if *reason == "overdue" && *count > 0 {
            warn!(count, "timers were overdue and fired directly");
        }
    }
}

/// What waits in the database for its time.
#[derive(Debug)]
pub struct WaitingRows {
    /// Which process.
    pub worker: &'static str,
    /// Armed timers.
    pub timers: u32,
    /// Events that wait for their parent.
    pub parked: u32,
}

impl WaitingRows {
    /// Counts it.
    pub fn emit(&self) {
        c::TIMERS_PENDING.gauge(&[self.worker]).set(self.timers);
        c::PARKED_EVENTS.gauge(&[self.worker]).set(self.parked);
    }
}

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

/// How many dead letters and replays there are.
#[derive(Debug)]
pub struct DeadLettersCounted<'a> {
    /// By queue and status.
    pub letters: &'a [(String, String, i64)],
    /// When the one that is parked longest failed first, by queue, in seconds since 1970.
    pub oldest: &'a [(String, i64)],
    /// Groups with parked letters.
    pub groups: i64,
    /// Replays by state.
    pub batches: &'a [(String, i64)],
    /// When a replay sent something last, in seconds since 1970.
    pub last_progress: Option<i64>,
}

impl DeadLettersCounted<'_> {
    /// Shows it.
    pub fn emit(&self) {
        for (queue, status, count) in self.letters {
            c::PARKED_MESSAGES.gauge(&[queue, status]).set(approximate(*count));
        }
        for (queue, oldest) in self.oldest {
            c::PARKED_OLDEST.gauge(&[queue]).set(approximate(*oldest));
        }
        c::PARKED_GROUPS.gauge(&[]).set(approximate(self.groups));
        for (state, count) in self.batches {
            c::REPLAY_BATCHES.gauge(&[state]).set(approximate(*count));
        }
        c::REPLAY_PROGRESS.gauge(&[]).set(approximate(self.last_progress.unwrap_or_default()));
    }
}

/// Counts and times are far below what a float holds exactly.
fn approximate(number: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    let float = number as f64;
    float
}

/// The broker blocks or unblocks publishers.
#[derive(Debug)]
pub struct PublishersBlocked {
    /// Which process.
    pub worker: &'static str,
    /// Whether publishers are blocked.
    pub blocked: bool,
}

impl PublishersBlocked {
    /// Logs and counts it.
    pub fn emit(&self) {
        c::AMQP_BLOCKED.gauge(&[self.worker]).set(f64::from(u8::from(self.blocked)));
        warn!(blocked = self.blocked, "the broker's alarm changed");
    }
}
