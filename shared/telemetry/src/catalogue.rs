//! Every metric: name, kind, unit, labels, buckets and meaning.

use metrics::{Counter, Gauge, Histogram, Label};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// A distribution with these upper bounds.
    Histogram(&'static [f64]),
}

/// One metric of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// The name that Prometheus shows; ends in its unit.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The label keys, in order.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

/// Bounds for work done in this process: from a tenth of a millisecond to ten seconds.
const WORK: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];
/// Bounds for the way from a shop to a commit: from a millisecond to an hour.
const JOURNEY: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    300.0, 900.0, 3600.0,
];
/// Bounds for the lateness of timers.
const LATENESS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];
/// Bounds for numbers of messages.
const SIZE: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0];

macro_rules! catalogue {
    (
        $($id:ident = $name:literal, $kind:expr, [$($label:literal),*], $help:literal;)+
    ) => {
        $(#[doc = $help]
        pub const $id: Metric =
            Metric { name: $name, kind: $kind, labels: &[$($label),*], help: $help };)+

        /// Every metric there is.
        pub const ALL: &[Metric] = &[$($id,)+];
    };
}

catalogue! {
    BUILD_INFO = "orderflow_build_info", Kind::Gauge, ["worker", "version"],
        "Always 1; which build runs.";
    RECEIVED = "orderflow_messages_received_total", Kind::Counter, ["worker", "event_type"],
        "Messages handed over by the broker, redeliveries included.";
    PROCESSED = "orderflow_messages_processed_total", Kind::Counter,
        ["worker", "event_type", "outcome"],
        "Messages settled, by what became of them.";
    FAILURES = "orderflow_message_failures_total", Kind::Counter, ["worker", "error_class"],
        "Failures of single messages, before it is known what becomes of them.";
    END_TO_END = "orderflow_message_end_to_end_seconds", Kind::Histogram(JOURNEY), ["worker"],
        "Time from publishing to commit.";
    BATCH_SIZE = "orderflow_batch_size", Kind::Histogram(SIZE), ["worker"],
        "Messages in one transaction.";
    BATCH_DURATION = "orderflow_batch_duration_seconds", Kind::Histogram(WORK), ["worker"],
        "Time from the first statement of a batch to its commit.";
    IN_FLIGHT = "orderflow_messages_in_flight", Kind::Gauge, ["worker"],
        "Messages handed over and not settled.";
    SETTLEMENTS = "orderflow_settlements_total", Kind::Counter, ["worker", "kind", "result"],
        "Acknowledgements and give-backs sent to the broker.";
    RETRIES = "orderflow_retries_scheduled_total", Kind::Counter, ["worker"],
        "Messages sent to the delayed exchange for another try.";
    BATCH_RETRIES = "orderflow_batch_retries_total", Kind::Counter, ["worker", "cause"],
        "Transactions tried again, or in halves, because the database refused them.";
    PREFETCH = "orderflow_prefetch_limit", Kind::Gauge, ["worker"],
        "How many messages may be in flight.";
    LAST_COMMIT = "orderflow_last_commit_timestamp_seconds", Kind::Gauge, ["worker"],
        "When the process last committed work; 0 for not yet.";
    DEAD_LETTERS = "orderflow_dead_letters_total", Kind::Counter, ["worker", "error_class"],
        "Messages published to the dead-letter exchange.";
    TIMER_LATENESS = "orderflow_timer_lateness_seconds", Kind::Histogram(LATENESS), ["worker"],
        "How long after its due time a timer was handled.";
    TIMERS_HANDED_OVER = "orderflow_timers_handed_over_total", Kind::Counter, ["worker", "reason"],
        "Timers handed to the delayed exchange, or fired directly when overdue.";
    TIMERS_PENDING = "orderflow_timers_pending", Kind::Gauge, ["worker"],
        "Armed timers in the database.";
    TIMERS_OLDEST_DUE = "orderflow_timers_oldest_due_timestamp_seconds", Kind::Gauge, ["worker"],
        "When the first armed timer is due; 0 for none armed.";
    PARKED_EVENTS = "orderflow_parked_events", Kind::Gauge, ["worker"],
        "Events that wait for their parent.";
    OUTBOX_PENDING = "orderflow_outbox_pending", Kind::Gauge, ["worker"],
        "Messages not sent yet.";
    OUTBOX_OLDEST = "orderflow_outbox_oldest_timestamp_seconds", Kind::Gauge, ["worker"],
        "When the oldest message that is not sent yet was written; 0 for none.";
    PUBLISHES = "orderflow_publishes_total", Kind::Counter, ["worker", "exchange", "result"],
        "Messages published, by the broker's answer.";
    PARKED_TOTAL = "orderflow_parked_total", Kind::Counter, ["worker", "result"],
        "Dead letters moved into the database.";
    REPLAY_ITEMS = "orderflow_replay_items_total", Kind::Counter, ["queue", "result"],
        "Dead letters that were replayed, by what became of them.";
    REPLAY_BATCHES = "orderflow_replay_batches", Kind::Gauge, ["state"],
        "Replays that are running, paused, or stopped themselves.";
    REPLAY_PROGRESS = "orderflow_replay_last_progress_timestamp_seconds", Kind::Gauge, [],
        "When a replay sent something last; 0 for never.";
    PUBLISH_DURATION = "orderflow_publish_duration_seconds", Kind::Histogram(WORK), ["worker"],
        "Time from publishing a window of messages to the broker's last answer.";
    READY = "orderflow_ready", Kind::Gauge, ["worker"],
        "1 while the process does its work, as `/readyz` says.";
    SESSIONS_ENDED = "orderflow_sessions_ended_total", Kind::Counter, ["worker"],
        "Sessions with the broker that ended by a failure.";
    PARKED_MESSAGES = "orderflow_parked_messages", Kind::Gauge, ["queue", "status"],
        "Dead letters in the database; every parker shows all of them.";
    PARKED_OLDEST = "orderflow_parked_oldest_timestamp_seconds", Kind::Gauge, ["queue"],
        "When the dead letter that is parked longest failed first; 0 for none.";
    PARKED_GROUPS = "orderflow_parked_groups", Kind::Gauge, [],
        "Groups of like failures with parked dead letters.";
    RECONNECTS = "orderflow_reconnects_total", Kind::Counter, ["worker", "dependency", "cause"],
        "Connections lost or refused.";
    CONNECTED = "orderflow_connected", Kind::Gauge, ["worker", "dependency"],
        "1 while the dependency answers.";
    BREAKER_OPEN = "orderflow_breaker_open", Kind::Gauge, ["worker"],
        "1 while consuming is paused because a dependency is down.";
    AMQP_BLOCKED = "orderflow_amqp_blocked", Kind::Gauge, ["worker"],
        "1 while the broker blocks publishers for want of memory or disk.";
    POLICY_RELOADS = "orderflow_policy_reloads_total", Kind::Counter, ["worker", "result"],
        "Times that the shops' choices were read anew, by whether they could be used.";
    PANICS = "orderflow_panics_total", Kind::Counter, ["worker"],
        "Rules that panicked, each caught and charged to its own message.";
    DRAIN_ABANDONED = "orderflow_drain_abandoned_total", Kind::Counter, ["worker"],
        "Messages given back unfinished when the time to drain was over.";
    SPANS = "orderflow_spans_total", Kind::Counter, ["worker", "result"],
        "Spans of sampled traces, by whether a collector took them; none where none is named.";
    INVARIANT_VIOLATIONS = "orderflow_invariant_violations", Kind::Gauge, ["invariant"],
        "Rows that violate the invariant, as of the last check; absent while it is not checked.";
    INVARIANT_CHECKED = "orderflow_invariant_checked", Kind::Gauge, ["invariant"],
        "1 when the last check looked at the invariant to the end, 0 when that took too long.";
    INVARIANT_CHECK_DURATION = "orderflow_invariant_check_duration_seconds", Kind::Gauge,
        ["invariant"],
        "How long the last check took for the invariant.";
    MERCHANT_ORDERS = "orderflow_merchant_orders", Kind::Gauge, ["merchant", "currency"],
        "Orders placed with the merchant, as of the last look; `other` for all not listed.";
    MERCHANT_UNPAID = "orderflow_merchant_unpaid_ratio", Kind::Gauge, ["merchant", "currency"],
        "The part of the merchant's ended orders that expired unpaid.";
    MERCHANT_LATE = "orderflow_merchant_late_payments", Kind::Gauge, ["merchant", "currency"],
        "Payments that came after the end of their order.";
    MERCHANT_REFUNDS = "orderflow_merchant_refund_ratio", Kind::Gauge, ["merchant", "currency"],
        "The part of the merchant's paid orders that had a refund a customer wanted.";
    MERCHANT_DISPUTES = "orderflow_merchant_disputes", Kind::Gauge, ["merchant", "currency"],
        "Disputes that take the merchant's money.";
    MERCHANT_DISPUTE_RATIO = "orderflow_merchant_dispute_ratio", Kind::Gauge,
        ["merchant", "currency"],
        "Disputes for each of the merchant's payments.";
    MERCHANT_DISPUTED_AMOUNT = "orderflow_merchant_disputed_amount_ratio", Kind::Gauge,
        ["merchant", "currency"],
        "Disputed money for each unit that the merchant's payments brought.";
    MERCHANT_RESPONSES = "orderflow_merchant_evidence_response_ratio", Kind::Gauge,
        ["merchant", "currency"],
        "The part of the merchant's disputes that was answered in time.";
    MERCHANT_DOUBLE_LOSSES = "orderflow_merchant_double_losses", Kind::Gauge,
        ["merchant", "currency"],
        "Disputes over the merchant's money that had been refunded already.";
    MERCHANT_THRESHOLD = "orderflow_merchant_threshold_ratio", Kind::Gauge,
        ["merchant", "currency", "measure"],
        "How much of a threshold of the policies the merchant has used up; 1 has reached it.";
    MERCHANTS_TIMESTAMP = "orderflow_merchants_last_run_timestamp_seconds", Kind::Gauge, [],
        "When the moment was that the last look at merchants was taken.";
    VERIFY_TIMESTAMP = "orderflow_verify_last_run_timestamp_seconds", Kind::Gauge, [],
        "When the moment was that the last check of the invariants looked at.";
}

/// What every process tells of itself, by the names that all exporters use.
pub const OF_PROCESS: &[Metric] = &[
    process("process_cpu_seconds_total", Kind::Counter, "Processor time used, in seconds."),
    process("process_max_fds", Kind::Gauge, "How many files may be open."),
    process("process_open_fds", Kind::Gauge, "How many files are open."),
    process("process_resident_memory_bytes", Kind::Gauge, "Memory in use."),
    process("process_start_time_seconds", Kind::Gauge, "When the process started."),
    process("process_threads", Kind::Gauge, "How many threads run."),
    process("process_virtual_memory_bytes", Kind::Gauge, "Address space in use."),
    process("process_virtual_memory_max_bytes", Kind::Gauge, "Address space that may be used."),
];

const fn process(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    Metric { name, kind, labels: &[], help }
}

impl Kind {
    /// The word that Prometheus uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

impl Metric {
    /// What a value is counted in.
    pub fn unit(&self) -> &'static str {
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        match name.rsplit('_').next() {
            Some("seconds") => "seconds",
            Some("bytes") => "bytes",
            _ => "1",
        }
    }

    /// A counter's handle; the series exists from now on.
    pub(crate) fn counter(self, values: &[&str]) -> Counter {
        metrics::with_recorder(|recorder| recorder.register_counter(&self.key(values), &METADATA))
    }

    /// A gauge's handle; the series exists from now on.
    pub(crate) fn gauge(self, values: &[&str]) -> Gauge {
        metrics::with_recorder(|recorder| recorder.register_gauge(&self.key(values), &METADATA))
    }

    /// A histogram's handle; the series exists from now on.
    pub(crate) fn histogram(self, values: &[&str]) -> Histogram {
        metrics::with_recorder(|recorder| recorder.register_histogram(&self.key(values), &METADATA))
    }

    fn key(self, values: &[&str]) -> metrics::Key {
        debug_assert_eq!(self.labels.len(), values.len(), "labels of {}", self.name);
        let labels = self.labels.iter().zip(values);
        let labels: Vec<_> =
            labels.map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
        metrics::Key::from_parts(self.name, labels)
    }
}

const METADATA: metrics::Metadata<'static> =
    metrics::Metadata::new("orderflow", metrics::Level::INFO, None);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_prefixed_and_end_in_their_unit() {
        let mut names: Vec<_> = ALL.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        for metric in ALL {
            assert!(metric.name.starts_with("orderflow_"), "{}", metric.name);
            let total = metric.name.ends_with("_total");
            assert_eq!(total, metric.kind == Kind::Counter, "{}", metric.name);
            // What is found in the database is no worker's.
            let checked = [
                "orderflow_invariant_",
                "orderflow_merchant",
                "orderflow_verify_",
                "orderflow_parked_",
                "orderflow_replay_",
            ];
            let own = ["orderflow_parked_events", "orderflow_parked_total"];
            let of_check = checked.iter().any(|prefix| metric.name.starts_with(prefix));
            let of_check = of_check && !own.contains(&metric.name);
            assert!(of_check != (metric.labels.first() == Some(&"worker")), "{}", metric.name);
        }
    }
}
