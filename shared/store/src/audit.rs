//! What people did and why, in a chain that shows every change.

use contracts::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::database::Database;
use crate::decode::at;
use crate::error::Error;
use crate::timeline::Time;

/// What somebody did.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct AuditRow {
    pub id: i64,
    pub recorded_at: Time,
    pub actor: String,
    pub login: String,
    pub role: String,
    pub action: String,
    pub object: String,
    pub reason: String,
    pub detail: Value,
    /// In hex.
    pub hash: String,
}

/// Which rows are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// By this person only.
    pub actor: Option<&'a str>,
    /// Actions that begin so, such as `dlq.` or `replay.start`.
    pub action: Option<&'a str>,
    /// On this object only, such as `replay:7`.
    pub object: Option<&'a str>,
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Before this time only.
    pub until: Option<Timestamp>,
    /// This row only.
    pub id: Option<i64>,
    /// Rows before this one.
    pub before: Option<i64>,
}

/// Reads the audit, the newest row first.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn list(
    database: &mut Database,
    wanted: Wanted<'_>,
    limit: i64,
) -> Result<Vec<AuditRow>, Error> {
    let rows = sqlx::query_as!(
        AuditRow,
        r#"
        SELECT
            id, recorded_at AS "recorded_at: Time", actor, login, role::text AS "role!", action,
            object, reason, detail, encode(hash, 'hex') AS "hash!"
        FROM audit
        WHERE
            ($1::text IS NULL OR actor = $1)
            AND ($2::text IS NULL OR starts_with(action, $2))
            AND ($3::text IS NULL OR object = $3)
            AND ($4::bigint IS NULL OR id = $4)
            AND ($5::bigint IS NULL OR id < $5)
            AND ($7::timestamptz IS NULL OR recorded_at >= $7)
            AND ($8::timestamptz IS NULL OR recorded_at < $8)
        ORDER BY id DESC
        LIMIT $6
        "#,
        wanted.actor,
        wanted.action,
        wanted.object,
        wanted.id,
        wanted.before,
        limit,
        wanted.since.map(at),
        wanted.until.map(at),
    );
    let rows = rows.fetch_all(database.connection()?).await;
    rows.map_err(Error::during("read the audit"))
}

/// What a check of the chain found.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// How many rows there are.
    pub lines: i64,
    /// The last row.
    pub last_id: Option<i64>,
    /// Its hash, in hex: noted elsewhere, it shows when rows are cut off.
    pub last_hash: Option<String>,
    /// The first row that is wrong.
    pub broken_id: Option<i64>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// Checks the whole chain.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn verify(database: &mut Database) -> Result<Checked, Error> {
    let checked = sqlx::query_as!(
        Checked,
        r#"
        SELECT
            lines AS "lines!", last_id, encode(last_hash, 'hex') AS last_hash, broken_id, problem
        FROM audit_verify()
        "#,
    );
    let checked = checked.fetch_one(database.connection()?).await;
    checked.map_err(Error::during("verify the audit"))
}
