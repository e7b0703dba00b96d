//! The condition of a server: its settings, its clock, and what this user may see.

use std::collections::BTreeMap;

use crate::database::Database;
use crate::error::Error;

/// What a server says of itself.
///
/// It asks the catalogue only, which every database has, so that it can be asked of one without
/// our schema; statements on it gain nothing from being checked against our tables.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Its settings, as the session has them.
    pub settings: BTreeMap<String, String>,
    /// Its time of day, in microseconds since 1970.
    pub clock_micros: i64,
    /// Size of the database in bytes.
    pub size: i64,
    /// Connections of clients, this one included.
    pub connections: i64,
    /// Whether this user may do anything.
    pub superuser: bool,
    /// Tables that this user may not read.
    pub unreadable: Vec<String>,
}

const SERVER: &str = "
    SELECT
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
        pg_database_size(current_database()),
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
        (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)";

const SETTINGS: &str = "SELECT name, setting FROM pg_settings";

const UNREADABLE: &str = "
    SELECT c.relname::text
    FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace
        AND c.relkind IN ('r', 'p')
        AND NOT c.relispartition
        AND NOT has_table_privilege(c.oid, 'SELECT')
    ORDER BY 1";

/// Asks the server.
///
/// # Errors
/// When a statement fails.
pub async fn of(database: &mut Database) -> Result<Condition, Error> {
    let connection = database.connection()?;
    let server = sqlx::query_as::<_, (i64, i64, i64, bool)>(SERVER);
    let server = server.fetch_one(&mut *connection).await;
    let (clock_micros, size, connections, superuser) =
        server.map_err(Error::during("ask for the condition of the server"))?;
    let settings = sqlx::query_as::<_, (String, String)>(SETTINGS);
    let settings = settings.fetch_all(&mut *connection).await;
    let settings = settings.map_err(Error::during("ask for settings"))?.into_iter().collect();
    let unreadable = sqlx::query_scalar::<_, String>(UNREADABLE).fetch_all(connection).await;
    let unreadable = unreadable.map_err(Error::during("ask for permissions"))?;
    Ok(Condition { settings, clock_micros, size, connections, superuser, unreadable })
}
