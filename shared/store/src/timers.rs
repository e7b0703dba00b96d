//! Timers as the scheduler sees them: due soon, handed over, or lost on the way.

use std::time::Duration;

use contracts::{OrderId, Timestamp, TraceContext};
use domain::Status;
use domain::timer::{TimerKind, TimerOwner};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::column;
use crate::database::Database;
use crate::decode::Place;
use crate::error::Error;
use crate::table::timers::owner;

/// A timer to hand to the delayed exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueTimer {
    /// Its order.
    pub order: OrderId,
    /// What it is for.
    pub kind: TimerKind,
    /// What it belongs to.
    pub owner: TimerOwner,
    /// Which arming of it this is.
    pub generation: i32,
    /// When it is due, by the database's clock.
    pub due_at: Timestamp,
    /// Counts the hand-overs of this arming, from 1; each is a message of its own.
    pub handover: i32,
    /// The database's clock at this hand-over.
    pub now: Timestamp,
    /// The trace of the event that armed it.
    pub trace: Option<TraceContext>,
}

impl DueTimer {
    /// How long the delayed exchange has to hold it; nothing if it is overdue.
    pub fn delay(&self) -> Duration {
        self.due_at.since(self.now)
    }
}

/// How many timers are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Armed and not yet handed over.
    pub resting: i64,
    /// Armed and with the broker.
    pub handed_over: i64,
    /// How late the latest armed timer is.
    pub most_overdue: Duration,
    /// When the first armed timer is due.
    pub first_due: Option<Timestamp>,
}

struct Row {
    order_id: Uuid,
    kind: String,
    owner_id: Uuid,
    generation: i32,
    due_at: OffsetDateTime,
    handovers: i32,
    now: OffsetDateTime,
    trace: Option<String>,
}

impl TryFrom<Row> for DueTimer {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let place = Place::new("timers", format!("{} {}", row.kind, row.owner_id));
        let kind = place.status("kind", &row.kind)?;
        Ok(Self {
            order: row.order_id.into(),
            kind,
            owner: owner(kind, row.owner_id),
            generation: row.generation,
            due_at: row.due_at.into(),
            handover: row.handovers,
            now: row.now.into(),
            trace: row.trace.as_deref().and_then(TraceContext::parse),
        })
    }
}

/// Marks armed timers as handed over, the earliest due first: those for which `$picked` holds, a
/// condition on `$1`.
///
/// The condition is part of the text, because each one is that of a partial index.
macro_rules! take {
    ($database:expr, $step:literal, $picked:literal, $span:expr, $limit:expr) => {{
        let rows = sqlx::query_as!(
            Row,
            r#"
            WITH picked AS (
                SELECT order_id, kind, owner_id
                FROM timers
                WHERE status = 'armed' AND
            "# + $picked
                + r#"
                ORDER BY due_at
                LIMIT $2
                FOR UPDATE SKIP LOCKED
            )
            UPDATE timers
            SET handed_over_at = now(), handovers = timers.handovers + 1
            FROM picked
            WHERE
                timers.order_id = picked.order_id
                AND timers.kind = picked.kind
                AND timers.owner_id = picked.owner_id
            RETURNING
                timers.order_id, timers.kind::text AS "kind!", timers.owner_id, timers.generation,
                timers.due_at, timers.handovers, now() AS "now!", timers.trace
            "#,
            $span.as_secs_f64(),
            $limit,
        );
        let rows = rows.fetch_all($database.connection()?).await;
        let rows = rows.map_err(Error::during($step))?;
        rows.into_iter().map(DueTimer::try_from).collect()
    }};
}

/// Takes timers that fall due within `horizon`, the earliest first, and marks them handed over.
///
/// Several schedulers may call at once; each timer goes to one of them. What could not be
/// published afterwards is given back with [`give_back`], or found later by [`overdue`].
///
/// # Errors
/// When the statement fails.
pub async fn hand_over(
    database: &mut Database,
    horizon: Duration,
    limit: i64,
) -> Result<Vec<DueTimer>, Error> {
    take!(
        database,
        "hand timers over",
        "handed_over_at IS NULL AND due_at <= now() + make_interval(secs => $1)",
        horizon,
        limit
    )
}

/// Takes handed-over timers that nobody fired by `grace` after they were due, and marks them again.
///
/// The broker lost them, or their worker is behind: handing one over twice does no harm. One that
/// was handed over less than `grace` ago is left alone; each further hand-over of the same arming
/// waits twice as long, up to 64 times `grace`, so that an event nobody can decide is no flood.
///
/// # Errors
/// When the statement fails.
pub async fn overdue(
    database: &mut Database,
    grace: Duration,
    limit: i64,
) -> Result<Vec<DueTimer>, Error> {
    take!(
        database,
        "find overdue timers",
        "handed_over_at IS NOT NULL
                AND due_at <= now() - make_interval(secs => $1)
                AND handed_over_at
                    <= now() - make_interval(secs => $1 * power(2, least(handovers - 1, 6)))",
        grace,
        limit
    )
}

/// Undoes hand-overs that did not reach the broker; returns how many still stood.
///
/// # Errors
/// When the statement fails; the timers are then found by [`overdue`].
pub async fn give_back(database: &mut Database, timers: &[DueTimer]) -> Result<u64, Error> {
    if timers.is_empty() {
        return Ok(0);
    }
    let given = sqlx::query!(
        r#"
        UPDATE timers
        SET handed_over_at = NULL
        FROM (
            SELECT
                unnest($1::uuid[]) AS order_id, unnest($2::text[]::timer_kind[]) AS kind,
                unnest($3::uuid[]) AS owner_id, unnest($4::integer[]) AS generation,
                unnest($5::integer[]) AS handovers
        ) AS back
        WHERE
            timers.order_id = back.order_id
            AND timers.kind = back.kind
            AND timers.owner_id = back.owner_id
            AND timers.generation = back.generation
            AND timers.handovers = back.handovers
            AND timers.status = 'armed'
        "#,
        column(timers, |timer| Uuid::from(timer.order)) as _,
        column(timers, |timer| timer.kind.name()) as _,
        column(timers, |timer| Uuid::from(timer.owner)) as _,
        column(timers, |timer| timer.generation) as _,
        column(timers, |timer| timer.handover) as _,
    );
    let given = given.execute(database.connection()?).await;
    Ok(given.map_err(Error::during("give timers back"))?.rows_affected())
}

/// Counts armed timers.
///
/// # Errors
/// When the statement fails.
pub async fn counts(database: &mut Database) -> Result<Counts, Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            count(*) FILTER (WHERE handed_over_at IS NULL) AS "resting!",
            count(*) FILTER (WHERE handed_over_at IS NOT NULL) AS "handed_over!",
            coalesce(extract(EPOCH FROM clock_timestamp() - min(due_at)), 0)::float8
                AS "most_overdue!",
            min(due_at) AS first_due
        FROM timers
        WHERE status = 'armed'
        "#,
    );
    let row = row.fetch_one(database.connection()?).await;
    let row = row.map_err(Error::during("count timers"))?;
    Ok(Counts {
        resting: row.resting,
        handed_over: row.handed_over,
        most_overdue: Duration::from_secs_f64(row.most_overdue.max(0.0)),
        first_due: row.first_due.map(Timestamp::from),
    })
}
