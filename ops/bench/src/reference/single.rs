//! One statement per row.

use sqlx::PgConnection;

use super::bulk::{cut, owner};
use super::incoming::{Incoming, Kind, digest};
use super::recipe::Shares;

type Result<T> = sqlx::Result<T>;

/// How many rows an event writes to each table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    kind: Kind,
    captures: i32,
    history: i32,
    transfers: i32,
    timers: i32,
    outbox: i32,
    outbox_body: usize,
}

impl Plan {
    pub(super) fn next(kind: Kind, shares: &mut Shares, outbox_body: usize) -> Self {
        Self {
            kind,
            captures: shares.captures.next(),
            history: shares.history.next(),
            transfers: shares.transfers.next(),
            timers: shares.timers.next(),
            outbox: shares.outbox.next(),
            outbox_body,
        }
    }
}

/// Writes an event, unless somebody had it before.
pub(super) async fn write(
    database: &mut PgConnection,
    plan: Plan,
    event: &Incoming<'_>,
    body: &[u8],
) -> Result<()> {
    let Some(inbox) = claim(database, plan.kind, event).await? else { return Ok(()) };
    match plan.kind {
        Kind::Order => order(database, event).await?,
        Kind::Payment => attempt(database, event).await?,
        Kind::Refund => refund(database, event).await?,
        Kind::Dispute => dispute(database, event).await?,
    }
    for _ in 0..plan.captures {
        capture(database, event).await?;
    }
    for part in 0..plan.history {
        history(database, event, plan.kind.base() + part, inbox).await?;
    }
    for part in 0..plan.transfers {
        transfer(database, event, plan.kind.base() + part, inbox).await?;
    }
    for part in 0..plan.timers {
        timer(database, event, plan.kind.base() + part).await?;
    }
    for _ in 0..plan.outbox {
        message(database, event, cut(body, plan.outbox_body)).await?;
    }
    Ok(())
}

async fn claim(
    database: &mut PgConnection,
    kind: Kind,
    event: &Incoming<'_>,
) -> Result<Option<i64>> {
    let sql = "INSERT INTO inbox (source, event_id, kind, order_id, digest, occurred_at)
        VALUES ($1, $2, $3::text::event_kind, $4, $5, $6)
        ON CONFLICT (event_id, source) DO NOTHING
        RETURNING inbox_id";
    sqlx::query_scalar(sql)
        .bind(event.source)
        .bind(event.id)
        .bind(kind.name())
        .bind(event.data.order_id)
        .bind(digest(event))
        .bind(event.data.at())
        .fetch_optional(database)
        .await
}

async fn order(database: &mut PgConnection, event: &Incoming<'_>) -> Result<()> {
    let sql = "INSERT INTO orders (
            id, merchant_id, customer_ref, currency, placed_at, total_minor, revision, expires_at,
            method, reservation_id, lines, status, amount_changed, history_len, ledger_len, version,
            policy_version
        )
        VALUES ($1, $2, $3, 'EUR', $4, $5, 1, $6, 'card', $7, $8::text::json, 'pending_payment',
            false, 1, 0, 1, 'defaults-1')";
    sqlx::query(sql)
        .bind(event.data.order_id)
        .bind(event.data.merchant_id)
        .bind(event.data.customer_ref)
        .bind(event.data.at())
        .bind(event.data.amount())
        .bind(event.data.expires())
        .bind(event.data.reservation_id)
        .bind(event.data.lines())
        .execute(database)
        .await
        .map(drop)
}

async fn attempt(database: &mut PgConnection, event: &Incoming<'_>) -> Result<()> {
    let sql = "INSERT INTO payment_attempts (
            order_id, id, provider, provider_ref, status, currency, amount_minor, authorized_minor,
            occurred_at, last_event_at
        )
        VALUES ($1, $2, $3, $4, 'captured', 'EUR', $5, $5, $6, $6)";
    sqlx::query(sql)
        .bind(event.data.order_id)
        .bind(event.data.attempt())
        .bind(event.data.provider)
        .bind(event.data.provider_ref)
        .bind(event.data.amount())
        .bind(event.data.at())
        .execute(database)
        .await
        .map(drop)
}

async fn refund(database: &mut PgConnection, event: &Incoming<'_>) -> Result<()> {
    let sql = "INSERT INTO refunds (
            order_id, id, customer_ref, request_key, part, reason, requested_at, attempt_id,
            currency, amount_minor, status, funded_from, last_event_at
        )
        VALUES ($1, $1, $2, $2, 0, 'requested_by_customer', $4, $1, 'EUR', $3, 'approved',
            'customer_funds', $4)";
    sqlx::query(sql)
        .bind(event.data.order_id)
        .bind(event.data.request_key)
        .bind(event.data.amount())
        .bind(event.data.at())
        .execute(database)
        .await
        .map(drop)
}

async fn dispute(database: &mut PgConnection, event: &Incoming<'_>) -> Result<()> {
    let sql = "INSERT INTO disputes (
            order_id, id, customer_ref, provider, provider_ref, attempt_id, opened_at, currency,
            amount_minor, fee_minor, loss_minor, stage, status, reason, deadline_missed,
            last_event_at
        )
        VALUES ($1, $2, $4, $3, $4, $1, $6, 'EUR', $5, 0, 0, 'chargeback', 'needs_response',
            'product_not_received', false, $6)";
    sqlx::query(sql)
        .bind(event.data.order_id)
        .bind(event.data.dispute())
        .bind(event.data.provider)
        .bind(event.data.provider_ref)
        .bind(event.data.amount())
        .bind(event.data.at())
        .execute(database)
        .await
        .map(drop)
}

async fn capture(database: &mut PgConnection, event: &Incoming<'_>) -> Result<()> {
    let sql = "INSERT INTO captures (
            order_id, attempt_id, capture_ref, currency, amount_minor, occurred_at, applied_minor,
            classification
        )
        VALUES ($1, $2, $3, 'EUR', $4, $5, $4, 'normal')";
    sqlx::query(sql)
        .bind(event.data.order_id)
        .bind(event.data.attempt())
        .bind(event.data.provider_ref)
        .bind(event.data.amount())
        .bind(event.data.at())
        .execute(database)
        .await
        .map(drop)
}

async fn history(
    database: &mut PgConnection,
    event: &Incoming<'_>,
    seq: i32,
    inbox: i64,
) -> Result<()> {
    let sql = "INSERT INTO history (
            order_id, seq, inbox_id, entity, entity_id, from_status, to_status, recorded_at
        )
        VALUES ($1, $2, $3, 'order', $1, 'none', 'pending_payment', now())";
    let row = sqlx::query(sql).bind(event.data.order_id).bind(seq).bind(inbox);
    row.execute(database).await.map(drop)
}

async fn transfer(
    database: &mut PgConnection,
    event: &Incoming<'_>,
    seq: i32,
    inbox: i64,
) -> Result<()> {
    let sql = "INSERT INTO transfers (
            subject_id, seq, journal, inbox_id, code, debit, credit, currency, amount_minor,
            reference, recorded_at
        )
        VALUES ($1, $2, 1, $3, 'capture', 'psp_receivable', 'customer_funds', 'EUR', $4, $5,
            now())";
    let row = sqlx::query(sql).bind(event.data.order_id).bind(seq).bind(inbox);
    row.bind(event.data.amount()).bind(event.id).execute(database).await.map(drop)
}

async fn timer(database: &mut PgConnection, event: &Incoming<'_>, number: i32) -> Result<()> {
    let sql = "INSERT INTO timers (order_id, kind, owner_id, generation, due_at, status)
        VALUES ($1, 'payment_timeout', $2, 1, $3, 'armed')";
    let order = event.data.order_id;
    let row = sqlx::query(sql).bind(order).bind(owner(order, number)).bind(event.data.expires());
    row.execute(database).await.map(drop)
}

async fn message(database: &mut PgConnection, event: &Incoming<'_>, body: &[u8]) -> Result<()> {
    let sql = "INSERT INTO outbox (
            order_id, message_id, exchange, must_route, routing_key, type_name, content_type, body
        )
        VALUES ($1, $2, 'events', false, 'order.paid', 'com.orderflow.order.paid.v1',
            'application/cloudevents+json', $3)";
    let row = sqlx::query(sql).bind(event.data.order_id).bind(event.id).bind(body);
    row.execute(database).await.map(drop)
}
