//! The invariants, checked one by one against one moment of the whole database.

use std::time::Duration;

use serde::Serialize;

use crate::database::{Database, Transaction};
use crate::error::Error;

/// Memory for each sort and hash of a check; what does not fit goes to disk.
const WORK_MEM: &str = "128MB";

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Violation {
    /// Its number and meaning, such as `I06 stranded money on closed order`.
    pub invariant: String,
    /// The row that violates it.
    pub key: String,
}

/// One moment of the database, in which each invariant is looked for by itself.
#[derive(Debug)]
pub struct Check<'c>(Transaction<'c>);

impl<'c> Check<'c> {
    /// Begins to look; no invariant may take longer than `limit`.
    ///
    /// Every statement reads whole tables and joins sums of which the planner knows no number: a
    /// loop over an index, which it then prefers, takes up to three times as long.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn begin(database: &'c mut Database, limit: Duration) -> Result<Self, Error> {
        let mut snapshot = database.begin_snapshot("violations").await?;
        let settings = sqlx::query!(
            r#"
            SELECT
                set_config('statement_timeout', $1, true) AS timeout,
                set_config('work_mem', $2, true) AS memory
            "#,
            limit.as_millis().to_string(),
            WORK_MEM,
        );
        let set = settings.fetch_one(snapshot.connection()).await;
        set.map_err(Error::during("set the limits of a check"))?;
        let mut check = Self(snapshot);
        check.run("SET LOCAL enable_nestloop = off", "set the planner of a check").await?;
        Ok(check)
    }

    /// What violates the invariant of this number, such as `I06`; `None` when it took too long.
    ///
    /// The view keeps its branches apart by a constant, so that only those of the number are run.
    ///
    /// # Errors
    /// When a statement fails for another reason.
    pub async fn of(&mut self, number: &str) -> Result<Option<Vec<Violation>>, Error> {
        self.run("SAVEPOINT invariant", "mark a check").await?;
        let found = sqlx::query_as!(
            Violation,
            r#"
            SELECT invariant AS "invariant!", key AS "key!"
            FROM violations
            WHERE left(invariant, 3) = $1
            ORDER BY key
            "#,
            number,
        );
        let found = found.fetch_all(self.0.connection()).await;
        self.unless_late(found.map_err(Error::during("check the invariants"))).await
    }

    /// What was found, or `None` when time was up.
    async fn unless_late(
        &mut self,
        found: Result<Vec<Violation>, Error>,
    ) -> Result<Option<Vec<Violation>>, Error> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.code() == "statement-timeout" => {
                self.run("ROLLBACK TO SAVEPOINT invariant", "go back to a mark").await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What violates invariants that have none of these numbers: those of a newer schema.
    ///
    /// `None` when that took longer than a check may.
    ///
    /// # Errors
    /// When a statement fails for another reason.
    pub async fn of_none(&mut self, numbers: &[String]) -> Result<Option<Vec<Violation>>, Error> {
        self.run("SAVEPOINT invariant", "mark a check").await?;
        let found = sqlx::query_as!(
            Violation,
            r#"
            SELECT invariant AS "invariant!", key AS "key!"
            FROM violations
            WHERE left(invariant, 3) <> ALL($1)
            ORDER BY invariant, key
            "#,
            numbers,
        );
        let found = found.fetch_all(self.0.connection()).await;
        self.unless_late(found.map_err(Error::during("check further invariants"))).await
    }

    /// Lets go of the moment.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn end(self) -> Result<(), Error> {
        self.0.rollback().await
    }

    async fn run(&mut self, statement: &'static str, step: &'static str) -> Result<(), Error> {
        let run = sqlx::raw_sql(statement).execute(self.0.connection()).await;
        run.map(drop).map_err(Error::during(step))
    }
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
