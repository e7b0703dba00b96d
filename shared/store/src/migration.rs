//! The migrations, embedded in the binary.

use sqlx::migrate::{Migrate, Migrator};
use sqlx::{Connection, PgConnection};

use crate::config::DatabaseConfig;
use crate::database::{GREETING_WITHIN, answered, open};
use crate::error::Error;

static MIGRATOR: Migrator = sqlx::migrate!("../../schemas/postgres/migrations");

/// How far a database is migrated, and how far this binary would take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// The last migration applied; 0 for none.
    pub applied: i64,
    /// The last migration this binary knows.
    pub known: i64,
}

impl SchemaVersion {
    /// Whether the database has every migration this binary was built with.
    pub fn is_current(self) -> bool {
        self.applied >= self.known
    }
}

/// Applies the missing migrations; several callers at once wait for each other.
///
/// # Errors
/// When the server is not reached, or a migration fails or was changed after it was applied.
pub async fn migrate(config: &DatabaseConfig) -> Result<SchemaVersion, Error> {
    let mut connection = open(&config.plain_options()).await?;
    MIGRATOR.run(&mut connection).await.map_err(Error::Migrate)?;
    let version = version(&mut connection).await?;
    close(connection).await?;
    Ok(version)
}

/// Undoes migrations down to and without `target`; 0 removes everything.
///
/// # Errors
/// As [`migrate`].
pub async fn undo_migrations(config: &DatabaseConfig, target: i64) -> Result<SchemaVersion, Error> {
    let mut connection = open(&config.plain_options()).await?;
    MIGRATOR.undo(&mut connection, target).await.map_err(Error::Migrate)?;
    let version = version(&mut connection).await?;
    close(connection).await?;
    Ok(version)
}

/// How far the database is migrated.
///
/// # Errors
/// When the server is not reached.
pub async fn schema_version(config: &DatabaseConfig) -> Result<SchemaVersion, Error> {
    let look = async {
        let mut connection = open(&config.plain_options()).await?;
        let version = version(&mut connection).await?;
        close(connection).await?;
        Ok(version)
    };
    answered("look for migrations", GREETING_WITHIN, look).await
}

/// Refuses a database that lacks migrations this build needs.
///
/// # Errors
/// [`Error::SchemaBehind`], and when the server is not reached.
pub async fn require_schema(config: &DatabaseConfig) -> Result<(), Error> {
    let version = schema_version(config).await?;
    if version.is_current() {
        return Ok(());
    }
    let SchemaVersion { applied, known } = version;
    Err(Error::SchemaBehind { applied, known })
}

async fn close(connection: PgConnection) -> Result<(), Error> {
    connection.close().await.map_err(Error::during("close the connection"))
}

async fn version(connection: &mut PgConnection) -> Result<SchemaVersion, Error> {
    let applied = applied(connection).await?;
    let known = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    Ok(SchemaVersion { applied, known })
}

/// The last migration applied; asking must not create the table, which workers may not do.
async fn applied(connection: &mut PgConnection) -> Result<i64, Error> {
    let table = &*MIGRATOR.table_name;
    let exists = sqlx::query_scalar!(r#"SELECT to_regclass($1) IS NOT NULL AS "exists!""#, table);
    let exists = exists.fetch_one(&mut *connection).await;
    if !exists.map_err(Error::during("look for migrations"))? {
        return Ok(0);
    }
    let applied = connection.list_applied_migrations(table).await.map_err(Error::Migrate)?;
    Ok(applied.iter().map(|migration| migration.version).max().unwrap_or(0))
}
