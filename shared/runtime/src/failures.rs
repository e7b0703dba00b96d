//! What becomes of messages that failed: another try later, or a dead letter.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use broker::delay::{DelayProvider, delayed};
use broker::{Delivery, Headers, Outcome, Properties, Publication, Publisher};
use contracts::{EventKind, OrderId, TraceContext};
use telemetry::happenings::{
    DeadLettered, MessageFailed, Published, RetryScheduled, Subject, WindowPublished,
};
use telemetry::spans::OpenSpan;
use telemetry::{Processed, WorkerMetrics};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use crate::clock;
use crate::config::Config;
use crate::failpoint::pass;
use crate::failure::Failure;
use crate::settle::{HandlingResult, Settlement, settle};

/// Headers that we add to messages.
pub mod headers {
    /// Our count of tries, from 1; absent means the first.
    pub const ATTEMPT: &str = "orderflow-attempt";
    /// When the message failed for the first time, RFC 3339.
    pub const FIRST_FAILED_AT: &str = "orderflow-first-failed-at";
    /// When the message failed for the last time, RFC 3339.
    pub const FAILED_AT: &str = "orderflow-failed-at";
    /// The class of the failure.
    pub const ERROR_CLASS: &str = "orderflow-error-class";
    /// The stable code of the failure.
    pub const ERROR_CODE: &str = "orderflow-error-code";
    /// What is wrong, at most 1 KiB, without values of the message.
    pub const ERROR_MESSAGE: &str = "orderflow-error-message";
    /// JSON pointer to the offending place.
    pub const ERROR_POINTER: &str = "orderflow-error-pointer";
    /// The queue that the message came from, where a replay goes.
    pub const QUEUE: &str = "orderflow-queue";
    /// The exchange that the message was published to.
    pub const EXCHANGE: &str = "orderflow-exchange";
    /// The routing key that the message was published with.
    pub const ROUTING_KEY: &str = "orderflow-routing-key";
    /// The worker that gave up.
    pub const WORKER: &str = "orderflow-worker";
    /// The worker's version.
    pub const BUILD: &str = "orderflow-build";

    /// The item of the replay that sent the message, if one did.
    pub const REPLAY_ID: &str = "orderflow-replay-id";
    /// How often the message was replayed, this time included.
    pub const REPLAY_COUNT: &str = "orderflow-replay-count";
    /// The W3C trace context that a replay began.
    pub const TRACEPARENT: &str = "traceparent";
    /// The trace context that the message had before its replay.
    pub const REPLAYED_TRACE: &str = "orderflow-replayed-traceparent";

    /// What describes a failure and must not travel with another try.
    pub const OF_FAILURE: [&str; 10] = [
        FAILED_AT,
        ERROR_CLASS,
        ERROR_CODE,
        ERROR_MESSAGE,
        ERROR_POINTER,
        QUEUE,
        EXCHANGE,
        ROUTING_KEY,
        WORKER,
        BUILD,
    ];
}

/// Begins the id of a message that came without one; its body decides the rest.
pub const STAND_IN_ID: &str = "none-";

/// Longest error message in a header, in bytes.
const MESSAGE_BYTES: usize = 1024;
/// Most failed messages published at once.
const WINDOW: usize = 256;

/// A message that failed by itself.
#[derive(Debug)]
pub(crate) struct FailedMessage {
    pub(crate) delivery: Delivery,
    /// Its kind, if it could be decoded.
    pub(crate) kind: Option<EventKind>,
    /// The sender's id, or `-` if it could not be read.
    pub(crate) message_id: String,
    /// The order it names, if it could be decoded and names one.
    pub(crate) order: Option<OrderId>,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) attempt: u32,
    pub(crate) failure: Failure,
    pub(crate) span: Option<OpenSpan>,
}

/// Publishes what becomes of failed messages; a message is finished once that is confirmed.
pub(crate) struct FailureDesk {
    pub(crate) worker: &'static str,
    pub(crate) queue: String,
    pub(crate) config: Arc<Config>,
    pub(crate) metrics: Arc<WorkerMetrics>,
    pub(crate) publisher: Publisher,
    pub(crate) finished: UnboundedSender<u64>,
}

/// Why failed messages could not be brought away.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// The broker's error.
    #[error(transparent)]
    Broker(#[from] broker::Error),
    /// The broker did not take a message.
    #[error("failed to bring a failed message away: {0}")]
    NotTaken(String),
}

impl FailureDesk {
    /// Works until no more failures can come.
    ///
    /// # Errors
    /// When the broker does not take a message: it stays where it was and comes again.
    pub(crate) async fn run(
        self,
        mut failed: UnboundedReceiver<FailedMessage>,
    ) -> Result<(), DeskError> {
        let mut messages = Vec::with_capacity(WINDOW);
        while failed.recv_many(&mut messages, WINDOW).await > 0 {
            self.bring_away(std::mem::take(&mut messages)).await?;
        }
        Ok(())
    }

    async fn bring_away(&self, messages: Vec<FailedMessage>) -> Result<(), DeskError> {
        let (mut publications, mut pending) = (Vec::new(), Vec::new());
        for message in messages {
            let (publication, settled) = self.publication(message);
            publications.push(publication);
            pending.push(settled);
        }
        pass("failed");
        let started = Instant::now();
        let outcomes = self.publisher.publish_all(publications).await?;
        WindowPublished { worker: self.worker, took: started.elapsed() }.emit();
        pass("brought-away");
        let mut not_taken = None;
        for (outcome, settled) in outcomes.into_iter().zip(pending) {
            let (worker, exchange, count) = (self.worker, settled.exchange(), 1);
            let result = match outcome {
                Outcome::Confirmed => "confirmed",
                Outcome::Returned { .. } | Outcome::Invalid(_) => "returned",
                Outcome::Nacked | Outcome::TimedOut => "unconfirmed",
            };
            Published { worker, exchange, result, count }.emit();
            if outcome == Outcome::Confirmed {
                self.settled(settled);
            } else {
                not_taken = Some(format!("{outcome:?}"));
            }
        }
        not_taken.map_or(Ok(()), |why| Err(DeskError::NotTaken(why)))
    }

    fn publication(&self, message: FailedMessage) -> (Publication, SettledFailure) {
        let FailedMessage { delivery, kind, message_id, order, trace, attempt, failure, span } =
            message;
        let (class, code) = (failure.class.name(), failure.code);
        let order_id = order.map(|order| order.to_string());
        let subject = Subject {
            worker: self.worker,
            event_id: &message_id,
            event_type: kind.map(EventKind::name),
            order_id: order_id.as_deref(),
            trace_id: trace.as_ref().map(TraceContext::trace_id),
        };
        MessageFailed { subject, class, code, attempt }.emit();
        let result = HandlingResult::Failed(&failure);
        let tag = delivery.tag;
        let settlement = settle(&result, attempt, &self.config.retry, rand::random());
        let next_attempt = match settlement {
            Settlement::RetryAfter(_) => attempt + 1,
            Settlement::Snooze(_)
            | Settlement::DeadLetter(_)
            | Settlement::Ack
            | Settlement::Pause => attempt,
        };
        let (publication, outcome) = match settlement {
            Settlement::RetryAfter(delay) | Settlement::Snooze(delay) => {
                RetryScheduled { subject, code, next_attempt, delay }.emit();
                let (names, body) = (&self.config.names, delivery.body);
                let properties = retry_properties(delivery.properties, &body, next_attempt);
                // Retries always ride the ladder: only the broker holds them.
                let provider = DelayProvider::Ladder;
                let publication = delayed(names, provider, &self.queue, delay, properties, body);
                (publication, Processed::Retried)
            }
            Settlement::DeadLetter(_) | Settlement::Ack | Settlement::Pause => {
                let detail = failure.detail.as_str();
                DeadLettered { subject, class, code, detail }.emit();
                (self.dead_letter(delivery, &failure, attempt), Processed::DeadLettered)
            }
        };
        (publication, SettledFailure { tag, kind, code, outcome, span })
    }

    fn dead_letter(&self, delivery: Delivery, failure: &Failure, attempt: u32) -> Publication {
        let mut properties = delivery.properties;
        let now = clock::now().to_string();
        let message = truncated(&failure.detail).to_owned();
        let diagnostics = [
            (headers::FAILED_AT, now.clone()),
            (headers::ERROR_CLASS, failure.class.name().to_owned()),
            (headers::ERROR_CODE, failure.code.to_owned()),
            (headers::ERROR_MESSAGE, message),
            (headers::ERROR_POINTER, failure.pointer.clone()),
            (headers::QUEUE, self.queue.clone()),
            (headers::EXCHANGE, delivery.exchange),
            (headers::ROUTING_KEY, delivery.routing_key),
            (headers::WORKER, self.worker.to_owned()),
            (headers::BUILD, env!("CARGO_PKG_VERSION").to_owned()),
        ];
        for (name, value) in diagnostics {
            properties.headers.insert(name, value);
        }
        properties.headers.insert(headers::ATTEMPT, i64::from(attempt));
        keep_first_failure(&mut properties.headers, now);
        with_message_id(&mut properties, &delivery.body);
        let exchange = self.config.names.dead_exchange();
        Publication::new(exchange, self.queue.clone(), properties, delivery.body)
    }

    fn settled(&self, settled: SettledFailure) {
        let SettledFailure { tag, kind, code, outcome, span } = settled;
        let kind = kind.map_or("unknown", EventKind::name);
        self.metrics.processed(kind, outcome, 1);
        if let Some(span) = span {
            span.failed(outcome.name(), code);
        }
        // Nobody listening means that the round is over: the message comes again.
        self.finished.send(tag).unwrap_or_default();
    }
}

struct SettledFailure {
    tag: u64,
    kind: Option<EventKind>,
    code: &'static str,
    outcome: Processed,
    span: Option<OpenSpan>,
}

impl SettledFailure {
    /// The exchange that it went to, by its role.
    fn exchange(&self) -> &'static str {
        match self.outcome {
            Processed::Retried => "delayed",
            Processed::Applied
            | Processed::Noop
            | Processed::Duplicate
            | Processed::Parked
            | Processed::Orphaned
            | Processed::Rejected
            | Processed::DeadLettered => "dead",
        }
    }
}

/// The message as it was, with its count of tries.
fn retry_properties(mut properties: Properties, body: &[u8], next_attempt: u32) -> Properties {
    properties.headers.insert(headers::ATTEMPT, i64::from(next_attempt));
    keep_first_failure(&mut properties.headers, clock::now().to_string());
    with_message_id(&mut properties, body);
    properties
}

fn keep_first_failure(headers: &mut Headers, now: String) {
    if headers.get(headers::FIRST_FAILED_AT).is_none() {
        headers.insert(headers::FIRST_FAILED_AT, now);
    }
}

/// A message must have an id to be published; one without gets one that its body decides.
///
/// So a redelivery of it is brought away under the same id.
pub fn with_message_id(properties: &mut Properties, body: &[u8]) {
    if properties.message_id.as_deref().is_none_or(str::is_empty) {
        let mut hash = DefaultHasher::new();
        body.hash(&mut hash);
        properties.message_id = Some(format!("{STAND_IN_ID}{:016x}", hash.finish()));
    }
}

fn truncated(text: &str) -> &str {
    &text[..text.floor_char_boundary(MESSAGE_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_at_a_character() {
        let text = "ä".repeat(MESSAGE_BYTES);
        assert_eq!(truncated(&text).len(), MESSAGE_BYTES);
        assert_eq!(truncated("short"), "short");
        let odd = format!("x{text}");
        assert_eq!(truncated(&odd).len(), MESSAGE_BYTES - 1);
    }

    #[test]
    fn the_first_failure_is_kept_over_further_ones() {
        let once = retry_properties(Properties::default(), b"", 2);
        let first = once.headers.str(headers::FIRST_FAILED_AT).unwrap().to_owned();
        let twice = retry_properties(once, b"", 3);
        assert_eq!(twice.headers.str(headers::FIRST_FAILED_AT), Some(first.as_str()));
        assert_eq!(twice.headers.get(headers::ATTEMPT).unwrap().as_integer(), Some(3));
    }
}
