//! Counts over the whole database, for people and for proofs; nothing here writes.

use contracts::{OrderId, Timestamp};
use domain::timer::TimerKind;
use uuid::Uuid;

use crate::database::Database;
use crate::decode::Place;
use crate::error::Error;

/// How many rows of one kind there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// What is counted, such as `order`; listed at the function that counts.
    pub what: String,
    /// Its status, class or code, as stored; empty where there is none.
    pub name: String,
    /// How many; for a balance, minor units debited beyond those credited.
    pub count: i64,
}

/// A count that is about one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderCount {
    /// The order.
    pub order: OrderId,
    /// What is counted about it.
    pub counted: Count,
}

/// A timer whose event was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FiredTimer {
    /// What it was for.
    pub kind: TimerKind,
    /// When it was due.
    pub due_at: Timestamp,
    /// When it was handled; both by the database's clock.
    pub fired_at: Timestamp,
}

/// An event that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedEvent {
    /// Who sent it.
    pub source: String,
    /// The sender's id of it.
    pub event_id: String,
    /// When the transaction began that accepted it first.
    pub received_at: Timestamp,
    /// How often it was delivered.
    pub deliveries: i32,
}

/// A message of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// Its id, stable over re-sends.
    pub message_id: String,
    /// What it is routed by.
    pub routing_key: String,
    /// Whether the broker has it.
    pub sent: bool,
}

/// A dead letter, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedLetter {
    /// The message id it was published with, if it had one.
    pub message_id: Option<String>,
    /// The queue whose worker gave up on it.
    pub source_queue: String,
    /// Why, as a stable code.
    pub code: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it failed first.
    pub first_failed_at: Timestamp,
    /// When it failed last.
    pub last_failed_at: Timestamp,
}

/// Counts by status: `order`, `refund`, `dispute`, `event`, our own `timer event`, `timer`,
/// `reminder of people`, `message` and `dead letter`.
///
/// # Errors
/// When a statement fails.
pub async fn totals(database: &mut Database) -> Result<Vec<Count>, Error> {
    let mut snapshot = database.begin_snapshot("totals").await?;
    let rows = sqlx::query_as!(
        Count,
        r#"
        SELECT 'order' AS "what!", status::text AS "name!", count(*) AS "count!"
        FROM orders
        GROUP BY status
        UNION ALL
        SELECT 'refund', status::text, count(*)
        FROM refunds
        GROUP BY status
        UNION ALL
        SELECT 'dispute', stage::text || ':' || status::text, count(*)
        FROM disputes
        GROUP BY stage, status
        UNION ALL
        SELECT
            CASE WHEN source = '/orderflow/timers' THEN 'timer event' ELSE 'event' END,
            outcome::text,
            count(*)
        FROM inbox
        GROUP BY 1, 2
        UNION ALL
        SELECT
            CASE
                WHEN kind IN ('unapplied_money_due', 'refund_review_due') THEN 'reminder of people'
                ELSE 'timer'
            END,
            status::text,
            count(*)
        FROM timers
        GROUP BY 1, 2
        UNION ALL
        SELECT 'message', CASE WHEN sent_at IS NULL THEN 'waiting' ELSE 'sent' END, count(*)
        FROM outbox
        GROUP BY sent_at IS NULL
        UNION ALL
        SELECT 'dead letter', error_code, count(*)
        FROM dead_letters
        GROUP BY error_code
        UNION ALL
        SELECT 'dead letter', 'raw', count(*)
        FROM dead_letters_raw
        HAVING count(*) > 0
        ORDER BY 1, 2
        "#,
    );
    let rows = rows.fetch_all(snapshot.connection()).await;
    let rows = rows.map_err(Error::during("count by status"))?;
    snapshot.rollback().await?;
    Ok(rows)
}

/// Counts by order: `order`, `attempt`, live `capture`, `refund`, `dispute`, `deadline missed`,
/// `stock release`, `unapplied` money by the order it claims, and `balance` of an account.
///
/// # Errors
/// When a statement fails.
pub async fn by_order(database: &mut Database) -> Result<Vec<OrderCount>, Error> {
    let mut snapshot = database.begin_snapshot("counts by order").await?;
    let rows = sqlx::query!(
        r#"
        WITH postings AS (
            SELECT subject_id, debit AS account, amount_minor AS amount FROM transfers
            UNION ALL
            SELECT subject_id, credit, -amount_minor FROM transfers
        )

        SELECT id AS "order_id!", 'order' AS "what!", status::text AS "name!", 1::bigint AS "count!"
        FROM orders
        UNION ALL
        SELECT order_id, 'attempt', status::text, count(*)
        FROM payment_attempts
        GROUP BY order_id, status
        UNION ALL
        SELECT order_id, 'capture', classification::text, count(*)
        FROM captures
        WHERE reversed_at IS NULL
        GROUP BY order_id, classification
        UNION ALL
        SELECT order_id, 'refund', status::text, count(*)
        FROM refunds
        GROUP BY order_id, status
        UNION ALL
        SELECT order_id, 'dispute', stage::text || ':' || status::text, count(*)
        FROM disputes
        GROUP BY order_id, stage, status
        UNION ALL
        SELECT order_id, 'deadline missed', '', count(*)
        FROM disputes
        WHERE deadline_missed
        GROUP BY order_id
        UNION ALL
        SELECT order_id, 'stock release', '', count(*)
        FROM outbox
        WHERE exchange = 'events' AND routing_key = 'inventory.release_requested'
        GROUP BY order_id
        UNION ALL
        SELECT claimed_order, 'unapplied', cause::text, count(*)
        FROM unapplied_money
        GROUP BY claimed_order, cause
        UNION ALL
        SELECT subject_id, 'balance', account::text, sum(amount)::bigint
        FROM postings
        WHERE subject_id IN (SELECT id FROM orders)
        GROUP BY subject_id, account
        HAVING sum(amount) <> 0
        "#,
    );
    let rows = rows.fetch_all(snapshot.connection()).await;
    let rows = rows.map_err(Error::during("count by order"))?;
    snapshot.rollback().await?;
    let counts = rows.into_iter().map(|row| OrderCount {
        order: row.order_id.into(),
        counted: Count { what: row.what, name: row.name, count: row.count },
    });
    Ok(counts.collect())
}

/// Every timer whose latest arming was handled.
///
/// # Errors
/// When a statement fails, or a row was not written by us.
pub async fn fired_timers(database: &mut Database) -> Result<Vec<FiredTimer>, Error> {
    let mut snapshot = database.begin_snapshot("fired timers").await?;
    let rows = sqlx::query!(
        r#"
        SELECT owner_id, kind::text AS "kind!", due_at, resolved_at AS "fired_at!"
        FROM timers
        WHERE status = 'fired'
        ORDER BY due_at
        "#,
    );
    let rows = rows.fetch_all(snapshot.connection()).await;
    let rows = rows.map_err(Error::during("read the fired timers"))?;
    snapshot.rollback().await?;
    let timers = rows.into_iter().map(|row| {
        let place: Place<Uuid> = Place::new("timers", row.owner_id);
        Ok(FiredTimer {
            kind: place.status("kind", &row.kind)?,
            due_at: row.due_at.into(),
            fired_at: row.fired_at.into(),
        })
    });
    timers.collect()
}

/// Every event that was accepted, oldest first.
///
/// # Errors
/// When a statement fails.
pub async fn accepted_events(database: &mut Database) -> Result<Vec<AcceptedEvent>, Error> {
    let mut snapshot = database.begin_snapshot("accepted events").await?;
    let rows = sqlx::query_as!(
        AcceptedEvent,
        r#"
        SELECT source, event_id, received_at, deliveries
        FROM inbox
        ORDER BY received_at, inbox_id
        "#,
    );
    let rows = rows.fetch_all(snapshot.connection()).await;
    let rows = rows.map_err(Error::during("read the accepted events"))?;
    snapshot.rollback().await?;
    Ok(rows)
}

/// Every message for subscribers, in the order they were written.
///
/// # Errors
/// When a statement fails.
pub async fn messages(database: &mut Database) -> Result<Vec<OutgoingMessage>, Error> {
    let mut snapshot = database.begin_snapshot("messages").await?;
    let rows = sqlx::query_as!(
        OutgoingMessage,
        r#"
        SELECT message_id, routing_key, sent_at IS NOT NULL AS "sent!"
        FROM outbox
        WHERE exchange = 'events'
        ORDER BY id
        "#,
    );
    let rows = rows.fetch_all(snapshot.connection()).await;
    let rows = rows.map_err(Error::during("read the messages"))?;
    snapshot.rollback().await?;
    Ok(rows)
}

/// Every dead letter, oldest first.
///
/// # Errors
/// When a statement fails.
pub async fn dead_letters(database: &mut Database) -> Result<Vec<ParkedLetter>, Error> {
    let mut snapshot = database.begin_snapshot("dead letters").await?;
    let rows = sqlx::query_as!(
        ParkedLetter,
        r#"
        SELECT
            properties ->> 'message_id' AS message_id,
            source_queue,
            error_code AS code,
            attempts,
            first_failed_at,
            last_failed_at
        FROM dead_letters
        ORDER BY id
        "#,
    );
    let rows = rows.fetch_all(snapshot.connection()).await;
    let rows = rows.map_err(Error::during("read the dead letters"))?;
    snapshot.rollback().await?;
    Ok(rows)
}
