//! Parked events that nobody comes for: sent home, so that their own worker decides again.

use uuid::Uuid;

use crate::column::column;
use crate::database::Transaction;
use crate::error::Error;

/// An event that waits.
struct Waiting {
    source: String,
    event_id: String,
}

/// Sends home events that waited too long; their worker finds `parked_until` passed (case 25).
///
/// Returns how many, at most `limit`.
///
/// # Errors
/// When a statement fails.
pub async fn release_expired(transaction: &mut Transaction<'_>, limit: i64) -> Result<u64, Error> {
    let expired = sqlx::query_as!(
        Waiting,
        r#"
        SELECT source, event_id
        FROM parked_events
        WHERE park_until <= now()
        ORDER BY park_until
        LIMIT $1
        FOR UPDATE SKIP LOCKED
        "#,
        limit,
    );
    let expired = expired.fetch_all(transaction.connection()).await;
    release(transaction, &expired.map_err(Error::during("find expired events"))?).await
}

/// Sends home events whose parent is there (I27); returns how many, at most `limit`.
///
/// Events that name their order never need this: its lock orders them with whoever creates it. An
/// event that knows only a payment or dispute has no order to lock while it looks for it.
///
/// # Errors
/// When a statement fails.
pub async fn release_stranded(transaction: &mut Transaction<'_>, limit: i64) -> Result<u64, Error> {
    let stranded = sqlx::query_as!(
        Waiting,
        r#"
        SELECT parked_events.source, parked_events.event_id
        FROM stranded_events
        INNER JOIN parked_events USING (source, event_id)
        LIMIT $1
        FOR UPDATE OF parked_events SKIP LOCKED
        "#,
        limit,
    );
    let stranded = stranded.fetch_all(transaction.connection()).await;
    release(transaction, &stranded.map_err(Error::during("find stranded events"))?).await
}

/// Sends home events that the transaction has locked.
async fn release(transaction: &mut Transaction<'_>, waiting: &[Waiting]) -> Result<u64, Error> {
    if waiting.is_empty() {
        return Ok(0);
    }
    let released = sqlx::query!(
        r#"
        WITH released AS (
            DELETE FROM parked_events
            USING (
                SELECT
                    unnest($1::text[]) AS source, unnest($2::text[]) AS event_id
            ) AS waiting
            WHERE
                parked_events.source = waiting.source
                AND parked_events.event_id = waiting.event_id
            RETURNING
                order_id, parked_events.event_id, inbox_id, occurred_at, queue, kind, content_type,
                message_id, key_id, headers, body
        )
        INSERT INTO outbox (
            order_id, message_id, exchange, must_route, routing_key, type_name, content_type,
            key_id, headers, body
        )
        SELECT
            coalesce(order_id, $3), coalesce(message_id, event_id), 'return', true, queue, kind,
            content_type, key_id, headers, body
        FROM released
        ORDER BY occurred_at, inbox_id
        "#,
        column(waiting, |event| event.source.as_str()) as _,
        column(waiting, |event| event.event_id.as_str()) as _,
        Uuid::nil(),
    );
    let released = released.execute(transaction.connection()).await;
    let count = released.map_err(Error::during("send parked events home"))?.rows_affected();
    transaction.hint_outbox();
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
