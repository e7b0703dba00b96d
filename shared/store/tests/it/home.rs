//! A migrated database of a test's own, and ways into it.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::vault::KeyRing;
use store::{Database, DatabaseConfig, Error};
use testkit::TestDatabase;

/// A database of one test.
pub(crate) struct Home(TestDatabase);

impl Home {
    /// A database with every migration.
    pub(crate) async fn new() -> Self {
        Self(TestDatabase::migrated().await)
    }

    /// A database without any.
    pub(crate) async fn empty() -> Self {
        Self(TestDatabase::empty().await)
    }

    /// Its address, with user and password.
    pub(crate) fn url(&self) -> &str {
        self.0.url()
    }

    pub(crate) fn config(&self) -> DatabaseConfig {
        let url = self.0.url().parse().expect("the test database has a URL");
        let keys = KeyRing::parse(testkit::KEYS).expect("testkit has keys");
        DatabaseConfig { keys, ..DatabaseConfig::new(url, "store-test") }
    }

    /// A connection with other keys.
    pub(crate) async fn connect_with(&self, keys: KeyRing) -> Database {
        let config = DatabaseConfig { keys, ..self.config() };
        Database::connect(&config).await.expect("the test database is there")
    }

    /// A connection that stores everything in clear.
    pub(crate) async fn connect_in_clear(&self) -> Database {
        self.connect_with(KeyRing::default()).await
    }

    /// The tables in which a text lies in clear.
    pub(crate) async fn tables_with(&self, text: &str) -> Vec<String> {
        self.0.tables_with(text).await
    }

    /// A connection as workers have it.
    pub(crate) async fn connect(&self) -> Database {
        Database::connect(&self.config()).await.expect("the test database is there")
    }

    /// A connection for SQL of the test's own.
    pub(crate) async fn sql(&self) -> Sql {
        Sql(PgConnection::connect(self.0.url()).await.expect("the test database is there"))
    }
}

/// A plain connection.
pub(crate) struct Sql(pub(crate) PgConnection);

impl Sql {
    /// Runs statements that must succeed.
    pub(crate) async fn run(&mut self, sql: &str) {
        if let Err(error) = self.try_run(sql).await {
            panic!("{error}: {sql}");
        }
    }

    /// Runs statements.
    pub(crate) async fn try_run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.0).await.map(drop)
    }

    /// One number.
    pub(crate) async fn count(&mut self, sql: &str) -> i64 {
        let sql = format!("SELECT ({sql})::bigint");
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.0).await.expect("it is a count")
    }

    /// One column of text.
    pub(crate) async fn texts(&mut self, sql: &str) -> Vec<String> {
        let texts = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.0);
        texts.await.expect("it is a list of texts")
    }

    /// Asserts that a statement is refused by this constraint or trigger.
    pub(crate) async fn refused(&mut self, constraint: &str, sql: &str) {
        match self.try_run(sql).await {
            Ok(()) => panic!("not refused: {sql}"),
            Err(source) => {
                let error = Error::Statement { step: "test", source };
                assert_eq!(error.constraint(), Some(constraint), "{error:?}: {sql}");
            }
        }
    }

    /// Asserts that a statement is refused with this SQLSTATE.
    pub(crate) async fn refused_with(&mut self, sqlstate: &str, sql: &str) {
        match self.try_run(sql).await {
            Ok(()) => panic!("not refused: {sql}"),
            Err(error) => {
                let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
                assert_eq!(code.as_deref(), Some(sqlstate), "{error}: {sql}");
            }
        }
    }
}
