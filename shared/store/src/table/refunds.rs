//! The table `refunds`.

use crate::line::Line;
use contracts::{OrderId, Token};
use domain::Status;
use domain::refund::Refund;
use time::OffsetDateTime;
use uuid::Uuid;

use super::last_images;
use crate::column::column;
use crate::decode::{Place, at, optional_time};
use crate::error::Error;
use crate::names;
use crate::write_set::Decided;

struct Row {
    order_id: Uuid,
    id: Uuid,
    request_key: String,
    part: i16,
    reason: String,
    requested_at: OffsetDateTime,
    attempt_id: Option<Uuid>,
    currency: String,
    amount_minor: i64,
    status: String,
    funded_from: String,
    decided_by: Option<String>,
    first_approver: Option<String>,
    restock: Option<bool>,
    held_until: Option<OffsetDateTime>,
    code: Option<String>,
    provider_ref: Option<String>,
    settled_at: Option<OffsetDateTime>,
    last_event_at: OffsetDateTime,
}

impl TryFrom<Row> for Refund {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let place = Place::new("refunds", row.id);
        Ok(Self {
            id: row.id.into(),
            request_key: place.text("request_key", &row.request_key)?,
            part: row.part,
            attempt_id: row.attempt_id.map(Into::into),
            amount: place.money("amount_minor", row.amount_minor, &row.currency)?,
            status: place.status("status", &row.status)?,
            reason: place.known("reason", names::refund_reason::parse(&row.reason))?,
            funded_from: place.status("funded_from", &row.funded_from)?,
            decided_by: place.optional_text("decided_by", row.decided_by.as_deref())?,
            first_approver: place.optional_text("first_approver", row.first_approver.as_deref())?,
            restock: row.restock,
            held_until: optional_time(row.held_until),
            code: place.optional_status("code", row.code.as_deref())?,
            provider_ref: place.optional_text("provider_ref", row.provider_ref.as_deref())?,
            requested_at: row.requested_at.into(),
            settled_at: optional_time(row.settled_at),
            last_event_at: row.last_event_at.into(),
        })
    }
}

/// Reads the refunds of orders, per order in the sequence they were recorded.
pub(crate) async fn load(
    connection: &mut Line,
    orders: &[Uuid],
) -> Result<Vec<(OrderId, Refund)>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            order_id, id, request_key, part, reason::text AS "reason!", requested_at, attempt_id,
            currency::text AS "currency!", amount_minor, status::text AS "status!",
            funded_from::text AS "funded_from!", decided_by, first_approver, code, provider_ref,
            settled_at, last_event_at, restock, held_until
        FROM refunds
        WHERE order_id = ANY($1)
        ORDER BY recorded
        "#,
        orders,
    );
    let rows = rows.fetch_all(connection).await.map_err(Error::during("read refunds"))?;
    rows.into_iter().map(|row| Ok((row.order_id.into(), row.try_into()?))).collect()
}

/// Writes the last image of each refund; the orders' rows must be there.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let rows = last_images(decided, |changes| &changes.refunds, |refund| refund.id)?;
    if rows.is_empty() {
        return Ok(());
    }
    let written = sqlx::query!(
        r#"
        INSERT INTO refunds (
            order_id, id, customer_ref, request_key, part, reason, requested_at, attempt_id,
            currency, amount_minor, status, funded_from, decided_by, code, provider_ref,
            settled_at, last_event_at, first_approver, restock, held_until
        )
        SELECT
            image.order_id, image.id, orders.customer_ref, image.request_key, image.part,
            image.reason, image.requested_at, image.attempt_id, image.currency,
            image.amount_minor, image.status, image.funded_from, image.decided_by, image.code,
            image.provider_ref, image.settled_at, image.last_event_at, image.first_approver,
            image.restock, image.held_until
        FROM (
            SELECT
                unnest($1::uuid[]) AS order_id, unnest($2::uuid[]) AS id,
                unnest($3::text[]) AS request_key, unnest($4::smallint[]) AS part,
                unnest($5::text[]::refund_reason[]) AS reason, unnest($9::bigint[]) AS amount_minor,
                unnest($6::timestamptz[]) AS requested_at, unnest($7::uuid[]) AS attempt_id,
                unnest($8::text[]::currency_code[]) AS currency,
                unnest($10::text[]::refund_status[]) AS status,
                unnest($11::text[]::account[]) AS funded_from, unnest($12::text[]) AS decided_by,
                unnest($13::text[]) AS code, unnest($14::text[]) AS provider_ref,
                unnest($15::timestamptz[]) AS settled_at, unnest($19::timestamptz[]) AS held_until,
                unnest($16::timestamptz[]) AS last_event_at,
                unnest($17::text[]) AS first_approver, unnest($18::boolean[]) AS restock
        ) AS image
        INNER JOIN orders ON orders.id = image.order_id
        ON CONFLICT (order_id, id) DO UPDATE
        SET
            attempt_id = excluded.attempt_id,
            currency = excluded.currency,
            amount_minor = excluded.amount_minor,
            status = excluded.status,
            funded_from = excluded.funded_from,
            decided_by = excluded.decided_by,
            first_approver = excluded.first_approver,
            code = excluded.code,
            held_until = excluded.held_until,
            provider_ref = excluded.provider_ref,
            settled_at = excluded.settled_at,
            last_event_at = excluded.last_event_at
        "#,
        column(&rows, |of| Uuid::from(of.order)) as _,
        column(&rows, |of| Uuid::from(of.row.id)) as _,
        column(&rows, |of| of.row.request_key.as_str()) as _,
        column(&rows, |of| of.row.part) as _,
        column(&rows, |of| names::refund_reason::name(of.row.reason)) as _,
        column(&rows, |of| at(of.row.requested_at)) as _,
        column(&rows, |of| of.row.attempt_id.map(Uuid::from)) as _,
        column(&rows, |of| of.row.amount.currency().code()) as _,
        column(&rows, |of| of.row.amount.minor()) as _,
        column(&rows, |of| of.row.status.name()) as _,
        column(&rows, |of| of.row.funded_from.name()) as _,
        column(&rows, |of| of.row.decided_by.as_ref().map(Token::as_str)) as _,
        column(&rows, |of| of.row.code.map(Status::name)) as _,
        column(&rows, |of| of.row.provider_ref.as_ref().map(Token::as_str)) as _,
        column(&rows, |of| of.row.settled_at.map(at)) as _,
        column(&rows, |of| at(of.row.last_event_at)) as _,
        column(&rows, |of| of.row.first_approver.as_ref().map(Token::as_str)) as _,
        column(&rows, |of| of.row.restock) as _,
        column(&rows, |of| of.row.held_until.map(at)) as _,
    );
    written.execute(connection).await.map(drop).map_err(Error::during("write refunds"))
}
