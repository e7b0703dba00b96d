//! Series that exist, at zero, from the start: a rate over what appears later misses its first.

use crate::catalogue as c;
use crate::happenings::Dependency;

/// The broker's answers to publications, whatever the exchange.
const ANSWERS: [&str; 3] = ["confirmed", "returned", "unconfirmed"];

/// The series of every process.
pub(crate) fn of_any(worker: &str) {
    for dependency in [Dependency::Broker, Dependency::Database] {
        c::CONNECTED.gauge(&[worker, dependency.name()]).set(0.0);
    }
    for cause in ["broker-unreachable", "broker-connection-lost", "broker-timeout"] {
        c::RECONNECTS.counter(&[worker, Dependency::Broker.name(), cause]).increment(0);
    }
    for cause in ["database-unreachable", "database-shutting-down", "database-exhausted"] {
        c::RECONNECTS.counter(&[worker, Dependency::Database.name(), cause]).increment(0);
    }
    for result in ["taken", "refused"] {
        c::POLICY_RELOADS.counter(&[worker, result]).increment(0);
    }
    for result in ["exported", "failed", "dropped"] {
        c::SPANS.counter(&[worker, result]).increment(0);
    }
    c::READY.gauge(&[worker]).set(0.0);
    c::SESSIONS_ENDED.counter(&[worker]).increment(0);
    c::AMQP_BLOCKED.gauge(&[worker]).set(0.0);
    c::LAST_COMMIT.gauge(&[worker]).set(0.0);
}

/// The series of a worker that runs rules, beside those with handles of their own.
pub(crate) fn of_rules(worker: &str) {
    let classes =
        ["contract", "conflict", "db-transient", "db-busy", "db-permanent", "panic", "crash"];
    for class in classes {
        c::FAILURES.counter(&[worker, class]).increment(0);
        c::DEAD_LETTERS.counter(&[worker, class]).increment(0);
    }
    let causes =
        ["deadlock", "lost-update", "lock-timeout", "serialization-failure", "statement-timeout"];
    for cause in causes {
        c::BATCH_RETRIES.counter(&[worker, cause]).increment(0);
    }
    for exchange in ["delayed", "dead"] {
        publishes(worker, exchange);
    }
    c::RETRIES.counter(&[worker]).increment(0);
    c::PANICS.counter(&[worker]).increment(0);
    c::DRAIN_ABANDONED.counter(&[worker]).increment(0);
    c::BREAKER_OPEN.gauge(&[worker]).set(0.0);
    drop(c::PUBLISH_DURATION.histogram(&[worker]));
}

/// Makes the series of the process that publishes the outbox.
pub fn of_relay(worker: &str) {
    for exchange in ["events", "return"] {
        publishes(worker, exchange);
    }
    c::PUBLISHES.counter(&[worker, "events", "unheard"]).increment(0);
    c::OUTBOX_PENDING.gauge(&[worker]).set(0.0);
    c::OUTBOX_OLDEST.gauge(&[worker]).set(0.0);
    drop(c::PUBLISH_DURATION.histogram(&[worker]));
}

/// Makes the series of the process that hands timers over.
pub fn of_scheduler(worker: &str) {
    for reason in ["due-soon", "overdue"] {
        c::TIMERS_HANDED_OVER.counter(&[worker, reason]).increment(0);
    }
    c::TIMERS_PENDING.gauge(&[worker]).set(0.0);
    c::TIMERS_OLDEST_DUE.gauge(&[worker]).set(0.0);
    c::PARKED_EVENTS.gauge(&[worker]).set(0.0);
    drop(c::PUBLISH_DURATION.histogram(&[worker]));
}

/// Makes the series of the process that moves dead letters of these queues, and replays them.
pub fn of_parker<'a>(worker: &str, queues: impl IntoIterator<Item = &'a str>) {
    for queue in queues {
        for result in ["sent", "returned", "skipped", "reparked"] {
            c::REPLAY_ITEMS.counter(&[queue, result]).increment(0);
        }
    }
    for state in ["running", "paused", "stopped"] {
        c::REPLAY_BATCHES.gauge(&[state]).set(0.0);
    }
    c::REPLAY_PROGRESS.gauge(&[]).set(0.0);
    for result in ["parked", "raw"] {
        c::PARKED_TOTAL.counter(&[worker, result]).increment(0);
    }
}

/// Makes the series of a worker whose success resolves what was replayed to its queue.
pub fn of_replayed(queue: &str) {
    c::REPLAY_ITEMS.counter(&[queue, "resolved"]).increment(0);
}

fn publishes(worker: &str, exchange: &str) {
    for answer in ANSWERS {
        c::PUBLISHES.counter(&[worker, exchange, answer]).increment(0);
    }
}
