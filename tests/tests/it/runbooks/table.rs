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
    /// Somebody wrote into a row by hand, and it makes no sense any more.
    SpoiltRow,
    /// Something of somebody else in the database lets a change of an order come to nothing.
    SwallowedUpdate,
    /// A rule decides what no rule may: a failpoint stands for the defect of ours.
    BentDecision,
    /// Transactions and messages are tried again and again.
    TriedAgain,
    /// A message was given back so often that the broker gave it up.
    BrokerGivesUp,
    /// The database refuses a dead letter as a row.
    RawLetters,
    /// A letter failed first long ago.
    OldLetter,
    /// Letters are replayed to a queue that is gone.
    QueueGone,
    /// What is replayed fails as it did before.
    FailsAgain,
    /// The worker has another master key under the name that the database knows.
    KeyDiffers,
    /// The worker lacks the master key under which something is stored.
    KeyMissing,
    /// Somebody renamed a column.
    SchemaChanged,
    /// The prepared statements of a session go in the middle of a transaction.
    SessionSpoilt,
    /// The way to the broker breaks again and again.
    SessionsFlap,
    /// Nobody listens where spans are exported to.
    CollectorAway,
    /// A process may open few files more.
    FilesRunOut,
    /// A worker has messages in hand and gets no further with them.
    Stalled,
    /// Somebody holds the row of an order for longer than a worker waits.
    RowHeld,
    /// A worker is stopped before it is done.
    StoppedEarly,
    /// Somebody holds a table that the check of an invariant reads.
    CheckTooLong,
    /// Events wait for an order that does not come.
    EventsWait,
    /// The stored bytes of an event were changed.
    BytesChanged,
    /// The key of an event was destroyed while it was on its way home.
    KeyDestroyed,
    /// The broker has less disk than it wants to have.
    BrokerBlocked,
    /// The broker has little more disk than it wants to have.
    DiskFilling,
    /// The broker's counters cannot be scraped.
    Unwatched,
    /// Somebody else holds one of our queues exclusively.
    QueueHeld,
    /// What stands before the broker ends connections as a broker that was told nonsense.
    BrokerTalksNonsense,
    /// Nobody has checked the invariants yet.
    VerifyNotRun,
    /// Nothing is out of order: see [`UNSTAGED`] for why not.
    NotStaged,
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
            "database-exists",
            "deadlock",
            "invalid-data",
            "object-in-use",
            "serialization-failure",
            "statement-timeout",
        ],
    ),
    (Incident::SpoiltRow, &["inconsistent-row"]),
    (Incident::SwallowedUpdate, &["lost-update"]),
    (Incident::BentDecision, &["mixed-currencies", "no-order"]),
    (Incident::TriedAgain, &["batch-retries-high", "retries-high"]),
    (Incident::BrokerGivesUp, &["delivery-limit"]),
    (Incident::RawLetters, &["raw-dead-letters"]),
    (Incident::OldLetter, &["parked-old"]),
    (Incident::QueueGone, &["replay-returned"]),
    (Incident::FailsAgain, &["replay-reparking"]),
    (Incident::KeyDiffers, &["key-differs"]),
    (Incident::KeyMissing, &["key-missing"]),
    (Incident::SchemaChanged, &["schema-mismatch"]),
    (Incident::SessionSpoilt, &["connection-spoilt"]),
    (Incident::SessionsFlap, &["sessions-flap"]),
    (Incident::CollectorAway, &["spans-lost"]),
    (Incident::FilesRunOut, &["files-run-out"]),
    (Incident::Stalled, &["worker-stalled"]),
    (Incident::RowHeld, &["lock-timeout"]),
    (Incident::StoppedEarly, &["drain-abandoned"]),
    (Incident::CheckTooLong, &["invariant-unchecked"]),
    (Incident::EventsWait, &["events-wait-for-parent"]),
    (Incident::BytesChanged, &["damaged"]),
    (Incident::KeyDestroyed, &["erased"]),
    (Incident::BrokerBlocked, &["broker-blocked"]),
    (Incident::DiskFilling, &["broker-disk-filling"]),
    (Incident::Unwatched, &["broker-not-watched"]),
    (Incident::QueueHeld, &["broker-object-locked"]),
    (Incident::BrokerTalksNonsense, &["broker-protocol-broken"]),
    (Incident::VerifyNotRun, &["verify-too-old"]),
    (Incident::NotStaged, &["no-randomness", "version-skew", "watchdog"]),
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
            "outbox-stuck",
            "parker-stalled",
            "punctual-budget-burn",
            "queue-without-consumer",
            "replay-stuck",
            "target-down",
            "timely-budget-burn",
            "timers-late",
            "timers-overdue",
            "worker-missing",
        ],
    ),
];

/// Every rule of the contract, and the alerts that bad events raise.
const BAD_EVENTS: [&str; 31] = [
    "amount-out-of-range",
    "body-too-large",
    "card-number",
    "contract-violations",
    "dead-letters-appear",
    "duplicate-field",
    "handled-budget-burn",
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
    "parked-spike",
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

/// Pages whose incident is not staged, each with the reason; their commands are typed all the same.
pub(crate) const UNSTAGED: [(&str, &str); 3] = [
    ("no-randomness", "it takes a kernel that has no random bytes to give, or says so"),
    ("version-skew", "it takes a second build with another version, which no test has"),
    ("watchdog", "nothing of ours is out of order when the monitoring is: it is asked, not us"),
];

/// The incident of a page; `None` for a page that nobody entered here.
pub(crate) fn incident_of(page: &str) -> Option<Incident> {
    let named = INCIDENTS.iter().find(|(_, pages)| pages.contains(&page));
    named.map(|(incident, _)| *incident)
}
