//! What goes by age: one place for every period, and for what is never trimmed.
//!
//! Orders, money, history and ledger stay for the years that `retention_periods` says, and go as
//! one. Nothing unresolved is trimmed, however old: no parked event, no unsent message, no open
//! dead letter, no key that one of these needs, and no order with anything open.

mod keys;
mod marks;
mod orders;

use std::time::Duration;

use crate::line::Line;
use contracts::Timestamp;
use serde::Serialize;

use crate::database::{Database, Transaction};
use crate::error::Error;
use crate::outbox;

const DAY: Duration = Duration::from_hours(24);

/// Shortest that the memory against duplicates may reach back; nothing is replayed that late.
pub const SHORTEST_INBOX: Duration = Duration::from_hours(24 * 400);

/// Most rows that one statement deletes, so that none holds its locks for long.
const AT_ONCE: i64 = 10_000;

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// Sent messages; whole days are dropped.
    pub outbox: Duration,
    /// The memory against duplicates; at least [`SHORTEST_INBOX`].
    pub inbox: Duration,
    /// Dead letters, since they were resolved or archived.
    pub letters: Duration,
    /// Keys of a day.
    pub day_keys: Duration,
    /// Flags and marks of customers, since they ended.
    pub marks: Duration,
    /// Notes of messages that may have ended a worker, since it tried them last.
    pub suspects: Duration,
}

impl Default for Periods {
    fn default() -> Self {
        Self {
            outbox: DAY * 7,
            inbox: SHORTEST_INBOX,
            letters: DAY * 90,
            day_keys: DAY * 90,
            marks: DAY * 90,
            suspects: DAY * 30,
        }
    }
}

/// What goes, or went, of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Which kind.
    pub kind: Kind,
    /// How many rows.
    pub rows: i64,
    /// How much they hold, as far as it is known.
    pub bytes: i64,
    /// How many rows are as old and stay, because something is not done with them.
    pub kept: i64,
}

/// What is trimmed by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Sent messages.
    SentMessages,
    /// Accepted events.
    AcceptedEvents,
    /// Dead letters that are done with.
    ClosedLetters,
    /// Flags and marks of customers that ended.
    EndedMarks,
    /// Notes of messages that may have ended a worker.
    Suspects,
    /// Orders with their history and ledger.
    Orders,
    /// Keys of days: what they sealed becomes unreadable.
    DayKeys,
    /// Keys that erased customers or their orders got since.
    ErasedKeys,
    /// Keys that nothing is sealed with any more.
    UnusedKeys,
}

/// What would go now.
///
/// # Errors
/// When a statement fails.
pub async fn plan(database: &mut Database, periods: &Periods) -> Result<Vec<Share>, Error> {
    let mut snapshot = database.begin_snapshot("retention plan").await?;
    let connection = snapshot.connection();
    let plan = vec![
        sent_messages(connection, periods.outbox).await?,
        accepted_events(connection, periods.inbox).await?,
        closed_letters(connection, periods.letters).await?,
        marks::share(connection, periods.marks).await?,
        suspects(connection, periods.suspects).await?,
        orders::share(connection).await?,
        keys::share(connection, Kind::DayKeys, periods).await?,
        keys::share(connection, Kind::ErasedKeys, periods).await?,
        keys::share(connection, Kind::UnusedKeys, periods).await?,
    ];
    snapshot.rollback().await?;
    Ok(plan)
}

/// Lets go what is old enough; returns what went.
///
/// Each step commits by itself: what went before a failure is gone.
///
/// # Errors
/// When a statement fails.
pub async fn run(database: &mut Database, periods: &Periods) -> Result<Vec<Share>, Error> {
    let planned = plan(database, periods).await?;
    let before = ago(database, periods.outbox).await?;
    outbox::drop_partitions(database, before).await?;
    let events = repeat(database, periods.inbox, forget_events).await?;
    let letters = repeat(database, periods.letters, delete_letters).await?;
    repeat(database, periods.letters, forget_groups).await?;
    let marks = repeat(database, periods.marks, marks::delete).await?;
    let suspects = repeat(database, periods.suspects, acquit_suspects).await?;
    let orders = orders::delete(database).await?;
    // Letters first: keys that only they needed are unused then.
    let mut gone = Vec::with_capacity(planned.len());
    for share in planned {
        let rows = match share.kind {
            Kind::SentMessages => share.rows,
            Kind::AcceptedEvents => events,
            Kind::ClosedLetters => letters,
            Kind::EndedMarks => marks,
            Kind::Suspects => suspects,
            Kind::Orders => orders,
            Kind::DayKeys | Kind::ErasedKeys | Kind::UnusedKeys => {
                keys::trim(database, share.kind, periods).await?
            }
        };
        gone.push(Share { rows, ..share });
    }
    Ok(gone)
}

/// Deletes step by step until nothing is left.
async fn repeat(
    database: &mut Database,
    period: Duration,
    step: impl AsyncFn(&mut Line, Duration) -> Result<i64, Error>,
) -> Result<i64, Error> {
    let mut all = 0;
    loop {
        let once =
            async |transaction: &mut Transaction<'_>| step(transaction.connection(), period).await;
        let deleted = database.within_wide("retention", once).await?;
        all += deleted;
        if deleted < AT_ONCE {
            return Ok(all);
        }
    }
}

/// A time so long ago by the database's clock.
async fn ago(database: &mut Database, period: Duration) -> Result<Timestamp, Error> {
    let time = sqlx::query_scalar!(
        r#"SELECT now() - make_interval(secs => $1) AS "time!""#,
        period.as_secs_f64(),
    );
    let time = time.fetch_one(database.connection()?).await;
    Ok(time.map_err(Error::during("read the clock"))?.into())
}

async fn sent_messages(connection: &mut Line, period: Duration) -> Result<Share, Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            coalesce(sum(messages) FILTER (WHERE unsent = 0), 0)::bigint AS "rows!",
            coalesce(sum(bytes) FILTER (WHERE unsent = 0), 0)::bigint AS "bytes!",
            coalesce(sum(messages) FILTER (WHERE unsent > 0), 0)::bigint AS "kept!"
        FROM old_outbox_partitions(now() - make_interval(secs => $1))
        "#,
        period.as_secs_f64(),
    );
    let row = row.fetch_one(connection).await.map_err(Error::during("measure old messages"))?;
    Ok(Share { kind: Kind::SentMessages, rows: row.rows, bytes: row.bytes, kept: row.kept })
}

async fn accepted_events(connection: &mut Line, period: Duration) -> Result<Share, Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            count(*) FILTER (WHERE outcome <> 'parked') AS "rows!",
            coalesce(sum(pg_column_size(inbox)) FILTER (WHERE outcome <> 'parked'), 0)::bigint
                AS "bytes!",
            count(*) FILTER (WHERE outcome = 'parked') AS "kept!"
        FROM inbox
        WHERE received_at < now() - make_interval(secs => $1)
        "#,
        period.as_secs_f64(),
    );
    let row = row.fetch_one(connection).await.map_err(Error::during("measure old events"))?;
    Ok(Share { kind: Kind::AcceptedEvents, rows: row.rows, bytes: row.bytes, kept: row.kept })
}

async fn closed_letters(connection: &mut Line, period: Duration) -> Result<Share, Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            count(*) FILTER (WHERE status IN ('resolved', 'archived')) AS "rows!",
            coalesce(
                sum(pg_column_size(dead_letters)) FILTER (
                    WHERE status IN ('resolved', 'archived')
                ),
                0
            )::bigint AS "bytes!",
            count(*) FILTER (WHERE status NOT IN ('resolved', 'archived')) AS "kept!"
        FROM dead_letters
        WHERE status_changed_at < now() - make_interval(secs => $1)
        "#,
        period.as_secs_f64(),
    );
    let row = row.fetch_one(connection).await.map_err(Error::during("measure old letters"))?;
    Ok(Share { kind: Kind::ClosedLetters, rows: row.rows, bytes: row.bytes, kept: row.kept })
}

/// Who was not tried again in all this time is not in any queue any more.
async fn suspects(connection: &mut Line, period: Duration) -> Result<Share, Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            count(*) AS "rows!", coalesce(sum(pg_column_size(suspects)), 0)::bigint AS "bytes!"
        FROM suspects
        WHERE last_tried_at < now() - make_interval(secs => $1)
        "#,
        period.as_secs_f64(),
    );
    let row = row.fetch_one(connection).await.map_err(Error::during("measure old suspects"))?;
    Ok(Share { kind: Kind::Suspects, rows: row.rows, bytes: row.bytes, kept: 0 })
}

async fn acquit_suspects(connection: &mut Line, period: Duration) -> Result<i64, Error> {
    let deleted = sqlx::query!(
        r#"
        DELETE FROM suspects
        WHERE
            ctid = ANY(
                ARRAY(
                    SELECT old.ctid
                    FROM suspects AS old
                    WHERE old.last_tried_at < now() - make_interval(secs => $1)
                    LIMIT $2
                )
            )
            AND last_tried_at < now() - make_interval(secs => $1)
        "#,
        period.as_secs_f64(),
        AT_ONCE,
    );
    let deleted = deleted.execute(connection).await;
    let deleted = deleted.map_err(Error::during("acquit old suspects"))?.rows_affected();
    Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
}

/// Forgets old events, and remembers how far that goes.
async fn forget_events(connection: &mut Line, period: Duration) -> Result<i64, Error> {
    sqlx::query_scalar!(
        r#"
        WITH forgotten AS (
            DELETE FROM inbox
            WHERE
                ctid = ANY(
                    ARRAY(
                        SELECT old.ctid
                        FROM inbox AS old
                        WHERE
                            old.received_at < now() - make_interval(secs => $1)
                            AND old.outcome <> 'parked'
                        LIMIT $2
                    )
                )
                AND outcome <> 'parked'
            RETURNING inbox_id
        ),
        noted AS (
            INSERT INTO forgotten_events (up_to)
            SELECT max(inbox_id) FROM forgotten HAVING count(*) > 0
            ON CONFLICT (up_to) DO NOTHING
        )
        SELECT count(*) AS "count!" FROM forgotten
        "#,
        period.as_secs_f64(),
        AT_ONCE,
    )
    .fetch_one(connection)
    .await
    .map_err(Error::during("forget old events"))
}

async fn delete_letters(connection: &mut Line, period: Duration) -> Result<i64, Error> {
    let deleted = sqlx::query!(
        r#"
        DELETE FROM dead_letters
        WHERE
            id = ANY(
                ARRAY(
                    SELECT old.id
                    FROM dead_letters AS old
                    WHERE
                        old.status_changed_at < now() - make_interval(secs => $1)
                        AND old.status IN ('resolved', 'archived')
                    LIMIT $2
                )
            )
            AND status IN ('resolved', 'archived')
        "#,
        period.as_secs_f64(),
        AT_ONCE,
    );
    let deleted = deleted.execute(connection).await;
    let deleted = deleted.map_err(Error::during("delete old letters"))?.rows_affected();
    Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
}

/// Forgets groups that nothing belongs to any more, with what was noted about them.
async fn forget_groups(connection: &mut Line, period: Duration) -> Result<i64, Error> {
    let deleted = sqlx::query!(
        r#"
        DELETE FROM failure_groups
        WHERE
            fingerprint = ANY(
                ARRAY(
                    SELECT old.fingerprint
                    FROM failure_groups AS old
                    WHERE
                        old.last_seen_at < now() - make_interval(secs => $1)
                        AND NOT EXISTS (
                            SELECT FROM dead_letters
                            WHERE dead_letters.fingerprint = old.fingerprint
                        )
                    LIMIT $2
                )
            )
        "#,
        period.as_secs_f64(),
        AT_ONCE,
    );
    let deleted = deleted.execute(connection).await;
    let deleted = deleted.map_err(Error::during("forget groups"))?.rows_affected();
    Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
}
