//! The table `payment_attempts`.

use crate::line::Line;
use contracts::{OrderId, Token};
use domain::Status;
use domain::payment::{Attempt, DeclineDetails, PaidWith};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Of, begun_attempts, last_images, one_currency};
use crate::column::column;
use crate::decode::{Place, at};
use crate::error::Error;
use crate::write_set::Decided;

struct Row {
    order_id: Uuid,
    id: Uuid,
    provider: String,
    provider_ref: String,
    status: String,
    currency: String,
    amount_minor: i64,
    authorized_minor: i64,
    decline_code: Option<String>,
    network_code: Option<String>,
    decline_advice: Option<String>,
    decline_category: Option<String>,
    method_kind: Option<String>,
    method_brand: Option<String>,
    revision: Option<i32>,
    occurred_at: OffsetDateTime,
    last_event_at: OffsetDateTime,
}

impl TryFrom<Row> for Attempt {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let place = Place::new("payment_attempts", row.id);
        Ok(Self {
            id: row.id.into(),
            provider: place.text("provider", &row.provider)?,
            provider_ref: place.text("provider_ref", &row.provider_ref)?,
            status: place.status("status", &row.status)?,
            amount: place.money("amount_minor", row.amount_minor, &row.currency)?,
            authorized: place.money("authorized_minor", row.authorized_minor, &row.currency)?,
            decline_code: place.optional_text("decline_code", row.decline_code.as_deref())?,
            decline: decline(&place, &row)?,
            paid_with: paid_with(&place, &row)?,
            revision: row.revision,
            occurred_at: row.occurred_at.into(),
            last_event_at: row.last_event_at.into(),
        })
    }
}

fn decline(place: &Place<Uuid>, row: &Row) -> Result<DeclineDetails, Error> {
    Ok(DeclineDetails {
        network_code: place.optional_text("network_code", row.network_code.as_deref())?,
        advice: place.optional_text("decline_advice", row.decline_advice.as_deref())?,
        category: place.optional_text("decline_category", row.decline_category.as_deref())?,
    })
}

fn paid_with(place: &Place<Uuid>, row: &Row) -> Result<Option<PaidWith>, Error> {
    let kind = place.optional_text("method_kind", row.method_kind.as_deref())?;
    let brand = place.optional_text("method_brand", row.method_brand.as_deref())?;
    Ok(kind.map(|kind| PaidWith { kind, brand }))
}

/// Reads the attempts of orders, per order in the sequence they were recorded.
pub(crate) async fn load(
    connection: &mut Line,
    orders: &[Uuid],
) -> Result<Vec<(OrderId, Attempt)>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            order_id, id, provider, provider_ref, status::text AS "status!",
            currency::text AS "currency!", amount_minor, authorized_minor, decline_code,
            network_code, decline_advice, decline_category, method_kind, method_brand, revision,
            occurred_at, last_event_at
        FROM payment_attempts
        WHERE order_id = ANY($1)
        ORDER BY recorded
        "#,
        orders,
    );
    let rows = rows.fetch_all(connection).await.map_err(Error::during("read attempts"))?;
    rows.into_iter().map(|row| Ok((row.order_id.into(), row.try_into()?))).collect()
}

/// Writes the last image of each attempt; those that just began are inserted, for less.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let rows = last_images(decided, |changes| &changes.attempts, |attempt| attempt.id)?;
    if rows.is_empty() {
        return Ok(());
    }
    for Of { row, .. } in &rows {
        one_currency("payment_attempts", row.id, &[row.amount, row.authorized])?;
    }
    let begun = begun_attempts(decided)?;
    let (new, known): (Vec<_>, Vec<_>) =
        rows.iter().partition(|of| begun.contains(&(of.order, of.row.id)));
    insert(connection, &new).await?;
    put(connection, &known).await
}

/// The statement that writes rows, and what it does about those that are there.
macro_rules! insert_into_attempts {
    ($rows:ident, $on_conflict:tt) => {
        sqlx::query!(
            r#"
        INSERT INTO payment_attempts (
            order_id, id, provider, provider_ref, status, currency, amount_minor, authorized_minor,
            decline_code, revision, occurred_at, last_event_at, network_code, decline_advice,
            decline_category, method_kind, method_brand
        )
        SELECT
            unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::text[]), unnest($4::text[]),
            unnest($5::text[]::attempt_status[]), unnest($6::text[]::currency_code[]),
            unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::text[]), unnest($10::integer[]),
            unnest($11::timestamptz[]), unnest($12::timestamptz[]), unnest($13::text[]),
            unnest($14::text[]), unnest($15::text[]), unnest($16::text[]), unnest($17::text[])
            "# + $on_conflict,
            column($rows, |of| Uuid::from(of.order)) as _,
            column($rows, |of| Uuid::from(of.row.id)) as _,
            column($rows, |of| of.row.provider.as_str()) as _,
            column($rows, |of| of.row.provider_ref.as_str()) as _,
            column($rows, |of| of.row.status.name()) as _,
            column($rows, |of| of.row.amount.currency().code()) as _,
            column($rows, |of| of.row.amount.minor()) as _,
            column($rows, |of| of.row.authorized.minor()) as _,
            column($rows, |of| of.row.decline_code.as_ref().map(Token::as_str)) as _,
            column($rows, |of| of.row.revision) as _,
            column($rows, |of| at(of.row.occurred_at)) as _,
            column($rows, |of| at(of.row.last_event_at)) as _,
            column($rows, |of| of.row.decline.network_code.as_ref().map(Token::as_str)) as _,
            column($rows, |of| of.row.decline.advice.as_ref().map(Token::as_str)) as _,
            column($rows, |of| of.row.decline.category.as_ref().map(Token::as_str)) as _,
            column($rows, |of| of.row.paid_with.as_ref().map(|with| with.kind.as_str())) as _,
            column($rows, |of| of.row.paid_with.as_ref().and_then(brand)) as _,
        )
    };
}

fn brand(with: &PaidWith) -> Option<&str> {
    with.brand.as_ref().map(Token::as_str)
}

async fn insert(connection: &mut Line, rows: &[&Of<'_, Attempt>]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let inserted = insert_into_attempts!(rows, "");
    inserted.execute(connection).await.map_err(Error::during("insert attempts"))?;
    Ok(())
}

async fn put(connection: &mut Line, rows: &[&Of<'_, Attempt>]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let written = insert_into_attempts!(
        rows,
        r#"
        ON CONFLICT (order_id, id) DO UPDATE
        SET
            status = excluded.status,
            currency = excluded.currency,
            amount_minor = excluded.amount_minor,
            authorized_minor = excluded.authorized_minor,
            decline_code = excluded.decline_code,
            network_code = excluded.network_code,
            decline_advice = excluded.decline_advice,
            decline_category = excluded.decline_category,
            method_kind = excluded.method_kind,
            method_brand = excluded.method_brand,
            revision = excluded.revision,
            occurred_at = excluded.occurred_at,
            last_event_at = excluded.last_event_at
        "#
    );
    written.execute(connection).await.map_err(Error::during("write attempts"))?;
    Ok(())
}
