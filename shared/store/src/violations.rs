//! The invariants, checked against the whole database.

use serde::Serialize;

use crate::database::Database;
use crate::error::Error;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Violation {
    /// Its number and meaning, such as `I06 stranded money on closed order`.
    pub invariant: String,
    /// The row that violates it.
    pub key: String,
}

/// Every violation there is, as of one moment of the database.
///
/// # Errors
/// When a statement fails.
pub async fn all(database: &mut Database) -> Result<Vec<Violation>, Error> {
    let mut snapshot = database.begin_snapshot("violations").await?;
    let found = sqlx::query_as!(
        Violation,
        r#"
        SELECT invariant AS "invariant!", key AS "key!"
        FROM violations
        ORDER BY invariant, key
        "#,
    );
    let found = found.fetch_all(snapshot.connection()).await;
    let found = found.map_err(Error::during("check the invariants"))?;
    snapshot.rollback().await?;
    Ok(found)
}
