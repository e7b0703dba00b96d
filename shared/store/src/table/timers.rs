//! The table `timers`, as far as orders move it.

use crate::line::Line;
use contracts::{OrderId, TraceContext};
use domain::Status;
use domain::timer::{Timer, TimerKind, TimerOwner, TimerStatus};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Of, last_images};
use crate::column::column;
use crate::decode::{Place, at, optional_time};
use crate::error::Error;
use crate::write_set::Decided;

struct Row {
    order_id: Uuid,
    kind: String,
    owner_id: Uuid,
    generation: i32,
    due_at: OffsetDateTime,
    status: String,
    resolved_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Timer {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let place = Place::new("timers", format!("{} {}", row.kind, row.owner_id));
        let kind = place.status("kind", &row.kind)?;
        Ok(Self {
            kind,
            owner: owner(kind, row.owner_id),
            generation: row.generation,
            due_at: row.due_at.into(),
            status: place.status("status", &row.status)?,
            resolved_at: optional_time(row.resolved_at),
        })
    }
}

/// What a timer of this kind belongs to.
pub(crate) fn owner(kind: TimerKind, id: Uuid) -> TimerOwner {
    match kind {
        TimerKind::PaymentTimeout
        | TimerKind::PaymentReminder
        | TimerKind::CustomerRestrictionEnds
        | TimerKind::ReserveAnswerDue => TimerOwner::Order(id.into()),
        TimerKind::DisputeEvidenceDue => TimerOwner::Dispute(id.into()),
        TimerKind::RefundReviewDue | TimerKind::RefundAnswerDue => TimerOwner::Refund(id.into()),
        TimerKind::UnappliedMoneyDue => TimerOwner::Money(id.into()),
    }
}

/// Reads the timers of orders.
pub(crate) async fn load(
    connection: &mut Line,
    orders: &[Uuid],
) -> Result<Vec<(OrderId, Timer)>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            order_id, kind::text AS "kind!", owner_id, generation, due_at,
            status::text AS "status!", resolved_at
        FROM timers
        WHERE order_id = ANY($1)
        "#,
        orders,
    );
    let rows = rows.fetch_all(connection).await.map_err(Error::during("read timers"))?;
    rows.into_iter().map(|row| Ok((row.order_id.into(), row.try_into()?))).collect()
}

/// The last image of each timer.
pub(crate) fn images<'a>(decided: &'a [Decided<'a>]) -> Result<Vec<Of<'a, Timer>>, Error> {
    last_images(decided, |changes| &changes.timers, |timer| (timer.kind, timer.owner))
}

/// Writes timers: armed ones are put in place, resolved ones changed where they are.
pub(crate) async fn write(connection: &mut Line, rows: &[Of<'_, Timer>]) -> Result<(), Error> {
    let (armed, resolved): (Vec<_>, Vec<_>) = rows.iter().partition(|of| is_armed(of.row));
    // The first arming of a timer is what makes its row.
    let (new, known): (Vec<_>, Vec<_>) = armed.into_iter().partition(|of| of.row.generation == 1);
    insert(connection, &new).await?;
    put(connection, &known).await?;
    // A timer that was armed and resolved within one batch is not there yet.
    if resolve(connection, &resolved).await? < resolved.len() as u64 {
        put(connection, &resolved).await?;
    }
    Ok(())
}

/// The statement that writes rows, and what it does about those that are there.
macro_rules! insert_into_timers {
    ($rows:ident, $on_conflict:tt) => {
        sqlx::query!(
            r#"
        INSERT INTO timers (
            order_id, kind, owner_id, generation, due_at, status, resolved_at, trace
        )
        SELECT
            unnest($1::uuid[]), unnest($2::text[]::timer_kind[]), unnest($3::uuid[]),
            unnest($4::integer[]), unnest($5::timestamptz[]),
            unnest($6::text[]::timer_status[]), unnest($7::timestamptz[]), unnest($8::text[])
            "#
                + $on_conflict,
            column($rows, |of| Uuid::from(of.order)) as _,
            column($rows, |of| of.row.kind.name()) as _,
            column($rows, |of| Uuid::from(of.row.owner)) as _,
            column($rows, |of| of.row.generation) as _,
            column($rows, |of| at(of.row.due_at)) as _,
            column($rows, |of| of.row.status.name()) as _,
            column($rows, |of| of.row.resolved_at.map(at)) as _,
            column($rows, |of| of.trace.map(TraceContext::as_str)) as _,
        )
    };
}

/// Inserts timers that were never armed before: without a look for what is there.
async fn insert(connection: &mut Line, rows: &[&Of<'_, Timer>]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let inserted = insert_into_timers!(rows, "");
    inserted.execute(connection).await.map_err(Error::during("insert timers"))?;
    Ok(())
}

/// Inserts or replaces timers; one armed anew is not handed over yet.
async fn put(connection: &mut Line, rows: &[&Of<'_, Timer>]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let written = insert_into_timers!(
        rows,
        r#"
        ON CONFLICT (order_id, kind, owner_id) DO UPDATE
        SET
            generation = excluded.generation,
            due_at = excluded.due_at,
            status = excluded.status,
            resolved_at = excluded.resolved_at,
            trace = excluded.trace,
            handed_over_at = CASE
                WHEN timers.generation = excluded.generation THEN timers.handed_over_at
            END,
            handovers = CASE
                WHEN timers.generation = excluded.generation THEN timers.handovers
                ELSE 0
            END
        "#
    );
    written.execute(connection).await.map_err(Error::during("write timers"))?;
    Ok(())
}

/// Changes timers that are there; returns how many were.
async fn resolve(connection: &mut Line, rows: &[&Of<'_, Timer>]) -> Result<u64, Error> {
    if rows.is_empty() {
        return Ok(0);
    }
    let resolved = sqlx::query!(
        r#"
        UPDATE timers
        SET status = image.status, resolved_at = image.resolved_at
        FROM (
            SELECT
                unnest($1::uuid[]) AS order_id, unnest($2::text[]::timer_kind[]) AS kind,
                unnest($3::uuid[]) AS owner_id, unnest($4::integer[]) AS generation,
                unnest($5::text[]::timer_status[]) AS status,
                unnest($6::timestamptz[]) AS resolved_at
        ) AS image
        WHERE
            timers.order_id = image.order_id
            AND timers.kind = image.kind
            AND timers.owner_id = image.owner_id
            AND timers.generation = image.generation
        "#,
        column(rows, |of| Uuid::from(of.order)) as _,
        column(rows, |of| of.row.kind.name()) as _,
        column(rows, |of| Uuid::from(of.row.owner)) as _,
        column(rows, |of| of.row.generation) as _,
        column(rows, |of| of.row.status.name()) as _,
        column(rows, |of| of.row.resolved_at.map(at)) as _,
    );
    let resolved = resolved.execute(connection).await.map_err(Error::during("resolve timers"))?;
    Ok(resolved.rows_affected())
}

/// Whether a timer will fire.
pub(crate) fn is_armed(timer: &Timer) -> bool {
    match timer.status {
        TimerStatus::Armed => true,
        TimerStatus::Fired | TimerStatus::Cancelled => false,
    }
}
