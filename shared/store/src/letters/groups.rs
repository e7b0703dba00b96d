//! Dead letters counted: by group of like failures, and by queue and code.

use serde::Serialize;

use super::compiled::Compiled;
use crate::database::Database;
use crate::error::Error;
use crate::timeline::Time;

/// Like failures, counted.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct GroupRow {
    /// In hex.
    pub fingerprint: String,
    pub source_queue: String,
    pub event_type: String,
    pub error_class: String,
    pub error_code: String,
    pub detail_pattern: String,
    /// How many of it match.
    pub matching: i64,
    pub parked: i64,
    pub claimed: i64,
    pub resolved: i64,
    pub archived: i64,
    pub first_build: Option<String>,
    pub first_seen_at: Time,
    pub last_seen_at: Time,
    pub sample_id: Option<i64>,
    pub notes: i64,
}

/// Reads the groups that letters of a filter belong to, the largest first.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn groups(
    database: &mut Database,
    filter: &Compiled,
    limit: i64,
) -> Result<Vec<GroupRow>, Error> {
    let rows = sqlx::query_as!(
        GroupRow,
        r#"
        SELECT
            known.fingerprint AS "fingerprint!", known.source_queue AS "source_queue!",
            known.event_type AS "event_type!", known.error_class AS "error_class!",
            known.error_code AS "error_code!", known.detail_pattern AS "detail_pattern!",
            matching.count AS "matching!", known.parked AS "parked!",
            known.claimed AS "claimed!", known.resolved AS "resolved!",
            known.archived AS "archived!", known.first_build,
            known.first_seen_at AS "first_seen_at!: Time",
            known.last_seen_at AS "last_seen_at!: Time", known.sample_id, known.notes AS "notes!"
        FROM (
            SELECT letter.fingerprint, count(*) AS count
            FROM dead_letters_listed AS letter
            WHERE letter.id IN (SELECT dead_letters_matching($1))
            GROUP BY letter.fingerprint
        ) AS matching
        INNER JOIN failure_groups_listed AS known ON known.fingerprint = matching.fingerprint
        ORDER BY matching.count DESC, known.last_seen_at DESC, known.fingerprint
        LIMIT $2
        "#,
        filter.value(),
        limit,
    );
    let rows = rows.fetch_all(database.connection()?).await;
    rows.map_err(Error::during("group dead letters"))
}

/// Dead letters of a queue that failed with one code.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct StatRow {
    pub source_queue: String,
    pub error_class: String,
    pub error_code: String,
    pub parked: i64,
    /// Part of a replay.
    pub replaying: i64,
    pub resolved: i64,
    pub archived: i64,
    /// When the oldest of them failed first.
    pub oldest_at: Time,
    pub newest_at: Time,
}

/// Counts letters by queue and code.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn stats(database: &mut Database, filter: &Compiled) -> Result<Vec<StatRow>, Error> {
    let rows = sqlx::query_as!(
        StatRow,
        r#"
        SELECT
            source_queue AS "source_queue!", error_class AS "error_class!",
            error_code AS "error_code!",
            count(*) FILTER (WHERE status = 'parked') AS "parked!",
            count(*) FILTER (WHERE status IN ('claimed', 'sending', 'sent')) AS "replaying!",
            count(*) FILTER (WHERE status = 'resolved') AS "resolved!",
            count(*) FILTER (WHERE status = 'archived') AS "archived!",
            min(first_failed_at) AS "oldest_at!: Time", max(last_failed_at) AS "newest_at!: Time"
        FROM dead_letters_listed
        WHERE id IN (SELECT dead_letters_matching($1))
        GROUP BY source_queue, error_class, error_code
        ORDER BY count(*) DESC, source_queue, error_code
        "#,
        filter.value(),
    );
    let rows = rows.fetch_all(database.connection()?).await;
    rows.map_err(Error::during("count dead letters"))
}
