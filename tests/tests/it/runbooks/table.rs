//! Which incident is staged for each page.

/// What is the matter where a page is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Incident {
    /// A shop published an event that breaks the contract, or that no queue takes.
    BadEvent,
    /// Events contradict what is known.
    Contradiction,
    /// A rule panics, or takes its worker with it.
    WorkerFails,
    /// The database refuses what a message wants to write.
    RefusedRow,
    /// A letter of this code, copied from another: only a defect of ours or the broker's own limit
    /// makes one.
    CopiedLetter,
    /// All is well but for some dead letters: what the page is about is seen on dashboards only, or
    /// cannot be staged here.
    Letters,
    /// Nobody listens where the broker should be.
    BrokerAway,
    /// Whoever listens there hangs up at once.
    BrokerHangsUp,
    /// Whoever listens there speaks something else.
    BrokerTalksOtherwise,
    /// Whoever listens there says nothing.
    BrokerSilent,
    /// TLS is asked for, and the broker speaks none.
    BrokerWithoutTls,
    /// The broker does not take the password.
    BrokerRefuses,
    /// No address of a broker is set.
    BrokerUnnamed,
    /// A queue has other arguments than it should have.
    OtherArguments,
    /// The plugin for delays is asked for, and the broker has none.
    PluginMissing,
    /// Exchanges and queues are missing.
    Drift,
    /// Nobody listens where the database should be.
    DatabaseAway,
    /// Whoever listens there says nothing.
    DatabaseSilent,
    /// TLS is asked for, and the database speaks none.
    DatabaseWithoutTls,
    /// There is no such database.
    DatabaseRefuses,
    /// The database takes no more connections.
    DatabaseFull,
    /// The database takes no writes.
    ReadOnly,
    /// Somebody holds a table that every batch writes.
    TableHeld,
    /// The database has no migrations.
    SchemaBehind,
    /// A row breaks an invariant.
    Violated,
    /// The policies cannot be used.
    PoliciesRefused,
    /// Workers do not run, and their work waits.
    WorkersGone,
}

/// The pages of each incident: every page once.
pub(crate) const INCIDENTS: &[(Incident, &[&str])] = &[
    (Incident::BadEvent, &BAD_EVENTS),
    (
        Incident::Contradiction,
        &[
            "currency-mismatch",
            "customer-mismatch",
            "duplicate-conflict",
            "fact-conflict",
            "id-reuse",
            "merchant-mismatch",
        ],
    ),
    (Incident::WorkerFails, &["panic", "worker-crashed"]),
    (
        Incident::RefusedRow,
        &[
            "constraint-violated",
            "database-error",
            "deadlock",
            "invalid-data",
            "object-in-use",
            "serialization-failure",
            "statement-timeout",
        ],
    ),
    (
        Incident::CopiedLetter,
        &[
            "delivery-limit",
            "inconsistent-row",
            "lock-timeout",
            "lost-update",
            "mixed-currencies",
            "no-order",
        ],
    ),
    (Incident::Letters, &LETTERS),
    (
        Incident::BrokerAway,
        &["broker-unreachable", "broker-channel-closed", "worker-not-ready", "dependency-down"],
    ),
    (Incident::BrokerHangsUp, &["broker-connection-lost"]),
    (Incident::BrokerTalksOtherwise, &["broker-frame-unreadable"]),
    (Incident::BrokerSilent, &["broker-timeout"]),
    (Incident::BrokerWithoutTls, &["broker-tls-failed"]),
    (Incident::BrokerRefuses, &["broker-access-refused"]),
    (Incident::BrokerUnnamed, &["broker-url-missing"]),
    (Incident::OtherArguments, &["broker-precondition-failed"]),
    (Incident::PluginMissing, &["delay-plugin-missing"]),
    (
        Incident::Drift,
        &[
            "broker-object-missing",
            "broker-discarding-messages",
            "unroutable-dropped",
            "unroutable-returned",
        ],
    ),
    (
        Incident::DatabaseAway,
        &["database-unreachable", "database-shutting-down", "database-damaged", "breaker-open"],
    ),
    (Incident::DatabaseSilent, &["no-answer"]),
    (Incident::DatabaseWithoutTls, &["database-tls-failed"]),
    (Incident::DatabaseRefuses, &["database-refuses"]),
    (Incident::DatabaseFull, &["database-exhausted"]),
    (Incident::ReadOnly, &["database-read-only"]),
    (Incident::TableHeld, &["table-held"]),
    (Incident::SchemaBehind, &["schema-behind", "migration-failed"]),
    (Incident::Violated, &["invariant-violated"]),
    (Incident::PoliciesRefused, &["policies-refused"]),
    (
        Incident::WorkersGone,
        &[
            "events-wait-for-parent",
            "outbox-stuck",
            "parker-stalled",
            "punctual-budget-burn",
            "queue-without-consumer",
            "target-down",
            "timely-budget-burn",
            "timers-late",
            "timers-overdue",
            "worker-missing",
            "worker-stalled",
        ],
    ),
];

/// Every rule of the contract, and the alerts that bad events raise.
const BAD_EVENTS: [&str; 29] = [
    "amount-out-of-range",
    "body-too-large",
    "card-number",
    "contract-violations",
    "dead-letters-appear",
    "duplicate-field",
    "inconsistent",
    "invalid-amount",
    "invalid-currency",
    "invalid-id",
    "invalid-text",
    "invalid-time",
    "invalid-type",
    "malformed-json",
    "missing-field",
    "mixed-mode",
    "mode-mismatch",
    "new-failure-group",
    "reserved-key",
    "security-code",
    "subject-mismatch",
    "too-deep",
    "too-long",
    "unknown-content-type",
    "unknown-type",
    "unknown-value",
    "unroutable",
    "unsupported-major",
    "unsupported-specversion",
];

const LETTERS: [&str; 29] = [
    "batch-retries-high",
    "broker-blocked",
    "broker-disk-filling",
    "broker-not-watched",
    "broker-object-locked",
    "broker-protocol-broken",
    "connection-spoilt",
    "damaged",
    "database-exists",
    "drain-abandoned",
    "erased",
    "files-run-out",
    "handled-budget-burn",
    "invariant-unchecked",
    "key-differs",
    "key-missing",
    "no-randomness",
    "parked-old",
    "parked-spike",
    "raw-dead-letters",
    "replay-reparking",
    "replay-returned",
    "replay-stuck",
    "retries-high",
    "schema-mismatch",
    "sessions-flap",
    "verify-too-old",
    "version-skew",
    "watchdog",
];

/// The incident of a page; `None` for a page that nobody entered here.
pub(crate) fn incident_of(page: &str) -> Option<Incident> {
    let named = INCIDENTS.iter().find(|(_, pages)| pages.contains(&page));
    named.map(|(incident, _)| *incident)
}
