//! The table `captures`.

use std::collections::HashSet;

use crate::line::Line;
use contracts::OrderId;
use domain::Status;
use domain::payment::Capture;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Of, begun_attempts, last_images, one_currency};
use crate::column::column;
use crate::decode::{Place, at, optional_time};
use crate::error::Error;
use crate::write_set::Decided;

struct Row {
    order_id: Uuid,
    attempt_id: Uuid,
    capture_ref: String,
    currency: String,
    amount_minor: i64,
    applied_minor: i64,
    classification: String,
    occurred_at: OffsetDateTime,
    reversed_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Capture {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let place = Place::new("captures", format!("{} {}", row.attempt_id, row.capture_ref));
        Ok(Self {
            attempt_id: row.attempt_id.into(),
            capture_ref: place.text("capture_ref", &row.capture_ref)?,
            amount: place.money("amount_minor", row.amount_minor, &row.currency)?,
            applied: place.money("applied_minor", row.applied_minor, &row.currency)?,
            classification: place.status("classification", &row.classification)?,
            occurred_at: row.occurred_at.into(),
            reversed_at: optional_time(row.reversed_at),
        })
    }
}

/// Reads the captures of orders, per order in the sequence they were recorded.
pub(crate) async fn load(
    connection: &mut Line,
    orders: &[Uuid],
) -> Result<Vec<(OrderId, Capture)>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            order_id, attempt_id, capture_ref, currency::text AS "currency!", amount_minor,
            applied_minor, classification::text AS "classification!", occurred_at, reversed_at
        FROM captures
        WHERE order_id = ANY($1)
        ORDER BY recorded
        "#,
        orders,
    );
    let rows = rows.fetch_all(connection).await.map_err(Error::during("read captures"))?;
    rows.into_iter().map(|row| Ok((row.order_id.into(), row.try_into()?))).collect()
}

/// Writes the last image of each capture; where all attempts just began, they are inserted.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let key = |capture: &Capture| (capture.attempt_id, capture.capture_ref.clone());
    let rows = last_images(decided, |changes| &changes.captures, key)?;
    if rows.is_empty() {
        return Ok(());
    }
    for Of { row, .. } in &rows {
        one_currency("captures", row.reference(), &[row.amount, row.applied])?;
    }
    let begun = begun_attempts(decided)?;
    let is_new = |of: &&Of<'_, Capture>| begun.contains(&(of.order, of.row.attempt_id));
    // All of an order go the same way: the order in which they are recorded is read later.
    let mixed: HashSet<OrderId> = rows.iter().filter(|of| !is_new(of)).map(|of| of.order).collect();
    let (known, new): (Vec<_>, Vec<_>) = rows.iter().partition(|of| mixed.contains(&of.order));
    insert(connection, &new).await?;
    put(connection, &known).await
}

/// The statement that writes rows, and what it does about those that are there.
macro_rules! insert_into_captures {
    ($rows:ident, $on_conflict:tt) => {
        sqlx::query!(
            r#"
        INSERT INTO captures (
            order_id, attempt_id, capture_ref, currency, amount_minor, applied_minor,
            classification, occurred_at, reversed_at
        )
        SELECT
            unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::text[]),
            unnest($4::text[]::currency_code[]), unnest($5::bigint[]), unnest($6::bigint[]),
            unnest($7::text[]::capture_class[]), unnest($8::timestamptz[]),
            unnest($9::timestamptz[])
            "#
                + $on_conflict,
            column($rows, |of| Uuid::from(of.order)) as _,
            column($rows, |of| Uuid::from(of.row.attempt_id)) as _,
            column($rows, |of| of.row.capture_ref.as_str()) as _,
            column($rows, |of| of.row.amount.currency().code()) as _,
            column($rows, |of| of.row.amount.minor()) as _,
            column($rows, |of| of.row.applied.minor()) as _,
            column($rows, |of| of.row.classification.name()) as _,
            column($rows, |of| at(of.row.occurred_at)) as _,
            column($rows, |of| of.row.reversed_at.map(at)) as _,
        )
    };
}

async fn insert(connection: &mut Line, rows: &[&Of<'_, Capture>]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let inserted = insert_into_captures!(rows, "");
    inserted.execute(connection).await.map_err(Error::during("insert captures"))?;
    Ok(())
}

async fn put(connection: &mut Line, rows: &[&Of<'_, Capture>]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let written = insert_into_captures!(
        rows,
        r#"
        ON CONFLICT (order_id, attempt_id, capture_ref) DO UPDATE
        SET
            applied_minor = excluded.applied_minor,
            classification = excluded.classification,
            reversed_at = excluded.reversed_at
        "#
    );
    written.execute(connection).await.map_err(Error::during("write captures"))?;
    Ok(())
}
