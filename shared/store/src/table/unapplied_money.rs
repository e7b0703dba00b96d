//! The table `unapplied_money`, with the transfers of the ledgers of its rows.

use std::collections::HashMap;

use crate::line::Line;
use contracts::{MoneyId, Token};
use domain::Status;
use domain::unapplied::{MoneyRefund, Resolved, UnappliedMoney};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::column;
use crate::decode::{Place, at, optional_time};
use crate::error::Error;
use crate::write_set::Decided;

struct Row {
    id: Uuid,
    provider: String,
    capture_ref: String,
    claimed_order: Uuid,
    attempt_id: Uuid,
    provider_ref: String,
    merchant_id: Option<String>,
    currency: String,
    amount_minor: i64,
    cause: String,
    occurred_at: OffsetDateTime,
    recorded_at: OffsetDateTime,
    decision: Option<String>,
    decided_at: Option<OffsetDateTime>,
    disputed_since: Option<OffsetDateTime>,
    refund_id: Option<Uuid>,
    refund_status: Option<String>,
    refund_code: Option<String>,
    refund_provider_ref: Option<String>,
    refund_event_at: Option<OffsetDateTime>,
    resolved_at: Option<OffsetDateTime>,
    resolution: Option<String>,
    ledger_len: i32,
}

impl TryFrom<Row> for UnappliedMoney {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let place = Place::new("unapplied_money", row.id);
        let resolution = place.optional_status("resolution", row.resolution.as_deref())?;
        let resolved = resolution
            .zip(row.resolved_at)
            .map(|(resolution, at)| Resolved { resolution, at: at.into() });
        Ok(Self {
            id: row.id.into(),
            provider: place.text("provider", &row.provider)?,
            capture_ref: place.text("capture_ref", &row.capture_ref)?,
            claimed_order: row.claimed_order.into(),
            attempt_id: row.attempt_id.into(),
            provider_ref: place.text("provider_ref", &row.provider_ref)?,
            merchant_id: place.optional_text("merchant_id", row.merchant_id.as_deref())?,
            amount: place.money("amount_minor", row.amount_minor, &row.currency)?,
            cause: place.status("cause", &row.cause)?,
            occurred_at: row.occurred_at.into(),
            recorded_at: row.recorded_at.into(),
            decision: place.optional_status("decision", row.decision.as_deref())?,
            decided_at: optional_time(row.decided_at),
            disputed_since: optional_time(row.disputed_since),
            refund: refund(&place, &row)?,
            resolved,
            ledger_len: row.ledger_len,
        })
    }
}

fn refund(place: &Place<Uuid>, row: &Row) -> Result<Option<MoneyRefund>, Error> {
    let Some(id) = row.refund_id else { return Ok(None) };
    let status = place.optional_status("refund_status", row.refund_status.as_deref())?;
    Ok(Some(MoneyRefund {
        id: id.into(),
        status: place.known("refund_status", status)?,
        code: place.optional_status("refund_code", row.refund_code.as_deref())?,
        provider_ref: place
            .optional_text("refund_provider_ref", row.refund_provider_ref.as_deref())?,
        last_event_at: place.known("refund_event_at", row.refund_event_at)?.into(),
    }))
}

/// Reads the money whose reports name these orders, and whether disputes of it wait.
pub(crate) async fn load(
    connection: &mut Line,
    orders: &[Uuid],
) -> Result<Vec<UnappliedMoney>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            id, provider, capture_ref, claimed_order, attempt_id, provider_ref, merchant_id,
            currency::text AS "currency!", amount_minor, cause::text AS "cause!", occurred_at,
            recorded_at, decision::text, decided_at, disputed.since AS "disputed_since?",
            refund_id, refund_status::text, refund_code, refund_provider_ref, refund_event_at,
            resolved_at, resolution::text, ledger_len
        FROM unapplied_money
        -- A dispute that names the order, or nothing but its payment.
        CROSS JOIN LATERAL (
            SELECT max(parked_at) AS since
            FROM parked_events
            WHERE
                park_key IN (
                    'order:' || claimed_order, 'payment:' || provider || '/' || provider_ref
                )
                AND kind IN ('dispute.opened', 'dispute.updated')
        ) AS disputed
        WHERE claimed_order = ANY($1)
        ORDER BY recorded_at, id
        "#,
        orders,
    );
    let rows = rows.fetch_all(connection).await.map_err(Error::during("read unapplied money"))?;
    rows.into_iter().map(TryInto::try_into).collect()
}

struct New<'a> {
    inbox: i64,
    money: &'a UnappliedMoney,
}

/// Adds money that fits no order and books it to suspense; money known before is left alone.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let rows: Vec<New<'_>> = decided
        .iter()
        .flat_map(|one| {
            let inbox = one.inbox.id;
            one.decision.changes.unapplied.iter().map(move |money| New { inbox, money })
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let written = sqlx::query!(
        r#"
        WITH reported AS (
            SELECT
                unnest($1::uuid[]) AS id, unnest($2::bigint[]) AS inbox_id,
                unnest($3::text[]) AS provider, unnest($4::text[]) AS capture_ref,
                unnest($5::uuid[]) AS claimed_order, unnest($6::uuid[]) AS attempt_id,
                unnest($7::text[]) AS provider_ref, unnest($8::text[]) AS merchant_id,
                unnest($9::text[]::currency_code[]) AS currency,
                unnest($10::bigint[]) AS amount_minor,
                unnest($11::text[]::unapplied_cause[]) AS cause,
                unnest($12::timestamptz[]) AS occurred_at,
                unnest($13::timestamptz[]) AS recorded_at
        ),
        kept AS (
            INSERT INTO unapplied_money (
                id, provider, capture_ref, claimed_order, attempt_id, provider_ref, merchant_id,
                currency, amount_minor, cause, occurred_at, recorded_at, ledger_len
            )
            SELECT
                id, provider, capture_ref, claimed_order, attempt_id, provider_ref, merchant_id,
                currency, amount_minor, cause, occurred_at, recorded_at, 1
            FROM reported
            ON CONFLICT (provider, capture_ref, cause) DO NOTHING
            RETURNING id
        )
        INSERT INTO transfers (
            subject_id, seq, journal, inbox_id, code, debit, credit, currency, amount_minor,
            reference, recorded_at
        )
        SELECT
            id, 1, 1, inbox_id, 'capture', 'psp_receivable', 'suspense', currency, amount_minor,
            capture_ref, recorded_at
        FROM reported
        INNER JOIN kept USING (id)
        "#,
        column(&rows, |row| Uuid::from(row.money.id)) as _,
        column(&rows, |row| row.inbox) as _,
        column(&rows, |row| row.money.provider.as_str()) as _,
        column(&rows, |row| row.money.capture_ref.as_str()) as _,
        column(&rows, |row| Uuid::from(row.money.claimed_order)) as _,
        column(&rows, |row| Uuid::from(row.money.attempt_id)) as _,
        column(&rows, |row| row.money.provider_ref.as_str()) as _,
        column(&rows, |row| row.money.merchant_id.as_ref().map(Token::as_str)) as _,
        column(&rows, |row| row.money.amount.currency().code()) as _,
        column(&rows, |row| row.money.amount.minor()) as _,
        column(&rows, |row| row.money.cause.name()) as _,
        column(&rows, |row| at(row.money.occurred_at)) as _,
        column(&rows, |row| at(row.money.recorded_at)) as _,
    );
    written.execute(connection).await.map_err(Error::during("write unapplied money"))?;
    Ok(())
}

/// Changes rows of money that were there; a person's decision is left alone, or forgotten whole.
pub(crate) async fn change(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let images = decided.iter().flat_map(|one| &one.decision.changes.unapplied_moved);
    let last: HashMap<MoneyId, &UnappliedMoney> = images.map(|money| (money.id, money)).collect();
    let rows: Vec<&UnappliedMoney> = last.into_values().collect();
    if rows.is_empty() {
        return Ok(());
    }
    let refunds: Vec<Option<&MoneyRefund>> = rows.iter().map(|it| it.refund.as_ref()).collect();
    let changed = sqlx::query!(
        r#"
        UPDATE unapplied_money
        SET
            decision = CASE WHEN image.decided THEN unapplied_money.decision END,
            decided_by = CASE WHEN image.decided THEN unapplied_money.decided_by END,
            decision_reason = CASE WHEN image.decided THEN unapplied_money.decision_reason END,
            decided_at = CASE WHEN image.decided THEN unapplied_money.decided_at END,
            refund_id = image.refund_id,
            refund_status = image.refund_status,
            refund_code = image.refund_code,
            refund_provider_ref = image.refund_provider_ref,
            refund_event_at = image.refund_event_at,
            resolved_at = image.resolved_at,
            resolution = image.resolution,
            ledger_len = image.ledger_len
        FROM (
            SELECT
                unnest($1::uuid[]) AS id, unnest($2::uuid[]) AS refund_id,
                unnest($3::text[]::refund_status[]) AS refund_status,
                unnest($4::text[]) AS refund_code, unnest($5::text[]) AS refund_provider_ref,
                unnest($6::timestamptz[]) AS refund_event_at,
                unnest($7::timestamptz[]) AS resolved_at,
                unnest($8::text[]::unapplied_resolution[]) AS resolution,
                unnest($9::integer[]) AS ledger_len, unnest($10::boolean[]) AS decided
        ) AS image
        WHERE unapplied_money.id = image.id
        "#,
        column(&rows, |money| Uuid::from(money.id)) as _,
        column(&refunds, |it| it.map(|it| Uuid::from(it.id))) as _,
        column(&refunds, |it| it.map(|it| it.status.name())) as _,
        column(&refunds, |it| it.and_then(|it| it.code).map(Status::name)) as _,
        column(&refunds, |it| it.and_then(|it| it.provider_ref.as_ref()).map(Token::as_str)) as _,
        column(&refunds, |it| it.map(|it| at(it.last_event_at))) as _,
        column(&rows, |money| money.resolved.map(|it| at(it.at))) as _,
        column(&rows, |money| money.resolution().map(Status::name)) as _,
        column(&rows, |money| money.ledger_len) as _,
        column(&rows, |money| money.decision.is_some()) as _,
    );
    changed.execute(connection).await.map_err(Error::during("change unapplied money"))?;
    Ok(())
}
