//! What happened to one dead letter: failures, replays, notes of its group.

use serde::Serialize;

use crate::database::Database;
use crate::error::Error;
use crate::timeline::Time;

/// A failure of a letter.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct FailureRow {
    pub failed_at: Time,
    pub error_class: String,
    pub error_code: String,
    pub error_detail: Option<String>,
    pub attempts: i32,
    pub worker_version: Option<String>,
    /// The replay that failed, if it was one.
    pub batch_id: Option<i64>,
}

/// A replay of a letter.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct ReplayedRow {
    pub batch_id: i64,
    pub replay: i32,
    pub state: String,
    pub state_changed_at: Time,
    pub sent_at: Option<Time>,
    pub trace_id: Option<String>,
    /// Why it was skipped or came back.
    pub code: Option<String>,
    pub actor: String,
    pub reason: String,
}

/// What somebody found out about a group.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct NoteRow {
    pub noted_at: Time,
    pub actor: String,
    pub note: String,
}

/// What happened to one letter.
#[derive(Clone, Debug, Serialize)]
pub struct Story {
    /// Its failures, the oldest first.
    pub failures: Vec<FailureRow>,
    /// Its replays, the oldest first.
    pub replays: Vec<ReplayedRow>,
    /// Notes on failures like it.
    pub notes: Vec<NoteRow>,
}

/// Reads what happened to a letter of a group (its fingerprint in hex).
///
/// # Errors
/// When a statement fails, or the login may not read.
pub async fn story(database: &mut Database, id: i64, group: &str) -> Result<Story, Error> {
    let connection = database.connection()?;
    let failures = sqlx::query_as!(
        FailureRow,
        r#"
        SELECT
            failure.failed_at AS "failed_at: Time", failure.error_class, failure.error_code,
            failure.error_detail, failure.attempts, failure.worker_version,
            item.batch_id AS "batch_id?"
        FROM dead_letter_attempts AS failure
        LEFT JOIN replay_items AS item ON item.id = failure.replay_item
        WHERE failure.letter_id = $1
        ORDER BY failure.failed_at
        "#,
        id,
    );
    let failures = failures.fetch_all(&mut *connection).await;
    let failures = failures.map_err(Error::during("read the failures of a dead letter"))?;
    let replays = sqlx::query_as!(
        ReplayedRow,
        r#"
        SELECT
            item.batch_id, item.replay, item.state::text AS "state!",
            item.state_changed_at AS "state_changed_at: Time", item.sent_at AS "sent_at: Time",
            item.trace_id, item.code, batch.actor AS "actor!", batch.reason AS "reason!"
        FROM replay_items AS item
        INNER JOIN replay_batches_listed AS batch ON batch.id = item.batch_id
        WHERE item.letter_id = $1
        ORDER BY item.id
        "#,
        id,
    );
    let replays = replays.fetch_all(&mut *connection).await;
    let replays = replays.map_err(Error::during("read the replays of a dead letter"))?;
    let notes = notes(database, group).await?;
    Ok(Story { failures, replays, notes })
}

/// Reads the notes on a group (its fingerprint in hex), the oldest first.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn notes(database: &mut Database, group: &str) -> Result<Vec<NoteRow>, Error> {
    let rows = sqlx::query_as!(
        NoteRow,
        r#"
        SELECT noted_at AS "noted_at: Time", actor, note
        FROM group_notes
        WHERE fingerprint = decode($1, 'hex')
        ORDER BY id
        "#,
        group,
    );
    let rows = rows.fetch_all(database.connection()?).await;
    rows.map_err(Error::during("read notes"))
}
