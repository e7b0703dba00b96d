//! The table `parked_events`, as far as decisions move it.

use crate::line::Line;
use contracts::Timestamp;
use domain::ParkKey;
use domain::decision::Outcome;
use uuid::Uuid;

use crate::column::column;
use crate::database::Transaction;
use crate::decode::at;
use crate::error::Error;
use crate::vault::{self, Plain, Stored, Subject, Whereabouts};
use crate::write_set::Decided;

struct Row<'a> {
    event: &'a Decided<'a>,
    key: &'a ParkKey,
    text: String,
    until: Timestamp,
}

/// Keeps events whose parent is awaited, from `now` on; one that waits already may wait for more.
pub(crate) async fn park(
    transaction: &mut Transaction<'_>,
    decided: &[Decided<'_>],
) -> Result<(), Error> {
    let rows = rows(decided);
    if rows.is_empty() {
        return Ok(());
    }
    let contents: Vec<Plain<'_>> = rows.iter().map(content).collect();
    let stored = vault::seal(transaction, &contents).await?;
    let now = transaction.locked_at();
    write(transaction.connection(), &rows, &stored, now).await
}

fn rows<'a>(decided: &'a [Decided<'a>]) -> Vec<Row<'a>> {
    decided
        .iter()
        .filter_map(|event| match &event.decision.outcome {
            Outcome::Parked { key, until } => {
                Some(Row { event, key, text: key.to_string(), until: *until })
            }
            Outcome::Applied
            | Outcome::Noop(_)
            | Outcome::Orphaned(_)
            | Outcome::Rejected(_)
            | Outcome::Quarantined(_) => None,
        })
        .collect()
}

/// What is kept of the delivery; bound to where and under which id it goes home.
fn content<'a>(row: &Row<'a>) -> Plain<'a> {
    let event = row.event;
    let message_id = event.original.message_id.unwrap_or(event.event_id);
    Plain {
        subject: event.order.map_or_else(Subject::today, Subject::order),
        whereabouts: Whereabouts::Event { queue: event.original.queue, message_id },
        headers: event.original.headers_json,
        body: event.original.body,
    }
}

async fn write(
    connection: &mut Line,
    rows: &[Row<'_>],
    stored: &[Stored<'_>],
    now: Option<Timestamp>,
) -> Result<(), Error> {
    let parked = sqlx::query!(
        r#"
        INSERT INTO parked_events (
            source, event_id, inbox_id, order_id, occurred_at, park_key, awaited_provider,
            awaited_ref, parked_at, park_until, queue, kind, content_type, message_id, headers,
            body, key_id
        )
        SELECT
            unnest($1::text[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::uuid[]),
            unnest($5::timestamptz[]), unnest($6::text[]), unnest($7::text[]), unnest($8::text[]),
            coalesce($17, clock_timestamp()), unnest($9::timestamptz[]), unnest($10::text[]),
            unnest($11::text[]::event_kind[]), unnest($12::text[]), unnest($13::text[]),
            unnest($14::text[]::json[]), unnest($15::bytea[]), unnest($16::uuid[])
        ON CONFLICT (source, event_id) DO UPDATE
        SET
            order_id = excluded.order_id,
            park_key = excluded.park_key,
            awaited_provider = excluded.awaited_provider,
            awaited_ref = excluded.awaited_ref,
            parked_at = excluded.parked_at,
            park_until = excluded.park_until
        "#,
        column(rows, |row| row.event.source) as _,
        column(rows, |row| row.event.event_id) as _,
        column(rows, |row| row.event.inbox.id) as _,
        column(rows, |row| row.event.order.map(Uuid::from)) as _,
        column(rows, |row| at(row.event.occurred_at)) as _,
        column(rows, |row| row.text.as_str()) as _,
        column(rows, |row| reference(row.key).map(|(provider, _)| provider)) as _,
        column(rows, |row| reference(row.key).map(|(_, reference)| reference)) as _,
        column(rows, |row| at(row.until)) as _,
        column(rows, |row| row.event.original.queue) as _,
        column(rows, |row| row.event.kind.name()) as _,
        column(rows, |row| row.event.original.content_type) as _,
        column(rows, |row| row.event.original.message_id) as _,
        column(stored, |stored| stored.headers) as _,
        column(stored, |stored| stored.body.as_ref()) as _,
        column(stored, |stored| stored.key) as _,
        now.map(at),
    );
    parked.execute(connection).await.map_err(Error::during("park events"))?;
    Ok(())
}

/// What a key of a payment or dispute is made of.
fn reference(key: &ParkKey) -> Option<(&str, &str)> {
    match key {
        ParkKey::Order(_) | ParkKey::Capture(_) => None,
        ParkKey::Payment { provider, payment_ref } => {
            Some((provider.as_str(), payment_ref.as_str()))
        }
        ParkKey::Dispute { provider, dispute_ref } => {
            Some((provider.as_str(), dispute_ref.as_str()))
        }
    }
}

/// Forgets the waiting place of events that were decided at last.
pub(crate) async fn forget(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let done: Vec<&Decided<'_>> = decided
        .iter()
        .filter(|one| one.again && !matches!(one.decision.outcome, Outcome::Parked { .. }))
        .collect();
    if done.is_empty() {
        return Ok(());
    }
    let forgotten = sqlx::query!(
        r#"
        DELETE FROM parked_events
        USING (
            SELECT
                unnest($1::text[]) AS source, unnest($2::text[]) AS event_id
        ) AS done
        WHERE parked_events.source = done.source AND parked_events.event_id = done.event_id
        "#,
        column(&done, |one| one.source) as _,
        column(&done, |one| one.event_id) as _,
    );
    forgotten.execute(connection).await.map_err(Error::during("forget parked events"))?;
    Ok(())
}

/// Sends home what waited for a parent that this batch creates; returns whether anything did.
pub(crate) async fn release(connection: &mut Line, decided: &[Decided<'_>]) -> Result<bool, Error> {
    let mut keys: Vec<String> = decided
        .iter()
        .flat_map(|one| &one.decision.changes.arrived)
        .map(ParkKey::to_string)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(false);
    }
    let released = sqlx::query!(
        r#"
        WITH released AS (
            DELETE FROM parked_events
            WHERE park_key = ANY($1)
            RETURNING
                order_id, event_id, inbox_id, occurred_at, queue, kind, content_type, message_id,
                key_id, headers, body
        )
        INSERT INTO outbox (
            order_id, message_id, exchange, must_route, routing_key, type_name, content_type,
            key_id, headers, body
        )
        SELECT
            coalesce(order_id, $2), coalesce(message_id, event_id), 'return', true, queue, kind,
            content_type, key_id, headers, body
        FROM released
        ORDER BY occurred_at, inbox_id
        "#,
        &keys,
        Uuid::nil(),
    );
    let released = released.execute(connection).await.map_err(Error::during("release events"))?;
    Ok(released.rows_affected() > 0)
}
