//! Messages that may be what ends a worker: each is noted before it is decided alone.

use crate::database::Database;
use crate::error::Error;

/// A delivery that came back without an answer, more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspect<'a> {
    /// The work queue it came from.
    pub queue: &'a str,
    /// Who sent it.
    pub source: &'a str,
    /// The sender's id of it.
    pub event_id: &'a str,
}

/// Notes that a suspect is about to be decided; returns how often it was, this time included.
///
/// The note is committed at once: it is what is left of a process that does not survive.
///
/// # Errors
/// When the statement fails.
pub async fn note(database: &mut Database, suspect: Suspect<'_>) -> Result<i32, Error> {
    sqlx::query_scalar!(
        r#"
        INSERT INTO suspects (queue, event_id, source)
        VALUES ($1, $2, $3)
        ON CONFLICT (queue, event_id, source) DO UPDATE
        SET tries = suspects.tries + 1, last_tried_at = now()
        RETURNING tries
        "#,
        suspect.queue,
        suspect.event_id,
        suspect.source,
    )
    .fetch_one(database.connection()?)
    .await
    .map_err(Error::during("note a suspect"))
}

/// Forgets a suspect over which nothing happened.
///
/// # Errors
/// When the statement fails.
pub async fn acquit(database: &mut Database, suspect: Suspect<'_>) -> Result<(), Error> {
    sqlx::query!(
        r#"DELETE FROM suspects WHERE queue = $1 AND event_id = $2 AND source = $3"#,
        suspect.queue,
        suspect.event_id,
        suspect.source,
    )
    .execute(database.connection()?)
    .await
    .map(drop)
    .map_err(Error::during("acquit a suspect"))
}
