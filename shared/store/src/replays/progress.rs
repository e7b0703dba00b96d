//! How replays go: when one stops itself, and when it is done.

use crate::line::Line;

use crate::database::{Database, Transaction};
use crate::error::Error;

/// A replay about which something may have to be done.
struct Running {
    id: i64,
    state: String,
    canary: i32,
    canary_passed: bool,
    stop_percent: i32,
    stop_after: i32,
}

/// What became of a replay's messages.
struct Counts {
    open: i64,
    begun: i64,
    in_hand: i64,
    /// Since it was started or resumed.
    failed: i64,
    succeeded: i64,
    returned: i64,
    stale: i64,
}

/// Passes canaries, stops replays that fail too much, and ends those that are done.
///
/// Returns how many were looked at; several processes may do it at once.
///
/// # Errors
/// When a statement fails.
pub async fn advance(database: &mut Database) -> Result<usize, Error> {
    let step = async |transaction: &mut Transaction<'_>| {
        let connection = transaction.connection();
        let batches = open_batches(connection).await?;
        for batch in &batches {
            let counts = counts(connection, batch.id).await?;
            judge(connection, batch, &counts).await?;
        }
        Ok(batches.len())
    };
    database.within("advance replays", step).await
}

async fn open_batches(connection: &mut Line) -> Result<Vec<Running>, Error> {
    let batches = sqlx::query_as!(
        Running,
        r#"
        SELECT
            id, state::text AS "state!", canary, canary_passed, stop_percent, stop_after
        FROM replay_batches
        WHERE
            state = 'running'
            OR (
                state IN ('paused', 'stopped')
                AND NOT EXISTS (
                    SELECT FROM replay_items
                    WHERE
                        batch_id = replay_batches.id
                        AND state IN ('claimed', 'sending', 'sent')
                )
            )
            OR (
                state = 'cancelled'
                AND EXISTS (
                    SELECT FROM replay_items
                    WHERE batch_id = replay_batches.id AND state = 'sending'
                )
            )
        ORDER BY id
        FOR UPDATE SKIP LOCKED
        "#,
    );
    batches.fetch_all(connection).await.map_err(Error::during("find open replays"))
}

async fn counts(connection: &mut Line, batch: i64) -> Result<Counts, Error> {
    let counts = sqlx::query_as!(
        Counts,
        r#"
        SELECT
            count(*) FILTER (WHERE item.state IN ('claimed', 'sending', 'sent')) AS "open!",
            count(*) FILTER (WHERE item.state <> 'claimed') AS "begun!",
            count(*) FILTER (WHERE item.state IN ('sending', 'sent')) AS "in_hand!",
            count(*) FILTER (
                WHERE item.state = 'reparked' AND item.state_changed_at >= batch.judged_from
            ) AS "failed!",
            count(*) FILTER (
                WHERE item.state = 'resolved' AND item.state_changed_at >= batch.judged_from
            ) AS "succeeded!",
            count(*) FILTER (
                WHERE item.state = 'returned' AND item.state_changed_at >= batch.judged_from
            ) AS "returned!",
            count(*) FILTER (
                WHERE item.state = 'sending' AND item.leased_until < now()
            ) AS "stale!"
        FROM replay_batches AS batch
        INNER JOIN replay_items AS item ON item.batch_id = batch.id
        WHERE batch.id = $1
        "#,
        batch,
    );
    counts.fetch_one(connection).await.map_err(Error::during("count a replay"))
}

async fn judge(connection: &mut Line, batch: &Running, counts: &Counts) -> Result<(), Error> {
    if batch.state == "cancelled" {
        return if counts.stale > 0 { release(connection, batch.id).await } else { Ok(()) };
    }
    if counts.open == 0 {
        return end(connection, batch.id, "done", None).await;
    }
    if batch.state != "running" {
        return Ok(());
    }
    let finished = counts.failed + counts.succeeded;
    let too_many = counts.failed * 100 > i64::from(batch.stop_percent) * finished;
    if counts.returned > 0 {
        return end(connection, batch.id, "stopped", Some("target-gone")).await;
    }
    let canary = i64::from(batch.canary);
    let canary_done = !batch.canary_passed && counts.begun >= canary && counts.in_hand == 0;
    if too_many && (canary_done || finished >= i64::from(batch.stop_after)) {
        let why = if batch.canary_passed { "too-many-reparked" } else { "canary-failed" };
        return end(connection, batch.id, "stopped", Some(why)).await;
    }
    if canary_done { pass_canary(connection, batch.id).await } else { Ok(()) }
}

async fn pass_canary(connection: &mut Line, batch: i64) -> Result<(), Error> {
    let passed =
        sqlx::query!("UPDATE replay_batches SET canary_passed = true WHERE id = $1", batch);
    passed.execute(connection).await.map_err(Error::during("pass the canary"))?;
    Ok(())
}

/// Whoever sent these died, and nobody wants them sent any more.
async fn release(connection: &mut Line, batch: i64) -> Result<(), Error> {
    let parked = sqlx::query!(
        r#"
        UPDATE dead_letters AS letter
        SET status = 'parked', status_changed_at = now(), replays = letter.replays - 1
        FROM replay_items AS item
        WHERE
            item.batch_id = $1
            AND item.state = 'sending'
            AND item.leased_until < now()
            AND letter.id = item.letter_id
            AND letter.status = 'claimed'
        "#,
        batch,
    );
    parked.execute(&mut *connection).await.map_err(Error::during("park letters again"))?;
    let closed = sqlx::query!(
        r#"
        UPDATE replay_items
        SET state = 'skipped', state_changed_at = now(), leased_until = NULL, code = 'cancelled'
        WHERE batch_id = $1 AND state = 'sending' AND leased_until < now()
        "#,
        batch,
    );
    closed.execute(connection).await.map_err(Error::during("close cancelled replays"))?;
    Ok(())
}

/// Moves a replay that stops or ends by itself, and notes it with what became of its messages.
async fn end(
    connection: &mut Line,
    batch: i64,
    state: &str,
    why: Option<&str>,
) -> Result<(), Error> {
    let moved = sqlx::query!(
        r#"
        UPDATE replay_batches
        SET
            state = ($2::text)::replay_batch_state, state_changed_at = now(),
            stopped_because = $3
        WHERE id = $1
        "#,
        batch,
        state,
        why,
    );
    moved.execute(&mut *connection).await.map_err(Error::during("end a replay"))?;
    let noted = sqlx::query!(
        r#"
        SELECT
            audit_append(
                'replayer', 'system', 'replay.' || $2::text, 'replay:' || batch.id,
                coalesce($3::text, 'nothing is left of it'),
                jsonb_build_object(
                    'selected', batch.selected, 'resolved', batch.resolved,
                    'reparked', batch.reparked, 'returned', batch.returned,
                    'skipped', batch.skipped
                )
            ) AS line
        FROM replay_batches_listed AS batch
        WHERE batch.id = $1
        "#,
        batch,
        state,
        why,
    );
    noted.fetch_one(connection).await.map_err(Error::during("note the end of a replay"))?;
    Ok(())
}

/// How many replays there are that are not over, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Numbers {
    /// Running.
    pub running: u32,
    /// Paused by a person.
    pub paused: u32,
    /// Stopped by themselves.
    pub stopped: u32,
    /// When one made progress last, in seconds since 1970; 0 for never.
    pub last_progress_seconds: f64,
}

/// Counts replays.
///
/// # Errors
/// When the statement fails.
pub async fn numbers(database: &mut Database) -> Result<Numbers, Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            count(*) FILTER (WHERE state = 'running') AS "running!",
            count(*) FILTER (WHERE state = 'paused') AS "paused!",
            count(*) FILTER (WHERE state = 'stopped') AS "stopped!",
            coalesce(extract(EPOCH FROM max(last_progress_at)), 0)::double precision
                AS "last_progress!"
        FROM replay_batches
        "#,
    );
    let row = row.fetch_one(database.connection()?).await;
    let row = row.map_err(Error::during("count replays"))?;
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Numbers {
        running: count(row.running),
        paused: count(row.paused),
        stopped: count(row.stopped),
        last_progress_seconds: row.last_progress,
    })
}
