//! Rarer events: each a log line and a counter in one struct.

mod letters;
mod spans;

use std::time::Duration;

use tracing::{error, info, warn};

use crate::catalogue as c;

pub use letters::{DeadLettersParked, ParkedGroups, ParkedLetters, ReplayItems, ReplaysCounted};
pub use spans::SpansNotExported;

/// A log line about one message; what is not known of it is left out.
macro_rules! about {
    ($level:ident, $subject:expr, $($rest:tt)+) => {
        $level!(
            event_id = $subject.event_id,
            event_type = $subject.event_type,
            order_id = $subject.order_id,
            trace_id = $subject.trace_id,
            $($rest)+
        )
    };
}

/// The message that something happened to, as a log line names it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Which process.
    pub worker: &'static str,
    /// The sender's id of the message, if it could be read.
    pub event_id: &'a str,
    /// Its kind, such as `order.created`, if it could be read.
    pub event_type: Option<&'a str>,
    /// The order it names, if it could be read and names one.
    pub order_id: Option<&'a str>,
    /// The W3C trace it belongs to, if the sender said.
    pub trace_id: Option<&'a str>,
}

/// One message failed, whatever becomes of it.
#[derive(Debug)]
pub struct MessageFailed<'a> {
    /// Which message.
    pub subject: Subject<'a>,
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
        let Self { subject, class, code, attempt } = self;
        c::FAILURES.counter(&[subject.worker, class]).increment(1);
        about!(warn, subject, error.class = class, error.code = code, attempt, "message failed");
    }
}

/// A message goes to the delayed exchange for another try.
#[derive(Debug)]
pub struct RetryScheduled<'a> {
    /// Which message.
    pub subject: Subject<'a>,
    /// The stable code of its failure.
    pub code: &'a str,
    /// Which try the next one is.
    pub next_attempt: u32,
    /// How long it waits.
    pub delay: Duration,
}

impl RetryScheduled<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let Self { subject, code, next_attempt, delay } = self;
        c::RETRIES.counter(&[subject.worker]).increment(1);
        let text = "message will be tried again";
        about!(info, subject, error.code = code, next_attempt, ?delay, "{text}");
    }
}

/// A message went to the dead-letter exchange.
#[derive(Debug)]
pub struct DeadLettered<'a> {
    /// Which message.
    pub subject: Subject<'a>,
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
        let Self { subject, class, code, detail } = self;
        c::DEAD_LETTERS.counter(&[subject.worker, class]).increment(1);
        let text = "message dead-lettered";
        about!(warn, subject, error.class = class, error.code = code, detail, "{text}");
    }
}

/// A rule panicked; the panic was caught.
#[derive(Debug)]
pub struct RulePanicked<'a> {
    /// Over which message.
    pub subject: Subject<'a>,
}

impl RulePanicked<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        c::PANICS.counter(&[self.subject.worker]).increment(1);
        about!(error, self.subject, error.code = "panic", "a rule panicked over a message");
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

/// The database refused a transaction; it is tried again, as it was or in halves.
#[derive(Debug)]
pub struct BatchRetried {
    /// Which process.
    pub worker: &'static str,
    /// The stable code of the refusal.
    pub cause: &'static str,
    /// How many messages were in it.
    pub size: usize,
    /// Whether it is split.
    pub split: bool,
}

impl BatchRetried {
    /// Logs and counts it.
    pub fn emit(&self) {
        let Self { worker, cause, size, split } = self;
        c::BATCH_RETRIES.counter(&[worker, cause]).increment(1);
        info!(error.code = cause, size, split, "batch is tried again");
    }
}

/// A session with the broker ended by a failure.
#[derive(Debug)]
pub struct SessionEnded<'a> {
    /// Which process.
    pub worker: &'static str,
    /// The error, without secrets.
    pub detail: &'a str,
    /// How long until the next session.
    pub pause: Duration,
}

impl SessionEnded<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let Self { worker, detail, pause } = self;
        c::SESSIONS_ENDED.counter(&[worker]).increment(1);
        warn!(detail, ?pause, "session ended");
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
pub struct BreakerMoved<'a> {
    /// Which process.
    pub worker: &'static str,
    /// The stable code and the words of what paused it; nothing while it consumes.
    pub open: Option<(&'static str, &'a str)>,
}

impl BreakerMoved<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        let is_open = f64::from(u8::from(self.open.is_some()));
        c::BREAKER_OPEN.gauge(&[self.worker]).set(is_open);
        if let Some((code, detail)) = self.open {
            c::CONNECTED.gauge(&[self.worker, Dependency::Database.name()]).set(0.0);
            warn!(error.code = code, detail, "consuming is paused");
        } else {
            info!("consuming");
        }
    }
}

/// The process does its work, or no longer does.
#[derive(Debug)]
pub struct Readiness {
    /// Which process.
    pub worker: &'static str,
    /// Whether it does.
    pub ready: bool,
}

impl Readiness {
    /// Counts it; why it is not ready is logged by whoever finds out.
    pub fn emit(&self) {
        c::READY.gauge(&[self.worker]).set(f64::from(u8::from(self.ready)));
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

/// The broker's last answer to a window of messages came.
#[derive(Debug)]
pub struct WindowPublished {
    /// Which process.
    pub worker: &'static str,
    /// How long that took.
    pub took: Duration,
}

impl WindowPublished {
    /// Counts it.
    pub fn emit(&self) {
        c::PUBLISH_DURATION.histogram(&[self.worker]).record(self.took);
    }
}

/// Work was committed by a process that has no other way to say so.
#[derive(Debug)]
pub struct WorkCommitted {
    /// Which process.
    pub worker: &'static str,
}

impl WorkCommitted {
    /// Counts it.
    pub fn emit(&self) {
        c::LAST_COMMIT.gauge(&[self.worker]).set(seconds_since_1970());
    }
}

/// The time, as gauges of moments have it.
#[expect(clippy::disallowed_methods, reason = "a gauge of a moment shows the time of day")]
pub(crate) fn seconds_since_1970() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
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
    /// When the first armed timer is due, in seconds since 1970; 0 for none.
    pub first_due_seconds: f64,
    /// Events that wait for their parent.
    pub parked: u32,
}

impl WaitingRows {
    /// Counts it.
    pub fn emit(&self) {
        c::TIMERS_PENDING.gauge(&[self.worker]).set(self.timers);
        c::TIMERS_OLDEST_DUE.gauge(&[self.worker]).set(self.first_due_seconds);
        c::PARKED_EVENTS.gauge(&[self.worker]).set(self.parked);
    }
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
