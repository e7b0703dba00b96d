//! Looking into a test's database from outside of what is tested.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::TestDatabase;

/// A transaction that is left open.
#[derive(Debug)]
pub struct Held(PgConnection);

impl Held {
    /// Undoes it, and gives back what it locked.
    ///
    /// # Panics
    /// When the server is gone.
    pub async fn release(mut self) {
        let ended = sqlx::raw_sql("ROLLBACK").execute(&mut self.0).await;
        ended.expect("a transaction can be undone");
    }
}

impl TestDatabase {
    /// The one number that a query answers with; for counts and checks.
    ///
    /// # Panics
    /// When the query fails: the test asked wrongly.
    pub async fn number(&self, sql: &str) -> i64 {
        let mut connection = self.connection().await;
        let number = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql.to_owned()));
        number.fetch_one(&mut connection).await.expect("the query answers with one bigint")
    }

    /// The first column of every row, as text.
    ///
    /// # Panics
    /// When the query fails: the test asked wrongly.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let mut connection = self.connection().await;
        let texts = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql.to_owned()));
        texts.fetch_all(&mut connection).await.expect("the query answers with rows of text")
    }

    /// Runs statements, for seeding faults.
    ///
    /// # Panics
    /// When a statement fails.
    pub async fn run(&self, sql: &str) {
        let mut connection = self.connection().await;
        let ran = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
        ran.expect("the statements of a test run");
    }

    /// Begins a transaction, runs statements, and leaves it open: what they lock stays locked.
    ///
    /// # Panics
    /// When a statement fails.
    pub async fn hold(&self, sql: &str) -> Held {
        let mut connection = self.connection().await;
        let begun = sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; {sql}"))).execute(&mut connection);
        begun.await.expect("the statements of a test run");
        Held(connection)
    }

    /// The tables in which a text lies in clear, in any column, as text or as bytes.
    ///
    /// # Panics
    /// When a table cannot be read.
    pub async fn tables_with(&self, text: &str) -> Vec<String> {
        let tables = "SELECT quote_ident(table_name) FROM information_schema.tables
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1";
        let mut found = Vec::new();
        for table in self.texts(tables).await {
            let rows = format!(
                "SELECT count(*) FROM {table} AS row
                 WHERE
                     row::text LIKE '%{text}%'
                     OR row::text LIKE '%' || encode('{text}', 'hex') || '%'"
            );
            if self.number(&rows).await > 0 {
                found.push(table);
            }
        }
        found
    }

    /// Takes every connection that the server has left, until what is returned is dropped.
    pub async fn take_connections(&self) -> Vec<PgConnection> {
        let mut taken = Vec::new();
        while let Ok(connection) = PgConnection::connect(self.url()).await {
            taken.push(connection);
        }
        taken
    }

    async fn connection(&self) -> PgConnection {
        PgConnection::connect(self.url()).await.expect("the test's database is there")
    }
}
