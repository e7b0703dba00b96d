//! Parked events that nobody comes for: sent home, so that their own worker decides again.

use uuid::Uuid;

use crate::database::Transaction;
use crate::error::Error;

/// Sends home events that waited too long; their worker finds `parked_until` passed (case 25).
///
/// Returns how many, at most `limit`.
///
/// # Errors
/// When the statement fails.
pub async fn release_expired(transaction: &mut Transaction<'_>, limit: i64) -> Result<u64, Error> {
    let released = sqlx::query!(
        r#"
        WITH expired AS (
            SELECT source, event_id
            FROM parked_events
            WHERE park_until <= now()
            ORDER BY park_until
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        ),
        released AS (
            DELETE FROM parked_events
            USING expired
            WHERE
                parked_events.source = expired.source
                AND parked_events.event_id = expired.event_id
            RETURNING
                order_id, parked_events.event_id, inbox_id, occurred_at, queue, kind, content_type,
                message_id, headers, body
        )
        INSERT INTO outbox (
            order_id, message_id, exchange, must_route, routing_key, type_name, content_type,
            headers, body
        )
        SELECT
            coalesce(order_id, $2), coalesce(message_id, event_id), 'return', true, queue, kind,
            content_type, headers, body
        FROM released
        ORDER BY occurred_at, inbox_id
        "#,
        limit,
        Uuid::nil(),
    );
    let released = released.execute(transaction.connection()).await;
    let count = released.map_err(Error::during("release expired events"))?.rows_affected();
    hint(transaction, count);
    Ok(count)
}

/// Sends home events whose parent is there (I27); returns how many, at most `limit`.
///
/// Events that name their order never need this: its lock orders them with whoever creates it. An
/// event that knows only a payment or dispute has no order to lock while it looks for it.
///
/// # Errors
/// When the statement fails.
pub async fn release_stranded(transaction: &mut Transaction<'_>, limit: i64) -> Result<u64, Error> {
    let released = sqlx::query!(
        r#"
        WITH stranded AS (
            SELECT parked_events.source, parked_events.event_id
            FROM stranded_events
            INNER JOIN parked_events USING (source, event_id)
            LIMIT $1
            FOR UPDATE OF parked_events SKIP LOCKED
        ),
        released AS (
            DELETE FROM parked_events
            USING stranded
            WHERE
                parked_events.source = stranded.source
                AND parked_events.event_id = stranded.event_id
            RETURNING
                order_id, parked_events.event_id, inbox_id, occurred_at, queue, kind, content_type,
                message_id, headers, body
        )
        INSERT INTO outbox (
            order_id, message_id, exchange, must_route, routing_key, type_name, content_type,
            headers, body
        )
        SELECT
            coalesce(order_id, $2), coalesce(message_id, event_id), 'return', true, queue, kind,
            content_type, headers, body
        FROM released
        ORDER BY occurred_at, inbox_id
        "#,
        limit,
        Uuid::nil(),
    );
    let released = released.execute(transaction.connection()).await;
    let count = released.map_err(Error::during("release stranded events"))?.rows_affected();
    hint(transaction, count);
    Ok(count)
}

/// How many events wait for a parent.
///
/// # Errors
/// When the statement fails.
pub async fn count(transaction: &mut Transaction<'_>) -> Result<i64, Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM parked_events"#)
        .fetch_one(transaction.connection())
        .await
        .map_err(Error::during("count parked events"))
}

fn hint(transaction: &mut Transaction<'_>, released: u64) {
    if released > 0 {
        transaction.hint_outbox();
    }
}
