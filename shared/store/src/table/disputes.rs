//! The table `disputes`.

use contracts::{Money, OrderId, Token};
use domain::Status;
use domain::dispute::{Dispute, DisputePosition};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Of, last_images, one_currency};
use crate::column::column;
use crate::decode::{Place, at, optional_time};
use crate::error::Error;
use crate::line::Line;
use crate::names;
use crate::write_set::Decided;

struct Row {
    order_id: Uuid,
    id: Uuid,
    provider: String,
    provider_ref: String,
    attempt_id: Uuid,
    opened_at: OffsetDateTime,
    currency: String,
    amount_minor: i64,
    original_currency: Option<String>,
    original_minor: Option<i64>,
    fee_minor: i64,
    loss_minor: i64,
    stage: String,
    status: String,
    reason: String,
    network_reason_code: Option<String>,
    evidence_due_at: Option<OffsetDateTime>,
    evidence_submitted_at: Option<OffsetDateTime>,
    mediated_for: Option<String>,
    deadline_missed: bool,
    closed_at: Option<OffsetDateTime>,
    last_event_at: OffsetDateTime,
}

impl TryFrom<Row> for Dispute {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let place = Place::new("disputes", row.id);
        Ok(Self {
            id: row.id.into(),
            provider: place.text("provider", &row.provider)?,
            provider_ref: place.text("provider_ref", &row.provider_ref)?,
            attempt_id: row.attempt_id.into(),
            amount: place.money("amount_minor", row.amount_minor, &row.currency)?,
            original: row
                .original_minor
                .zip(row.original_currency)
                .map(|(minor, currency)| place.money("original_minor", minor, &currency))
                .transpose()?,
            fee: place.money("fee_minor", row.fee_minor, &row.currency)?,
            loss: place.money("loss_minor", row.loss_minor, &row.currency)?,
            position: DisputePosition {
                stage: place.known("stage", names::dispute_stage::parse(&row.stage))?,
                status: place.status("status", &row.status)?,
            },
            reason: place.known("reason", names::dispute_reason::parse(&row.reason))?,
            network_reason_code: place
                .optional_text("network_reason_code", row.network_reason_code.as_deref())?,
            evidence_due_at: optional_time(row.evidence_due_at),
            evidence_submitted_at: optional_time(row.evidence_submitted_at),
            mediated_for: row
                .mediated_for
                .map(|name| place.known("mediated_for", names::dispute_party::parse(&name)))
                .transpose()?,
            deadline_missed: row.deadline_missed,
            opened_at: row.opened_at.into(),
            closed_at: optional_time(row.closed_at),
            last_event_at: row.last_event_at.into(),
        })
    }
}

/// Reads the disputes of orders, per order in the sequence they were recorded.
pub(crate) async fn load(
    connection: &mut Line,
    orders: &[Uuid],
) -> Result<Vec<(OrderId, Dispute)>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            order_id, id, provider, provider_ref, attempt_id, opened_at,
            currency::text AS "currency!", amount_minor, fee_minor, loss_minor,
            original_currency::text AS "original_currency?", original_minor,
            stage::text AS "stage!", status::text AS "status!", reason::text AS "reason!",
            network_reason_code, evidence_due_at, evidence_submitted_at,
            mediated_for::text AS "mediated_for?", deadline_missed, closed_at, last_event_at
        FROM disputes
        WHERE order_id = ANY($1)
        ORDER BY recorded
        "#,
        orders,
    );
    let rows = rows.fetch_all(connection).await.map_err(Error::during("read disputes"))?;
    rows.into_iter().map(|row| Ok((row.order_id.into(), row.try_into()?))).collect()
}

/// The last image of each dispute, its amounts in one currency.
fn images<'a>(decided: &'a [Decided<'a>]) -> Result<Vec<Of<'a, Dispute>>, Error> {
    let rows = last_images(decided, |changes| &changes.disputes, |dispute| dispute.id)?;
    for Of { row, .. } in &rows {
        one_currency("disputes", row.id, &[row.amount, row.fee, row.loss])?;
    }
    Ok(rows)
}

/// Writes the last image of each dispute; the orders' rows must be there.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let rows = images(decided)?;
    if rows.is_empty() { Ok(()) } else { write_images(connection, &rows).await }
}

async fn write_images(connection: &mut Line, rows: &[Of<'_, Dispute>]) -> Result<(), Error> {
    let written = sqlx::query!(
        r#"
        INSERT INTO disputes (
            order_id, id, customer_ref, provider, provider_ref, attempt_id, opened_at, currency,
            amount_minor, fee_minor, loss_minor, stage, status, reason, network_reason_code,
            evidence_due_at, deadline_missed, closed_at, last_event_at, evidence_submitted_at,
            mediated_for, original_currency, original_minor
        )
        SELECT
            image.order_id, image.id, orders.customer_ref, image.provider, image.provider_ref,
            image.attempt_id, image.opened_at, image.currency, image.amount_minor,
            image.fee_minor, image.loss_minor, image.stage, image.status, image.reason,
            image.network_reason_code, image.due_at, image.missed, image.closed, image.last_at,
            image.submitted_at, image.party, image.original_currency, image.original_minor
        FROM (
            SELECT
                unnest($1::uuid[]) AS order_id, unnest($2::uuid[]) AS id,
                unnest($3::text[]) AS provider, unnest($4::text[]) AS provider_ref,
                unnest($5::uuid[]) AS attempt_id, unnest($6::timestamptz[]) AS opened_at,
                unnest($7::text[]::currency_code[]) AS currency,
                unnest($8::bigint[]) AS amount_minor, unnest($9::bigint[]) AS fee_minor,
                unnest($10::bigint[]) AS loss_minor, unnest($11::text[]::dispute_stage[]) AS stage,
                unnest($12::text[]::dispute_status[]) AS status, unnest($16::boolean[]) AS missed,
                unnest($13::text[]::dispute_reason[]) AS reason,
                unnest($14::text[]) AS network_reason_code, unnest($15::timestamptz[]) AS due_at,
                unnest($17::timestamptz[]) AS closed, unnest($20::text[]::dispute_party[]) AS party,
                unnest($18::timestamptz[]) AS last_at, unnest($19::timestamptz[]) AS submitted_at,
                unnest($21::text[]::currency_code[]) AS original_currency,
                unnest($22::bigint[]) AS original_minor
        ) AS image
        INNER JOIN orders ON orders.id = image.order_id
        ON CONFLICT (order_id, id) DO UPDATE
        SET
            opened_at = excluded.opened_at, currency = excluded.currency, reason = excluded.reason,
            amount_minor = excluded.amount_minor, fee_minor = excluded.fee_minor,
            loss_minor = excluded.loss_minor, stage = excluded.stage, status = excluded.status,
            network_reason_code = excluded.network_reason_code, closed_at = excluded.closed_at,
            evidence_due_at = excluded.evidence_due_at, mediated_for = excluded.mediated_for,
            deadline_missed = excluded.deadline_missed, last_event_at = excluded.last_event_at,
            evidence_submitted_at = excluded.evidence_submitted_at
        "#,
        column(rows, |of| Uuid::from(of.order)) as _,
        column(rows, |of| Uuid::from(of.row.id)) as _,
        column(rows, |of| of.row.provider.as_str()) as _,
        column(rows, |of| of.row.provider_ref.as_str()) as _,
        column(rows, |of| Uuid::from(of.row.attempt_id)) as _,
        column(rows, |of| at(of.row.opened_at)) as _,
        column(rows, |of| of.row.amount.currency().code()) as _,
        column(rows, |of| of.row.amount.minor()) as _,
        column(rows, |of| of.row.fee.minor()) as _,
        column(rows, |of| of.row.loss.minor()) as _,
        column(rows, |of| names::dispute_stage::name(of.row.position.stage)) as _,
        column(rows, |of| of.row.position.status.name()) as _,
        column(rows, |of| names::dispute_reason::name(of.row.reason)) as _,
        column(rows, |of| of.row.network_reason_code.as_ref().map(Token::as_str)) as _,
        column(rows, |of| of.row.evidence_due_at.map(at)) as _,
        column(rows, |of| of.row.deadline_missed) as _,
        column(rows, |of| of.row.closed_at.map(at)) as _,
        column(rows, |of| at(of.row.last_event_at)) as _,
        column(rows, |of| of.row.evidence_submitted_at.map(at)) as _,
        column(rows, |of| of.row.mediated_for.map(names::dispute_party::name)) as _,
        column(rows, |of| of.row.original.map(|money| money.currency().code())) as _,
        column(rows, |of| of.row.original.map(Money::minor)) as _,
    );
    written.execute(connection).await.map(drop).map_err(Error::during("write disputes"))
}
