//! Dead letters that nobody has dealt with, counted.

use contracts::Timestamp;

use crate::database::Database;
use crate::error::Error;

/// What is parked of one queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterBacklog {
    /// The work queue whose worker gave up, or the queue of what reached none.
    pub queue: String,
    /// How many.
    pub letters: i64,
    /// How many groups of like failures they make.
    pub groups: i64,
    /// When the oldest of them failed first.
    pub oldest: Timestamp,
}

/// Counts parked dead letters by queue; queues without any are left out.
///
/// # Errors
/// When the statement fails.
pub async fn letter_backlog(database: &mut Database) -> Result<Vec<LetterBacklog>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            source_queue AS queue,
            count(*) AS "letters!",
            count(DISTINCT fingerprint) AS "groups!",
            min(first_failed_at) AS "oldest!"
        FROM dead_letters
        WHERE status = 'parked'
        GROUP BY source_queue
        ORDER BY source_queue
        "#,
    );
    let rows = rows.fetch_all(database.connection()?).await;
    let rows = rows.map_err(Error::during("count dead letters"))?;
    let backlog = rows.into_iter().map(|row| LetterBacklog {
        queue: row.queue,
        letters: row.letters,
        groups: row.groups,
        oldest: row.oldest.into(),
    });
    Ok(backlog.collect())
}
