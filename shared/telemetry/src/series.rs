//! Series that exist, at zero, from the start: a rate over what appears later misses its first.

use crate::catalogue as c;
use crate::happenings::Dependency;

/// The broker's answers to publications, whatever the exchange.
const ANSWERS: [&str; 3] = ["confirmed", "returned", "unconfirmed"];

/// The series of every process.
pub(crate) fn of_any(worker: &str) {
    for dependency in [Dependency::Broker, Dependency::Database] {
        c::CONNECTED.gauge(&[worker, dependency.name()]);
    }
    for cause in ["broker-unreachable", "broker-connection-lost", "broker-timeout"] {
        c::RECONNECTS.counter(&[worker, Dependency::Broker.name(), cause]);
    }
    for cause in ["database-unreachable", "database-shutting-down", "database-exhausted"] {
        c::RECONNECTS.counter(&[worker, Dependency::Database.name(), cause]);
    }
    for result in ["taken", "refused"] {
        c::POLICY_RELOADS.counter(&[worker, result]);
    }
    c::READY.gauge(&[worker]);
    c::SESSIONS_ENDED.counter(&[worker]);
    c::AMQP_BLOCKED.gauge(&[worker]);
    c::LAST_COMMIT.gauge(&[worker]);
}

/// The series of a worker that runs rules, beside those with handles of their own.
pub(crate) fn of_rules(worker: &str) {
    for class in ["contract", "conflict", "db-transient", "db-permanent", "panic", "crash"] {
        c::FAILURES.counter(&[worker, class]);
        c::DEAD_LETTERS.counter(&[worker, class]);
    }
    for cause in ["deadlock", "lost-update", "lock-timeout", "serialization-failure"] {
        c::BATCH_RETRIES.counter(&[worker, cause]);
    }
    for exchange in ["delayed", "dead"] {
        publishes(worker, exchange);
    }
    c::RETRIES.counter(&[worker]);
    c::PANICS.counter(&[worker]);
    c::DRAIN_ABANDONED.counter(&[worker]);
    c::BREAKER_OPEN.gauge(&[worker]);
    c::PUBLISH_DURATION.histogram(&[worker]);
}

/// Makes the series of the process that publishes the outbox.
pub fn of_relay(worker: &str) {
    for exchange in ["events", "return"] {
        publishes(worker, exchange);
    }
    c::PUBLISHES.counter(&[worker, "events", "unheard"]);
    c::OUTBOX_PENDING.gauge(&[worker]);
    c::OUTBOX_OLDEST.gauge(&[worker]);
    c::PUBLISH_DURATION.histogram(&[worker]);
}

/// Makes the series of the process that hands timers over.
pub fn of_scheduler(worker: &str) {
    for reason in ["due-soon", "overdue"] {
        c::TIMERS_HANDED_OVER.counter(&[worker, reason]);
    }
    c::TIMERS_PENDING.gauge(&[worker]);
    c::TIMERS_OLDEST_DUE.gauge(&[worker]);
    c::PARKED_EVENTS.gauge(&[worker]);
    c::PUBLISH_DURATION.histogram(&[worker]);
}

/// Makes the series of the process that moves dead letters.
pub fn of_parker(worker: &str) {
    for result in ["parked", "raw"] {
        c::PARKED_TOTAL.counter(&[worker, result]);
    }
}

fn publishes(worker: &str, exchange: &str) {
    for answer in ANSWERS {
        c::PUBLISHES.counter(&[worker, exchange, answer]);
    }
}
