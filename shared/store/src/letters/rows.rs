//! Dead letters as they are listed: everything but headers and body.

use serde::Serialize;
use serde_json::Value;

use super::compiled::Compiled;
use crate::database::Database;
use crate::error::Error;
use crate::timeline::Time;

/// A dead letter without headers and body.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct LetterRow {
    pub id: i64,
    pub status: String,
    pub status_changed_at: Time,
    /// The replay that it is part of now.
    pub batch_id: Option<i64>,
    pub source_queue: String,
    pub event_type: String,
    pub order_id: Option<String>,
    pub error_class: String,
    pub error_code: String,
    pub error_detail: Option<String>,
    /// In hex.
    pub fingerprint: String,
    pub attempts: i32,
    pub replays: i32,
    pub first_failed_at: Time,
    pub last_failed_at: Time,
    pub worker_version: Option<String>,
    pub exchange: String,
    pub routing_key: String,
    pub message_key: String,
    pub key_source: String,
    pub properties: Value,
    pub sealed: bool,
    pub erased_at: Option<Time>,
    pub edited_from: Option<i64>,
    pub archived_code: Option<String>,
    /// Of the body, in hex.
    pub digest: String,
}

/// Reads letters by what stands behind the table in a statement.
macro_rules! letters {
    ($rest:literal, $($bound:expr),+ $(,)?) => {
        sqlx::query_as!(
            LetterRow,
            r#"
            SELECT
                id AS "id!", status AS "status!", status_changed_at AS "status_changed_at!: Time",
                batch_id, source_queue AS "source_queue!", event_type AS "event_type!", order_id,
                error_class AS "error_class!", error_code AS "error_code!", error_detail,
                fingerprint AS "fingerprint!", attempts AS "attempts!", replays AS "replays!",
                first_failed_at AS "first_failed_at!: Time",
                last_failed_at AS "last_failed_at!: Time", worker_version, exchange AS "exchange!",
                routing_key AS "routing_key!", message_key AS "message_key!",
                key_source AS "key_source!", properties AS "properties!",
                sealed AS "sealed!", erased_at AS "erased_at: Time", edited_from, archived_code,
                digest AS "digest!"
            FROM dead_letters_listed
            "# + $rest,
            $($bound),+
        )
    };
}

/// Which part of a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Begin with the first letter older than this one; absent: with the newest.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// Reads a page of what matches, the newest first.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn list(
    database: &mut Database,
    filter: &Compiled,
    page: Page,
) -> Result<Vec<LetterRow>, Error> {
    let rows = letters!(
        r#"
        WHERE id IN (
            SELECT matching.id
            FROM dead_letters_matching($1) AS matching (id)
            WHERE $2::bigint IS NULL OR matching.id < $2
            ORDER BY matching.id DESC
            LIMIT $3
        )
        ORDER BY id DESC
        "#,
        filter.value(),
        page.before,
        page.limit,
    );
    let rows = rows.fetch_all(database.connection()?).await;
    rows.map_err(Error::during("list dead letters"))
}

/// Reads letters that came, failed again or were acted on since `since`, the oldest change first.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn changed_since(
    database: &mut Database,
    filter: &Compiled,
    since: contracts::Timestamp,
    limit: i64,
) -> Result<Vec<LetterRow>, Error> {
    let rows = letters!(
        r#"
        WHERE id IN (SELECT dead_letters_matching($1))
        ORDER BY status_changed_at, id
        LIMIT $2
        "#,
        filter.changed_since(since),
        limit,
    );
    let rows = rows.fetch_all(database.connection()?).await;
    rows.map_err(Error::during("read what happened to dead letters"))
}

/// How many letters match.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn count(database: &mut Database, filter: &Compiled) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM dead_letters_matching($1)"#,
        filter.value(),
    );
    let count = count.fetch_one(database.connection()?).await;
    count.map_err(Error::during("count dead letters"))
}
