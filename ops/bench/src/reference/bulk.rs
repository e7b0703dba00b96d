//! One statement per table and batch.

use std::collections::HashMap;

use lapin::message::Delivery;
use sqlx::PgConnection;
use uuid::Uuid;

use super::incoming::{Incoming, Kind, digest};
use super::recipe::{Share, Shares};

type Result<T> = sqlx::Result<T>;

/// The events of a batch that nobody had before.
pub(super) struct Fresh<'a, 'b> {
    /// The events.
    pub(super) events: Vec<&'b Incoming<'a>>,
    inbox: Vec<i64>,
    bodies: Vec<&'b [u8]>,
}

impl<'a, 'b> Fresh<'a, 'b> {
    pub(super) fn new(
        events: &'b [Incoming<'a>],
        batch: &'b [Delivery],
        mut claimed: HashMap<String, i64>,
    ) -> Self {
        let mut fresh = Self { events: Vec::new(), inbox: Vec::new(), bodies: Vec::new() };
        for (event, delivery) in events.iter().zip(batch) {
            // Taken out: a copy in the same batch finds nothing any more.
            if let Some(inbox) = claimed.remove(event.id) {
                fresh.events.push(event);
                fresh.inbox.push(inbox);
                fresh.bodies.push(&delivery.data);
            }
        }
        fresh
    }
}

fn column<S, T>(rows: &[S], field: impl Fn(&S) -> T) -> Vec<T> {
    rows.iter().map(field).collect()
}

/// Inserts what is new into the inbox; returns its numbers by event id.
pub(super) async fn claim(
    database: &mut PgConnection,
    kind: Kind,
    events: &[Incoming<'_>],
) -> Result<HashMap<String, i64>> {
    let sql = "INSERT INTO inbox (source, event_id, kind, order_id, digest, occurred_at)
        SELECT unnest($1::text[]), unnest($2::text[]), $3::text::event_kind, unnest($4::uuid[]),
            unnest($5::bytea[]), unnest($6::timestamptz[])
        ON CONFLICT (event_id, source) DO NOTHING
        RETURNING event_id, inbox_id";
    let rows: Vec<(String, i64)> = sqlx::query_as(sql)
        .bind(column(events, |event| event.source))
        .bind(column(events, |event| event.id))
        .bind(kind.name())
        .bind(column(events, |event| event.data.order_id))
        .bind(column(events, digest))
        .bind(column(events, |event| event.data.at()))
        .fetch_all(database)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Inserts the one row that each event is about.
pub(super) async fn subject(
    database: &mut PgConnection,
    kind: Kind,
    events: &[&Incoming<'_>],
) -> Result<()> {
    match kind {
        Kind::Order => orders(database, events).await,
        Kind::Payment => attempts(database, events).await,
        Kind::Refund => refunds(database, events).await,
        Kind::Dispute => disputes(database, events).await,
    }
}

async fn orders(database: &mut PgConnection, events: &[&Incoming<'_>]) -> Result<()> {
    let sql = "INSERT INTO orders (
            id, merchant_id, customer_ref, currency, placed_at, total_minor, revision, expires_at,
            method, reservation_id, lines, status, amount_changed, history_len, ledger_len, version,
            policy_version
        )
        SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), 'EUR',
            unnest($4::timestamptz[]), unnest($5::bigint[]), 1, unnest($6::timestamptz[]), 'card',
            unnest($7::text[]), unnest($8::text[])::json, 'pending_payment', false, 1, 0, 1,
            'defaults-1'";
    sqlx::query(sql)
        .bind(column(events, |event| event.data.order_id))
        .bind(column(events, |event| event.data.merchant_id))
        .bind(column(events, |event| event.data.customer_ref))
        .bind(column(events, |event| event.data.at()))
        .bind(column(events, |event| event.data.amount()))
        .bind(column(events, |event| event.data.expires()))
        .bind(column(events, |event| event.data.reservation_id))
        .bind(column(events, |event| event.data.lines()))
        .execute(database)
        .await
        .map(drop)
}

async fn attempts(database: &mut PgConnection, events: &[&Incoming<'_>]) -> Result<()> {
    let sql = "INSERT INTO payment_attempts (
            order_id, id, provider, provider_ref, status, currency, amount_minor, authorized_minor,
            occurred_at, last_event_at
        )
        SELECT order_id, id, provider, provider_ref, 'captured', 'EUR', amount, amount, at, at
        FROM (
            SELECT unnest($1::uuid[]) AS order_id, unnest($2::uuid[]) AS id,
                unnest($3::text[]) AS provider, unnest($4::text[]) AS provider_ref,
                unnest($5::bigint[]) AS amount, unnest($6::timestamptz[]) AS at
        ) AS attempt";
    sqlx::query(sql)
        .bind(column(events, |event| event.data.order_id))
        .bind(column(events, |event| event.data.attempt()))
        .bind(column(events, |event| event.data.provider))
        .bind(column(events, |event| event.data.provider_ref))
        .bind(column(events, |event| event.data.amount()))
        .bind(column(events, |event| event.data.at()))
        .execute(database)
        .await
        .map(drop)
}

async fn refunds(database: &mut PgConnection, events: &[&Incoming<'_>]) -> Result<()> {
    let sql = "INSERT INTO refunds (
            order_id, id, customer_ref, request_key, part, reason, requested_at, attempt_id,
            currency, amount_minor, status, funded_from, last_event_at
        )
        SELECT order_id, order_id, request_key, request_key, 0, 'requested_by_customer', at,
            order_id, 'EUR', amount, 'approved', 'customer_funds', at
        FROM (
            SELECT unnest($1::uuid[]) AS order_id, unnest($2::text[]) AS request_key,
                unnest($3::bigint[]) AS amount, unnest($4::timestamptz[]) AS at
        ) AS refund";
    sqlx::query(sql)
        .bind(column(events, |event| event.data.order_id))
        .bind(column(events, |event| event.data.request_key))
        .bind(column(events, |event| event.data.amount()))
        .bind(column(events, |event| event.data.at()))
        .execute(database)
        .await
        .map(drop)
}

async fn disputes(database: &mut PgConnection, events: &[&Incoming<'_>]) -> Result<()> {
    let sql = "INSERT INTO disputes (
            order_id, id, customer_ref, provider, provider_ref, attempt_id, opened_at, currency,
            amount_minor, fee_minor, loss_minor, stage, status, reason, deadline_missed,
            last_event_at
        )
        SELECT order_id, id, provider_ref, provider, provider_ref, order_id, at, 'EUR', amount, 0,
            0, 'chargeback', 'needs_response', 'product_not_received', false, at
        FROM (
            SELECT unnest($1::uuid[]) AS order_id, unnest($2::uuid[]) AS id,
                unnest($3::text[]) AS provider, unnest($4::text[]) AS provider_ref,
                unnest($5::bigint[]) AS amount, unnest($6::timestamptz[]) AS at
        ) AS dispute";
    sqlx::query(sql)
        .bind(column(events, |event| event.data.order_id))
        .bind(column(events, |event| event.data.dispute()))
        .bind(column(events, |event| event.data.provider))
        .bind(column(events, |event| event.data.provider_ref))
        .bind(column(events, |event| event.data.amount()))
        .bind(column(events, |event| event.data.at()))
        .execute(database)
        .await
        .map(drop)
}

/// Inserts the rows that follow from each event.
pub(super) async fn rest(
    database: &mut PgConnection,
    kind: Kind,
    shares: &mut Shares,
    outbox_body: usize,
    fresh: &Fresh<'_, '_>,
) -> Result<()> {
    captures(database, &fresh.repeat(&mut shares.captures)).await?;
    history(database, kind, &fresh.repeat(&mut shares.history)).await?;
    transfers(database, kind, &fresh.repeat(&mut shares.transfers)).await?;
    timers(database, kind, &fresh.repeat(&mut shares.timers)).await?;
    outbox(database, outbox_body, &fresh.repeat(&mut shares.outbox)).await
}

/// One row that follows from an event.
struct Row<'a, 'b> {
    event: &'b Incoming<'a>,
    inbox: i64,
    body: &'b [u8],
    /// Which one of the event's rows it is, from 0.
    part: i32,
}

impl<'a, 'b> Fresh<'a, 'b> {
    fn repeat(&self, share: &mut Share) -> Vec<Row<'a, 'b>> {
        let events = self.events.iter().zip(&self.inbox).zip(&self.bodies);
        let rows = events.flat_map(|((event, inbox), body)| {
            (0..share.next()).map(move |part| Row { event, inbox: *inbox, body, part })
        });
        rows.collect()
    }
}

async fn captures(database: &mut PgConnection, rows: &[Row<'_, '_>]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO captures (
            order_id, attempt_id, capture_ref, currency, amount_minor, occurred_at, applied_minor,
            classification
        )
        SELECT order_id, attempt_id, capture_ref, 'EUR', amount, at, amount, 'normal'
        FROM (
            SELECT unnest($1::uuid[]) AS order_id, unnest($2::uuid[]) AS attempt_id,
                unnest($3::text[]) AS capture_ref, unnest($4::bigint[]) AS amount,
                unnest($5::timestamptz[]) AS at
        ) AS capture";
    sqlx::query(sql)
        .bind(column(rows, |row| row.event.data.order_id))
        .bind(column(rows, |row| row.event.data.attempt()))
        .bind(column(rows, |row| row.event.data.provider_ref))
        .bind(column(rows, |row| row.event.data.amount()))
        .bind(column(rows, |row| row.event.data.at()))
        .execute(database)
        .await
        .map(drop)
}

async fn history(database: &mut PgConnection, kind: Kind, rows: &[Row<'_, '_>]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO history (
            order_id, seq, inbox_id, entity, entity_id, from_status, to_status, recorded_at
        )
        SELECT unnest($1::uuid[]), unnest($2::integer[]), unnest($3::bigint[]), 'order',
            unnest($1::uuid[]), 'none', 'pending_payment', now()";
    sqlx::query(sql)
        .bind(column(rows, |row| row.event.data.order_id))
        .bind(column(rows, |row| kind.base() + row.part))
        .bind(column(rows, |row| row.inbox))
        .execute(database)
        .await
        .map(drop)
}

async fn transfers(database: &mut PgConnection, kind: Kind, rows: &[Row<'_, '_>]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO transfers (
            subject_id, seq, journal, inbox_id, code, debit, credit, currency, amount_minor,
            reference, recorded_at
        )
        SELECT unnest($1::uuid[]), unnest($2::integer[]), 1, unnest($3::bigint[]), 'capture',
            'psp_receivable', 'customer_funds', 'EUR', unnest($4::bigint[]), unnest($5::text[]),
            now()";
    sqlx::query(sql)
        .bind(column(rows, |row| row.event.data.order_id))
        .bind(column(rows, |row| kind.base() + row.part))
        .bind(column(rows, |row| row.inbox))
        .bind(column(rows, |row| row.event.data.amount()))
        .bind(column(rows, |row| row.event.id))
        .execute(database)
        .await
        .map(drop)
}

/// The owner tells several timers of an order apart.
pub(super) fn owner(order: Uuid, number: i32) -> Uuid {
    Uuid::from_u128(order.as_u128() ^ u128::from(number.unsigned_abs()))
}

async fn timers(database: &mut PgConnection, kind: Kind, rows: &[Row<'_, '_>]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO timers (order_id, kind, owner_id, generation, due_at, status)
        SELECT unnest($1::uuid[]), 'payment_timeout', unnest($2::uuid[]), 1,
            unnest($3::timestamptz[]), 'armed'";
    sqlx::query(sql)
        .bind(column(rows, |row| row.event.data.order_id))
        .bind(column(rows, |row| owner(row.event.data.order_id, kind.base() + row.part)))
        .bind(column(rows, |row| row.event.data.expires()))
        .execute(database)
        .await
        .map(drop)
}

async fn outbox(database: &mut PgConnection, body: usize, rows: &[Row<'_, '_>]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO outbox (
            order_id, message_id, exchange, must_route, routing_key, type_name, content_type, body
        )
        SELECT unnest($1::uuid[]), unnest($2::text[]), 'events', false, 'order.paid',
            'com.orderflow.order.paid.v1', 'application/cloudevents+json', unnest($3::bytea[])";
    sqlx::query(sql)
        .bind(column(rows, |row| row.event.data.order_id))
        .bind(column(rows, |row| row.event.id))
        .bind(column(rows, |row| cut(row.body, body)))
        .execute(database)
        .await
        .map(drop)
}

/// As much of an incoming message as one of ours is long.
pub(super) fn cut(body: &[u8], length: usize) -> &[u8] {
    &body[..length.min(body.len())]
}
