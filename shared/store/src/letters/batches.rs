//! Replays as people follow and steer them.

use serde::Serialize;

use super::actions::Said;
use crate::database::Database;
use crate::error::Error;
use crate::timeline::Time;

/// A replay, with what became of its messages.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct BatchRow {
    pub id: i64,
    pub state: String,
    pub state_changed_at: Time,
    pub stopped_because: Option<String>,
    pub created_at: Time,
    pub last_progress_at: Option<Time>,
    pub actor: String,
    pub reason: String,
    /// As a person wrote it.
    pub filter_text: String,
    pub target: Option<String>,
    pub rate_per_second: f64,
    pub max_in_flight: i32,
    pub canary: i32,
    pub canary_passed: bool,
    pub stop_percent: i32,
    pub stop_after: i32,
    pub forced: bool,
    pub selected: i32,
    pub claimed: i64,
    pub sending: i64,
    pub sent: i64,
    pub resolved: i64,
    pub reparked: i64,
    pub returned: i64,
    pub skipped: i64,
}

impl BatchRow {
    /// How many of its messages have come to an end.
    pub fn ended(&self) -> i64 {
        self.resolved + self.reparked + self.returned + self.skipped
    }

    /// Whether nothing more becomes of it by itself.
    pub fn is_over(&self) -> bool {
        self.state == "done" || (self.state == "cancelled" && self.open() == 0)
    }

    /// How many of its messages have not come to an end.
    pub fn open(&self) -> i64 {
        self.claimed + self.sending + self.sent
    }
}

/// Reads replays, the newest first: one, those that are not done, or all.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn batches(
    database: &mut Database,
    id: Option<i64>,
    open_only: bool,
    limit: i64,
) -> Result<Vec<BatchRow>, Error> {
    let rows = sqlx::query_as!(
        BatchRow,
        r#"
        SELECT
            id AS "id!", state::text AS "state!", state_changed_at AS "state_changed_at!: Time",
            stopped_because, created_at AS "created_at!: Time",
            last_progress_at AS "last_progress_at: Time", actor AS "actor!", reason AS "reason!",
            filter_text AS "filter_text!", target, rate_per_second AS "rate_per_second!",
            max_in_flight AS "max_in_flight!", canary AS "canary!",
            canary_passed AS "canary_passed!", stop_percent AS "stop_percent!",
            stop_after AS "stop_after!", forced AS "forced!", selected AS "selected!",
            claimed AS "claimed!", sending AS "sending!", sent AS "sent!",
            resolved AS "resolved!", reparked AS "reparked!", returned AS "returned!",
            skipped AS "skipped!"
        FROM replay_batches_listed
        WHERE
            ($1::bigint IS NULL OR id = $1)
            AND (NOT $2 OR state IN ('running', 'paused', 'stopped'))
        ORDER BY id DESC
        LIMIT $3
        "#,
        id,
        open_only,
        limit,
    );
    let rows = rows.fetch_all(database.connection()?).await;
    rows.map_err(Error::during("list replays"))
}

/// Messages of a replay that ended in one way and for one cause.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct OutcomeRow {
    pub state: String,
    pub code: Option<String>,
    pub count: i64,
    /// One of the letters.
    pub sample_letter: i64,
}

/// What became of the messages of a replay, and why.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn outcomes(database: &mut Database, batch: i64) -> Result<Vec<OutcomeRow>, Error> {
    let rows = sqlx::query_as!(
        OutcomeRow,
        r#"
        SELECT
            state::text AS "state!", code, count(*) AS "count!",
            min(letter_id) AS "sample_letter!"
        FROM replay_items
        WHERE batch_id = $1
        GROUP BY state, code
        ORDER BY state, code
        "#,
        batch,
    );
    let rows = rows.fetch_all(database.connection()?).await;
    rows.map_err(Error::during("read what became of a replay"))
}

/// How many letters of the groups of a replay failed since it began, without being part of it.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn new_since_start(database: &mut Database, batch: i64) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!"
        FROM dead_letters_listed AS letter
        WHERE
            letter.last_failed_at > (
                SELECT created_at FROM replay_batches_listed WHERE id = $1
            )
            AND letter.fingerprint IN (
                SELECT DISTINCT other.fingerprint
                FROM replay_items AS item
                INNER JOIN dead_letters_listed AS other ON other.id = item.letter_id
                WHERE item.batch_id = $1
            )
            AND NOT EXISTS (
                SELECT FROM replay_items AS item
                WHERE item.batch_id = $1 AND item.letter_id = letter.id
            )
        "#,
        batch,
    );
    let count = count.fetch_one(database.connection()?).await;
    count.map_err(Error::during("count new failures"))
}

/// Sends nothing more of a replay until it is resumed.
///
/// # Errors
/// When the statement fails or is refused.
pub async fn pause(database: &mut Database, said: Said<'_>, batch: i64) -> Result<(), Error> {
    let done = sqlx::query!("SELECT replay_pause($1, $2, $3)", said.actor, said.reason, batch);
    let done = done.execute(database.connection()?).await;
    done.map_err(Error::during("pause a replay"))?;
    Ok(())
}

/// Goes on with a replay.
///
/// # Errors
/// When the statement fails or is refused.
pub async fn resume(database: &mut Database, said: Said<'_>, batch: i64) -> Result<(), Error> {
    let done = sqlx::query!("SELECT replay_resume($1, $2, $3)", said.actor, said.reason, batch);
    let done = done.execute(database.connection()?).await;
    done.map_err(Error::during("resume a replay"))?;
    Ok(())
}

/// Ends a replay; how many letters it gives back that were not sent, or not decided.
///
/// # Errors
/// When the statement fails or is refused.
pub async fn cancel(
    database: &mut Database,
    said: Said<'_>,
    batch: i64,
    release_sent: bool,
) -> Result<i64, Error> {
    let released = sqlx::query_scalar!(
        r#"SELECT replay_cancel($1, $2, $3, $4) AS "released!""#,
        said.actor,
        said.reason,
        batch,
        release_sent,
    );
    let released = released.fetch_one(database.connection()?).await;
    released.map_err(Error::during("cancel a replay"))
}
