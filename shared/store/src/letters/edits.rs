//! Edits as they are listed, and whether there may be any.

use serde::Serialize;

use super::actions::Said;
use crate::database::Database;
use crate::error::Error;
use crate::timeline::Time;

/// A change of a body that somebody proposed.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct EditRow {
    pub id: i64,
    pub letter_id: i64,
    pub proposed_at: Time,
    pub proposed_by: String,
    pub reason: String,
    pub decided_at: Option<Time>,
    pub decided_by: Option<String>,
    pub approved: Option<bool>,
    pub new_letter_id: Option<i64>,
}

/// Reads the latest thousand edits, those that nobody decided on first.
///
/// # Errors
/// When the statement fails, or the login may not read.
pub async fn edits(database: &mut Database) -> Result<Vec<EditRow>, Error> {
    let rows = sqlx::query_as!(
        EditRow,
        r#"
        SELECT
            id, letter_id, proposed_at AS "proposed_at: Time", proposed_by, reason,
            decided_at AS "decided_at: Time", decided_by, approved, new_letter_id
        FROM dead_letter_edits
        ORDER BY decided_at IS NOT NULL, id DESC
        LIMIT 1000
        "#,
    );
    let rows = rows.fetch_all(database.connection()?).await;
    rows.map_err(Error::during("list edits"))
}

/// Allows edits in this deployment, or forbids them.
///
/// # Errors
/// When the statement fails, or the login is no administrator's.
pub async fn allow_edits(database: &mut Database, said: Said<'_>, on: bool) -> Result<(), Error> {
    let done = sqlx::query_scalar!(
        r#"SELECT allow_edits($1, $2, $3) AS "row!""#,
        said.actor,
        said.reason,
        on,
    );
    let done = done.fetch_one(database.connection()?).await;
    done.map(drop).map_err(Error::during("allow edits"))
}
