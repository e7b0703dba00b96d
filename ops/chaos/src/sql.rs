//! What is done to the database from outside.

use anyhow::{Context as _, Result};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Ends the sessions of all workers.
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
     WHERE application_name LIKE 'orderflow/%' AND application_name <> 'orderflow/demo'";

/// The database, for whoever is not a worker.
#[derive(Clone)]
pub(crate) struct Outside {
    url: String,
}

impl Outside {
    /// The database at this address.
    pub(crate) fn new(url: String) -> Self {
        Self { url }
    }

    /// Ends the session of every worker.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn end_sessions(&self) -> Result<()> {
        self.run(END_SESSIONS).await
    }

    /// Lets everybody but read in new sessions, or write again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn read_only(&self, on: bool) -> Result<()> {
        let switch = if on { "on" } else { "off" };
        self.run(&format!("ALTER SYSTEM SET default_transaction_read_only = {switch}")).await?;
        self.run("SELECT pg_reload_conf()").await
    }

    /// Takes every connection that there is; they are given back when dropped.
    ///
    /// # Errors
    /// When the workers' sessions cannot be ended.
    pub(crate) async fn take_connections(&self) -> Result<Vec<PgConnection>> {
        let mut own = PgConnection::connect(&self.url).await.context("no connection")?;
        let mut taken = Vec::new();
        // What workers let go is taken as well; a few rounds, because they try again.
        for _ in 0..3 {
            while let Ok(connection) = PgConnection::connect(&self.url).await {
                taken.push(connection);
            }
            sqlx::raw_sql(END_SESSIONS).execute(&mut own).await.context("sessions stay")?;
        }
        taken.push(own);
        Ok(taken)
    }

    async fn run(&self, statement: &str) -> Result<()> {
        let mut connection = PgConnection::connect(&self.url).await.context("no connection")?;
        let writable = "SET default_transaction_read_only = off";
        sqlx::raw_sql(writable).execute(&mut connection).await?;
        // Every part of it is a constant of this file.
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await?;
        connection.close().await.context("failed to say goodbye")
    }
}
